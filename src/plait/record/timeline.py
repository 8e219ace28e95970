"""What went on when? The attempts of a run as bars, in bins where there are more than can be drawn."""

from __future__ import annotations

import heapq
import time
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from plait.errors import ParameterError
from plait.graph.model import task_name
from plait.record.items import find_step
from plait.record.paths import from_key
from plait.record.views import Run

__all__ = ["Bar", "Lane", "Timeline", "timeline"]

_MOST_ROWS = 64  # of one lane
_COLUMNS = "node, path, attempt, state, worker, launched_at, started_at, ended_at"
_WORST = ("failed", "lost", "cancelled", "running", "retried", "skipped", "done", "cached")
_RANK = " ".join(f"WHEN '{state}' THEN {rank}" for rank, state in enumerate(_WORST))


class Bar(Struct, frozen=True):
    """An attempt, or, where ``count`` is more than one, several in a bin: ``state`` is the worst of them.

    Args:
        lane: which of ``lanes``; ``row`` counts within it, from 0.
        start: epoch seconds, as ``end`` and ``queued_at``.
        busy: of a bin, how many attempts ran at once on average.
        failed: how many of them failed.
    """

    lane: int
    row: int
    start: float
    end: float
    queued_at: float | None
    state: str
    count: int
    failed: int
    task: str | None
    attempt: int | None
    busy: float | None = None


class Lane(Struct, frozen=True):
    id: str
    label: str
    rows: int


class Timeline(Struct, frozen=True, rename={"from_": "from"}):
    """A window of a run: what was asked for in ``from_`` (``from`` in JSON) and ``to``, the run in ``start``, ``end``.

    ``exact`` when each bar is one attempt; ``tasks`` counts the attempts in the window.
    """

    from_: float
    to: float
    start: float
    end: float
    lanes: list[Lane]
    bars: list[Bar]
    exact: bool
    tasks: int
    queued: bool


def timeline(
    run: Run,
    *,
    lane: str = "step",
    start: float | None = None,
    end: float | None = None,
    steps: Sequence[str] = (),
    limit: int = 2000,
) -> Timeline:
    """At most ``limit`` bars, whatever the run and the window.

    Args:
        lane: ``step`` or ``worker``: what has a lane of its own.
        start: of the window, epoch seconds; the run's own if left out; ``end`` likewise.
        steps: only those.

    Raises:
        ParameterError: the window ends before it begins, or there is no such kind of lane.
    """
    if lane not in ("step", "worker"):
        raise ParameterError(f"a timeline has no lanes by {lane!r}", hint="step or worker")
    now = time.time()
    first, last = _bounds(run, now)
    low, high = first if start is None else start, last if end is None else end
    if high < low:
        raise ParameterError("the window ends before it begins", hint="from=…&to=…, in epoch seconds")
    window = _Window(run, low, high, last, [find_step(run, step) for step in steps])
    rows = window.attempts(limit + 1)
    lanes = _Lanes(run, lane, window)
    if len(rows) <= limit:
        bars = [_bar(run, lanes, row, last) for row in rows]
        packed = _pack(bars, lanes)
        return Timeline(low, high, first, last, lanes.listed, packed, True, len(rows), True)
    bars, tasks = _binned(run, window, lanes, limit)
    return Timeline(low, high, first, last, lanes.listed, bars, False, tasks, False)


def _bounds(run: Run, now: float) -> tuple[float, float]:
    first = run.started_at.timestamp()
    if run.ended_at is not None:
        return first, max(first + 0.001, run.ended_at.timestamp())
    return first, now if run.status == "running" else max(first + 0.001, first + run.seconds)


class _Window:
    """The attempts of a run that were there at some time, as SQL."""

    def __init__(self, run: Run, low: float, high: float, now: float, nodes: Sequence[int]) -> None:
        self.run, self.low, self.high = run, low, high
        self.begin = "COALESCE(started_at, launched_at, ended_at)"
        self.finish = "COALESCE(ended_at, ?)"
        self.where = f"run = ? AND {self.begin} <= ? AND {self.finish} >= ?"
        self.values: list[Any] = [run.key, high, now, low]
        if nodes:
            self.where += f" AND node IN ({', '.join(map(str, nodes))})"
        self.now = now

    def attempts(self, limit: int) -> list[tuple[Any, ...]]:
        # Without an order, so that looking ends as soon as there are too many.
        rows = self.run.store.database.rows(
            f"SELECT {_COLUMNS} FROM attempt WHERE {self.where} LIMIT {limit}", self.values
        )
        return sorted(rows, key=lambda row: row[6] or row[5] or row[7] or 0.0)


