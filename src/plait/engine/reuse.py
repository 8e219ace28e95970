"""What need not run? Results of this run, of the run that it continues, and of any run with the same key."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import TypeAlias

from msgspec import Struct

from plait.data import Artifact, ArtifactStore
from plait.engine.keys import Keys
from plait.graph.model import Graph, Path
from plait.graph.units import read_seconds
from plait.record.computations import Computations, Found
from plait.record.results import Tree
from plait.record.writer import Origin

__all__ = ["Compute", "Decision", "Reuse", "Take", "Wait"]

Place: TypeAlias = tuple[int, Path]


class Take(Struct, frozen=True):
    """The result is there: ``source`` names the run that made it.

    ``recorded`` says that it is this task's own, of before the run was resumed.
    """

    artifacts: tuple[Artifact, ...]
    key: str | None
    source: str
    origin: Origin | None = None
    recorded: bool = False


class Wait(Struct, frozen=True):
    """Somebody computes just this: another run, or an earlier task of this one."""

    key: str


class Compute(Struct, frozen=True):
    """It has to run; ``key`` is what its result will be found under, if at all."""

    key: str | None
    reason: str


Decision: TypeAlias = Take | Wait | Compute


class Reuse:
    """Decides for tasks that are about to start whether they have to.

    Args:
        prior: results that are taken whatever their key: those of a resumed or forked run.
        look_up: whether results of other runs are taken at all (``--no-cache`` says no).
        refresh: nodes that are computed anew.
        alive: whether a run, by its number, is still going on.
        unpublished: why a found result cannot stand for a task, though it is the same: what the task has to leave
            elsewhere is not there.
        on_growth: told of a graph that has more in it.
    """

    def __init__(
        self,
        graph: Graph,
        keys: Keys,
        computations: Computations,
        store: ArtifactStore,
        *,
        prior: Callable[[int, Path], Take | None] | None = None,
        look_up: bool = True,
        refresh: Collection[int] = (),
        alive: Callable[[int], bool] = lambda _run: False,
        unpublished: Callable[[int, Path, Found], str | None] = lambda _node, _path, _found: None,
        on_growth: Callable[[Graph], None] = lambda _graph: None,
    ) -> None:
        self._graph = graph
        self.keys = keys
        self._computations = computations
        self._store = store
        self._prior = prior
        self._look_up = look_up
        self._refresh = frozenset(refresh)
        self._alive = alive
        self._unpublished = unpublished
        self._on_growth = on_growth
        self._checked: set[str] = set()
        self._running: dict[str, Place] = {}
        self._made: set[str] = set()

    def grow(self, graph: Graph) -> None:
        """Decide for a graph that has more in it."""
        self._graph = graph
        self.keys.grow(graph)
        self._on_growth(graph)

    def refresh(self, nodes: Iterable[int]) -> None:
        """Compute these nodes anew from now on."""
        self._refresh = frozenset(nodes)

    def decide(self, tasks: Mapping[Place, tuple[tuple[str, Tree], ...]]) -> dict[Place, Decision]:
        """A decision for each task, from its arguments; one look into the tables for all of them.

        What is to be computed counts as under way from then on, until ``ended`` is told.
        """
        decisions: dict[Place, Decision] = {}
        keys: dict[Place, str] = {}
        for place, arguments in tasks.items():
            if self._prior is not None:
                prior = self._prior(*place)
                if prior is not None and self._sound(prior.artifacts) is None:
                    decisions[place] = prior
                    continue
            key = self.keys.key(place[0], arguments)
            if key is None:
                decisions[place] = Compute(None, self.keys.why_uncached(place[0]) or "not cached")
            else:
                keys[place] = key
        found = self._computations.find(keys.values()) if keys else {}
        for place, key in keys.items():
            decision = decisions[place] = self._judge(place, key, found.get(key, []))
            if isinstance(decision, Compute):
                self._running[key] = place
        return decisions

    def prior(self, node: int, path: Path) -> Take | None:
        """What the run has already at a place, or takes over from the one that it branched off."""
        return self._prior(node, path) if self._prior is not None else None

    def ours(self, key: str) -> bool:
        """Whether this run is at a computation."""
        return key in self._running

    def owner(self, key: str) -> Place | None:
        """The task of this run that is at a computation."""
        return self._running.get(key)

    def ended(self, place: Place, key: str | None, *, well: bool) -> None:
        """A computation of this run is over, well or not."""
        if key is not None and self._running.get(key) == place:
            del self._running[key]
            if well:
                self._made.add(key)

    def _judge(self, place: Place, key: str, found: list[Found]) -> Decision:
        if place[0] in self._refresh:
            return Compute(key, "refreshed")
        if not self._look_up:
            return Compute(key, "the cache was not asked (--no-cache)")
        if key in self._running and self._running[key] != place:
            return Wait(key)
        why = "no result with this code and these inputs"
        for one in found:
            if one.made_at is None:
                if self._alive(one.run):
                    return Wait(key)
                continue
            fault = self._fault(place[0], one) or self._unpublished(*place, one)
            if fault is None:
                return Take(one.artifacts, key, one.run_id, (one.run, one.node, one.path, one.attempt))
            why = fault
        return Compute(key, why)

    def _fault(self, node: int, found: Found) -> str | None:
        """Why a recorded result cannot be taken."""
        if not found.artifacts:
            return "its result has been deleted"
        expired = self._expired(node, found.made_at or 0.0)
        if expired is not None:
            return expired
        damage = self._sound(found.artifacts)
        return None if damage is None else f"its stored result is damaged: {damage}"

    def _expired(self, node: int, made_at: float) -> str | None:
        cache = self._graph.options(node).cache
        if not isinstance(cache, str):
            return None
        age = time.time() - made_at
        # A result from the future was made before the clock was set back: its age is not known.
        return f"older than {cache}" if not 0 <= age <= read_seconds(cache) else None

    def _sound(self, artifacts: tuple[Artifact, ...]) -> str | None:
        for artifact in artifacts:
            if artifact.head is not None and not artifact.parts and artifact.format != "gathered":
                continue
            if artifact.id in self._checked:
                continue
            fault = self._store.claim(artifact)
            if fault is not None:
                self._store.discard(artifact)
                return fault
            self._checked.add(artifact.id)
        return None
