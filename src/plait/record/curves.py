"""How did a logged number develop? Curves of bounded length, whatever was recorded, and what metrics a run has."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

from msgspec import Struct

from plait.errors import ParameterError
from plait.graph.model import Path, task_name
from plait.record.database import Database
from plait.record.paths import from_key, to_key
from plait.record.schema import SERIES_BLOCK
from plait.record.tasks import parse_task
from plait.record.views import Run

__all__ = [
    "MOST_TASKS",
    "Curve",
    "Curves",
    "MetricPage",
    "MetricSummary",
    "curves",
    "curves_of_runs",
    "metric_page",
    "run_metrics",
    "step_metrics",
    "task_metrics",
]

MOST_TASKS = 20
_MOST_BLOCKS = 5_000  # of a step's series that are looked at to tell its metrics
_MOST_POINTS = 20_000  # of all curves of several runs
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
    tasks: int = MOST_TASKS,
) -> Curves:
    """The series of a metric: of one attempt of a task, of the tasks of a node, or of the first tasks of the run.

    Args:
        x: ``step`` (the place given when it was logged, else the position), ``time`` or ``wall``.
        low: leave out what lies before, and after ``high``, on that axis.
        points: how many of each series at most; at least 10.

    Raises:
        ParameterError: there is no such axis.
    """
    where, values = "", list[Any]()
    for column, value in (
        ("node", node),
        ("path", None if path is None else to_key(path)),
        ("attempt", attempt),
    ):
        if value is not None:
            where, values = f"{where} AND {column} = ?", [*values, value]
    places, more = _places_of(run, metric, where, values, tasks)
    return Curves(_curves([run], metric, places, _Drawn(x, low, high, max(10, points), _MOST_RAW)), more)


def curves_of_runs(
    runs: Sequence[Run],
    metric: str,
    *,
    task: str | None = None,
    x: str = "step",
    low: float | None = None,
    high: float | None = None,
    points: int = 500,
    tasks: int = 1,
) -> Curves:
    """The series of a metric in several runs, by as few questions as in one.

    Args:
        task: only those of the task of this name; a run that has none is left out.
        tasks: of each run those of so many tasks at most, the first ones.

    Raises:
        ParameterError: there is no such axis.
    """
    if not runs:
        return Curves([], 0)
    raw = max(_MOST_RAW // len(runs), 2 * SERIES_BLOCK)
    drawn = _Drawn(x, low, high, max(10, min(points, _MOST_POINTS // (len(runs) * tasks))), raw)
    runs[0].read_graphs(runs)
    places, more = (_places_of_task(runs, metric, task), 0) if task else _first_places(runs, metric, tasks)
    return Curves(_curves(runs, metric, places, drawn), more)


class _Drawn(NamedTuple):
    """What of a series is asked for: along which axis, from where to where, how many points, how many read singly."""

    axis: str
    low: float | None
    high: float | None
    points: int
    raw: int


class _Place(NamedTuple):
    """Whose series it is."""

    run: int
    node: int
    path: bytes
    attempt: int


def _places_of(
    run: Run, metric: str, where: str, values: Sequence[Any], most: int
) -> tuple[list[_Place], int]:
    rows = run.store.database.rows(
        f"SELECT run, node, path, attempt FROM series WHERE run = ? AND name = ? AND block = 0{where}"
        f" ORDER BY node, path, attempt LIMIT {most + 1}",
        (run.key, metric, *values),
    )
    more = 0
    if len(rows) > most:
        row = run.store.database.row(
            "SELECT tasks FROM measure WHERE run = ? AND name = ?", (run.key, metric)
        )
        more = max(1, (row[0] if row else len(rows)) - most)
    return [_Place(*row) for row in rows[:most]], more


def _first_places(runs: Sequence[Run], metric: str, most: int) -> tuple[list[_Place], int]:
    """Of the first tasks of each run; a run in which very many tasks logged it is asked for itself."""
    database = runs[0].store.database
    keys = [run.key for run in runs]
    logged: dict[int, int] = dict(
        database.rows(
            f"SELECT run, tasks FROM measure WHERE name = ? AND run IN ({', '.join('?' * len(keys))})",
            (metric, *keys),
        )
    )
    few = [key for key, tasks in logged.items() if tasks <= MOST_TASKS]
    by_run: dict[int, list[_Place]] = {}
    if few:
        for row in database.rows(
            f"SELECT run, node, path, attempt FROM series WHERE run IN ({', '.join('?' * len(few))})"
            " AND name = ? AND block = 0 ORDER BY run, node, path, attempt",
            (*few, metric),
        ):
            by_run.setdefault(row[0], []).append(_Place(*row))
    found: list[_Place] = []
    more = 0
    for run in runs:
        if run.key in logged and run.key not in by_run:
            places, left = _places_of(run, metric, "", (), most)
        else:
            places = by_run.get(run.key, [])
            left = max(0, len(places) - most)
        found += places[:most]
        more += left
    return found, more


def _places_of_task(runs: Sequence[Run], metric: str, task: str) -> list[_Place]:
    name, path = parse_task(task)
    by_node: dict[int, list[int]] = {}
    for run in runs:
        node = run.graph.find_node(name)
        if node is not None:
            by_node.setdefault(node, []).append(run.key)
    found = [
        _Place(*row)
        for node, keys in by_node.items()
        for row in runs[0].store.database.rows(
            f"SELECT run, node, path, attempt FROM series WHERE run IN ({', '.join('?' * len(keys))})"
            " AND node = ? AND path = ? AND name = ? AND block = 0 ORDER BY run, attempt",
            (*keys, node, to_key(path), metric),
        )
    ]
    order = {run.key: at for at, run in enumerate(runs)}
    return sorted(found, key=lambda place: (order[place.run], place.attempt))


class _Axis:
    def __init__(self, run: Run, kind: str) -> None:
        self.kind = kind
        self._start = run.began

    def point(self, position: int, at: float | None, logged_at: float) -> float:
        if self.kind == "step":
            return float(position) if at is None else at
        return logged_at if self.kind == "wall" else logged_at - self._start


def _curves(runs: Sequence[Run], metric: str, places: Sequence[_Place], drawn: _Drawn) -> list[Curve]:
    if drawn.axis not in ("step", "time", "wall"):
        raise ParameterError(f"a curve has no axis {drawn.axis!r}", hint="step, time or wall")
    database = runs[0].store.database
    by_key = {run.key: run for run in runs}
    axes = {key: _Axis(run, drawn.axis) for key, run in by_key.items()}
    blocks = _looked_up(database, _BLOCKS, metric, [(place, "") for place in places])
    inside = {
        place: [block for block in found if _overlaps(block, axes[place.run], drawn.low, drawn.high)]
        for place, found in blocks.items()
    }
    singly = {place for place, found in inside.items() if sum(block[1] for block in found) <= drawn.raw}
    ranges = [
        (place, f", {found[0][0] * SERIES_BLOCK}, {(found[-1][0] + 1) * SERIES_BLOCK}")
        for place, found in inside.items()
        if place in singly and found
    ]
    numbers = _looked_up(database, _NUMBERS, metric, ranges)
    found = []
    for place in places:
        run, axis = by_key[place.run], axes[place.run]
        name = task_name(run.graph.nodes[place.node].id, from_key(place.path))
        total = sum(block[1] for block in blocks.get(place, ()))
        if place not in singly:
            summed = [
                (axis.point(block[0] * SERIES_BLOCK + block[1] - 1, block[6], block[8]), *_ends(block))
                for block in inside.get(place, ())
            ]
            found.append(_binned(run.id, name, metric, total, summed, drawn.points))
            continue
        wanted = [
            (at, value)
            for at, value in ((axis.point(*row[:3]), row[3]) for row in numbers.get(place, ()))
            if (drawn.low is None or at >= drawn.low) and (drawn.high is None or at <= drawn.high)
        ]
        if len(wanted) <= drawn.points:
            x, y = [at for at, _ in wanted], [value for _, value in wanted]
            found.append(Curve(run.id, name, metric, total, True, x, y))
        else:
            each = [(at, value, value, value) for at, value in wanted]
            found.append(_binned(run.id, name, metric, total, each, drawn.points))
    return found


def _ends(block: tuple[Any, ...]) -> tuple[float | None, float | None, float | None]:
    """The last, the least and the greatest number of a block."""
    return block[4], block[2], block[3]


_BLOCKS = (
    "block, points, least, greatest, last, first_at, last_at, first_logged_at, last_logged_at",
    "series",
    "block",
    "",
)
_NUMBERS = (
    "position, at, logged_at, value",
    "metric",
    "position",
    " AND position >= wanted.low AND position < wanted.high",
)
_AT_ONCE = 500  # series of one question


def _looked_up(
    database: Database, what: tuple[str, str, str, str], metric: str, places: Sequence[tuple[_Place, str]]
) -> dict[_Place, list[tuple[Any, ...]]]:
    """Rows of several series, in their order; beside a place may stand which part of it."""
    columns, table, order, part = what
    found: dict[_Place, list[tuple[Any, ...]]] = {}
    for start in range(0, len(places), _AT_ONCE):
        some = places[start : start + _AT_ONCE]
        names = "nth, run, node, path, attempt" + (", low, high" if part else "")
        asked = ", ".join(
            f"({nth}, {place.run}, {place.node}, ?, {place.attempt}{bounds})"
            for nth, (place, bounds) in enumerate(some)
        )
        same = " AND ".join(f"{table}.{name} = wanted.{name}" for name in ("run", "node", "path", "attempt"))
        rows = database.rows(
            f"WITH wanted ({names}) AS (VALUES {asked}) SELECT {columns}, wanted.nth"
            f" FROM wanted JOIN {table} ON {same}{part} WHERE {table}.name = ? ORDER BY wanted.nth, {order}",
            (*(place.path for place, _ in some), metric),
        )
        for nth, its in itertools.groupby(rows, operator.itemgetter(-1)):
            found[some[nth][0]] = list(its)
    return found


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
