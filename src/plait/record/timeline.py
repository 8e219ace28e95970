"""What went on when? The attempts of a run as bars, in bins where there are more than can be drawn."""

from __future__ import annotations

import heapq
import math
import time
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from plait.errors import ParameterError
from plait.graph.model import task_name
from plait.record.items import find_step
from plait.record.paths import from_key
from plait.record.views import Run
from plait.record.windows import Attempt, Some, Window

__all__ = ["Bar", "Lane", "Timeline", "timeline"]

_MOST_ROWS = 64  # of one lane
_LONG = 3  # bins that an attempt goes on for that is drawn for itself
_WORST = ("failed", "lost", "cancelled", "running", "retried", "skipped", "done", "cached")


class Bar(Struct, frozen=True):
    """An attempt, or, where ``count`` is more than one, several in a bin: ``state`` is the worst of them.

    Args:
        lane: which of ``lanes``; ``row`` counts within it, from 0.
        start: epoch seconds, as all times: when a worker took it. It waited for one since ``queued_at``, and its
            function was called at ``called_at``, when its inputs were loaded.
        busy: of a bin, how many attempts ran at once on average.
        failed: how many of them failed.
        starting: a worker took it, and its function is not called yet.
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
    called_at: float | None = None
    starting: bool = False


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
    window = Window(run, low, high, last, [find_step(run, step) for step in steps])
    lanes = _Lanes(run, lane)
    attempts = window.attempts(limit)
    if attempts is not None and len(attempts) <= limit:
        bars = _pack([_bar(run, lanes, one, last) for one in attempts], lanes)
        return Timeline(low, high, first, last, lanes.listed, bars, True, len(attempts), True)
    bars, tasks = _binned(window, attempts, lanes, limit)
    return Timeline(low, high, first, last, lanes.listed, bars, False, tasks, False)


def _bounds(run: Run, now: float) -> tuple[float, float]:
    first = run.started_at.timestamp()
    if run.ended_at is not None:
        return first, max(first + 0.001, run.ended_at.timestamp())
    return first, now if run.status == "running" else max(first + 0.001, first + run.seconds)


class _Lanes:
    def __init__(self, run: Run, kind: str) -> None:
        self.kind = "node" if kind == "step" else "worker"
        self._known: dict[Any, int] = {}
        self._labels: list[tuple[str, str]] = []
        self.rows: list[int] = []
        if self.kind == "node":
            for node, spec in enumerate(run.graph.nodes):
                self._known[node] = len(self._labels)
                self._labels.append((spec.id, spec.id))
                self.rows.append(1)

    def of(self, node: int, worker: str | None) -> int:
        key: Any = node if self.kind == "node" else worker or ""
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = len(self._labels)
            self._labels.append((str(key), str(key) or "the run itself"))
            self.rows.append(1)
        return found

    @property
    def listed(self) -> list[Lane]:
        return [Lane(name, label, rows) for (name, label), rows in zip(self._labels, self.rows, strict=True)]


def _bar(run: Run, lanes: _Lanes, one: Attempt, now: float) -> Bar:
    known = one.state or ("running" if run.recorded_status is None and run.status == "running" else "lost")
    return Bar(
        lane=lanes.of(one.node, one.worker),
        row=0,
        start=one.begin,
        end=max(one.begin, one.ended if one.ended is not None else now),
        queued_at=one.launched,
        state=known,
        count=1,
        failed=int(known == "failed"),
        task=task_name(run.graph.nodes[one.node].id, from_key(one.path)),
        attempt=one.attempt,
        called_at=one.called,
        starting=known == "running" and one.started is not None and one.called is None,
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


class _Bin:
    """Attempts of a lane that began in the same part of the window."""

    def __init__(self) -> None:
        self.by_state: dict[str, int] = {}
        self.start, self.last, self.end, self.seconds = math.inf, 0.0, 0.0, 0.0

    def add(self, some: Some) -> None:
        self.by_state[some.state] = self.by_state.get(some.state, 0) + some.attempts
        self.start, self.last = min(self.start, some.first_start), max(self.last, some.last_start)
        self.end = max(self.end, some.last_end)
        self.seconds += some.seconds

    def without(self, bar: Bar, longest: float) -> None:
        """An attempt is drawn for itself; each of the others took ``longest`` seconds at most."""
        self.by_state[bar.state] = self.by_state.get(bar.state, 0) - 1
        self.seconds -= bar.end - bar.start
        self.end = min(self.end, self.last + longest)

    @property
    def attempts(self) -> int:
        return sum(self.by_state.values())

    def bar(self, lane: int) -> Bar:
        counts = {state: count for state, count in self.by_state.items() if count > 0}
        end = max(self.start, self.end)
        return Bar(
            lane=lane,
            row=0,
            start=self.start,
            end=end,
            queued_at=None,
            state=min(counts, key=lambda state: _WORST.index(state) if state in _WORST else len(_WORST)),
            count=self.attempts,
            failed=counts.get("failed", 0),
            task=None,
            attempt=None,
            busy=max(0.0, self.seconds) / max(1e-6, end - self.start),
        )


def _binned(
    window: Window, attempts: list[Attempt] | None, lanes: _Lanes, limit: int
) -> tuple[list[Bar], int]:
    """Bins of equal width; what is longer than some of them, or still goes on, is drawn for itself."""
    most_alone = limit // 8
    span = max(1e-6, window.high - window.low)
    if attempts is None:
        open_ones = list(window.open())
        width = span / max(1, (limit - 2 * most_alone) // max(1, window.lanes(lanes.kind)))
        some = window.sums(lanes.kind, width)
        drawn = window.longer([one for one in some if one.longest >= _LONG * width], _LONG * width)
    else:
        open_ones = [one for one in attempts if one.state is None]
        ended = [one for one in attempts if one.state is not None]
        count = len({lanes.of(one.node, one.worker) for one in ended})
        width = span / max(1, (limit - 2 * most_alone) // max(1, count))
        some = [_one(one, int((one.begin - window.low) / width)) for one in ended]
        drawn = [one for one in ended if _took(one) >= _LONG * width]
    if len(drawn) > most_alone:
        drawn = []
    bins: dict[int, dict[int, _Bin]] = {}
    for one in some:
        bins.setdefault(lanes.of(one.node, one.worker), {}).setdefault(one.part, _Bin()).add(one)
    alone = [_bar(window.run, lanes, one, window.now) for one in drawn]
    for bar in alone:
        for found in bins.get(bar.lane, {}).values():
            if found.start <= bar.start <= found.last and found.by_state.get(bar.state):
                found.without(bar, _LONG * width)
                break
    alone += [_bar(window.run, lanes, one, window.now) for one in open_ones[:most_alone]]
    made = [one.bar(lane) for lane, parts in bins.items() for one in parts.values() if one.attempts]
    if len(made) + len(alone) > limit:
        made.sort(key=lambda bar: (-bar.failed, -bar.count))
        made = made[: limit - len(alone)]
    tasks = sum(one.attempts for one in some) + len(open_ones)
    return [*made, *_pack(sorted(alone, key=lambda bar: bar.start), lanes)], tasks


def _took(one: Attempt) -> float:
    return max(0.0, (one.ended or one.begin) - one.begin)


def _one(one: Attempt, part: int) -> Some:
    took = _took(one)
    return Some(
        one.node, one.worker, part, one.state or "", 1, took, took, one.begin, one.begin, one.begin + took
    )
