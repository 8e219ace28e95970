"""What is there to see of one task? Its attempts, what it got and gave, its code; all of bounded size."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from plait.errors import RecordError
from plait.graph.model import Path, task_name
from plait.record.curves import MetricSummary, task_metrics
from plait.record.facts import DataCheck, ErrorInfo
from plait.record.items import AttemptRow, TaskRow, attempt_fields, attempt_rows, task_fields
from plait.record.loglines import LogScope, line_count
from plait.record.paths import from_key, to_key
from plait.record.valuerefs import NamedValue, element_labels, input_refs, object_refs, output_refs
from plait.record.views import Run, Task

__all__ = [
    "CheckRow",
    "CodePart",
    "Commands",
    "ErrorView",
    "FrameView",
    "Package",
    "Resources",
    "TaskCode",
    "TaskView",
    "Written",
    "check_rows",
    "error_view",
    "task_code",
    "task_view",
    "written_by",
]

_check = msgspec.msgpack.Decoder(DataCheck)
_GIB = 2**30


class FrameView(Struct, frozen=True):
    file: str
    line: int
    function: str
    code: str
    origin: str


class ErrorView(Struct, frozen=True):
    """An exception; the innermost frame is the last one, ``origin`` is ``user``, ``library`` or ``plait``."""

    type: str
    message: str
    frames: list[FrameView]
    notes: list[str]
    cause: ErrorView | None = None


class CheckRow(Struct, frozen=True):
    """What a check of a dataset found; ``task`` is empty for what was loaded before the first one."""

    task: str
    dataset: str
    check: str
    severity: str
    on: str
    passed: bool
    why: str | None
    failing: int | None
    rows: tuple[int, ...]


class Written(Struct, frozen=True):
    """A dataset that a task left in the catalog."""

    name: str
    task: str
    part: str | None
    version: str | None
    place: str | None
    size: int | None
    written_at: float


class Resources(Struct, frozen=True):
    """What was asked for and used: seconds of CPU, bytes at the peak; ``cpu_share`` is CPU seconds a second."""

    asked: dict[str, Any]
    cpu_seconds: float | None
    cpu_share: float | None
    peak_memory: int | None
    hint: str | None


class Commands(Struct, frozen=True):
    """What to type to look further, or to run it again."""

    why: str
    rerun: str
    logs: str
    python: str


class TaskView(TaskRow, frozen=True, kw_only=True):
    """A task with the attempt that was asked for, the latest one by default.

    ``progress`` is how much of how much it has done (None where it never said so; the second part where it is not
    known), ``label`` the element of a map that it is about.
    """

    run: str
    id: str
    step: str
    step_doc: str
    where: str
    progress: tuple[float, float | None] | None
    attempts: list[AttemptRow]
    error: ErrorView | None
    inputs: list[NamedValue]
    outputs: list[NamedValue]
    objects: list[NamedValue]
    metrics: list[MetricSummary]
    options: dict[str, Any]
    resources: Resources
    datasets: list[Written]
    checks: list[CheckRow]
    log_lines: int
    commands: Commands
    previous: str | None
    next: str | None


class CodePart(Struct, frozen=True):
    name: str
    kind: str
    where: str
    source: str
    digest: str


class Package(Struct, frozen=True):
    name: str
    version: str


class TaskCode(Struct, frozen=True):
    """The code as it ran: the step itself first, then what it reaches; ``opaque`` says what could not be seen."""

    digest: str
    cacheable: bool
    components: list[CodePart]
    packages: list[Package]
    opaque: list[str]


def error_view(error: ErrorInfo | None) -> ErrorView | None:
    if error is None:
        return None
    frames = [FrameView(*msgspec.structs.astuple(frame)) for frame in error.frames]
    return ErrorView(error.type, error.message, frames, list(error.notes), error_view(error.cause))


def task_view(run: Run, name: str, attempt: int | None = None) -> TaskView:
    """Everything about a task but its log's lines, its code and the values themselves.

    Raises:
        RecordError: there is no such task, or it has no such attempt.
    """
    chosen = run.task(name)
    node, path = chosen.node, chosen.path
    rows = attempt_rows(run, node, path)
    if attempt is not None:
        chosen = next((one for one in chosen.attempts if one.attempt == attempt), chosen)
        if chosen.attempt != attempt:
            known = ", ".join(str(row[1]) for row in rows)
            raise RecordError(f"{chosen.name} has no attempt {attempt}", hint=f"there is {known}")
    running = run.status == "running"
    spec = run.graph.nodes[node]
    step = run.graph.steps[spec.step] if spec.is_step else None
    options = msgspec.to_builtins(run.graph.options(node)) if spec.is_step else {}
    before, after = _neighbours(run, node, path)
    own = next(row for row in rows if row[1] == chosen.attempt)
    return TaskView(
        **task_fields(run, node, own, running=running),
        label=element_labels(run, node, [path])[0] if path else None,
        run=run.id,
        id=chosen.id,
        step=step.name if step else spec.kind,
        step_doc=step.doc if step else spec.text,
        where=(step.where if step else "") or spec.where,
        progress=chosen.progress,
        attempts=[AttemptRow(**attempt_fields(row, running=running)) for row in rows],
        error=error_view(chosen.error),
        inputs=input_refs(run, node, path),
        outputs=output_refs(run, node, path),
        objects=object_refs(run, node, path, chosen.attempt),
        metrics=task_metrics(run, node, path, chosen.attempt),
        options=options,
        resources=_resources(chosen, options),
        datasets=written_by(run, node, path),
        checks=check_rows(run, node, path),
        log_lines=line_count(LogScope(run, node, path, chosen.attempt)),
        commands=_commands(run, chosen),
        previous=before,
        next=after,
    )


def _neighbours(run: Run, node: int, path: Path) -> tuple[str | None, str | None]:
    if not path:
        return None, None
    found: list[str | None] = []
    for than, order in (("<", "DESC"), (">", "ASC")):
        row = run.store.database.row(
            f"SELECT path FROM attempt WHERE run = ? AND node = ? AND path {than} ? ORDER BY path {order} LIMIT 1",
            (run.key, node, to_key(path)),
        )
        found.append(task_name(run.graph.nodes[node].id, from_key(row[0])) if row else None)
    return found[0], found[1]


def _resources(task: Task, options: dict[str, Any]) -> Resources:
    names = ("cpus", "gpus", "memory", "timeout", "limit", "rate", "retries")
    asked = {name: options[name] for name in names if options.get(name) not in (None, "", 0, ())}
    share = task.cpu_seconds / task.seconds if task.cpu_seconds and task.seconds else None
    return Resources(asked, task.cpu_seconds, share, task.peak_memory, _hint(task, asked, share))


def _hint(task: Task, asked: dict[str, Any], share: float | None) -> str | None:
    """What the numbers suggest to write in the step's options."""
    cpus = asked.get("cpus")
    if isinstance(cpus, int | float) and share is not None and task.seconds and task.seconds > 5:
        if share < 0.5 * cpus and cpus > 1:
            return f"it used {share:.1f} of the {cpus:g} CPUs it asked for: cpus={max(1, round(share))} is enough"
        if share > 1.2 * cpus:
            return f"it used {share:.1f} CPUs and asked for {cpus:g}: cpus={round(share)} tells the truth"
    memory = asked.get("memory")
    if isinstance(memory, int | float) and task.peak_memory:
        if task.peak_memory > 0.9 * memory:
            wanted = -(-task.peak_memory * 3 // (2 * _GIB))
            return f"it came near the memory that it asked for: memory='{wanted}GiB' leaves room"
        if task.peak_memory < 0.25 * memory and memory > _GIB:
            wanted = max(1, -(-task.peak_memory * 3 // (2 * _GIB)))
            return (
                f"it used a quarter of the memory that it asked for, or less: memory='{wanted}GiB' is enough"
            )
    if not asked.get("memory") and task.peak_memory and task.peak_memory > 4 * _GIB:
        wanted = -(-task.peak_memory * 5 // (4 * _GIB))
        return f"it took {task.peak_memory / _GIB:.1f} GiB: with memory='{wanted}GiB' it waits until there is room"
    if share is not None and share > 1.5 and cpus is None:
        return f"it used {share:.1f} CPUs: with cpus={round(share)} tasks do not crowd each other"
    return None


def _commands(run: Run, task: Task) -> Commands:
    quoted = f"'{task.name}'" if task.path else task.name
    rerun = f"plait fork {run.id} --at {task.id}"
    value = f'plait.get_run("{run.id}").task("{task.name}").outputs'
    return Commands(f"plait why {run.id} {quoted}", rerun, f"plait logs {run.id} {quoted}", value)


def written_by(run: Run, node: int, path: Path, limit: int = 200) -> list[Written]:
    """The datasets that a task wrote."""
    return _written(run, "run = ? AND node = ? AND path = ?", (run.key, node, to_key(path)), limit)


def written_in(run: Run, limit: int = 200) -> list[Written]:
    """The datasets that a run wrote."""
    return _written(run, "run = ?", (run.key,), limit)


def _written(run: Run, where: str, values: tuple[Any, ...], limit: int) -> list[Written]:
    return [
        Written(
            dataset,
            task_name(run.graph.nodes[node].id, from_key(key)),
            part,
            version,
            place,
            size,
            written_at,
        )
        for node, key, dataset, part, place, version, size, written_at in run.store.database.rows(
            f"SELECT node, path, dataset, part, place, version, size, written_at FROM dataset_write WHERE {where}"
            f" ORDER BY node, path, attempt LIMIT {int(limit)}",
            values,
        )
    ]


def check_rows(run: Run, node: int | None = None, path: Path = (), limit: int = 50) -> list[CheckRow]:
    """What checks found in a task or in the whole run, those that failed first."""
    where, values = "run = ?", [run.key]
    if node is not None:
        where, values = f"{where} AND node = ? AND path = ?", [*values, node, to_key(path)]  # type: ignore[list-item]
    found = []
    for at, key, body in run.store.database.rows(
        f"SELECT node, path, body FROM data_check WHERE {where} ORDER BY passed, node, path LIMIT {int(limit)}",
        values,
    ):
        one = _check.decode(body)
        task = task_name(run.graph.nodes[at].id, from_key(key)) if at >= 0 else ""
        found.append(
            CheckRow(
                task, one.dataset, one.check, one.severity, one.on, one.passed, one.why, one.failing, one.rows
            )
        )
    return found


def task_code(run: Run, name: str) -> TaskCode:
    """The code that a task ran with.

    Raises:
        RecordError: there is no such task, or its code was not recorded.
    """
    task = run.task(name)
    closure = run.closure(task.node, task.started_at)
    return TaskCode(
        closure.digest,
        closure.cacheable,
        [CodePart(one.name, one.kind, one.where, one.detail, one.digest) for one in closure.components],
        [Package(package, version) for package, version in closure.packages],
        list(closure.opaque),
    )
