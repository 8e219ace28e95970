"""What does a graph look like in Mermaid's language? A flowchart: groups as boxes, maps slanted, states as colours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from plait.display.outline import passed_by
from plait.display.steps import Progress
from plait.graph.model import ROOT, Each, Graph, Group
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


def mermaid_text(graph: Graph, found: Sequence[Progress] | None = None) -> str:
    """A flowchart of a graph; with the states of a run where ``found`` tells them."""
    lines = ["flowchart TD", *_scope(graph, ROOT, found, "  ")]
    for producer, consumer, is_element in edges_of(graph):
        lines.append(f"  n{producer} {'-.->' if is_element else '-->'} n{consumer}")
    if found:
        for state in dict.fromkeys(progress.state for progress in found):
            lines.append(f"  classDef {state} {_CLASSES.get(state, _CLASSES['waiting'])}")
            members = ",".join(f"n{at}" for at, progress in enumerate(found) if progress.state == state)
            lines.append(f"  class {members} {state}")
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


def _scope(graph: Graph, scope: int, found: Sequence[Progress] | None, indent: str) -> Iterator[str]:
    """What is in a scope, in the order of the pipeline; only groups are boxes of their own."""
    members: list[tuple[int, int, int]] = [(node, 0, node) for node in graph.layout.inside[scope]]
    for child in graph.layout.children[scope]:
        inside = graph.layout.subtree(child)
        if inside:
            members.append((inside[0], 1, child))
    for _, is_scope, index in sorted(members):
        if not is_scope:
            yield f"{indent}{_node(graph, index, found)}"
        elif isinstance(graph.scopes[index], Group):
            name = graph.scopes[index].name
            yield f'{indent}subgraph g{index}["{_escaped(name)}"]'
            yield from _scope(graph, index, found, f"{indent}  ")
            yield f"{indent}end"
        else:
            yield from _scope(graph, index, found, indent)


def _node(graph: Graph, node: int, found: Sequence[Progress] | None) -> str:
    label = _escaped(graph.nodes[node].id)
    if not graph.layout.node_axes[node]:
        return f'n{node}(["{label}"])'
    progress = found[node] if found else None
    times = f" × {progress.total}" if progress is not None and progress.total is not None else " × each"
    return f'n{node}[/"{label}{times}"\\]'


def _escaped(text: str) -> str:
    return text.replace("&", "#amp;").replace('"', "#quot;").replace("<", "#lt;").replace(">", "#gt;")
