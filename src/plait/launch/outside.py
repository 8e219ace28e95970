"""Where does a part of a pipeline get what the rest of it makes? From an earlier run, or from the catalog."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from msgspec import Struct

from plait.data import ArtifactStore
from plait.errors import CatalogError, ParameterError, PlaitError, RecordError, did_you_mean
from plait.graph.cutting import inputs_in
from plait.graph.model import Each, Graph
from plait.graph.pipeline import Definition
from plait.graph.slicing import producers
from plait.graph.tracing import Traced
from plait.project.project import Project
from plait.project.references import DATASET, PARAMETER
from plait.record.results import ListArg, Stored, Tree, load_tree
from plait.record.store import open_records
from plait.record.views import Run

__all__ = [
    "OUTSIDE",
    "FromCatalog",
    "FromRun",
    "find_outside",
    "laid_out",
    "recorded_argument",
    "store_recorded",
]

OUTSIDE = ("output", "argument")
"""The kinds of inputs that the rest of a pipeline makes, see ``InputSpec``."""


class FromCatalog(Struct, frozen=True):
    """Stands for a dataset, or for one part of it, that is read where it is used."""

    dataset: str
    part: str | None = None


class FromRun(Struct, frozen=True):
    """Stands for what an earlier run recorded."""

    tree: Tree
    run: str


def recorded_argument(run: Run, name: str) -> FromRun | None:
    """The argument of a run by its name; None where it had none, or one that is read where it is, or is a secret."""
    found = run.results.inputs.get(name)
    if found is None or found.format in (DATASET, PARAMETER):
        return None
    return FromRun(Stored(found), run.id)


def laid_out(found: FromRun, depth: int, store: ArtifactStore) -> Any:
    """A recorded value as a list of its elements, as many levels deep as an ``each`` takes it apart."""
    if not depth:
        return found
    tree = found.tree
    if isinstance(tree, ListArg):
        items: Iterable[Any] = (FromRun(item, found.run) for item in tree.items)
    else:
        parts = store.items(tree.artifact) if isinstance(tree, Stored) else None
        if parts is None:
            return load_tree(store, tree)
        items = (FromRun(Stored(part), found.run) for part in parts)
    return [laid_out(item, depth - 1, store) for item in items]


def store_recorded(store: ArtifactStore, tree: Tree) -> Any:
    """The one artifact that a recorded value is, or becomes."""
    if isinstance(tree, Stored):
        store.touch(tree.artifact)
        return tree.artifact
    if isinstance(tree, ListArg) and not tree.is_tuple:
        return store.gather([store_recorded(store, item) for item in tree.items])
    return store.save(load_tree(store, tree))


def find_outside(
    definition: Definition, traced: Traced, names: Collection[str], project: Project, run: Run | None
) -> tuple[dict[str, Any], dict[str, str]]:
    """What the rest of the pipeline makes: of the run that is named, else of the catalog.

    Raises:
        ParameterError: something is in neither; all of it is said at once.
    """
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    missing: dict[str, str] = {}
    beside = _side_by_side(traced.graph)
    for name in sorted(names):
        depth = traced.graph.layout.splits[1].get(name, 0)
        why = ""
        if run is not None:
            try:
                tree = _recorded(definition, run, name, whole=name in beside)
                values[name] = laid_out(FromRun(tree, run.id), depth, run.store.artifacts)
                origins[name] = f"run {run.id}"
                continue
            except PlaitError as error:
                why = f"run {run.id} has none: {error.what}"
        try:
            values[name] = _in_catalog(definition, project, name, depth)
            origins[name] = "catalog"
        except CatalogError as error:
            missing[name] = "; ".join(reason for reason in (why, error.what) if reason)
    if missing:
        raise _nowhere(definition, missing, project, run)
    return values, origins


def _side_by_side(graph: Graph) -> set[str]:
    """The inputs whose elements run beside those of other lists, so that none may be missing."""
    return {
        leaf.name
        for scope in graph.scopes
        if isinstance(scope, Each) and len(scope.sources) > 1
        for source in scope.sources
        for leaf in inputs_in(source)
    }


def _recorded(definition: Definition, run: Run, name: str, *, whole: bool = False) -> Tree:
    """What a run recorded of an output, or of an argument of the one task that is meant.

    A run of a part, which took it from another itself, has what that one had.

    Args:
        whole: no element of a mapped output may be missing.
    """
    try:
        return _own(definition, run, name, whole=whole)
    except PlaitError:
        source = run.facts.get("inputs_from")
        if source is None:
            raise
        try:
            return _recorded(definition, run.store.run(source), name, whole=whole)
        except PlaitError:
            pass
        raise


def _own(definition: Definition, run: Run, name: str, *, whole: bool) -> Tree:
    element = _element(definition)
    kinds = {spec.name: spec.kind for spec in run.graph.inputs}
    taken = run.results.inputs.get(name) if kinds.get(name) in OUTSIDE else None
    if element is not None:
        selections = run.facts.get("selections", ())
        if taken is not None and any(element in words.get("only", ()) for words in selections):
            return Stored(taken)
        task = run.task(element)
        arguments = dict(run.results.arguments(task.node, task.path))
        wanted = name.rpartition(".")[2]
        if wanted not in arguments:
            raise RecordError(f"{element} took no {wanted!r}", hint=did_you_mean(wanted, arguments))
        return arguments[wanted]
    if name in run.graph.layout.by_output:
        if whole:
            _require_all(run, name)
        return run.results.tree(run.output(name))
    if taken is not None:
        return Stored(taken)
    raise RecordError(f"it has no output {name!r}", hint=did_you_mean(name, run.graph.layout.by_output))


def _require_all(run: Run, name: str) -> None:
    """Refuse a list of which elements are missing: what runs beside it would be given others' elements."""
    node, _ = run.graph.layout.by_output[name]
    skipped = next((task for task in run.iter_tasks(node, state="skipped") if task.path), None)
    if skipped is not None:
        raise RecordError(
            f"{skipped.name} did not run ({skipped.reason}), so its elements cannot be told apart"
        )


