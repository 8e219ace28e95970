"""What does a user see of the records? Runs and tasks as objects that read what they are asked for."""

from __future__ import annotations

import datetime
import os
import time
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from plait.data import Artifact
from plait.errors import RecordError, RunFailed, did_you_mean
from plait.graph.model import Graph, Path, task_name
from plait.graph.values import DictOf, ListOf, Output, Value
from plait.record.calls import read_call
from plait.record.closures import Closure
from plait.record.facts import Advance, DataCheck, ErrorInfo, LogLine
from plait.record.paths import from_key, prefix_range, to_key
from plait.record.results import Results, Tree, load_tree
from plait.record.tallies import TaskCounts, TaskTimes, counts_of, times_of
from plait.record.writer import HEARTBEAT_SECONDS, NOT_TAKEN

if TYPE_CHECKING:
    from plait.record.store import RecordStore

__all__ = [
    "RUN_COLUMNS",
    "LogChunk",
    "MetricPoint",
    "Run",
    "Task",
    "first_task",
    "host_name",
    "parse_task",
    "process_alive",
    "run_is_alive",
]

RUN_COLUMNS = (
    "key, id, pipeline, target, graph, params, packages, facts, executor, user_name, host, pid, process_started,"
    " started_at, heartbeat_at, ended_at, status, reason, parent"
)
_ATTEMPT_COLUMNS = (
    "node, path, attempt, state, reason, worker, started_at, ended_at, cpu_seconds, peak_memory, error,"
    " key, source, decision"
)
_SILENT_SECONDS = 12 * HEARTBEAT_SECONDS
_LOOK_SECONDS = 0.05

_artifact = msgspec.msgpack.Decoder(Artifact)
_check = msgspec.msgpack.Decoder(DataCheck)
_error = msgspec.msgpack.Decoder(ErrorInfo)
_lines = msgspec.msgpack.Decoder(tuple[LogLine, ...])


class MetricPoint(Struct, frozen=True):
    """A logged number: of which task, under which name, at which place of its series."""

    task: str
    name: str
    value: float
    at: float | None
    logged_at: float
    attempt: int = 1


class LogChunk(Struct, frozen=True):
    """Lines that a task said one after the other.

    Args:
        first: the number of the first of them in its attempt.
        serial: its number among all lines of the run, in the order in which they arrived.
    """

    node: int
    path: Path
    attempt: int
    first: int
    lines: tuple[LogLine, ...]
    serial: int = 0


class Task:
    """One task of a run, with its latest attempt."""

    def __init__(self, run: Run, row: tuple[Any, ...]) -> None:
        self.node: int
        (
            self.node,
            key,
            self.attempt,
            state,
            self.reason,
            self.worker,
            self.started_at,
            self.ended_at,
            self.cpu_seconds,
            self.peak_memory,
            self._error,
            self.key,
            self.source,
            self.decision,
        ) = row
        self.path: Path = from_key(key)
        self.run = run
        self.state: str = state or ("running" if run.status == "running" else "lost")

    @property
    def id(self) -> str:
        """The id of its node: the step's name, unless it is called several times."""
        return self.run.graph.nodes[self.node].id

    @property
    def name(self) -> str:
        """As people write it: ``fit[3]``."""
        return task_name(self.id, self.path)

    @property
    def attempts(self) -> list[Task]:
        """All attempts of this task, the first one first."""
        rows = self.run.store.database.rows(
            f"SELECT {_ATTEMPT_COLUMNS} FROM attempt WHERE run = ? AND node = ? AND path = ? ORDER BY attempt",
            (self.run.key, self.node, to_key(self.path)),
        )
        return [Task(self.run, row) for row in rows]

    @property
    def seconds(self) -> float | None:
        if self.started_at is None or self.ended_at is None:
            return None
        return max(0.0, float(self.ended_at - self.started_at))

    @property
    def error(self) -> ErrorInfo | None:
        return _error.decode(self._error) if self._error else None

    @property
    def outputs(self) -> dict[str, Any]:
        """The values that it returned, by output name, loaded."""
        found = self.run.results.outputs(self.node, self.path)
        if found is None:
            raise RecordError(f"task {self.name} has no result: it is {self.state}")
        names = self.run.graph.nodes[self.node].outputs
        return {
            name: self.run.store.artifacts.load(artifact) for name, artifact in zip(names, found, strict=True)
        }

    @property
    def inputs(self) -> dict[str, Any]:
        """The arguments that it received, by parameter, loaded."""
        arguments = self.run.results.arguments(self.node, self.path)
        return {name: load_tree(self.run.store.artifacts, tree) for name, tree in arguments}

    @property
    def artifacts(self) -> dict[str, Artifact]:
        """What is known of its outputs without loading them."""
        found = self.run.results.outputs(self.node, self.path) or ()
        return dict(zip(self.run.graph.nodes[self.node].outputs, found, strict=False))

    @property
    def previews(self) -> dict[str, Artifact]:
        """The figures, tables and other objects that it logged."""
        rows = self.run.store.database.rows(
            "SELECT name, body FROM preview WHERE run = ? AND node = ? AND path = ? AND attempt = ? ORDER BY position",
            (self.run.key, self.node, to_key(self.path), self.attempt),
        )
        return {name: _artifact.decode(body) for name, body in rows}

    @property
    def progress(self) -> tuple[float, float | None] | None:
        """How much of how much it said last to be done; None where it said nothing."""
        row = self.run.store.database.row(
            "SELECT done, total FROM advance WHERE run = ? AND node = ? AND path = ? AND attempt = ?",
            (self.run.key, self.node, to_key(self.path), self.attempt),
        )
        return (row[0], row[1]) if row else None

    @property
    def metrics(self) -> dict[str, float]:
        """The last value of each metric that it logged."""
        return {point.name: point.value for point in self.run.metric_points(self.node, self.path)}

    def logs(self) -> list[LogLine]:
        return list(self.run.logs(self.node, self.path, attempt=self.attempt))

    def why(self) -> Any:
        """Why it ran, or why its result was taken: what differs from the closest earlier task."""
        from importlib import import_module

        # By name: records are read by what explains them, and know nothing of it.
        return import_module("plait.api").explain(self)

    def __repr__(self) -> str:
        took = f" in {self.seconds:.2f} s" if self.seconds is not None else ""
        return f"<task {self.name} of run {self.run.id}: {self.state}{took}>"


