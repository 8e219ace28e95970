"""How did it go? What is printed when a run has ended."""

from __future__ import annotations

from plait.display.checks import check_lines
from plait.display.elements import element_text
from plait.display.errors import error_lines, headline, wrapped
from plait.display.metrics import metric_lines
from plait.display.steps import progress_of, step_lines
from plait.display.text import Text
from plait.display.values import result_lines
from plait.display.words import mark, seconds
from plait.graph.model import Path
from plait.record.views import Run, Task

__all__ = ["failure_lines", "failures_of", "head", "next_lines", "summary"]

_MOST_FAILURES = 3
_LOOKED_AT = 500
_SPENT = {"done": "in", "running": "for"}


def summary(run: Run, width: int) -> list[Text]:
    """A run that has ended: steps, metrics, result or failures, and what to type next."""
    result = result_lines(run, width) if run.status == "done" else []
    lines = [head(run), Text(), *step_lines(run.graph, progress_of(run), width, inputs=False)]
    for block in (
        metric_lines(run, width),
        result,
        check_lines(run, width, only_bad=True),
        failure_lines(run, width),
        next_lines(run, width),
    ):
        if block:
            lines += [Text(), *block]
    return lines


def head(run: Run) -> Text:
    status = run.status
    line = mark(status).add(" ").add(run.pipeline, "bold").add(f"  run {run.id}  ")
    line.add(status, status)
    return line.add(f" {_SPENT.get(status, 'after')} {seconds(run.seconds)}", "dim")


def failure_lines(run: Run, width: int) -> list[Text]:
    """What failed, the same failure once; its lines in the user's files first."""
    if run.reason and run.status != "done":
        lines = [line for part in str(run.reason).splitlines() for line in wrapped(part, width, indent=2)]
    else:
        lines = []
    failed = failures_of(run, None, (), width)
    return [*lines, *([Text()] if lines and failed else []), *failed]


def failures_of(run: Run, node: int | None, path: Path, width: int) -> list[Text]:
    """The failed tasks of a run, of one of its nodes, or below a path of it."""
    lines: list[Text] = []
    groups: dict[str, list[Task]] = {}
    for task in run.iter_tasks(node, state="failed", limit=_LOOKED_AT):
        if task.path[: len(path)] != path:
            continue
        said = headline(task.error) if task.error else (task.reason or "failed")
        groups.setdefault(f"{task.node} {said}", []).append(task)
    for tasks in list(groups.values())[:_MOST_FAILURES]:
        if lines:
            lines.append(Text())
        lines += _failure(run, tasks, width)
    if len(groups) > _MOST_FAILURES:
        lines += [
            Text(),
            Text(f"  and {len(groups) - _MOST_FAILURES} other failures: plait show {run.id}", "dim"),
        ]
    return lines


def _failure(run: Run, tasks: list[Task], width: int) -> list[Text]:
    first = tasks[0]
    title = Text("  ").add(mark("failed")).add(f" {first.name}", "bold")
    about = element_text(run, first.node, first.path)
    if about:
        title.add(f"  {about}", "dim")
    if len(tasks) > 1:
        names = ", ".join(task.name for task in tasks[1:4])
        more = f" and {len(tasks) - 4} more" if len(tasks) > 4 else ""
        title.add(f"  (also {names}{more})", "dim")
    if first.attempt > 1:
        title.add(f"  in attempt {first.attempt}", "dim")
    lines = [title.cut(width)]
    if first.error is not None:
        return [*lines, *error_lines(first.error, width, indent=4)]
    return [*lines, *wrapped(first.reason or "", width, indent=4)]


def next_lines(run: Run, width: int) -> list[Text]:
    """What one may want to type now."""
    failed = next(run.iter_tasks(state="failed", limit=1), None)
    there = run.store.typed
    typed = [(f"plait show {run.id}{there}", "this again, with where its values came from")]
    if failed is not None and failed.attempt:
        typed.append((f"plait logs {run.id} {_quoted(failed.name)}{there}", "what that task said"))
    else:
        typed.append((f"plait logs {run.id}{there}", "what its tasks said"))
    if run.status == "done":
        typed.append((f"plait runs{there}", "all runs"))
    longest = max(len(command) for command, _ in typed)
    lines = []
    for command, why in typed:
        line = Text("  → ", "dim").add(command, "name")
        explained = Text().add(line).add(" " * (longest - len(command) + 3)).add(why, "dim")
        lines.append(explained if explained.width <= width else line)
    return lines


def _quoted(name: str) -> str:
    return f"'{name}'" if "[" in name else name
