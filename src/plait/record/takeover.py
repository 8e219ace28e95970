"""How does a process go on with a run that another one left? It takes the run over, and finds what was committed."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from plait.data import Artifact
from plait.errors import RecordError
from plait.graph.model import Path
from plait.record.closures import Closure
from plait.record.database import Database
from plait.record.paths import from_key
from plait.record.spans import REBUILT_SPANS
from plait.record.sums import REBUILT_PACE
from plait.record.views import Run
from plait.record.writer import RunWriter, store_closures

__all__ = ["Finished", "finished_places", "past_attempts", "past_checkpoints", "take_over"]

_artifact = msgspec.msgpack.Decoder(Artifact)


class Finished(Struct, frozen=True):
    """The outputs of a task that has any, the key that they are found under, and the attempt that has them."""

    artifacts: tuple[Artifact, ...]
    key: str | None
    attempt: int


def take_over(
    database: Database, run: Run, facts: dict[str, Any], closures: Mapping[int, Closure] | None = None
) -> RunWriter:
    """Become the owner of a run; a process that still thinks it is may not write any more.

    Args:
        closures: the code that nodes go on with, where it is not the one that they began with.

    Raises:
        RecordError: somebody else has just done so.
    """
    now = time.time()
    with database.transaction(exclusive=True):
        row = database.row("SELECT turn, status, heartbeat_at FROM run WHERE key = ?", (run.key,))
        if row is None or (row[1], row[2]) != (run.recorded_status, run.heartbeat):
            raise RecordError(f"run {run.id} has changed in this moment", hint=f"plait show {run.id}")
        database.execute(
            "UPDATE run SET turn = turn + 1, host = ?, pid = ?, process_started = ?, heartbeat_at = ?, ended_at = NULL,"
            " status = NULL, reason = NULL WHERE key = ?",
            (facts["host"], os.getpid(), facts["process_started"], now, run.key),
        )
        # Attempts that did not succeed are superseded by those to come; nothing is said of what was never begun.
        database.execute(
            "DELETE FROM attempt WHERE run = ? AND attempt = 0 AND state IN ('skipped', 'failed')", (run.key,)
        )
        database.execute(
            "UPDATE attempt SET reason = COALESCE(reason, 'its process was gone'), state = 'retried'"
            " WHERE run = ? AND (state IS NULL OR state IN ('failed', 'cancelled'))",
            (run.key,),
        )
        database.execute("DELETE FROM pace WHERE run = ?", (run.key,))
        database.execute(REBUILT_PACE, (run.key,))
        database.execute("DELETE FROM span WHERE run = ?", (run.key,))
        database.execute(REBUILT_SPANS, (run.key,))
        for node, closure in (closures or {}).items():
            store_closures(database, [closure])
            database.execute("INSERT INTO recoded VALUES (?, ?, ?, ?)", (run.key, node, now, closure.digest))
    return RunWriter(database, run.key, run.id, now, row[0] + 1, began=run.began)


def finished_places(database: Database, run_key: int) -> dict[tuple[int, Path], Finished]:
    """What came out of all tasks of a run that have a result."""
    outputs: dict[tuple[int, bytes], list[Artifact]] = {}
    for node, path, body in database.execute(
        "SELECT node, path, body FROM output WHERE run = ? ORDER BY node, path, position", (run_key,)
    ):
        outputs.setdefault((node, path), []).append(_artifact.decode(body))
    keys: dict[tuple[int, bytes], tuple[str | None, int]] = {
        (node, path): (key, attempt)
        for node, path, key, attempt in database.execute(
            "SELECT node, path, key, attempt FROM attempt WHERE run = ? AND state IN ('done', 'cached')"
            " ORDER BY node, path, attempt",
            (run_key,),
        )
    }
    return {
        (node, from_key(path)): Finished(tuple(artifacts), *keys.get((node, path), (None, 0)))
        for (node, path), artifacts in outputs.items()
    }


def past_checkpoints(database: Database, run_key: int) -> dict[tuple[int, Path], Artifact]:
    """The states that tasks without a result have saved."""
    rows = database.rows("SELECT node, path, body FROM checkpoint WHERE run = ?", (run_key,))
    return {(node, from_key(path)): _artifact.decode(body) for node, path, body in rows}


def past_attempts(database: Database, run_key: int) -> dict[tuple[int, Path], int]:
    """How many attempts each task has behind it."""
    rows = database.rows(
        "SELECT node, path, MAX(attempt) FROM attempt WHERE run = ? AND attempt > 0 GROUP BY node, path",
        (run_key,),
    )
    return {(node, from_key(path)): count for node, path, count in rows}
