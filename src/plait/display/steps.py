"""How far is each step of a run, and how long did it take? The facts of its line, and the lines."""

from __future__ import annotations

from collections.abc import Collection

from msgspec import Struct

from plait.display.outline import Row, outline, taken_text
from plait.display.text import Text, columns
from plait.display.words import mark, seconds
from plait.errors import DefinitionError, did_you_mean
from plait.graph.model import ROOT, Graph, Group
from plait.record.facts import Advance
from plait.record.views import Run

__all__ = ["Progress", "finished", "opened_groups", "progress_of", "row_progress", "state_of", "step_lines"]

_WORST = ("failed", "lost", "running", "cancelled", "skipped")
_OPEN_STATES = ("failed", "lost")
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
        advance: how far its one task said that it is.
    """

    state: str
    counts: dict[str, int]
    total: int | None
    mapped: bool
    elapsed: float | None = None
    longest: float | None = None
    work: float | None = None
    reason: str = ""
    advance: Advance | None = None


def progress_of(run: Run) -> list[Progress]:
    """The progress of each node of a run, in the order of its graph; a few queries, however many tasks there are."""
    times, counts = run.times(), run.counts()
    ended = run.status != "running"
    advances = {} if ended else run.advances()
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
                advances.get(node) if state == "running" else None,
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


def opened_groups(graph: Graph, found: list[Progress] | None, names: Collection[str]) -> list[str] | None:
    """The groups that a page shows open: those that are named, and those in which something went wrong.

    Args:
        names: names of groups, or ``*`` for all of them.

    Raises:
        DefinitionError: there is no such group; the nearest is named.
    """
    if "*" in names:
        return None
    groups = [scope.name for scope in graph.scopes[1:] if isinstance(scope, Group)]
    for name in names:
        if name not in groups:
            raise DefinitionError(
                f"there is no group {name!r}", hint=did_you_mean(name, groups) or "there are none"
            )
    for node, one in enumerate(found or ()):
        scope = graph.nodes[node].scope if one.state in _OPEN_STATES else ROOT
        while scope != ROOT and not isinstance(graph.scopes[scope], Group):
            scope = graph.scopes[scope].parent
        if scope != ROOT:
            names = [*names, graph.scopes[scope].name]
    return list(names)


def step_lines(
    graph: Graph,
    found: list[Progress] | None,
    width: int,
    *,
    inputs: bool = True,
    opened: Collection[str] | None = None,
    nodes: Collection[int] | None = None,
) -> list[Text]:
    """The outline of a graph, with the states and times of a run where there is one.

    Args:
        graph: what to show.
        found: the progress of each node.
        width: of the page.
        inputs: whether each step is followed by what it takes, as far as there is room.
        opened: the groups that are open; all if left out.
        nodes: only these.
    """
    rows = outline(graph, opened=opened, nodes=nodes)
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
    progress = row_progress(row, found) if found else None
    label = Text("  " * row.depth)
    if progress:
        label.add(mark(progress.state)).add(" ")
    if row.node is None:
        label.add("▸ " if row.inside else "▾ ", "dim")
    label.add(row.label, "bold" if row.node is None else "")
    if row.inside and not progress:
        label.add(f"  {len(row.inside)} step{'s' if len(row.inside) > 1 else ''}", "dim")
    if row.outputs:
        label.add(f" → {', '.join(row.outputs)}", "dim")
    if progress is None:
        return [label]
    remark = Text() if brief and progress.state in ("done", "cached") else _remark(progress)
    return [label, _count(progress), Text(seconds(progress.work)), remark]


def row_progress(row: Row, found: list[Progress]) -> Progress | None:
    """That of a step, or of all that a closed group stands for: its state the worst of theirs."""
    if row.node is not None:
        return found[row.node]
    if not row.inside:
        return None
    parts = [found[node] for node in row.inside]
    counts = {"done": 0}
    for part in parts:
        state = "done" if part.state == "cached" else part.state
        counts[state] = counts.get(state, 0) + 1
    states = {part.state for part in parts}
    state = next((one for one in _WORST if one in states), "")
    if not state:
        over = states <= {"done", "cached"}
        state = ("cached" if states == {"cached"} else "done") if over else "waiting"
        state = "running" if not over and states & {"done", "cached"} else state
    work = [part.work for part in parts if part.work is not None]
    reason = next((part.reason for part in parts if part.state == state and part.reason), "")
    return Progress(state, counts, len(parts), True, work=sum(work) if work else None, reason=reason)


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
    if progress.advance is not None:
        of = f"/{progress.advance.total:g}" if progress.advance.total else ""
        return Text(f"{progress.state}  {progress.advance.done:g}{of}", progress.state)
    return Text(progress.state + reason, progress.state)
