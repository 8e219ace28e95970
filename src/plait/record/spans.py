"""When did the attempts of a run go on? Summed up by bins of time while they are recorded, however many there are."""

from __future__ import annotations

import time
from typing import Any, TypeAlias

from plait.record.bins import SPAN_COLUMNS, SPANS_OF_ATTEMPTS, SUMMED_FROM, bin_of
from plait.record.facts import Usage

__all__ = ["REBUILT_SPANS", "Spans"]

Rows: TypeAlias = dict[str, list[tuple[Any, ...]]]
_FLUSH_SECONDS = 0.25


class Spans:
    """How many attempts went on when, by node, worker and how they ended, since they were written last.

    Args:
        since: when the run began, in epoch seconds.
        from_attempts: of how many attempts on they are written; a run that goes on may have some already.
    """

    def __init__(self, run: int, since: float, from_attempts: int = SUMMED_FROM) -> None:
        self._run = run
        self._since = since
        self._left = from_attempts
        self._due = 0.0
        self._found: dict[tuple[int, int, str, str], list[Any]] = {}

    def add(self, node: int, state: str, usage: Usage) -> None:
        ended = usage.ended_at
        if not ended:
            return
        self._left -= 1
        started = usage.started_at or ended
        took = max(0.0, ended - started)
        place = (bin_of(started - self._since), node, usage.worker, state)
        found = self._found.get(place)
        if found is None:
            self._found[place] = [1, took, took, started, started, ended]
            return
        found[0] += 1
        found[1] += took
        found[2] = max(found[2], took)
        if started < found[3]:
            found[3] = started
        elif started > found[4]:
            found[4] = started
        found[5] = max(found[5], ended)

    def flush(self, rows: Rows, *, last: bool) -> None:
        if self._left <= 0 and self._found and (last or time.monotonic() >= self._due):
            self._due = time.monotonic() + _FLUSH_SECONDS
            rows[_SPAN] = [(self._run, *place, *sums) for place, sums in self._found.items()]
            self._found = {}


_SPAN = (
    f"INSERT INTO span ({SPAN_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (run, bin, node, worker, state) DO UPDATE SET"
    " attempts = span.attempts + excluded.attempts, seconds = span.seconds + excluded.seconds,"
    " longest = CASE WHEN span.longest >= excluded.longest THEN span.longest ELSE excluded.longest END,"
    " first_start = CASE WHEN span.first_start <= excluded.first_start THEN span.first_start"
    " ELSE excluded.first_start END,"
    " last_start = CASE WHEN span.last_start >= excluded.last_start THEN span.last_start ELSE excluded.last_start END,"
    " last_end = CASE WHEN span.last_end >= excluded.last_end THEN span.last_end ELSE excluded.last_end END"
)
REBUILT_SPANS = (
    f"INSERT INTO span ({SPAN_COLUMNS}) {SPANS_OF_ATTEMPTS} AND run.key = ? GROUP BY 1, 2, 3, 4, 5"
)
