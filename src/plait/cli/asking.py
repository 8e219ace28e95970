"""What is to be run, and from what may it be taken? The words that `plait run` and `plait plan` share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from plait.launch.prepare import Prepared
    from plait.project.discover import Found

__all__ = ["cache_options", "prepare_target", "selection_options", "source_option", "target_options"]

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


def selection_options(command: F) -> F:
    """Which part of the pipeline is meant."""
    return _all(
        command,
        click.option(
            "--from",
            "from_",
            multiple=True,
            metavar="NAME",
            help="From this step, or the steps that read this dataset.",
        ),
        click.option(
            "--to", multiple=True, metavar="NAME", help="Up to this step, or the one that makes this dataset."
        ),
        click.option(
            "--only", multiple=True, metavar="NAME", help="This step alone, or one of its elements: 'fit[3]'."
        ),
        click.option("--tag", "tags", multiple=True, metavar="TAG", help="The steps with this tag."),
        click.option("--group", "groups", multiple=True, metavar="GROUP", help="The steps of this group."),
    )


def source_option(command: F) -> F:
    """Where what a part of a pipeline needs of the rest is taken from."""
    return click.option(
        "--inputs-from",
        metavar="RUN",
        help="Take arguments, and what is not run, from this run: an id or `latest`.",
    )(command)


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
    selection: Mapping[str, tuple[str, ...]] | None = None,
    inputs_from: str | None = None,
) -> tuple[Found, Prepared]:
    """The pipeline that is meant, and the run of it that could begin.

    Raises:
        TargetError, DefinitionError, ParameterError, ConfError: there is no such pipeline, or it cannot run so.
    """
    from plait.cli.problems import describing
    from plait.cli.target import open_project, read_version, split_target
    from plait.launch.prepare import prepare
    from plait.project.discover import find_pipeline
    from plait.record.store import open_records

    target, parameters = split_target(target, parameters)
    found = find_pipeline(target)
    chosen = found.pipeline.select(**(selection or {}))
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
        source = open_records(project).run(inputs_from) if inputs_from else None
        return found, prepare(chosen, given, project, inputs_from=source)
