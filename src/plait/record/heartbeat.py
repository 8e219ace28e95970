"""How is it known elsewhere that a run is alive while one long task holds its process? A thread says so."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from plait.errors import PlaitError
from plait.record.writer import HEARTBEAT_SECONDS, RunWriter

__all__ = ["beating"]


@contextmanager
def beating(writer: RunWriter, every: float = HEARTBEAT_SECONDS) -> Iterator[None]:
    """While this goes on the run says that it is alive, every few seconds, whatever its own thread is at.

    As long as the run's own turns say it, the thread has nothing to do; once they do not, it opens a connection of
    its own.
    """
    over = threading.Event()
    thread = threading.Thread(target=_beat, args=(writer, every, over), name="plait-heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(1.0)


def _beat(writer: RunWriter, every: float, over: threading.Event) -> None:
    database = None
    while not over.wait(every):
        if time.time() - writer.heartbeat < 2 * every:
            continue
        with contextlib.suppress(
            PlaitError
        ):  # what is wrong with the store the run itself will find and tell
            if database is None:
                database = writer.database.another()
            database.execute(
                "UPDATE run SET heartbeat_at = ? WHERE key = ? AND turn = ? AND status IS NULL",
                (time.time(), writer.key, writer.owner),
            )
    if database is not None:
        database.close()
