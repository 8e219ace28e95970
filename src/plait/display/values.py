"""What is a stored value, in a line or two? Itself when it is small and at hand, else its type, shape and size."""

from __future__ import annotations

import sys
from typing import Any

from plait.data import Artifact, ArtifactStore
from plait.display.text import Text, clean, columns
from plait.display.words import bytes_text, number, value_text
from plait.errors import PlaitError
from plait.graph.values import Value
from plait.record.results import DictArg, ListArg, Plain, Stored, Tree
from plait.record.views import Run

__all__ = [
    "at_hand",
    "describe_artifact",
    "describe_output",
    "describe_result",
    "result_lines",
    "tree_text",
    "value_of_tree",
]

_SMALL = 16_384
_MOST_FIELDS = 16
_PLAIN = frozenset({"None", "bool", "int", "float", "complex", "str", "bytes", "range"})
_CONTAINERS = frozenset({"list", "tuple", "dict", "set", "frozenset"})
_OBJECT = (
    b"\x93\xa1o"  # how the data layer marks an object inside a container; loading it may import its module
)


def describe_result(run: Run, width: int) -> str:
    """The value that the pipeline returned, as one line."""
    return _described(run, run.graph.result, width)


def describe_output(run: Run, name: str, width: int) -> str:
    """An output by its name, as one line; empty where there is none."""
    return _described(run, run.output(name), width)


def result_lines(run: Run, width: int) -> list[Text]:
    """The value that the pipeline returned: its fields one below the other where it has some, else one line."""
    title = Text("result", "title")
    try:
        tree = run.results.tree(run.graph.result)
    except PlaitError:
        return []
    value = _loaded(run, tree.artifact) if isinstance(tree, Stored) else None
    fields = _fields(value)
    if fields is None or not 0 < len(fields) <= _MOST_FIELDS:
        return [title.add("  ").add(tree_text(run, tree, 2 * width - 10))]
    if not isinstance(value, dict):
        title.add(f"  {type(value).__name__}", "dim")
    room = max(20, width - 4 - max(len(name) for name in fields))
    rows = [(Text(clean(name), "dim"), _field_text(inner, room)) for name, inner in fields.items()]
    return [title, *columns(rows, width=width, shrink=(1,))]


def _field_text(value: Any, width: int) -> str:
    return number(value) if isinstance(value, float) and not value.is_integer() else value_text(value, width)


def _fields(value: Any) -> dict[str, Any] | None:
    """What a value consists of, by name, if that is how it is made."""
    cls = type(value)
    if isinstance(value, dict):
        return value if all(isinstance(key, str) for key in value) else None
    names = (
        getattr(cls, "__dataclass_fields__", None)
        or getattr(cls, "__struct_fields__", None)
        or getattr(cls, "model_fields", None)
    )
    if names is None and isinstance(value, tuple):
        names = getattr(cls, "_fields", None)
    if names is None:
        return None
    return {name: getattr(value, name) for name in names if hasattr(value, name)}


def _loaded(run: Run, artifact: Artifact) -> Any:
    """The value of an artifact that is at hand; None for the others, and where its class cannot read it any more."""
    if not at_hand(artifact):
        return None
    try:
        return run.store.artifacts.load(artifact)
    except Exception:  # noqa: BLE001 - a user's class may raise anything when it is made anew
        return None


def _described(run: Run, value: Value, width: int) -> str:
    try:
        tree = run.results.tree(value)
    except PlaitError:
        return ""
    return tree_text(run, tree, width)


def tree_text(run: Run, tree: Tree, width: int) -> str:
    return value_of_tree(run.store.artifacts, tree, width)


def value_of_tree(store: ArtifactStore, tree: Tree, width: int) -> str:
    """A value that may be made of several stored ones, as one line."""
    match tree:
        case Plain(value=value):
            return value_text(value, width)
        case Stored(artifact=artifact):
            return _stored_text(store, artifact, width)
        case ListArg(items=items, is_tuple=is_tuple):
            return _list_text(store, items, width, is_tuple=is_tuple)
        case DictArg(items=pairs):
            inside = ", ".join(f"{key}: {value_of_tree(store, item, width)}" for key, item in pairs)
            return _cut("{" + inside + "}", width)


def _stored_text(store: ArtifactStore, artifact: Artifact, width: int) -> str:
    if not at_hand(artifact):
        return describe_artifact(artifact)
    try:
        return value_text(store.load(artifact), width)
    except PlaitError:
        return describe_artifact(artifact)


def _list_text(store: ArtifactStore, items: tuple[Tree, ...], width: int, *, is_tuple: bool) -> str:
    opening, closing = "()" if is_tuple else "[]"
    if is_tuple or all(_is_at_hand(item) for item in items[:9]):
        shown = [value_of_tree(store, item, width) for item in items[:9]]
        whole = opening + ", ".join(shown) + closing
        if len(items) == len(shown) and (is_tuple or len(whole) <= width):
            return _cut(whole, width)
    kinds = {item.artifact.type for item in items if isinstance(item, Stored)}
    size = sum(item.artifact.size for item in items if isinstance(item, Stored))
    kind = next(iter(kinds)) if len(kinds) == 1 else "values"
    return f"list of {len(items)} {kind}{f', {bytes_text(size)}' if size else ''}"


def _is_at_hand(tree: Tree) -> bool:
    return isinstance(tree, Plain) or (isinstance(tree, Stored) and at_hand(tree.artifact))


def at_hand(artifact: Artifact) -> bool:
    """Whether loading it costs nothing to speak of: small, and of a class that is in memory already.

    A table is never printed: its shape says more in one line.
    """
    if artifact.size > _SMALL or "columns" in artifact.meta:
        return False
    if artifact.type in _CONTAINERS:
        return artifact.head is not None and _OBJECT not in artifact.head
    return artifact.type in _PLAIN or artifact.type.rpartition(".")[0] in sys.modules


def describe_artifact(artifact: Artifact) -> str:
    """Type, shape and size: ``pandas.DataFrame 53991 × 24, 9.1 MB``."""
    meta = artifact.meta
    shape = meta.get("shape")
    said = artifact.type
    if isinstance(shape, list | tuple):
        said += f" {' × '.join(map(str, shape))}" if shape else ""
    elif "length" in meta:
        said += f" of {meta['length']}"
    if isinstance(meta.get("dtype"), str):
        said += f" {meta['dtype']}"
    return f"{said}, {bytes_text(artifact.size)}"


def _cut(text: str, width: int) -> str:
    return Text(text).cut(width).plain
