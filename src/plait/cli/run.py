"""``plait run``: how does a pipeline run from the command line?"""

from __future__ import annotations

from pathlib import Path

import click

from plait.cli.asking import target_options
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
@target_options
@executor_options
def command(
    target: str | None,
    parameters: tuple[str, ...],
    params_file: Path | None,
    env: str | None,
    load_versions: tuple[str, ...],
    executor: str | None,
    workers: int | None,
    no_cache: bool,
    refresh: tuple[str, ...],
    paranoid: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    from plait.cli.asking import prepare_target
    from plait.cli.carrying import conclude, make_watch
    from plait.launch.start import CachePolicy, execute

    found, prepared = prepare_target(
        target, parameters, params_file, env=env, load_versions=load_versions, paranoid=paranoid
    )
    watch = make_watch(executor, workers, as_json=as_json, quiet=quiet, project=prepared.project)
    run = execute(
        prepared,
        executor=watch.executor,
        target=found.text,
        listener=watch.listener,
        policy=CachePolicy(not no_cache, refresh),
    )
    return conclude(run, watch)
