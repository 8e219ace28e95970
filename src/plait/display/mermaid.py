"""What does a graph look like in Mermaid's language? A flowchart: groups as boxes, maps slanted, states as colours."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from plait.display.outline import Row, outline, passed_by
from plait.display.steps import Progress, opened_groups, row_progress
from plait.graph.model import Each, Graph
from plait.graph.values import Input, Item, Output, Passed, Value, parts

__all__ = ["edges_of", "mermaid_text"]

_CLASSES = {
    "done": "fill:#d3f2dd,stroke:#2b8a4b,color:#123",
    "cached": "fill:#d7eef2,stroke:#2b7a8b,color:#123",
    "failed": "fill:#fbd5d5,stroke:#c0392b,color:#411",
    "lost": "fill:#fbd5d5,stroke:#c0392b,color:#411",
    "running": "fill:#d6e6ff,stroke:#2a62c9,color:#123",
    "skipped": "fill:#fff1cf,stroke:#b8860b,color:#431",
    "cancelled": "fill:#fff1cf,stroke:#b8860b,color:#431",
    "waiting": "fill:#eeeeee,stroke:#999999,color:#333",
}


def mermaid_text(
    graph: Graph,
    found: Sequence[Progress] | None = None,
    *,
    opened: Collection[str] = (),
    nodes: Collection[int] | None = None,
) -> str:
    """A flowchart of a graph; with the states of a run where ``found`` tells them.

    Args:
        opened: the groups that are boxes with their steps in them, ``*`` for all; others are one box each.
        nodes: only these.
    """
    shown = opened_groups(graph, list(found) if found else None, opened)
    rows = outline(graph, opened=shown, nodes=nodes)
    boxes = {node: f"n{node}" for row in rows if (node := row.node) is not None}
    boxes |= {node: f"c{row.inside[0]}" for row in rows for node in row.inside}
    lines = ["flowchart TD", *_boxes(graph, rows, found)]
    edges: dict[tuple[str, str], bool] = {}
    for producer, consumer, is_element in edges_of(graph):
        if producer in boxes and consumer in boxes and boxes[producer] != boxes[consumer]:
            pair = (boxes[producer], boxes[consumer])
            edges[pair] = edges.get(pair, False) or is_element
    lines += [f"  {one} {'-.->' if dotted else '-->'} {other}" for (one, other), dotted in edges.items()]
    if found:
        states: dict[str, list[str]] = {}
        for row in rows:
            progress = row_progress(row, list(found))
            if progress is not None:
                states.setdefault(progress.state, []).append(
                    boxes[row.inside[0] if row.inside else row.node or 0]
                )
        for state, members in states.items():
            lines.append(f"  classDef {state} {_CLASSES.get(state, _CLASSES['waiting'])}")
            lines.append(f"  class {','.join(members)} {state}")
    return "\n".join(lines) + "\n"


def edges_of(graph: Graph) -> list[tuple[int, int, bool]]:
    """Producer, consumer, and whether elements flow one by one; each pair once."""
    found: dict[tuple[int, int], bool] = {}
    for consumer, node in enumerate(graph.nodes):
        for _, value in node.args:
            for producer, is_element in _producers(graph, value, is_element=False):
                pair = (producer, consumer)
                found[pair] = found.get(pair, False) or is_element
        for producer in node.after:
            found.setdefault((producer, consumer), False)
    return [(producer, consumer, element) for (producer, consumer), element in found.items()]


def _producers(graph: Graph, value: Value, *, is_element: bool) -> Iterator[tuple[int, bool]]:
    match value:
        case Output(node=node):
            yield node, is_element
        case Item(scope=scope, source=source):
            each = graph.scopes[scope]
            assert isinstance(each, Each)
            yield from _producers(graph, each.sources[source], is_element=True)
        case Input():
            return
        case Passed():
            yield from ((node, True) for node in passed_by(graph, value))
        case _:
            for part in parts(value):
                yield from _producers(graph, part, is_element=is_element)


def _boxes(graph: Graph, rows: Sequence[Row], found: Sequence[Progress] | None) -> Iterator[str]:
    """The boxes of an outline: an open group around those of its steps, a closed one as one box."""
    depth = 0
    for row in rows:
        while depth > row.depth:
            depth -= 1
            yield f"{'  ' * (depth + 1)}end"
        indent = "  " * (row.depth + 1)
        if row.node is not None:
            yield f"{indent}{_node(graph, row.node, found)}"
        elif row.inside:
            count = f"{len(row.inside)} step{'s' if len(row.inside) > 1 else ''}"
            yield f'{indent}c{row.inside[0]}[["{_escaped(row.label)}<br/>{count}"]]'
        else:
            yield f'{indent}subgraph g{row.group}["{_escaped(graph.scopes[row.group].name)}"]'
            depth = row.depth + 1
    while depth:
        depth -= 1
        yield f"{'  ' * (depth + 1)}end"


def _node(graph: Graph, node: int, found: Sequence[Progress] | None) -> str:
    label = _escaped(graph.nodes[node].id)
    if not graph.layout.node_axes[node]:
        return f'n{node}(["{label}"])'
    progress = found[node] if found else None
    times = f" × {progress.total}" if progress is not None and progress.total is not None else " × each"
    return f'n{node}[/"{label}{times}"\\]'


def _escaped(text: str) -> str:
    return text.replace("&", "#amp;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")
