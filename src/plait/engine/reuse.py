"""What need not run? Results of this run, of the run that it continues, and of any run with the same key."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from typing import TypeAlias

from msgspec import Struct

from plait.data import Artifact, ArtifactStore
from plait.engine.keys import Keys
from plait.graph.model import Graph, Path
from plait.graph.units import read_seconds
from plait.record.computations import Computations, Found
from plait.record.results import Tree

__all__ = ["Compute", "Decision", "Reuse", "Take", "Wait"]

Place: TypeAlias = tuple[int, Path]


class Take(Struct, frozen=True):
    """The result is there: ``source`` names the run that made it."""

    artifacts: tuple[Artifact, ...]
    key: str | None
    source: str


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
        prior: results that are taken whatever their key: those of a resumed or forked run. Answers with the
            artifacts and the id of the run, or None.
        look_up: whether results of other runs are taken at all (``--no-cache`` says no).
        refresh: nodes that are computed anew.
        alive: whether a run, by its number, is still going on.
    """

    def __init__(
        self,
        graph: Graph,
        keys: Keys,
        computations: Computations,
        store: ArtifactStore,
        *,
        prior: Callable[[int, Path], tuple[tuple[Artifact, ...], str] | None] = lambda _node, _path: None,
        look_up: bool = True,
        refresh: Collection[int] = (),
        alive: Callable[[int], bool] = lambda _run: False,
    ) -> None:
        self._graph = graph
        self.keys = keys
        self._computations = computations
        self._store = store
        self._prior = prior
        self._look_up = look_up
        self._refresh = frozenset(refresh)
        self._alive = alive
        self._checked: set[str] = set()
        self._running: dict[str, Place] = {}

    def decide(self, tasks: Mapping[Place, tuple[tuple[str, Tree], ...]], *, claim: bool = True) -> dict[Place, Decision]:
        """A decision for each task, from its arguments; one look into the tables for all of them."""
        decisions: dict[Place, Decision] = {}
        keys: dict[Place, str] = {}
        for place, arguments in tasks.items():
            prior = self._prior(*place)
            if prior is not None and self._sound(prior[0]) is None:
                decisions[place] = Take(prior[0], None, prior[1])
                continue
            key = self.keys.key(place[0], arguments)
            if key is None:
                decisions[place] = Compute(None, self.keys.why_uncached(place[0]) or "not cached")
            else:
                keys[place] = key
        found = self._computations.find(keys.values()) if keys else {}
        claims: list[tuple[str, int, Path]] = []
        for place, key in keys.items():
            decision = self._judge(place, key, found.get(key))
            if isinstance(decision, Compute):
                if claim:
                    self._running[key] = place
                    claims.append((key, *place))
            decisions[place] = decision
        if claims:
            self._computations.claim(claims)
        return decisions

    def ours(self, key: str) -> bool:
        """Whether this run is at a computation."""
        return key in self._running

    def ended(self, place: Place, key: str | None) -> None:
        """A computation of this run is over, well or not."""
        if key is not None and self._running.get(key) == place:
            del self._running[key]

    def _judge(self, place: Place, key: str, found: Found | None) -> Decision:
        if key in self._running and self._running[key] != place:
            return Wait(key)
        if place[0] in self._refresh:
            return Compute(key, "refreshed")
        if not self._look_up:
            return Compute(key, "the cache was not asked (--no-cache)")
        if found is None:
            return Compute(key, "no result with this code and these inputs")
        if found.made_at is None:
            return Wait(key) if self._alive(found.run) else Compute(key, "the run that began it is gone")
        if not found.artifacts:
            return Compute(key, "its result has been deleted")
        expired = self._expired(place[0], found.made_at)
        if expired:
            return Compute(key, expired)
        fault = self._sound(found.artifacts)
        if fault is not None:
            return Compute(key, f"its stored result is damaged: {fault}")
        return Take(found.artifacts, key, found.run_id)

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
            fault = self._store.check(artifact)
            self._checked.add(artifact.id)
            if fault is not None:
                self._checked.discard(artifact.id)
                self._store.discard(artifact)
                return fault
        return None
