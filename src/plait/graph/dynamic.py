"""What has the body of a dynamic pipeline called so far? A graph that grows with each step that it calls first.

The body is a node, and so is every step that it calls, inside a ``Calls`` scope: the n-th call is the task with path
``(n,)``. What a call passes is told with the call, so the graph stays small however many there are. A described
pipeline that the body calls is a group inside such a scope, and is traced once; a dynamic one that it calls is a group
around the scopes of what that one calls.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from plait.errors import DefinitionError
from plait.graph.branches import decided
from plait.graph.calling import user_line
from plait.graph.model import ROOT, Calls, Graph, Group, InputSpec, Node, StepSpec
from plait.graph.overrides import Rule, override
from plait.graph.provided import signature_in_pipelines
from plait.graph.refs import Ref
from plait.graph.tracing import Traced, Tracer
from plait.graph.values import Output, Passed

if TYPE_CHECKING:
    from plait.graph.pipeline import Definition
    from plait.graph.step import Step

__all__ = ["AFTER", "RESULT", "Growing", "Leaf", "Site", "begin_dynamic"]

RESULT = "result"
AFTER = "*after"  # stands among what a call passes for what it has to wait for; no parameter has such a name
_MOST_SITES = 2000


class Leaf(Struct, frozen=True):
    """Where a value that a call gives is found: an output of a node, at the path of the call."""

    node: int
    output: int = 0


class Site(Struct, frozen=True):
    """What the body calls: the scope of its calls, and what such a call gives.

    ``gives`` is made as the pipeline that is called makes it, of leaves; for a step with several outputs a tuple of
    leaves, ``names`` are theirs. ``depths`` tells how deep lists that are passed are taken apart, by parameter.
    """

    scope: int
    name: str
    gives: Any
    names: tuple[str, ...] = ()
    depths: dict[str, int] = {}


def begin_dynamic(
    name: str, inputs: tuple[InputSpec, ...], function: Callable[..., Any], doc: str, where: str, text: str
) -> Traced:
    """The graph of a dynamic pipeline before it has called anything: its body alone."""
    spec = StepSpec(name, function.__module__ or "", function.__qualname__, (), doc=doc, where=where)
    body = Node(name, 0, ROOT, (), (), where=where, kind="body", text=text)
    root = Group(name, pipeline=f"{function.__module__}:{function.__qualname__}")
    graph = Graph(name, inputs, (spec,), (root,), (body,), Passed(ROOT, RESULT))
    return Traced(graph, [function], [()], {})  # lists: they grow with the graph


class Growing:
    """The graph of a dynamic run while it grows.

    Args:
        traced: how it begins; what it holds beside the graph grows as well.
        graph: how far it was before the run was resumed; functions come as their steps are called again.
        rules: options from outside the code.
    """

    def __init__(self, traced: Traced, graph: Graph | None = None, rules: Sequence[Rule] = ()) -> None:
        start = graph or traced.graph
        # Whether a rule names something is not known before the end.
        self._rules = [msgspec.structs.replace(rule, typed=False) for rule in rules]
        self.graph = start
        assert isinstance(traced.functions, list)
        assert isinstance(traced.uses, list)
        self.functions: list[Any] = traced.functions
        self.uses: list[tuple[Any, ...]] = traced.uses
        self.functions += [decided] * (len(start.steps) - len(self.functions))
        self.uses += [()] * (len(start.steps) - len(self.uses))
        self.literals = traced.literals
        self.stand_ins = traced.stand_ins
        self._recorded = {scope.call: at for at, scope in enumerate(start.scopes) if isinstance(scope, Calls)}
        self._sites: dict[Any, Site] = {}
        self._kept: list[Any] = []  # what is known by its id() has to live as long
        self._groups: dict[tuple[int, str], int] = {
            (scope.parent, scope.pipeline): at
            for at, scope in enumerate(start.scopes)
            if at != ROOT and isinstance(scope, Group) and not start.layout.axes[at]
        }

    # Steps.

    def step(self, step: Step[..., Any], group: int) -> Site:
        """Where calls of a step stand, in a group of a dynamic pipeline that the body has called.

        Raises:
            DefinitionError: an option from outside is wrong, or too many different steps are called.
        """
        spec, base = step.spec, step.base or step
        own = msgspec.msgpack.encode(spec.options) if step.base is not None else b""
        known = (group, id(base.function), spec.name, own, id(step.stand_in))
        site = self._sites.get(known)
        if site is not None:
            return site
        self._kept += [base.function, step.stand_in]
        said = f"{spec.module}:{spec.qualname} {spec.name} {own.hex()}"
        site = self._known_step(step, group, said) or self._new_step(step, group, said)
        self._sites[known] = site
        return site

    def _call(self, group: int, said: str) -> tuple[str, int | None]:
        """What tells calls apart in all runs, and the scope where they were recorded."""
        taken = {getattr(self.graph.scopes[site.scope], "call", "") for site in self._sites.values()}
        call, count = f"{self._prefix(group)}{said}", 1
        while call in taken:  # another function of the same name
            count += 1
            call = f"{self._prefix(group)}{said} {count}"
        return call, self._recorded.get(call)

    def _known_step(self, step: Step[..., Any], group: int, said: str) -> Site | None:
        _, scope = self._call(group, said)
        if scope is None:
            return None
        (node,) = self.graph.layout.subtree(scope)
        chosen = self.graph.nodes[node]
        if chosen.step >= len(self.functions) or len(chosen.outputs) != len(step.spec.outputs):
            return None
        parameters = [name for name, _ in chosen.args]
        if parameters != _parameters(step):
            return None
        steps, nodes = list(self.graph.steps), list(self.graph.nodes)
        steps[chosen.step] = (step.base or step).spec
        nodes[node] = msgspec.structs.replace(
            chosen, options=step.spec.options if step.base is not None else None
        )
        self._replace(steps=tuple(steps), nodes=tuple(nodes))
        self._learn(chosen.step, step)
        self._stand_in(node, step)
        return self._step_site(step, scope, node)

    def _new_step(self, step: Step[..., Any], group: int, said: str) -> Site:
        self._refuse_many()
        call, _ = self._call(group, said)
        tracer = self._tracer(group)
        spec = step.spec
        node_id = tracer.new_id(spec.name)
        scope = len(tracer.scopes)
        tracer.scopes.append(Calls(node_id, group, call))
        index = len(tracer.nodes)
        tracer.steps.append((step.base or step).spec)
        tracer.nodes.append(
            Node(
                id=node_id,
                step=len(tracer.steps) - 1,
                scope=scope,
                args=tuple((name, Passed(scope, name)) for name in _parameters(step)),
                outputs=tracer._output_names(node_id, spec),
                options=spec.options if step.base is not None else None,
                where=user_line(),
            )
        )
        self._take(tracer)
        self._learn(len(self.graph.steps) - 1, step)
        self._stand_in(index, step)
        return self._step_site(step, scope, index)

    def _step_site(self, step: Step[..., Any], scope: int, node: int) -> Site:
        outputs = step.spec.outputs
        leaves = tuple(Leaf(node, at) for at in range(len(outputs)))
        gives: Any = leaves[0] if len(leaves) == 1 else leaves
        return Site(scope, self.graph.nodes[node].id, gives, outputs if len(leaves) > 1 else ())

    def _stand_in(self, node: int, step: Step[..., Any]) -> None:
        if step.stand_in is not None:
            self.stand_ins[node] = step.stand_in

    def _learn(self, index: int, step: Step[..., Any]) -> None:
        base = step.base or step
        self.functions += [decided] * (index + 1 - len(self.functions))
        self.uses += [()] * (index + 1 - len(self.uses))
        self.functions[index], self.uses[index] = base.function, base.uses

    # Pipelines.

    def group(self, definition: Definition, group: int) -> int:
        """The group around what a dynamic pipeline calls that the body calls."""
        qualname = f"{definition.module}:{definition.qualname}"
        known = self._groups.get((group, qualname))
        if known is None:
            tracer = self._tracer(group)
            known = self._groups[group, qualname] = len(tracer.scopes)
            tracer.scopes.append(Group(tracer.new_id(definition.name), group, qualname))
            self._take(tracer)
        return known

    def pipeline(self, definition: Definition, group: int) -> Site:
        """Where calls of a described pipeline stand.

        Raises:
            DefinitionError: it cannot be described.
        """
        known = (group, id(definition))
        site = self._sites.get(known)
        if site is None:
            self._kept.append(definition)
            said = f"{definition.module}:{definition.qualname} {definition.name}"
            call, scope = self._call(group, said)
            site = self._known_pipeline(definition, group, call, scope) if scope is not None else None
            if site is None:
                self._refuse_many()
                while call in self._recorded:  # it was recorded, and is another one now
                    call += " changed"
                site = self._new_pipeline(definition, group, call)
            self._sites[known] = site
        return site

    def _new_pipeline(self, definition: Definition, group: int, call: str) -> Site:
        tracer = self._tracer(group)
        site = self._describe(tracer, definition, group, call)
        self._take(tracer)
        return self._measured(site)

    def _known_pipeline(self, definition: Definition, group: int, call: str, scope: int) -> Site | None:
        """A pipeline that was recorded, if it is described as it was then."""
        nodes = self.graph.layout.subtree(scope)
        first, last = nodes[0], nodes[-1] + 1
        first_step = min(self.graph.nodes[node].step for node in nodes)
        tracer = self._tracer(
            group,
            Graph(
                self.graph.name,
                self.graph.inputs,
                self.graph.steps[:first_step],
                self.graph.scopes[:scope],
                self.graph.nodes[:first],
                self.graph.result,
            ),
        )
        site = self._describe(tracer, definition, group, call)
        scopes = self.graph.scopes[scope : scope + len(tracer.scopes) - scope]
        if not _same(tracer.nodes[first:], self.graph.nodes[first:last]) or not _same_scopes(
            tracer.scopes[scope:], scopes
        ):
            return None
        steps, merged = list(self.graph.steps), list(self.graph.nodes)
        for at, spec in enumerate(tracer.steps[first_step:], first_step):
            steps[at] = spec
        merged[first:last] = tracer.nodes[first:]
        self._replace(steps=tuple(steps), nodes=tuple(merged))
        self._adopt(tracer)
        return self._measured(site)

    def _describe(self, tracer: Tracer, definition: Definition, group: int, call: str) -> Site:
        name = tracer.new_id(definition.name)
        scope = len(tracer.scopes)
        tracer.scopes.append(Calls(name, group, call))
        tracer.scopes.append(Group(name, scope, f"{definition.module}:{definition.qualname}"))
        tracer.scope, tracer.prefix = scope + 1, f"{name}."
        passed = {one: Ref(tracer, Passed(scope, one), one) for one in definition.signature.parameters}
        before = len(tracer.nodes)
        with tracer.active():
            tracer._signature(definition.function)
            result = tracer._call(definition.function, passed)
            if result is None or len(tracer.nodes) == before:
                raise DefinitionError(
                    f"pipeline {definition.name!r} returns nothing"
                    if result is None
                    else f"pipeline {definition.name!r} calls no step",
                    where=definition.where,
                )
            tracer.scope = scope
            gives = _gives(tracer, scope, result)
        tracer._check_output_names()
        return Site(scope, name, gives)

    def _measured(self, site: Site) -> Site:
        layout = self.graph.layout
        _ = layout.splits
        depths = {name: depth for (scope, name), depth in layout.passed.items() if scope == site.scope}
        return msgspec.structs.replace(site, depths=depths)

    # The graph itself.

    def noted(self, scope: int, sources: dict[str, set[int]]) -> bool:
        """Remember whose outputs calls have passed, for pictures; whether that is new."""
        calls = self.graph.scopes[scope]
        assert isinstance(calls, Calls)
        known = {name: set(nodes) for name, nodes in calls.sources}
        if all(nodes <= known.get(name, set()) for name, nodes in sources.items()):
            return False
        for name, nodes in sources.items():
            known[name] = known.get(name, set()) | nodes
        scopes = list(self.graph.scopes)
        scopes[scope] = msgspec.structs.replace(
            calls, sources=tuple((name, tuple(sorted(nodes))) for name, nodes in sorted(known.items()))
        )
        self._replace(scopes=tuple(scopes))
        return True

    def _prefix(self, group: int) -> str:
        return f"{self.graph.scopes[group].name}." if group != ROOT else ""

    def _tracer(self, group: int, graph: Graph | None = None) -> Tracer:
        """A tracer that goes on where a graph ends."""
        graph = graph or self.graph
        tracer = Tracer(graph.name, graph.inputs)
        tracer.scopes, tracer.nodes, tracer.steps = list(graph.scopes), list(graph.nodes), list(graph.steps)
        tracer.functions = self.functions[: len(tracer.steps)]
        tracer.uses = self.uses[: len(tracer.steps)]
        tracer.literals = dict(self.literals)
        tracer._ids = {node.id: 1 for node in graph.nodes}
        tracer._ids |= {scope.name: 1 for scope in graph.scopes[1:] if isinstance(scope, Group | Calls)}
        tracer.scope = group
        tracer.prefix = self._prefix(group)
        return tracer

    def _take(self, tracer: Tracer) -> None:
        self._replace(steps=tuple(tracer.steps), scopes=tuple(tracer.scopes), nodes=tuple(tracer.nodes))
        self._adopt(tracer)

    def _adopt(self, tracer: Tracer) -> None:
        for mine, theirs in ((self.functions, tracer.functions), (self.uses, tracer.uses)):
            mine[: len(theirs)] = theirs
        self.literals.update(tracer.literals)
        self.stand_ins.update(tracer.stand_ins)

    def _replace(self, **changes: Any) -> None:
        self.graph = override(msgspec.structs.replace(self.graph, **changes), self._rules)

    def _refuse_many(self) -> None:
        if len(self._sites) >= _MOST_SITES:
            raise DefinitionError(
                f"the body has called {_MOST_SITES} different steps: one that is made anew is another each time",
                where=user_line(),
                hint="make the step once, outside the loop, and pass what differs as an argument",
            )


def _parameters(step: Step[..., Any]) -> list[str]:
    return list(signature_in_pipelines((step.base or step).function).parameters)


def _gives(tracer: Tracer, scope: int, result: Any) -> Any:
    """What a pipeline returned, with a leaf for each value of it."""
    match result:
        case Ref(_value=value):
            if isinstance(value, Output) and tracer.nodes[value.node].scope in (scope, scope + 1):
                return Leaf(value.node, value.output)
            (ref,) = tracer.decide(RESULT, [("value", result)], result._label, function=decided)
            assert isinstance(ref._value, Output)
            return Leaf(ref._value.node)
        case tuple() if hasattr(result, "names"):
            return tuple(_gives(tracer, scope, one) for one in result)
        case list() | tuple():
            return type(result)(_gives(tracer, scope, one) for one in result)
        case dict():
            return {key: _gives(tracer, scope, one) for key, one in result.items()}
    return result


def _same(now: Sequence[Node], then: Sequence[Node]) -> bool:
    return [(one.id, one.scope, one.args, one.outputs, one.after, one.kind) for one in now] == [
        (one.id, one.scope, one.args, one.outputs, one.after, one.kind) for one in then
    ]


def _same_scopes(now: Sequence[Any], then: Sequence[Any]) -> bool:
    return len(now) == len(then) and all(
        isinstance(old, Calls) if isinstance(new, Calls) else new == old
        for new, old in zip(now, then, strict=True)
    )
