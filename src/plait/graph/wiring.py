"""What do steps make of each other's names? A pipeline without a body: each parameter is an output, or an argument."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Sequence
from typing import Any

import msgspec

from plait.errors import DefinitionError, did_you_mean
from plait.graph.calling import user_line
from plait.graph.composing import merged
from plait.graph.pipeline import Body, Definition, type_hints
from plait.graph.provided import signature_in_pipelines
from plait.graph.refs import Ref
from plait.graph.step import Step
from plait.graph.tracing import current_tracer
from plait.graph.values import DictOf, ListOf, Output, Value

__all__ = ["wired"]

Part = Step[..., Any] | Definition


def wired(parts: Sequence[Any], returns: str | Sequence[str] | None) -> Body:
    """The body of ``wire(*parts)``.

    Raises:
        DefinitionError: a part is neither step nor pipeline, two make one name, or they need each other in a circle.
    """
    where = user_line()
    if not parts:
        raise DefinitionError("wire() needs steps", where=where, hint="wire(clean, split, fit)")
    for part in parts:
        if not isinstance(part, Step | Definition):
            name = getattr(part, "__name__", None)
            raise DefinitionError(
                f"wire(…) takes steps and pipelines, got {type(part).__name__}: {part!r:.80}",
                where=where,
                hint=f"write @step above def {name}" if name else "wire(clean, split, fit)",
            )
    return _Wiring(tuple(parts), returns, where).body()


class _Wiring:
    def __init__(self, parts: tuple[Part, ...], returns: str | Sequence[str] | None, where: str) -> None:
        self.parts = parts
        self.returns = returns
        self.where = where
        self.needs = [_parameters(part) for part in parts]
        self.makers = self._makers()
        self.order = self._ordered()
        self._check_returns()

    def body(self) -> Body:
        return Body(
            self.call,
            name="wired",
            signature=self.signature,
            hints=self.hints,
        )

    def signature(self) -> inspect.Signature:
        found: dict[str, list[inspect.Parameter]] = {}
        for at in self.order:
            for name, parameter in self.needs[at].items():
                if name not in self.makers:
                    found.setdefault(name, []).append(parameter)
        return merged(found)

    def hints(self) -> dict[str, Any]:
        found: dict[str, list[Any]] = {}
        for at in self.order:
            part = self.parts[at]
            own = part.hints() if isinstance(part, Definition) else type_hints(part.function)
            for name in self.needs[at]:
                if name in own:
                    found.setdefault(name, []).append(own[name])
        return {name: kinds[0] for name, kinds in found.items() if all(kind == kinds[0] for kind in kinds)}

    def call(self, **given: Any) -> Any:
        values, returned = dict(given), {}
        for at in self.order:
            part = self.parts[at]
            passed = {name: self._value(values, name, part) for name in self.needs[at]}
            returned[at] = self._call(part, passed, values)
        return self._result(values, returned)

    def _value(self, values: dict[str, Any], name: str, part: Part) -> Any:
        if name not in values:
            raise DefinitionError(
                f"{_name(part)} needs {name!r}, which is inside {_name(self.parts[self.makers[name]])}: only a run"
                " gets at it",
                hint="run it: .run(…)",
            )
        return values[name]

    def _call(self, part: Part, passed: dict[str, Any], values: dict[str, Any]) -> Any:
        tracer = current_tracer()
        first = len(tracer.nodes) if tracer is not None else 0
        result = part.call((), passed) if isinstance(part, Definition) else part(**passed)
        if tracer is None:
            values.update(_plain_values(part, result))
            return result
        for at in range(first, len(tracer.nodes)):
            node = tracer.nodes[at]
            if isinstance(part, Step):
                tracer.nodes[at] = msgspec.structs.replace(node, where=self.where)
            prefix = tracer.prefix + (f"{part.group or part.name}." if isinstance(part, Definition) else "")
            for position, name in enumerate(node.outputs):
                values[name.removeprefix(prefix)] = Ref(tracer, Output(at, position), name)
        return result

    def _result(self, values: dict[str, Any], returned: dict[int, Any]) -> Any:
        if isinstance(self.returns, str):
            return values[self.returns]
        if self.returns is not None:
            return tuple(values[name] for name in self.returns)
        read = {self.makers[name] for needs in self.needs for name in needs if name in self.makers}
        last = [at for at in range(len(self.parts)) if at not in read]
        if len(last) == 1:
            return returned[last[0]]
        found: dict[str, Any] = {}
        for at in last:
            part = self.parts[at]
            if isinstance(part, Step) and len(part.spec.outputs) > 1:
                found.update({name: values[name] for name in part.spec.outputs})
            else:
                found[part.spec.outputs[0] if isinstance(part, Step) else part.name] = returned[at]
        return found

    def _makers(self) -> dict[str, int]:
        makers: dict[str, int] = {}
        for at, part in enumerate(self.parts):
            for name in _offers(part):
                if name in makers:
                    first = self.parts[makers[name]]
                    raise DefinitionError(
                        f"{name!r} is made by two parts of wire(…): {_name(first)} and {_name(part)}",
                        where=self.where,
                        hint=f'the second time write wire({_name(part)}).using({name}="…", prefix="…")'
                        if first is part
                        else "give one of them another name: outputs=[…], or .using(…) of a pipeline",
                    )
                makers[name] = at
        return makers

    def _ordered(self) -> list[int]:
        """The parts, each after those that make what it needs, otherwise as they were given."""
        left = {
            at: {self.makers[name] for name in needs if name in self.makers}
            for at, needs in enumerate(self.needs)
        }
        order: list[int] = []
        while left:
            ready = next((at for at, needed in left.items() if not needed - set(order)), None)
            if ready is None:
                raise self._circle(left)
            order.append(ready)
            del left[ready]
        return order

    def _circle(self, left: dict[int, set[int]]) -> DefinitionError:
        at, seen = next(iter(left)), []
        while at not in seen:
            seen.append(at)
            at = next(one for one in left[at] if one in left)
        circle = [*seen[seen.index(at) :], at]
        names = " needs ".join(_name(self.parts[one]) for one in circle)
        alone = len(circle) == 2
        shared = next(name for name in self.needs[circle[0]] if self.makers.get(name) == circle[1])
        return DefinitionError(
            f"{_name(self.parts[at])} takes {shared!r} and makes {shared!r}"
            if alone
            else f"the steps of wire(…) need each other in a circle: {names}",
            where=self.where,
            hint="give what it makes another name: outputs=[…]" if alone else f"through {shared!r}",
        )

    def _check_returns(self) -> None:
        wanted = [self.returns] if isinstance(self.returns, str) else list(self.returns or ())
        for name in wanted:
            if name not in self.makers:
                raise DefinitionError(
                    f"returns={self.returns!r}: nothing in wire(…) makes {name!r}",
                    where=self.where,
                    hint=did_you_mean(name, self.makers),
                )


def _name(part: Part) -> str:
    return part.spec.name if isinstance(part, Step) else part.name


def _parameters(part: Part) -> dict[str, inspect.Parameter]:
    if isinstance(part, Definition):
        return dict(part.signature.parameters)
    parameters = signature_in_pipelines(part.function).parameters.values()
    starred = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    positional = [one.name for one in parameters if one.kind is one.POSITIONAL_ONLY]
    if positional:
        raise DefinitionError(
            f"step {part.spec.name!r} takes {positional[0]!r} by position only, so it cannot be connected by name",
            where=part.spec.where,
            hint="leave the / out",
        )
    return {one.name: one for one in parameters if one.kind not in starred}


@functools.cache
def _offers(part: Part) -> tuple[str, ...]:
    """The names of what a part makes; of a pipeline, all that is made in it outside of its groups."""
    if isinstance(part, Step):
        return part.spec.outputs
    prefix = f"{part.group}." if part.group else ""
    names = (name.removeprefix(prefix) for name in part.trace().graph.layout.by_output)
    return tuple(name for name in names if "." not in name)


def _plain_values(part: Part, result: Any) -> dict[str, Any]:
    """What a part gave that was called as a plain function, by name, as far as its result tells."""
    if isinstance(part, Step):
        names = part.spec.outputs
        if len(names) == 1:
            return {names[0]: result}
        return dict(result) if isinstance(result, dict) else dict(zip(names, result, strict=True))
    graph = part.trace().graph
    found: dict[str, Any] = {}
    prefix = f"{part.group}." if part.group else ""

    def take(value: Value, got: Any) -> None:
        match value:
            case Output(node=node, output=output):
                found[graph.nodes[node].outputs[output].removeprefix(prefix)] = got
            case ListOf(items=items):
                for item, one in zip(items, got, strict=True):
                    take(item, one)
            case DictOf(items=pairs):
                for key, item in pairs:
                    take(item, got[key])

    take(graph.result, result)
    return found
