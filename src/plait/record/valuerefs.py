"""What did a task receive and return, in a line each? References to values, never the values, however many they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from plait.data import Artifact, ArtifactStore
from plait.errors import PlaitError
from plait.graph.model import Path, task_name
from plait.graph.values import Const, DictOf, Input, Item, ListOf, Output, Value
from plait.record.elements import element_text
from plait.record.paths import to_key
from plait.record.results import DictArg, ListArg, Plain, Stored, Tree
from plait.record.views import Run

__all__ = [
    "NamedValue",
    "ValueRef",
    "artifact_ref",
    "element_labels",
    "input_artifacts",
    "input_refs",
    "object_refs",
    "output_refs",
]

_TEXT = 200
_LABEL = 80
_artifact = msgspec.msgpack.Decoder(Artifact)


class ValueRef(Struct, frozen=True):
    """A value without the value: ``text`` tells it in a line, ``artifact`` is where it is stored.

    Args:
        kind: ``value``, ``list``, ``dict``, ``dataset``, ``parameter`` (a secret), or ``gone``.
        from_task: the task that made it; the step, where it is the list of what its tasks made.
        from_input: the parameter of the pipeline that it is.
        items: of a list, how many there are.
        dataset: the name of the dataset that it refers to.
    """

    kind: str
    text: str
    artifact: str | None = None
    type: str | None = None
    size: int | None = None
    from_task: str | None = None
    from_input: str | None = None
    items: int | None = None
    dataset: str | None = None


class NamedValue(Struct, frozen=True):
    name: str
    value: ValueRef


def artifact_ref(
    store: ArtifactStore, artifact: Artifact, *, task: str | None = None, given: str | None = None
) -> ValueRef:
    """An artifact in a line: a small value itself, of a large one what is known of it."""
    kind, dataset, items = "value", None, None
    if artifact.format == "dataset":
        named = msgspec.json.decode(artifact.head or b"{}")
        dataset = named.get("dataset")
        kind, text = "dataset", f"dataset {dataset}"
    elif artifact.format == "parameter":
        kind, text = "parameter", "a secret, read where it is used"
    elif artifact.format == "gathered":
        items = artifact.meta.get("length")
        kind, text = "list", f"a list of {items}"
    else:
        text = _text(store, artifact)
    return ValueRef(kind, text, artifact.id, artifact.type, artifact.size, task, given, items, dataset)


def _text(store: ArtifactStore, artifact: Artifact) -> str:
    head = artifact.head
    if head is not None and head[:1] == b"\0" and _is_plain(artifact.format, head):
        value = store.load(artifact)
        text = repr(value) if isinstance(value, str | bytes) else str(value)
        return text if len(text) <= _TEXT else text[: _TEXT - 1] + "…"
    shape = artifact.meta.get("shape")
    said = " × ".join(map(str, shape)) if isinstance(shape, list) else ""
    if not said and isinstance(artifact.meta.get("length"), int):
        said = f"of {artifact.meta['length']}"
    return f"{artifact.type} {said}".strip()


def _is_plain(kind: str, head: bytes) -> bool:
    """Whether reading it imports nothing: texts and numbers, and collections of them without objects of classes."""
    return kind == "scalar" or (kind == "tree" and b"\xa1o" not in head)


def output_refs(run: Run, node: int, path: Path, limit: int = 100) -> list[NamedValue]:
    """What a task returned, by the names of its outputs; empty where it has no result."""
    names = run.graph.nodes[node].outputs
    return [
        NamedValue(
            names[position] if position < len(names) else str(position),
            artifact_ref(run.store.artifacts, _artifact.decode(body)),
        )
        for position, body in run.store.database.rows(
            "SELECT position, body FROM output WHERE run = ? AND node = ? AND path = ? ORDER BY position"
            f" LIMIT {int(limit)}",
            (run.key, node, to_key(path)),
        )
    ]


def object_refs(run: Run, node: int, path: Path, attempt: int, limit: int = 100) -> list[NamedValue]:
    """The figures, tables and other objects that an attempt logged."""
    return [
        NamedValue(name, artifact_ref(run.store.artifacts, _artifact.decode(body)))
        for name, body in run.store.database.rows(
            "SELECT name, body FROM preview WHERE run = ? AND node = ? AND path = ? AND attempt = ?"
            f" ORDER BY position LIMIT {int(limit)}",
            (run.key, node, to_key(path), attempt),
        )
    ]


def input_refs(run: Run, node: int, path: Path) -> list[NamedValue]:
    """What a task received, by the step's parameters. A list that many tasks made is told by its length alone."""
    spec = run.graph.nodes[node]
    return [NamedValue(name, _reference(run, value, spec.scope, path)) for name, value in spec.args]


