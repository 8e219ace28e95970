"""What did the tasks of a run log? Numbers, findings of checks, and lines, one by one in the order of the tasks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from plait.graph.model import Path, task_name
from plait.record.facts import DataCheck, LogLine
from plait.record.paths import from_key, prefix_range, to_key

if TYPE_CHECKING:
    from plait.record.views import Run

__all__ = [
    "LogChunk",
    "MetricPoint",
    "checks",
    "last_metrics",
    "log_chunks",
    "log_lines",
    "metric_points",
]

_check = msgspec.msgpack.Decoder(DataCheck)
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


def last_metrics(run: Run) -> dict[tuple[int, Path], dict[str, float]]:
    """The last value of each metric of each task, however long their series are."""
    rows = run.store.database.rows(
        "SELECT metric.node, metric.path, metric.name, metric.value FROM metric JOIN"
        " (SELECT name, node, path, attempt, MAX(position) AS position FROM metric WHERE run = ?"
        " GROUP BY name, node, path, attempt) latest"
        " ON metric.run = ? AND metric.name = latest.name AND metric.node = latest.node"
        " AND metric.path = latest.path AND metric.attempt = latest.attempt AND metric.position = latest.position"
        " ORDER BY metric.node, metric.path, metric.attempt, metric.logged_at",
        (run.key, run.key),
    )
    found: dict[tuple[int, Path], dict[str, float]] = {}
    for node, key, name, value in rows:
        found.setdefault((node, from_key(key)), {})[name] = float("nan") if value is None else value
    return found


def metric_points(run: Run, node: int | None = None, path: Path | None = None) -> Iterator[MetricPoint]:
    """Every logged number, in the order of tasks and of logging."""
    where, values = "run = ?", [run.key]
    if node is not None:
        where, values = f"{where} AND node = ?", [*values, node]
    if path is not None:
        where, values = f"{where} AND path = ?", [*values, to_key(path)]  # type: ignore[list-item]
    sql = (
        "SELECT node, path, name, value, at, logged_at, attempt FROM metric"
        f" WHERE {where} ORDER BY node, path, attempt, name, position"
    )
    for at_node, key, name, value, at, logged_at, attempt in run.store.database.execute(sql, values):
        task = task_name(run.graph.nodes[at_node].id, from_key(key))
        yield MetricPoint(task, name, float("nan") if value is None else value, at, logged_at, attempt)


def checks(run: Run) -> list[tuple[str, DataCheck]]:
    """What checks of data found, each with its task's name; an empty one for what was loaded before the first."""
    rows = run.store.database.rows(
        "SELECT node, path, body FROM data_check WHERE run = ? ORDER BY node, path, attempt, position",
        (run.key,),
    )
    return [
        (task_name(run.graph.nodes[node].id, from_key(key)) if node >= 0 else "", _check.decode(body))
        for node, key, body in rows
    ]


def log_lines(
    run: Run, node: int | None = None, path: Path | None = None, *, attempt: int | None = None
) -> Iterator[tuple[str, int, LogLine]]:
    """The same with the task's name and the number of the line in it."""
    where, values = "run = ?", [run.key]
    if node is not None:
        where, values = f"{where} AND node = ?", [*values, node]
    if path:
        where, values = f"{where} AND path >= ? AND path < ?", [*values, *prefix_range(path)]  # type: ignore[list-item]
    if attempt is not None:
        where, values = f"{where} AND attempt = ?", [*values, attempt]
    sql = (
        f"SELECT node, path, first_line, body FROM log WHERE {where} ORDER BY node, path, attempt, first_line"
    )
    for at_node, key, first, body in run.store.database.execute(sql, values):
        name = task_name(run.graph.nodes[at_node].id, from_key(key))
        for position, line in enumerate(_lines.decode(body), first):
            yield name, position, line


def log_chunks(
    run: Run,
    node: int | None = None,
    path: Path | None = None,
    *,
    since: int | None = None,
) -> Iterator[LogChunk]:
    """The same as it was recorded: task by task, or from the line ``since`` of the run on as it arrived."""
    where, values = "run = ?", [run.key]
    if node is not None:
        where, values = f"{where} AND node = ?", [*values, node]
    if path:
        where, values = f"{where} AND path >= ? AND path < ?", [*values, *prefix_range(path)]  # type: ignore[list-item]
    order = "node, path, attempt, first_line"
    if since is not None:
        where, values, order = f"{where} AND serial >= ?", [*values, since], "serial"
    sql = f"SELECT node, path, attempt, first_line, body, serial FROM log WHERE {where} ORDER BY {order}"
    for at_node, key, attempt, first, body, serial in run.store.database.execute(sql, values):
        yield LogChunk(at_node, from_key(key), attempt, first, _lines.decode(body), serial)
