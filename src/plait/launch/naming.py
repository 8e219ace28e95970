"""Which steps do names mean?"""

from __future__ import annotations

from collections.abc import Sequence

from plait.errors import RecordError, did_you_mean
from plait.graph.model import Graph

__all__ = ["find_nodes", "matching"]


def find_nodes(graph: Graph, names: Sequence[str]) -> set[int]:
    """The nodes of steps, groups or outputs by their names.

    Raises:
        RecordError: a name is unknown; the nearest is named.
    """
    found: set[int] = set()
    layout = graph.layout
    for name in names:
        named = matching(graph, name)
        if not named:
            known = [*layout.by_id, *layout.by_output]
            raise RecordError(f"pipeline {graph.name!r} has no step {name!r}", hint=did_you_mean(name, known))
        found |= named
    return found


def matching(graph: Graph, name: str) -> set[int]:
    """The nodes that a name may mean."""
    matching = {
        index
        for index, node in enumerate(graph.nodes)
        if name == node.id or node.id.startswith(f"{name}.") or name == graph.steps[node.step].name
    }
    if name in graph.layout.by_output:
        matching.add(graph.layout.by_output[name][0])
    return matching
