"""``plait resume``: how does a run go on that failed, was cancelled, or whose process is gone?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from plait.cli.carrying import executor_options

if TYPE_CHECKING:
    from plait.launch.orders import Orders

__all__ = ["command"]


@click.command(
    "resume",
    help="""Go on with a run that failed, was cancelled or killed.

RUN is an id or a unique beginning of one; the latest that can be resumed if left out. What was committed is not
repeated, whether its step is cached or not. Code that has changed since is used for what is still to do.""",
)
@click.argument("run_id", required=False, metavar="[RUN]")
@executor_options
def command(
    orders: Orders,
    run_id: str | None,
    executor: str | None,
    workers: int | None,
    paranoid: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    from plait.cli.carrying import conclude, make_watch, tell
    from plait.cli.problems import describing
    from plait.cli.store import open_store
    from plait.launch.again import find_again, latest_to_resume, project_again
    from plait.launch.going_on import resume

    store = open_store()
    run = latest_to_resume(store) if run_id is None else store.run(run_id)
    found = find_again(run)
    project = project_again(run, found.pipeline)
    watch = make_watch(executor, workers, as_json=as_json, quiet=quiet, project=project)
    with describing(found.pipeline.name):
        found.pipeline.trace()
    run = resume(
        run,
        found.pipeline,
        executor=watch.executor,
        listener=watch.listener,
        orders=orders,
        paranoid=paranoid,
        tell=tell,
    )
    return conclude(run, watch)
