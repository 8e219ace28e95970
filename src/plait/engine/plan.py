"""What would run, and why? The same machine and the same decisions as a run, without doing anything."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import TypeAlias

from msgspec import Struct

from plait.data import Artifact
from plait.engine.control import decide
from plait.engine.events import Action, Done, Failed, Launch, Room, Settle, Start
from plait.engine.machine import Machine
from plait.engine.reuse import Compute, Decision, Reuse, Take
from plait.engine.why import Components, Why, closest, compare, inputs_of, notes_of
from plait.errors import PlaitError
from plait.graph.model import Graph, Path, task_name
from plait.graph.unfold import Lengths
from plait.record.results import Results, Tree
from plait.record.store import RecordStore

__all__ = ["Plan", "PlanItem", "make_plan"]

Place: TypeAlias = tuple[int, Path]


class PlanItem(Struct, frozen=True):
    """What is to happen to a task: ``cached``, ``run``, or ``unknown`` until something before it has run.

    Of what is no task but a part of the pipeline's structure it says how it comes out: a condition or the end of a
    loop is ``decided``, a step in a branch that is not taken ``skipped``. A path shorter than the node's own stands for
    all tasks below it, of which the number is not known; as does, in a loop, one round for those that may follow.
    """

    node: int
    path: Path
    decision: str
    reason: str
    source: str = ""
    key: str | None = None


class Plan(Struct, frozen=True):
    """What a run of a graph would do, task by task in the order of the graph.

    ``seconds`` estimates, from earlier runs, how long the tasks take that run or may have to, one after the other;
    None when nothing is known of any of them. ``explain`` says of a task what differs from the closest earlier one.
    """

    pipeline: str
    graph: Graph
    items: tuple[PlanItem, ...]
    seconds: float | None = None
    explain: Callable[[PlanItem], Why] | None = None

    def name(self, item: PlanItem) -> str:
        return task_name(self.graph.nodes[item.node].id, item.path)

    @property
    def counts(self) -> dict[str, int]:
        """How many tasks there are of each kind; what the pipeline decides by itself is none."""
        counted = {"cached": 0, "run": 0, "unknown": 0, "skipped": 0}
        for item in self.items:
            if self.graph.nodes[item.node].is_step:
                counted[item.decision] += 1
        return counted

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do."""
        return all(item.decision in ("cached", "decided", "skipped") for item in self.items)


def make_plan(
    graph: Graph, reuse: Reuse, results: Results, seconds: Mapping[str, float], records: RecordStore
) -> Plan:
    """Walk a graph as a run would, taking what is there; what would have to run stops the walk there.

    Args:
        results: holds the artifacts of the run's inputs.
        seconds: by node, how long a task took on average.
        records: of earlier runs, for explanations.
    """
    walk = _Walk(graph, reuse, results)
    walk.go()
    ordered = tuple(walk.items[place] for place in sorted(walk.items))
    return Plan(
        graph.name,
        graph,
        ordered,
        _estimate(graph, ordered, seconds),
        lambda item: _explained(item, graph, reuse, results, records, walk.items),
    )


