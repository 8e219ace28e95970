"""What does the API answer beside what the records say? Small shapes of its own."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from plait.record.graphview import GraphView
from plait.record.progress import StepProgress
from plait.record.runrows import RecentRun, RunRow
from plait.server.problems import ParameterProblem, Problem
from plait.server.projectview import ConfValue, ParamSpec, StackPart

__all__ = [
    "Bulk",
    "CheckAnswer",
    "Disk",
    "Done",
    "Failed",
    "Freed",
    "Meta",
    "PipelinePage",
    "PipelineRow",
    "PipelineView",
    "PlanItem",
    "PlanView",
    "ProjectFacts",
    "ProjectView",
    "RunStatus",
    "Size",
    "Steps",
    "Tags",
    "Text",
]


class Steps(Struct, frozen=True):
    items: list[StepProgress]


class ProjectFacts(Struct, frozen=True):
    name: str
    folder: str
    home: str
    env: str | None
    has_project: bool


class Meta(Struct, frozen=True):
    """What answers here: ``api`` is another one when answers have another form."""

    version: str
    api: str
    project: ProjectFacts
    read_only: bool
    user: str
    host: str
    python: str
    features: list[str]
    now: float


class PipelineRow(Struct, frozen=True):
    """A pipeline: ``known`` when the code has it now, else it only occurs in runs."""

    name: str
    where: str | None
    doc: str
    target: str
    default: bool
    known: bool
    runs: int
    last: RunRow | None
    recent: list[RecentRun]


class PipelinePage(Struct, frozen=True):
    items: list[PipelineRow]
    problems: list[Problem]
    loading: bool


class PipelineView(Struct, frozen=True):
    name: str
    where: str | None
    doc: str
    target: str
    params: list[ParamSpec]
    tags: list[str]
    steps: int
    known: bool
    graph: GraphView | None
    problems: list[Problem]
    loading: bool


class CheckAnswer(Struct, frozen=True):
    """Whether a run with these parameters could begin."""

    ok: bool
    errors: list[ParameterProblem]


class PlanItem(Struct, frozen=True):
    task: str
    step: str
    decision: str
    reason: str
    source: str | None = None
    key: str | None = None
    closest: dict[str, Any] | None = None
    differences: list[dict[str, Any]] = []
    notes: list[str] = []


class PlanView(Struct, frozen=True):
    """What a run would do."""

    pipeline: str
    done: bool
    counts: dict[str, int]
    seconds: float | None
    items: list[PlanItem]
    more: int = 0


class ProjectView(Struct, frozen=True):
    name: str
    folder: str
    environments: list[str]
    env: str | None
    conf: list[ConfValue]
    stack: str | None
    stack_parts: list[StackPart]
    problems: list[Problem]
    loading: bool


class Size(Struct, frozen=True):
    pipeline: str
    bytes: int


class Disk(Struct, frozen=True):
    """What the records take on the disk, in bytes."""

    home: str
    records_bytes: int
    artifacts_bytes: int
    blobs: int
    free_bytes: int | None
    by_pipeline: list[Size]
    measured_at: float | None
    measuring: bool


class Freed(Struct, frozen=True):
    """What collecting garbage frees, or would."""

    runs: int
    bytes: int
    blobs: int
    leftover_bytes: int
    young_bytes: int
    dry_run: bool


class RunStatus(Struct, frozen=True):
    run: str
    status: str


class Tags(Struct, frozen=True):
    tags: list[str]


class Text(Struct, frozen=True):
    text: str


class Failed(Struct, frozen=True):
    run: str
    message: str


class Bulk(Struct, frozen=True):
    """What was done to several runs, and why not to the others."""

    done: list[str]
    failed: list[Failed]


class Done(Struct, frozen=True):
    done: bool
