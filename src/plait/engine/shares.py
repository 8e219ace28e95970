"""Which ready task may begin? What tasks need at once, how much of it there is, and who holds it.

Everything that is counted is a named amount: ``cpus``, ``memory`` in bytes, ``gpus``, and ``limit:KEY`` for a limit
that steps share. A task that has to wait for an amount keeps later ones from taking it away under its eyes; what it
does not lack, others may use.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping

from msgspec import Struct

from plait.graph.model import Graph
from plait.graph.options import Options
from plait.graph.units import read_rate

__all__ = ["LIMIT", "Demand", "Shares"]

LIMIT = "limit:"


class Demand(Struct, frozen=True):
    """What a task of some kind holds while it runs, and where.

    ``rate`` is how many may begin in how many seconds; ``node`` tells the kinds with a rate apart.
    """

    executor: str = ""
    cpus: float = 1.0
    amounts: tuple[tuple[str, float], ...] = ()
    rate: tuple[int, float] | None = None
    node: int = -1

    @property
    def is_light(self) -> bool:
        """Whether it needs no more than a place to run: the executor may take more of them than it has cores."""
        return self.cpus == 1.0 and not self.amounts and self.rate is None and not self.executor


class Shares:
    """What there is for the tasks of a run, and what they hold.

    Args:
        capacity: how much there is of what is counted; what is not named is not counted.
        main: the name of the executor that has it, which steps may name as well.
    """

    def __init__(self, graph: Graph, capacity: Mapping[str, float] | None = None, main: str = "") -> None:
        self._main = main
        self.kinds: list[Demand] = [Demand()]
        self.capacity = dict(capacity or {})
        self.held: dict[str, float] = {}
        self.room: dict[str, int] = {}
        self._numbers: dict[Demand, int] = {Demand(): 0}
        self._by_options: dict[int, int] = {}
        self._wide = 0.0  # cores held by tasks that hold another number of them than one
        self._begun: dict[int, deque[float]] = {}
        self.of_node: list[int] = []
        self.grow(graph)

    def grow(self, graph: Graph) -> None:
        """Know of the nodes that a graph has more."""
        self._by_options.clear()  # by id: what is gone may have had the id of what is new
        known = range(len(self.of_node), len(graph.nodes))
        self.of_node += [self._kind(graph.options(node), node) for node in known]

    @property
    def has_one_kind(self) -> bool:
        return len(self.kinds) == 1

    def _kind(self, options: Options, node: int) -> int:
        known = self._by_options.get(id(options))
        if known is not None and not options.rate:
            return known
        demand = self._demand(options, node)
        number = self._numbers.get(demand)
        if number is None:
            number = self._numbers[demand] = len(self.kinds)
            self.kinds.append(demand)
        for key, most in options.limit:
            name = f"{LIMIT}{key}"
            self.capacity[name] = min(self.capacity.get(name, math.inf), float(most))
        self._by_options[id(options)] = number
        return number

    def needs(self, kind: int, factor: float = 1.0) -> list[tuple[str, float]]:
        """What a task of a kind takes; ``factor`` is by how much its memory has grown."""
        demand = self.kinds[kind]
        amounts = self._grown(demand, factor)
        if not demand.executor and (demand.cpus != 1.0 or self._wide):
            amounts.append(("cpus", demand.cpus))
        return amounts

    def may_begin(self, kind: int, blocked: set[str], now: float, factor: float = 1.0) -> bool:
        """Whether a task may begin now; if not, what it lacks is added to ``blocked``."""
        demand = self.kinds[kind]
        if self.room.get(demand.executor, 0) <= 0 or self.begins_at(kind) > now:
            return False
        if not demand.executor and "cpus" in blocked:
            return False
        needs = self.needs(kind, factor)
        if any(name in blocked for name, _ in needs):
            return False
        lacking = {name for name, amount in needs if self.held.get(name, 0.0) + amount > self._there(name)}
        blocked |= lacking
        return not lacking

    def begins_at(self, kind: int) -> float:
        """The earliest moment at which its rate lets another task of a kind begin."""
        rate, begun = self.kinds[kind].rate, self._begun.get(kind)
        if rate is None or begun is None or len(begun) < rate[0]:
            return -math.inf
        return begun[0] + rate[1]

    def begin(self, kind: int, now: float, factor: float = 1.0) -> None:
        demand = self.kinds[kind]
        self.room[demand.executor] -= 1
        self._hold(demand, 1.0, factor)
        if demand.rate is not None:
            begun = self._begun.setdefault(kind, deque(maxlen=demand.rate[0]))
            begun.append(now)

    def end(self, kind: int, factor: float = 1.0, *, ran: bool = True) -> None:
        """A task gives back what it held; one that did not run after all does not count for its rate either."""
        self._hold(self.kinds[kind], -1.0, factor)
        if not ran and self._begun.get(kind):
            self._begun[kind].pop()

    def _hold(self, demand: Demand, sign: float, factor: float) -> None:
        if not demand.executor:
            self.held["cpus"] = self.held.get("cpus", 0.0) + sign * demand.cpus
            if demand.cpus != 1.0:
                self._wide += sign * demand.cpus
        for name, amount in self._grown(demand, factor):
            self.held[name] = self.held.get(name, 0.0) + sign * amount

    def _grown(self, demand: Demand, factor: float) -> list[tuple[str, float]]:
        """The amounts of a demand, its memory grown as far as there is any."""
        return [
            (name, min(amount * factor, self._there(name)) if name == "memory" else amount)
            for name, amount in demand.amounts
        ]

    def _there(self, name: str) -> float:
        return self.capacity.get(name, math.inf)

    def _demand(self, options: Options, node: int) -> Demand:
        executor = "" if options.executor == self._main else options.executor
        amounts: list[tuple[str, float]] = []
        if not executor:  # elsewhere the engine there hands out what it has
            if options.memory:
                amounts.append(("memory", float(options.memory)))
            if options.gpus:
                amounts.append(("gpus", float(options.gpus)))
        amounts += [(f"{LIMIT}{key}", 1.0) for key, _ in options.limit]
        rate = read_rate(options.rate) if options.rate else None
        return Demand(executor, options.cpus, tuple(amounts), rate, node if rate else -1)