class _Lanes:
    def __init__(self, run: Run, kind: str, window: _Window) -> None:
        self._run, self._kind = run, kind
        self._known: dict[Any, int] = {}
        self._labels: list[tuple[str, str]] = []
        self.rows: list[int] = []
        if kind == "step":
            for node, spec in enumerate(run.graph.nodes):
                self._known[node] = len(self._labels)
                self._labels.append((spec.id, spec.id))
                self.rows.append(1)

    @property
    def column(self) -> str:
        return "node" if self._kind == "step" else "COALESCE(worker, '')"

    def of(self, node: int, worker: str | None) -> int:
        key: Any = node if self._kind == "step" else worker or ""
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = len(self._labels)
            self._labels.append((str(key), str(key) or "the run itself"))
            self.rows.append(1)
        return found

    @property
    def listed(self) -> list[Lane]:
        return [Lane(name, label, rows) for (name, label), rows in zip(self._labels, self.rows, strict=True)]


def _bar(run: Run, lanes: _Lanes, row: tuple[Any, ...], now: float) -> Bar:
    node, key, attempt, state, worker, launched, started, ended = row
    begin = started or launched or ended
    known = state or ("running" if run.recorded_status is None and run.status == "running" else "lost")
    return Bar(
        lane=lanes.of(node, worker),
        row=0,
        start=begin,
        end=max(begin, ended if ended is not None else now),
        queued_at=launched,
        state=known,
        count=1,
        failed=int(known == "failed"),
        task=task_name(run.graph.nodes[node].id, from_key(key)),
        attempt=attempt,
    )


def _pack(bars: list[Bar], lanes: _Lanes) -> list[Bar]:
    """Bars of a lane that overlap go to rows of their own."""
    from msgspec.structs import replace

    free: dict[int, list[tuple[float, int]]] = {}
    packed = []
    for bar in bars:
        rows = free.setdefault(bar.lane, [])
        if rows and (rows[0][0] <= bar.start or len(rows) >= _MOST_ROWS):
            row = heapq.heappop(rows)[1]
        else:
            row = len(rows)
            lanes.rows[bar.lane] = row + 1
        heapq.heappush(rows, (bar.end, row))
        packed.append(replace(bar, row=row) if row else bar)
    return packed


def _binned(run: Run, window: _Window, lanes: _Lanes, limit: int) -> tuple[list[Bar], int]:
    """Bins of equal width; what is longer than some of them is drawn for itself."""
    database, span = run.store.database, max(1e-6, window.high - window.low)
    groups = database.row(
        f"SELECT COUNT(*) FROM (SELECT DISTINCT {lanes.column} FROM attempt WHERE {window.where}) lanes",
        window.values,
    )
    count = max(1, groups[0] if groups else 1)
    long_ones = limit // 4
    width = span / max(1, (limit - long_ones) // count)
    length = f"({window.finish} - {window.begin})"
    rows = database.rows(
        f"SELECT {_COLUMNS} FROM attempt WHERE {window.where} AND {length} >= ? ORDER BY {length} DESC"
        f" LIMIT {long_ones + 1}",
        (*window.values, window.now, 3 * width, window.now),
    )
    whole = len(rows) <= long_ones
    alone = (
        _pack([_bar(run, lanes, row, window.now) for row in sorted(rows, key=_began)], lanes) if whole else []
    )
    bins = database.rows(
        f"SELECT {lanes.column}, CAST(({window.begin} - ?) / ? AS INTEGER) AS bin, COUNT(*),"
        f" MIN({window.begin}), MAX({window.finish}), SUM({length}),"
        f" MIN(CASE COALESCE(state, 'running') {_RANK} ELSE 9 END),"
        f" SUM(CASE WHEN state = 'failed' THEN 1 ELSE 0 END), MIN(node)"
        f" FROM attempt WHERE {window.where}" + (f" AND {length} < ?" if whole else "") + " GROUP BY 1, 2",
        (
            window.low, width, window.now, window.now, *window.values,
            *((window.now, 3 * width) if whole else ()),
        ),
    )  # fmt: skip
    bars = []
    tasks = len(alone)
    for key, _, number, begin, finish, busy, worst, failed, node in bins:
        tasks += number
        place = lanes.of(key, None) if lanes.column == "node" else lanes.of(node, key)
        bars.append(
            Bar(
                lane=place,
                row=0,
                start=begin,
                end=finish,
                queued_at=None,
                state=_WORST[worst] if worst < len(_WORST) else "done",
                count=number,
                failed=failed,
                task=None,
                attempt=None,
                busy=busy / max(1e-6, finish - begin),
            )
        )
    if len(bars) + len(alone) > limit:
        bars.sort(key=lambda bar: (-bar.failed, -bar.count))
        bars = bars[: limit - len(alone)]
    return [*bars, *alone], tasks


def _began(row: tuple[Any, ...]) -> float:
    return float(row[6] or row[5] or row[7] or 0.0)
