"""How do pipelines make other pipelines? Parts of them, sums of them, the same with other names."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from plait.errors import DefinitionError, did_you_mean
from plait.graph.calling import user_line
from plait.graph.combining import both, either_of, without
from plait.graph.cutting import cut, single
from plait.graph.grafting import graft
from plait.graph.lifting import is_plain
from plait.graph.model import InputSpec
from plait.graph.overrides import as_configured
from plait.graph.pipeline import Body, Definition
from plait.graph.selection import Selection, choose, element_of
from plait.graph.tracing import Reference, Traced, Tracer, current_tracer

__all__ = ["merged", "selected", "united", "used"]

_SIGNS: dict[str, Callable[[Traced, Traced, str], Traced]] = {"+": either_of, "&": both, "-": without}
_WORDS = {"+": "and", "&": "in", "-": "without"}


def selected(definition: Definition, selection: Selection) -> Body:
    """A part of a pipeline."""

    def part() -> Traced:
        traced = definition.trace()
        element = element_of(traced.graph, selection)
        if element is not None:
            return single(traced, *element)
        return cut(traced, choose(as_configured(traced.graph), selection))

    return _body(
        part,
        definition.name,
        [definition],
        definition.doc,
        selections=(*definition.selections, selection),
        whole=definition.whole or definition,
    )


def united(sign: str, one: Definition, other: Definition) -> Body:
    """The steps of both (``+``), those of both alike (``&``), or those of the first alone (``-``)."""
    shown = f"{one.name} {sign} {other.name}"
    name = f"{one.name}_{_WORDS[sign]}_{other.name}"
    return _body(lambda: _SIGNS[sign](one.trace(), other.trace(), shown), name, [one, other])


def used(definition: Definition, names: Mapping[str, Any], prefix: str) -> Body:
    """A pipeline with other datasets, parameters or outputs, its steps in a group of their own.

    Args:
        names: by the name of an argument the dataset or parameter that is read instead, or a value; by the name of
            an output its new name.
        prefix: the name of the group; none if it is empty.

    Raises:
        DefinitionError: the pipeline has no such argument or output, or a name is none.
    """
    if prefix and not prefix.isidentifier():
        raise DefinitionError(
            f"prefix={prefix!r} is not a name", where=user_line(), hint="use letters, digits and _"
        )
    parameters = definition.signature.parameters
    read = {name: given for name, given in names.items() if name in parameters}
    made = {name: given for name, given in names.items() if name not in parameters}
    if made:
        _check_outputs(definition, made)
    for name, given in read.items():
        if isinstance(given, str) and not given:
            raise DefinitionError(f"{name}='' names nothing", where=user_line())

    def call(**given: Any) -> Any:
        tracer = current_tracer()
        passed = {
            own: given[new] if new in given else _instead(tracer, parameter, read[own])
            for own, parameter in parameters.items()
            for new in [read.get(own, own) if isinstance(read.get(own, own), str) else ""]
        }
        if tracer is None:
            return definition.function(**passed)
        first = len(tracer.nodes)
        result = definition.call((), passed) if definition.group else definition.function(**passed)
        _rename(tracer, first, made)
        return result

    def signature() -> inspect.Signature:
        found: dict[str, list[inspect.Parameter]] = {}
        for own, parameter in parameters.items():
            new = read.get(own, own)
            if isinstance(new, str) and new.isidentifier():
                found.setdefault(new, []).append(parameter.replace(name=new))
        return merged(found)

    def hints() -> dict[str, Any]:
        found = definition.hints()
        return {str(read.get(own, own)): kind for own, kind in found.items() if own in parameters}

    return Body(
        call,
        name=prefix or definition.name,
        signature=signature,
        hints=hints,
        doc=definition.doc,
        group=prefix,
        selections=definition.selections,
        whole=definition.whole,
    )


def _check_outputs(definition: Definition, made: Mapping[str, Any]) -> None:
    graph = definition.trace().graph
    prefix = f"{definition.group}." if definition.group else ""
    outputs = [name.removeprefix(prefix) for name in graph.layout.by_output]
    for name, new in made.items():
        if name not in outputs:
            known = [*definition.signature.parameters, *outputs]
            raise DefinitionError(
                f"pipeline {definition.name!r} has no argument and no output {name!r}",
                where=user_line(),
                hint=did_you_mean(name, known) or f"there is: {', '.join(known)}",
            )
        if not isinstance(new, str) or not all(part.isidentifier() for part in new.split(".")):
            raise DefinitionError(f"{name}={new!r:.60} is not a name for an output", where=user_line())


def _instead(tracer: Tracer | None, parameter: inspect.Parameter, given: Any) -> Any:
    """What stands for an argument: a value, or what the project has under a name that no argument can have."""
    if not isinstance(given, str):
        return given
    if tracer is None:
        raise DefinitionError(
            f"{parameter.name} is read from {given!r}, which only a run does", hint="run it: .run(…)"
        )
    required = parameter.default is parameter.empty
    default = None if required else parameter.default
    spec = InputSpec(given, "", required, default if not required and is_plain(default, [1000]) else None)
    return tracer.refer(Reference(spec, default))


def _rename(tracer: Tracer, first: int, names: Mapping[str, str]) -> None:
    """New names for outputs of the nodes from ``first`` on, known by what they are called inside the group."""
    if not names:
        return
    for at in range(first, len(tracer.nodes)):
        node = tracer.nodes[at]
        outputs = tuple(names.get(name.removeprefix(tracer.prefix), name) for name in node.outputs)
        if outputs != node.outputs:
            tracer.nodes[at] = msgspec.structs.replace(node, outputs=outputs)


def _body(
    trace: Callable[[], Traced],
    name: str,
    parts: Sequence[Definition],
    doc: str = "",
    *,
    selections: tuple[Selection, ...] = (),
    whole: Definition | None = None,
) -> Body:
    """A body that is a graph: its arguments are the graph's inputs, as the parts declare them."""
    traced = functools.cache(trace)

    def call(**given: Any) -> Any:
        tracer = current_tracer()
        if tracer is None:
            raise DefinitionError(
                f"{name} is made of other pipelines and has no function that could be called",
                hint="run it: .run(…)",
            )
        return graft(tracer, traced(), given)

    def signature() -> inspect.Signature:
        found: dict[str, list[inspect.Parameter]] = {}
        for spec in traced().graph.inputs:
            for part in parts if not spec.kind else ():
                if spec.name in part.signature.parameters:
                    found.setdefault(spec.name, []).append(part.signature.parameters[spec.name])
        return merged(found)

    def hints() -> dict[str, Any]:
        return {name: kind for part in reversed(parts) for name, kind in part.hints().items()}

    return Body(
        call, name=name, signature=signature, hints=hints, doc=doc, selections=selections, whole=whole
    )


def merged(found: Mapping[str, Sequence[inspect.Parameter]]) -> inspect.Signature:
    """One signature from the parameters that several functions have under one name; the required ones first.

    It has a default where all of them have the same, and a type where all that have one agree.
    """
    made = []
    for name, parameters in found.items():
        first = parameters[0]
        kinds = [one.annotation for one in parameters if one.annotation is not one.empty]
        annotation = kinds[0] if kinds and all(kind == kinds[0] for kind in kinds) else first.empty
        same = all(repr(one.default) == repr(first.default) for one in parameters)
        made.append(
            inspect.Parameter(
                name,
                inspect.Parameter.POSITIONAL_OR_KEYWORD,
                default=first.default if same else first.empty,
                annotation=annotation,
            )
        )
    return inspect.Signature(sorted(made, key=lambda one: one.default is not one.empty))
