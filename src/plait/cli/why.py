"""``plait why``: why did a task run, or why did it not?"""

from __future__ import annotations

import sys

import click

__all__ = ["command"]


@click.command(
    "why",
    help="""Explain why a task ran, or why its result was taken from an earlier run.

RUN is an id, a unique beginning of one, or `latest`. STEP is a step or a task: fit, 'fit[3]'. The answer is what its
code and its inputs are made of, and what of that differs from the closest earlier task.""",
)
@click.argument("run_id", metavar="RUN")
@click.argument("step", metavar="STEP")
@click.option("--json", "as_json", is_flag=True, help="A JSON object.")
def command(run_id: str, step: str, as_json: bool) -> None:
    from plait.cli.store import open_store, print_json
    from plait.display.why import why_object, why_page
    from plait.engine.why import why
    from plait.record.tasks import first_task

    run = open_store().run(run_id)
    task = first_task(run, step)
    answer = why(task)
    if as_json:
        print_json({"run": run.id, **why_object(answer, run.store.artifacts)})
        return
    from plait.display.screen import Screen

    screen = Screen(sys.stdout)
    lines = why_page(answer, run.store.artifacts, run.id, screen.width)
    if task.path and "[" not in step:
        from plait.display.text import Text

        lines.append(
            Text(
                f"  of {run.counts()[task.node].total} tasks this is the first that ran: name another one",
                "dim",
            )
        )
    screen.write(lines)
