"""What is a stored value, in one line? Itself when it is small and at hand, else its type, shape and size."""

from __future__ import annotations

import sys
from typing import Any

from plait.data import Artifact, ArtifactStore
from plait.display.words import bytes_text, value_text
from plait.errors import PlaitError
from plait.graph.model import Graph
from plait.graph.values import Value
from plait.record.results import DictArg, ListArg, Plain, Stored, Tree
from plait.record.views import Run

__all__ = [
    "at_hand",
    "describe_artifact",
    "describe_output",
    "describe_result",
    "tree_text",
    "value_of_tree",
]

_SMALL = 16_384
_BUILTINS = frozenset(
    [
        "NoneType",
        "bool",
        "int",
        "float",
        "complex",
        "str",
        "bytes",
        "list",
        "tuple",
        "dict",
        "set",
        "frozenset",
        "range",
        "slice",
    ]
)


def describe_result(run: Run, width: int) -> str:
    """The value that the pipeline returned, as one line."""
    return _described(run, run.graph.result, width)


def describe_output(run: Run, name: str, width: int) -> str:
    """An output by its name, as one line."""
    return _described(run, run._output(name), width)


def _described(run: Run, value: Value, width: int) -> str:
    try:
        tree = run.results.tree(value)
    except PlaitError:
        return "no result"
    return tree_text(run, tree, width)


def tree_text(run: Run, tree: Tree, width: int) -> str:
    return value_of_tree(run.store.artifacts, tree, width)


def value_of_tree(store: ArtifactStore, tree: Tree, width: int) -> str:
    """A value that may be made of several stored ones, as one line."""
    match tree:
        case Plain(value=value):
            return value_text(value, width)
        case Stored(artifact=artifact):
            if at_hand(artifact):
                try:
                    return value_text(store.load(artifact), width)
                except PlaitError:
                    return describe_artifact(artifact)
            return describe_artifact(artifact)
        case ListArg(items=items):
            return _list_text(store, items, width)
        case DictArg(items=pairs):
            inside = ", ".join(f"{key}: {value_of_tree(store, item, width)}" for key, item in pairs)
            return _cut("{" + inside + "}", width)


def _list_text(store: ArtifactStore, items: tuple[Tree, ...], width: int) -> str:
    if not items:
        return "[]"
    if len(items) <= 8 and all(
        isinstance(item, Plain) or (isinstance(item, Stored) and at_hand(item.artifact)) for item in items
    ):
        whole = "[" + ", ".join(value_of_tree(store, item, width) for item in items) + "]"
        if len(whole) <= width:
            return whole
    kinds = {item.artifact.type for item in items if isinstance(item, Stored)}
    size = sum(item.artifact.size for item in items if isinstance(item, Stored))
    kind = next(iter(kinds)) if len(kinds) == 1 else "values"
    return f"list of {len(items)} {kind}, {bytes_text(size)}"


def at_hand(artifact: Artifact) -> bool:
    """Whether loading it costs nothing to speak of: small, and of a class that is in memory already."""
    if artifact.size > _SMALL:
        return False
    return artifact.type in _BUILTINS or artifact.type.partition(".")[0] in sys.modules


def describe_artifact(artifact: Artifact) -> str:
    """Type, shape and size: ``pandas.DataFrame 53991 × 24, 9.1 MB``."""
    meta = artifact.meta
    shape: Any = meta.get("shape")
    said = artifact.type
    if isinstance(shape, list | tuple):
        said += f" {' × '.join(map(str, shape))}" if shape else ""
    elif "length" in meta:
        said += f" of {meta['length']}"
    if meta.get("dtype"):
        said += f" {meta['dtype']}"
    return f"{said}, {bytes_text(artifact.size)}"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def output_names(graph: Graph) -> list[str]:
    return list(graph.layout.by_output)
