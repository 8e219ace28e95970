"""How does a worker do short tasks that came together? In order; what they say goes back in few messages.

A task that turns out to be long keeps none of the others waiting: those behind it are given back, for whoever is free.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from plait.engine.task import TaskSpec
from plait.executors.station import Back

__all__ = ["Parcel"]

_TELL_SECONDS = 0.01  # after which what was said goes on its way
_LOOK_SECONDS = 0.05
_STUCK_SECONDS = 0.15  # after which a task is no short one

_read_spec = msgspec.msgpack.Decoder(TaskSpec)


class Parcel:
    """Tasks of one call of an engine; a single one is told of at once, as ever.

    Args:
        specs: as they came.
        send: takes a list of what was said, in any thread.
    """

    def __init__(self, specs: Sequence[bytes], send: Callable[[list[Any]], None]) -> None:
        self._left = deque(specs)
        self._alone = len(specs) == 1
        self._send = send
        self._said: list[Any] = []
        self._lock = threading.Lock()
        self._sent_at = self._began_at = time.monotonic()
        self._over = threading.Event()

    def say(self, said: Any, *, now: bool = False) -> None:
        """Have something told, within a moment, or ``now``."""
        with self._lock:
            self._said.append(said)
            due = now or self._alone or time.monotonic() - self._sent_at > _TELL_SECONDS
            if due:
                self._flush()

    def _flush(self) -> None:
        if self._said:
            said, self._said = self._said, []
            self._send(said)
        self._sent_at = time.monotonic()

    def do_all(self, do: Callable[[bytes], bool]) -> None:
        """Do one task after the other; after one that answers with False the rest is given back."""
        if not self._alone:
            threading.Thread(target=self._mind, daemon=True).start()
        try:
            while (spec := self._next()) is not None:
                if not do(spec):
                    self._give_back()
        finally:
            self._over.set()
            with self._lock:
                self._flush()

    def _next(self) -> bytes | None:
        with self._lock:
            self._began_at = time.monotonic()
            return self._left.popleft() if self._left else None

    def _mind(self) -> None:
        while not self._over.wait(_LOOK_SECONDS):
            with self._lock:
                self._flush()
                stuck = time.monotonic() - self._began_at > _STUCK_SECONDS
            if stuck:
                self._give_back()

    def _give_back(self) -> None:
        with self._lock:
            back = [_read_spec.decode(spec) for spec in self._left]
            self._left.clear()
            self._said += (Back(spec.node, spec.path, spec.attempt) for spec in back)
            self._flush()
