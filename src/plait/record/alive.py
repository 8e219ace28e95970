"""Is the process of a run still there? Of this machine it is looked at; of others a sign of life is waited for."""

from __future__ import annotations

import os
import time

from plait.record.writer import HEARTBEAT_SECONDS

__all__ = ["LookAtProcess", "heard_of", "host_name", "process_alive"]

_SILENT_SECONDS = 12 * HEARTBEAT_SECONDS
_LOOK_SECONDS = 0.05


class LookAtProcess:
    """Whether a process lives, remembered for a moment: one answer asks several times, and each look costs more than a
    question to the tables.

    Attributes:
        holds: for how many seconds a look is believed.
    """

    def __init__(self) -> None:
        self.holds = _LOOK_SECONDS
        self._seen: tuple[tuple[int, float | None], float, bool] | None = None

    def alive(self, pid: int, started: float | None) -> bool:
        now, process = time.monotonic(), (pid, started)
        if self._seen is None or self._seen[0] != process or now >= self._seen[1] + self.holds:
            self._seen = (process, now, process_alive(pid, started))
        return self._seen[2]


def heard_of(heartbeat: float) -> bool:
    """Whether a run on another machine said lately enough, in epoch seconds, that it is alive."""
    return time.time() - heartbeat < _SILENT_SECONDS


def host_name() -> str:
    if hasattr(os, "uname"):
        return os.uname().nodename
    import socket

    return socket.gethostname()


def process_alive(pid: int, started: float | None) -> bool:
    """Whether a process of this machine lives, and is the same one that began then."""
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return started is None or abs(process.create_time() - started) < 2.0
    except psutil.Error:
        return False
