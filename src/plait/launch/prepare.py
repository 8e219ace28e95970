"""Can this pipeline run? Its graph is traced, its arguments are found and checked, before anything is recorded."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from plait.errors import DefinitionError, ParameterError, PlaitError, did_you_mean, nearest
from plait.graph.model import Each, Graph
from plait.graph.overrides import in_force, override
from plait.graph.pipeline import Definition
from plait.graph.tracing import Traced
from plait.graph.unfold import Resolved, Unknown, size
from plait.launch.hiding import hiding
from plait.launch.outside import OUTSIDE, FromCatalog, find_outside, laid_out, recorded_argument
from plait.project.place import home_of
from plait.project.project import Project
from plait.record.views import Run

__all__ = [
    "Asked",
    "FromSecret",
    "Given",
    "Prepared",
    "asked_inputs",
    "convert_given",
    "filled_in",
    "missing_arguments",
    "prepare",
    "project_of",
    "trace_in",
]


_NOTHING: Any = object()


class Given(Struct, frozen=True):
    """A value for an argument of a pipeline: where it came from, and its text where it was typed."""

    value: Any
    origin: str = "given"
    text: str | None = None
    where: Any = None  # ``file:line``, or a function from a path inside the value to one


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
    inputs_from: str = ""

    @property
    def graph(self) -> Graph:
        return self.traced.graph


def prepare(
    definition: Definition,
    given: Mapping[str, Given],
    project: Project | None = None,
    *,
    inputs_from: Run | None = None,
) -> Prepared:
    """Trace a pipeline and find its arguments, before anything is recorded.

    An argument is the given value, else that of ``inputs_from``, else the parameter of its name, else the dataset of
    its name, else its default. What a part of a pipeline reads of the rest is the given value, else that of
    ``inputs_from``, else what the dataset of its name holds.

    Args:
        given: explicit values by name.
        project: where parameters and datasets are; the one around the pipeline's file if left out.
        inputs_from: an earlier run, whose arguments and outputs are taken.

    Raises:
        DefinitionError: the pipeline cannot be described as a graph.
        ParameterError: an argument is missing, unknown or of a wrong type; all of them are said at once.
        CatalogError: a version is asked for of a dataset that there is none of.
    """
    project = project or project_of(definition)
    with hiding(project):
        project.announce()
        for problem in project.catalog.useless_versions() if project.load_versions else ():
            raise problem
        traced = trace_in(definition, project)
        values, origins = _arguments(definition, traced, given, project, inputs_from)
        values = _taken_apart(traced, values, project)
        _check_lists(traced, {**traced.literals, **values})
    source = inputs_from.id if inputs_from is not None else ""
    return Prepared(definition, traced, values, origins, project, source)


def trace_in(definition: Definition, project: Project) -> Traced:
    """A pipeline, traced, with the options that its project, in its environment, gives the steps.

    Raises:
        DefinitionError: an option is unknown or wrong, or what was typed names no step.
        ConfError: ``steps.yml`` is not as it should be.
    """
    with in_force(project.step_rules):
        traced = definition.trace()
    if not project.step_rules or traced.graph.is_dynamic:  # of that, steps get theirs when they are called
        return traced
    return traced.with_graph(override(traced.graph, project.step_rules))


def project_of(definition: Definition) -> Project:
    """The project around a pipeline's file."""
    return Project(home_of(definition.file)[0])


def _arguments(
    definition: Definition,
    traced: Traced,
    given: Mapping[str, Given],
    project: Project,
    inputs_from: Run | None,
) -> tuple[dict[str, Any], dict[str, str]]:
    asked = asked_inputs(definition, traced)
    if project.has_conf:
        # An argument of the whole pipeline that this part does not read is no mistake.
        whole = definition.whole.signature.parameters if definition.whole is not None else ()
        project.params.check_overrides([*definition.signature.parameters, *asked, *whole])
    values = convert_given(definition, traced, given)
    origins = {name: one.origin for name, one in _matched(definition, asked, given).items()}
    outside = {name: one for name, one in asked.items() if one.kind in OUTSIDE and name not in values}
    if inputs_from is not None:
        for name in asked:
            if name not in outside and name not in values and not _is_typed(project, name):
                found = recorded_argument(inputs_from, name)
                if found is not None:
                    depth = traced.graph.layout.splits[1].get(name, 0)
                    values[name] = laid_out(found, depth, inputs_from.store.artifacts)
                    origins[name] = f"run {inputs_from.id}"
    rest = {name: one for name, one in asked.items() if name not in values and name not in outside}
    more, more_origins = from_project(definition, rest, project)
    values.update(more)
    origins.update(more_origins)
    if outside:
        typed = {name for name in outside if _is_typed(project, name)}
        for name in typed:
            values[name], origins[name] = project.params.get(name), "command line"
        more, more_origins = find_outside(definition, traced, set(outside) - typed, project, inputs_from)
        values.update(more)
        origins.update(more_origins)
    return {name: values[name] for name in asked}, origins


def _is_typed(project: Project, name: str) -> bool:
    """Whether NAME=VALUE, or a file of parameters, sets a name over the conf."""
    return project.has_conf and project.params.origin(name) == "command line"


class Asked(Struct, frozen=True):
    """What an input of a run has to be: its kind as in ``InputSpec``, its default and its type if there are any."""

    kind: str
    required: bool
    default: Any
    annotation: Any


