"""What is to be run, and from what may it be taken? The words that `plait run` and `plait plan` share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from plait.launch.prepare import Prepared
    from plait.project.discover import Found

__all__ = ["cache_options", "prepare_target", "target_options"]

F = TypeVar("F", bound=Callable[..., Any])


def target_options(command: F) -> F:
    """A target with its parameters, and where the project's conf and data are taken from."""
    return _all(
        command,
        click.argument("target", required=False, metavar="[TARGET]"),
        click.argument("parameters", nargs=-1, metavar="[NAME=VALUE]..."),
        click.option(
            "--params-file",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="Parameters from a YAML or JSON file.",
        ),
        click.option(
            "--env", "-e", metavar="ENV", help="The environment of the conf; PLAIT_ENV, else local."
        ),
        click.option(
            "--load-version",
            "load_versions",
            multiple=True,
            metavar="NAME=VERSION",
            help="Load this version of a dataset.",
        ),
        click.option(
            "--set",
            "step_options",
            multiple=True,
            metavar="STEP.OPTION=VALUE",
            help="How a step runs: --set fit.memory=16GiB; also tag:NAME.OPTION, and '*.OPTION' for all.",
        ),
    )


def cache_options(command: F) -> F:
    """What may be taken from earlier runs."""
    return _all(
        command,
        click.option("--no-cache", is_flag=True, help="Take no result of an earlier run."),
        click.option(
            "--refresh", multiple=True, metavar="STEP", help="Compute this step anew; may be repeated."
        ),
        click.option(
            "--paranoid",
            is_flag=True,
            help="Read every data file anew, even if its size and times are known.",
        ),
    )


def _all(command: F, *options: Callable[[F], F]) -> F:
    for option in reversed(options):
        command = option(command)
    return command


def prepare_target(
    target: str | None,
    parameters: tuple[str, ...],
    params_file: Path | None,
    *,
    env: str | None = None,
    load_versions: tuple[str, ...] = (),
    step_options: tuple[str, ...] = (),
    paranoid: bool = False,
) -> tuple[Found, Prepared]:
    """The pipeline that is meant, and the run of it that could begin.

    Raises:
        TargetError, DefinitionError, ParameterError, ConfError: there is no such pipeline, or it cannot run so.
    """
    from plait.cli.problems import describing
    from plait.cli.target import open_project, read_version, split_target
    from plait.launch.prepare import prepare
    from plait.project.discover import find_pipeline

    target, parameters = split_target(target, parameters)
    found = find_pipeline(target)
    with describing(found.pipeline.name):
        versions = dict(read_version(text) for text in load_versions)
        project, given = open_project(
            found,
            parameters,
            params_file,
            env=env,
            load_versions=versions,
            step_options=step_options,
            paranoid=paranoid,
        )
        return found, prepare(found.pipeline, given, project)
