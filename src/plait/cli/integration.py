"""``plait integration``: what can be added to plait, and how is it installed?"""

from __future__ import annotations

import sys

import click

from plait.cli.here import json_option

__all__ = ["command"]


@click.group(
    "integration", help="What plait works with, and what has to be installed for it.", no_args_is_help=True
)
def command() -> None:
    pass


@command.command("list", help="All of them, with the packages that are missing for each.")
@json_option
def list_(as_json: bool) -> None:
    from plait.display.screen import Screen
    from plait.display.stack import integration_lines
    from plait.project.integrations import integrations

    found = integrations()
    if as_json:
        from plait.cli.store import print_json

        print_json(
            [
                {
                    "name": one.name,
                    "installed": one.is_installed,
                    "packages": one.packages,
                    "missing": one.missing,
                }
                for one in found
            ]
        )
        return
    screen = Screen(sys.stdout)
    screen.write(integration_lines(found, screen.width))


@command.command("install", help="Install what NAME needs into the environment that plait runs in.")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--dry-run", "-n", is_flag=True, help="Only print the command.")
def install_(names: tuple[str, ...], dry_run: bool) -> None:
    import shlex

    from plait.project.integrations import install

    for name in names:
        command_line = install(name, dry_run=dry_run)
        if dry_run:
            print(shlex.join(command_line))