def _element(definition: Definition) -> str | None:
    """The one task that the pipeline is a part of itself for: ``fit[3]``."""
    for selection in definition.selections:
        for name in selection.only:
            if "[" in name:
                return name
    return None


def _in_catalog(definition: Definition, project: Project, name: str, depth: int) -> Any:
    """A dataset that holds what a step makes; one of many files, made by a mapped step, as the list of them.

    Raises:
        CatalogError: there is no such dataset, or nothing in it.
    """
    if not project.has_conf or _element(definition) is not None or name not in project.catalog:
        raise CatalogError("no dataset of the catalog has it" if project.has_conf else "there is no catalog")
    catalog = project.catalog
    dataset = catalog.dataset(name)
    parts = getattr(dataset, "parts", None)
    levels = _levels(definition, name)
    if parts is not None and levels:
        found = _nested(name, list(parts()), levels)
        return found if depth else _loaded(project, found)
    if catalog.knows_missing(name):
        raise CatalogError(
            f"dataset {name!r} is empty: {catalog.entry(name).place or 'nothing was saved in it'}"
        )
    return FromCatalog(name)


def _levels(definition: Definition, name: str) -> int:
    """How many ``each`` are around the step that makes an output, in the whole pipeline."""
    graph = (definition.whole or definition).trace().graph
    found = graph.layout.by_output.get(name)
    return len(graph.layout.node_axes[found[0]]) if found else 0


def _nested(name: str, parts: list[str], levels: int) -> list[Any]:
    """The parts that a mapped step saved, ``0`` or ``2-1``, as the list, or nested list, of its results."""
    places: dict[tuple[int, ...], str] = {}
    for part in parts:
        numbers = part.split("-")
        if len(numbers) != levels or not all(number.isdecimal() for number in numbers):
            raise CatalogError(f"part {part!r} of dataset {name!r} is not one that a mapped step saved")
        places[tuple(map(int, numbers))] = part
    if not places:
        raise CatalogError(f"dataset {name!r} has no parts")

    def inside(path: tuple[int, ...]) -> Any:
        if len(path) == levels:
            return FromCatalog(name, places[path])
        following = sorted({place[len(path)] for place in places if place[: len(path)] == path})
        if following != list(range(len(following))):
            gap = next(at for at in range(len(following)) if at not in following)
            raise CatalogError(f"dataset {name!r} has no part {'-'.join(map(str, (*path, gap)))!r}")
        return [inside((*path, at)) for at in following]

    found: list[Any] = inside(())
    return found


def _loaded(project: Project, found: Any) -> Any:
    """The values themselves, for a step that takes all of them: a list holds no references."""
    if isinstance(found, FromCatalog):
        return project.catalog.load_part(found.dataset, str(found.part))
    return [_loaded(project, item) for item in found]


def _nowhere(
    definition: Definition, missing: dict[str, str], project: Project, run: Run | None
) -> ParameterError:
    graph = (definition.whole or definition).trace().graph
    said = []
    for name, why in missing.items():
        made = graph.layout.by_output.get(name)
        who = f", which {graph.nodes[made[0]].id} makes" if made else ""
        said.append(f"{name!r}{who} ({why})")
    chosen = " ".join(str(selection) for selection in definition.selections)
    hint = "take it from an earlier run: --inputs-from RUN"
    if run is None:
        known = _latest_with(definition, project, missing)
        hint = f"take it from an earlier run: --inputs-from {known or 'RUN'}"
    else:
        makers = producers_of(graph, missing)
        hint = f"run what makes it as well: --from {makers}" if makers else hint
    needs = "another value" if len(said) == 1 else "other values"
    return ParameterError(
        f"{chosen or definition.name} needs {needs} of pipeline {definition.name!r}: {'; '.join(said)}",
        where=definition.where,
        hint=hint,
    )


def producers_of(graph: Any, missing: Iterable[str]) -> str:
    """The first step that makes something that is missing."""
    from plait.graph.values import Output

    nodes = producers(
        graph, [Output(*graph.layout.by_output[name]) for name in missing if name in graph.layout.by_output]
    )
    return str(graph.nodes[min(nodes)].id) if nodes else ""


def _latest_with(definition: Definition, project: Project, missing: Iterable[str]) -> str | None:
    """The latest run of the pipeline that has what is missing."""
    try:
        records = open_records(project)
    except RecordError:
        return None
    for run in records.runs(limit=20, pipeline=definition.name):
        try:
            for name in missing:
                _recorded(definition, run, name)
        except PlaitError:
            continue
        return run.id
    return None
