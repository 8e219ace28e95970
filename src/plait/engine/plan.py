"""What would run, and why? The same machine and the same decisions as a run, without doing anything."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from plait.data import Artifact
from plait.engine.events import Action, Done, Failed, Launch, Room, Settle, Start
from plait.engine.machine import Machine
from plait.engine.reuse import Compute, Reuse, Take
from plait.graph.model import Graph, Path, task_name
from plait.record.results import Results

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
    None when nothing is known of any of them.
    """

    pipeline: str
    graph: Graph
    items: tuple[PlanItem, ...]
    seconds: float | None = None

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
    graph: Graph, inputs: dict[str, Artifact], reuse: Reuse, results: Results, seconds: Mapping[str, float]
) -> Plan:
    """Walk a graph as a run would, taking what is there; what would have to run stops the walk there.

    Args:
        inputs: the artifacts of the run's inputs.
        seconds: by node, how long a task took on average.
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
                reason = action.reason.replace(" failed", " will run")
                items[action.node, action.path] = PlanItem(action.node, action.path, "unknown", reason)
        if not launches:
            break
        actions = _decide(graph, machine, reuse, results, launches, items)
    ordered = tuple(items[place] for place in sorted(items))
    return Plan(graph.name, graph, ordered, _estimate(graph, ordered, seconds))


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
    for place, decision in reuse.decide(arguments, claim=False).items():
        node, path = place
        if isinstance(decision, Take):
            items[place] = PlanItem(
                node, path, "cached", "same code and inputs", decision.source, decision.key
            )
            results.add(node, path, decision.artifacts)
            actions += machine.handle(Done(node, path, _lengths(graph, results, node, decision.artifacts)))
        else:
            reason = decision.reason if isinstance(decision, Compute) else "another run is computing it"
            items[place] = PlanItem(node, path, "run", reason, key=decision.key)
            actions += machine.handle(Failed(node, path, retryable=False))
    return actions


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
