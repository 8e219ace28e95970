"""How does a graph that is there already become a part of one that is being described? Node by node, renumbered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from plait.graph.model import ROOT, Branch, Calls, Each, Group, Loop, Node, Scope
from plait.graph.refs import Outputs, Ref
from plait.graph.tracing import Reference, Traced, Tracer
from plait.graph.values import Const, DictOf, Input, Item, Last, ListOf, Output, State, Value, rebuilt

__all__ = ["graft"]


def graft(tracer: Tracer, traced: Traced, given: Mapping[str, Any]) -> Any:
    """Add a graph's nodes and scopes where the tracer stands; answers with what the graph's pipeline returns.

    Args:
        given: what stands for the graph's inputs, by name; others become inputs by their own names.

    Raises:
        DefinitionError: a value belongs to another pipeline, or an input is known with another default.
    """
    return _Graft(tracer, traced, given).made()


class _Graft:
    def __init__(self, tracer: Tracer, traced: Traced, given: Mapping[str, Any]) -> None:
        self.tracer, self.traced, self.graph = tracer, traced, traced.graph
        self.first = len(tracer.nodes)
        self.above = len(tracer.scopes) - 1
        self.outer = tracer.scope
        self.inputs: dict[str, Value] = {}
        for spec in self.graph.inputs:
            if spec.name in given:
                self.inputs[spec.name] = tracer.lift(spec.name, given[spec.name])
            else:
                reference = traced.references.get(spec.name) or Reference(spec, spec.default)
                self.inputs[spec.name] = tracer.refer(reference)._value
        for name, literal in traced.literals.items():
            self.inputs[name] = tracer.lift(name, literal)

    def made(self) -> Any:
        tracer, graph = self.tracer, self.graph
        steps = [
            tracer.add_step(spec, function, uses)
            for spec, function, uses in zip(graph.steps, self.traced.functions, self.traced.uses, strict=True)
        ]
        tracer.scopes += [self._scope(scope) for scope in graph.scopes[1:]]
        for node in graph.nodes:
            tracer.nodes.append(self._node(node, tracer.inner_id(node.id), steps[node.step]))
        tracer.stand_ins |= {self.first + node: one for node, one in self.traced.stand_ins.items()}
        return self._raw(graph.result)

    def _at(self, scope: int) -> int:
        return self.outer if scope == ROOT else self.above + scope

    def _scope(self, scope: Scope) -> Scope:
        parent = self._at(scope.parent)
        match scope:
            case Group():
                return msgspec.structs.replace(scope, name=self.tracer.inner_id(scope.name), parent=parent)
            case Each():
                return msgspec.structs.replace(
                    scope, parent=parent, sources=tuple(map(self._value, scope.sources))
                )
            case Calls():
                return msgspec.structs.replace(scope, parent=parent)
            case Branch():
                return msgspec.structs.replace(scope, parent=parent, test=self.first + scope.test)
            case Loop():
                return msgspec.structs.replace(
                    scope,
                    parent=parent,
                    initial=tuple(map(self._value, scope.initial)),
                    results=tuple(map(self._value, scope.results)),
                    until=self.first + scope.until,
                )

    def _node(self, node: Node, node_id: str, step: int) -> Node:
        return msgspec.structs.replace(
            node,
            id=node_id,
            step=step,
            scope=self._at(node.scope),
            args=tuple((name, self._value(value)) for name, value in node.args),
            outputs=tuple(f"{self.tracer.prefix}{name}" for name in node.outputs),
            after=tuple(self.first + one for one in node.after),
        )

    def _value(self, value: Value) -> Value:
        return rebuilt(value, self._leaf)

    def _leaf(self, value: Value) -> Value:
        match value:
            case Input(name=name):
                return self.inputs[name]
            case Output(node=node, output=output):
                return Output(self.first + node, output)
            case Item(scope=scope, source=source):
                return Item(self._at(scope), source)
            case State(scope=scope, position=position):
                return State(self._at(scope), position)
            case Last(scope=scope, position=position):
                return Last(self._at(scope), position)
        return value

    def _raw(self, value: Value) -> Any:
        """A value as the function of a pipeline returns it."""
        match value:
            case Const(value=constant):
                return constant
            case ListOf(items=items, is_tuple=is_tuple):
                raw = [self._raw(item) for item in items]
                if not is_tuple:
                    return raw
                if raw and all(isinstance(item, Ref) for item in raw):
                    names = tuple(item._label.rpartition(".")[2] for item in raw)
                    return Outputs(tuple(raw), names)
                return tuple(raw)
            case DictOf(items=pairs):
                return {key: self._raw(item) for key, item in pairs}
        made = self._value(value)
        label = (
            self.tracer.nodes[made.node].outputs[made.output]
            if isinstance(made, Output)
            else getattr(value, "name", self.graph.name)
        )
        return Ref(self.tracer, made, label)
