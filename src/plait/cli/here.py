"""Which project does a command speak of, and in which environment? Shared by those that look at conf and catalog."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from plait.project.project import Project

__all__ = ["env_option", "json_option", "open_here"]

F = TypeVar("F", bound=Callable[..., Any])

env_option = click.option(
    "--env", "-e", metavar="ENV", help="The environment of the conf; PLAIT_ENV, else local."
)
json_option = click.option("--json", "as_json", is_flag=True, help="JSON, nothing else.")


def open_here(env: str | None, *, conf: bool = True, **options: Any) -> Project:
    """The project around the working directory.

    Raises:
        ConfError: there is none, or it has no conf where one is needed.
    """
    from pathlib import Path

    from plait.errors import ConfError
    from plait.project.place import project_root
    from plait.project.project import Project

    project = Project.find(env=env, **options)
    if project.has_conf or (not conf and project_root(Path.cwd()) is not None):
        return project
    if project_root(Path.cwd()) is not None:
        raise ConfError(
            f"project {project.root.name!r} has no conf/", hint=f"make {project.conf_folder / 'base'}"
        )
    raise ConfError(f"there is no project in {project.root}, nor above", hint="make one: plait new PATH")
