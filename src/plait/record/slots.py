"""How many tasks run under a limit that several runs share? A row for each, as long as it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from plait.graph.model import Path
from plait.record.database import Database
from plait.record.paths import to_key

__all__ = ["Slots"]


class Slots:
    """The slots of one run among those of others; used inside a transaction.

    Args:
        alive: whether another run, by its number, is still going on: one that is not holds nothing.
    """

    def __init__(self, database: Database, run: int, alive: Callable[[int], bool]) -> None:
        self._database = database
        self._run = run
        self._alive = alive

    def taken_by_others(self, name: str) -> int:
        """How many tasks of other runs are running under a limit."""
        rows = self._database.rows(
            "SELECT run, COUNT(*) FROM slot WHERE name = ? AND run <> ? GROUP BY run", (name, self._run)
        )
        return sum(count for run, count in rows if self._alive(run))

    def take(self, names: Iterable[str], node: int, path: Path) -> None:
        self._database.many(
            "INSERT INTO slot (name, run, node, path) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            [(name, self._run, node, to_key(path)) for name in names],
        )

    def give_back(self, node: int, path: Path) -> None:
        self._database.execute(
            "DELETE FROM slot WHERE run = ? AND node = ? AND path = ?", (self._run, node, to_key(path))
        )

    def give_back_all(self) -> None:
        self._database.execute("DELETE FROM slot WHERE run = ?", (self._run,))
