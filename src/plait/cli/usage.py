"""How is a wrongly typed command answered? With the command's own usage, in one or two lines."""

from __future__ import annotations

import sys

import click

from plait.errors import nearest

__all__ = ["explain"]


def explain(error: click.UsageError) -> None:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        print(error.format_message(), file=sys.stderr)
        return
    message = error.format_message()
    if isinstance(error, click.NoSuchOption) and error.ctx is not None:
        known = [name for parameter in error.ctx.command.get_params(error.ctx) for name in parameter.opts]
        close = [name for name in nearest(error.option_name, known) if len(error.option_name) > 4]
        message = f"there is no option {error.option_name}" + (
            f"\n  → did you mean {close[0]}?" if close else ""
        )
        if error.ctx.info_name in ("run", "plan"):
            message += f"\n  → a parameter is written without dashes: {error.option_name.lstrip('-')}=VALUE"
    print(message[:1].lower() + message[1:] if message[1:2].islower() else message, file=sys.stderr)
    if error.ctx is not None:
        print(f"  → {error.ctx.command_path} --help", file=sys.stderr)
