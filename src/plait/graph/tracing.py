"""How does a pipeline function become a graph? It is called once with references, and every step call leaves a node."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from plait.errors import DefinitionError, did_you_mean
from plait.graph.arguments import apart, together
from plait.graph.calling import calling, current_caller, user_line
from plait.graph.lifting import Element, Lifter
from plait.graph.model import ROOT, Each, Graph, Group, InputSpec, Node, Scope, StepSpec
from plait.graph.options import STAND_IN
from plait.graph.provided import signature_in_pipelines
from plait.graph.refs import Mapped, Outputs, Product, Ref
from plait.graph.values import (
    Input,
    Item,
    Output,
    Value,
)

if TYPE_CHECKING:
    import inspect

    from plait.graph.pipeline import Definition
    from plait.graph.step import Step

__all__ = ["Reference", "Traced", "Tracer", "current_tracer"]


def current_tracer() -> Tracer | None:
    """The tracer of the pipeline being described in this context, if any."""
    caller = current_caller()
    return caller if isinstance(caller, Tracer) else None


class Reference:
    """An input that no argument of the pipeline stands for, and what JSON cannot hold of it: default and type."""

    def __init__(self, spec: InputSpec, default: Any = None, annotation: Any = None) -> None:
        self.spec = spec
        self.default = default
        self.annotation = annotation


class Traced:
    """A graph with what JSON cannot hold: the functions of its steps, its literals, what stands in for results.

    ``references`` has what it refers to by name, ``stand_ins``, by node, the value or function that its
    ``on_failure`` names.
    """

    def __init__(
        self,
        graph: Graph,
        functions: Sequence[Any],
        uses: Sequence[tuple[Any, ...]],
        literals: dict[str, Any],
        stand_ins: dict[int, Any] | None = None,
        references: dict[str, Reference] | None = None,
    ) -> None:
        self.graph = graph
        self.functions = functions
        self.uses = uses
        self.literals = literals
        self.stand_ins = stand_ins or {}
        self.references = references or {}

    def with_graph(self, graph: Graph) -> Traced:
        """The same with a graph of the same nodes, such as one with other options."""
        return Traced(graph, self.functions, self.uses, self.literals, self.stand_ins, self.references)


class Tracer:
    """Collects nodes and scopes while pipeline functions run."""

    def __init__(self, name: str, inputs: tuple[InputSpec, ...], qualname: str = "") -> None:
        self.name = name
        self.inputs = inputs
        self.scopes: list[Scope] = [Group(name=name, pipeline=qualname)]
        self.nodes: list[Node] = []
        self.steps: list[StepSpec] = []
        self.functions: list[Any] = []
        self.uses: list[tuple[Any, ...]] = []
        self.literals: dict[str, Any] = {}
        self.references: dict[str, Reference] = {}
        self.stand_ins: dict[int, Any] = {}
        self.scope = ROOT
        self._lifter = Lifter(self)
        self._step_index: dict[int, int] = {}
        self._by_function: dict[int, list[int]] = {}
        self._signatures: dict[int, inspect.Signature] = {}
        # What is known by its id() must live as long as the tracer: a freed object's id goes to the next one.
        self._kept: list[Any] = []
        self.prefix = ""
        self._ids: dict[str, int] = {}
        self._kinds: dict[str, int] = {}
        self.after_when: dict[int, Any] = {}  # for each scope the `when` that ended last in it

    @contextmanager
    def active(self) -> Iterator[None]:
        with calling(self):
            yield

    def input(self, name: str) -> Ref:
        return Ref(self, Input(name), name)

    def refer(self, reference: Reference) -> Ref:
        """An input by its name; that of an argument of the pipeline is that argument.

        Raises:
            DefinitionError: it is asked for twice, with different defaults.
        """
        name = reference.spec.name
        known = self.references.get(name)
        if known is None and all(spec.name != name for spec in self.inputs):
            self.references[name] = reference
        elif known is not None and _differ(known, reference):
            raise DefinitionError(
                f"{name!r} has two defaults: {known.default!r} and {reference.default!r}",
                where=user_line(),
            )
        return self.input(name)

    def call_step(self, step: Step[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """One call of a step in a pipeline: a node, inside an ``each`` scope per level of ``each`` in its arguments."""
        spec, base = step.spec, step.base or step
        after = step.after
        if "after" in kwargs and "after" not in self._signature(base).parameters:
            more = kwargs.pop("after")
            after = (*after, *(more if isinstance(more, list | tuple) else (more,)))
        given = self._bind(base, spec.name, args, kwargs)
        node_id = self.new_id(spec.name)
        outer = self.scope
        try:
            lifted = self._enter_each(node_id, base, given)
            node = Node(
                id=node_id,
                step=self._step(base),
                scope=self.scope,
                args=tuple((name, self.lift(f"{node_id}.{name}", raw)) for name, raw in lifted.items()),
                outputs=self._output_names(node_id, spec),
                options=spec.options if step.base is not None else None,
                after=self._nodes_of(spec.name, after),
                where=user_line(),
            )
        finally:
            self.scope = outer
        index = len(self.nodes)
        self.nodes.append(node)
        if step.stand_in is not None or spec.options.on_failure == STAND_IN:
            self.stand_ins[index] = step.stand_in
        refs = tuple(Ref(self, Output(index, at), name) for at, name in enumerate(node.outputs))
        return refs[0] if len(refs) == 1 else Outputs(refs, tuple(spec.outputs))

    def decide(
        self,
        kind: str,
        args: Sequence[tuple[str, Any]],
        text: str,
        *,
        function: Callable[..., Any],
        outputs: Sequence[str] = (),
    ) -> tuple[Ref, ...]:
        """What the run decides itself: a node of another kind than a step, in the scope that is open.

        Args:
            args: condition and operands, as they were written.
            outputs: names of its values, inside this node; itself if left out.
        """
        node_id = self.new_id(kind)
        lifted = tuple(
            (
                name,
                (self._lifter.condition if name == "condition" else self._lifter.lift)(
                    f"{node_id}.{name}", raw
                ),
            )
            for name, raw in args
        )
        index = self._kinds.get(kind)
        if index is None:
            spec = StepSpec(kind, function.__module__, function.__qualname__, (kind,))
            index = self._kinds[kind] = self.add_step(spec, function, ())
        node = Node(
            id=node_id,
            step=index,
            scope=self.scope,
            args=lifted,
            outputs=tuple(f"{node_id}_{name}" for name in outputs) or (node_id,),
            where=user_line(),
            kind=kind,
            text=text,
        )
        self.nodes.append(node)
        at = len(self.nodes) - 1
        return tuple(Ref(self, Output(at, position), name) for position, name in enumerate(node.outputs))

    def call_definition(self, definition: Definition, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A pipeline called inside this one.

        Raises:
            DefinitionError: it is dynamic, so what it calls cannot be described.
        """
        name = definition.name
        if definition.dynamic:
            raise DefinitionError(
                f"pipeline {name!r} is dynamic: its body decides as it runs, so it cannot be part of a described one",
                where=user_line(),
                hint=f"make {self.name!r} dynamic as well, @pipeline(dynamic=True); its steps then give futures",
            )
        _ = definition.signature  # refuses parameters without a name
        called = f"{definition.module}:{definition.qualname}"
        return self.call_pipeline(definition.group or name, called, definition.function, args, kwargs)

    def call_pipeline(
        self,
        name: str,
        qualname: str,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        """A pipeline called inside a pipeline: a named group, mapped when called with ``each``."""
        given = self._bind(function, name, args, kwargs)
        group_id = self.new_id(name)
        outer, prefix = self.scope, self.prefix
        try:
            lifted = self._enter_each(group_id, function, given)
            mapped_scope = self.scope
            self.scopes.append(Group(name=group_id, parent=self.scope, pipeline=qualname))
            self.scope = len(self.scopes) - 1
            self.prefix = f"{group_id}."
            passed = {
                key: Ref(self, raw.value, key) if isinstance(raw, Element) else raw
                for key, raw in lifted.items()
            }
            result = self._call(function, passed)
        finally:
            self.scope, self.prefix = outer, prefix
        if result is None:
            raise DefinitionError(
                f"pipeline {name!r} returns nothing",
                where=user_line(),
                hint="return the values that others need",
            )
        if mapped_scope != outer:
            self._check_mapped_result(name, result, mapped_scope)
        return result

    def _check_mapped_result(self, name: str, result: Any, scope: int) -> None:
        """What leaves a mapped group becomes a list, which only a value that differs by element can."""
        match result:
            case list() | tuple():
                inner: list[Any] = list(result)
            case dict():
                inner = list(result.values())
            case Ref() if self._lifter.by_element(result._value, scope):
                return
            case _:
                raise DefinitionError(
                    f"pipeline {name!r} is called with each(...), but {result!r:.80}, which it returns, is the same"
                    " for every element",
                    where=user_line(),
                    hint="return what a step inside it gives; what is the same is known outside already",
                )
        for item in inner:
            self._check_mapped_result(name, item, scope)

    def rename(self, ref: Ref, names: tuple[str, ...]) -> None:
        """Give the outputs of a reference's node other names.

        Raises:
            DefinitionError: the reference is not a step's output, or a name is taken.
        """
        value = ref._value
        if not isinstance(value, Output):
            raise DefinitionError(
                f"{ref._label!r} is not an output of a step, so it cannot be named", where=user_line()
            )
        node = self.nodes[value.node]
        chosen = list(node.outputs)
        if len(names) not in (1, len(chosen)):
            raise DefinitionError(
                f"step {node.id!r} has {len(chosen)} outputs, .named() got {len(names)} names",
                where=user_line(),
            )
        prefix = node.id[: len(node.id) - len(node.id.rpartition(".")[2])]
        for position, name in enumerate(names if len(names) == len(chosen) else (names[0],)):
            at = position if len(names) == len(chosen) else value.output
            if not name.isidentifier():
                raise DefinitionError(f"{name!r} is not a name for an output", where=user_line())
            chosen[at] = f"{prefix}{name}"
        self.nodes[value.node] = msgspec.structs.replace(node, outputs=tuple(chosen))
        ref._label = chosen[value.output]

    def finish(self, result: Any) -> Traced:
        """The graph, when the pipeline function has returned.

        Raises:
            DefinitionError: no step was called, or nothing is returned.
        """
        if not any(node.is_step for node in self.nodes):
            raise DefinitionError(
                f"pipeline {self.name!r} calls no step", hint="call at least one @step function in it"
            )
        if result is None:
            last = self.nodes[-1].outputs[0]
            raise DefinitionError(
                f"pipeline {self.name!r} returns nothing",
                hint=f"return what the run is for, such as: return {last}",
            )
        self._check_output_names()
        self.scope = ROOT
        graph = Graph(
            name=self.name,
            inputs=(*self.inputs, *(one.spec for one in self.references.values())),
            steps=tuple(self.steps),
            scopes=tuple(self.scopes),
            nodes=tuple(self.nodes),
            result=self.lift("result", result),
        )
        return Traced(
            graph, tuple(self.functions), tuple(self.uses), self.literals, self.stand_ins, self.references
        )

    def lift(self, label: str, raw: Any) -> Value:
        """What was written in the pipeline as a value of the graph; ``label`` names it where it becomes an input."""
        return self._lifter.lift(label, raw)

    def condition(self, label: str, raw: Any) -> Value:
        """What decides: a comparison, a coming value that will be true or false, or True or False.

        Raises:
            DefinitionError: it is none of them.
        """
        return self._lifter.condition(label, raw)

    def _nodes_of(self, name: str, after: tuple[Any, ...]) -> tuple[int, ...]:
        """The nodes that a step has to wait for, by what they give."""
        found: dict[int, None] = {}
        for one in after:
            refs = one if isinstance(one, Outputs) else (one,)
            for ref in refs:
                if not (isinstance(ref, Ref) and ref._tracer is self and isinstance(ref._value, Output)):
                    raise DefinitionError(
                        f"{name}: after=[{one!r:.60}] is not what a step gives",
                        where=user_line(),
                        hint="name the result of the step before: loaded = load(); check(after=[loaded])",
                    )
                found[ref._value.node] = None
        return tuple(found)

    def _signature(self, callee: Any) -> inspect.Signature:
        signature = self._signatures.get(id(callee))
        if signature is None:
            signature = self._signatures[id(callee)] = signature_in_pipelines(callee)
            self._kept.append(callee)
        return signature

    def _bind(self, callee: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        signature = self._signature(callee)
        try:
            return signature.bind(*args, **kwargs).arguments
        except TypeError as error:
            surplus = [key for key in kwargs if key not in signature.parameters]
            raise DefinitionError(
                f"{name}{signature} does not take these arguments: {error}",
                where=user_line(),
                hint=did_you_mean(surplus[0], signature.parameters) if surplus else None,
            ) from None

    def _call(self, function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
        """Call with what ``_bind`` gave, positional-only and starred parameters included."""
        import inspect

        bound = inspect.BoundArguments(self._signatures[id(function)], arguments)
        return function(*bound.args, **bound.kwargs)

    def _enter_each(self, name: str, callee: Any, given: dict[str, Any]) -> dict[str, Any]:
        """Open one scope for each level of ``each`` among the arguments, and stand in the innermost.

        Levels line up from the outside: ``f(each(each(xss)), each(ys))`` runs over ``xs, y`` side by side, then
        over the elements of each ``xs`` with its ``y``.
        """
        levels: dict[str, int] = {}
        inside, starred = apart(given, self._signatures[id(callee)])
        for key, raw in inside.items():
            while isinstance(inside[key], Mapped):
                inside[key] = inside[key].source
                levels[key] = levels.get(key, 0) + 1
            if key in levels and not isinstance(inside[key], Ref | Product | list | tuple):
                raise DefinitionError(f"each(...) of {raw!r} is not a list", where=user_line())
        while mapped := [key for key, left in levels.items() if left]:
            sources = tuple(self.lift(f"{name}.{key}", inside[key]) for key in mapped)
            scope = len(self.scopes)
            self.scopes.append(Each(name=name, parent=self.scope, sources=sources, labels=tuple(mapped)))
            self.scope = scope
            for position, key in enumerate(mapped):
                inside[key] = Element(Item(scope, position))
                levels[key] -= 1
        return together(inside, starred)

    def _step(self, step: Step[..., Any]) -> int:
        index = self._step_index.get(id(step))
        if index is None:
            index = self._step_index[id(step)] = self.add_step(step.spec, step.function, step.uses)
            self._kept.append(step)
        return index

    def add_step(self, spec: StepSpec, function: Any, uses: tuple[Any, ...]) -> int:
        """The number of a step; a step that is there already keeps its own."""
        for index in self._by_function.setdefault(id(function), []):
            # By identity: what a step uses may be an array, and such are not compared by ==.
            if self.steps[index] == spec and list(map(id, self.uses[index])) == list(map(id, uses)):
                return index
        self._by_function[id(function)].append(len(self.steps))
        self._kept.append(function)
        self.steps.append(spec)
        self.functions.append(function)
        self.uses.append(uses)
        return len(self.steps) - 1

    def new_id(self, name: str) -> str:
        """``fit``, then ``fit_2``; inside a group ``group.fit``."""
        base = f"{self.prefix}{name}"
        node_id, count = base, self._ids.get(base, 0)
        while True:
            count += 1
            node_id = base if count == 1 else f"{base}_{count}"
            self._ids[base] = count
            if node_id == base or node_id not in self._ids:
                self._ids.setdefault(node_id, 1)
                return node_id

    def inner_id(self, name: str) -> str:
        """The id here of what has an id of its own already, in a graph that is added."""
        node_id = f"{self.prefix}{name}"
        self._ids.setdefault(node_id, 1)
        return node_id

    def _output_names(self, node_id: str, spec: StepSpec) -> tuple[str, ...]:
        """Declared names, numbered as the node is; a step without any gives its one output the node's id."""
        if spec.outputs == (spec.name,):
            return (node_id,)
        number = node_id[len(self.prefix) + len(spec.name) :]
        return tuple(f"{self.prefix}{name}{number}" for name in spec.outputs)

    def _check_output_names(self) -> None:
        seen: dict[str, Node] = {}
        for node in self.nodes:
            for name in node.outputs:
                other = seen.setdefault(name, node)
                if other is not node:
                    raise DefinitionError(
                        f"two outputs are named {name!r}: one of {other.id!r} ({other.where}) and one of {node.id!r}",
                        where=node.where,
                        hint=f"name one of them at its call: step(…).named({name + '_2'!r})",
                    )


def _differ(one: Reference, other: Reference) -> bool:
    return not one.spec.required and not other.spec.required and repr(one.default) != repr(other.default)
