"""Which element is this task about? ``fit[3]`` in the words of what it was mapped over: ``kind=linear, C=1.0``."""

from __future__ import annotations

from typing import Any

from plait.errors import PlaitError
from plait.graph.model import Graph, Path
from plait.graph.unfold import Fixed, Given, Need, Unknown, resolve
from plait.graph.values import Item
from plait.record.results import Results
from plait.record.views import Run

__all__ = ["element_text"]

_DEEP = 4


def element_text(run: Run, node: int, path: Path, width: int = 72) -> str:
    """What a mapped task was given, as far as it is a parameter of the run; empty where it is not."""
    if not path:
        return ""
    found: dict[str, str] = {}
    try:
        _collect(run, node, path, found, _DEEP)
    except (PlaitError, Unknown, LookupError, TypeError):
        return ""
    text = ", ".join(found.values())
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _collect(run: Run, node: int, path: Path, found: dict[str, str], deep: int) -> None:
    graph, results = run.graph, run.results
    for name, value in graph.nodes[node].args:
        if not isinstance(value, Item):
            continue
        for place, text in _texts(run, graph, results, node, path, name, value):
            found.setdefault(place, text)
        resolved = resolve(graph, results, value, graph.nodes[node].scope, path)
        if isinstance(resolved, Need) and resolved.path and deep and resolved.node != node:
            _collect(run, resolved.node, resolved.path, found, deep - 1)


def _texts(
    run: Run, graph: Graph, results: Results, node: int, path: Path, name: str, value: Item
) -> list[tuple[str, str]]:
    match resolve(graph, results, value, graph.nodes[node].scope, path):
        case Given(name=source, index=index) if source in run.params and index:
            element = run.params[source]
            for position in index:
                element = element[position]
            return [(f"{source}{index}", _say(name, element))]
        case Fixed(value=constant):
            return [(f"{name}", _say(name, constant))]
    return []


def _say(name: str, element: Any) -> str:
    if isinstance(element, dict):
        return ", ".join(f"{key}={_short(inner)}" for key, inner in element.items())
    return f"{name}={_short(element)}"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 24 else f"{text[:23]}…"
