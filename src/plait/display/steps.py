"""How far is each step of a run, and how long did it take? The facts of its lines."""

from __future__ import annotations

from msgspec import Struct

from plait.display.outline import outline
from plait.display.text import Text, columns
from plait.display.words import mark, seconds
from plait.graph.model import Graph
from plait.record.views import Run

__all__ = ["Progress", "progress_of", "step_lines"]

_WORST = ("failed", "lost", "running", "cancelled", "skipped")


class Progress(Struct, frozen=True):
    """Where the tasks of a node stand; ``total`` is None while nobody knows."""

    state: str
    counts: dict[str, int]
    total: int | None
    mapped: bool
    elapsed: float | None = None
    longest: float | None = None
    total_seconds: float | None = None
    reason: str = ""

    @property
    def ended(self) -> int:
        return sum(count for state, count in self.counts.items() if state != "running")


def progress_of(run: Run) -> list[Progress]:
    """The progress of each node of a run, in the order of its graph; two queries, whatever the number of tasks."""
    times = run.times()
    counts = run.counts()
    ended = run.status != "running"
    found = []
    for node, axes in enumerate(run.graph.layout.node_axes):
        of_node, taken = counts[node], times.get(node)
        state = state_of(of_node.by_state, of_node.total, ended=ended)
        reason = ""
        if state in ("skipped", "failed") and (not axes or state == "skipped"):
            task = next(run.iter_tasks(node, state=state, limit=1), None)
            reason = (task.reason or "") if task is not None and task.error is None else ""
        found.append(
            Progress(
                state,
                of_node.by_state,
                of_node.total,
                bool(axes),
                taken.elapsed if taken else None,
                taken.longest if taken else None,
                taken.total if taken else None,
                reason,
            )
        )
    return found


def state_of(counts: dict[str, int], total: int | None, *, ended: bool = False) -> str:
    """One state for all tasks of a node: the worst that happened, ``done`` when all are."""
    for state in _WORST:
        if counts.get(state):
            return state
    if total is not None and counts.get("done", 0) >= total:
        return "done"
    if ended:
        return "cancelled" if counts else "waiting"
    return "running" if counts else "waiting"


def step_lines(graph: Graph, found: list[Progress] | None, width: int) -> list[Text]:
    """The outline of a graph, with the states and times of a run where there is one."""
    rows = []
    for row in outline(graph):
        progress = found[row.node] if found and row.node is not None else None
        label = Text("  " * row.depth)
        if found:
            label.add(mark(progress.state) if progress else Text("▾", "dim")).add(" ")
        elif row.node is None:
            label.add("▾ ", "dim")
        label.add(row.label, "bold" if row.node is None else "")
        if row.outputs:
            label.add(" → ", "dim").add(", ".join(row.outputs), "dim")
        cells = [label]
        if found:
            cells += [
                _count(progress),
                Text(seconds(progress.total_seconds) if progress else "", "number"),
                _remark(progress),
            ]
        takes = Text("← ", "dim").add(row.takes) if row.takes.spans else Text()
        rows.append([*cells, takes])
    return columns(rows, width=width, right=(1, 2) if found else (), shrink=(4, 0, 3) if found else (1, 0))


def _count(progress: Progress | None) -> Text:
    if progress is None or not progress.mapped:
        return Text()
    total = "?" if progress.total is None else str(progress.total)
    return Text(
        f"{progress.counts.get('done', 0)}/{total}", "dim" if progress.state == "done" else progress.state
    )


def _remark(progress: Progress | None) -> Text:
    """What the mark and the count do not say."""
    if progress is None or progress.state == "waiting":
        return Text()
    if progress.mapped:
        said = [f"{count} {state}" for state, count in progress.counts.items() if state != "done"]
        if said:
            return Text(", ".join(said), progress.state)
        if progress.longest is not None and (progress.total or 0) > 1:
            return Text(f"longest {seconds(progress.longest)}", "dim")
        return Text("empty list", "dim") if progress.total == 0 else Text()
    if progress.state == "done":
        return Text()
    return Text(f"{progress.state}: {progress.reason}" if progress.reason else progress.state, progress.state)
