"""How many requests at once read the records? Each borrows a connection, and one whose file was replaced is left."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from plait.errors import RecordError
from plait.record.schema import VERSION
from plait.record.store import RecordStore

__all__ = ["Connections", "Opened"]

_MOST_IDLE = 16


class Opened(NamedTuple):
    """A record store, and what tells its file from another one in its place; None for a database that is no file."""

    store: RecordStore
    identity: tuple[int, int] | None

    def is_current(self) -> bool:
        """Whether it still speaks of what is there.

        Raises:
            RecordError: the records were brought to a newer version by another plait.
        """
        if self.identity is None:
            return True
        if _identity(self.store) != self.identity:
            return False
        row = self.store.database.row("PRAGMA user_version")  # a few microseconds
        if row is not None and row[0] > VERSION:
            raise RecordError(
                "the record store cannot be used: a newer plait brought it up to date while this one was running",
                hint="end plait ui and start it again with the plait that is installed now",
            )
        return True

    def close(self) -> None:
        self.store.database.close()


class Connections:
    """Open record stores, handed out one to a request."""

    def __init__(self, open_store: Callable[[], RecordStore]) -> None:
        self._make = open_store
        self._idle: list[Opened] = []
        self._lock = threading.Lock()

    def open(self) -> Opened:
        """A store of one's own, to be closed by whoever asked.

        Raises:
            RecordError: there are no records, or they cannot be used.
        """
        store = self._make()
        store.database.for_looking()
        return Opened(store, _identity(store))

    @contextlib.contextmanager
    def borrow(self) -> Iterator[RecordStore]:
        """A store that nobody else uses meanwhile.

        Raises:
            RecordError: the records are gone, or were brought to a newer version by another plait.
        """
        opened = self._take()
        try:
            yield opened.store
        except BaseException:
            # What was in the middle of something is not handed on.
            opened.close()
            raise
        with self._lock:
            if len(self._idle) < _MOST_IDLE:
                self._idle.append(opened)
                return
        opened.close()

    def _take(self) -> Opened:
        while True:
            with self._lock:
                if not self._idle:
                    break
                opened = self._idle.pop()
            try:
                if opened.is_current():
                    return opened
            except RecordError:
                opened.close()
                raise
            opened.close()
        return self.open()

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for opened in idle:
            opened.close()


def _identity(store: RecordStore) -> tuple[int, int] | None:
    path = getattr(store.database, "path", None)
    if not isinstance(path, Path):
        return None
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return found.st_dev, found.st_ino
