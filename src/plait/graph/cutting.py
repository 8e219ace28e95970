"""What is left of a graph when some of its steps are taken away? A graph in which the others' values are inputs."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import msgspec

from plait.errors import DefinitionError
from plait.graph.model import (
    ROOT,
    Branch,
    Calls,
    Each,
    Graph,
    Group,
    InputSpec,
    Loop,
    Node,
    Path,
    Scope,
    scope_values,
    task_name,
)
from plait.graph.slicing import producers, reads
from plait.graph.tracing import Traced
from plait.graph.values import (
    Const,
    DictOf,
    Input,
    Item,
    Last,
    ListOf,
    Output,
    State,
    Value,
    parts,
    rebuilt,
)

__all__ = ["beside", "cut", "inputs_in", "last_results", "single"]


def cut(traced: Traced, keep: Collection[int]) -> Traced:
    """The graph of some nodes; what they read of others is an input of kind ``output``, named as the output is.

    Args:
        keep: nodes; with one of a loop the whole loop, with one of a branch the node that decides about it.

    Raises:
        DefinitionError: an output that becomes an input has the name of another input.
    """
    return _Cut(traced, keep).made()


def single(traced: Traced, node: int, path: Path) -> Traced:
    """The graph of one task: the node without what is around it, its arguments as inputs of kind ``argument``."""
    graph = traced.graph
    chosen = graph.nodes[node]
    known = {spec.name: spec for spec in graph.inputs}
    args: list[tuple[str, Value]] = []
    inputs: dict[str, InputSpec] = {}
    for name, value in chosen.args:
        if isinstance(value, Const) or (isinstance(value, Input) and value.name not in known):
            args.append((name, value))
            continue
        plain = isinstance(value, Input)
        spec = known[value.name] if isinstance(value, Input) else InputSpec(name, kind="argument")
        if inputs.setdefault(spec.name, spec) is not spec or (not plain and name in known):
            spec = InputSpec(f"{chosen.id}.{name}", kind="argument")
            inputs[spec.name] = spec
        args.append((name, Input(spec.name)))
    suffix = task_name("", path)
    made = msgspec.structs.replace(
        chosen,
        step=0,
        scope=ROOT,
        args=tuple(args),
        outputs=tuple(f"{name}{suffix}" for name in chosen.outputs),
        options=graph.options(node),
        after=(),
    )
    result: Value = Output(0)
    if len(made.outputs) > 1:
        result = ListOf(tuple(Output(0, at) for at in range(len(made.outputs))), is_tuple=True)
    return Traced(
        Graph(
            graph.name,
            tuple(inputs.values()),
            (graph.steps[chosen.step],),
            (graph.scopes[ROOT],),
            (made,),
            result,
        ),
        (traced.functions[chosen.step],),
        (traced.uses[chosen.step],),
        traced.literals,
        {0: traced.stand_ins[node]} if node in traced.stand_ins else {},
        {name: one for name, one in traced.references.items() if name in inputs},
    )


def beside(name: str) -> str:
    """How an ``each`` scope calls the elements of an output that was made inside it and comes from outside now."""
    return f"[{name}]"


def last_results(graph: Graph) -> Value:
    """What a pipeline returns that does not say it: the outputs of the steps that no other reads; one as it is.

    Several are a dict by name; the several outputs of one step a tuple.
    """
    read: set[int] = set()
    for node in range(len(graph.nodes)):
        read |= reads(graph, node) - {node}
    ends = [
        node for node in range(len(graph.nodes)) if node not in read and graph.nodes[node].kind != "until"
    ]
    values = [(name, Output(node, at)) for node in ends for at, name in enumerate(graph.nodes[node].outputs)]
    if len(values) == 1:
        return values[0][1]
    if len(ends) == 1:
        return ListOf(tuple(value for _, value in values), is_tuple=True)
    return DictOf(tuple(values))


class _Cut:
    """One cut: old numbers to new ones, and the inputs that stand for what is outside."""

    def __init__(self, traced: Traced, keep: Collection[int]) -> None:
        self.traced = traced
        self.graph = traced.graph
        self.nodes = {old: new for new, old in enumerate(sorted(keep))}
        inside: set[int] = {ROOT}
        # A decision keeps all that it decides between: what is none of the cases that are left may be one that is gone.
        branches = [one for node in self.nodes for one in self.graph.layout.branches.get(node, ())]
        for start in (*branches, *(self.graph.nodes[node].scope for node in self.nodes)):
            scope = start
            while scope != ROOT:
                inside.add(scope)
                scope = self.graph.scopes[scope].parent
        self.scopes = {old: new for new, old in enumerate(sorted(inside))}
        # Of each `each` scope the sources that it keeps, by their old places, and those that it gets.
        self.kept = self._kept_sources()
        self.added: dict[int, list[tuple[Value, str]]] = {old: [] for old in self.kept}
        self._places: dict[tuple[int, str], int] = {}
        self.outside: dict[str, InputSpec] = {}

    def made(self) -> Traced:
        graph = self.graph
        nodes, scopes = self._inner()
        steps = sorted({graph.nodes[old].step for old in self.nodes})
        places = {old: new for new, old in enumerate(steps)}
        nodes = [msgspec.structs.replace(node, step=places[node.step]) for node in nodes]
        made = Graph(
            graph.name, (), tuple(graph.steps[old] for old in steps), tuple(scopes), tuple(nodes), Const(None)
        )
        whole = producers(graph, [graph.result]) <= set(self.nodes) and self._is_visible(graph.result)
        result = self._value(graph.result, ROOT) if whole else last_results(made)
        read = {one.name for one in _inputs_of(made)} | {one.name for one in inputs_in(result)}
        self._check_names(read)
        inputs = [spec for spec in graph.inputs if spec.name in read]
        return Traced(
            msgspec.structs.replace(made, inputs=(*inputs, *self.outside.values()), result=result),
            tuple(self.traced.functions[old] for old in steps),
            tuple(self.traced.uses[old] for old in steps),
            {name: one for name, one in self.traced.literals.items() if name in read},
            {
                new: self.traced.stand_ins[old]
                for old, new in self.nodes.items()
                if old in self.traced.stand_ins
            },
            {name: one for name, one in self.traced.references.items() if name in read},
        )

    def _inner(self) -> tuple[list[Node], list[Scope]]:
        for _ in range(2):
            nodes = [self._node(old) for old in self.nodes]
            # From the inside out: what a scope takes from outside may come element by element through those around it.
            scopes = [self._scope(old) for old in reversed(self.scopes)][::-1]
            spare = [
                old
                for old, added in self.added.items()
                if added and self.kept[old] and not self._is_used(old)
            ]
            if not spare:
                break
            # What comes from outside says how often a scope runs; the lists that nobody takes elements of need not.
            for old in spare:
                self.kept[old] = []
            self.added = {old: [] for old in self.kept}
            self._places, self.outside = {}, {}
        return nodes, scopes

    def _is_visible(self, value: Value) -> bool:
        """Whether nothing that a value names lies in a scope that is gone."""
        if isinstance(value, Item | State | Last):
            return value.scope in self.scopes
        return all(self._is_visible(part) for part in parts(value))

    def _check_names(self, read: set[str]) -> None:
        own = {spec.name for spec in self.graph.inputs} | set(self.traced.literals)
        for name in self.outside:
            if name in own & read:
                node, _ = self.graph.layout.by_output[name]
                raise DefinitionError(
                    f"{name!r} is an input of pipeline {self.graph.name!r} and an output of"
                    f" {self.graph.nodes[node].id!r}, so a part of it cannot tell one from the other",
                    where=self.graph.nodes[node].where,
                    hint=f"name the output otherwise: .named({name + '_2'!r})",
                )

    def _kept_sources(self) -> dict[int, list[int]]:
        """The lists of each ``each`` scope that the kept nodes take elements of; all, where they take none."""
        self._used: set[tuple[int, int]] = set()
        for old in self.nodes:
            for _, value in self.graph.nodes[old].args:
                self._use(value)
        kept: dict[int, list[int]] = {}
        for old in reversed(self.scopes):
            match self.graph.scopes[old]:
                case Each(sources=sources):
                    used = [at for at in range(len(sources)) if (old, at) in self._used]
                    kept[old] = used or list(range(len(sources)))
                    for at in kept[old]:
                        self._use(sources[at])
                case Loop(initial=initial, results=results):
                    for value in (*initial, *results):
                        self._use(value)
        return kept

    def _is_used(self, old: int) -> bool:
        return any(scope == old for scope, _ in self._used)

    def _use(self, value: Value) -> None:
        if isinstance(value, Item):
            self._used.add((value.scope, value.source))
        for part in parts(value):
            self._use(part)

    def _node(self, old: int) -> Node:
        node = self.graph.nodes[old]
        return msgspec.structs.replace(
            node,
            scope=self.scopes[node.scope],
            args=tuple((name, self._value(value, node.scope)) for name, value in node.args),
            after=tuple(self.nodes[one] for one in node.after if one in self.nodes),
        )

    def _scope(self, old: int) -> Scope:
        scope = self.graph.scopes[old]
        parent = self.scopes[scope.parent] if old != ROOT else -1
        match scope:
            case Each(sources=sources, labels=labels):
                own = [(self._value(sources[at], scope.parent), labels[at]) for at in self.kept[old]]
                both = [*own, *self.added[old]]
                return msgspec.structs.replace(
                    scope,
                    parent=parent,
                    sources=tuple(value for value, _ in both),
                    labels=tuple(label for _, label in both),
                )
            case Branch():
                return msgspec.structs.replace(scope, parent=parent, test=self.nodes[scope.test])
            case Loop():
                return msgspec.structs.replace(
                    scope,
                    parent=parent,
                    initial=tuple(self._value(value, scope.parent) for value in scope.initial),
                    results=tuple(self._value(value, old) for value in scope.results),
                    until=self.nodes[scope.until],
                )
            case Group() | Calls():
                return msgspec.structs.replace(scope, parent=parent)

    def _value(self, value: Value, reader: int) -> Value:
        """A value as the kept nodes see it."""
        return rebuilt(value, lambda leaf: self._leaf(leaf, reader))

    def _leaf(self, value: Value, reader: int) -> Value:
        match value:
            case Output(node=node, output=output):
                if node in self.nodes:
                    return Output(self.nodes[node], output)
                return self._from_outside(node, output, reader)
            case Item(scope=scope, source=source):
                return Item(self.scopes[scope], self.kept[scope].index(source))
            case State(scope=scope, position=position):
                return State(self.scopes[scope], position)
            case Last(scope=scope, position=position):
                return Last(self.scopes[scope], position)
        return value

    def _from_outside(self, node: int, output: int, reader: int) -> Value:
        """An output of a node that is gone: an input, or that element of it which stands beside the reader's."""
        name = self.graph.nodes[node].outputs[output]
        self.outside.setdefault(
            name, InputSpec(name, kind="output", levels=len(self.graph.layout.node_axes[node]))
        )
        value: Value = Input(name)
        common = self.graph.layout.shared_axes(reader, node)
        for axis in self.graph.layout.axes[reader][:common]:
            if (axis, name) not in self._places:
                self._places[axis, name] = len(self.added[axis])
                self.added[axis].append((value, beside(name)))
            value = Item(self.scopes[axis], len(self.kept[axis]) + self._places[axis, name])
        return value


def _inputs_of(graph: Graph) -> Iterator[Input]:
    for node in graph.nodes:
        for _, value in node.args:
            yield from inputs_in(value)
    for scope in graph.scopes:
        for value in scope_values(scope):
            yield from inputs_in(value)


def inputs_in(value: Value) -> Iterator[Input]:
    """The inputs that a value is directly made of."""
    if isinstance(value, Input):
        yield value
    for part in parts(value):
        yield from inputs_in(part)
