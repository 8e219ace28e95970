"""How are the tables kept in one file of this machine? SQLite: one connection, explicit transactions."""

from __future__ import annotations

import sqlite3
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from plait.errors import RecordError
from plait.record.database import newer, nothing_recorded
from plait.record.schema import MIGRATIONS, VERSION

__all__ = ["SqliteDatabase"]

_BUSY_SECONDS = 30.0
_LOOK_SECONDS = 0.1
_LOG_PAGES = 4_000  # before the write-ahead log is folded in, which waits for the disk: 16 MB
_IMPATIENT_SECONDS = 2.0  # that somebody who looks, and changes something, waits for another writer


class SqliteDatabase:
    """A record store in one SQLite file, safe for several processes at once.

    WAL with ``synchronous=NORMAL``: a commit survives the death of the process at any instant.

    Raises:
        RecordError: the file cannot be opened or was written by a newer plait.
    """

    for_update = ""  # a transaction is alone with the file from its beginning

    def __init__(self, path: Path, *, create: bool = True) -> None:
        self.path = path
        self.place = str(path)
        if not create and not path.exists():
            raise nothing_recorded(f"no runs are recorded at {path}")
        try:
            if create:
                path.parent.mkdir(parents=True, exist_ok=True)
            self._connect(path)
        except (sqlite3.Error, OSError) as error:
            if create or not self._connect_to_what_lies_there():
                raise self._failure(error) from error
        self._depth = 0
        self._seen = -1

    def _connect(self, path: Path | str) -> None:
        self._connection = sqlite3.connect(
            path,
            timeout=_BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
            uri=isinstance(path, str),
        )
        weakref.finalize(self, self._connection.close)
        self._migrate()

    def _connect_to_what_lies_there(self) -> bool:
        """Reading needs no working disk: where SQLite cannot write, it reads the file, or a copy, as it lies."""
        file = self.path
        log = file.with_name(f"{file.name}-wal")
        try:
            if log.exists() and log.stat().st_size:
                import shutil
                import tempfile

                folder = tempfile.mkdtemp(prefix="plait-")
                weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
                for part in (file, log):
                    shutil.copy(part, folder)
                file = Path(folder, file.name)
                self._connect(file)
            else:
                self._connect(f"{file.resolve().as_uri()}?mode=ro&immutable=1")
        except (sqlite3.Error, OSError):
            return False
        return True

    @contextmanager
    def transaction(
        self, is_missing: Callable[[], bool] | None = None, *, exclusive: bool = False
    ) -> Iterator[None]:
        """All or nothing; nested ones join the outer. A file does not go away, and a writer is alone with it."""
        if self._depth:
            yield
            return
        if self._connection.in_transaction:
            # A signal came between the beginning of a transaction and the block that would have ended it.
            self._rollback()
        self.execute("BEGIN IMMEDIATE")
        self._depth = 1
        try:
            yield
        except BaseException:
            self._depth = 0
            self._rollback()
            raise
        self._depth = 0
        try:
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            self._rollback()
            raise self._failure(error) from error

    def execute(self, sql: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        try:
            return self._connection.execute(sql, values)
        except sqlite3.Error as error:
            raise self._failure(error) from error

    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        try:
            self._connection.executemany(sql, rows)
        except sqlite3.Error as error:
            raise self._failure(error) from error

    def insert(self, sql: str, values: Sequence[Any], key: str) -> int:
        found = self.execute(sql, values).lastrowid
        assert found is not None
        return found

    def batch(self) -> AbstractContextManager[None]:
        return nullcontext()

    def one_at_a_time(self, what: str) -> None:
        """Nothing to do: a transaction is alone with the file."""

    def acknowledge(self, run: int, turn: int, number: int) -> None:
        """Nothing to do: whether a commit has happened is known here."""

    def is_acknowledged(self, run: int, turn: int, number: int) -> bool:
        return False

    def wait(self, timeout: float) -> bool:
        end = time.monotonic() + timeout
        while True:
            version = self.execute("PRAGMA data_version").fetchone()[0]
            if version != self._seen:
                self._seen = version
                return True
            left = end - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(_LOOK_SECONDS, left))

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self.execute(sql, values).fetchall()

    def row(self, sql: str, values: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        found: tuple[Any, ...] | None = self.execute(sql, values).fetchone()
        return found

    def for_looking(self) -> None:
        self.execute(f"PRAGMA busy_timeout = {int(1000 * _IMPATIENT_SECONDS)}")

    def another(self) -> SqliteDatabase:
        return SqliteDatabase(self.path, create=False)

    def close(self) -> None:
        self._connection.close()

    def _rollback(self) -> None:
        try:
            self._connection.execute("ROLLBACK")
        except sqlite3.Error:  # the failure that led here is the one to tell
            return

    def _migrate(self) -> None:
        connection = self._connection
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            connection.close()
            raise newer(self.place, version)
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(f"PRAGMA wal_autocheckpoint={_LOG_PAGES}")
        if version == VERSION:
            return
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("BEGIN IMMEDIATE")
        try:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            for statements in MIGRATIONS[version:]:
                for statement in statements:
                    connection.execute(statement)
            connection.execute(f"PRAGMA user_version={VERSION}")
            connection.execute("COMMIT")
        except BaseException:
            self._rollback()
            raise

    def _failure(self, error: Exception) -> RecordError:
        text = str(error)
        hint = None
        if (
            "readonly" in text
            or "read-only" in text
            or isinstance(error, PermissionError)
            or "unable to open" in text
        ):
            hint = "check that the folder exists and that you may write to it, or set PLAIT_HOME to another place"
        elif "full" in text or "disk I/O" in text:
            hint = "free some space, then: plait resume"
        elif "locked" in text:
            hint = "another process holds the record store for a long time; see: plait runs"
        elif "not a database" in text or "malformed" in text:
            hint = "the file is damaged or is no record store; move it away to start anew"
        return RecordError(f"the record store {self.path} cannot be used: {text}", hint=hint)
