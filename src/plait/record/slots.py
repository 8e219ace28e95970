"""How many tasks run under a limit that several runs share? A row for each, as long as it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from plait.graph.model import Path
from plait.record.database import Database
from plait.record.writer import RunWriter

__all__ = ["Slots"]


class Slots:
    """The slots of one run among those of others. They are looked at and taken within a turn of the run.

    Args:
        alive: whether another run, by its number, is still going on: one that is not holds nothing.
    """

    def __init__(self, database: Database, writer: RunWriter, alive: Callable[[int], bool]) -> None:
        self._database = database
        self._writer = writer
        self._alive = alive

    def taken_by_others(self, name: str) -> int:
        """How many tasks of other runs are running under a limit; until the turn ends, no other run takes a slot."""
        self._database.one_at_a_time("limits")
        rows = self._database.rows(
            "SELECT run, COUNT(*) FROM slot WHERE name = ? AND run <> ? GROUP BY run",
            (name, self._writer.key),
        )
        return sum(count for run, count in rows if self._alive(run))

    def take(self, names: Iterable[str], node: int, path: Path) -> None:
        for name in names:
            self._writer.slot_taken(name, node, path)

    def give_back(self, node: int, path: Path) -> None:
        self._writer.slot_given_back(node, path)

    def give_back_all(self) -> None:
        self._writer.slots_given_back()
