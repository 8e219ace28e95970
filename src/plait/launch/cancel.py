"""How does a run end that goes on in another process? It is asked in the records; if it is deaf, it is signalled."""

from __future__ import annotations

import os
import signal
import time

from plait.errors import RecordError
from plait.record.alive import host_name
from plait.record.requests import CANCEL, FINISH, ask
from plait.record.views import Run

__all__ = ["cancel"]

_LOOK_SECONDS = 0.05
_DEAF_SECONDS = 3.0


def cancel(run: Run, *, by: str, finish_running: bool = False, timeout: float = 30.0) -> str:
    """Ask a run to end; answers with its status then.

    Args:
        by: who asks.
        finish_running: let tasks that run come to their end.
        timeout: how many seconds to wait for the end.

    Raises:
        RecordError: the run does not go on.
    """
    status = run.status
    if status != "running":
        hint = f"plait resume {run.id}" if status in ("failed", "crashed") else f"plait show {run.id}"
        raise RecordError(f"run {run.id} is {status}: there is nothing to cancel", hint=hint)
    asked_at = time.monotonic()
    ask(run.store.database, run.key, FINISH if finish_running else CANCEL, by)
    signalled = False
    while time.monotonic() - asked_at < timeout:
        status = run.refresh().status
        if status != "running":
            return status
        if not (signalled or finish_running) and time.monotonic() - asked_at > _DEAF_SECONDS:
            signalled = True
            _signal(run)
        time.sleep(_LOOK_SECONDS)
    return run.refresh().status


def _signal(run: Run) -> None:
    """A run whose steps run in its own process hears nothing before the step ends: Ctrl-C twice ends it now."""
    if run.host != host_name():
        return
    for _ in range(2):
        try:
            os.kill(run.pid, signal.SIGINT)
        except OSError:  # gone in the meantime, or another user's
            return
        time.sleep(0.2)
