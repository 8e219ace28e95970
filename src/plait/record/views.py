"""What does a user see of a run? An object that reads from the records what it is asked for."""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from plait.data import Artifact
from plait.errors import RecordError, RunFailed, did_you_mean
from plait.graph.model import Graph, Path
from plait.graph.values import DictOf, ListOf, Output, Value
from plait.record import logged
from plait.record.alive import LookAtProcess, heard_of, host_name
from plait.record.calls import read_call
from plait.record.closures import Closure
from plait.record.facts import Advance, DataCheck, LogLine
from plait.record.logged import LogChunk, MetricPoint
from plait.record.paths import to_key
from plait.record.results import Results, Tree, load_tree
from plait.record.tallies import TaskCounts, TaskTimes, counts_of, times_of
from plait.record.tasks import Task, find_task, iter_tasks
from plait.record.writer import NOT_TAKEN

if TYPE_CHECKING:
    from plait.record.store import RecordStore

__all__ = ["RUN_COLUMNS", "Run", "Task", "run_is_alive"]

RUN_COLUMNS = (
    "key, id, pipeline, target, graph, params, packages, facts, executor, user_name, host, pid, process_started,"
    " started_at, heartbeat_at, ended_at, status, reason, parent"
)
_artifact = msgspec.msgpack.Decoder(Artifact)


class Run:
    """One run, as recorded; it reads what it is asked for, when it is asked.

    Attributes:
        process: how its process is looked at, where that is one of this machine.
    """

    def __init__(self, store: RecordStore, row: tuple[Any, ...]) -> None:
        self.store = store
        self.process = LookAtProcess()
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
        return iter_tasks(self, node, state=state, limit=limit)

    def task(self, name: str) -> Task:
        """The task of a name: ``fit`` or ``fit[3]``.

        Raises:
            RecordError: there is none; the nearest name is named.
        """
        return find_task(self, name)

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
        return logged.last_metrics(self)

    def metric_points(self, node: int | None = None, path: Path | None = None) -> Iterator[MetricPoint]:
        """Every logged number, in the order of tasks and of logging."""
        return logged.metric_points(self, node, path)

    @property
    def checks(self) -> list[tuple[str, DataCheck]]:
        """What checks of data found, each with its task's name; an empty one for what was loaded before the first."""
        return logged.checks(self)

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
        return logged.log_lines(self, node, path, attempt=attempt)

    def log_chunks(
        self, node: int | None = None, path: Path | None = None, *, since: int | None = None
    ) -> Iterator[LogChunk]:
        """The same as it was recorded: task by task, or from the line ``since`` of the run on as it arrived."""
        return logged.log_chunks(self, node, path, since=since)

    def __repr__(self) -> str:
        return f"<run {self.id} of {self.pipeline}: {self.status}, {self.seconds:.1f} s>"

    def _repr_html_(self) -> str:
        # Found by name: records do not depend on how they are shown.
        from importlib import import_module

        shown: str = import_module("plait.display.html").run_html(self)
        return shown

    def _alive(self) -> bool:
        if self.host == self.facts.get("host") == host_name():
            return self.process.alive(self.pid, self._process_started)
        return heard_of(self._heartbeat)

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


def run_is_alive(store: RecordStore, key: int) -> bool:
    """Whether the run of a number is still going on."""
    row = store.database.row(f"SELECT {RUN_COLUMNS} FROM run WHERE key = ?", (key,))
    return row is not None and Run(store, row).status == "running"
