"""What does Ctrl-C do to a run? Once it stops launching, twice it ends what runs, and that is not broken off."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from plait.engine.task import EndNow

__all__ = ["Interrupts"]


class Interrupts:
    """Within its block the first Ctrl-C calls ``at_first`` and the second raises. Only the main thread hears any.

    Raises:
        EndNow: at the second.
    """

    def __init__(self, at_first: Callable[[], None]) -> None:
        self._at_first = at_first
        self._pressed = 0
        self._is_deaf = False
        self._previous: Any = None

    def ignore(self) -> None:
        """The run is being ended: one more would leave behind what that is about to take away."""
        self._is_deaf = True

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGINT, self._hear)

    def __exit__(self, *_: object) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)

    def _hear(self, _signal: int, _frame: FrameType | None) -> None:
        if self._is_deaf:
            return
        self._pressed += 1
        if self._pressed > 1:
            raise EndNow
        self._at_first()
