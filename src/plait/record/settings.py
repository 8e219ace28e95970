"""Which record stores can a stack name, and what can be set on each?

Each class is a type: its fields are the options of ``record_store:`` in ``stack.yml``.
"""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from plait.project.project import Project
from plait.record.database import Database

__all__ = ["Sqlite"]


class Sqlite(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of this machine, ``.plait/records.db`` if left out."""

    path: str | None = None

    def open(self, project: Project, *, create: bool = False) -> Database:
        place = (
            project.home / "records.db" if self.path is None else project.root / Path(self.path).expanduser()
        )
        return Database(place, create=create)
