"""When is a task the same as one before? Its cache key: the code that really runs, and the content that goes in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import blake3

from plait.data import ArtifactStore
from plait.engine.closure import Closure, Walker
from plait.graph.model import Graph
from plait.graph.options import Options
from plait.record.results import DictArg, ListArg, Plain, Stored, Tree

__all__ = ["Keys"]

_FORMAT = b"plait key 2"
_LONG = 32  # items from which a list is worth remembering


class Keys:
    """The cache keys of one graph's tasks.

    Never in a key: names of runs and steps, retries, resources, tags, secrets. Inputs enter by content, so a changed
    step upstream that gives the same bytes stops there.

    Args:
        uses: for each step, the files and objects that it names as ``uses=``.
        locks: for each node with a Python environment of its own, what is in that.
    """

    def __init__(
        self,
        graph: Graph,
        functions: Sequence[Callable[..., Any]],
        uses: Sequence[tuple[Any, ...]],
        store: ArtifactStore,
        walker: Walker | None = None,
        *,
        locks: Mapping[int, str] | None = None,
    ) -> None:
        self._graph = graph
        self._functions = functions
        self._uses = uses
        self._store = store
        self._locks = dict(locks or {})
        self._walker = walker or Walker(hash_value=self._hash_value)
        self._closures: dict[tuple[int, tuple[tuple[str, str], ...]], Closure] = {}
        self._constants: dict[tuple[type, Any], str] = {}
        self._depths = _depths(graph)
        self._bases: dict[tuple[int, int, str], Any] = {}
        self._lists: dict[int, tuple[ListArg, bytes]] = {}

    def grow(self, graph: Graph, locks: Mapping[int, str] | None = None) -> None:
        """Know of a graph that has more in it; its functions are added to those that were given."""
        self._graph = graph
        self._locks.update(locks or {})

    def closure(self, node: int) -> Closure:
        """What the code of a node's step is made of, and what was declared to count like it."""
        step, options = self._graph.nodes[node].step, self._graph.options(node)
        declared = _declared(options, self._locks.get(node))
        known = self._closures.get((step, declared))
        if known is None:
            known = self._closures[step, declared] = self._walker.closure_of(
                self._functions[step], uses=self._uses[step], declared=dict(declared)
            )
        return known

    def why_uncached(self, node: int) -> str | None:
        """Why no task of a node is looked up; None when they are."""
        if self._graph.options(node).cache is False:
            return "cache=False"
        closure = self.closure(node)
        return None if closure.cacheable else "; ".join(closure.opaque) or "its code cannot be seen through"

    def key(self, node: int, arguments: tuple[tuple[str, Tree], ...]) -> str | None:
        """The key of a task; None for one that is never looked up."""
        # Nodes of one step share their options, as long as none of them was given its own.
        alike = (self._graph.nodes[node].step, id(self._graph.options(node)), self._depths.get(node, ""))
        base = self._bases.get(alike)
        if base is None:
            base = self._bases[alike] = self._base(node)
        if base is False:
            return None
        hasher = base.copy()
        for name, tree in arguments:
            hasher.update(f"\0{name}=".encode())
            self._update(hasher, tree)
        return str(hasher.hexdigest(20))

    def _base(self, node: int) -> Any:
        """What the keys of all tasks of a node begin with; False for a node that has none."""
        if self.why_uncached(node) is not None:
            return False
        hasher = blake3.blake3(_FORMAT)
        hasher.update(self.closure(node).digest.encode())
        hasher.update(f"\0{self._depths.get(node, '')}".encode())
        return hasher

    def _update(self, hasher: Any, tree: Tree) -> None:
        if type(tree) is Stored:
            hasher.update(tree.artifact.id.encode())
        elif type(tree) is Plain:
            hasher.update(self._constant(tree.value).encode())
        elif type(tree) is ListArg:
            hasher.update(self._list(tree))
        else:
            assert isinstance(tree, DictArg)
            hasher.update(b"{%d" % len(tree.items))
            for key, item in tree.items:
                hasher.update(b",%d:%s:" % (len(key), key.encode()))
                self._update(hasher, item)

    def _list(self, tree: ListArg) -> bytes:
        """One hash for a list: a gathered one is the same object for each task that gets it, and is hashed once."""
        known = self._lists.get(id(tree))
        if known is None:
            inside = blake3.blake3(b"(%d" % len(tree.items) if tree.is_tuple else b"[%d" % len(tree.items))
            for item in tree.items:
                inside.update(b",")
                self._update(inside, item)
            known = (tree, inside.digest(20))
            if len(tree.items) >= _LONG:
                self._lists[id(tree)] = known
        return known[1]

    def _constant(self, value: Any) -> str:
        """A constant hashes as the artifact that it would be: written in the pipeline or given, it is the same."""
        kind = type(value)
        if kind in (list, dict, float):  # 0.0 and -0.0 are one key of a dict, and two values
            return self._store.identify(value)
        known = self._constants.get((kind, value))
        if known is None:
            known = self._constants[kind, value] = self._store.identify(value)
        return known

    def _hash_value(self, value: Any) -> str | None:
        """The content hash of a value that a step's code refers to; None when it has none that can be relied on."""
        from plait.errors import DataError

        try:
            return self._store.identify(value)
        except (DataError, RecursionError):
            return None


def _depths(graph: Graph) -> dict[int, str]:
    """For each node with an output that is stored item by item: how many lists deep each of them is."""
    splits = graph.layout.splits[0]
    return {
        node: ",".join([str(splits.get((node, at), 0)) for at in range(len(graph.nodes[node].outputs))])
        for node in {node for node, _ in splits}
    }


def _declared(options: Options, lock: str | None) -> tuple[tuple[str, str], ...]:
    """The options that are part of what a step does, rather than of how it is run."""
    if not (options.version or options.env or lock):
        return ()
    variables = [(f"env {name}", value) for name, value in sorted(options.env.items())]
    if lock:
        variables.append(("environment", lock))
    return (*((("version", options.version),) if options.version else ()), *variables)
