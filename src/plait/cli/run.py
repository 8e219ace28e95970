"""``plait run``: how does a pipeline run from the command line?"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from plait.record.views import Run

__all__ = ["command"]


@click.command(
    "run",
    help="""Run a pipeline and record everything.

TARGET is file.py, file.py:name, package.module, package.module:name, a project's folder, or the name of a pipeline of
the project you are in. NAME=VALUE sets its parameters, typed as YAML; dots reach inside: model.alpha=0.3.""",
)
@click.argument("target")
@click.argument("parameters", nargs=-1, metavar="[NAME=VALUE]...")
@click.option(
    "--executor",
    default="processes",
    metavar="NAME",
    help="processes (all cores, the default) or inline (here, one by one).",
)
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="How many worker processes at most.")
@click.option(
    "--params-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Parameters from a YAML or JSON file.",
)
@click.option("--env", "-e", metavar="ENV", help="The environment of the conf; PLAIT_ENV, else local.")
@click.option(
    "--load-version",
    "load_versions",
    multiple=True,
    metavar="NAME=VERSION",
    help="Load this version of a dataset.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Every event as a JSON object on its line, nothing else."
)
@click.option("--quiet", "-q", is_flag=True, help="Only the id of the run, and what failed.")
def command(
    target: str,
    parameters: tuple[str, ...],
    executor: str,
    workers: int | None,
    params_file: Path | None,
    env: str | None,
    load_versions: tuple[str, ...],
    as_json: bool,
    quiet: bool,
) -> int:
    from plait.cli.problems import describing
    from plait.cli.target import open_project, read_version
    from plait.executors import make_executor
    from plait.launch.prepare import prepare
    from plait.launch.start import execute
    from plait.project.discover import find_pipeline

    chosen: Any = make_executor(executor, workers=workers)
    found = find_pipeline(target)
    with describing(found.pipeline.name):
        versions = dict(read_version(text) for text in load_versions)
        project, given = open_project(found, parameters, params_file, env=env, load_versions=versions)
        prepared = prepare(found.pipeline, given, project)
    shown_by_itself = executor == "inline" and not as_json and not quiet and sys.stdout.isatty()
    if executor == "inline" and not shown_by_itself:
        from plait.executors.inline import InlineExecutor

        chosen = InlineExecutor(tee=False)
    run = execute(
        prepared,
        executor=chosen,
        target=found.text,
        listener=_listener(as_json=as_json, quiet=quiet, repeat=not shown_by_itself),
    )
    if not as_json:
        _conclude(run, quiet=quiet)
    return {"done": 0, "cancelled": 130}.get(run.status, 1)


def _listener(*, as_json: bool, quiet: bool, repeat: bool) -> Any:
    if as_json:
        from plait.display.events import EventLines

        return lambda run: EventLines(run, sys.stdout)
    if quiet:
        return None
    from plait.display.progress import watch

    return lambda run: watch(run, repeat=repeat)


def _conclude(run: Run, *, quiet: bool) -> None:
    from plait.display.screen import Screen
    from plait.display.summary import failure_lines, summary

    screen = Screen(sys.stdout)
    if not quiet:
        screen.write(["", *summary(run, screen.width)])
        return
    screen.write([run.id])
    if run.status != "done":
        errors = Screen(sys.stderr)
        errors.write(failure_lines(run, errors.width))
