"""What is to be run, and from what may it be taken? The words that `plait run` and `plait plan` share."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from msgspec import Struct
from msgspec.structs import asdict

if TYPE_CHECKING:
    from plait.graph.selection import Selection
    from plait.launch.prepare import Prepared
    from plait.project.discover import Found

__all__ = ["Asked", "asking_options", "cache_options", "prepare_target", "selection_options"]

F = TypeVar("F", bound=Callable[..., Any])


class Asked(Struct, frozen=True):
    """A target with its parameters, where conf and data are taken from, and which part of it is meant.

    Each as it was typed but for ``selection``; ``inputs_from`` is the run that what a part needs of the rest is taken
    from.
    """

    target: str | None
    parameters: tuple[str, ...]
    params_file: Path | None
    env: str | None
    load_versions: tuple[str, ...]
    step_options: tuple[str, ...]
    selection: Selection
    inputs_from: str | None


def asking_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What is to be run; it arrives as ``asked``."""

    @wraps(command)
    def asking(**words: Any) -> Any:
        said = {name: words.pop(name) for name in Asked.__struct_fields__}
        return command(asked=Asked(**said), **words)

    return _all(
        selection_options(asking),
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
        click.option(
            "--inputs-from",
            metavar="RUN",
            help="Take arguments, and what is not run, from this run: an id or `latest`.",
        ),
    )


def selection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Which part of the pipeline is meant; it arrives as ``selection``."""

    @wraps(command)
    def selecting(**words: Any) -> Any:
        from plait.graph.selection import Selection

        said = {name: words.pop(name) for name in ("from_", "to", "only", "tags", "groups")}
        return command(selection=Selection(**said), **words)

    return _all(
        selecting,
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


def prepare_target(asked: Asked, *, paranoid: bool = False) -> tuple[Found, Prepared]:
    """The pipeline that is meant, and the run of it that could begin.

    Raises:
        TargetError, DefinitionError, ParameterError, ConfError: there is no such pipeline, or it cannot run so.
    """
    from plait.cli.problems import describing
    from plait.cli.target import open_project, read_version, split_target
    from plait.launch.prepare import prepare
    from plait.project.discover import find_pipeline
    from plait.record.store import open_records

    target, parameters = split_target(asked.target, asked.parameters)
    found = find_pipeline(target)
    chosen = found.pipeline.select(**asdict(asked.selection))
    with describing(found.pipeline.name):
        project, given = open_project(
            found,
            parameters,
            asked.params_file,
            env=asked.env,
            load_versions=dict(read_version(text) for text in asked.load_versions),
            step_options=asked.step_options,
            paranoid=paranoid,
        )
        source = open_records(project).run(asked.inputs_from) if asked.inputs_from else None
        return found, prepare(chosen, given, project, inputs_from=source)
