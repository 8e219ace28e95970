"""``plait new``: how does a project begin?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from plait.display.text import Text
    from plait.project.new import Made, Template

__all__ = ["command"]


@click.command(
    "new",
    help="""Write a project that runs, tests and lints at once.

PATH is a folder that is new or empty. The project has data and settings in conf/, code in src/, tests, a notebook and
a CI file. `plait new --list` shows the templates.""",
)
@click.argument("path", required=False, type=click.Path(path_type=Path))
@click.option(
    "--template",
    "-t",
    default="minimal",
    show_default=True,
    metavar="NAME",
    help="What the project starts as.",
)
@click.option(
    "--name", metavar="NAME", help="Of the project and its package; that of the folder if left out."
)
@click.option("--list", "list_them", is_flag=True, help="Show the templates and do nothing.")
@click.option("--json", "as_json", is_flag=True, help="A JSON object, or a list of templates.")
def command(path: Path | None, template: str, name: str | None, list_them: bool, as_json: bool) -> None:
    from plait.cli.store import print_json
    from plait.display.screen import Screen
    from plait.project.new import find_templates, make_project

    screen = Screen(sys.stdout)
    if list_them:
        templates = list(find_templates().values())
        if as_json:
            print_json(
                [{"name": one.name, "description": one.description, "from": one.source} for one in templates]
            )
        else:
            screen.write(_table(templates, screen.width))
        return
    if path is None:
        raise click.UsageError("missing argument 'PATH'", click.get_current_context())
    made = make_project(path, template=template, name=name)
    if as_json:
        print_json({"path": made.root, "name": made.name, "package": made.package, "template": made.template})
    else:
        screen.write(_said(made, path))


def _table(templates: list[Template], width: int) -> list[Text]:
    from plait.display.text import Text, columns

    return columns(
        [
            [
                Text(one.name, "name"),
                Text(one.description),
                Text("" if one.source == "plait" else one.source, "dim"),
            ]
            for one in templates
        ],
        width=width,
        shrink=(1,),
        indent=0,
    )


def _said(made: Made, path: Path) -> list[Text]:
    import shlex

    from plait.display.text import Text, columns

    lines = [Text("✓ ", "done").add(made.name, "bold").add(f"  {made.files} files in {path}", "dim"), Text()]
    steps = [
        (f"cd {shlex.quote(str(path))}", ""),
        ("pip install -e '.[dev]'", "what it needs, pytest and ruff"),
        ("plait run", "its pipeline"),
        ("pytest", "its tests"),
    ]
    rows = [[Text("→ ", "dim").add(typed, "name"), Text(why, "dim")] for typed, why in steps]
    return [*lines, *columns(rows, width=100)]
