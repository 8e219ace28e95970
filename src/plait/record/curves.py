"""How did a logged number develop? Curves of bounded length, whatever was recorded, and what metrics a run has."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from plait.errors import ParameterError
from plait.graph.model import Path, task_name
from plait.record.paths import from_key, to_key
from plait.record.schema import SERIES_BLOCK
from plait.record.views import Run

__all__ = [
    "Curve",
    "Curves",
    "MetricPage",
    "MetricSummary",
    "curves",
    "metric_page",
    "run_metrics",
    "step_metrics",
    "task_metrics",
]

_MOST_TASKS = 20
_MOST_BLOCKS = 5_000  # of a step's series that are looked at to tell its metrics
_MOST_RAW = 40 * SERIES_BLOCK  # numbers read one by one; of longer series the sums of blocks are enough


class MetricSummary(Struct, frozen=True):
    """A metric of a run or of a task: how many tasks logged it, how many numbers, and which; ``task`` if only one."""

    name: str
    tasks: int
    points: int
    last: float | None
    least: float | None
    greatest: float | None
    task: str | None = None


class MetricPage(Struct, frozen=True):
    items: list[MetricSummary]
    next: str | None


class Curve(Struct, frozen=True):
    """One series: ``exact`` when each recorded number is there, else ``low`` and ``high`` enclose what was left out.

    ``y`` of a bin is its last number. ``x`` is the step, seconds since the run began, or epoch seconds.
    """

    run: str
    task: str
    metric: str
    points: int
    exact: bool
    x: list[float]
    y: list[float | None]
    low: list[float | None] | None = None
    high: list[float | None] | None = None


class Curves(Struct, frozen=True):
    """Some series; ``more`` tells how many tasks' were left out."""

    series: list[Curve]
    more: int


def run_metrics(run: Run, limit: int = 200, after: str = "") -> list[MetricSummary]:
    """The metrics of a run by name."""
    rows = run.store.database.rows(
        "SELECT name, tasks, points, last, least, greatest FROM measure WHERE run = ? AND name > ?"
        f" ORDER BY name LIMIT {int(limit)}",
        (run.key, after),
    )
    return [MetricSummary(*row) for row in rows]


def metric_page(run: Run, cursor: str | None = None, limit: int = 200) -> MetricPage:
    found = run_metrics(run, limit + 1, cursor or "")
    return MetricPage(found[:limit], found[limit - 1].name if len(found) > limit else None)


def step_metrics(run: Run, node: int) -> list[MetricSummary]:
    """The metrics that the tasks of a step logged, by name; of a very wide map those of its first tasks."""
    tasks: dict[str, set[bytes]] = {}
    found: dict[str, MetricSummary] = {}
    for path, metric, points, last, least, greatest in run.store.database.rows(
        "SELECT path, name, points, last, least, greatest FROM series WHERE run = ? AND node = ?"
        f" ORDER BY path, attempt, name, block LIMIT {_MOST_BLOCKS}",
        (run.key, node),
    ):
        known = found.get(metric)
        seen = tasks.setdefault(metric, set())
        seen.add(bytes(path))
        found[metric] = MetricSummary(
            metric,
            len(seen),
            points + (known.points if known else 0),
            last,
            _least(least, known.least if known else None),
            _greatest(greatest, known.greatest if known else None),
        )
    return sorted(found.values(), key=lambda one: one.name)


def task_metrics(run: Run, node: int, path: Path, attempt: int) -> list[MetricSummary]:
    """What one attempt of a task logged, by name."""
    name = task_name(run.graph.nodes[node].id, path)
    found: dict[str, MetricSummary] = {}
    for metric, points, last, least, greatest in run.store.database.rows(
        "SELECT name, points, last, least, greatest FROM series WHERE run = ? AND node = ? AND path = ?"
        " AND attempt = ? ORDER BY name, block LIMIT 20000",
        (run.key, node, to_key(path), attempt),
    ):
        known = found.get(metric)
        found[metric] = MetricSummary(
            metric,
            1,
            points + (known.points if known else 0),
            last,
            _least(least, known.least if known else None),
            _greatest(greatest, known.greatest if known else None),
            name,
        )
    return list(found.values())


def _least(one: float | None, other: float | None) -> float | None:
    known = [value for value in (one, other) if value is not None]
    return min(known) if known else None


def _greatest(one: float | None, other: float | None) -> float | None:
    known = [value for value in (one, other) if value is not None]
    return max(known) if known else None


def curves(
    run: Run,
    metric: str,
    *,
    node: int | None = None,
    path: Path | None = None,
    attempt: int | None = None,
    x: str = "step",
    low: float | None = None,
    high: float | None = None,
    points: int = 1000,
    tasks: int = _MOST_TASKS,
) -> Curves:
    """The series of a metric: of one attempt of a task, of the tasks of a node, or of the first tasks of the run.

    Args:
        x: ``step`` (the place given when it was logged, else the position), ``time`` or ``wall``.
        low: leave out what lies before, and after ``high``, on that axis.
        points: how many of each series at most; at least 10.

    Raises:
        ParameterError: there is no such axis.
    """
    if x not in ("step", "time", "wall"):
        raise ParameterError(f"a curve has no axis {x!r}", hint="step, time or wall")
    found, more = _series_of(run, metric, node, path, attempt, tasks)
    axis = _Axis(run, x)
    return Curves([_curve(run, metric, one, axis, low, high, max(10, points)) for one in found], more)


