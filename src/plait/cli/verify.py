"""``plait verify``: does a step give the same again?"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from plait.display.text import Text
    from plait.launch.verify import TaskCheck, Verified

__all__ = ["command"]


@click.command(
    "verify",
    help="""Run a step again on the inputs that were recorded, and compare what comes out.

STEP is a step (all of its tasks) or one task: fit, 'fit[3]'. A step that gives something else is not deterministic:
its cached results are one of several that it may give. Leaves with 1 when something differs.""",
)
@click.argument("step")
@click.option(
    "--run", "run_id", metavar="RUN", help="Which run; the latest with a result of the step if left out."
)
@click.option(
    "--limit", type=click.IntRange(min=1), default=100, show_default=True, help="How many tasks at most."
)
@click.option("--json", "as_json", is_flag=True, help="A JSON object.")
def command(step: str, run_id: str | None, limit: int, as_json: bool) -> int:
    from plait.cli.store import open_store, print_json
    from plait.display.screen import Screen
    from plait.executors.inline import InlineExecutor
    from plait.launch.again import find_again
    from plait.launch.verify import run_with_step, verify

    store = open_store()
    run = run_with_step(store, step) if run_id is None else store.run(run_id)
    found = find_again(run)
    checked = verify(run, found.pipeline, step, executor=InlineExecutor(tee=False), limit=limit)
    if as_json:
        print_json(_object(checked))
    else:
        screen = Screen(sys.stdout)
        screen.write(_lines(checked, screen.width))
    return 0 if checked.is_same else 1


def _lines(checked: Verified, width: int) -> list[Text]:
    from plait.display.text import Text
    from plait.display.words import mark

    different = [task for task in checked.tasks if task.outcome != "same"]
    count = len(checked.tasks)
    head = mark("done" if not different else "failed").add(" ").add(checked.step, "bold")
    if not different:
        said = f"  gave the same again{f' in all {count} tasks' if count > 1 else ''}"
    elif count == 1:
        said = "  raised this time" if different[0].outcome == "failed" else "  gave something else this time"
    else:
        said = f"  {len(different)} of {count} tasks gave something else this time"
    lines = [head.add(said).add(f"  (run {checked.run})", "dim")]
    for task in different[:10]:
        lines += [line.cut(width) for line in _task_lines(task, count > 1, width)]
    if checked.code_changed:
        lines.append(
            Text("  its code has changed since that run: that may be why", "warning")
            if different
            else Text("  its code has changed since that run, and gives the same", "dim")
        )
    elif different:
        lines.append(Text("  → ", "dim").add("seed it, sort what it collects, or say cache=False"))
    if checked.left_out:
        lines.append(Text(f"  {checked.left_out} more tasks were not tried: --limit", "dim"))
    return lines


def _task_lines(task: TaskCheck, named: bool, width: int) -> list[Text]:
    from plait.display.errors import error_lines
    from plait.display.text import Text, clean

    lines = [Text("  ").add(task.task, "name")] if named else []
    if task.error is not None:
        return lines + error_lines(task.error, width, indent=4)
    for output in task.outputs:
        if output.same:
            continue
        new = output.computed.id[:12] if output.computed else "nothing"
        lines.append(
            Text("    output ").add(output.name, "name").add(f"  {output.recorded.id[:12]} → {new}", "dim")
        )
        lines += [Text(f"      {clean(place)}") for place in output.places]
    return lines


def _object(checked: Verified) -> dict[str, Any]:
    from plait.display.events import error_object

    return {
        "run": checked.run,
        "step": checked.step,
        "same": checked.is_same,
        "code_changed": checked.code_changed,
        "left_out": checked.left_out,
        "tasks": [
            {
                "task": task.task,
                "outcome": task.outcome,
                "error": error_object(task.error),
                "outputs": [
                    {
                        "name": output.name,
                        "same": output.same,
                        "recorded": output.recorded.id,
                        "computed": output.computed.id if output.computed else None,
                        "places": list(output.places),
                    }
                    for output in task.outputs
                ],
            }
            for task in checked.tasks
        ],
    }
