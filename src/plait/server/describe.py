"""What does the project say? Read by a process of its own, for it imports the project's code; prints JSON.

``python -m plait.server.describe project ROOT [ENV]``, ``… pipeline TARGET FOLDER [ENV]`` and
``… dataset ROOT NAME ROWS [ENV]``.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from plait.errors import PlaitError
from plait.graph.pipeline import Definition
from plait.launch.prepare import Asked, asked_inputs
from plait.project.project import Project
from plait.record.graphview import graph_view, with_places
from plait.server.problems import Problem, problem_of
from plait.server.projectview import ConfValue, DatasetSpec, Described, ParamSpec, PipelineSpec, StackPart

__all__ = ["main"]


def main(arguments: list[str]) -> None:
    """Print one JSON object; what the project's code prints goes elsewhere."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    kind, *rest = arguments
    answers: dict[str, Callable[..., Any]] = {
        "project": _project,
        "pipeline": _pipeline,
        "dataset": _dataset,
    }
    try:
        found = answers[kind](*rest)
    except PlaitError as error:
        found = {"error": problem_of(error)[1]}
    out.write(msgspec.json.encode(found, enc_hook=str))
    out.close()


def _project(root: str, env: str = "") -> Described:
    project = Project(Path(root), env or None)
    problems: list[Problem] = []
    with _noting(problems):
        project.announce()
    pipelines: list[PipelineSpec] = []
    default = None
    with _noting(problems):
        default = project.file.default if project.file else None
        for name, definition in project.pipelines.items():
            pipelines.append(_describe_pipeline(project, name, definition, name, root, name == default))
        problems += [problem_of(error)[1] for error in project.pipelines.broken]
    datasets: list[DatasetSpec] = []
    with _noting(problems):
        if project.has_conf:
            datasets = list(_datasets(project))
            problems += [problem_of(error)[1] for error in project.catalog.problems()]
    conf: list[ConfValue] = []
    with _noting(problems):
        if project.has_conf:
            conf = [
                ConfValue(one.kind, one.key, one.value, str(one.origin)) for one in project.conf.show(None)
            ]
    stack, parts = None, []
    with _noting(problems):
        stack = project.stack.name
        parts = [_part(one) for one in project.stack]
    return Described(
        name=project.package or Path(root).name,
        folder=root,
        env=project.env if project.has_conf else None,
        has_project=project.file is not None,
        environments=_environments(project),
        pipelines=pipelines,
        datasets=datasets,
        conf=conf,
        stack=stack,
        stack_parts=parts,
        problems=problems,
    )


@contextlib.contextmanager
def _noting(problems: list[Problem]) -> Iterator[None]:
    """What is wrong with one part is told beside what can be told of the others."""
    try:
        yield
    except PlaitError as error:
        problems.append(problem_of(error)[1])
    except Exception as error:  # noqa: BLE001 - the project's own code raised it
        problems.append(Problem("invalid", f"{type(error).__name__}: {error}"))


def _part(component: Any) -> StackPart:
    from plait.project.catalog.entry import masked

    options = getattr(component, "options", None)
    shown = masked(msgspec.to_builtins(options, enc_hook=str)) if options is not None else {}
    where = getattr(component, "where", None)
    return StackPart(
        component.kind,
        component.type,
        str(where) if where else None,
        shown if isinstance(shown, dict) else {},
    )


def _environments(project: Project) -> list[str]:
    if not project.has_conf:
        return []
    return sorted(
        one.name for one in project.conf_folder.iterdir() if one.is_dir() and not one.name.startswith(".")
    )


def _datasets(project: Project) -> Iterator[DatasetSpec]:
    catalog = project.catalog
    patterns = set(catalog.patterns())
    masker = project.masker()
    for one in [*map(catalog.entry, catalog.names()), *catalog.factories()]:
        factory = one.name in patterns
        described: dict[str, Any] = {}
        if not factory:
            with contextlib.suppress(PlaitError):
                described = catalog.describe(one.name)
                described = masker.mask(described) if masker is not None else described
        yield DatasetSpec(
            one.name,
            one.type,
            str(described.get("place", one.place)) if one.place is not None else None,
            one.layer,
            bool(one.versioned),
            len(one.checks),
            factory,
            str(one.where) if one.where else None,
            described,
        )


