"""On which environment and stack does a command work? ``--env`` and ``--stack`` for all that read or write runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

__all__ = ["add_place_options"]


def add_place_options(command: click.Command) -> None:
    """Give a command ``--env`` and ``--stack``, unless it has them.

    They hold for all that the command does, in this process and in those that it starts: as if ``PLAIT_ENV`` and
    ``PLAIT_STACK`` had been set.
    """
    known = {name for parameter in command.params for name in parameter.opts}
    if "--env" not in known:
        command.params.append(
            click.Option(
                [name for name in ("--env", "-e") if name not in known],
                metavar="ENV",
                expose_value=False,
                callback=_setting("PLAIT_ENV"),
                help="The environment of the conf; PLAIT_ENV, else local.",
            )
        )
    if "--stack" not in known:
        command.params.append(
            click.Option(
                ["--stack"],
                metavar="NAME",
                expose_value=False,
                callback=_setting("PLAIT_STACK"),
                help="The stack to work on; PLAIT_STACK, else that of the environment.",
            )
        )


def _setting(variable: str) -> Callable[[click.Context, click.Parameter, Any], Any]:
    def chosen(context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
        if value is not None:
            context.with_resource(_set(variable, value))
        return value

    return chosen


@contextmanager
def _set(variable: str, value: str) -> Iterator[None]:
    before = os.environ.get(variable)
    os.environ[variable] = value
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(variable, None)
        else:
            os.environ[variable] = before
