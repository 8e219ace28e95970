"""How are the tables reached? A thin layer over the DB-API, the same for every database: one connection, transactions.

Statements are written once, in the SQL that SQLite and PostgreSQL share, with ``?`` for each value. Conventions that
keep them so: upserts by ``ON CONFLICT``, ``LIKE`` with ``ESCAPE``, no value of a type that only one of them has, and
what differs is a method here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from plait.errors import RecordError
from plait.record.schema import VERSION

__all__ = ["Cursor", "Database", "newer", "nothing_recorded"]


class Cursor(Protocol):
    """What a statement answers with."""

    @property
    def description(self) -> Sequence[Any] | None: ...

    def __iter__(self) -> Iterator[tuple[Any, ...]]: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...


class Database(Protocol):
    """A record store, safe for several processes at once.

    Attributes:
        place: what people call it; no password in it.
        for_update: what a SELECT ends with that is to hold its rows until the transaction ends.
    """

    place: str

    @property
    def for_update(self) -> str: ...

    def transaction(
        self, is_missing: Callable[[], bool] | None = None, *, exclusive: bool = False
    ) -> AbstractContextManager[None]:
        """All or nothing; nested ones join the outer.

        Args:
            is_missing: given where what the block writes can be written once more, because the database went away in
                the middle: asked in a new transaction whether it has to be, or had come to be. The block itself is not
                run again, and does not notice.
            exclusive: whether no other transaction goes on meanwhile.
        """

    def execute(self, sql: str, values: Sequence[Any] = ()) -> Cursor: ...

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None: ...

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]: ...

    def row(self, sql: str, values: Sequence[Any] = ()) -> tuple[Any, ...] | None: ...

    def insert(self, sql: str, values: Sequence[Any], key: str) -> int:
        """Insert one row; answers with the number that its column ``key`` was given."""

    def batch(self) -> AbstractContextManager[None]:
        """Statements inside need no answer, so they may travel together."""

    def one_at_a_time(self, what: str) -> None:
        """Within a transaction: from here to its end nobody else does the same."""

    def acknowledge(self, run: int, turn: int, number: int) -> None:
        """Note, within a transaction, which turn of a run it is: so that it is known later whether it came to be."""

    def is_acknowledged(self, run: int, turn: int, number: int) -> bool:
        """Whether that turn was committed, though nobody heard of it."""

    def wait(self, timeout: float) -> bool:
        """Wait until somebody has written, ``timeout`` seconds at most; whether it may be so. For live views.

        Of what is written within a tenth of a second after what was told, nothing more may be told.
        """

    def for_looking(self) -> None:
        """From here on it answers people who look: each question is planned by what it asks, and nobody waits long."""

    def another(self) -> Database:
        """A connection of its own to the same records, for another thread."""

    def close(self) -> None: ...


def nothing_recorded(what: str) -> RecordError:
    """There is no store yet where runs are looked for."""
    error = RecordError(what, hint="start one: plait run TARGET")
    error.nothing = True
    return error


def newer(place: str, version: int) -> RecordError:
    """The tables are of a later version."""
    return RecordError(
        f"{place} was written by a newer plait (tables of version {version}, this plait knows {VERSION})",
        hint="upgrade plait: pip install --upgrade plait",
    )
