"""Which nodes depend on which? The edges of a graph, and what lies before and behind a node."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from plait.graph.model import ROOT, Each, Graph
from plait.graph.values import Const, DictOf, Grid, Input, Item, ListOf, Output, Value, parts

__all__ = ["downstream", "input_names", "meanings", "reads", "upstream"]


def reads(graph: Graph, node: int) -> set[int]:
    """The nodes that a node needs: through its arguments, the scopes around it, and ``after``."""
    found = set(graph.nodes[node].after)
    for _, value in graph.nodes[node].args:
        found.update(_outputs(graph, value))
    scope = graph.nodes[node].scope
    while scope != ROOT:
        chosen = graph.scopes[scope]
        if isinstance(chosen, Each):
            for source in chosen.sources:
                found.update(_outputs(graph, source))
        scope = chosen.parent
    return found


def input_names(graph: Graph, node: int) -> set[str]:
    """The inputs of the run that a node reads itself: in its arguments and in the scopes around it."""
    found: set[str] = set()
    for _, value in graph.nodes[node].args:
        found.update(_inputs(graph, value))
    scope = graph.nodes[node].scope
    while scope != ROOT:
        chosen = graph.scopes[scope]
        if isinstance(chosen, Each):
            for source in chosen.sources:
                found.update(_inputs(graph, source))
        scope = chosen.parent
    return found


def downstream(graph: Graph, nodes: Iterable[int]) -> set[int]:
    """These nodes and all that depend on them."""
    found = set(nodes)
    for node in range(len(graph.nodes)):  # in order: what a node reads comes before it
        if node not in found and not found.isdisjoint(reads(graph, node)):
            found.add(node)
    return found


def upstream(graph: Graph, nodes: Iterable[int]) -> set[int]:
    """These nodes and all that they depend on."""
    found = set(nodes)
    for node in reversed(range(len(graph.nodes))):
        if node in found:
            found.update(reads(graph, node))
    return found


def meanings(graph: Graph) -> dict[str, bytes]:
    """For each node, by id, what it means: its arguments and scopes in terms of other nodes' ids.

    Two graphs agree on a node when both give it the same meaning, whatever else they hold.
    """
    return {
        node.id: msgspec.msgpack.encode(
            (
                [(name, _spelled(graph, value)) for name, value in node.args],
                len(node.outputs),
                [
                    [_spelled(graph, source) for source in scope.sources]
                    for scope in (graph.scopes[axis] for axis in graph.layout.axes[node.scope])
                    if isinstance(scope, Each)
                ],
            )
        )
        for node in graph.nodes
    }


def _outputs(graph: Graph, value: Value) -> Iterator[int]:
    if isinstance(value, Output):
        yield value.node
    elif isinstance(value, Item):
        each = graph.scopes[value.scope]
        assert isinstance(each, Each)
        yield from _outputs(graph, each.sources[value.source])
    else:
        for part in parts(value):
            yield from _outputs(graph, part)


def _inputs(graph: Graph, value: Value) -> Iterator[str]:
    if isinstance(value, Input):
        yield value.name
    elif isinstance(value, Item):
        each = graph.scopes[value.scope]
        assert isinstance(each, Each)
        yield from _inputs(graph, each.sources[value.source])
    else:
        for part in parts(value):
            yield from _inputs(graph, part)


def _spelled(graph: Graph, value: Value) -> object:
    match value:
        case Const(value=constant):
            return ["const", type(constant).__name__, constant]
        case Input(name=name):
            return ["input", name]
        case Output(node=node, output=output):
            return ["output", graph.nodes[node].id, output]
        case Item(scope=scope, source=source):
            return ["item", len(graph.layout.axes[scope]), source]
        case ListOf(items=items, is_tuple=is_tuple):
            return ["tuple" if is_tuple else "list", [_spelled(graph, item) for item in items]]
        case DictOf(items=pairs):
            return ["dict", [(key, _spelled(graph, item)) for key, item in pairs]]
        case Grid(columns=columns, column=column):
            return ["grid", [_spelled(graph, item) for item in columns], column]
