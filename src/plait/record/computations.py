"""Has this been computed before, by anyone? One row per cache key: who makes it, and since when its result is there."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from msgspec import Struct

from plait.data import Artifact
from plait.graph.model import Path
from plait.record.database import Database
from plait.record.paths import from_key, to_key

__all__ = ["Computations", "Found"]

_artifact = msgspec.msgpack.Decoder(Artifact)
_BATCH = 400


class Found(Struct, frozen=True):
    """What is recorded under a key. ``made_at`` is None while another run is still at it."""

    run: int
    run_id: str
    node: int
    path: Path
    made_at: float | None
    artifacts: tuple[Artifact, ...]


class Computations:
    """The table of computations, seen from one run."""

    def __init__(self, database: Database, run: int) -> None:
        self._database = database
        self._run = run

    def find(self, keys: Iterable[str]) -> dict[str, Found]:
        """What is recorded of each key, results with their artifacts."""
        asked = list(dict.fromkeys(keys))
        found: dict[str, Found] = {}
        for start in range(0, len(asked), _BATCH):
            batch = asked[start : start + _BATCH]
            marks = ",".join("?" * len(batch))
            outputs: dict[str, list[Artifact]] = {}
            rows = self._database.rows(
                "SELECT c.key, c.run, r.id, c.node, c.path, c.made_at, a.body FROM computation c"
                " JOIN run r ON r.key = c.run"
                " LEFT JOIN output o ON o.run = c.run AND o.node = c.node AND o.path = c.path"
                f" LEFT JOIN artifact a ON a.id = o.artifact WHERE c.key IN ({marks}) ORDER BY c.key, o.position",
                batch,
            )
            for key, run, run_id, node, path, made_at, body in rows:
                if body is not None:
                    outputs.setdefault(key, []).append(_artifact.decode(body))
                found[key] = Found(run, run_id, node, from_key(path), made_at, ())
            for key, artifacts in outputs.items():
                found[key] = msgspec.structs.replace(found[key], artifacts=tuple(artifacts))
        return found

    def claim(self, claims: list[tuple[str, int, Path]]) -> None:
        """Say that this run makes these; call it in the transaction that looked them up."""
        self._database.many(
            "INSERT INTO computation VALUES (?, ?, ?, ?, NULL) ON CONFLICT (key) DO UPDATE SET"
            " run = excluded.run, node = excluded.node, path = excluded.path, made_at = NULL",
            [(key, self._run, node, to_key(path)) for key, node, path in claims],
        )
