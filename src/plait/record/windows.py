"""Which attempts went on in a window of time? Read one by one where they are few, from what is summed up else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from plait.record.bins import BEGIN
from plait.record.views import Run

__all__ = ["Attempt", "Some", "Window"]

_COLUMNS = "node, path, attempt, state, worker, launched_at, started_at, called_at, ended_at"
_MOST_READ = 10_000  # attempts that are looked at one by one
_ENOUGH_BINS = 64  # that a picture of a window needs; while a run goes on it is asked for again and again
_ENOUGH_LIVE = 8
_MOST_RANGES = 100  # of time that they are looked for in
_MOST_OPEN = 500  # attempts that go on just now
_BEGIN = BEGIN.replace("attempt.", "")


class Attempt(NamedTuple):
    """A row of ``attempt``; ``state`` is None while it goes on."""

    node: int
    path: bytes
    attempt: int
    state: str | None
    worker: str | None
    launched: float | None
    started: float | None
    called: float | None
    ended: float | None

    @property
    def begin(self) -> float:
        return self.started or self.launched or self.ended or 0.0


class Some(NamedTuple):
    """Attempts of a lane that began in the same part of a window and ended the same way.

    ``seconds`` is how long they took together, ``longest`` the longest of them.
    """

    node: int
    worker: str | None
    part: int
    state: str
    attempts: int
    seconds: float
    longest: float
    first_start: float
    last_start: float
    last_end: float


class Window:
    """The attempts of a run that went on at some time between two.

    Args:
        now: when those are drawn to that go on.
        nodes: only those; all if empty.
    """

    def __init__(self, run: Run, low: float, high: float, now: float, nodes: Sequence[int] = ()) -> None:
        self.run, self.low, self.high, self.now = run, low, high, now
        self._database = run.store.database
        self._only = f" AND node IN ({', '.join(map(str, nodes))})" if nodes else ""

    def attempts(self, wanted: int) -> list[Attempt] | None:
        """Them all, in the order in which they began; None where their sums are to be looked at instead.

        Args:
            wanted: how many there may be where there are enough bins to draw.
        """
        if self._database.row("SELECT 1 FROM span WHERE run = ? LIMIT 1", (self.run.key,)) is None:
            found = list(self._read("1 = 1", ()))
        else:
            ranges = self._ranges(wanted)
            if ranges is None:
                return None
            there = f"{_BEGIN} BETWEEN ? AND ? AND ended_at IS NOT NULL"
            found = [*self.open(), *(one for some in ranges for one in self._read(there, some))]
        return sorted(found, key=lambda one: one.begin)

    def _ranges(self, wanted: int) -> list[tuple[float, float]] | None:
        """When what went on in the window began; None where that is too much."""
        rows = self._database.rows(
            "SELECT MIN(first_start), MAX(last_start), SUM(attempts) FROM span"
            f" WHERE {self._spans} GROUP BY bin ORDER BY bin",
            self._spans_values,
        )
        enough = _ENOUGH_BINS if self.run.recorded_status else _ENOUGH_LIVE
        if sum(row[2] for row in rows) > (wanted if len(rows) >= enough else _MOST_READ):
            return None
        latest = self._latest()
        ranges = [(first, last) for first, last, _ in rows]
        if latest is not None and latest <= self.high:
            ranges.append((latest, self.high))
        joined: list[tuple[float, float]] = []
        for first, last in ranges:
            if joined and first <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
            else:
                joined.append((first, last))
        return joined if len(joined) <= _MOST_RANGES else None

    def _latest(self) -> float | None:
        """From when on nothing is summed up yet: of a run that goes on, or whose process is gone."""
        if self.run.recorded_status is not None:
            return None
        row = self._database.row("SELECT MAX(last_start) FROM span WHERE run = ?", (self.run.key,))
        return row[0] if row and row[0] is not None else self.run.began

    def lanes(self, column: str) -> int:
        """How many nodes, or workers, they are of."""
        row = self._database.row(
            f"SELECT COUNT(DISTINCT {column}) FROM span WHERE {self._spans}", self._spans_values
        )
        return row[0] if row else 0

    def sums(self, column: str, width: float) -> list[Some]:
        """The same by ``node`` or ``worker``, state, and parts of the window that are so many seconds wide."""
        rows = self._database.rows(
            f"SELECT MIN(node), {column} AS lane, CAST((first_start - ?) / ? AS INTEGER) AS part, state, SUM(attempts),"
            " SUM(seconds), MAX(longest), MIN(first_start), MAX(last_start), MAX(last_end) FROM span"
            f" WHERE {self._spans} GROUP BY lane, part, state",
            (self.low, width, *self._spans_values),
        )
        return [Some(row[0], None if column == "node" else row[1], *row[2:]) for row in rows]

    @property
    def _spans(self) -> str:
        return f"run = ? AND first_start <= ? AND last_end >= ?{self._only}"

    @property
    def _spans_values(self) -> tuple[Any, ...]:
        return (self.run.key, self.high, self.low)

    def longer(self, bins: Sequence[Some], seconds: float) -> list[Attempt]:
        """The attempts in some bins that took so long; none where they are too many to be looked for."""
        if sum(one.attempts for one in bins) > _MOST_READ or len(bins) > _MOST_RANGES:
            return []
        found = {
            (one.node, one.path, one.attempt): one
            for some in bins
            for one in self._read(
                f"{_BEGIN} BETWEEN ? AND ? AND ended_at IS NOT NULL AND state = ? AND ended_at - started_at >= ?",
                (some.first_start, some.last_start, some.state, seconds),
            )
        }
        return list(found.values())

    def open(self) -> Iterator[Attempt]:
        """Those that go on now, or were lost with the run's process."""
        yield from self._read("state IS NULL", (), _MOST_OPEN)

    def _read(self, where: str, values: Sequence[Any], limit: int = _MOST_READ) -> Iterator[Attempt]:
        for row in self._database.rows(
            f"SELECT {_COLUMNS} FROM attempt WHERE run = ? AND {where}{self._only}"
            f" AND COALESCE(started_at, launched_at, ended_at) <= ? AND COALESCE(ended_at, ?) >= ? LIMIT {limit}",
            (self.run.key, *values, self.high, self.now, self.low),
        ):
            yield Attempt(*row)