class _Walk:
    """A run of the machine in which a task has ended as soon as it is known whether its result is there."""

    def __init__(self, graph: Graph, reuse: Reuse, results: Results) -> None:
        self.items: dict[Place, PlanItem] = {}
        self._graph = graph
        self._reuse = reuse
        self._results = results
        self._machine = Machine(graph, {name: results.input_lengths(name) for name in graph.layout.splits[1]})

    def go(self) -> None:
        launches = self._take_in(self._machine.handle(Start()))
        while True:
            if self._machine.status is None:
                launches += self._take_in(self._machine.handle(Room(1 << 30)))
            if not launches:
                return
            launches = self._look_up(launches)

    def _take_in(self, actions: list[Action]) -> list[Launch]:
        """Note what is settled and decide what the pipeline decides; answers with the steps that could start."""
        steps: list[Launch] = []
        todo = deque(actions)
        while todo:
            for scope, path, count in self._machine.take_extents():
                self._results.add_extent(scope, path, count)
            action = todo.popleft()
            if isinstance(action, Settle):
                self._settle(action)
            elif isinstance(action, Launch):
                if self._graph.nodes[action.node].is_step:
                    steps.append(action)
                else:
                    todo.extend(self._decide(action.node, action.path))
        for scope, path, count in self._machine.take_extents():
            self._results.add_extent(scope, path, count)
        return steps

    def _settle(self, settled: Settle) -> None:
        place = (settled.node, settled.path)
        if settled.absent:
            self._results.add_absent(*place, settled.reason)
            self.items[place] = PlanItem(*place, "skipped", settled.reason)
        elif place not in self.items:
            # A task that will run has no result yet: what needs it is unknown, not skipped.
            self.items[place] = PlanItem(*place, "unknown", _waits(settled))

    def _decide(self, node: int, path: Path) -> list[Action]:
        try:
            made = decide(self._graph, self._results, node, path)
        except PlaitError as error:
            self.items[node, path] = PlanItem(node, path, "unknown", f"will fail: {error.what}")
            return self._machine.handle(Failed(node, path, retryable=False))
        self.items[node, path] = PlanItem(node, path, "decided", made.note or made.said)
        self._results.add(node, path, made.artifacts)
        lengths = self._lengths(node, made.artifacts)
        return self._machine.handle(Done(node, path, lengths, made.choice, made.said))

    def _look_up(self, launches: list[Launch]) -> list[Launch]:
        arguments = {(one.node, one.path): self._results.arguments(one.node, one.path) for one in launches}
        follow: list[Launch] = []
        for place, decision in self._reuse.decide(arguments).items():
            self.items[place] = _item(self._graph, self._reuse, place, decision)
            if isinstance(decision, Take):
                self._results.add(*place, decision.artifacts)
                lengths = self._lengths(place[0], decision.artifacts)
                follow += self._take_in(self._machine.handle(Done(*place, lengths)))
            else:
                follow += self._take_in(self._machine.handle(Failed(*place, retryable=False)))
        return follow

    def _lengths(self, node: int, artifacts: tuple[Artifact, ...]) -> tuple[Lengths, ...]:
        splits = self._graph.layout.splits[0]
        depths = [splits.get((node, at), 0) for at in range(len(artifacts))]
        if not any(depths):
            return ()
        return tuple(
            self._results.lengths(artifact, depth) if depth else None
            for artifact, depth in zip(artifacts, depths, strict=True)
        )


def _waits(settled: Settle) -> str:
    """What a task waits for; a scope that cannot be entered is known to fail."""
    if settled.state == "failed" and settled.reason:
        return f"will fail: {settled.reason}"
    return f"waits for {settled.reason.removesuffix(' failed')}"


def _item(graph: Graph, reuse: Reuse, place: tuple[int, Path], decision: Decision) -> PlanItem:
    node, path = place
    match decision:
        case Take(source=source, key=key):
            return PlanItem(node, path, "cached", "same code and inputs", source, key)
        case Compute(reason=reason, key=key):
            return PlanItem(node, path, "run", reason, key=key)
        case _:
            owner = reuse.owner(decision.key)
            if owner is None:
                return PlanItem(node, path, "unknown", "another run is computing it now", key=decision.key)
            same = task_name(graph.nodes[owner[0]].id, owner[1])
            return PlanItem(node, path, "cached", f"the same as {same}, computed once", key=decision.key)


def _explained(
    item: PlanItem,
    graph: Graph,
    reuse: Reuse,
    results: Results,
    records: RecordStore,
    items: Mapping[tuple[int, Path], PlanItem],
) -> Why:
    node, path = item.node, item.path
    name = task_name(graph.nodes[node].id, path)
    if not graph.nodes[node].is_step:
        return Why(name, item.decision, item.reason, None, Components(None, ()))
    closure = reuse.keys.closure(node)
    notes = notes_of(closure, graph.options(node).cache)
    if item.decision in ("unknown", "skipped"):
        return Why(
            name,
            "skipped" if item.decision == "skipped" else "waiting",
            item.reason,
            item.key,
            Components(closure, ()),
            notes=notes,
        )
    arguments: tuple[tuple[str, Tree], ...] = results.arguments(node, path)

    def made_in(task: tuple[int, Path]) -> str:
        found = items.get(task)
        return found.source if found else ""

    components = Components(closure, inputs_of(graph, results, node, path, arguments, made_in))
    earlier = closest(records, graph, node, path, components, before=None, pipeline=graph.name, key=item.key)
    differences = compare(earlier.components, components, records.artifacts) if earlier else ()
    state = "cached" if item.decision == "cached" else "waiting"
    return Why(name, state, item.reason, item.key, components, item.source, earlier, differences, notes)


def _estimate(graph: Graph, items: tuple[PlanItem, ...], seconds: Mapping[str, float]) -> float | None:
    known = [
        seconds.get(graph.nodes[item.node].id)
        for item in items
        if item.decision in ("run", "unknown") and graph.nodes[item.node].is_step
    ]
    found = [one for one in known if one is not None]
    return sum(found) if found or not known else None
