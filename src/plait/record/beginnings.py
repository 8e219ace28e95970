"""Who stores values for a run that is not recorded yet? Said before the first one, so that none is taken for litter."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from plait.record.alive import host_name, process_alive
from plait.record.database import Database

__all__ = ["beginning", "oldest_beginning"]

_OF_ELSEWHERE = 86400.0  # seconds after which one on a host that cannot be asked is given up


@contextmanager
def beginning(database: Database) -> Iterator[None]:
    """Between here and its end values may be stored that no row refers to yet."""
    name = os.urandom(8).hex()
    database.execute(
        "INSERT INTO beginning (id, host, pid, since) VALUES (?, ?, ?, ?)",
        (name, host_name(), os.getpid(), time.time()),
    )
    try:
        yield
    finally:
        database.execute("DELETE FROM beginning WHERE id = ?", (name,))


def oldest_beginning(database: Database) -> float | None:
    """When the first of those began that still go on; what dead processes left is cleared away."""
    oldest: float | None = None
    for name, host, pid, since in database.rows("SELECT id, host, pid, since FROM beginning"):
        # A later process with the same number only makes a collector more careful than it need be.
        here = host == host_name()
        alive = process_alive(pid, None) if here else time.time() - since < _OF_ELSEWHERE
        if alive:
            oldest = since if oldest is None else min(oldest, since)
        else:
            database.execute("DELETE FROM beginning WHERE id = ?", (name,))
    return oldest
