"""``plait package``: how does a project run on another machine?"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from plait.cli.here import json_option, open_here

__all__ = ["command"]


@click.command(
    "package",
    help="""Make a wheel of the project that runs with `python -m PACKAGE`, and an archive of its conf.

conf/local and credentials are not in it: bring those another way.""",
)
@click.option(
    "--out",
    "-o",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Where to; dist/ in the project if left out.",
)
@json_option
def command(out: Path | None, as_json: bool) -> None:
    from plait.cli.store import print_json
    from plait.display.screen import Screen
    from plait.display.text import Text, columns
    from plait.project.package import package_project

    project = open_here(None, conf=False)
    made = package_project(project, out or project.root / "dist")
    if as_json:
        print_json({"wheel": made.wheel, "conf": made.conf, "package": made.package})
        return
    files = [made.wheel, *([made.conf] if made.conf else [])]
    shown = [os.path.relpath(file) for file in files]
    steps = [(f"pip install {shown[0]}", "on the other machine")]
    if made.conf:
        steps.append((f"tar xf {shown[1]}", "gives conf/"))
    steps.append((f"python -m {made.package}", "as plait run"))
    Screen(sys.stdout).write(
        [
            *(Text("✓ ", "done").add(one) for one in shown),
            Text(),
            *columns(
                [[Text("→ ", "dim").add(typed, "name"), Text(why, "dim")] for typed, why in steps], width=120
            ),
        ]
    )
