"""``plait stack``: on what do runs go here, and does all of it answer?"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from plait.cli.here import json_option
from plait.cli.placing import add_place_options

if TYPE_CHECKING:
    from plait.project.project import Project

__all__ = ["command"]


@click.group(
    "stack", help="On what runs go: executor, artifact store, record store and more.", no_args_is_help=True
)
def command() -> None:
    pass


@command.command("list", help="The stacks that --stack takes; a mark is at the one that is used here.")
@json_option
def list_(as_json: bool) -> None:
    from plait.display.screen import Screen
    from plait.display.stack import stack_list
    from plait.project.stack import stack_names

    project = _here()
    names = stack_names(project.conf if project.has_conf else None)
    current = project.stack_name or project.stack.name
    if not project.stack.named and project.stack_name is None:
        current = "default"
    if as_json:
        from plait.cli.store import print_json

        print_json(
            [{"name": one.name, "where": one.where or None, "current": one.name == current} for one in names]
        )
        return
    screen = Screen(sys.stdout)
    screen.write(stack_list(names, current, screen.width))


@command.command("show", help="The components of a stack, and where each is said. Secrets are masked.")
@click.argument("name", required=False)
@json_option
def show(name: str | None, as_json: bool) -> None:
    from plait.display.screen import Screen
    from plait.display.stack import component_object, stack_lines
    from plait.display.text import Text

    project = _here(name)
    stack = project.stack
    options = [_shown(project, one) for one in stack]
    if as_json:
        from plait.cli.store import print_json

        print_json(
            {
                "name": stack.name,
                "components": [component_object(one, said) for one, said in zip(stack, options, strict=True)],
            }
        )
        return
    screen = Screen(sys.stdout)
    head = Text("stack ", "dim").add(stack.name, "title")
    screen.write([head, *stack_lines(stack, dict(enumerate(options)), screen.width)])


@command.command(
    "check",
    help="""Reach every component of a stack: an object is written and read, the database opened, a task run.

Leaves with 1 when one of them did not answer.""",
)
@click.argument("name", required=False)
@json_option
def check(name: str | None, as_json: bool) -> int:
    from plait.display.screen import Screen
    from plait.display.stack import checkup_line
    from plait.launch.checkup import check_stack

    project = _here(name)
    masker = project.masker()
    found = []
    screen = Screen(sys.stdout)
    for one in check_stack(project):
        told = one if masker is None else masker.struct(one)
        found.append(told)
        if not as_json:
            screen.write(checkup_line(told))
    if as_json:
        from plait.cli.store import print_json

        print_json(found)
    return 0 if all(one.is_well for one in found) else 1


@command.command("types", help="What can be named in a stack, and which options each type takes.")
@click.argument("kind", required=False)
@json_option
def types(kind: str | None, as_json: bool) -> None:
    from plait.display.screen import Screen
    from plait.display.stack import type_lines
    from plait.display.text import Text
    from plait.errors import ParameterError, did_you_mean
    from plait.project.components import KINDS, describe_types

    if kind is not None and kind not in KINDS:
        raise ParameterError(f"a stack has no {kind!r}", hint=did_you_mean(kind, KINDS))
    plugins = _here().plugins
    chosen = [KINDS[kind]] if kind is not None else list(KINDS.values())
    found = {one.name: describe_types(one.name, plugins) for one in chosen}
    if as_json:
        from plait.cli.store import print_json

        print_json(
            {
                name: {
                    type_: {
                        "what": what,
                        "options": {
                            one.name: {"required": one.required, "default": one.default} for one in options
                        },
                    }
                    for type_, (what, options) in types_.items()
                }
                for name, types_ in found.items()
            }
        )
        return
    screen = Screen(sys.stdout)
    for one in chosen:
        screen.write(
            [Text(one.name, "title").add(f"  {one.what}", "dim"), *type_lines(found[one.name], screen.width)]
        )


def _here(name: str | None = None) -> Project:
    from plait.project.project import Project

    return Project.find(stack=name)


def _shown(project: Project, component: Any) -> dict[str, Any]:
    masker = project.masker()
    shown: dict[str, Any] = component.options if masker is None else masker.mask(component.options)
    return shown


for _command in command.commands.values():
    add_place_options(_command)