class Run:
    """One run, as recorded; it reads what it is asked for, when it is asked.

    Attributes:
        look_seconds: how long a look at its process holds for.
    """

    def __init__(self, store: RecordStore, row: tuple[Any, ...]) -> None:
        self.store = store
        self.look_seconds = _LOOK_SECONDS
        self._looked: tuple[tuple[int, float | None], float, bool] | None = None
        self._read(row)

    def _read(self, row: tuple[Any, ...]) -> None:
        if row[4] != getattr(self, "_graph_hash", row[4]):  # that of a dynamic run grows
            for name in ("graph", "results"):
                self.__dict__.pop(name, None)
        self.key: int = row[0]
        self.id: str = row[1]
        self.pipeline: str = row[2]
        self.target: str = row[3]
        self._graph_hash, self._params, self._packages, self._facts = row[4:8]
        self.executor: str = row[8]
        self.user: str = row[9]
        self.host: str = row[10]
        self.pid: int = row[11]
        self._process_started: float | None = row[12]
        self._started, self._heartbeat, self._ended, self._status, self.reason, self.parent = row[13:19]

    def refresh(self) -> Run:
        """Read again what may have changed since."""
        row = self.store.database.row(f"SELECT {RUN_COLUMNS} FROM run WHERE key = ?", (self.key,))
        if row is None:
            raise RecordError(f"run {self.id} has been deleted")
        self._read(row)
        return self

    def brought_up_to(self, store: RecordStore, row: tuple[Any, ...]) -> Run:
        """The same run, as a row that was read since tells of it."""
        self.store = store
        self._read(row)
        return self

    @property
    def status(self) -> str:
        """``running``, ``done``, ``failed``, ``cancelled``, or ``crashed`` when its process is gone without a word."""
        if self._status:
            return str(self._status)
        return "running" if self._alive() else "crashed"

    @property
    def recorded_status(self) -> str | None:
        """The status as it was written when the run ended; None for one that has not."""
        return self._status  # type: ignore[no-any-return]

    @property
    def process_since(self) -> float:
        """Since when the process can have worked on the run that is at it now, in epoch seconds."""
        return max(float(self._started), float(self._process_started or 0.0))

    @property
    def heartbeat(self) -> float:
        """When the run last said that it is alive, in epoch seconds."""
        return float(self._heartbeat)

    @cached_property
    def closures(self) -> dict[int, str]:
        """For each node the digest of the code that it last ran with; ``closure`` reads what it stands for."""
        return {node: history[-1][1] for node, history in self._codes.items()}

    @cached_property
    def _codes(self) -> dict[int, list[tuple[float, str]]]:
        """For each node since when it ran with which code: more than one if the run was resumed with another."""
        found: dict[int, list[tuple[float, str]]] = {}
        for node, since, digest in self.store.database.rows(
            "SELECT node, 0.0 AS since, closure FROM node WHERE run = ? AND closure IS NOT NULL"
            " UNION ALL SELECT node, since, closure FROM recoded WHERE run = ? ORDER BY 1, 2",
            (self.key, self.key),
        ):
            found.setdefault(node, []).append((since, digest))
        return found

    def closure(self, node: int, at: float | None = None) -> Closure:
        """The code that a node ran with: last, or at a time in epoch seconds.

        Raises:
            RecordError: it was not recorded.
        """
        history = self._codes.get(node)
        if not history:
            raise RecordError(f"run {self.id}: the code of {self.graph.nodes[node].id} was not recorded")
        chosen = history[-1][1]
        if at is not None:
            chosen = next((digest for since, digest in reversed(history) if since <= at), history[0][1])
        return msgspec.json.decode(self._document(chosen), type=Closure)

    @property
    def started_at(self) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(self._started).astimezone()

    @property
    def began(self) -> float:
        """When it began, in epoch seconds, exactly as it is recorded."""
        return float(self._started)

    @property
    def ended_at(self) -> datetime.datetime | None:
        return datetime.datetime.fromtimestamp(self._ended).astimezone() if self._ended else None

    @property
    def seconds(self) -> float:
        """How long it took, or has taken so far."""
        end = self._ended or (time.time() if self.status == "running" else self._last_sign())
        return max(0.0, float(end - self._started))

    def _last_sign(self) -> float:
        """When a run that crashed was last heard of."""
        row = self.store.database.row("SELECT MAX(ended_at) FROM attempt WHERE run = ?", (self.key,))
        return max(float(self._heartbeat), row[0] if row and row[0] else 0.0)

    @cached_property
    def graph(self) -> Graph:
        return Graph.from_json(self._document(self._graph_hash))

    @staticmethod
    def read_graphs(runs: Sequence[Run]) -> None:
        """Read the graphs of several runs at once; runs of one pipeline mostly have the same."""
        lacking = {run._graph_hash for run in runs if "graph" not in run.__dict__}
        if not lacking:
            return
        graphs = {
            digest: Graph.from_json(bytes(body))
            for digest, body in runs[0].store.database.rows(
                f"SELECT hash, body FROM document WHERE hash IN ({', '.join('?' * len(lacking))})",
                list(lacking),
            )
        }
        for run in runs:
            if run._graph_hash in graphs:
                run.__dict__.setdefault("graph", graphs[run._graph_hash])

    @cached_property
    def params(self) -> dict[str, Any]:
        found: dict[str, Any] = msgspec.json.decode(self._params)
        return found

    @cached_property
    def facts(self) -> dict[str, Any]:
        """User, host, git commit and dirty flag, Python and plait version, command line."""
        found: dict[str, Any] = msgspec.json.decode(self._facts)
        return found

    @property
    def code(self) -> list[tuple[str, int, int]]:
        """The versions of the project's code that went to other machines: hash, files, bytes; the last one last."""
        return self.store.database.rows(
            "SELECT digest, files, size FROM code WHERE run = ? ORDER BY sent_at", (self.key,)
        )

    @cached_property
    def packages(self) -> dict[str, str]:
        """The distributions that were installed, with their versions."""
        found: dict[str, str] = msgspec.json.decode(self._document(self._packages))
        return found

    @property
    def packages_digest(self) -> str:
        """What is the same for runs with the same distributions installed."""
        return str(self._packages)

    @cached_property
    def results(self) -> Results:
        rows = self.store.database.rows("SELECT name, body FROM input WHERE run = ?", (self.key,))
        inputs = {name: _artifact.decode(body) for name, body in rows}
        return Results(
            self.graph,
            self.store.artifacts,
            inputs,
            missing=self._outputs_at,
            missing_extent=self._extent_at,
            missing_absent=self._absent_at,
            missing_call=lambda scope, path: read_call(self.store.database, self.key, scope, path),
        )

    @property
    def result(self) -> Any:
        """The value that the pipeline returned.

        Raises:
            RunFailed: the run has no result; the message says why.
        """
        status = self.status
        if status == "running":
            raise RunFailed(f"run {self.id} is still running", hint=f"plait logs {self.id} -f")
        if status != "done":
            raise RunFailed(
                f"run {self.id} {_ENDED[status]}, so it has no result", hint=f"plait show {self.id}"
            )
        return self._load(self.results.tree(self.graph.result))

    def resume(self, **options: Any) -> Any:
        """Go on with it after a failure, a cancellation or a crash; see ``plait.resume``."""
        from importlib import import_module

        return import_module("plait.api").resume(self, **options)

    def __getitem__(self, name: str) -> Any:
        """The value of an output by its name; a (nested) list when its step was mapped, or called by a dynamic body."""
        return self._load(self.results.tree(self.output(name)))

    def __contains__(self, name: str) -> bool:
        return name in self.graph.layout.by_output

    @property
    def outputs(self) -> list[str]:
        """The names that ``run[name]`` takes."""
        return list(self.graph.layout.by_output)

    @property
    def tasks(self) -> list[Task]:
        """All tasks that began or were skipped, in the order of the pipeline."""
        return list(self.iter_tasks())

    def iter_tasks(
        self, node: int | None = None, *, state: str | None = None, limit: int | None = None
    ) -> Iterator[Task]:
        """Tasks one by one; each with its latest attempt."""
        where, values = "run = ? AND (state IS NULL OR state <> 'retried')", [self.key]
        if node is not None:
            where, values = f"{where} AND node = ?", [*values, node]
        if state is not None:
            where, values = f"{where} AND state = ?", [*values, state]  # type: ignore[list-item]
        end = f" LIMIT {int(limit)}" if limit is not None else ""
        sql = f"SELECT {_ATTEMPT_COLUMNS} FROM attempt WHERE {where} ORDER BY node, path, attempt{end}"
        for row in self.store.database.execute(sql, values):
            yield Task(self, row)

    def task(self, name: str) -> Task:
        """The task of a name: ``fit`` or ``fit[3]``.

        Raises:
            RecordError: there is none; the nearest name is named.
        """
        node_id, path = parse_task(name)
        node = self.graph.find_node(node_id)
        if node is None:
            raise RecordError(
                f"run {self.id} has no step {node_id!r}", hint=did_you_mean(node_id, self.graph.layout.by_id)
            )
        row = self.store.database.row(
            f"SELECT {_ATTEMPT_COLUMNS} FROM attempt WHERE run = ? AND node = ? AND path = ?"
            " ORDER BY attempt DESC LIMIT 1",
            (self.key, node, to_key(path)),
        )
        if row is None:
            mapped = len(self.graph.layout.node_axes[node])
            hint = f"it is mapped: {node_id}[0]" if mapped and not path else f"plait show {self.id}"
            raise RecordError(f"run {self.id} has no task {name!r}", hint=hint)
        return Task(self, row)

    def counts(self) -> dict[int, TaskCounts]:
        """For each node how many of its tasks are in which state; costs a look at what is summed up of the run."""
        return counts_of([self])[self.key]

    def advances(self) -> dict[int, Advance]:
        """How far the task of each node that is one task said last that it is, where it said so."""
        return {
            node: Advance(done, total, said_at)
            for node, done, total, said_at in self.store.database.rows(
                "SELECT node, done, total, said_at FROM advance WHERE run = ? AND path = ? ORDER BY attempt",
                (self.key, b""),
            )
        }

    def times(self) -> dict[int, TaskTimes]:
        """For each node with an ended task how long its tasks took."""
        return times_of([self])[self.key]

    @cached_property
    def origins(self) -> dict[str, str]:
        """Where the value of each parameter came from: ``command line``, ``default``, a file, ``given``."""
        return dict(self.store.database.rows("SELECT name, origin FROM input WHERE run = ?", (self.key,)))

    @property
    def metrics(self) -> dict[str, Any]:
        """Last values of all metrics: by name, and where several tasks logged one name, by task within."""
        by_name: dict[str, dict[str, float]] = {}
        for point in self.metric_points():
            by_name.setdefault(point.name, {})[point.task] = point.value
        return {
            name: next(iter(values.values())) if len(values) == 1 else values
            for name, values in by_name.items()
        }

    def last_metrics(self) -> dict[tuple[int, Path], dict[str, float]]:
        """The last value of each metric of each task, however long their series are."""
        rows = self.store.database.rows(
            "SELECT metric.node, metric.path, metric.name, metric.value FROM metric JOIN"
            " (SELECT name, node, path, attempt, MAX(position) AS position FROM metric WHERE run = ?"
            " GROUP BY name, node, path, attempt) latest"
            " ON metric.run = ? AND metric.name = latest.name AND metric.node = latest.node"
            " AND metric.path = latest.path AND metric.attempt = latest.attempt AND metric.position = latest.position"
            " ORDER BY metric.node, metric.path, metric.attempt, metric.logged_at",
            (self.key, self.key),
        )
        found: dict[tuple[int, Path], dict[str, float]] = {}
        for node, key, name, value in rows:
            found.setdefault((node, from_key(key)), {})[name] = float("nan") if value is None else value
        return found

    def metric_points(self, node: int | None = None, path: Path | None = None) -> Iterator[MetricPoint]:
        """Every logged number, in the order of tasks and of logging."""
        where, values = "run = ?", [self.key]
        if node is not None:
            where, values = f"{where} AND node = ?", [*values, node]
        if path is not None:
            where, values = f"{where} AND path = ?", [*values, to_key(path)]  # type: ignore[list-item]
        sql = (
            "SELECT node, path, name, value, at, logged_at, attempt FROM metric"
            f" WHERE {where} ORDER BY node, path, attempt, name, position"
        )
        for at_node, key, name, value, at, logged_at, attempt in self.store.database.execute(sql, values):
            task = task_name(self.graph.nodes[at_node].id, from_key(key))
            yield MetricPoint(task, name, float("nan") if value is None else value, at, logged_at, attempt)

    @property
    def checks(self) -> list[tuple[str, DataCheck]]:
        """What checks of data found, each with its task's name; an empty one for what was loaded before the first."""
        rows = self.store.database.rows(
            "SELECT node, path, body FROM data_check WHERE run = ? ORDER BY node, path, attempt, position",
            (self.key,),
        )
        return [
            (task_name(self.graph.nodes[node].id, from_key(key)) if node >= 0 else "", _check.decode(body))
            for node, key, body in rows
        ]

    def logs(
        self, node: int | None = None, path: Path | None = None, *, attempt: int | None = None
    ) -> Iterator[LogLine]:
        """What tasks printed and logged, line by line, task after task."""
        for _, _, line in self.log_lines(node, path, attempt=attempt):
            yield line

    def log_lines(
        self, node: int | None = None, path: Path | None = None, *, attempt: int | None = None
    ) -> Iterator[tuple[str, int, LogLine]]:
        """The same with the task's name and the number of the line in it."""
        where, values = "run = ?", [self.key]
        if node is not None:
            where, values = f"{where} AND node = ?", [*values, node]
        if path:
            where, values = f"{where} AND path >= ? AND path < ?", [*values, *prefix_range(path)]  # type: ignore[list-item]
        if attempt is not None:
            where, values = f"{where} AND attempt = ?", [*values, attempt]
        sql = f"SELECT node, path, first_line, body FROM log WHERE {where} ORDER BY node, path, attempt, first_line"
        for at_node, key, first, body in self.store.database.execute(sql, values):
            name = task_name(self.graph.nodes[at_node].id, from_key(key))
            for position, line in enumerate(_lines.decode(body), first):
                yield name, position, line

    def log_chunks(
        self,
        node: int | None = None,
        path: Path | None = None,
        *,
        since: int | None = None,
    ) -> Iterator[LogChunk]:
        """The same as it was recorded: task by task, or from the line ``since`` of the run on as it arrived."""
        where, values = "run = ?", [self.key]
        if node is not None:
            where, values = f"{where} AND node = ?", [*values, node]
        if path:
            where, values = f"{where} AND path >= ? AND path < ?", [*values, *prefix_range(path)]  # type: ignore[list-item]
        order = "node, path, attempt, first_line"
        if since is not None:
            where, values, order = f"{where} AND serial >= ?", [*values, since], "serial"
        sql = f"SELECT node, path, attempt, first_line, body, serial FROM log WHERE {where} ORDER BY {order}"
        for at_node, key, attempt, first, body, serial in self.store.database.execute(sql, values):
            yield LogChunk(at_node, from_key(key), attempt, first, _lines.decode(body), serial)

    def __repr__(self) -> str:
        return f"<run {self.id} of {self.pipeline}: {self.status}, {self.seconds:.1f} s>"

    def _repr_html_(self) -> str:
        # Found by name: records do not depend on how they are shown.
        from importlib import import_module

        shown: str = import_module("plait.display.html").run_html(self)
        return shown

    def _alive(self) -> bool:
        if self.host == self.facts.get("host") == host_name():
            # One answer asks several times, and each look at a process costs more than a question to the tables.
            now = time.monotonic()
            process = (self.pid, self._process_started)
            if (
                self._looked is None
                or self._looked[0] != process
                or now >= self._looked[1] + self.look_seconds
            ):
                self._looked = (process, now, process_alive(*process))
            return self._looked[2]
        return bool(time.time() - self._heartbeat < _SILENT_SECONDS)

    def _document(self, digest: str) -> bytes:
        row = self.store.database.row("SELECT body FROM document WHERE hash = ?", (digest,))
        if row is None:
            raise RecordError(f"run {self.id}: its record is incomplete ({digest} is missing)")
        return bytes(row[0])

    def output(self, name: str) -> Value:
        """Where an output of a name stands in the graph.

        Raises:
            RecordError: there is none; the nearest is named.
        """
        by_output = self.graph.layout.by_output
        if name in by_output:
            return Output(*by_output[name])
        node = self.graph.find_node(name)
        if node is not None:
            outputs = self.graph.nodes[node].outputs
            return ListOf(tuple(Output(node, at) for at in range(len(outputs))), is_tuple=True)
        inside = [other for other in by_output if other.startswith(f"{name}.")]
        if inside:
            return DictOf(tuple((other[len(name) + 1 :], Output(*by_output[other])) for other in inside))
        raise RecordError(f"run {self.id} has no output {name!r}", hint=did_you_mean(name, by_output))

    def _load(self, tree: Tree) -> Any:
        return load_tree(self.store.artifacts, tree)

    def _outputs_at(self, node: int, path: Path) -> tuple[Artifact, ...] | None:
        rows = self.store.database.rows(
            "SELECT body FROM output WHERE run = ? AND node = ? AND path = ? ORDER BY position",
            (self.key, node, to_key(path)),
        )
        return tuple(_artifact.decode(row[0]) for row in rows) or None

    def _extent_at(self, scope: int, path: Path) -> int | None:
        row = self.store.database.row(
            "SELECT items FROM extent WHERE run = ? AND scope = ? AND path = ?",
            (self.key, scope, to_key(path)),
        )
        return row[0] if row else None

    def _absent_at(self, node: int, path: Path) -> str | None:
        row = self.store.database.row(
            "SELECT reason FROM attempt WHERE run = ? AND node = ? AND path = ? AND attempt = 0 AND decision = ?",
            (self.key, node, to_key(path), NOT_TAKEN),
        )
        if row is None and self.graph.options(node).on_failure == "continue":
            row = self.store.database.row(
                "SELECT reason FROM attempt WHERE run = ? AND node = ? AND path = ? AND state = 'failed'",
                (self.key, node, to_key(path)),
            )
        return row[0] if row else None


