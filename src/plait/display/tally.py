"""How many tasks of each step run, are done or failed? Counted as a run goes on, from what listeners hear."""

from __future__ import annotations

import time

from plait.display.steps import Progress, state_of
from plait.graph.model import Graph, Path
from plait.record.facts import Advance, Usage

__all__ = ["Tally"]


class Tally:
    """Counts per node; a few operations per task, whatever is shown of them."""

    def __init__(self, graph: Graph) -> None:
        size = len(graph.nodes)
        self.graph = graph
        self.running = [0] * size
        self.counts: list[dict[str, int]] = [{} for _ in range(size)]
        self.first_start: list[float | None] = [None] * size
        self.last_end: list[float] = [0.0] * size
        self.longest = [0.0] * size
        self.changes = 0
        self.advances: dict[int, Advance] = {}  # of nodes that are one task
        self._axes = graph.layout.node_axes
        self._items: dict[int, int] = {}
        self._entered: dict[int, int] = {}
        self._closed = [False] * size

    def grow(self, graph: Graph) -> None:
        """The graph of a dynamic run has more in it."""
        more = len(graph.nodes) - len(self.running)
        self.graph, self._axes = graph, graph.layout.node_axes
        self.counts += [{} for _ in range(more)]
        self.first_start += [None] * more
        self.last_end += [0.0] * more
        self.longest += [0.0] * more
        self._closed += [False] * more
        self.running += [0] * more
        self.changes += 1

    def started(self, node: int) -> None:
        self.changes += 1
        self.running[node] += 1
        if self.first_start[node] is None:
            self.first_start[node] = time.time()

    def ended(self, node: int, path: Path, state: str, usage: Usage) -> None:
        self.changes += 1
        if usage.ended_at or state == "retried":
            self.running[node] -= 1
        if usage.ended_at:
            self.last_end[node] = max(self.last_end[node], usage.ended_at)
            self.longest[node] = max(self.longest[node], usage.ended_at - usage.started_at)
        if state == "retried":
            return
        counts = self.counts[node]
        counts[state] = counts.get(state, 0) + 1
        if len(path) < len(self._axes[node]):
            self._closed[node] = True  # it stands for all tasks below: their `each` is never entered

    def advanced(self, node: int, advance: Advance) -> None:
        if not self._axes[node]:
            self.changes += 1
            self.advances[node] = advance

    def unfolded(self, scope: int, items: int) -> None:
        self.changes += 1
        self._entered[scope] = self._entered.get(scope, 0) + 1
        self._items[scope] = self._items.get(scope, 0) + items

    def total(self, node: int) -> int | None:
        """How many tasks the node has; None while not every ``each`` around it has been entered."""
        expected = 1
        for scope in self._axes[node]:
            if self._entered.get(scope, 0) < expected:
                return None
            expected = self._items.get(scope, 0)
        return expected

    def over(self, node: int) -> bool:
        """Whether nothing more will happen to the node."""
        total = self.total(node)
        return self._closed[node] or (total is not None and sum(self.counts[node].values()) >= total)

    def progress(self, node: int) -> Progress:
        counts = dict(self.counts[node])
        if self.running[node] > 0:
            counts["running"] = self.running[node]
        total, start = self.total(node), self.first_start[node]
        over = self.over(node)
        elapsed = None
        if start is not None:
            elapsed = max(0.0, (self.last_end[node] if over else time.time()) - start)
        state = "running" if counts.get("running") else state_of(counts, total)
        longest, advance = self.longest[node] or None, self.advances.get(node)
        return Progress(state, counts, total, bool(self._axes[node]), elapsed, longest, advance=advance)
