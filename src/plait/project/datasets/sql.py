"""How is a table of a database, or the answer to a query, read and written through SQLAlchemy?"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from plait.errors import CatalogError, did_you_mean
from plait.project.datasets.conversion import need
from plait.project.datasets.csv import table_for_pandas
from plait.project.datasets.fingerprints import hash_text
from plait.project.datasets.protocol import Context, Written
from plait.project.datasets.storage import masked_url

__all__ = ["SqlQuery", "SqlTable", "query", "table"]

_MODES = ("replace", "append", "fail")


def table(
    context: Context,
    *,
    table_name: str,
    con: str | None = None,
    schema: str | None = None,
    credentials: Mapping[str, Any] | None = None,
    load_args: Mapping[str, Any] | None = None,
    save_args: Mapping[str, Any] | None = None,
    fingerprint_query: str | None = None,
) -> SqlTable:
    """A table by name.

    * ``con``: the database's URL; usually kept as ``con`` under ``credentials``, with further engine options.
    * ``load_args``: arguments of ``pandas.read_sql_table``.
    * ``save_args``: arguments of ``DataFrame.to_sql``; ``if_exists`` is "replace" without it.
    * ``fingerprint_query``: a query whose answer changes when the data does, such as its newest date.
    """
    database = _database(context, con, credentials)
    load, save = dict(load_args or {}), dict(save_args or {})
    schema = schema or save.pop("schema", None) or load.pop("schema", None)
    load.pop("schema", None)
    mode = save.setdefault("if_exists", "replace")
    if mode not in _MODES:
        raise CatalogError(
            f"{context.name!r} has an unknown if_exists {mode!r}",
            where=context.where,
            hint=did_you_mean(str(mode), _MODES),
        )
    return SqlTable(
        context,
        database,
        table_name,
        schema=schema,
        load_args=load,
        save_args=save,
        fingerprint_query=fingerprint_query,
    )


def query(
    context: Context,
    *,
    sql: str | None = None,
    filepath: str | None = None,
    con: str | None = None,
    credentials: Mapping[str, Any] | None = None,
    load_args: Mapping[str, Any] | None = None,
    execution_options: Mapping[str, Any] | None = None,
    fs_args: Mapping[str, Any] | None = None,
    fingerprint_query: str | None = None,
) -> SqlQuery:
    """The answer to a query, written as ``sql`` or kept in a file; it can only be loaded."""
    if (sql is None) == (filepath is None):
        raise CatalogError(f"{context.name!r} needs either `sql:` or `filepath:`", where=context.where)
    database = _database(context, con, credentials)
    file = Path(context.root, filepath) if filepath else None
    return SqlQuery(
        context,
        database,
        sql,
        file=file,
        load_args=dict(load_args or {}),
        options=dict(execution_options or {}),
        fingerprint_query=fingerprint_query,
    )


def _database(context: Context, con: str | None, credentials: Mapping[str, Any] | None) -> Database:
    options = dict(credentials or {})
    url = con or options.pop("con", None)
    options.pop("con", None)
    if not isinstance(url, str) or not url:
        raise CatalogError(
            f"{context.name!r} does not say which database it is in",
            where=context.where,
            hint="write `credentials: my_db`, and in conf/local/credentials.yml `my_db: {con: postgresql://…}`",
        )
    return Database(url, options, context)


class Database:
    """An engine that is made on first use, and transactions that really cover what is in them."""

    def __init__(self, url: str, options: Mapping[str, Any], context: Context) -> None:
        self.url = url
        self._options = options
        self._context = context
        self._made: Any = None

    @property
    def engine(self) -> Any:
        if self._made is None:
            sqlalchemy = need("sqlalchemy", "a dataset in a database")
            try:
                url = sqlalchemy.make_url(self.url)
                if url.get_backend_name() == "sqlite" and url.database not in {None, "", ":memory:"}:
                    url = url.set(database=str(Path(self._context.root, url.database)))
                engine = sqlalchemy.create_engine(url, **self._options)
            except sqlalchemy.exc.ArgumentError as error:
                raise CatalogError(
                    f"{self._context.name!r} has a database URL that cannot be read",
                    where=self._context.where,
                    hint="write dialect+driver://user:password@host/database",
                ) from error
            except ModuleNotFoundError as error:
                raise CatalogError(
                    f"{self._context.name!r} needs the database driver {error.name}, which is not installed",
                    where=self._context.where,
                    hint=f"pip install {error.name}",
                ) from error
            if engine.dialect.name == "sqlite":
                _cover_everything(engine, sqlalchemy.event)
            self._made = engine
        return self._made

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Any]:
        with self.engine.begin() as connection:
            yield connection

    @property
    def shown(self) -> str:
        return masked_url(self.url)

    def answer(self, statement: str) -> str:
        """One hash of everything that a query returns."""
        text = need("sqlalchemy", "a dataset in a database").text
        with self.engine.connect() as connection:
            return hash_text(*(repr(tuple(row)) for row in connection.execute(text(statement))))

    def release(self) -> None:
        if self._made is not None:
            self._made.dispose()
            self._made = None


def _cover_everything(engine: Any, event: Any) -> None:
    """Let SQLite's transactions cover the creation of tables too, which its driver leaves outside."""

    @event.listens_for(engine, "connect")  # type: ignore[untyped-decorator]
    def connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")  # type: ignore[untyped-decorator]
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


