"""How does a graph read as text? In the order of the pipeline, indented by its groups, each step with what it takes."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from plait.display.text import Text, clean
from plait.graph.model import ROOT, Each, Graph, Group, Node
from plait.graph.values import Const, DictOf, Grid, Input, Item, ListOf, Output, Value

__all__ = ["Row", "inputs_text", "outline"]


class Row(Struct, frozen=True):
    """A line of an outline: a step, or a group that the following deeper rows are in (``node`` is None).

    ``label`` is the step's name inside its group, ``outputs`` how its values are called where that is not its name.
    """

    depth: int
    label: str
    node: int | None
    takes: Text
    outputs: tuple[str, ...] = ()
    mapped: bool = False


def outline(graph: Graph) -> list[Row]:
    """The rows of a graph: one per step, and one per group before its steps."""
    rows: list[Row] = []
    open_groups: list[int] = []
    for index, node in enumerate(graph.nodes):
        groups = _groups_around(graph, node.scope)
        shared = 0
        while shared < min(len(groups), len(open_groups)) and groups[shared] == open_groups[shared]:
            shared += 1
        for depth, group in enumerate(groups[shared:], shared):
            rows.append(_group_row(graph, group, depth, groups[depth - 1] if depth else ROOT))
        open_groups = groups
        prefix = _prefix(graph, groups)
        rows.append(
            Row(
                len(groups),
                node.id.removeprefix(prefix),
                index,
                inputs_text(graph, node, prefix),
                tuple(name.removeprefix(prefix) for name in node.outputs)
                if node.outputs != (node.id,)
                else (),
                bool(graph.layout.node_axes[index]),
            )
        )
    return rows


def _groups_around(graph: Graph, scope: int) -> list[int]:
    found: list[int] = []
    while scope != ROOT:
        if isinstance(graph.scopes[scope], Group):
            found.insert(0, scope)
        scope = graph.scopes[scope].parent
    return found


def _prefix(graph: Graph, groups: list[int]) -> str:
    return f"{graph.scopes[groups[-1]].name}." if groups else ""


def _group_row(graph: Graph, group: int, depth: int, outer: int) -> Row:
    name = graph.scopes[group].name
    above = f"{graph.scopes[outer].name}." if outer != ROOT else ""
    sources: list[Value] = []
    scope = graph.scopes[group].parent
    while scope != outer and scope != ROOT:
        each = graph.scopes[scope]
        if isinstance(each, Each):
            sources = [*each.sources, *sources]
        scope = graph.scopes[scope].parent
    takes = Text(", ".join(dict.fromkeys(f"each({_say(graph, source, above)})" for source in sources)))
    return Row(depth, name.removeprefix(above), None, takes, (), bool(sources))


def inputs_text(graph: Graph, node: Node, prefix: str = "") -> Text:
    """What a step takes, in the words of the pipeline: ``train, each(grid), seed=3``; each thing once."""
    found: dict[str, str] = {}
    for name, value in node.args:
        text = _say(graph, value, prefix)
        if isinstance(value, Const):
            found[f"{name}={text}"] = "dim"
        else:
            found[text] = "name" if isinstance(_source(graph, value), Input) else ""
    for earlier in node.after:
        found[f"after {graph.nodes[earlier].id}"] = "dim"
    line = Text()
    for at, (text, style) in enumerate(found.items()):
        line.add(", " if at else "", "dim").add(text, style)
    return line


def _source(graph: Graph, value: Value) -> Value:
    while isinstance(value, Item):
        each = graph.scopes[value.scope]
        assert isinstance(each, Each)
        value = each.sources[value.source]
    return value


def _say(graph: Graph, value: Value, prefix: str) -> str:
    match value:
        case Const(value=constant):
            return _constant(constant)
        case Input(name=name):
            return name
        case Output(node=node, output=output):
            mapped = "[*]" if graph.layout.node_axes[node] else ""
            return graph.nodes[node].outputs[output].removeprefix(prefix) + mapped
        case Item(scope=scope, source=source):
            each = graph.scopes[scope]
            assert isinstance(each, Each)
            return f"each({_say(graph, each.sources[source], prefix).removesuffix('[*]')})"
        case ListOf(items=items, is_tuple=is_tuple):
            inside = ", ".join(_say(graph, item, prefix) for item in items)
            return f"({inside})" if is_tuple else f"[{inside}]"
        case DictOf(items=pairs):
            return "{" + ", ".join(f"{key}: {_say(graph, item, prefix)}" for key, item in pairs) + "}"
        case Grid(columns=columns, column=column):
            return f"{_say(graph, columns[column], prefix)} of a grid"


def _constant(value: Any) -> str:
    text = clean(repr(value))
    return text if len(text) <= 24 else f"{text[:23]}…"
