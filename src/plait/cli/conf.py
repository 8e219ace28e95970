"""``plait conf``: what does the conf say in this environment, and which line says it?"""

from __future__ import annotations

import sys

import click

from plait.cli.here import env_option, json_option, open_here

__all__ = ["command"]


@click.group("conf", help="What the conf says, and which line says it.", no_args_is_help=True)
def command() -> None:
    pass


@command.command(
    "show",
    help="""Each value as it is after all environments were merged and ${…} resolved, with its file and line.

KEY is a kind of file (parameters), a key in one (catalog.flights), or a key of any (model.alpha). Secrets are
masked.""",
)
@click.argument("key", required=False)
@env_option
@json_option
def show(key: str | None, env: str | None, as_json: bool) -> None:
    from plait.cli.store import print_json
    from plait.display.project import conf_lines
    from plait.display.screen import Screen
    from plait.display.text import Text

    conf = open_here(env).conf
    shown = conf.show(key)
    if as_json:
        print_json(
            [{"kind": one.kind, "key": one.key, "value": one.value, "where": one.origin} for one in shown]
        )
        return
    screen = Screen(sys.stdout)
    if not shown:
        screen.write([Text("the conf says nothing", "dim")])
        return
    head = Text("environments ", "dim").add(" < ".join(conf.environments))
    screen.write([head, Text(), *conf_lines(shown, screen.width)])
