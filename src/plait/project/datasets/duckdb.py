"""How is a table of a DuckDB database file read and written?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plait.errors import CatalogError, did_you_mean
from plait.project.datasets.conversion import convert_table, installed_kind, need
from plait.project.datasets.fingerprints import hash_local
from plait.project.datasets.protocol import Context, Written


def dataset(
    context: Context,
    *,
    database: str | None = None,
    filepath: str | None = None,
    table: str | None = None,
    sql: str | None = None,
    load_args: Mapping[str, Any] | None = None,
    save_args: Mapping[str, Any] | None = None,
) -> DuckDB:
    """A table, or the answer to a query, of a database file.

    * ``load_args``: settings of the connection, as ``duckdb.connect(config=...)`` takes them.
    * ``save_args``: ``mode``: "replace" (as without it) or "append".
    """
    file = database or filepath
    if not file:
        raise CatalogError(f"{context.name!r} lacks 'filepath', which duckdb needs", where=context.where)
    if (table is None) == (sql is None):
        raise CatalogError(
            f"{context.name!r} needs either `table:` or `sql:`",
            where=context.where,
            hint="a query can only be loaded",
        )
    mode = (save_args or {}).get("mode", "replace")
    if mode not in {"replace", "append"}:
        raise CatalogError(
            f"{context.name!r} has an unknown save mode {mode!r}",
            where=context.where,
            hint=did_you_mean(str(mode), ("replace", "append")),
        )
    return DuckDB(
        context,
        Path(context.root, Path(file).expanduser()),
        table,
        sql,
        config=dict(load_args or {}),
        mode=mode,
    )


class DuckDB:
    """One connection per load or save: a database file is locked while somebody has it open."""

    def __init__(
        self,
        context: Context,
        file: Path,
        table: str | None,
        sql: str | None,
        *,
        config: dict[str, Any],
        mode: str,
    ) -> None:
        self.context = context
        self.file = file
        self.table = table
        self.sql = sql
        self.config = config
        self.mode = mode

    def load(self) -> Any:
        return self.load_as(None)

    def load_as(self, wanted: str | None) -> Any:
        if not self.file.exists():
            raise CatalogError(
                f"dataset {self.context.name!r} has no data: {self.file} does not exist "
                f"(environment {self.context.env!r})",
                where=self.context.where,
            )
        duckdb = need("duckdb", "this dataset")
        with duckdb.connect(str(self.file), read_only=True, config=self.config) as connection:
            if self.table is not None and not self._has_table(connection):
                raise self._no_table(connection)
            query = self.sql or f"SELECT * FROM {_quoted(self.table or '')}"
            table = connection.sql(query).to_arrow_table()
        return convert_table(table, wanted or installed_kind("pandas", "polars", "pyarrow") or "pyarrow")

    def save(self, value: Any) -> Written:
        if self.table is None:
            raise CatalogError(
                f"{self.context.name!r} is a query, which can only be loaded",
                where=self.context.where,
                hint="name a `table:`",
            )
        duckdb = need("duckdb", "this dataset")
        arrow = convert_table(value, "pyarrow")
        self.file.parent.mkdir(parents=True, exist_ok=True)
        name = _quoted(self.table)
        with duckdb.connect(str(self.file)) as connection:
            connection.register("plait_incoming", arrow)
            connection.begin()
            try:
                if "." in self.table:
                    connection.execute(
                        f"CREATE SCHEMA IF NOT EXISTS {_quoted(self.table.rpartition('.')[0])}"
                    )
                if self.mode == "append" and self._has_table(connection):
                    connection.execute(f"INSERT INTO {name} BY NAME SELECT * FROM plait_incoming")
                else:
                    connection.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM plait_incoming")
                connection.commit()
            except BaseException:
                connection.rollback()
                raise
        return Written(
            place=f"{self.file} · {self.table}", content=hash_local(self.file), size=self.file.stat().st_size
        )

    def exists(self) -> bool:
        if not self.file.exists():
            return False
        if self.table is None:
            return True
        with need("duckdb", "this dataset").connect(str(self.file), read_only=True) as connection:
            return self._has_table(connection)

    def fingerprint(self) -> str | None:
        """The file's content: another table's change counts too."""
        return hash_local(self.file, self.context.memo)

    def _has_table(self, connection: Any) -> bool:
        schema, _, table = (self.table or "").rpartition(".")
        found = connection.execute(
            "SELECT count(*) FROM information_schema.tables WHERE table_name = ? AND table_schema = ?",
            [table, schema or "main"],
        ).fetchall()
        return bool(found[0][0])

    def _no_table(self, connection: Any) -> CatalogError:
        rows = connection.execute("SELECT table_name FROM information_schema.tables").fetchall()
        return CatalogError(
            f"{self.file} has no table {self.table!r}, which dataset {self.context.name!r} names",
            where=self.context.where,
            hint=did_you_mean(self.table or "", [row[0] for row in rows]),
        )


def _quoted(name: str) -> str:
    return ".".join('"' + part.replace('"', '""') + '"' for part in name.split("."))