_ENDED = {"failed": "failed", "cancelled": "was cancelled", "crashed": "crashed (its process is gone)"}


def first_task(run: Run, name: str) -> Task:
    """The task of a name; for the bare name of a mapped step its first task that was computed, else its first one.

    Raises:
        RecordError: there is none; the nearest name is named.
    """
    node = run.graph.find_node(name)
    if node is None or not run.graph.layout.node_axes[node]:
        return run.task(name)
    for state in ("done", "failed", "running", "cached", None):
        found = next(run.iter_tasks(node, state=state, limit=1), None)
        if found is not None:
            return found
    return run.task(name)


def parse_task(name: str) -> tuple[str, Path]:
    """``fit[3,1]`` as the node's id and the path."""
    node_id, bracket, rest = name.partition("[")
    if not bracket:
        return name, ()
    try:
        return node_id, tuple(int(part) for part in rest.rstrip("]").split(","))
    except ValueError:
        raise RecordError(f"{name!r} is no name of a task", hint=f"write {node_id} or {node_id}[0]") from None


def run_is_alive(store: RecordStore, key: int) -> bool:
    """Whether the run of a number is still going on."""
    row = store.database.row(f"SELECT {RUN_COLUMNS} FROM run WHERE key = ?", (key,))
    return row is not None and Run(store, row).status == "running"


def host_name() -> str:
    if hasattr(os, "uname"):
        return os.uname().nodename
    import socket

    return socket.gethostname()


def process_alive(pid: int, started: float | None) -> bool:
    """Whether a process of this machine lives, and is the same one that began then."""
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return started is None or abs(process.create_time() - started) < 2.0
    except psutil.Error:
        return False
