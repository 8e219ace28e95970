"""Can this pipeline run? Its graph is traced, its arguments are found and checked, before anything is recorded."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from plait.errors import DefinitionError, ParameterError, PlaitError, did_you_mean, nearest
from plait.graph.model import Each, Graph
from plait.graph.overrides import override
from plait.graph.pipeline import Definition
from plait.graph.tracing import Traced
from plait.graph.unfold import Resolved, Unknown, size
from plait.launch.hiding import hiding
from plait.project.place import home_of
from plait.project.project import Project

__all__ = [
    "FromCatalog",
    "FromSecret",
    "Given",
    "Prepared",
    "configured",
    "convert_given",
    "filled_in",
    "prepare",
    "project_of",
]


class Given(Struct, frozen=True):
    """A value for an argument of a pipeline: where it came from, and its text where it was typed."""

    value: Any
    origin: str = "given"
    text: str | None = None
    where: Any = None  # ``file:line``, or a function from a path inside the value to one


class FromCatalog(Struct, frozen=True):
    """Stands for a dataset, or for one part of it, that is read where it is used."""

    dataset: str
    part: str | None = None


class FromSecret(Struct, frozen=True):
    """Stands for a parameter with a secret in it, which is read where it is used."""

    parameter: str


class Prepared(Struct, frozen=True):
    """A run that could begin: everything is found, of the right type, and of fitting lengths."""

    definition: Definition
    traced: Traced
    values: dict[str, Any]
    origins: dict[str, str]
    project: Project

    @property
    def graph(self) -> Graph:
        return self.traced.graph


def prepare(definition: Definition, given: Mapping[str, Given], project: Project | None = None) -> Prepared:
    """Trace a pipeline and find its arguments, before anything is recorded.

    An argument is the given value, else the parameter of its name, else the dataset of its name, else its default.

    Args:
        given: explicit values by name.
        project: where parameters and datasets are; the one around the pipeline's file if left out.

    Raises:
        DefinitionError: the pipeline cannot be described as a graph.
        ParameterError: an argument is missing, unknown or of a wrong type; all of them are said at once.
    """
    project = project or project_of(definition)
    with hiding(project):
        project.announce()
        traced = configured(definition.trace(), project)
        values, origins = _arguments(definition, given, project)
        values = _taken_apart(traced, values, project)
        _check_lists(traced, {**traced.literals, **values})
    return Prepared(definition, traced, values, origins, project)


def configured(traced: Traced, project: Project) -> Traced:
    """A traced pipeline with the options that its project, in its environment, gives the steps.

    Raises:
        DefinitionError: an option is unknown or wrong, or what was typed names no step.
        ConfError: ``steps.yml`` is not as it should be.
    """
    if not project.step_rules or traced.graph.is_dynamic:  # of that, steps get theirs when they are called
        return traced
    return traced.with_graph(override(traced.graph, project.step_rules))


def project_of(definition: Definition) -> Project:
    """The project around a pipeline's file."""
    return Project(home_of(definition.file)[0])


def _refuse_unknown(definition: Definition, given: Mapping[str, Given]) -> None:
    known = definition.signature.parameters
    for name in given:
        if name not in known:
            raise ParameterError(
                f"pipeline {definition.name!r} has no parameter {name!r}",
                where=definition.where,
                hint=did_you_mean(name, known) or "it takes none",
            )


def _arguments(
    definition: Definition, given: Mapping[str, Given], project: Project
) -> tuple[dict[str, Any], dict[str, str]]:
    values = convert_given(definition, given)
    origins = {name: one.origin for name, one in given.items()}
    missing: list[str] = []
    rest = [name for name in definition.signature.parameters if name not in values]
    if project.has_conf:
        found, found_origins = _from_conf(definition, rest, project)
        values.update(found)
        origins.update(found_origins)
    for name, parameter in definition.signature.parameters.items():
        if name in values:
            continue
        if parameter.default is parameter.empty:
            missing.append(name)
        else:
            values[name], origins[name] = parameter.default, "default"
    if missing:
        raise _missing(definition, missing, project)
    return {name: values[name] for name in definition.signature.parameters}, origins


def _from_conf(
    definition: Definition, names: Sequence[str], project: Project
) -> tuple[dict[str, Any], dict[str, str]]:
    """The values that the project has for names: parameters, typed as annotated, and datasets by reference."""
    from plait.project.secrets import has_secret

    params, catalog = project.params, project.catalog
    origins: dict[str, str] = {}
    typed: dict[str, Any] = {}
    values: dict[str, Any] = {}
    hints = _annotations(definition)
    for name in names:
        optional = definition.signature.parameters[name].default is not inspect.Parameter.empty
        if name in params:
            if name in catalog.names():
                raise ParameterError(
                    f"{name!r} is both a parameter ({params.origin(name)}) and a dataset ({catalog.entry(name).where})",
                    where=definition.where,
                    hint="rename one of them",
                )
            typed[name] = hints.get(name, Any)
            origins[name] = params.origin(name) or "parameters"
        elif name in catalog.names() or (not optional and name in catalog):
            catalog.dataset(name)  # a wrong entry is found now, not in the middle of the run
            values[name], origins[name] = FromCatalog(name), "catalog"
    for name, value in params.typed(typed).items():
        # Typed, a secret may be a field of an object; as it was written it is a text somewhere inside.
        values[name] = FromSecret(name) if has_secret(value) or has_secret(params.get(name)) else value
    params.check_overrides(definition.signature.parameters)
    return values, origins