def _series_of(
    run: Run, metric: str, node: int | None, path: Path | None, attempt: int | None, most: int
) -> tuple[list[tuple[int, bytes, int]], int]:
    where = "run = ? AND name = ? AND block = 0"
    values: list[Any] = [run.key, metric]
    for column, value in (
        ("node", node),
        ("path", None if path is None else to_key(path)),
        ("attempt", attempt),
    ):
        if value is not None:
            where, values = f"{where} AND {column} = ?", [*values, value]
    rows = run.store.database.rows(
        f"SELECT node, path, attempt FROM series WHERE {where} ORDER BY node, path, attempt LIMIT {most + 1}",
        values,
    )
    more = 0
    if len(rows) > most:
        row = run.store.database.row(
            "SELECT tasks FROM measure WHERE run = ? AND name = ?", (run.key, metric)
        )
        more = max(1, (row[0] if row else len(rows)) - most)
    return [(row[0], row[1], row[2]) for row in rows[:most]], more


class _Axis:
    def __init__(self, run: Run, kind: str) -> None:
        self.kind = kind
        self._start = run.started_at.timestamp()

    def point(self, position: int, at: float | None, logged_at: float) -> float:
        if self.kind == "step":
            return float(position) if at is None else at
        return logged_at if self.kind == "wall" else logged_at - self._start


def _curve(
    run: Run,
    metric: str,
    place: tuple[int, bytes, int],
    axis: _Axis,
    low: float | None,
    high: float | None,
    points: int,
) -> Curve:
    database = run.store.database
    key = (run.key, *place, metric)
    blocks = database.rows(
        "SELECT block, points, least, greatest, last, first_at, last_at, first_logged_at, last_logged_at FROM series"
        " WHERE run = ? AND node = ? AND path = ? AND attempt = ? AND name = ? ORDER BY block",
        key,
    )
    total = sum(block[1] for block in blocks)
    inside = [block for block in blocks if _overlaps(block, axis, low, high)]
    name = task_name(run.graph.nodes[place[0]].id, from_key(place[1]))
    count = sum(block[1] for block in inside)
    if count <= _MOST_RAW:
        rows = _raw(database, key, inside)
        wanted = [
            (at, value)
            for at, value in ((axis.point(*row[:3]), row[3]) for row in rows)
            if (low is None or at >= low) and (high is None or at <= high)
        ]
        if len(wanted) <= points:
            return Curve(
                run.id, name, metric, total, True, [at for at, _ in wanted], [value for _, value in wanted]
            )
        return _binned(
            run.id, name, metric, total, [(at, value, value, value) for at, value in wanted], points
        )
    summed = [
        (
            axis.point(block[0] * SERIES_BLOCK + block[1] - 1, block[6], block[8]),
            block[4],
            block[2],
            block[3],
        )
        for block in inside
    ]
    return _binned(run.id, name, metric, total, summed, points)


def _raw(database: Any, key: tuple[Any, ...], inside: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    if not inside:
        return []
    first = inside[0][0] * SERIES_BLOCK
    last = (inside[-1][0] + 1) * SERIES_BLOCK
    rows: list[tuple[Any, ...]] = database.rows(
        "SELECT position, at, logged_at, value FROM metric WHERE run = ? AND node = ? AND path = ? AND attempt = ?"
        " AND name = ? AND position >= ? AND position < ? ORDER BY position",
        (*key, first, last),
    )
    return rows


def _overlaps(block: tuple[Any, ...], axis: _Axis, low: float | None, high: float | None) -> bool:
    position = block[0] * SERIES_BLOCK
    first = axis.point(position, block[5], block[7])
    last = axis.point(position + block[1] - 1, block[6], block[8])
    return (low is None or last >= low) and (high is None or first <= high)


def _binned(
    run: str,
    task: str,
    metric: str,
    total: int,
    summed: Sequence[tuple[float, float | None, float | None, float | None]],
    points: int,
) -> Curve:
    """Neighbours together, until there are few enough."""
    size = math.ceil(len(summed) / points)
    bins = [summed[start : start + size] for start in range(0, len(summed), size)]
    return Curve(
        run,
        task,
        metric,
        total,
        False,
        [group[-1][0] for group in bins],
        [group[-1][1] for group in bins],
        [_extreme(min, (one[2] for one in group)) for group in bins],
        [_extreme(max, (one[3] for one in group)) for group in bins],
    )


def _extreme(choose: Any, values: Any) -> float | None:
    known = [value for value in values if value is not None]
    return choose(known) if known else None
