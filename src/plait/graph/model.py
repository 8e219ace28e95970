"""What does a pipeline look like as data? Nodes in scopes: immutable, JSON both ways, read by every other part.

Nodes stand in the order in which their steps were called, so every node comes after what it reads. Scopes nest
like blocks of a program: a ``Group`` is a pipeline called inside a pipeline, an ``Each`` runs its inside once per
element of its sources. A task is a node with a *path*: one index for each ``Each`` around it, outermost first.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, TypeAlias, Union

import msgspec
from msgspec import Struct

from plait.errors import DefinitionError
from plait.graph.options import Options
from plait.graph.values import Grid, Input, Item, Output, Value, parts

__all__ = [
    "ROOT",
    "Each",
    "Graph",
    "Group",
    "InputSpec",
    "Layout",
    "Node",
    "Path",
    "Scope",
    "StepSpec",
    "task_name",
]

Path: TypeAlias = tuple[int, ...]
ROOT = 0


class InputSpec(Struct, frozen=True, omit_defaults=True):
    """An argument of the pipeline."""

    name: str
    annotation: str = ""
    required: bool = True
    default: Any = None


class StepSpec(Struct, frozen=True, omit_defaults=True):
    """A step as it was declared; the function itself travels beside the graph."""

    name: str
    module: str
    qualname: str
    outputs: tuple[str, ...]
    options: Options = Options()
    doc: str = ""
    where: str = ""


class Group(Struct, frozen=True, tag="group", omit_defaults=True):
    """A pipeline called inside a pipeline; the first group is the pipeline itself."""

    name: str
    parent: int = -1
    pipeline: str = ""


class Each(Struct, frozen=True, tag="each", omit_defaults=True):
    """Runs what is inside once per element; several sources run side by side and must be of one length."""

    name: str
    parent: int
    sources: tuple[Value, ...]
    labels: tuple[str, ...] = ()


Scope: TypeAlias = Union[Group, Each]  # noqa: UP007 - msgspec reads it


class Node(Struct, frozen=True, omit_defaults=True):
    """One call of a step."""

    id: str
    step: int
    scope: int
    args: tuple[tuple[str, Value], ...]
    outputs: tuple[str, ...]
    options: Options | None = None
    after: tuple[int, ...] = ()
    where: str = ""


class Graph(Struct, frozen=True, dict=True):
    """A pipeline as data."""

    name: str
    inputs: tuple[InputSpec, ...]
    steps: tuple[StepSpec, ...]
    scopes: tuple[Scope, ...]
    nodes: tuple[Node, ...]
    result: Value

    def to_json(self) -> bytes:
        return msgspec.json.encode(self)

    @staticmethod
    def from_json(text: bytes | str) -> Graph:
        try:
            return msgspec.json.decode(text, type=Graph)
        except msgspec.DecodeError as error:
            raise DefinitionError(f"not a graph: {error}") from None

    @cached_property
    def layout(self) -> Layout:
        return Layout(self)

    def options(self, node: int) -> Options:
        chosen = self.nodes[node]
        return chosen.options or self.steps[chosen.step].options

    def find_node(self, node_id: str) -> int | None:
        return self.layout.by_id.get(node_id)


class Layout:
    """What follows from a graph's structure and is asked again and again; computed once."""

    def __init__(self, graph: Graph) -> None:
        scopes, nodes = graph.scopes, graph.nodes
        self.children: list[list[int]] = [[] for _ in scopes]
        self.inside: list[list[int]] = [[] for _ in scopes]
        self.axes: list[tuple[int, ...]] = []
        for index, scope in enumerate(scopes):
            above = self.axes[scope.parent] if index != ROOT else ()
            self.axes.append((*above, index) if isinstance(scope, Each) else above)
            if index != ROOT:
                self.children[scope.parent].append(index)
        for index, node in enumerate(nodes):
            self.inside[node.scope].append(index)
        self.node_axes: list[tuple[int, ...]] = [self.axes[node.scope] for node in nodes]
        self.by_id: dict[str, int] = {node.id: index for index, node in enumerate(nodes)}
        self.by_output: dict[str, tuple[int, int]] = {
            name: (index, position)
            for index, node in enumerate(nodes)
            for position, name in enumerate(node.outputs)
        }
        self._subtrees: dict[int, tuple[int, ...]] = {}
        self._splits: tuple[dict[tuple[int, int], int], dict[str, int]] | None = None
        self._graph = graph

    def subtree(self, scope: int) -> tuple[int, ...]:
        """The nodes inside a scope, at any depth."""
        found = self._subtrees.get(scope)
        if found is None:
            collected = list(self.inside[scope])
            for child in self.children[scope]:
                collected.extend(self.subtree(child))
            found = self._subtrees[scope] = tuple(sorted(collected))
        return found

    def shared_axes(self, reader: int, node: int) -> int:
        """How many ``each`` scopes the reader's scope and a node have in common, counted from outside."""
        common = 0
        for mine, theirs in zip(self.axes[reader], self.node_axes[node], strict=False):
            if mine != theirs:
                break
            common += 1
        return common

    @property
    def splits(self) -> tuple[dict[tuple[int, int], int], dict[str, int]]:
        """How deep each output, and each input, is taken apart by an ``each``: levels of list, by reader's demand."""
        if self._splits is None:
            outputs: dict[tuple[int, int], int] = {}
            inputs: dict[str, int] = {}
            for scope in self._graph.scopes:
                if isinstance(scope, Each):
                    for source in scope.sources:
                        self._split(source, scope.parent, 1, outputs, inputs)
            self._splits = outputs, inputs
        return self._splits

    def _split(
        self,
        value: Value,
        reader: int,
        depth: int,
        outputs: dict[tuple[int, int], int],
        inputs: dict[str, int],
    ) -> None:
        match value:
            case Output(node=node, output=output):
                own = depth - (len(self.node_axes[node]) - self.shared_axes(reader, node))
                if own > 0:
                    outputs[node, output] = max(own, outputs.get((node, output), 0))
            case Input(name=name):
                inputs[name] = max(depth, inputs.get(name, 0))
            case Item(scope=scope, source=source):
                each = self._graph.scopes[scope]
                assert isinstance(each, Each)
                self._split(each.sources[source], each.parent, depth + 1, outputs, inputs)
            case Grid(columns=columns, column=chosen):
                for position, column in enumerate(columns):
                    # The lengths of all columns place a cell; only this one's elements are taken apart further.
                    self._split(column, reader, depth if position == chosen else 1, outputs, inputs)
            case _ if depth > 1:
                for part in parts(value):
                    self._split(part, reader, depth - 1, outputs, inputs)


def task_name(node_id: str, path: Path) -> str:
    """How people write a task: ``fit``, ``fit[3]``, ``fit[3,1]``."""
    return f"{node_id}[{','.join(map(str, path))}]" if path else node_id
