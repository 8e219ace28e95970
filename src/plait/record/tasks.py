"""What did a task do? One task of a run with its latest attempt, as an object that reads what it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from plait.data import Artifact
from plait.errors import RecordError, did_you_mean
from plait.graph.model import Path, task_name
from plait.record.facts import ErrorInfo, LogLine
from plait.record.paths import from_key, to_key
from plait.record.results import load_tree

if TYPE_CHECKING:
    from plait.record.views import Run

__all__ = ["Task", "find_task", "first_task", "iter_tasks", "parse_task"]

_COLUMNS = (
    "node, path, attempt, state, reason, worker, started_at, ended_at, cpu_seconds, peak_memory, error,"
    " key, source, decision"
)
_artifact = msgspec.msgpack.Decoder(Artifact)
_error = msgspec.msgpack.Decoder(ErrorInfo)


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
            f"SELECT {_COLUMNS} FROM attempt WHERE run = ? AND node = ? AND path = ? ORDER BY attempt",
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


def iter_tasks(
    run: Run, node: int | None = None, *, state: str | None = None, limit: int | None = None
) -> Iterator[Task]:
    """Tasks one by one; each with its latest attempt."""
    where, values = "run = ? AND (state IS NULL OR state <> 'retried')", [run.key]
    if node is not None:
        where, values = f"{where} AND node = ?", [*values, node]
    if state is not None:
        where, values = f"{where} AND state = ?", [*values, state]  # type: ignore[list-item]
    end = f" LIMIT {int(limit)}" if limit is not None else ""
    sql = f"SELECT {_COLUMNS} FROM attempt WHERE {where} ORDER BY node, path, attempt{end}"
    for row in run.store.database.execute(sql, values):
        yield Task(run, row)


def find_task(run: Run, name: str) -> Task:
    """The task of a name: ``fit`` or ``fit[3]``.

    Raises:
        RecordError: there is none; the nearest name is named.
    """
    node_id, path = parse_task(name)
    node = run.graph.find_node(node_id)
    if node is None:
        raise RecordError(
            f"run {run.id} has no step {node_id!r}", hint=did_you_mean(node_id, run.graph.layout.by_id)
        )
    row = run.store.database.row(
        f"SELECT {_COLUMNS} FROM attempt WHERE run = ? AND node = ? AND path = ?"
        " ORDER BY attempt DESC LIMIT 1",
        (run.key, node, to_key(path)),
    )
    if row is None:
        mapped = len(run.graph.layout.node_axes[node])
        hint = f"it is mapped: {node_id}[0]" if mapped and not path else f"plait show {run.id}"
        raise RecordError(f"run {run.id} has no task {name!r}", hint=hint)
    return Task(run, row)


def first_task(run: Run, name: str) -> Task:
    """The task of a name; for the bare name of a mapped step its first task that was computed, else its first one.

    Raises:
        RecordError: there is none; the nearest name is named.
    """
    node = run.graph.find_node(name)
    if node is None or not run.graph.layout.node_axes[node]:
        return find_task(run, name)
    for state in ("done", "failed", "running", "cached", None):
        found = next(iter_tasks(run, node, state=state, limit=1), None)
        if found is not None:
            return found
    return find_task(run, name)


def parse_task(name: str) -> tuple[str, Path]:
    """``fit[3,1]`` as the node's id and the path."""
    node_id, bracket, rest = name.partition("[")
    if not bracket:
        return name, ()
    try:
        return node_id, tuple(int(part) for part in rest.rstrip("]").split(","))
    except ValueError:
        raise RecordError(f"{name!r} is no name of a task", hint=f"write {node_id} or {node_id}[0]") from None
