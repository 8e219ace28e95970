"""What do a million lines of log say at a place? Ranges by number, search, and the next loud line."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from msgspec import Struct

from plait.errors import ParameterError
from plait.graph.model import Path, task_name
from plait.record.facts import LogLine, line_level
from plait.record.paths import from_key, to_key
from plait.record.views import Run

__all__ = [
    "Found",
    "Line",
    "LogPage",
    "LogScope",
    "NextLine",
    "line_count",
    "next_loud",
    "read_lines",
    "search_lines",
]

_lines = msgspec.msgpack.Decoder(tuple[LogLine, ...])
_LONGEST = 10_000  # characters of a line
_LONGEST_SEARCHED = 2_000  # by a regular expression
_SECONDS = 0.15  # of looking for one answer
_LOUD = "(level IS NULL OR level >= 30)"
_FIRST_PIECES, _MOST_PIECES = 4, 64  # that are read at once: a database may send all that is asked for


class Line(Struct, frozen=True, omit_defaults=True):
    """A line: ``n`` is its number in what was asked for, ``level`` that of ``logging``, 0 for what was printed."""

    n: int
    at: float
    stream: str
    level: int
    task: str
    attempt: int
    text: str
    cut: bool = False


class LogPage(Struct, frozen=True):
    """Lines from ``first`` on; ``next`` is where the following ones begin, None at the end."""

    lines: list[Line]
    first: int
    total: int
    next: int | None


class Found(Struct, frozen=True):
    """Lines that match; when not ``done`` the search goes on from ``searched_to``."""

    lines: list[Line]
    searched_to: int
    total: int
    done: bool


class NextLine(Struct, frozen=True):
    line: int | None


class LogScope(Struct, frozen=True):
    """Whose lines: of the whole run in the order in which they were recorded, of all tasks of a step, or of an attempt.

    ``path`` is None for a whole step.
    """

    run: Run
    node: int | None = None
    path: Path | None = ()
    attempt: int | None = None

    @property
    def is_step(self) -> bool:
        return self.node is not None and self.path is None

    @property
    def column(self) -> str:
        return "serial" if self.node is None else "first_line"

    @property
    def where(self) -> str:
        return "run = ?" if self.node is None else "run = ? AND node = ? AND path = ? AND attempt = ?"

    @property
    def values(self) -> tuple[Any, ...]:
        if self.node is None:
            return (self.run.key,)
        return (self.run.key, self.node, to_key(self.path or ()), self.attempt)


def line_count(scope: LogScope) -> int:
    """How many lines there are, by the place of the last one."""
    if scope.is_step:
        row = scope.run.store.database.row(
            "SELECT SUM(lines) FROM log WHERE run = ? AND node = ?", (scope.run.key, scope.node)
        )
        return int(row[0] or 0) if row else 0
    row = scope.run.store.database.row(
        f"SELECT {scope.column} + lines FROM log WHERE {scope.where} ORDER BY {scope.column} DESC LIMIT 1",
        scope.values,
    )
    return row[0] if row else 0


def read_lines(scope: LogScope, first: int = 0, limit: int = 500, level: int = 0) -> LogPage:
    """Lines from a number on; those below a level are left out and keep their numbers."""
    total = line_count(scope)
    found: list[Line] = []
    deadline = time.monotonic() + _SECONDS
    for begin, node, key, attempt, body in _chunks(scope, first, level):
        for offset, line in enumerate(_lines.decode(body)):
            number = begin + offset
            if number < first or (level and line_level(line) < level):
                continue
            if len(found) == limit:
                return LogPage(found, first, total, number)
            found.append(_line(scope.run, number, node, key, attempt, line))
        if level and time.monotonic() > deadline:
            return LogPage(found, first, total, begin + 1 if not found else max(begin + 1, found[-1].n + 1))
    return LogPage(found, first, total, None)


def _chunks(scope: LogScope, first: int, level: int = 0) -> Iterator[tuple[int, int, bytes, int, bytes]]:
    """Recorded pieces from the one on that holds a line; the quiet ones are left out when only loud lines count."""
    if scope.is_step:
        yield from _step_chunks(scope, first, level)
        return
    database, column = scope.run.store.database, scope.column
    row = database.row(
        f"SELECT {column} FROM log WHERE {scope.where} AND {column} <= ? ORDER BY {column} DESC LIMIT 1",
        (*scope.values, first),
    )
    begin = row[0] if row else 0
    loud = f"{_LOUD} AND (level IS NULL OR level >= {int(level)})" if level >= 30 else "1 = 1"
    yield from _pieces(scope, "node, path, attempt, body", loud, begin - 1)


def _pieces(
    scope: LogScope, columns: str, condition: str, after: int, *, back: bool = False
) -> Iterator[tuple[Any, ...]]:
    """Recorded pieces behind a place, or before it, a few at a time: who stops early has not been sent them all."""
    column, (than, order) = scope.column, ("<", "DESC") if back else (">", "ASC")
    count = _FIRST_PIECES
    while True:
        rows = scope.run.store.database.rows(
            f"SELECT {column}, {columns} FROM log WHERE {scope.where} AND {column} {than} ? AND {condition}"
            f" ORDER BY {column} {order} LIMIT {count}",
            (*scope.values, after),
        )
        yield from rows
        if len(rows) < count:
            return
        after, count = rows[-1][0], min(2 * count, _MOST_PIECES)


def _step_chunks(
    scope: LogScope, first: int, level: int, *, back: bool = False
) -> Iterator[tuple[int, int, bytes, int, bytes]]:
    """The same of all tasks of a step. Its pieces are counted to know their places; only those asked for are read."""
    database, key = scope.run.store.database, scope.run.key
    place = 0
    pieces = []
    for _, lines, loud, path, attempt, first_line in database.rows(
        "SELECT serial, lines, level, path, attempt, first_line FROM log WHERE run = ? AND node = ? ORDER BY serial",
        (key, scope.node),
    ):
        wanted = place < first if back else place + lines > first
        if wanted and (level < 30 or loud is None or loud >= level):
            pieces.append((place, path, attempt, first_line))
        place += lines
    for begin, path, attempt, first_line in reversed(pieces) if back else pieces:
        row = database.row(
            "SELECT body FROM log WHERE run = ? AND node = ? AND path = ? AND attempt = ? AND first_line = ?",
            (key, scope.node, path, attempt, first_line),
        )
        if row is not None:
            yield begin, scope.node or 0, path, attempt, row[0]


def _line(run: Run, number: int, node: int, key: bytes, attempt: int, line: LogLine) -> Line:
    return Line(
        n=number,
        at=line.at,
        stream=line.stream,
        level=line_level(line),
        task=task_name(run.graph.nodes[node].id, from_key(key)),
        attempt=attempt,
        text=line.text[:_LONGEST],
        cut=len(line.text) > _LONGEST,
    )


def search_lines(
    scope: LogScope,
    text: str,
    *,
    case: bool = False,
    regex: bool = False,
    level: int = 0,
    first: int = 0,
    limit: int = 200,
) -> Found:
    """Lines with a text in them, from a number on; it looks for a fifth of a second at most.

    Raises:
        ParameterError: it is no regular expression.
    """
    matches, maybe = _matchers(text, case=case, regex=regex)
    total = line_count(scope)
    found: list[Line] = []
    deadline = time.monotonic() + _SECONDS
    for begin, node, key, attempt, body in _chunks(scope, first, level):
        if begin > first and time.monotonic() > deadline:
            return Found(found, begin, total, done=False)
        if not maybe(body):
            continue
        for offset, line in enumerate(_lines.decode(body)):
            number = begin + offset
            if number < first or (level and line_level(line) < level) or not matches(line.text[:_LONGEST]):
                continue
            if len(found) == limit:
                return Found(found, number, total, done=False)
            found.append(_line(scope.run, number, node, key, attempt, line))
    return Found(found, total, total, done=True)


def _matchers(
    text: str, *, case: bool, regex: bool
) -> tuple[Callable[[str], object], Callable[[bytes], bool]]:
    """What says of a line whether it matches, and of a recorded piece, undecoded, whether one in it can."""
    if regex:
        try:
            pattern = re.compile(text, 0 if case else re.IGNORECASE)
        except re.error as error:
            raise ParameterError(f"{text!r} is no regular expression: {error}") from None
        return lambda line: pattern.search(line[:_LONGEST_SEARCHED]), lambda _body: True
    if case:
        needle = text.encode()
        return lambda line: text in line, lambda body: needle in body
    lowered = text.casefold()
    if text.isascii():
        small = text.lower().encode()
        return lambda line: lowered in line.casefold(), lambda body: small in body.lower()
    return lambda line: lowered in line.casefold(), lambda _body: True


def next_loud(scope: LogScope, start: int, level: int, *, back: bool = False) -> NextLine:
    """The number of the next line of a level or above, from a number on, or before it."""
    deadline = time.monotonic() + 2 * _SECONDS
    for begin, body in _loud_chunks(scope, start, level, back=back):
        numbered = [
            begin + offset
            for offset, line in enumerate(_lines.decode(body))
            if line_level(line) >= level and (begin + offset < start if back else begin + offset >= start)
        ]
        if numbered:
            return NextLine(numbered[-1] if back else numbered[0])
        if time.monotonic() > deadline:
            break
    return NextLine(None)


def _loud_chunks(scope: LogScope, start: int, level: int, *, back: bool) -> Iterator[tuple[int, bytes]]:
    if scope.is_step:
        for begin, _, _, _, body in _step_chunks(scope, start, level, back=back):
            yield begin, body
        return
    # A piece that begins before the number may still hold a later line.
    edge = start
    if not back:
        column = scope.column
        row = scope.run.store.database.row(
            f"SELECT {column} FROM log WHERE {scope.where} AND {column} <= ? ORDER BY {column} DESC LIMIT 1",
            (*scope.values, start),
        )
        edge = (row[0] if row else 0) - 1
    condition = f"{_LOUD} AND (level IS NULL OR level >= {int(level)})" if level >= 30 else "1 = 1"
    yield from _pieces(scope, "body", condition, edge, back=back)
