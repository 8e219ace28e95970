"""What is the sum of two pipelines, their difference, what they share? Steps as a set, connected by names."""

from __future__ import annotations

import heapq

import msgspec

from plait.errors import DefinitionError
from plait.graph.cutting import beside, cut, inputs_in, last_results
from plait.graph.likeness import named, spoken
from plait.graph.model import ROOT, Branch, Calls, Each, Graph, Group, InputSpec, Loop, Node, Scope
from plait.graph.selection import whole
from plait.graph.slicing import leaves, producers, reads
from plait.graph.tracing import Reference, Traced
from plait.graph.values import (
    Const,
    Input,
    Item,
    Last,
    Output,
    State,
    Value,
    rebuilt,
)

__all__ = ["both", "either_of", "without"]


def either_of(one: Traced, other: Traced, name: str) -> Traced:
    """The steps of both; what one needs and the other makes is connected by its name.

    A step that both have, with the same inputs, is there once.

    Raises:
        DefinitionError: two different steps or outputs have one name, or each needs what the other makes first.
    """
    return _Union(one, other, name).made()


def both(one: Traced, other: Traced, name: str) -> Traced:
    """The steps of the first that the second has as well.

    Raises:
        DefinitionError: there is none.
    """
    shared = {node for node in range(len(one.graph.nodes)) if _has(other, one, node)}
    return _part(one, shared, f"{name}: they have no step in common")


def without(one: Traced, other: Traced, name: str) -> Traced:
    """The steps of the first that the second does not have.

    Raises:
        DefinitionError: none is left.
    """
    left = {node for node in range(len(one.graph.nodes)) if not _has(other, one, node)}
    return _part(one, left, f"{name}: no step is left")


def _part(one: Traced, nodes: set[int], problem: str) -> Traced:
    if not any(one.graph.nodes[node].is_step for node in nodes):
        ids = ", ".join(node.id for node in one.graph.nodes if node.is_step)
        raise DefinitionError(problem, hint=f"the first one has {ids:.200}")
    return cut(one, whole(one.graph, nodes))


def _has(there: Traced, one: Traced, node: int) -> bool:
    found = there.graph.find_node(one.graph.nodes[node].id)
    return found is not None and _function(there, found) is _function(one, node)


def _function(traced: Traced, node: int) -> object:
    return traced.functions[traced.graph.nodes[node].step]