class SqlTable:
    """A table of a database. See ``table``."""

    def __init__(
        self,
        context: Context,
        database: Database,
        name: str,
        *,
        schema: str | None,
        load_args: dict[str, Any],
        save_args: dict[str, Any],
        fingerprint_query: str | None,
    ) -> None:
        self.context = context
        self.database = database
        self.name = name
        self.schema = schema
        self.load_args = load_args
        self.save_args = save_args
        self.fingerprint_query = fingerprint_query

    def load(self) -> Any:
        return self.load_as(None)

    def load_as(self, wanted: str | None) -> Any:
        pandas = need("pandas", "sql_table")
        if not self.exists():
            raise self._missing()
        arguments = dict(self.load_args)
        if wanted not in {None, "pandas"}:
            arguments.setdefault("dtype_backend", "pyarrow")
        with self.database.engine.connect() as connection:
            return pandas.read_sql_table(self.name, connection, schema=self.schema, **arguments)

    def save(self, value: Any) -> Written:
        frame = table_for_pandas(value)
        arguments = {"index": False, **self.save_args}
        with self.database.transaction() as connection:
            if arguments["if_exists"] == "replace" and self._same_columns(connection, frame, arguments):
                # The table keeps its types, indexes and rights; readers see the old rows until the commit.
                sqlalchemy = need("sqlalchemy", "a dataset in a database")
                connection.execute(sqlalchemy.table(self.name, schema=self.schema).delete())
                arguments["if_exists"] = "append"
            frame.to_sql(self.name, connection, schema=self.schema, **arguments)
        return Written(place=f"{self.database.shown} · {self.name}", content=self.fingerprint())

    def _same_columns(self, connection: Any, frame: Any, arguments: Mapping[str, Any]) -> bool:
        sqlalchemy = need("sqlalchemy", "a dataset in a database")
        inspector = sqlalchemy.inspect(connection)
        if arguments["index"] or not inspector.has_table(self.name, schema=self.schema):
            return False
        there = [column["name"] for column in inspector.get_columns(self.name, schema=self.schema)]
        return there == [str(column) for column in frame.columns]

    def exists(self) -> bool:
        sqlalchemy = need("sqlalchemy", "a dataset in a database")
        return bool(sqlalchemy.inspect(self.database.engine).has_table(self.name, schema=self.schema))

    def fingerprint(self) -> str | None:
        return self.database.answer(self.fingerprint_query) if self.fingerprint_query else None

    def release(self) -> None:
        self.database.release()

    def _missing(self) -> CatalogError:
        sqlalchemy = need("sqlalchemy", "a dataset in a database")
        known = sqlalchemy.inspect(self.database.engine).get_table_names(schema=self.schema)
        return CatalogError(
            f"dataset {self.context.name!r} has no data: there is no table {self.name!r} in "
            f"{self.database.shown} "
            f"(environment {self.context.env!r})",
            where=self.context.where,
            hint=did_you_mean(self.name, known),
        )


class SqlQuery:
    """The answer to a query. See ``query``."""

    def __init__(
        self,
        context: Context,
        database: Database,
        sql: str | None,
        *,
        file: Path | None,
        load_args: dict[str, Any],
        options: dict[str, Any],
        fingerprint_query: str | None,
    ) -> None:
        self.context = context
        self.database = database
        self.sql = sql
        self.file = file
        self.load_args = load_args
        self.options = options
        self.fingerprint_query = fingerprint_query

    def load(self) -> Any:
        return self.load_as(None)

    def load_as(self, wanted: str | None) -> Any:
        pandas = need("pandas", "sql_query")
        arguments = dict(self.load_args)
        if wanted not in {None, "pandas"}:
            arguments.setdefault("dtype_backend", "pyarrow")
        text = need("sqlalchemy", "a dataset in a database").text
        with self.database.engine.connect() as connection:
            asked = connection.execution_options(**self.options) if self.options else connection
            return pandas.read_sql_query(text(self._statement()), asked, **arguments)

    def _statement(self) -> str:
        if self.file is None:
            return self.sql or ""
        if not self.file.is_file():
            raise CatalogError(
                f"the query of dataset {self.context.name!r} is not there: {self.file} "
                f"(environment {self.context.env!r})",
                where=self.context.where,
            )
        return self.file.read_text(encoding="utf-8")

    def save(self, value: Any) -> Any:
        raise CatalogError(
            f"{self.context.name!r} is a query, which can only be loaded",
            where=self.context.where,
            hint="save under an entry of type sql_table",
        )

    def fingerprint(self) -> str | None:
        if self.fingerprint_query is None:
            return None
        return hash_text(self._statement(), self.database.answer(self.fingerprint_query))

    def release(self) -> None:
        self.database.release()
