"""``plait params``: what can be set, to what is it set, and where is that written?"""

from __future__ import annotations

import sys

import click

from plait.cli.here import env_option, json_option, open_here

__all__ = ["command"]


@click.command(
    "params",
    help="""The parameters of the environment: their values, and the file and line of each.

NAME is one of them, or a group: model, model.alpha.""",
)
@click.argument("name", required=False)
@env_option
@json_option
def command(name: str | None, env: str | None, as_json: bool) -> None:
    from plait.cli.store import print_json
    from plait.display.project import conf_lines
    from plait.display.screen import Screen
    from plait.display.text import Text

    params = open_here(env).params
    if name is not None:
        params.get(name)
        bare = name.removeprefix("params:")
        shown = params.conf.show("parameters" if bare == "parameters" else f"parameters.{bare}")
    else:
        shown = params.conf.show("parameters") if params.all() else []
    if as_json:
        print_json([{"name": one.key, "value": one.value, "where": one.origin} for one in shown])
        return
    screen = Screen(sys.stdout)
    if shown:
        screen.write(conf_lines(shown, screen.width, kinds=False))
    else:
        screen.write([Text("there are no parameters", "dim"), "  → conf/base/parameters.yml holds them"])
