"""How far is each step of a run, and how long did it take? The facts of its line, and the lines."""

from __future__ import annotations

from msgspec import Struct

from plait.display.outline import Row, outline, taken_text
from plait.display.text import Text, columns
from plait.display.words import mark, seconds
from plait.graph.model import Graph
from plait.record.views import Run

__all__ = ["Progress", "finished", "progress_of", "state_of", "step_lines"]

_WORST = ("failed", "lost", "running", "cancelled", "skipped")
_LEAST_INPUTS = 12  # cells; with less room inputs are left out
_MOST_INPUTS = 32  # cells that are worth leaving out how long the longest task took


class Progress(Struct, frozen=True):
    """Where the tasks of a node stand.

    Attributes:
        state: the worst that happened to one of them; ``done`` when all are.
        total: how many there are; None while nobody knows.
        elapsed: seconds from the first start to the last end.
        longest: seconds of the longest task; ``work`` is the sum of all.
        reason: why it was skipped, or failed without an exception.
    """

    state: str
    counts: dict[str, int]
    total: int | None
    mapped: bool
    elapsed: float | None = None
    longest: float | None = None
    work: float | None = None
    reason: str = ""


def progress_of(run: Run) -> list[Progress]:
    """The progress of each node of a run, in the order of its graph; a few queries, however many tasks there are."""
    times, counts = run.times(), run.counts()
    ended = run.status != "running"
    found = []
    for node, axes in enumerate(run.graph.layout.node_axes):
        by_state, taken = counts[node].by_state, times.get(node)
        state = state_of(by_state, counts[node].total, ended=ended)
        found.append(
            Progress(
                state,
                by_state,
                counts[node].total,
                bool(axes),
                taken.elapsed if taken else None,
                taken.longest if taken else None,
                taken.total if taken else None,
                _reason(run, node, state),
            )
        )
    return found


def _reason(run: Run, node: int, state: str) -> str:
    if state not in ("skipped", "failed", "cancelled", "lost"):
        return ""
    task = next(run.iter_tasks(node, state=state, limit=1), None)
    return (task.reason or "") if task is not None and task.error is None else ""


def state_of(counts: dict[str, int], total: int | None, *, ended: bool = False) -> str:
    """One state for all tasks of a node: the worst that happened, ``done`` when all are."""
    for state in _WORST:
        if counts.get(state):
            return state
    if total is not None and finished(counts) >= total:
        return "cached" if total and counts.get("cached", 0) >= total else "done"
    if ended:
        return "cancelled" if counts else "waiting"
    return "running" if counts else "waiting"


def finished(counts: dict[str, int]) -> int:
    """How many tasks have a result: computed now, or taken from an earlier run."""
    return counts.get("done", 0) + counts.get("cached", 0)


def step_lines(graph: Graph, found: list[Progress] | None, width: int, *, inputs: bool = True) -> list[Text]:
    """The outline of a graph, with the states and times of a run where there is one.

    Args:
        graph: what to show.
        found: the progress of each node.
        width: of the page.
        inputs: whether each step is followed by what it takes, as far as there is room.
    """
    rows = outline(graph)
    lines = _lines(rows, found, width, brief=False)
    if not inputs:
        return lines
    start = max((line.width for line in lines), default=0) + 2
    if width - start < _MOST_INPUTS:
        lines = _lines(rows, found, width, brief=True)
        start = max((line.width for line in lines), default=0) + 2
    if width - start < _LEAST_INPUTS:
        return lines
    return [
        line.pad(start).add(taken_text(row.takes, width - start)) if row.takes else line
        for row, line in zip(rows, lines, strict=True)
    ]


def _lines(rows: list[Row], found: list[Progress] | None, width: int, *, brief: bool) -> list[Text]:
    cells = [_cells(row, found, brief=brief) for row in rows]
    return columns(cells, width=width, right=(1, 2) if found else (), shrink=(3, 0) if found else (0,))


def _cells(row: Row, found: list[Progress] | None, *, brief: bool) -> list[Text]:
    progress = found[row.node] if found and row.node is not None else None
    label = Text("  " * row.depth)
    if row.node is None:
        label.add("▾ ", "dim")
    elif progress:
        label.add(mark(progress.state)).add(" ")
    label.add(row.label, "bold" if row.node is None else "")
    if row.outputs:
        label.add(f" → {', '.join(row.outputs)}", "dim")
    if progress is None:
        return [label]
    remark = Text() if brief and progress.state in ("done", "cached") else _remark(progress)
    return [label, _count(progress), Text(seconds(progress.work)), remark]


def _count(progress: Progress) -> Text:
    if not progress.mapped or progress.state == "waiting":
        return Text()
    total = "?" if progress.total is None else str(progress.total)
    return Text(
        f"{finished(progress.counts)}/{total}",
        "dim" if progress.state in ("done", "cached") else progress.state,
    )


def _remark(progress: Progress) -> Text:
    """What the mark, the count and the time do not say."""
    if progress.state == "cached":
        return Text("cached", "dim")
    reason = f": {progress.reason}" if progress.reason else ""
    if progress.mapped:
        said = [f"{count} {state}" for state, count in progress.counts.items() if state != "done"]
        left = (progress.total or 0) - sum(progress.counts.values())
        if progress.state == "cancelled" and left > 0:
            said.append(f"{left} not begun")
        if said:
            return Text(", ".join(said) + reason, progress.state)
        if progress.longest is not None and (progress.total or 0) > 1:
            return Text(f"longest {seconds(progress.longest)}", "dim")
        return Text("an empty list", "dim") if progress.total == 0 else Text()
    if progress.state in ("done", "waiting"):
        return Text()
    return Text(progress.state + reason, progress.state)
