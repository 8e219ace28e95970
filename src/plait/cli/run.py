"""``plait run``: how does a pipeline run from the command line?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from plait.cli.asking import Asked, asking_options
from plait.cli.carrying import executor_options

if TYPE_CHECKING:
    from plait.launch.orders import Orders

__all__ = ["command"]


@click.command(
    "run",
    help="""Run a pipeline and record everything.

TARGET is file.py, file.py:name, package.module, package.module:name, a project's folder, or the name of a pipeline of
the project you are in; without one it is that project's default, or its only one.

NAME=VALUE sets its parameters, typed as YAML; dots reach inside: model.alpha=0.3.

Steps whose code and inputs are the same as before are not run again: `plait plan TARGET` says which, and why.""",
)
@asking_options
@executor_options
@click.option("--debug", is_flag=True, help="Run the steps here, and open Python's debugger where one fails.")
def command(
    orders: Orders,
    asked: Asked,
    executor: str | None,
    workers: int | None,
    paranoid: bool,
    as_json: bool,
    quiet: bool,
    debug: bool,
) -> int:
    from plait.cli.asking import prepare_target
    from plait.cli.carrying import conclude, make_watch
    from plait.launch.start import execute

    found, prepared = prepare_target(asked, paranoid=paranoid)
    watch = make_watch(executor, workers, as_json=as_json, quiet=quiet, project=prepared.project, debug=debug)
    run = execute(
        prepared,
        executor=watch.executor,
        target=found.text,
        listener=watch.listener,
        orders=orders,
    )
    return conclude(run, watch)
