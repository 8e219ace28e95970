"""What must be there before a task can run? Told once for each node, as far as it does not depend on the task."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

from plait.graph.dynamic import AFTER
from plait.graph.model import Calls, Each, Graph, Path
from plait.graph.slicing import downstream, producers
from plait.graph.unfold import Fixed, Keyed, Lengths, Many, Need, Resolved, resolve
from plait.graph.values import Const, Input, Item, Last, Output, Passed, State, Value, parts

__all__ = ["THERE", "Needs", "Place", "fixed_needs", "guarded", "places"]

THERE = Fixed(None)  # what a call passed, where it waits for nothing

Place: TypeAlias = tuple[int, Path]
"""A node at a path; a scope ``s`` at a path is written ``(~s, path)``."""


def guarded(graph: Graph) -> set[int]:
    """The ``each`` scopes of which an element may be missing, because it hangs on a branch."""
    inside = {
        node
        for branches in graph.layout.branches.values()
        for one in branches
        for node in graph.layout.subtree(one)
    }
    if not inside:
        return set()
    after = downstream(graph, inside)
    return {
        index
        for index, scope in enumerate(graph.scopes)
        if isinstance(scope, Each) and not after.isdisjoint(producers(graph, scope.sources))
    }


Needs: TypeAlias = tuple[tuple[tuple[int, tuple[int, ...] | None], ...], tuple[Value, ...]]


def fixed_needs(graph: Graph, node: int) -> Needs:
    """What a node needs, told once for all its tasks.

    The fixed part is pairs of a producer and the positions of the consumer's path that make the producer's; None
    where both paths are the same. What depends on the index itself (grids, lists of references) is dynamic.
    """
    chosen = graph.nodes[node]
    identity = tuple(range(len(graph.layout.node_axes[node])))
    fixed: dict[tuple[int, tuple[int, ...] | None], None] = {}
    dynamic: list[Value] = []
    for value in (*(arg for _, arg in chosen.args), *(Output(earlier) for earlier in chosen.after)):
        found = _positions(graph, value, chosen.scope, identity)
        if found is None:
            dynamic.append(value)
        else:
            fixed.update(dict.fromkeys((producer, None if at == identity else at) for producer, at in found))
    axes = graph.layout.node_axes[node]
    if axes and isinstance(graph.scopes[axes[0]], Calls):
        dynamic.append(Passed(axes[0], AFTER))
    return tuple(fixed), tuple(dynamic)


def _positions(graph: Graph, value: Value, scope: int, identity: Path) -> list[Place] | None:
    """The places that a value needs, written in positions of the path; None where that cannot be said."""
    source = value
    while isinstance(source, Item):
        each = graph.scopes[source.scope]
        assert isinstance(each, Each)
        source = each.sources[source.source]
    match source:
        case Const() | Input():
            return []
        case Passed():
            return None
        case Output():
            # `resolve` only cuts and joins paths on its way to an output, so positions pass through it as well.
            return list(places(resolve(graph, _NOTHING, value, scope, identity)))
    if isinstance(source, State | Last):
        return None
    if value is not source:
        return [] if not _reads_outputs(source) else None
    collected: list[Place] = []
    for part in parts(source):
        found = _positions(graph, part, scope, identity)
        if found is None:
            return None
        collected.extend(found)
    return collected


def _reads_outputs(value: Value) -> bool:
    return isinstance(value, Output | Item | Passed | State | Last) or any(
        _reads_outputs(part) for part in parts(value)
    )


def places(resolved: Resolved) -> Iterable[Place]:
    """The places of tasks that a resolved value is made of."""
    match resolved:
        case Need(node=node, path=path):
            yield (node, path)
        case Many(items=items):
            for item in items:
                yield from places(item)
        case Keyed(items=pairs):
            for _, item in pairs:
                yield from places(item)


class _Nothing:
    """Facts before anything is known."""

    def extent(self, scope: int, path: Path) -> int | None:
        return None

    def output_lengths(self, node: int, output: int, path: Path) -> Lengths:
        return None

    def input_lengths(self, name: str) -> Lengths:
        return None

    def passed(self, scope: int, path: Path, name: str) -> Resolved:
        return THERE

    def absent(self, node: int, path: Path) -> bool:
        return False


_NOTHING = _Nothing()
