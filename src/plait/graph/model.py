"""What does a pipeline look like as data? Nodes in scopes: immutable, JSON both ways, read by every other part.

Nodes stand in the order in which their steps were called, so every node comes after what it reads. Scopes nest
like blocks of a program: a ``Group`` is a pipeline called inside a pipeline, an ``Each`` runs its inside once per
element of its sources, a ``Loop`` round after round, a ``Branch`` only where a decision says so, a ``Calls`` once per
call that the body of a dynamic pipeline makes. A task is a node with
a *path*: one index for each ``Each``, ``Loop`` and ``Calls`` around it, outermost first.

What the run decides itself is a node as well, of another ``kind`` than a step: the condition of a branch (``when``,
``switch``), the end of a round (``until``), the value of the branch that ran (``either``), what a loop ends with
(``repeat``), and the body of a dynamic pipeline (``body``), which makes its calls while it runs.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, TypeAlias, Union

import msgspec
from msgspec import Struct

from plait.errors import DefinitionError
from plait.graph.options import Options
from plait.graph.values import Grid, Input, Item, Last, Output, Passed, State, Value, parts

__all__ = [
    "ROOT",
    "Branch",
    "Calls",
    "Each",
    "Graph",
    "Group",
    "InputSpec",
    "Layout",
    "Loop",
    "Node",
    "Path",
    "Scope",
    "StepSpec",
    "scope_values",
    "task_name",
]

Path: TypeAlias = tuple[int, ...]
ROOT = 0


class InputSpec(Struct, frozen=True, omit_defaults=True):
    """What a run needs: an argument of the pipeline, or of another ``kind``:

    ``parameter``, a parameter of the conf that is asked for by its name; ``output``, what a step makes that is not
    in this part of its pipeline; ``argument``, what one task received in an earlier run.
    """

    name: str
    annotation: str = ""
    required: bool = True
    default: Any = None
    kind: str = ""
    levels: int = 0


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


class Branch(Struct, frozen=True, tag="branch", omit_defaults=True):
    """Runs what is inside where the value of the node ``test`` is one of ``cases``, or none of any branch's."""

    name: str
    parent: int
    test: int
    cases: tuple[Any, ...] = ()
    default: bool = False


class Loop(Struct, frozen=True, tag="loop", omit_defaults=True):
    """Runs what is inside round after round, until the value of the node ``until``, which is inside, is true.

    ``initial`` is seen from the parent, ``results``, which the next round begins with, from inside.
    """

    name: str
    parent: int
    initial: tuple[Value, ...]
    results: tuple[Value, ...] = ()
    until: int = -1


class Calls(Struct, frozen=True, tag="calls", omit_defaults=True):
    """Runs what is inside once per call; how often is known when the body of the pipeline has ended.

    ``call`` tells calls of one kind from those of others, in every run of the pipeline. ``sources`` has, by
    parameter, the nodes whose outputs were passed by some call: they tell of the calls so far, for pictures.
    """

    name: str
    parent: int
    call: str
    sources: tuple[tuple[str, tuple[int, ...]], ...] = ()


Scope: TypeAlias = Union[Group, Each, Branch, Loop, Calls]  # noqa: UP007 - msgspec reads it


