"""Which nodes depend on which? The edges of a graph, and what lies before and behind a node."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from plait.graph.model import ROOT, Branch, Calls, Each, Graph, Loop, scope_values
from plait.graph.values import (
    Const,
    DictOf,
    Grid,
    Input,
    Item,
    Last,
    ListOf,
    Output,
    Passed,
    State,
    Test,
    Value,
    parts,
)

__all__ = ["downstream", "input_names", "leaves", "meanings", "producers", "reads", "upstream"]


def reads(graph: Graph, node: int) -> set[int]:
    """The nodes that a node needs: through its arguments, the scopes around it, and ``after``."""
    return producers(graph, _read(graph, node)) | set(graph.nodes[node].after)


def producers(graph: Graph, values: Iterable[Value]) -> set[int]:
    """The nodes whose outputs values are made of."""
    return {
        leaf.node for value in values for leaf in _leaves(graph, value, set()) if isinstance(leaf, Output)
    }


def input_names(graph: Graph, node: int) -> set[str]:
    """The inputs of the run that a node reads itself: in its arguments and in the scopes around it."""
    return {leaf.name for leaf in leaves(graph, node) if isinstance(leaf, Input)}


def leaves(graph: Graph, node: int) -> Iterator[Output | Input]:
    """The outputs and inputs that a node reads, or that decide about it."""
    for value in _read(graph, node):
        yield from _leaves(graph, value, set())


def downstream(graph: Graph, nodes: Iterable[int]) -> set[int]:
    """These nodes and all that depend on them."""
    found = set(nodes)
    needs = [reads(graph, node) for node in range(len(graph.nodes))]
    before = -1
    while before != len(found):  # more than once for loops alone: elsewhere what a node reads comes before it
        before = len(found)
        for node, needed in enumerate(needs):
            if node not in found and not found.isdisjoint(needed):
                found.add(node)
    return found


def upstream(graph: Graph, nodes: Iterable[int]) -> set[int]:
    """These nodes and all that they depend on."""
    found: set[int] = set()
    todo = list(nodes)
    while todo:
        node = todo.pop()
        if node not in found:
            found.add(node)
            todo.extend(reads(graph, node))
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
                *_control(graph, index),
            )
        )
        for index, node in enumerate(graph.nodes)
    }


def _control(graph: Graph, node: int) -> list[object]:
    """What decides whether and how often a node runs; empty where nothing does, as it was before there was any."""
    found: list[object] = []
    scope = graph.nodes[node].scope
    while scope != ROOT:
        match graph.scopes[scope]:
            case Branch(test=test, cases=cases, default=default):
                found.append(["branch", graph.nodes[test].id, cases, default])
            case Calls(call=call):
                found.append(["calls", call])
            case Loop(initial=initial, results=results, until=until):
                carried = [[_spelled(graph, value) for value in values] for values in (initial, results)]
                found.append(["loop", carried, graph.nodes[until].id])
        scope = graph.scopes[scope].parent
    if not graph.nodes[node].is_step:
        branches = [graph.scopes[branch] for branch in graph.layout.branches.get(node, ())]
        cases_of = [[one.cases, one.default] for one in branches if isinstance(one, Branch)]
        found.append([graph.nodes[node].kind, cases_of])
    return found


def _read(graph: Graph, node: int) -> Iterator[Value]:
    """The values that a node reads, or that decide about it."""
    for _, value in graph.nodes[node].args:
        yield value
    scope = graph.nodes[node].scope
    while scope != ROOT:
        chosen = graph.scopes[scope]
        if not (isinstance(chosen, Loop) and chosen.until == node):
            yield from scope_values(chosen)
        scope = chosen.parent


def _leaves(graph: Graph, value: Value, seen: set[Value]) -> Iterator[Output | Input]:
    """The outputs and inputs that a value is made of; what a loop carries is looked into once."""
    match value:
        case Output() | Input():
            yield value
        case Item(scope=scope, source=source):
            each = graph.scopes[scope]
            assert isinstance(each, Each)
            yield from _leaves(graph, each.sources[source], seen)
        case Passed(scope=scope, name=name):
            calls = graph.scopes[scope]
            for parameter, nodes in calls.sources if isinstance(calls, Calls) else ():
                if parameter == name:
                    yield from (Output(node) for node in nodes)
        case State(scope=scope, position=position) | Last(scope=scope, position=position):
            carried = State(scope, position)
            if carried not in seen:
                seen.add(carried)
                loop = graph.scopes[scope]
                assert isinstance(loop, Loop)
                yield from _leaves(graph, loop.initial[position], seen)
                yield from _leaves(graph, loop.results[position], seen)
        case _:
            for part in parts(value):
                yield from _leaves(graph, part, seen)


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
        case Passed(name=name):
            return ["passed", name]
        case State(scope=scope, position=position):
            return ["state", len(graph.layout.axes[scope]), position]
        case Last(scope=scope, position=position):
            loop = graph.scopes[scope]
            assert isinstance(loop, Loop)
            return ["last", graph.nodes[loop.until].id, position]
        case Test(op=op, operands=operands):
            return ["test", op, [_spelled(graph, operand) for operand in operands]]
        case ListOf(items=items, is_tuple=is_tuple):
            return ["tuple" if is_tuple else "list", [_spelled(graph, item) for item in items]]
        case DictOf(items=pairs):
            return ["dict", [(key, _spelled(graph, item)) for key, item in pairs]]
        case Grid(columns=columns, column=column):
            return ["grid", [_spelled(graph, item) for item in columns], column]
