"""``plait cancel``: how does a run end that goes on in another process?"""

from __future__ import annotations

import sys

import click

__all__ = ["command"]


@click.command(
    "cancel",
    help="""Cancel a run that goes on: its tasks and their processes are ended, and the records say so.

RUN is an id, a unique beginning of one, or `latest`. What was committed stays; `plait resume RUN` goes on
from there.""",
)
@click.argument("run_id", metavar="[RUN]", required=False, default="latest")
@click.option("--finish-running", is_flag=True, help="Let tasks that run come to their end; begin no other.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for the run's end; 0 only asks.",
)
@click.option("--json", "as_json", is_flag=True, help="JSON.")
def command(run_id: str, finish_running: bool, timeout: float, as_json: bool) -> int:
    from plait.cli.pin import user
    from plait.cli.store import open_store, print_json
    from plait.display.screen import Screen
    from plait.display.text import Text
    from plait.launch.cancel import cancel

    run = open_store().run(run_id)
    status = cancel(run, by=user(), finish_running=finish_running, timeout=timeout)
    if as_json:
        print_json({"run": run.id, "status": status})
    else:
        said = {"running": "is asked to end"}.get(status, f"is {status}")
        Screen(sys.stdout).write([Text("run ").add(run.id, "name").add(f" {said}")])
    return 0 if status != "running" or not timeout else 1
