"""What would run, and why? The same machine and the same decisions as a run, without doing anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from plait.data import Artifact
from plait.engine.events import Action, Done, Failed, Launch, Room, Settle, Start
from plait.engine.machine import Machine
from plait.engine.reuse import Compute, Decision, Reuse, Take
from plait.engine.why import Components, Why, closest, compare, inputs_of, notes_of
from plait.graph.model import Graph, Path, task_name
from plait.record.results import Results, Tree
from plait.record.store import RecordStore

__all__ = ["Plan", "PlanItem", "make_plan"]


class PlanItem(Struct, frozen=True):
    """What is to happen to a task: ``cached``, ``run``, or ``unknown`` until something before it has run.

    A path shorter than the node's own stands for all tasks below it, of which the number is not known.
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
        counted = {"cached": 0, "run": 0, "unknown": 0}
        for item in self.items:
            counted[item.decision] += 1
        return counted

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do."""
        return all(item.decision == "cached" for item in self.items)


def make_plan(
    graph: Graph, reuse: Reuse, results: Results, seconds: Mapping[str, float], records: RecordStore
) -> Plan:
    """Walk a graph as a run would, taking what is there; what would have to run stops the walk there.

    Args:
        results: holds the artifacts of the run's inputs.
        seconds: by node, how long a task took on average.
        records: of earlier runs, for explanations.
    """
    machine = Machine(graph, {name: results.input_lengths(name) for name in graph.layout.splits[1]})
    items: dict[tuple[int, Path], PlanItem] = {}
    actions = machine.handle(Start())
    while True:
        if machine.status is None:
            actions += machine.handle(Room(1 << 30))
        for scope, path, count in machine.take_extents():
            results.add_extent(scope, path, count)
        launches = [action for action in actions if isinstance(action, Launch)]
        for action in actions:
            # A task that will run has no result yet: what needs it is unknown, not skipped.
            if isinstance(action, Settle) and (action.node, action.path) not in items:
                reason = _waits(action)
                items[action.node, action.path] = PlanItem(action.node, action.path, "unknown", reason)
        if not launches:
            break
        actions = _decide(graph, machine, reuse, results, launches, items)
    ordered = tuple(items[place] for place in sorted(items))
    return Plan(
        graph.name,
        graph,
        ordered,
        _estimate(graph, ordered, seconds),
        lambda item: _explained(item, graph, reuse, results, records, items),
    )


def _waits(settled: Settle) -> str:
    """What a task waits for; a scope that cannot be entered is known to fail."""
    if settled.state == "failed" and settled.reason:
        return f"will fail: {settled.reason}"
    return f"waits for {settled.reason.removesuffix(' failed')}"


def _decide(
    graph: Graph,
    machine: Machine,
    reuse: Reuse,
    results: Results,
    launches: list[Launch],
    items: dict[tuple[int, Path], PlanItem],
) -> list[Action]:
    arguments = {(one.node, one.path): results.arguments(one.node, one.path) for one in launches}
    actions: list[Action] = []
    for place, decision in reuse.decide(arguments).items():
        node, path = place
        items[place] = _item(graph, reuse, place, decision)
        if isinstance(decision, Take):
            results.add(node, path, decision.artifacts)
            actions += machine.handle(Done(node, path, _lengths(graph, results, node, decision.artifacts)))
        else:
            actions += machine.handle(Failed(node, path, retryable=False))
    return actions


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
    closure = reuse.keys.closure(node)
    notes = notes_of(closure, graph.options(node).cache)
    if item.decision == "unknown":
        return Why(name, "waiting", item.reason, item.key, Components(closure, ()), notes=notes)
    arguments: tuple[tuple[str, Tree], ...] = results.arguments(node, path)

    def made_in(task: tuple[int, Path]) -> str:
        found = items.get(task)
        return found.source if found else ""

    components = Components(closure, inputs_of(graph, results, node, path, arguments, made_in))
    earlier = closest(records, graph, node, path, components, before=None, pipeline=graph.name, key=item.key)
    differences = compare(earlier.components, components, records.artifacts) if earlier else ()
    state = "cached" if item.decision == "cached" else "waiting"
    return Why(name, state, item.reason, item.key, components, item.source, earlier, differences, notes)


def _lengths(graph: Graph, results: Results, node: int, artifacts: tuple[Artifact, ...]) -> tuple:  # type: ignore[type-arg]
    depths = [graph.layout.splits[0].get((node, at), 0) for at in range(len(artifacts))]
    if not any(depths):
        return ()
    return tuple(
        results.lengths(artifact, depth) if depth else None
        for artifact, depth in zip(artifacts, depths, strict=True)
    )


def _estimate(graph: Graph, items: tuple[PlanItem, ...], seconds: Mapping[str, float]) -> float | None:
    known = [seconds.get(graph.nodes[item.node].id) for item in items if item.decision != "cached"]
    found = [one for one in known if one is not None]
    return sum(found) if found or not known else None
