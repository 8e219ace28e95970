"""Which ready task begins next, and which wait for a moment? The queue in front of the executors.

Tasks wait in one heap per kind of demand, so that one which lacks something holds up none that lacks nothing.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Mapping

from plait.engine.needs import Place
from plait.engine.shares import LIMIT, Shares
from plait.graph.model import Graph, Path

__all__ = ["Queue"]


class Queue:
    """The tasks of a run that are ready, delayed or running.

    Args:
        capacity: how much there is of what tasks hold while they run; see ``Shares``.
        main: the name of the executor that has it.

    Attributes:
        running: what was taken and has not ended, and what the run is deciding itself.
        growth: the factor of their memory, for tasks that ran out of it.
    """

    def __init__(self, graph: Graph, capacity: Mapping[str, float] | None, main: str) -> None:
        self.running: set[Place] = set()
        self.growth: dict[Place, float] = {}
        self._shares = Shares(graph, capacity, main)
        self._ready: list[list[tuple[int, int, Path]]] = []
        self._delayed: list[tuple[float, int, Path]] = []
        self._now = -math.inf
        self._learn(graph)

    def grow(self, graph: Graph) -> None:
        """Know of the nodes that a graph has more."""
        self._shares.grow(graph)
        self._learn(graph)

    def _learn(self, graph: Graph) -> None:
        self._ready += [[] for _ in range(len(self._shares.kinds) - len(self._ready))]
        self._priorities = [-graph.options(node).priority for node in range(len(graph.nodes))]

    @property
    def is_empty(self) -> bool:
        return not (self.running or self._delayed or any(self._ready))

    # What there is.

    def make_room(self, executor: str, tasks: int, now: float) -> None:
        """An executor can take this many tasks more."""
        self._shares.room[executor] = tasks
        self._now = max(self._now, now)

    def share(self, name: str, amount: float) -> None:
        """This much there is of what tasks hold while they run."""
        self._shares.capacity[name] = amount

    @property
    def memory(self) -> float:
        """How much there is for all tasks, in bytes."""
        return self._shares.capacity.get("memory", math.inf)

    @property
    def limits(self) -> dict[str, float]:
        """How many tasks may run at once under each limit that steps name."""
        return {name: most for name, most in self._shares.capacity.items() if name.startswith(LIMIT)}

    @property
    def waits_for(self) -> set[str]:
        """What ready tasks would hold, of what is shared with other runs: the names of limits."""
        return {
            name
            for kind, ready in enumerate(self._ready)
            if ready
            for name, _ in self._shares.kinds[kind].amounts
            if name.startswith(LIMIT)
        }

    # In and out.

    def put(self, place: Place) -> None:
        """A step's task is ready."""
        node, path = place
        # Later nodes first: elements flow to the end instead of piling up in the middle.
        heapq.heappush(self._ready[self._shares.of_node[node]], (self._priorities[node], -node, path))

    def delay(self, place: Place, until: float) -> None:
        heapq.heappush(self._delayed, (until, *place))

    def take(self) -> Iterator[Place]:
        """The ready tasks that may begin now, the most urgent first; they run from then on."""
        if self._shares.has_one_kind:
            ready = self._ready[0]
            while ready and self._shares.room.get("", 0) > 0:
                yield self._take_first(0)
            return
        blocked: set[str] = set()
        waiting = [(ready[0], kind) for kind, ready in enumerate(self._ready) if ready]
        heapq.heapify(waiting)
        while waiting:
            first, kind = heapq.heappop(waiting)
            place = (-first[1], first[2])
            if self._shares.may_begin(kind, blocked, self._now, self.growth_of(place)):
                yield self._take_first(kind)
                if self._ready[kind]:
                    heapq.heappush(waiting, (self._ready[kind][0], kind))

    def _take_first(self, kind: int) -> Place:
        _, negative, path = heapq.heappop(self._ready[kind])
        place = (-negative, path)
        self.running.add(place)
        self._shares.begin(kind, self._now, self.growth_of(place))
        return place

    def end(self, place: Place, *, is_step: bool, ran: bool) -> None:
        """What ran does so no more; with ``ran`` false it never began."""
        self.running.remove(place)
        if is_step:
            self._shares.end(self._shares.of_node[place[0]], self.growth_of(place), ran=ran)

    def growth_of(self, place: Place) -> float:
        return self.growth.get(place, 1.0) if self.growth else 1.0

    def clear(self) -> list[Place]:
        """Nothing more begins; what was waiting to."""
        waiting = [(-negative, path) for ready in self._ready for _, negative, path in ready]
        waiting += [(node, path) for _, node, path in self._delayed]
        for ready in self._ready:
            ready.clear()
        self._delayed.clear()
        return waiting

    # Time.

    @property
    def next_tick(self) -> float | None:
        """When the first delayed task becomes ready, or the rate of a step lets another one begin."""
        moments = [self._delayed[0][0]] if self._delayed else []
        if not self._shares.has_one_kind:
            begins = [self._shares.begins_at(kind) for kind, ready in enumerate(self._ready) if ready]
            moments += [moment for moment in begins if moment > self._now]
        return min(moments, default=None)

    def release(self, now: float) -> list[Place]:
        """The tasks whose delay is over by now."""
        self._now = max(self._now, now)
        over = []
        while self._delayed and self._delayed[0][0] <= now:
            _, node, path = heapq.heappop(self._delayed)
            over.append((node, path))
        return over

    # Invariants.

    @property
    def ready(self) -> set[Place]:
        return {(-negative, path) for ready in self._ready for _, negative, path in ready}

    @property
    def delayed(self) -> set[Place]:
        return {(node, path) for _, node, path in self._delayed}

    def check(self, running: set[Place]) -> None:
        """Assert that what is held is what running steps hold, and never more than there is; for tests."""
        held: dict[str, float] = {}
        shares = self._shares
        for node, path in running:
            demand, growth = shares.kinds[shares.of_node[node]], self.growth_of((node, path))
            amounts = [*demand.amounts, *(() if demand.executor else (("cpus", demand.cpus),))]
            for name, amount in amounts:
                most = shares.capacity.get(name, math.inf)
                grown = min(amount * growth, most) if name == "memory" else amount
                held[name] = held.get(name, 0.0) + grown
        for name in held.keys() | shares.held.keys():
            assert math.isclose(held.get(name, 0.0), shares.held.get(name, 0.0), abs_tol=1e-6), name
            if name in ("memory", "gpus"):
                assert held.get(name, 0.0) <= shares.capacity.get(name, math.inf) + 1e-6, f"too much {name}"