def asked_inputs(definition: Definition, traced: Traced) -> dict[str, Asked]:
    """What a run of a pipeline has to be given, by name."""
    hints = definition.hints()
    found: dict[str, Asked] = {}
    for spec in traced.graph.inputs:
        parameter = definition.signature.parameters.get(spec.name)
        reference = traced.references.get(spec.name)
        if parameter is not None and not spec.kind:
            required = parameter.default is parameter.empty
            default = None if required else parameter.default
            found[spec.name] = Asked(spec.kind, required, default, hints.get(spec.name, Any))
        elif reference is not None:
            annotation = Any if reference.annotation is None else reference.annotation
            found[spec.name] = Asked(spec.kind, spec.required, reference.default, annotation)
        else:
            found[spec.name] = Asked(spec.kind, spec.required, spec.default, Any)
    return found


def _matched(
    definition: Definition, asked: Mapping[str, Asked], given: Mapping[str, Given]
) -> dict[str, Given]:
    """Given values by the names of the inputs: ``model: {alpha: 0.3}`` has what ``param("model.alpha")`` asks for.

    Raises:
        ParameterError: a name is unknown; the nearest is named.
    """
    found: dict[str, Given] = {}
    for name, one in given.items():
        dotted = [full for full in asked if full.startswith(f"{name}.")]
        inside = {full: got for full in dotted if (got := _inside(one.value, full, name)) is not _NOTHING}
        if name in asked:
            found[name] = one
        elif inside:
            where = one.where if isinstance(one.where, str) else None
            found |= {full: Given(value, one.origin, where=where) for full, value in inside.items()}
        elif definition.whole is None or name not in definition.whole.signature.parameters:
            hint = did_you_mean(name, asked) or "it takes none"
            raise ParameterError(
                f"pipeline {definition.name!r} has no parameter {name!r}", where=definition.where, hint=hint
            ).of((name, "there is no such parameter", definition.where, hint))
    return found


def _inside(value: Any, full: str, name: str) -> Any:
    """What a mapping has where a dotted name leads."""
    for key in full.removeprefix(f"{name}.").split("."):
        if not isinstance(value, Mapping) or key not in value:
            return _NOTHING
        value = value[key]
    return value


def from_project(
    definition: Definition, asked: Mapping[str, Asked], project: Project
) -> tuple[dict[str, Any], dict[str, str]]:
    """Values for inputs that nobody gave: parameters, datasets, defaults.

    Raises:
        ParameterError: for one there is nothing; all of them are said at once.
    """
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    if project.has_conf:
        values, origins = _from_conf(definition, asked, project)
    missing: list[str] = []
    for name, one in asked.items():
        if name in values:
            continue
        if one.required:
            missing.append(name)
        else:
            values[name], origins[name] = one.default, "default"
    if missing:
        raise _missing(definition, missing, project)
    return values, origins


def missing_arguments(
    definition: Definition, traced: Traced, known: Collection[str], project: Project
) -> dict[str, Any]:
    """Values for the inputs that a run had no word of when it began, because its pipeline did not have them yet.

    Raises:
        ParameterError: for one there is nothing.
    """
    asked = {name: one for name, one in asked_inputs(definition, traced).items() if name not in known}
    return from_project(definition, asked, project)[0] if asked else {}


def _from_conf(
    definition: Definition, asked: Mapping[str, Asked], project: Project
) -> tuple[dict[str, Any], dict[str, str]]:
    """The values that the project has for names: parameters, typed as annotated, and datasets by reference."""
    from plait.project.secrets import has_secret

    params, catalog = project.params, project.catalog
    origins: dict[str, str] = {}
    typed: dict[str, Any] = {}
    values: dict[str, Any] = {}
    for name, one in asked.items():
        if name in params:
            if name in catalog.names() and one.kind != "parameter":
                raise ParameterError(
                    f"{name!r} is both a parameter ({params.origin(name)}) and a dataset ({catalog.entry(name).where})",
                    where=definition.where,
                    hint="rename one of them",
                )
            typed[name] = one.annotation
            origins[name] = params.origin(name) or "parameters"
        elif one.kind != "parameter" and (name in catalog.names() or (one.required and name in catalog)):
            catalog.dataset(name)  # a wrong entry is found now, not in the middle of the run
            values[name], origins[name] = FromCatalog(name), "catalog"
    for name, value in params.typed(typed).items():
        # Typed, a secret may be a field of an object; as it was written it is a text somewhere inside.
        values[name] = FromSecret(name) if has_secret(value) or has_secret(params.get(name)) else value
    return values, origins


def filled_in(
    definition: Definition, project: Project | None = None, *, more: Iterable[str] = ()
) -> dict[str, str]:
    """What the project has for the arguments of a pipeline, as text: ``0.25``, or ``dataset``; for displays.

    Args:
        more: further inputs, such as parameters that it asks for by their names.

    Empty where the project cannot be read: what is wrong with it is told by what needs it.
    """
    try:
        project = project or project_of(definition)
        if not project.has_conf:
            return {}
        params, catalog = project.params, project.catalog
        found: dict[str, str] = {}
        for name in dict.fromkeys([*definition.signature.parameters, *more]):
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
    ).of(*((name, "it needs a value", definition.where, f"write {name}=…") for name in missing))


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


def convert_given(definition: Definition, traced: Traced, given: Mapping[str, Given]) -> dict[str, Any]:
    """Given values as the types that the arguments are annotated with.

    Raises:
        ParameterError: a name is unknown, or values are of wrong types; all of them are said at once.
    """
    if not given:
        return {}
    from plait.project.types import Wanted, convert_all

    asked = asked_inputs(definition, traced)
    return convert_all(
        Wanted(name, one.value, asked[name].annotation, one.where, one.text)
        for name, one in _matched(definition, asked, given).items()
    )


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
        problem = f"the pipeline takes each(…) of it, so it must be a list, not {type(value).__name__}: {value!r:.80}"
        hint = f"write {name}=[…]"
        raise ParameterError(f"{name}: {problem}", hint=hint).of((name, problem, None, hint))
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
