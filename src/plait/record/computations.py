"""Has this been computed before, by anyone? Attempts carry their cache key, so the question is one look at an index."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import Struct

from plait.data import Artifact
from plait.graph.model import Path
from plait.record.database import Database
from plait.record.paths import from_key

__all__ = ["Computations", "Found"]

_artifact = msgspec.msgpack.Decoder(Artifact)
_BATCH = 400
_MOST_RESULTS = 20  # of a key that are told: who computes the same again and again asks for the latest ones


class Found(Struct):
    """An attempt with a key. ``made_at`` is None while its run is still at it, or has left it unfinished."""

    run: int
    run_id: str
    node: int
    path: Path
    attempt: int
    made_at: float | None
    artifacts: tuple[Artifact, ...] = ()


class Computations:
    """What is recorded under cache keys."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, keys: Iterable[str]) -> dict[str, list[Found]]:
        """What is recorded of each key: results first, the latest before the others, then what is under way."""
        asked = list(dict.fromkeys(keys))
        # Who looks up in order to compute what is not there does so alone: two runs never begin the same at once.
        self._database.one_at_a_time("decide")
        found: dict[str, list[Found]] = {}
        for start in range(0, len(asked), _BATCH):
            batch = asked[start : start + _BATCH]
            # `attempt > 0` is the condition of the index: attempt 0 is a result that was taken from elsewhere. Of
            # those, a `cached` one has inherited the result from a run that was deleted.
            rows = self._database.execute(
                "SELECT a.key, a.run, r.id, a.node, a.path, a.attempt, a.ended_at, o.body FROM ("
                "SELECT key, run, node, path, attempt, ended_at, state, ROW_NUMBER() OVER"
                " (PARTITION BY key, state IS NULL ORDER BY run DESC, node, path, attempt) AS place FROM attempt"
                f" WHERE key IN ({','.join('?' * len(batch))}) AND attempt > 0"
                " AND (state IS NULL OR state IN ('done', 'cached'))) a"
                " JOIN run r ON r.key = a.run"
                " LEFT JOIN output o ON a.state IN ('done', 'cached')"
                " AND o.run = a.run AND o.node = a.node AND o.path = a.path"
                f" WHERE a.place <= {_MOST_RESULTS}"
                " ORDER BY a.key, a.state IS NULL, a.run DESC, a.node, a.path, a.attempt, o.position",
                batch,
            )
            place: tuple[object, ...] | None = None
            for key, run, run_id, node, path, attempt, ended_at, body in rows:
                known = found.setdefault(key, [])
                if place == (key, run, node, path, attempt):
                    known[-1].artifacts += (_artifact.decode(body),)
                else:
                    place = (key, run, node, path, attempt)
                    artifact = () if body is None else (_artifact.decode(body),)
                    known.append(Found(run, run_id, node, from_key(path), attempt, ended_at, artifact))
        return found
