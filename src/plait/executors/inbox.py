"""What has been said to an executor, from any thread? It waits here until the run asks for it."""

from __future__ import annotations

import queue
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["Inbox"]

T = TypeVar("T")


class Inbox(Generic[T]):
    """Messages in the order in which they came.

    Attributes:
        rouse: called, in the thread of whoever says something, after that: a run that has several executors waits for
            one of them, and hears of the others by this.
    """

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[T] = queue.SimpleQueue()
        self.get = self._queue.get
        self.get_nowait = self._queue.get_nowait
        self.empty = self._queue.empty
        self.rouse: Callable[[], None] | None = None

    def put(self, message: T) -> None:
        self._queue.put(message)
        if self.rouse is not None:
            self.rouse()
