"""How is a run ended that another process has? It is asked to stop as by Ctrl-C, and records that it did."""

from __future__ import annotations

import os
import signal
import socket
import time

from plait.record.views import Run, process_alive
from plait.server.problems import Refusal

__all__ = ["cancel_run"]

_SECONDS = 2.0


def cancel_run(run: Run) -> None:
    """Ask the process of a run to stop; waits a little for it to say so.

    Raises:
        Refusal: it runs on another machine, or is not to be reached.
    """
    if run.host != socket.gethostname():
        raise Refusal(
            409,
            "conflict",
            f"run {run.id} runs on {run.host}, and can be ended only there",
            f"there: kill -INT {run.pid}",
        )
    if not process_alive(run.pid, run.process_since if run.facts.get("pid") == run.pid else None):
        return
    try:
        os.kill(run.pid, signal.SIGINT)
    except OSError as error:
        raise Refusal(409, "conflict", f"run {run.id} cannot be ended: {error.strerror}") from None
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline and run.refresh().recorded_status is None:
        time.sleep(0.05)