def filled_in(definition: Definition, project: Project | None = None) -> dict[str, str]:
    """What the project has for the arguments of a pipeline, as text: ``0.25``, or ``dataset``; for displays.

    Empty where the project cannot be read: what is wrong with it is told by what needs it.
    """
    try:
        project = project or project_of(definition)
        if not project.has_conf:
            return {}
        params, catalog = project.params, project.catalog
        found: dict[str, str] = {}
        for name in definition.signature.parameters:
            if name in params:
                shown = params.conf.show(f"parameters.{name}")
                found[name] = repr(shown[0].value) if len(shown) == 1 else f"{len(shown)} values"
                found[name] += f", {shown[0].origin}"
            elif name in catalog:
                found[name] = f"dataset, {catalog.entry(name).type}"
    except PlaitError:
        return {}
    return found


def _missing(definition: Definition, missing: Sequence[str], project: Project) -> ParameterError:
    several = len(missing) > 1
    known: list[str] = []
    if project.has_conf:
        known = [*project.params.names(), *project.catalog.names()]
    near = [f"{name} may be meant as {match}" for name in missing for match in nearest(name, known, 1)]
    place = " in parameters or catalog," if project.has_conf else ":"
    return ParameterError(
        f"pipeline {definition.name!r} needs {', '.join(map(repr, missing))}{place} no value was given and"
        f" {'they have' if several else 'it has'} no default",
        where=definition.where,
        hint="; ".join(near) or "write " + " ".join(f"{name}=…" for name in missing),
    )


def _taken_apart(traced: Traced, values: dict[str, Any], project: Project) -> dict[str, Any]:
    """Datasets that an ``each`` takes apart: those of many files by reference to each, others as the list they hold."""
    made = dict(values)
    for name in traced.graph.layout.splits[1]:
        value = values.get(name)
        if isinstance(value, FromCatalog):
            parts = getattr(project.catalog.dataset(value.dataset), "parts", None)
            made[name] = (
                [FromCatalog(value.dataset, part) for part in parts()]
                if parts is not None
                else project.catalog.load(value.dataset)
            )
    return made


def convert_given(definition: Definition, given: Mapping[str, Given]) -> dict[str, Any]:
    """Given values as the types that the arguments are annotated with.

    Raises:
        ParameterError: a name is unknown, or values are of wrong types; all of them are said at once.
    """
    if not given:
        return {}
    from plait.project.types import Wanted, convert_all

    _refuse_unknown(definition, given)
    hints = _annotations(definition)
    return convert_all(
        Wanted(name, one.value, hints.get(name, Any), one.where, one.text) for name, one in given.items()
    )


def _annotations(definition: Definition) -> dict[str, Any]:
    """The annotations of the arguments; those that cannot be resolved say nothing."""
    import typing

    try:
        return typing.get_type_hints(inspect.unwrap(definition.function), include_extras=True)
    except Exception:  # noqa: BLE001 - a name that exists for type checkers only
        return {
            name: annotation
            for name, annotation in definition.function.__annotations__.items()
            if not isinstance(annotation, str)
        }


def _check_lists(traced: Traced, values: Mapping[str, Any]) -> None:
    """What an ``each`` takes apart must be lists, and of one length where they run side by side."""
    graph = traced.graph
    for name, depth in graph.layout.splits[1].items():
        _require_lists(name, values[name], depth)
    facts = _Known(graph, values)
    for index, scope in enumerate(graph.scopes):
        if not isinstance(scope, Each) or graph.layout.axes[scope.parent]:
            continue
        sizes: dict[str, int] = {}
        for label, source in zip(scope.labels, scope.sources, strict=True):
            try:
                sizes[label] = size(graph, facts, source, scope.parent, ())
            except Unknown:
                continue
        if len(set(sizes.values())) > 1:
            raise DefinitionError(
                "each(...) side by side needs lists of equal length: "
                + ", ".join(f"{label} has {count}" for label, count in sizes.items()),
                where=next((graph.nodes[node].where for node in graph.layout.subtree(index)), None),
                hint="for every combination of them write **each.product(…)",
            )


def _require_lists(name: str, value: Any, depth: int) -> None:
    if not isinstance(value, list | tuple):
        raise ParameterError(
            f"{name}: the pipeline takes each(…) of it, so it must be a list,"
            f" not {type(value).__name__}: {value!r:.80}",
            hint=f"write {name}=[…]",
        )
    if depth > 1:
        for position, item in enumerate(value):
            _require_lists(f"{name}[{position}]", item, depth - 1)


class _Known:
    """Lengths that are known before a run begins: those of its inputs."""

    def __init__(self, graph: Graph, values: Mapping[str, Any]) -> None:
        self._depths = graph.layout.splits[1]
        self._values = values

    def extent(self, scope: int, path: tuple[int, ...]) -> int | None:
        return None

    def output_lengths(self, node: int, output: int, path: tuple[int, ...]) -> None:
        return None

    def absent(self, node: int, path: tuple[int, ...]) -> bool:
        return False

    def passed(self, scope: int, path: tuple[int, ...], name: str) -> Resolved:
        raise Unknown((~scope, path))

    def input_lengths(self, name: str) -> Any:
        return _lengths(self._values[name], self._depths.get(name, 0))


def _lengths(value: Any, depth: int) -> Any:
    if depth <= 1:
        return len(value) if depth else None
    return [_lengths(item, depth - 1) for item in value]
