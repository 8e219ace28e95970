"""What does Ctrl-C do to a run? Once it stops launching, twice it ends what runs."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from plait.engine.task import EndNow

__all__ = ["interrupts"]


@contextmanager
def interrupts(at_first: Callable[[], None]) -> Iterator[None]:
    """Within the block the first Ctrl-C calls ``at_first``. Only the main thread can be told of any.

    Raises:
        EndNow: at the second.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pressed = 0

    def on_interrupt(_signal: int, _frame: FrameType | None) -> None:
        nonlocal pressed
        pressed += 1
        if pressed > 1:
            raise EndNow
        at_first()

    previous = signal.signal(signal.SIGINT, on_interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
