"""How does a graph read as text? In the order of the pipeline, indented by its groups, each step with its inputs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from msgspec import Struct

from plait.display.text import Text, clean
from plait.graph.model import ROOT, Calls, Each, Graph, Group, Node
from plait.graph.slicing import leaves
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

__all__ = ["Row", "Taken", "outline", "passed_by", "taken_text"]


class Taken(Struct, frozen=True):
    """One thing that a step takes, in the words of the pipeline, and a style: ``each(grid)``, ``seed=3``."""

    text: str
    style: str = ""


class Row(Struct, frozen=True):
    """A line of an outline: a step, or a group (``node`` is None).

    A group is open, and the deeper rows after it are in it, or it is closed and stands for the nodes ``inside``.
    ``label`` is the step's name inside its group, ``outputs`` how its values are called where that is not its name.
    """

    depth: int
    label: str
    node: int | None
    takes: tuple[Taken, ...]
    outputs: tuple[str, ...] = ()
    mapped: bool = False
    inside: tuple[int, ...] = ()
    group: int = ROOT


def outline(
    graph: Graph, *, opened: Collection[str] | None = None, nodes: Collection[int] | None = None
) -> list[Row]:
    """The rows of a graph: one per step, and one per group before its steps.

    Args:
        opened: names of the groups that are open, each with those around it; all are if left out.
        nodes: only these, and the groups that they are in.
    """
    rows: list[Row] = []
    open_groups: list[int] = []
    closed: set[int] = set()
    for index, node in enumerate(graph.nodes):
        if nodes is not None and index not in nodes:
            continue
        groups = _groups_around(graph, node.scope)
        shut = next((at for at, group in enumerate(groups) if not _is_open(graph, group, opened)), None)
        if shut is not None:
            if groups[shut] in closed:
                continue
            closed.add(groups[shut])
            groups = groups[: shut + 1]
        shared = 0
        while shared < min(len(groups), len(open_groups)) and groups[shared] == open_groups[shared]:
            shared += 1
        for depth, group in enumerate(groups[shared:], shared):
            outer = groups[depth - 1] if depth else ROOT
            is_shut = depth == shut
            rows.append(
                _closed_row(graph, group, depth, outer, nodes)
                if is_shut
                else _group_row(graph, group, depth, outer)
            )
        open_groups = groups
        if shut is not None:
            open_groups = groups[:-1]
            continue
        prefix = f"{graph.scopes[groups[-1]].name}." if groups else ""
        rows.append(
            Row(
                len(groups),
                node.id.removeprefix(prefix),
                index,
                _takes(graph, node),
                tuple(name.removeprefix(prefix) for name in node.outputs)
                if node.outputs != (node.id,)
                else (),
                bool(graph.layout.node_axes[index]),
            )
        )
    return rows


def taken_text(takes: Sequence[Taken], width: int) -> Text:
    """``← train, each(grid)``, with ``+3`` for those that do not fit; nothing for none."""
    line = Text()
    for at, taken in enumerate(takes):
        more = Text("", "").add(f", +{len(takes) - at}", "dim") if at else Text("← …", "dim")
        piece = Text(", " if at else "← ", "dim").add(taken.text, taken.style)
        last = at == len(takes) - 1
        if line.width + piece.width + (0 if last else len(f", +{len(takes) - at - 1}")) > width:
            return line.add(more)
        line.add(piece)
    return line


def _is_open(graph: Graph, group: int, opened: Collection[str] | None) -> bool:
    if opened is None:
        return True
    name = graph.scopes[group].name
    return any(one == name or one.startswith(f"{name}.") for one in opened)


def _closed_row(graph: Graph, group: int, depth: int, outer: int, nodes: Collection[int] | None) -> Row:
    """A group as one step: what it takes from outside, what others take of it."""
    row = _group_row(graph, group, depth, outer)
    inside = graph.layout.subtree(group)
    takes = {taken.text: taken for taken in row.takes}
    for node in inside:
        for leaf in leaves(graph, node):
            if isinstance(leaf, Input) and leaf.name in {spec.name for spec in graph.inputs}:
                if f"each({leaf.name})" not in takes:
                    takes.setdefault(leaf.name, Taken(leaf.name, "name"))
            elif isinstance(leaf, Output) and leaf.node not in inside:
                name = _local(graph, graph.nodes[leaf.node].outputs[leaf.output], graph.scopes[group].parent)
                if f"each({name})" not in takes:
                    takes.setdefault(name, Taken(name))
    shown = tuple(node for node in inside if nodes is None or node in nodes)
    return Row(depth, row.label, None, tuple(takes.values()), (), row.mapped, shown, group)


def _groups_around(graph: Graph, scope: int) -> list[int]:
    found: list[int] = []
    while scope != ROOT:
        if isinstance(graph.scopes[scope], Group):
            found.insert(0, scope)
        scope = graph.scopes[scope].parent
    return found


def _group_row(graph: Graph, group: int, depth: int, outer: int) -> Row:
    name = graph.scopes[group].name
    above = f"{graph.scopes[outer].name}." if outer != ROOT else ""
    sources: list[Value] = []
    scope = graph.scopes[group].parent
    while scope not in (outer, ROOT):
        each = graph.scopes[scope]
        if isinstance(each, Each):
            sources = [*each.sources, *sources]
        scope = each.parent
    said = dict.fromkeys(_each(graph, source, graph.scopes[group].parent) for source in sources)
    return Row(
        depth,
        name.removeprefix(above),
        None,
        tuple(Taken(text) for text in said),
        (),
        bool(sources),
        (),
        group,
    )


def passed_by(graph: Graph, value: Passed) -> tuple[int, ...]:
    """The nodes whose outputs calls have passed as an argument."""
    calls = graph.scopes[value.scope]
    return dict(calls.sources).get(value.name, ()) if isinstance(calls, Calls) else ()


def _takes(graph: Graph, node: Node) -> tuple[Taken, ...]:
    found: dict[str, str] = {}
    if node.is_body:
        return (Taken(node.text, "dim"),) if node.text else ()
    for name, value in node.args:
        text = _say(graph, value, node.scope)
        if isinstance(value, Passed) and not passed_by(graph, value):
            found[f"{name}=…"] = "dim"
        elif isinstance(value, Const):
            found[f"{name}={text}"] = "dim"
        else:
            found[text] = "name" if isinstance(_origin(graph, value), Input) else ""
    for earlier in node.after:
        found[f"after {graph.nodes[earlier].id}"] = "dim"
    return tuple(Taken(text, style) for text, style in found.items())


def _origin(graph: Graph, value: Value) -> Value:
    while isinstance(value, Item):
        value = _source(graph, value)
    return value


def _source(graph: Graph, item: Item) -> Value:
    each = graph.scopes[item.scope]
    return each.sources[item.source] if isinstance(each, Each) else item


def _say(graph: Graph, value: Value, scope: int) -> str:
    """A value in the words of the pipeline, as a step in this scope takes it."""
    match value:
        case Const(value=constant):
            return _constant(constant)
        case Input(name=name):
            return name
        case Output(node=node, output=output):
            layout = graph.layout
            gathered = len(layout.node_axes[node]) > layout.shared_axes(scope, node)
            return _local(graph, graph.nodes[node].outputs[output], scope) + ("[*]" if gathered else "")
        case Item():
            return _each(graph, _source(graph, value), scope)
        case Passed(name=name):
            producers = passed_by(graph, value)
            return ", ".join(_local(graph, graph.nodes[node].id, scope) for node in producers) or name
        case ListOf(items=items, is_tuple=is_tuple):
            inside = ", ".join(_say(graph, item, scope) for item in items)
            return f"({inside})" if is_tuple else f"[{inside}]"
        case DictOf(items=pairs):
            return "{" + ", ".join(f"{key}: {_say(graph, item, scope)}" for key, item in pairs) + "}"
        case Grid(columns=columns):
            return f"product({', '.join(_say(graph, column, scope) for column in columns)})"
        case State(scope=loop):
            return f"state of {graph.scopes[loop].name}"
        case Last(scope=loop):
            return graph.scopes[loop].name
        case Test(op=op, operands=operands):
            said = [_say(graph, operand, scope) for operand in operands]
            return f"not {said[0]}" if op == "not" else f" {op} ".join(said)


def _each(graph: Graph, source: Value, scope: int) -> str:
    if isinstance(source, Grid):
        return f"each.{_say(graph, source, scope)}"
    return f"each({_say(graph, source, scope).removesuffix('[*]')})"


def _local(graph: Graph, name: str, scope: int) -> str:
    """A name as it is known inside a group: without the names of the groups that are around both."""
    for group in reversed(_groups_around(graph, scope)):
        prefix = f"{graph.scopes[group].name}."
        if name.startswith(prefix):
            return name.removeprefix(prefix)
    return name


def _constant(value: Any) -> str:
    text = clean(repr(value))
    return text if len(text) <= 24 else f"{text[:23]}…"
