"""What is summed up of a run while it is written, so that no look at it costs a pass over all of it?"""

from __future__ import annotations

import math
import time
from bisect import bisect_right
from typing import Any, TypeAlias

from plait.record.facts import Metric, Usage
from plait.record.schema import PACE_BUCKETS, PACE_OF_ATTEMPTS, SERIES_BLOCK

__all__ = ["LESS_PACE", "ON_MEASURE", "PACE_OF_NEW", "REBUILT_PACE", "SERIES_COLUMNS", "Paces", "Sums"]

Rows: TypeAlias = dict[str, list[tuple[Any, ...]]]
_NOTHING = Usage()
_PACE_SECONDS = 0.25


class Paces:
    """How attempts ended, and how long they took, by node, state and bucket, since they were written last.

    They are written now and then and when the run ends, not in each turn: of a run whose process is gone, attempts are
    counted themselves.
    """

    def __init__(self, run: int) -> None:
        self._run = run
        self._due = 0.0
        self._found: dict[tuple[int, str, int], list[Any]] = {}

    def begun(self, node: int, attempts: int) -> None:
        """That attempts began, or that begun ones have ended."""
        found = self._found.get((node, "", -1))
        if found is None:
            found = self._found[node, "", -1] = [0, 0.0, 0.0, None, None, 0.0, 0]
        found[0] += attempts

    def add(self, node: int, state: str, usage: Usage = _NOTHING) -> None:
        started, ended = usage.started_at or None, usage.ended_at or None
        took = max(0.0, usage.ended_at - usage.started_at)
        place = (node, state, bisect_right(PACE_BUCKETS, took) if started and ended else -1)
        found = self._found.get(place)
        if found is None:
            cost = usage.cpu_seconds, usage.peak_memory
            self._found[place] = [1, took, took, started, ended, *cost]
            return
        found[0] += 1
        if started and ended:
            found[1] += took
            found[2] = max(found[2], took)
            found[3] = min(found[3], started)
            found[4] = max(found[4], ended)
            found[5] += usage.cpu_seconds
            found[6] = max(found[6], usage.peak_memory)

    def flush(self, rows: Rows, *, last: bool) -> None:
        if self._found and (last or time.monotonic() >= self._due):
            self._due = time.monotonic() + _PACE_SECONDS
            rows[_PACE] = [(self._run, *place, *sums) for place, sums in self._found.items()]
            self._found = {}


class Sums:
    """What was logged since the last turn, by block of a series and by name of the run."""

    def __init__(self, run: int) -> None:
        self._run = run
        self._blocks: dict[tuple[Any, ...], list[Any]] = {}
        self._names: dict[str, list[Any]] = {}

    def add(self, series: tuple[str, int, bytes, int], position: int, metric: Metric) -> None:
        name, node, path, attempt = series
        value = None if math.isnan(metric.value) else metric.value
        place = (node, path, attempt, name, position // SERIES_BLOCK)
        block = self._blocks.get(place)
        if block is None:
            block = self._blocks[place] = [0, None, None, None, metric.at, metric.at, metric.logged_at, 0.0]
        block[0] += 1
        _widen(block, 1, value)
        block[3] = value
        if metric.at is not None:
            block[4] = metric.at if block[4] is None else min(block[4], metric.at)
            block[5] = metric.at if block[5] is None else max(block[5], metric.at)
        block[7] = metric.logged_at
        named = self._names.get(name)
        if named is None:
            named = self._names[name] = [0, 0, None, None, None, 0.0]
        named[0] += position == 0
        named[1] += 1
        _widen(named, 2, value)
        named[4:] = value, metric.logged_at

    def flush(self, rows: Rows) -> None:
        if self._blocks:
            rows[_SERIES] = [(self._run, *place, *sums) for place, sums in self._blocks.items()]
            rows[_MEASURE] = [(self._run, name, *sums) for name, sums in self._names.items()]
            self._blocks, self._names = {}, {}


def _widen(sums: list[Any], at: int, value: float | None) -> None:
    if value is None:
        return
    least, greatest = sums[at], sums[at + 1]
    sums[at] = value if least is None or value < least else least
    sums[at + 1] = value if greatest is None or value > greatest else greatest


def _least(table: str, column: str) -> str:
    """The smaller of what is there and what comes; written out, for databases call the function differently."""
    return (
        f"{column} = CASE WHEN excluded.{column} IS NULL OR {table}.{column} <= excluded.{column}"
        f" THEN {table}.{column} ELSE excluded.{column} END"
    )


def _greatest(table: str, column: str) -> str:
    return (
        f"{column} = CASE WHEN excluded.{column} IS NULL OR {table}.{column} >= excluded.{column}"
        f" THEN {table}.{column} ELSE excluded.{column} END"
    )


SERIES_COLUMNS = (
    "name, block, points, least, greatest, last, first_at, last_at, first_logged_at, last_logged_at"
)
_PACE_COLUMNS = (
    "run, node, state, bucket, attempts, seconds, longest, first_start, last_end, cpu_seconds, peak_memory"
)
_ON_PACE = (
    "ON CONFLICT (run, node, state, bucket) DO UPDATE SET"
    " attempts = pace.attempts + excluded.attempts, seconds = pace.seconds + excluded.seconds,"
    f" {_greatest('pace', 'longest')}, {_least('pace', 'first_start')}, {_greatest('pace', 'last_end')},"
    f" cpu_seconds = pace.cpu_seconds + excluded.cpu_seconds, {_greatest('pace', 'peak_memory')}"
)
_PACE = f"INSERT INTO pace ({_PACE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) {_ON_PACE}"
REBUILT_PACE = f"INSERT INTO pace ({_PACE_COLUMNS}) {PACE_OF_ATTEMPTS} AND run = ? GROUP BY 1, 2, 3, 4"
LESS_PACE = (
    f"INSERT INTO pace ({_PACE_COLUMNS}) SELECT run, node, state, -1, -1, 0.0, 0.0, NULL, NULL, 0.0, 0 FROM attempt"
    f" WHERE run = ? AND node = ? AND path = ? AND state IN ('done', 'cached') {_ON_PACE}"
)
PACE_OF_NEW = (
    f"INSERT INTO pace ({_PACE_COLUMNS}) SELECT key, ?, ?, -1, 1, 0.0, 0.0, NULL, NULL, 0.0, 0 FROM run WHERE key = ?"
    f" AND NOT EXISTS (SELECT 1 FROM attempt WHERE run = ? AND node = ? AND path = ? AND attempt = 0) {_ON_PACE}"
)
_SERIES = (
    f"INSERT INTO series (run, node, path, attempt, {SERIES_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (run, node, path, attempt, name, block) DO UPDATE SET"
    f" points = series.points + excluded.points, {_least('series', 'least')}, {_greatest('series', 'greatest')},"
    f" last = excluded.last, {_least('series', 'first_at')}, {_greatest('series', 'last_at')},"
    " last_logged_at = excluded.last_logged_at"
)
ON_MEASURE = (
    "ON CONFLICT (run, name) DO UPDATE SET tasks = measure.tasks + excluded.tasks,"
    f" points = measure.points + excluded.points, {_least('measure', 'least')}, {_greatest('measure', 'greatest')},"
    " last = excluded.last, logged_at = excluded.logged_at"
)
_MEASURE = (
    "INSERT INTO measure (run, name, tasks, points, least, greatest, last, logged_at)"
    f" VALUES (?, ?, ?, ?, ?, ?, ?, ?) {ON_MEASURE}"
)
