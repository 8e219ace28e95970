"""What is asked of a run that is going on? Other processes write it down, and the one that carries the run looks."""

from __future__ import annotations

import time

from plait.record.database import Database

__all__ = ["CANCEL", "FINISH", "ask", "asked"]

CANCEL = "cancel"  # end running tasks, begin nothing more
FINISH = "finish"  # begin nothing more


def ask(database: Database, run: int, kind: str, by: str) -> None:
    """Ask something of a run, by its number."""
    with database.transaction():
        database.execute(
            "INSERT INTO request (run, kind, asked_at, asked_by) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (run, kind) DO NOTHING",
            (run, kind, time.time(), by),
        )


def asked(database: Database, run: int, since: float = 0.0) -> dict[str, str]:
    """What is asked of a run, and by whom; what was asked before ``since`` was for an earlier turn of it."""
    rows = database.rows("SELECT kind, asked_by FROM request WHERE run = ? AND asked_at >= ?", (run, since))
    return dict(rows)
