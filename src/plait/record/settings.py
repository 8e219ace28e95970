"""Which record stores can a stack name, and what can be set on each?

Each class is a type: its fields are the options of ``record_store:`` in ``stack.yml``.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from msgspec import Struct

from plait.graph.units import read_seconds
from plait.project.project import Project
from plait.project.secrets import Secret
from plait.record.database import Database
from plait.record.sqlite import SqliteDatabase

__all__ = ["Postgresql", "Sqlite", "open_url"]


class Sqlite(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of this machine, ``.plait/records.db`` if left out."""

    path: str | None = None

    def open(self, project: Project, *, create: bool = False) -> Database:
        place = (
            project.home / "records.db" if self.path is None else project.root / Path(self.path).expanduser()
        )
        return SqliteDatabase(place, create=create)


class Postgresql(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A PostgreSQL database, for several people and machines at once.

    Attributes:
        url: ``postgresql://user@host:port/database``.
        schema: where the tables are in it; projects that name the same one share their runs and their cache.
        user, password: instead of those in the URL.
        retry_for: how long a run waits for a database that went away.
    """

    integration: ClassVar[str] = "postgres"
    schemes: ClassVar[tuple[str, ...]] = ("postgresql", "postgres")

    url: str
    schema: str = "plait"
    user: str | None = None
    password: Secret | None = None
    retry_for: str = "5m"

    def __post_init__(self) -> None:
        read_seconds(self.retry_for)

    def open(self, project: Project | None, *, create: bool = False) -> Database:
        from plait.record.postgres import PostgresDatabase

        login = {"user": self.user, "password": self.password.reveal() if self.password else None}
        return PostgresDatabase(
            self.url,
            schema=self.schema,
            create=create,
            retry_seconds=read_seconds(self.retry_for),
            login={name: value for name, value in login.items() if value is not None},
        )


def open_url(text: str, home: Path, *, create: bool) -> Database:
    """The records that ``PLAIT_RECORDS`` names: a file, or a database by its URL with ``?schema=…`` for its schema."""
    if "://" not in text:
        return SqliteDatabase(Path(text).expanduser(), create=create)
    from urllib.parse import parse_qsl, urlencode, urlsplit

    parts = urlsplit(text)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    schema = query.pop("schema", "plait")
    if "{home}" in schema:
        import hashlib

        schema = schema.replace("{home}", hashlib.blake2b(str(home).encode(), digest_size=10).hexdigest())
    settings = Postgresql(url=parts._replace(query=urlencode(query)).geturl(), schema=schema)
    return settings.open(None, create=create)
