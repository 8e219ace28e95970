"""How do many requests at once read the records? Each borrows a connection, and one whose file was replaced is left."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from plait.errors import RecordError
from plait.record.schema import VERSION
from plait.record.store import RecordStore

__all__ = ["Connections"]

_MOST_IDLE = 16


class Connections:
    """Open record stores, handed out one to a request."""

    def __init__(self, open_store: Callable[[], RecordStore]) -> None:
        self._open = open_store
        self._idle: list[tuple[RecordStore, tuple[int, int] | None]] = []
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def borrow(self) -> Iterator[RecordStore]:
        """A store that nobody else uses meanwhile.

        Raises:
            RecordError: the records are gone, or were brought to a newer version by another plait.
        """
        store, identity = self._take()
        try:
            yield store
        except BaseException:
            # What was in the middle of something is not handed on.
            store.database.close()
            raise
        with self._lock:
            if len(self._idle) < _MOST_IDLE:
                self._idle.append((store, identity))
                return
        store.database.close()

    def _take(self) -> tuple[RecordStore, tuple[int, int] | None]:
        while True:
            with self._lock:
                if not self._idle:
                    break
                store, identity = self._idle.pop()
            if identity is not None and _identity(store) != identity:
                store.database.close()
                continue
            try:
                _check_version(store)
            except RecordError:
                store.database.close()
                raise
            return store, identity
        store = self._open()
        store.database.for_looking()
        return store, _identity(store)

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for store, _ in idle:
            store.database.close()


def _identity(store: RecordStore) -> tuple[int, int] | None:
    """What tells a file from another one in its place; None for a database that is no file."""
    path = getattr(store.database, "path", None)
    if not isinstance(path, Path):
        return None
    try:
        found = path.stat()
    except OSError:
        return (0, 0)
    return found.st_dev, found.st_ino


def _check_version(store: RecordStore) -> None:
    if not isinstance(getattr(store.database, "path", None), Path):
        return
    row = store.database.row("PRAGMA user_version")  # a few microseconds
    if row is not None and row[0] > VERSION:
        raise RecordError(
            "the record store cannot be used: it was brought up to date by a newer plait while this one was running",
            hint="end plait ui and start it again with the plait that is installed now",
        )
