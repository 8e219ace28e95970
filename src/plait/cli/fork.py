"""``plait fork``: how does a new run begin in the middle of an earlier one?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from plait.cli.carrying import executor_options

if TYPE_CHECKING:
    from plait.launch.orders import Orders
    from plait.record.views import Run

__all__ = ["command"]


@click.command(
    "fork",
    help="""Start a new run that takes everything before a step from an earlier one.

RUN is an id, a unique beginning of one, or `latest`. What depends on STEP, or on a parameter that NAME=VALUE changes,
is computed with the code as it is now; everything else is taken from RUN, whatever its steps would do today.""",
)
@click.argument("run_id", metavar="RUN")
@click.argument("parameters", nargs=-1, metavar="[NAME=VALUE]...")
@click.option(
    "--at", "steps", multiple=True, required=True, metavar="STEP", help="Where to begin; may be repeated."
)
@executor_options
def command(
    orders: Orders,
    run_id: str,
    parameters: tuple[str, ...],
    steps: tuple[str, ...],
    executor: str | None,
    workers: int | None,
    paranoid: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    from plait.cli.carrying import conclude, make_watch, tell
    from plait.cli.problems import describing
    from plait.cli.store import open_store
    from plait.cli.target import read_parameters
    from plait.launch.again import find_again, project_again
    from plait.launch.going_on import fork

    run = open_store().run(run_id)
    found = find_again(run)
    project = project_again(run, found.pipeline)
    watch = make_watch(executor, workers, as_json=as_json, quiet=quiet, project=project)
    with describing(found.pipeline.name):
        given = read_parameters(found.pipeline, parameters, None, lambda name: _value(run, name))
    run = fork(
        run,
        found.pipeline,
        steps,
        given,
        executor=watch.executor,
        listener=watch.listener,
        orders=orders,
        paranoid=paranoid,
        tell=tell,
    )
    return conclude(run, watch)


def _value(run: Run, name: str) -> Any:
    """What a parameter was in a run: a fork changes what it says and nothing else."""
    known = run.results.inputs.get(name)
    return run.store.artifacts.load(known) if known is not None else None
