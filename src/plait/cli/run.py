"""``plait run``: how does a pipeline run from the command line?"""

from __future__ import annotations

from pathlib import Path

import click

from plait.cli.carrying import executor_options

__all__ = ["command"]


@click.command(
    "run",
    help="""Run a pipeline and record everything.

TARGET is file.py, file.py:name, package.module, package.module:name, a project's folder, or the name of a pipeline of
the project you are in; without one it is that project's default, or its only one.

NAME=VALUE sets its parameters, typed as YAML; dots reach inside: model.alpha=0.3.

Steps whose code and inputs are the same as before are not run again: `plait plan TARGET` says which, and why.""",
)
@click.argument("target", required=False, metavar="[TARGET]")
@click.argument("parameters", nargs=-1, metavar="[NAME=VALUE]...")
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
@executor_options
def command(
    target: str | None,
    parameters: tuple[str, ...],
    params_file: Path | None,
    executor: str,
    workers: int | None,
    env: str | None,
    load_versions: tuple[str, ...],
    no_cache: bool,
    refresh: tuple[str, ...],
    as_json: bool,
    quiet: bool,
) -> int:
    from plait.cli.carrying import conclude, make_watch
    from plait.cli.problems import describing
    from plait.cli.target import open_project, read_version, split_target
    from plait.launch.prepare import prepare
    from plait.launch.start import CachePolicy, execute
    from plait.project.discover import find_pipeline

    watch = make_watch(executor, workers, as_json=as_json, quiet=quiet)
    target, parameters = split_target(target, parameters)
    found = find_pipeline(target)
    with describing(found.pipeline.name):
        versions = dict(read_version(text) for text in load_versions)
        project, given = open_project(found, parameters, params_file, env=env, load_versions=versions)
        prepared = prepare(found.pipeline, given, project)
    run = execute(
        prepared,
        executor=watch.executor,
        target=found.text,
        listener=watch.listener,
        policy=CachePolicy(not no_cache, refresh),
    )
    return conclude(run, watch)
