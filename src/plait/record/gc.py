"""What does nobody need any more? Old runs go with their rows, then the blobs that no row refers to.

Runs may go on meanwhile, and begin. A blob is removed when no row refers to it and nobody has used it since a time
before all that is going on: every process touches a blob when it stores or takes it, before it writes the row that
refers to it. So the order here is: that time first, then the rows, then the list of blobs, then the marks, and each
blob is looked at once more when it has been set aside.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import msgspec
from msgspec import Struct

from plait.data import Artifact, ArtifactStore
from plait.errors import RecordError, StoreError
from plait.record.beginnings import oldest_beginning
from plait.record.pins import pinned
from plait.record.schema import RUN_TABLES
from plait.record.store import RecordStore
from plait.record.views import Run

__all__ = ["Collected", "FreedStep", "GoneRun", "collect", "runs_to_drop"]

_artifact = msgspec.msgpack.Decoder(Artifact)
_BATCH = 400
_SKEW = 120.0  # seconds


class FreedStep(Struct, frozen=True):
    """What goes with one step of a run that is dropped; a blob that several share is counted where it is met first."""

    step: str
    bytes: int
    blobs: int


class GoneRun(Struct, frozen=True):
    """A run that is dropped, and what goes with it; ``inherited`` results live on in runs that had taken them."""

    id: str
    pipeline: str
    status: str
    started_at: float
    steps: tuple[FreedStep, ...]
    inherited: int = 0

    @property
    def bytes(self) -> int:
        return sum(step.bytes for step in self.steps)


class Collected(Struct, frozen=True):
    """What was removed, or would be.

    Args:
        leftover_bytes: of blobs that belonged to no run that is known: its process was killed, or it was deleted.
        young_bytes: of blobs that are needed by nothing recorded, but may be by what is going on just now.
    """

    runs: tuple[GoneRun, ...]
    bytes: int
    blobs: int
    leftover_bytes: int
    leftover_blobs: int
    young_bytes: int
    unfinished: int
    dry_run: bool


def runs_to_drop(store: RecordStore, *, keep: float | None = None, keep_last: int | None = None) -> list[Run]:
    """The runs that are older than ``keep`` seconds and not among the last ``keep_last`` of their pipeline.

    Never one that is going on or is pinned; none at all when neither is given.
    """
    if keep is None and keep_last is None:
        return []
    now, kept = time.time(), pinned(store, "run")
    seen: dict[str, int] = {}
    found = []
    for run in store.runs(limit=None):
        seen[run.pipeline] = seen.get(run.pipeline, 0) + 1
        if run.id in kept or run.status == "running":
            continue
        if keep is not None and now - _last_seen(run) < keep:
            continue
        if keep_last is not None and seen[run.pipeline] <= keep_last:
            continue
        found.append(run)
    return found


def _last_seen(run: Run) -> float:
    return run.ended_at.timestamp() if run.ended_at else run.heartbeat


def collect(store: RecordStore, drop: Sequence[Run] = (), *, dry_run: bool = False) -> Collected:
    """Drop runs, then remove every blob that nothing recorded refers to and that nobody is using.

    Raises:
        RecordError: a run to drop is going on or pinned; nothing has been removed then.
        StoreError: the store cannot be written.
    """
    _refuse(store, drop)
    since = _quiet_since(store)
    artifacts = store.artifacts
    doomed = {run.key for run in drop}
    held = {run.key: list(_held(store, run)) for run in drop}
    heirs = _heirs(store, doomed)
    inherited = {}
    for run in drop:
        inherited[run.key] = (
            len(_inherited(store, run, heirs, doomed)) if dry_run else _drop(store, run, heirs)
        )
    unfinished = 0
    if not dry_run:
        unfinished = artifacts.sweep(since)
        _drop_unreferenced(store)
    listed = list(artifacts.blobs())
    needed = _marked(store, doomed if dry_run else set())
    gone: dict[str, int] = {}
    young = 0
    for blob, size, used_at in listed:
        if blob in needed:
            continue
        if used_at >= since:
            young += size
        elif dry_run:
            gone[blob] = size
        elif freed := artifacts.reclaim(blob, since):
            gone[blob] = freed
    return _told(drop, held, inherited, gone, young, unfinished, dry_run)


def _refuse(store: RecordStore, drop: Sequence[Run]) -> None:
    kept = pinned(store, "run")
    for run in drop:
        if run.refresh().status == "running":
            raise RecordError(f"run {run.id} is going on", hint=f"plait logs {run.id} -f")
        if run.id in kept:
            raise RecordError(f"run {run.id} is pinned", hint=f"plait unpin {run.id}")


def _quiet_since(store: RecordStore) -> float:
    """A time before all that is going on: what was used later may be needed by a row that is yet to come."""
    now = time.time()
    going_on = [run.process_since for run in store.unfinished_runs() if run.status == "running"]
    begun = oldest_beginning(store.database)
    if begun is not None:
        going_on.append(begun)
    if any(moment > now + _SKEW for moment in going_on):
        return (
            0.0  # the clock has been set back meanwhile, so the age of a blob says nothing: all of them stay
        )
    # Clocks of several hosts differ by a little.
    row = store.database.row("SELECT COUNT(DISTINCT host) FROM run")
    return min([now - (_SKEW if row and row[0] > 1 else 0.0), *going_on])


def _held(store: RecordStore, run: Run) -> Iterator[tuple[str, list[str]]]:
    """The blobs that the rows of a run refer to: step by step, its inputs as ``(inputs)``."""
    names = [node.id for node in run.graph.nodes]
    for kind, sql in (
        (None, "SELECT -1, body FROM input WHERE run = ?"),
        ("", "SELECT node, body FROM output WHERE run = ? ORDER BY node, path, position"),
        ("", "SELECT node, body FROM preview WHERE run = ? ORDER BY node, path, attempt, position"),
        ("code", "SELECT -1, body FROM code WHERE run = ?"),
        ("", "SELECT node, body FROM checkpoint WHERE run = ? ORDER BY node, path"),
    ):
        for node, body in store.database.execute(sql, (run.key,)):
            blobs = list(_references(store.artifacts, _artifact.decode(body)))
            if blobs:
                yield "(inputs)" if kind is None else "(code)" if kind else names[node], blobs


def _references(artifacts: ArtifactStore, artifact: Artifact) -> Iterator[str]:
    if not artifact.parts and artifact.head_part is None and artifact.format != "gathered":
        return
    try:
        yield from artifacts.references(artifact)
    except StoreError:  # a gathered list whose own head is gone: what it held can no longer be told
        return


# What later runs took from a run that is dropped.


def _heirs(store: RecordStore, doomed: Collection[int]) -> dict[str, tuple[int, int, bytes]]:
    """For each key that only a dropped run has computed, the latest task of another run that took the result."""
    if not doomed:
        return {}
    found = {}
    for key, run, node, path in store.database.execute(
        "SELECT key, run, node, path FROM attempt WHERE attempt = 0 AND state = 'cached' AND key IS NOT NULL"
        " ORDER BY run"
    ):
        if run not in doomed:
            found[key] = (run, node, path)
    return found


def _inherited(
    store: RecordStore, run: Run, heirs: Mapping[str, tuple[int, int, bytes]], doomed: Collection[int]
) -> list[tuple[str, float]]:
    """The keys, with the time of their making, that are found nowhere else once a run is gone."""
    made = store.database.rows(
        "SELECT key, ended_at FROM attempt WHERE run = ? AND attempt > 0 AND key IS NOT NULL"
        " AND state IN ('done', 'cached')",
        (run.key,),
    )
    wanted = [(key, made_at) for key, made_at in made if key in heirs]
    elsewhere: set[str] = set()
    for start in range(0, len(wanted), _BATCH):
        batch = [key for key, _ in wanted[start : start + _BATCH]]
        rows = store.database.execute(
            f"SELECT key, run FROM attempt WHERE key IN ({','.join('?' * len(batch))}) AND attempt > 0"
            " AND state IN ('done', 'cached')",
            batch,
        )
        elsewhere.update(key for key, other in rows if other != run.key and other not in doomed)
    return [(key, made_at) for key, made_at in wanted if key not in elsewhere]


def _drop(store: RecordStore, run: Run, heirs: Mapping[str, tuple[int, int, bytes]]) -> int:
    """Delete the rows of a run; a task that took a result from it becomes where the cache finds it."""
    database = store.database
    with database.transaction(exclusive=True):
        row = database.row("SELECT status, heartbeat_at FROM run WHERE key = ?", (run.key,))
        if row is None:
            return 0
        if (row[0], row[1]) != (run.recorded_status, run.heartbeat):
            raise RecordError(f"run {run.id} has just been resumed", hint=f"plait show {run.id}")
        inherited = _inherited(store, run, heirs, ())
        for key, made_at in inherited:
            _promote(store, heirs[key], made_at)
        for table in RUN_TABLES:
            database.execute(f"DELETE FROM {table} WHERE run = ?", (run.key,))
        database.execute("DELETE FROM run WHERE key = ?", (run.key,))
    return len(inherited)


def _promote(store: RecordStore, place: tuple[int, int, bytes], made_at: float) -> None:
    database = store.database
    row = database.row("SELECT MAX(attempt) FROM attempt WHERE run = ? AND node = ? AND path = ?", place)
    if row is None or row[0] is None:
        return
    number = row[0] + 1
    for table in ("attempt", "metric", "preview"):
        database.execute(
            f"UPDATE {table} SET attempt = ? WHERE run = ? AND node = ? AND path = ? AND attempt = 0",
            (number, *place),
        )
    # The result is as old as when it was made, not as when it was taken: `cache="1h"` counts from there.
    database.execute(
        "UPDATE attempt SET ended_at = ? WHERE run = ? AND node = ? AND path = ? AND attempt = ?",
        (made_at, *place, number),
    )


# What is still needed.


def _drop_unreferenced(store: RecordStore) -> None:
    """Artifacts and documents that no row refers to; one transaction, so no row can come in between."""
    database = store.database
    with database.transaction(exclusive=True):
        database.execute(
            "DELETE FROM artifact WHERE id NOT IN (SELECT artifact FROM output UNION SELECT artifact FROM input"
            " UNION SELECT artifact FROM preview UNION SELECT artifact FROM checkpoint"
            " UNION SELECT artifact FROM code"
            " UNION SELECT id FROM pin WHERE kind = 'artifact')"
        )
        database.execute(
            "DELETE FROM document WHERE hash NOT IN (SELECT graph FROM run UNION SELECT packages FROM run"
            " UNION SELECT closure FROM node WHERE closure IS NOT NULL UNION SELECT closure FROM recoded)"
        )


def _marked(store: RecordStore, without: Collection[int]) -> set[str]:
    """The blobs that rows refer to, those of some runs left out of account."""
    wanted: set[str] | None = None
    if without:
        wanted = pinned(store, "artifact")
        for table in ("output", "input", "preview", "checkpoint", "code"):
            for run, artifact in store.database.execute(f"SELECT DISTINCT run, artifact FROM {table}"):
                if run not in without:
                    wanted.add(artifact)
    needed: set[str] = set()
    for name, body in store.database.rows("SELECT id, body FROM artifact"):
        if wanted is None or name in wanted:
            needed.update(_references(store.artifacts, _artifact.decode(body)))
    return needed


def _told(
    drop: Iterable[Run],
    held: Mapping[int, list[tuple[str, list[str]]]],
    inherited: Mapping[int, int],
    gone: Mapping[str, int],
    young: int,
    unfinished: int,
    dry_run: bool,
) -> Collected:
    left = dict(gone)
    runs = []
    for run in drop:
        steps: dict[str, list[int]] = {}
        for step, blobs in held[run.key]:
            entry = steps.setdefault(step, [0, 0])
            for blob in blobs:
                if blob in left:
                    entry[0] += left.pop(blob)
                    entry[1] += 1
        runs.append(
            GoneRun(
                run.id,
                run.pipeline,
                run.status,
                run.started_at.timestamp(),
                tuple(FreedStep(step, size, count) for step, (size, count) in steps.items() if count),
                inherited[run.key],
            )
        )
    return Collected(
        tuple(runs), sum(gone.values()), len(gone), sum(left.values()), len(left), young, unfinished, dry_run
    )
