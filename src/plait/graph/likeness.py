"""Do two graphs say the same of a step? What it reads, in words that do not depend on where a value is made."""

from __future__ import annotations

from plait.graph.cutting import beside
from plait.graph.model import ROOT, Branch, Each, Graph, Group, Loop
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
)

__all__ = ["named", "spoken"]


def spoken(graph: Graph, node: int) -> object:
    """What a node reads in terms of names: the same whether a value is made in the graph or comes from outside."""
    chosen = graph.nodes[node]
    around: list[object] = []
    scope = chosen.scope
    while scope != ROOT:
        own = graph.scopes[scope]
        match own:
            case Each(name=name):
                around.append(["each", name])
            case Branch(test=test, cases=cases, default=default):
                around.append(["branch", graph.nodes[test].id, cases, default])
            case Loop(initial=initial, results=results):
                around.append(["loop", [named(graph, value) for value in (*initial, *results)]])
            case Group(name=name):
                around.append(["group", name])
        scope = own.parent
    return [[name, named(graph, value)] for name, value in chosen.args], around


def named(graph: Graph, value: Value) -> object:
    match value:
        case Input(name=name):
            return ["value", name]
        case Output(node=node, output=output):
            return ["value", graph.nodes[node].outputs[output]]
        case Const(value=constant):
            return ["const", type(constant).__name__, constant]
        case Item(scope=scope, source=source):
            each = graph.scopes[scope]
            assert isinstance(each, Each)
            inner = named(graph, each.sources[source])
            made_inside = isinstance(inner, list) and each.labels[source] == beside(str(inner[1]))
            return inner if made_inside else ["item", len(graph.layout.axes[scope]), inner]
        case Passed(name=name):
            return ["passed", name]
        case State(scope=scope, position=position) | Last(scope=scope, position=position):
            return [type(value).__name__, len(graph.layout.axes[scope]), position]
        case ListOf(items=items, is_tuple=is_tuple):
            return ["list", is_tuple, [named(graph, item) for item in items]]
        case DictOf(items=pairs):
            return ["dict", [(key, named(graph, item)) for key, item in pairs]]
        case Grid(columns=columns, column=column):
            return ["grid", [named(graph, item) for item in columns], column]
        case Test(op=op, operands=operands):
            return ["test", op, [named(graph, operand) for operand in operands]]
