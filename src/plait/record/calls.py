"""What did the body of a dynamic pipeline call? Each call with what it passed, found again by what it was.

A call is known by its *digest*: which calls it belongs to, and what it passed. When a body is run once more, the n-th
call with a digest is the n-th that was recorded with it, in whatever order the calls come. So a row holds all that
there is to know: the graph has a node per step that was called, whatever the number of calls.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

from plait.data import Artifact
from plait.graph.model import Path
from plait.graph.unfold import Held, Keyed, Many, Resolved
from plait.record.database import Database
from plait.record.paths import from_key, to_key

__all__ = ["LITERAL", "RecordedCalls", "call_digest", "read_arguments", "read_call", "write_arguments"]

LITERAL = "call:"  # begins the names of inputs that are values passed in calls, too large for a row

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[tuple[str, Resolved], ...]).decode


def write_arguments(arguments: Iterable[tuple[str, Resolved]]) -> bytes:
    """What a call passed, as its row has it."""
    return _encode(tuple(arguments))


def read_arguments(body: bytes) -> tuple[tuple[str, Resolved], ...]:
    """What `write_arguments` wrote; all of it fresh."""
    return tuple([(name, _whole(value)) for name, value in _decode(body)])


def _whole(value: Resolved) -> Resolved:
    match value:
        case Held(value=raw):
            return Held(msgspec.convert(raw, Artifact))
        case Many(items=items, is_tuple=is_tuple):
            return Many(tuple([_whole(item) for item in items]), is_tuple)
        case Keyed(items=pairs):
            return Keyed(tuple([(key, _whole(item)) for key, item in pairs]))
    return value


def call_digest(call: str, body: bytes) -> bytes:
    """What a call is known by; ``call`` is that of its scope."""
    import hashlib  # only here: OpenSSL comes with it, and few runs need it

    return hashlib.blake2b(
        body, digest_size=16, key=hashlib.blake2b(call.encode(), digest_size=32).digest()
    ).digest()


def read_call(database: Database, run: int, scope: int, path: Path) -> dict[str, Resolved] | None:
    """What a recorded call passed, by parameter; None where there is no such call."""
    row = database.row(
        "SELECT body FROM call WHERE run = ? AND scope = ? AND path = ?", (run, scope, to_key(path))
    )
    return dict(read_arguments(row[0])) if row else None


class Recorded(Struct):
    """A call of before: its number, and why it failed where the body knows of that."""

    number: int
    failed: str = ""


class RecordedCalls:
    """The calls of a run that goes on, by scope and digest, to be made once more by its body."""

    def __init__(self, database: Database | None = None, run: int = 0) -> None:
        self._waiting: dict[tuple[int, bytes], deque[Recorded]] = {}
        self.most: dict[int, int] = {}
        self.count = 0
        rows: Iterable[tuple[Any, ...]] = ()
        if database is not None:
            rows = database.rows(
                "SELECT scope, path, digest, failed FROM call WHERE run = ? AND path <> ? ORDER BY scope, path",
                (run, b""),
            )
        for scope, key, digest, failed in rows:
            number = from_key(key)[0]
            self._waiting.setdefault((scope, bytes(digest)), deque()).append(Recorded(number, failed or ""))
            self.most[scope] = number + 1
            self.count += 1

    def take(self, scope: int, digest: bytes) -> Recorded | None:
        """The next recorded call with a digest; None when there is none left."""
        waiting = self._waiting.get((scope, digest))
        if not waiting:
            return None
        self.count -= 1
        return waiting.popleft()

    def rest(self) -> list[tuple[int, int]]:
        """The calls that were not made again: scope and number, in order."""
        return sorted((scope, one.number) for (scope, _), waiting in self._waiting.items() for one in waiting)

    @staticmethod
    def moments(database: Database, run: int) -> dict[tuple[int, Path], float]:
        """When each task of a run that has a result was done, in epoch seconds."""
        rows = database.rows(
            "SELECT node, path, MAX(ended_at) FROM attempt WHERE run = ? AND state IN ('done', 'cached')"
            " AND ended_at IS NOT NULL GROUP BY node, path",
            (run,),
        )
        return {(node, from_key(key)): moment for node, key, moment in rows}
