"""What does a project say of itself? Shapes of what is read in a process of its own, and told by the API."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from plait.record.graphview import GraphView
from plait.server.problems import Problem

__all__ = [
    "ConfValue",
    "DatasetSpec",
    "Described",
    "ParamSpec",
    "PipelineSpec",
    "StackPart",
]


class ParamSpec(Struct, frozen=True):
    """An argument of a pipeline; ``value`` and ``origin`` are what a run would take if nothing is given.

    ``schema`` is JSON Schema where the annotation says something that it can say, else empty.
    """

    name: str
    annotation: str
    required: bool
    default: Any = None
    schema: dict[str, Any] = {}
    value: Any = None
    origin: str | None = None
    dataset: bool = False
    secret: bool = False
    help: str | None = None


class PipelineSpec(Struct, frozen=True):
    """A pipeline as the code has it; ``graph`` is None where it cannot be traced, and ``problems`` says why."""

    name: str
    where: str
    doc: str
    target: str
    folder: str
    default: bool
    params: list[ParamSpec]
    tags: list[str]
    steps: int
    graph: GraphView | None
    problems: list[Problem] = []


class DatasetSpec(Struct, frozen=True):
    """An entry of the catalog, secrets masked; a ``factory`` stands for many of a pattern."""

    name: str
    type: str
    place: str | None
    layer: str | None
    versioned: bool
    checks: int
    factory: bool
    where: str | None
    described: dict[str, Any] = {}


class ConfValue(Struct, frozen=True):
    kind: str
    key: str
    value: Any
    where: str


class StackPart(Struct, frozen=True):
    kind: str
    type: str
    where: str | None
    options: dict[str, Any] = {}


class Described(Struct, frozen=True):
    """All that a project says in one environment."""

    name: str
    folder: str
    env: str | None
    has_project: bool
    environments: list[str]
    pipelines: list[PipelineSpec]
    datasets: list[DatasetSpec]
    conf: list[ConfValue]
    stack: str | None
    stack_parts: list[StackPart]
    problems: list[Problem]