def _describe_pipeline(
    project: Project, name: str, definition: Definition, target: str, folder: str, default: bool
) -> PipelineSpec:
    problems: list[Problem] = []
    graph = None
    tags: set[str] = set()
    steps = 0
    params = []
    with _noting(problems):
        traced_pipeline = definition.trace()
        traced = traced_pipeline.graph
        params = [
            _param(project, definition, name, one)
            for name, one in asked_inputs(definition, traced_pipeline).items()
        ]
        datasets = {one.name: one.name for one in params if one.dataset}
        names = set(project.catalog.names()) if project.has_conf else set()
        written = {
            index: [output for output in node.outputs if output in names]
            for index, node in enumerate(traced.nodes)
        }
        graph = graph_view(traced, datasets, written)
        if project.has_conf:
            entries = {
                one.name: project.catalog.entry(one.name)
                for one in graph.datasets
                if one.name in project.catalog
            }
            graph = with_places(
                graph, {name: (one.layer, one.type, _place(one.place)) for name, one in entries.items()}
            )
        steps = sum(node.is_step for node in traced.nodes)
        tags = {
            tag
            for index, node in enumerate(traced.nodes)
            if node.is_step
            for tag in traced.options(index).tags
        }
    return PipelineSpec(
        name, definition.where, definition.doc or "", target, folder, default, params, sorted(tags), steps, graph,
        problems,
    )  # fmt: skip


def _place(place: Any) -> str | None:
    return None if place is None else str(place)


def _param(project: Project, definition: Definition, name: str, asked: Asked) -> ParamSpec:
    from plait.project.catalog.entry import masked
    from plait.project.secrets import has_secret

    required = asked.required
    default = None if required else _plain(asked.default)
    value, origin, dataset, secret = default, None if required else "default", False, False
    if project.has_conf:
        conf = project.params
        if name in conf:
            secret = has_secret(conf.get(name))
            value = masked(_plain(conf.get(name))) if not secret else None
            origin, required = str(conf.origin(name) or "parameters"), False
        elif name in project.catalog.names() or (required and name in project.catalog):
            value, origin, dataset, required = None, "catalog", True, False
    written = definition.function.__annotations__.get(name, asked.annotation)
    return ParamSpec(
        name,
        _annotation(written),
        required,
        default,
        _schema(asked.annotation, asked.default),
        value,
        origin,
        dataset,
        secret,
    )


def _annotation(written: Any) -> str:
    if written is Any:
        return ""
    if isinstance(written, str):
        return written
    return getattr(written, "__name__", "") if isinstance(written, type) else str(written)


def _plain(value: Any) -> Any:
    try:
        return msgspec.to_builtins(value, enc_hook=str)
    except (TypeError, ValueError):
        return repr(value)


def _schema(annotation: Any, default: Any) -> dict[str, Any]:
    """JSON Schema of an annotation; without one, of what the default is."""
    if annotation is Any and default is not None and type(default) in (bool, int, float, str):
        annotation = type(default)
    try:
        (schema,), parts = msgspec.json.schema_components((annotation,), ref_template="{name}")
    except TypeError:
        return {}
    found: dict[str, Any] = _inlined(schema, parts)
    return found


def _inlined(schema: Any, parts: dict[str, Any], depth: int = 0) -> Any:
    """The schema without references; a type that holds itself ends after some levels."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            return _inlined(parts.get(schema["$ref"], {}), parts, depth + 1) if depth < 6 else {}
        return {key: _inlined(inner, parts, depth) for key, inner in schema.items()}
    if isinstance(schema, list):
        return [_inlined(inner, parts, depth) for inner in schema]
    return schema


def _pipeline(target: str, folder: str, env: str = "") -> PipelineSpec:
    from plait.launch.prepare import project_of
    from plait.project.discover import find_pipeline

    os.chdir(folder)
    found = find_pipeline(target)
    root = found.root or project_of(found.pipeline).root
    project = Project(root, env or None)
    with contextlib.suppress(PlaitError):
        project.announce()
    return _describe_pipeline(project, found.pipeline.name, found.pipeline, target, folder, False)


def _dataset(root: str, name: str, rows: str, env: str = "") -> dict[str, Any]:
    """The beginning of a dataset."""
    from plait.display.preview import preview_document

    project = Project(Path(root), env or None)
    project.announce()
    found: dict[str, Any] = preview_document(project.catalog.peek(name), int(rows))
    masker = project.masker()
    shown: dict[str, Any] = masker.mask(found) if masker is not None else found
    return shown


if __name__ == "__main__":
    main(sys.argv[1:])