def input_artifacts(run: Run, node: int, path: Path) -> list[Artifact]:
    """The values that a task received one by one; those of long lists are left out."""
    spec = run.graph.nodes[node]
    found: list[Artifact] = []
    for _, value in spec.args:
        if isinstance(value, Output):
            shared = run.graph.layout.shared_axes(spec.scope, value.node)
            if len(run.graph.layout.node_axes[value.node]) > shared:
                continue
        try:
            _collect(run.results.tree(value, spec.scope, path), found)
        except (PlaitError, KeyError, IndexError, AttributeError):
            continue
    return found


def _collect(tree: Tree, found: list[Artifact]) -> None:
    match tree:
        case Stored(artifact=artifact):
            found.append(artifact)
        case ListArg(items=items):
            for item in items[:100]:
                _collect(item, found)
        case DictArg(items=pairs):
            for _, item in pairs[:100]:
                _collect(item, found)


def element_labels(run: Run, node: int, paths: Sequence[Path]) -> list[str | None]:
    """For tasks of a mapped step the element that each is of, in a few words: as it was given, else as it was made."""
    spec = run.graph.nodes[node]
    values = [(name, value) for name, value in spec.args if isinstance(value, Item)]
    return [element_text(run, node, path) or _label(run, values, spec.scope, path) for path in paths]


def _label(run: Run, values: Sequence[tuple[str, Item]], scope: int, path: Path) -> str | None:
    found = [(name, _reference(run, value, scope, path)) for name, value in values]
    told = [(name, one.text) for name, one in found if one.kind != "gone"]
    if not told:
        return None
    text = told[0][1] if len(values) == 1 else ", ".join(f"{name}={text}" for name, text in told)
    return text if len(text) <= _LABEL else text[: _LABEL - 1] + "…"


def _reference(run: Run, value: Value, scope: int, path: Path) -> ValueRef:
    graph = run.graph
    match value:
        case Const(value=constant):
            text = repr(constant)
            return ValueRef("value", text if len(text) <= _TEXT else text[: _TEXT - 1] + "…")
        case Input(name=name):
            known = run.results.inputs.get(name)
            if known is None:
                return ValueRef("gone", "not recorded", from_input=name)
            return artifact_ref(run.store.artifacts, known, given=name)
        case Output(node=maker, output=_):
            shared = graph.layout.shared_axes(scope, maker)
            if len(graph.layout.node_axes[maker]) > shared:
                count = sum(run.counts()[maker].by_state.get(state, 0) for state in ("done", "cached"))
                name = task_name(graph.nodes[maker].id, path[:shared])
                return ValueRef("list", f"a list of what {name} made", from_task=name, items=count)
        case ListOf(items=items):
            return ValueRef("list", f"a list of {len(items)}", items=len(items))
        case DictOf(items=pairs):
            return ValueRef("dict", f"a dict of {len(pairs)}", items=len(pairs))
    try:
        tree = run.results.tree(value, scope, path)
    except (PlaitError, KeyError, IndexError, AttributeError):
        return ValueRef("gone", "its task has no result")
    return _of_tree(run, tree, _maker(run, value, path))


def _maker(run: Run, value: Value, path: Path) -> str | None:
    if isinstance(value, Item):  # an element of what its source made
        value = getattr(run.graph.scopes[value.scope], "sources", ())[value.source]
    if not isinstance(value, Output):
        return None
    axes = run.graph.layout.node_axes[value.node]
    return task_name(run.graph.nodes[value.node].id, path[: len(axes)])


def _of_tree(run: Run, tree: Tree, task: str | None) -> ValueRef:
    match tree:
        case Stored(artifact=artifact):
            return artifact_ref(run.store.artifacts, artifact, task=task)
        case Plain(value=value):
            return ValueRef("value", _short(value))
        case ListArg(items=items):
            return ValueRef("list", f"a list of {len(items)}", items=len(items), from_task=task)
        case DictArg(items=pairs):
            return ValueRef("dict", f"a dict of {len(pairs)}", items=len(pairs), from_task=task)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _TEXT else text[: _TEXT - 1] + "…"