class _Union:
    """Two graphs on the way to be one: every node of both has a number, in the order in which they stand."""

    def __init__(self, one: Traced, other: Traced, name: str) -> None:
        self.sides = (one, other)
        self.name = name
        self.outputs: dict[str, tuple[int, int, int]] = {}  # by name: side, node, output
        self.same: dict[int, int] = {}  # nodes of the second that the first has: its number there
        self._find_same()
        self._collect_outputs()
        self.scopes: list[Scope] = [Group(name=name, pipeline=one.graph.scopes[ROOT].pipeline)]  # type: ignore[union-attr]
        self.scope_at: dict[tuple[int, int], int] = {(0, ROOT): ROOT, (1, ROOT): ROOT}
        self.sources: dict[int, list[tuple[int, Value, str]]] = {}  # of each `each` scope: side, value, label
        self._around: dict[int, set[tuple[int, int]]] = {}
        self._number_scopes()
        self._refuse_torn()
        self.order = self._ordered()
        self.number = {place: at for at, place in enumerate(self.order)}
        self.steps: list[tuple[int, int]] = []

    def made(self) -> Traced:
        for at, (side, scope) in {at: place for place, at in self.scope_at.items()}.items():
            if scope != ROOT:
                self.scopes[at] = self._scope(side, scope)
        nodes = tuple(self._node(side, node) for side, node in self.order)
        graph = Graph(
            self.name,
            (),
            tuple(self.sides[side].graph.steps[step] for side, step in self.steps),
            tuple(self.scopes),
            nodes,
            Const(None),
        )
        inputs, references = self._inputs()
        graph = msgspec.structs.replace(graph, inputs=inputs, result=last_results(graph))
        literals = {**self.sides[0].literals, **self._literals()}
        return Traced(
            graph,
            tuple(self.sides[side].functions[step] for side, step in self.steps),
            tuple(self.sides[side].uses[step] for side, step in self.steps),
            literals,
            {
                at: self.sides[side].stand_ins[node]
                for at, (side, node) in enumerate(self.order)
                if node in self.sides[side].stand_ins
            },
            references,
        )

    # Which nodes, and in which order.

    def _find_same(self) -> None:
        one, other = self.sides
        for node, chosen in enumerate(other.graph.nodes):
            there = one.graph.find_node(chosen.id)
            if there is None:
                continue
            if _function(one, there) is not _function(other, node) or spoken(one.graph, there) != spoken(
                other.graph, node
            ):
                first = one.graph.nodes[there]
                raise DefinitionError(
                    f"both pipelines have a step {chosen.id!r}, and it is not the same: {first.where} and"
                    f" {chosen.where}",
                    where=chosen.where,
                    hint='give the steps of one of them other names: .using(prefix="…")',
                )
            self.same[node] = there

    def _collect_outputs(self) -> None:
        for side, traced in enumerate(self.sides):
            for node, chosen in enumerate(traced.graph.nodes):
                if side == 1 and node in self.same:
                    continue
                for at, output in enumerate(chosen.outputs):
                    if output in self.outputs:
                        other, there, _ = self.outputs[output]
                        first = self.sides[other].graph.nodes[there]
                        raise DefinitionError(
                            f"{output!r} is made by two steps: {first.id} ({first.where}) and {chosen.id}",
                            where=chosen.where,
                            hint=f'.using({output.rpartition(".")[2]}="…") gives it another name in one pipeline',
                        )
                    self.outputs[output] = (side, node, at)

    def _ordered(self) -> list[tuple[int, int]]:
        """The nodes of both, each after what it reads, otherwise as they stood; a loop stays in one piece."""
        units: dict[tuple[int, int], tuple[int, int]] = {}
        members: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for side, traced in enumerate(self.sides):
            for node in range(len(traced.graph.nodes)):
                if side == 1 and node in self.same:
                    continue
                unit = (side, _loop_around(traced.graph, node))
                units[side, node] = unit
                members.setdefault(unit, []).append((side, node))
        needs: dict[tuple[int, int], set[tuple[int, int]]] = {unit: set() for unit in members}
        for place, unit in units.items():
            needs[unit] |= {units[one] for one in self._reads(*place)} - {unit}
        return self._sorted(members, needs)

    def _sorted(
        self,
        members: dict[tuple[int, int], list[tuple[int, int]]],
        needs: dict[tuple[int, int], set[tuple[int, int]]],
    ) -> list[tuple[int, int]]:
        rank = {unit: at for at, unit in enumerate(members)}
        readers: dict[tuple[int, int], list[tuple[int, int]]] = {unit: [] for unit in members}
        for unit, needed in needs.items():
            for one in needed:
                readers[one].append(unit)
        left = {unit: len(needed) for unit, needed in needs.items()}
        ready = [(rank[unit], unit) for unit, count in left.items() if not count]
        heapq.heapify(ready)
        found: list[tuple[int, int]] = []
        while ready:
            _, unit = heapq.heappop(ready)
            found += members.pop(unit)
            for reader in readers[unit]:
                left[reader] -= 1
                if not left[reader]:
                    heapq.heappush(ready, (rank[reader], reader))
        if members:
            ids = [
                self.sides[side].graph.nodes[node].id for nodes in members.values() for side, node in nodes
            ]
            raise DefinitionError(
                f"the pipelines need each other in a circle, through {', '.join(ids[:8])}",
                hint='.using(name="…") gives one of the values between them another name',
            )
        return found

    def _reads(self, side: int, node: int) -> set[tuple[int, int]]:
        """What a node of the union reads: within its own pipeline, and by name in the other."""
        graph = self.sides[side].graph
        found = {self._place(side, one) for one in reads(graph, node)}
        for leaf in leaves(graph, node):
            if isinstance(leaf, Input) and self._is_named(side, leaf.name) and leaf.name in self.outputs:
                found.add(self.outputs[leaf.name][:2])
        return found | self._needed_around(self.scope_at[side, graph.nodes[node].scope])

    def _needed_around(self, at: int) -> set[tuple[int, int]]:
        """What the lists are made of that the scopes around a node run over, whichever pipeline says so."""
        if at not in self._around:
            found: set[tuple[int, int]] = set()
            if at != ROOT:
                found |= self._needed_around(self._parent(at))
            for side, value, _ in self._sources_of(at) if at in self.sources else ():
                graph = self.sides[side].graph
                found |= {self._place(side, one) for one in producers(graph, [value])}
                names = {leaf.name for leaf in inputs_in(value) if self._is_named(side, leaf.name)}
                found |= {self.outputs[name][:2] for name in names if name in self.outputs}
            self._around[at] = found
        return self._around[at]

    def _place(self, side: int, node: int) -> tuple[int, int]:
        return (0, self.same[node]) if side == 1 and node in self.same else (side, node)

    def _is_named(self, side: int, name: str) -> bool:
        return any(spec.name == name for spec in self.sides[side].graph.inputs)

    # What becomes of each.

    def _number_scopes(self) -> None:
        """Groups of one name are one group, branches of one decision and case are one branch."""
        known: dict[object, int] = {}
        for side, traced in enumerate(self.sides):
            graph = traced.graph
            needed: set[int] = set()
            starts = [one for branches in graph.layout.branches.values() for one in branches]
            starts += [chosen.scope for chosen in graph.nodes]
            for start in starts:
                scope = start
                while scope != ROOT:
                    needed.add(scope)
                    scope = graph.scopes[scope].parent
            for at in sorted(needed):
                own = graph.scopes[at]
                parent = self.scope_at[side, own.parent]
                same: object = (side, at)
                if isinstance(own, Group):
                    same = (own.name, parent)
                elif isinstance(own, Branch):
                    same = (self._place(side, own.test), repr(own.cases), own.default, parent)
                elif isinstance(own, Loop):
                    same = ("loop", self._place(side, own.until))
                elif isinstance(own, Each) and self._is_same_each(
                    known.get(("each", own.name, parent)), graph, own
                ):
                    same = ("each", own.name, parent)
                if same not in known:
                    known[same] = len(self.scopes)
                    self.scopes.append(own)
                self.scope_at[side, at] = known[same]
                if isinstance(own, Each):
                    self._add_sources(known[same], side, own)

    def _is_same_each(self, there: int | None, graph: Graph, own: Each) -> bool:
        """Whether an ``each`` scope runs over the same as the one of that name and place in the first pipeline."""
        if there is None:
            return True
        known = {label: named(self.sides[side].graph, value) for side, value, label in self.sources[there]}
        pairs = zip(own.labels, own.sources, strict=True)
        return all(label not in known or known[label] == named(graph, value) for label, value in pairs)

    def _add_sources(self, at: int, side: int, own: Each) -> None:
        found = self.sources.setdefault(at, [])
        there = {label for _, _, label in found}
        found += [
            (side, value, label)
            for value, label in zip(own.sources, own.labels, strict=True)
            if label not in there
        ]

    def _inside(self, at: int, label: str) -> tuple[int, int, int] | None:
        """The output that a label of an ``each`` scope stands for, where its step is in that scope again."""
        name = label[1:-1]
        place = self.outputs.get(name) if label == beside(name) else None
        if place is None:
            return None
        scope = self.scope_at[place[0], self.sides[place[0]].graph.nodes[place[1]].scope]
        while scope != ROOT:
            if scope == at:
                return place
            scope = self._parent(scope)
        return None

    def _parent(self, at: int) -> int:
        side, scope = next(place for place, there in self.scope_at.items() if there == at)
        return self.scope_at[side, self.sides[side].graph.scopes[scope].parent]

    def _sources_of(self, at: int) -> list[tuple[int, Value, str]]:
        """The lists that a scope runs over, without those of what is made in it again, unless no other is left."""
        found = self.sources[at]
        return [one for one in found if self._inside(at, one[2]) is None] or found

    def _refuse_torn(self) -> None:
        """A step that both have, and that is mapped, must be in one place for both.

        Raises:
            DefinitionError: one of them runs it over something else.
        """
        one, other = self.sides
        for node, there in self.same.items():
            first, second = one.graph.nodes[there], other.graph.nodes[node]
            if self.scope_at.get((0, first.scope)) != self._scope_of(1, second.scope):
                raise DefinitionError(
                    f"both pipelines have the step {second.id!r}, and run it over different lists",
                    where=second.where,
                    hint='give the steps of one of them other names: .using(prefix="…")',
                )

    def _scope_of(self, side: int, scope: int) -> int | None:
        return self.scope_at.get((side, scope))

    def _scope(self, side: int, at: int) -> Scope:
        scope = self.sides[side].graph.scopes[at]
        parent = self.scope_at[side, scope.parent]
        match scope:
            case Each():
                both = self._sources_of(self.scope_at[side, at])
                return msgspec.structs.replace(
                    scope,
                    parent=parent,
                    sources=tuple(self._value(whose, source) for whose, source, _ in both),
                    labels=tuple(label for _, _, label in both),
                )
            case Branch(test=test):
                return msgspec.structs.replace(
                    scope, parent=parent, test=self.number[self._place(side, test)]
                )
            case Loop(initial=initial, results=results, until=until):
                return msgspec.structs.replace(
                    scope,
                    parent=parent,
                    initial=tuple(self._value(side, value) for value in initial),
                    results=tuple(self._value(side, value) for value in results),
                    until=self.number[self._place(side, until)],
                )
            case Group() | Calls():
                return msgspec.structs.replace(scope, parent=parent)

    def _node(self, side: int, at: int) -> Node:
        node = self.sides[side].graph.nodes[at]
        return msgspec.structs.replace(
            node,
            step=self._step(side, node.step),
            scope=self.scope_at[side, node.scope],
            args=tuple((name, self._value(side, value)) for name, value in node.args),
            after=tuple(self.number[self._place(side, one)] for one in node.after),
        )

    def _step(self, side: int, step: int) -> int:
        traced = self.sides[side]
        for at, (other, known) in enumerate(self.steps):
            there = self.sides[other]
            if (
                there.functions[known] is traced.functions[step]
                and there.graph.steps[known] == traced.graph.steps[step]
            ):
                return at
        self.steps.append((side, step))
        return len(self.steps) - 1

    def _value(self, side: int, value: Value) -> Value:
        return rebuilt(value, lambda leaf: self._leaf(side, leaf))

    def _leaf(self, side: int, value: Value) -> Value:
        match value:
            case Input(name=name):
                if self._is_named(side, name) and name in self.outputs:
                    producer, node, at = self.outputs[name]
                    return Output(self.number[producer, node], at)
                return Input(self._literals_of_other().get(name, name)) if side == 1 else value
            case Output(node=node, output=output):
                return Output(self.number[self._place(side, node)], output)
            case Item(scope=scope, source=source):
                each, there = self.sides[side].graph.scopes[scope], self.scope_at[side, scope]
                assert isinstance(each, Each)
                label = each.labels[source]
                inside = self._inside(there, label)
                if inside is not None:
                    return Output(self.number[inside[:2]], inside[2])
                labels = [one for _, _, one in self._sources_of(there)]
                return Item(there, labels.index(label))
            case State(scope=scope, position=position):
                return State(self.scope_at[side, scope], position)
            case Last(scope=scope, position=position):
                return Last(self.scope_at[side, scope], position)
        return value

    def _literals_of_other(self) -> dict[str, str]:
        """Literals of the second whose names the first has for something else, and their names in the union."""
        one, other = self.sides
        taken = {spec.name for spec in one.graph.inputs} | set(one.literals)
        return {name: f"{name}_of_{other.graph.name}" for name in other.literals if name in taken}

    def _literals(self) -> dict[str, object]:
        renamed = self._literals_of_other()
        return {renamed.get(name, name): value for name, value in self.sides[1].literals.items()}

    def _inputs(self) -> tuple[tuple[InputSpec, ...], dict[str, Reference]]:
        """What neither makes itself. Of two defaults that differ none is right, so the input is required."""
        specs: dict[str, InputSpec] = {}
        references: dict[str, Reference] = {}
        for traced in self.sides:
            for spec in traced.graph.inputs:
                if spec.name in self.outputs:
                    continue
                known = specs.setdefault(spec.name, spec)
                specs[spec.name] = _agreed(known, spec)
            for name, reference in traced.references.items():
                if name in specs:
                    references.setdefault(name, reference)
        return tuple(sorted(specs.values(), key=lambda spec: not spec.required)), references


def _agreed(one: InputSpec, other: InputSpec) -> InputSpec:
    if one == other:
        return one
    # What one pipeline takes from outside as another's output, the other has as an argument: that is what it is.
    known = one if not one.kind or other.kind else other
    if one.kind == other.kind and (one.required, one.default) != (other.required, other.default):
        known = msgspec.structs.replace(known, required=True, default=None)
    return known


def _loop_around(graph: Graph, node: int) -> int:
    """The first node of the outermost loop that a node is in or ends; itself where there is none."""
    loops = [
        axis for axis in graph.layout.axes[graph.nodes[node].scope] if isinstance(graph.scopes[axis], Loop)
    ]
    if graph.nodes[node].kind == "repeat":
        loops += [value.scope for _, value in graph.nodes[node].args if isinstance(value, Last)]
    return min((graph.layout.subtree(loop)[0] for loop in loops), default=node)
