"""What came out? The artifacts of a run by place, and any value of its graph made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from msgspec import Struct

from plait.data import Artifact, ArtifactStore
from plait.errors import RecordError
from plait.graph.model import ROOT, Graph, Path, task_name
from plait.graph.unfold import Fixed, Given, Held, Keyed, Lengths, Many, Need, Resolved, resolve
from plait.graph.values import Passed, Value

__all__ = ["DictArg", "ListArg", "Plain", "Results", "Stored", "Tree", "load_tree"]


_LONG = 32  # items from which a list is worth a blob of its own


class Stored(Struct, frozen=True, array_like=True, tag="a"):
    """A stored value."""

    artifact: Artifact


class Plain(Struct, frozen=True, array_like=True, tag="p"):
    """A constant of the graph."""

    value: Any


class ListArg(Struct, frozen=True, array_like=True, tag="l"):
    """A list, or tuple, of them."""

    items: tuple[Stored | Plain | ListArg | DictArg, ...]
    is_tuple: bool = False


class DictArg(Struct, frozen=True, array_like=True, tag="d"):
    """A dict of them."""

    items: tuple[tuple[str, Stored | Plain | ListArg | DictArg], ...]


Tree: TypeAlias = Stored | Plain | ListArg | DictArg
"""An argument on its way to a worker: artifacts by reference, never the data."""


def load_tree(store: ArtifactStore, tree: Tree) -> Any:
    """The value itself, fresh: whoever gets it may change it."""
    match tree:
        case Stored(artifact=artifact):
            return store.load(artifact)
        case Plain(value=value):
            return _copied(value)
        case ListArg(items=items, is_tuple=is_tuple):
            loaded = [load_tree(store, item) for item in items]
            return tuple(loaded) if is_tuple else loaded
        case DictArg(items=pairs):
            return {key: load_tree(store, item) for key, item in pairs}


def _artifacts(tree: ListArg) -> list[Any]:
    """The (nested) list of artifacts that a gathered list is made of."""
    return [item.artifact if isinstance(item, Stored) else _artifacts(item) for item in tree.items]  # type: ignore[arg-type]


def _copied(value: Any) -> Any:
    if type(value) is list:
        return [_copied(item) for item in value]
    if type(value) is dict:
        return {key: _copied(item) for key, item in value.items()}
    return value


class Results:
    """The outputs of a run's tasks, in memory; what is not there is looked up by ``missing``, if given.

    Args:
        missing: answers with the outputs at a place, or None.
        missing_extent: answers with the number of elements of a scope at a path, or None.
        missing_absent: answers why a place was skipped because a branch was not taken, or None.
        missing_call: answers with what the call at a scope and path passed, or None.
    """

    def __init__(
        self,
        graph: Graph,
        store: ArtifactStore,
        inputs: dict[str, Artifact],
        *,
        missing: Callable[[int, Path], tuple[Artifact, ...] | None] | None = None,
        missing_extent: Callable[[int, Path], int | None] = lambda _scope, _path: None,
        missing_absent: Callable[[int, Path], str | None] = lambda _node, _path: None,
        missing_call: Callable[[int, Path], Mapping[str, Resolved] | None] = lambda _scope, _path: None,
    ) -> None:
        self.graph = graph
        self.store = store
        self.inputs = inputs
        self._levels = {spec.name: spec.levels for spec in graph.inputs if spec.levels}
        self._outputs: dict[tuple[int, Path], tuple[Artifact, ...]] = {}
        self._extents: dict[tuple[int, Path], int] = {}
        self._children: dict[str, list[Artifact]] = {}
        self._missing = missing or (lambda _node, _path: None)
        self._is_whole = missing is None  # what another process writes may still change
        self._missing_extent = missing_extent
        self._missing_absent = missing_absent
        self._missing_call = missing_call
        self._calls: dict[tuple[int, Path], Mapping[str, Resolved]] = {}
        self._absent: dict[tuple[int, Path], str] = {}
        self._lists: dict[tuple[int, int, Path], ListArg] = {}
        self._uses: dict[int, int] = {}
        self._shared: dict[int, Stored] = {}

    def add(self, node: int, path: Path, artifacts: tuple[Artifact, ...]) -> None:
        self._outputs[node, path] = artifacts

    def add_extent(self, scope: int, path: Path, items: int) -> None:
        self._extents[scope, path] = items

    def add_absent(self, node: int, path: Path, reason: str) -> None:
        self._absent[node, path] = reason

    def add_call(self, scope: int, path: Path, arguments: Mapping[str, Resolved]) -> None:
        self._calls[scope, path] = arguments

    def passed(self, scope: int, path: Path, name: str) -> Resolved:
        call = self._call(scope, path)
        if call is None or name not in call:
            raise RecordError(
                f"what was passed as {name!r} to {self.graph.scopes[scope].name} is not recorded"
            )
        return call[name]

    def _call(self, scope: int, path: Path) -> Mapping[str, Resolved] | None:
        return self._calls.get((scope, path)) or self._missing_call(scope, path)

    def absent(self, node: int, path: Path) -> bool:
        return self._why_absent(node, path) is not None

    def _why_absent(self, node: int, path: Path) -> str | None:
        return self._absent.get((node, path)) or self._missing_absent(node, path)

    def outputs(self, node: int, path: Path) -> tuple[Artifact, ...] | None:
        return self._outputs.get((node, path)) or self._missing(node, path)

    def extent(self, scope: int, path: Path) -> int | None:
        known = self._extents.get((scope, path))
        return self._missing_extent(scope, path) if known is None else known

    def output_lengths(self, node: int, output: int, path: Path) -> Lengths:
        depth = self.graph.layout.splits[0].get((node, output), 0)
        found = self.outputs(node, path)
        return self.lengths(found[output], depth) if found and depth else None

    def input_lengths(self, name: str) -> Lengths:
        depth = self.graph.layout.splits[1].get(name, 0)
        return self.lengths(self.inputs[name], depth) if depth else None

    def lengths(self, artifact: Artifact, depth: int) -> Lengths:
        """How long a list is that was stored apart, ``depth`` levels down."""
        children = self._apart(artifact)
        if depth <= 1:
            return len(children)
        return [self.lengths(child, depth - 1) for child in children]

    def tree(self, value: Value, scope: int = ROOT, path: Path = (), index: Path = ()) -> Tree:
        """A value of the graph, seen from a scope at a path, as artifacts.

        Raises:
            RecordError: a task that it needs has no result.
        """
        return self._tree(resolve(self.graph, self, value, scope, path, index))

    def arguments(self, node: int, path: Path) -> tuple[tuple[str, Tree], ...]:
        """What a task receives, by parameter."""
        chosen = self.graph.nodes[node]
        return tuple(
            [
                (name, self.tree(value, chosen.scope, path))
                for name, value in chosen.args
                if type(value) is not Passed or self._is_passed(value, path)
            ]
        )

    def _is_passed(self, value: Passed, path: Path) -> bool:
        """Whether a call has given an argument; what it left out is the parameter's default."""
        call = self._call(value.scope, path[: len(self.graph.layout.axes[value.scope])])
        return call is not None and value.name in call

    def light(self, arguments: tuple[tuple[str, Tree], ...]) -> tuple[tuple[str, Tree], ...]:
        """The same arguments for a message: a long gathered list that several tasks get is one artifact to all of them.

        Its blob is named by no row, so it lasts no longer than the run.
        """
        if not self._lists:
            return arguments
        return tuple([(name, self._light(tree)) for name, tree in arguments])

    def _light(self, tree: Tree) -> Tree:
        if type(tree) is not ListArg or self._uses.get(id(tree), 0) < 2 or len(tree.items) < _LONG:
            return tree
        known = self._shared.get(id(tree))
        if known is None:
            known = self._shared[id(tree)] = Stored(self.store.gather(_artifacts(tree)))
        return known

    def _tree(self, resolved: Resolved) -> Tree:
        match resolved:
            case Need(node=node, output=output, path=path, index=index):
                found = self._gathered(node, output, path, index)
                if found is None:
                    name = task_name(self.graph.nodes[node].id, path)
                    why = self._why_absent(node, path)
                    if why is None:
                        raise RecordError(f"task {name} has no result")
                    raise RecordError(
                        f"{name} has no value: {why}", hint="either(a, b) is the value of the branch that ran"
                    )
                return found
            case Given(name=name, index=index):
                return self._given(name, index)
            case Fixed(value=value):
                return Plain(value)
            case Held(value=value):
                return Stored(value)
            case Many(items=items, is_tuple=is_tuple):
                return ListArg(tuple([self._tree(item) for item in items]), is_tuple)
            case Keyed(items=pairs):
                return DictArg(tuple([(key, self._tree(item)) for key, item in pairs]))

    def _given(self, name: str, index: Path) -> Tree:
        """An input; what mapped tasks made elsewhere is the list of it, as where they are in the same run."""
        found = self._element(self.inputs[name], index)
        levels = self._levels.get(name, 0) - len(index)
        return self._listed(found, levels) if levels > 0 else Stored(found)

    def _listed(self, artifact: Artifact, levels: int) -> Tree:
        items = self.store.items(artifact) if levels else None
        if items is None:
            return Stored(artifact)
        return ListArg(tuple([self._listed(item, levels - 1) for item in items]))

    def _gathered(self, node: int, output: int, path: Path, index: Path) -> Tree | None:
        """An output at a place; None if its branch was not taken. Elements of which it was not taken are left out."""
        axes = self.graph.layout.node_axes[node]
        if len(path) == len(axes):
            found = self.outputs(node, path)
            if found is None:
                if self.absent(node, path) or self.graph.is_dynamic:  # the body may have gone on without it
                    return None
                name = self.graph.nodes[node].id
                raise RecordError(f"task {name}{list(path) or ''} has no result")
            return Stored(self._element(found[output], index))
        known = self._lists.get((node, output, path))
        if known is not None:
            self._uses[id(known)] += 1
            return known
        items = self.extent(axes[len(path)], path)
        if items is None:
            if self.absent(node, path):
                return None
            raise RecordError(
                f"the tasks of {self.graph.nodes[node].id!r} were never reached, so there is no result"
            )
        elements = [self._gathered(node, output, (*path, at), ()) for at in range(items)]
        made = ListArg(tuple([element for element in elements if element is not None]))
        if self._is_whole:
            self._lists[node, output, path] = made
            self._uses[id(made)] = 1
        return made

    def _element(self, artifact: Artifact, index: Path) -> Artifact:
        for position in index:
            artifact = self._apart(artifact)[position]
        return artifact

    def _apart(self, artifact: Artifact) -> list[Artifact]:
        children = self._children.get(artifact.id)
        if children is None:
            children = self._children[artifact.id] = self.store.items(artifact) or []
        return children
