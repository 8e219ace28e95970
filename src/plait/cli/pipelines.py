"""``plait pipelines``: what can be run in this project?"""

from __future__ import annotations

import sys

import click

from plait.cli.here import json_option, open_here

__all__ = ["command"]


@click.command(
    "pipelines",
    help="""The pipelines of the project by name. Leaves with 1 when a module of theirs cannot be imported.""",
)
@click.option("--env", "-e", metavar="ENV", help="The environment, where that decides what a module defines.")
@json_option
def command(env: str | None, as_json: bool) -> int:
    import os

    from plait.cli.problems import show
    from plait.cli.store import print_json
    from plait.display.project import pipelines_lines
    from plait.display.screen import Screen
    from plait.display.text import Text

    if env is not None:
        os.environ["PLAIT_ENV"] = env
    project = open_here(env, conf=False)
    pipelines = project.pipelines
    default = project.file.default if project.file else None
    if as_json:
        print_json(
            [
                {"name": name, "where": one.where, "description": one.doc, "default": name == default}
                for name, one in pipelines.items()
            ]
        )
    else:
        screen = Screen(sys.stdout)
        lines = pipelines_lines(pipelines, default, screen.width)
        screen.write(lines or [Text("there are no pipelines", "dim")])
    for error in pipelines.broken:
        show(error)
    return 1 if pipelines.broken else 0
