"""How do a project's runs and artifacts get into another store? Run by run: first the blobs, checked, then the rows.

A copy that was broken off goes on where it was: runs that are there are left out, and so are blobs. A run that went on
since is copied anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
from msgspec import Struct

from plait.data import Artifact, ArtifactStore, Part
from plait.errors import RecordError, StoreError
from plait.record.beginnings import beginning
from plait.record.database import Database
from plait.record.schema import RUN_TABLES
from plait.record.store import RecordStore
from plait.record.views import Run

__all__ = ["Copied", "Copying", "copy_store"]

_artifact = msgspec.msgpack.Decoder(Artifact)
_AT_A_TIME = 8
_BATCH = 500
_DOCUMENTS = (
    "SELECT graph FROM run WHERE key = ? UNION SELECT packages FROM run WHERE key = ?"
    " UNION SELECT closure FROM node WHERE run = ? AND closure IS NOT NULL"
    " UNION SELECT closure FROM recoded WHERE run = ?"
)


class Copying(Struct, frozen=True):
    """How far it is: told after each blob and each run."""

    runs: int
    all_runs: int
    blobs: int
    bytes: int


class Copied(Struct, frozen=True):
    """What was copied.

    Args:
        there: runs that were there already.
        going_on: ids of runs that were left out because they are not over.
        lost: sentences about blobs that are missing or damaged where they came from; their runs are there all the same.
    """

    runs: int
    there: int
    blobs: int
    bytes: int
    going_on: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


def copy_store(
    source: RecordStore,
    target: RecordStore,
    *,
    only: Sequence[str] = (),
    verify: bool = True,
    tell: Callable[[Copying], None] = lambda _copying: None,
) -> Copied:
    """Copy all runs, or those of some ids, with all that they refer to. What is in the target stays there.

    Args:
        verify: whether each blob is read back from the target and compared with its name.

    Raises:
        RecordError: both are the same store, or there is no such run.
        StoreError: the target cannot be written, or gave back other bytes than it was given.
    """
    if source.database.place == target.database.place and source.artifacts_url == target.artifacts_url:
        raise RecordError(
            f"both are the same store: {source.database.place}", hint="name another one to copy to"
        )
    runs = [source.run(name) for name in only] or list(reversed(source.runs(limit=None)))
    with beginning(target.database):
        return _Copy(source, target, verify, tell).carry(runs)


class _Copy:
    def __init__(
        self, source: RecordStore, target: RecordStore, verify: bool, tell: Callable[[Copying], None]
    ) -> None:
        self._source = source
        self._target = target
        self._verify = verify
        self._tell = tell
        self._present = {blob: size for blob, size, _ in target.artifacts.blobs()}
        self._columns: dict[str, list[str]] = {}
        self._lost: dict[str, str] = {}
        self._runs = self._all = self._blobs = self._bytes = 0

    def carry(self, runs: Sequence[Run]) -> Copied:
        known = {
            row[0]: row[1:]
            for row in self._target.database.rows("SELECT id, key, turn, status, ended_at FROM run")
        }
        self._all, there, going_on = len(runs), 0, []
        for run in runs:
            self._runs += 1
            now = self._source.database.row(
                "SELECT turn, status, ended_at FROM run WHERE key = ?", (run.key,)
            )
            if run.status == "running":
                going_on.append(run.id)
            elif run.id in known and known[run.id][1:] == now:
                there += 1
            else:
                self._copy_run(run, known[run.id][0] if run.id in known else None)
            self._say()
        self._copy_pins()
        return Copied(
            len(runs) - there - len(going_on),
            there,
            self._blobs,
            self._bytes,
            tuple(going_on),
            tuple(self._lost.values()),
        )

    def _say(self) -> None:
        self._tell(Copying(self._runs, self._all, self._blobs, self._bytes))

    # Blobs.

    def _copy_run(self, run: Run, old: int | None) -> None:
        listed: dict[str, Artifact] = {}
        needed: dict[str, Part] = {}
        for table in ("input", "output", "preview", "checkpoint", "code"):
            for (body,) in self._source.database.rows(f"SELECT body FROM {table} WHERE run = ?", (run.key,)):
                artifact = _artifact.decode(body)
                if artifact.id in listed or (not artifact.parts and artifact.head_part is None):
                    continue
                listed[artifact.id] = artifact
                needed.update((part.id, part) for part in self._parts(artifact))
        self._copy_blobs(part for part in needed.values() if self._present.get(part.id) != part.size)
        self._copy_rows(run, old, list(listed))

    def _parts(self, artifact: Artifact) -> Iterator[Part]:
        try:
            yield from self._source.artifacts.parts(artifact)
        except (
            StoreError
        ) as error:  # a gathered list whose own head is gone: what it held can no longer be told
            self._lost[artifact.id] = error.what

    def _copy_blobs(self, parts: Iterable[Part]) -> None:
        with ThreadPoolExecutor(_AT_A_TIME) as pool:
            for part in pool.map(self._copy_blob, parts):
                if part is not None:
                    self._present[part.id] = part.size
                    self._blobs += 1
                    self._bytes += part.size
                    self._say()

    def _copy_blob(self, part: Part) -> Part | None:
        try:
            data = self._source.artifacts.read_blob(part)  # checked against its name
        except StoreError as error:
            self._lost[part.id] = error.what
            return None
        store: ArtifactStore = self._target.artifacts
        store.write_blob(part, data)
        fault = store.blob_fault(part) if self._verify else None
        if fault is not None:
            raise StoreError(fault, hint="what was written is not what can be read: look at the store itself")
        return part

    # Rows.

    def _copy_rows(self, run: Run, old: int | None, artifacts: Sequence[str]) -> None:
        target = self._target.database
        with target.transaction(exclusive=True):
            if old is not None:
                for table in (*RUN_TABLES, "run"):
                    target.execute(
                        f"DELETE FROM {table} WHERE {'key' if table == 'run' else 'run'} = ?", (old,)
                    )
            digests = [row[0] for row in self._source.database.rows(_DOCUMENTS, (run.key,) * 4)]
            self._put("document", "hash", digests)
            columns = self._names("run")
            (row,) = self._source.database.rows(
                f"SELECT {', '.join(columns)} FROM run WHERE key = ?", (run.key,)
            )
            values = {name: value for name, value in zip(columns, row, strict=True) if name != "key"}
            key = target.insert(
                f"INSERT INTO run ({', '.join(values)}) VALUES ({_marks(len(values))})",
                list(values.values()),
                "key",
            )
            for table in RUN_TABLES:
                self._put_run(table, run.key, key)
            self._put("artifact", "id", artifacts, {"run": (run.key, key)})

    def _put_run(self, table: str, old: int, new: int) -> None:
        columns = self._names(table)
        at = columns.index("run")
        rows = self._source.database.execute(
            f"SELECT {', '.join(columns)} FROM {table} WHERE run = ?", (old,)
        )
        self._insert(table, columns, ((*row[:at], new, *row[at + 1 :]) for row in rows))

    def _put(
        self, table: str, key: str, names: Sequence[str], numbers: dict[str, tuple[int, int]] | None = None
    ) -> None:
        """Rows that several runs share: those that are there already stay.

        Args:
            numbers: columns with a run's number, which is another one there: the old and the new; of others it is not
                known.
        """
        columns = self._names(table)
        for start in range(0, len(names), _BATCH):
            batch = names[start : start + _BATCH]
            rows = self._source.database.rows(
                f"SELECT {', '.join(columns)} FROM {table} WHERE {key} IN ({_marks(len(batch))})", batch
            )
            renumbered = [
                tuple(
                    (numbers[name][1] if value == numbers[name][0] else None)
                    if numbers and name in numbers
                    else value
                    for name, value in zip(columns, row, strict=True)
                )
                for row in rows
            ]
            self._insert(table, columns, renumbered)

    def _insert(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        self._target.database.many(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({_marks(len(columns))}) ON CONFLICT DO NOTHING",
            list(rows),
        )

    def _copy_pins(self) -> None:
        columns = self._names("pin")
        self._insert("pin", columns, self._source.database.rows(f"SELECT {', '.join(columns)} FROM pin"))

    def _names(self, table: str) -> list[str]:
        if table not in self._columns:
            self._columns[table] = column_names(self._source.database, table)
        return self._columns[table]


def column_names(database: Database, table: str) -> list[str]:
    """The columns of a table; both databases have the same, since the same migrations made them."""
    return [one[0] for one in database.execute(f"SELECT * FROM {table} LIMIT 0").description or ()]


def _marks(count: int) -> str:
    return ", ".join("?" * count)