class Node(Struct, frozen=True, omit_defaults=True):
    """One call of a step; of another ``kind``, what the run decides itself, ``text`` in the pipeline's words."""

    id: str
    step: int
    scope: int
    args: tuple[tuple[str, Value], ...]
    outputs: tuple[str, ...]
    options: Options | None = None
    after: tuple[int, ...] = ()
    where: str = ""
    kind: str = "step"
    text: str = ""

    @property
    def is_step(self) -> bool:
        return self.kind == "step"

    @property
    def is_body(self) -> bool:
        return self.kind == "body"


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

    @property
    def is_dynamic(self) -> bool:
        """Whether a body decides while it runs what is called, so that the graph grows with the run."""
        return bool(self.nodes) and self.nodes[0].is_body

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
            self.axes.append((*above, index) if isinstance(scope, Each | Loop | Calls) else above)
            if index != ROOT:
                self.children[scope.parent].append(index)
        for index, node in enumerate(nodes):
            self.inside[node.scope].append(index)
        self.node_axes: list[tuple[int, ...]] = [self.axes[node.scope] for node in nodes]
        self.branches: dict[int, list[int]] = {}
        for index, scope in enumerate(scopes):
            if isinstance(scope, Branch):
                self.branches.setdefault(scope.test, []).append(index)
        self.by_id: dict[str, int] = {node.id: index for index, node in enumerate(nodes)}
        self.by_output: dict[str, tuple[int, int]] = {
            name: (index, position)
            for index, node in enumerate(nodes)
            for position, name in enumerate(node.outputs)
        }
        self._subtrees: dict[int, tuple[int, ...]] = {}
        self._states: dict[tuple[int, int], int] = {}
        self.passed: dict[tuple[int, str], int] = {}  # how deep what calls pass is taken apart; see `splits`
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

    def branches_around(self, scope: int) -> list[int]:
        """The branches that a scope is or lies in, innermost first."""
        found = []
        while scope != ROOT:
            if isinstance(self._graph.scopes[scope], Branch):
                found.append(scope)
            scope = self._graph.scopes[scope].parent
        return found

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
                if own > outputs.get((node, output), 0):
                    outputs[node, output] = own
                    self._split_decided(node, output, own, outputs, inputs)
            case Input(name=name):
                inputs[name] = max(depth, inputs.get(name, 0))
            case Item(scope=scope, source=source):
                each = self._graph.scopes[scope]
                assert isinstance(each, Each)
                self._split(each.sources[source], each.parent, depth + 1, outputs, inputs)
            case State(scope=scope, position=position) | Last(scope=scope, position=position):
                demanded = self._states.get((scope, position), 0)
                if depth > demanded:
                    self._states[scope, position] = depth
                    loop = self._graph.scopes[scope]
                    assert isinstance(loop, Loop)
                    self._split(loop.initial[position], loop.parent, depth, outputs, inputs)
                    self._split(loop.results[position], scope, depth, outputs, inputs)
            case Passed(scope=scope, name=name):
                self.passed[scope, name] = max(depth, self.passed.get((scope, name), 0))
            case Grid(columns=columns, column=chosen):
                for position, column in enumerate(columns):
                    # The lengths of all columns place a cell; only this one's elements are taken apart further.
                    self._split(column, reader, depth if position == chosen else 1, outputs, inputs)
            case _ if depth > 1:
                for part in parts(value):
                    self._split(part, reader, depth - 1, outputs, inputs)

    def _split_decided(
        self,
        node: int,
        output: int,
        depth: int,
        outputs: dict[tuple[int, int], int],
        inputs: dict[str, int],
    ) -> None:
        """What is passed on as it is, is taken apart where it was made."""
        chosen = self._graph.nodes[node]
        if chosen.kind == "either":
            for _, option in chosen.args:
                self._split(option, chosen.scope, depth, outputs, inputs)
        elif chosen.kind == "repeat":
            self._split(chosen.args[output][1], chosen.scope, depth, outputs, inputs)


def scope_values(scope: Scope) -> tuple[Value, ...]:
    """The values that decide what happens in a scope, or how often."""
    match scope:
        case Each(sources=sources):
            return sources
        case Branch(test=test):
            return (Output(test),)
        case Calls(sources=sources):
            return tuple(Output(node) for _, nodes in sources for node in nodes)
        case Loop(initial=initial, results=results, until=until):
            return (*initial, *results, Output(until))
    return ()


def task_name(node_id: str, path: Path) -> str:
    """How people write a task: ``fit``, ``fit[3]``, ``fit[3,1]``."""
    return f"{node_id}[{','.join(map(str, path))}]" if path else node_id
