"""Stores that another version of plait has written."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import psycopg
import pytest

from plait.errors import RecordError
from plait.record.gc import collect
from plait.record.postgres import translated
from plait.record.schema import MIGRATIONS, VERSION
from plait.record.store import RecordStore
from tests.programs import Folder
from tests.services import Postgres

FLOW = """
@step
def one(n: int):
    return n
@pipeline
def flow(n: int = 3):
    return one(n)
"""


def schema_of(home: Path) -> str:
    from hashlib import blake2b

    return "h" + blake2b(str(home).encode(), digest_size=10).hexdigest()


def make_old(home: Path, version: int, server: Postgres | None) -> None:
    """A store as a version of plait had left it."""
    statements = [statement for some in MIGRATIONS[:version] for statement in some]
    if server is None:
        home.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(home / "records.db")
        for statement in statements:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version={version}")
        connection.commit()
        connection.close()
        return
    RecordStore(home, create=True).database.close()
    schema = schema_of(home)
    with psycopg.connect(server.url) as there:
        there.execute(f"DROP SCHEMA {schema} CASCADE; CREATE SCHEMA {schema}")
        there.execute(f"SET search_path TO {schema}")
        there.execute("CREATE TABLE schema_version (version BIGINT NOT NULL)")
        there.execute("CREATE TABLE acknowledged (run BIGINT PRIMARY KEY, turn BIGINT, number BIGINT)")
        for statement in statements:
            there.execute(translated(statement).encode())
        there.execute("INSERT INTO schema_version VALUES (%s)", (version,))


@pytest.fixture
def server(database: str, request: pytest.FixtureRequest) -> Postgres | None:
    return request.getfixturevalue("postgres") if database == "postgresql" else None


def test_a_store_of_every_earlier_version_is_brought_up_to_date(
    folder: Folder, server: Postgres | None
) -> None:
    for version in range(1, VERSION):
        inside = Folder(folder.path / str(version))
        make_old(inside.home, version, server)
        inside.write(FLOW)
        assert inside.run().result == 3
        assert inside.states(inside.run()) == {"one": "cached"}
        collect(inside.store)
        inside.forget()


@pytest.mark.one_server
def test_tables_are_the_same_from_whatever_version_they_came(tmp_path: Path, server: Postgres | None) -> None:
    assert server is not None
    found = set()
    for version in range(1, VERSION + 1):
        home = tmp_path / str(version)
        make_old(home, version, server)
        RecordStore(home).database.close()
        with psycopg.connect(server.url) as there:
            columns = there.execute(
                "SELECT table_name, column_name, data_type, is_nullable, column_default FROM information_schema.columns"
                " WHERE table_schema = %s AND table_name NOT IN ('acknowledged', 'schema_version')"
                " ORDER BY table_name, ordinal_position",
                (schema_of(home),),
            ).fetchall()
            indexes = there.execute(
                "SELECT indexdef FROM pg_indexes WHERE schemaname = %s ORDER BY indexname", (schema_of(home),)
            ).fetchall()
        found.add(repr((columns, indexes)).replace(schema_of(home), "schema"))
    assert len(found) == 1


def test_a_store_of_a_newer_version_is_left_alone_and_says_so(
    folder: Folder, server: Postgres | None
) -> None:
    folder.write(FLOW)
    folder.run()
    if server is None:
        connection = sqlite3.connect(folder.home / "records.db")
        connection.execute(f"PRAGMA user_version={VERSION + 1}")
        connection.commit()
        connection.close()
    else:
        with psycopg.connect(server.url) as there:
            there.execute(f"UPDATE {schema_of(folder.home)}.schema_version SET version = {VERSION + 1}")
    with pytest.raises(RecordError, match="was written by a newer plait") as error:
        RecordStore(folder.home)
    assert error.value.hint == "upgrade plait: pip install --upgrade plait"


def test_a_store_that_nothing_was_recorded_in_says_so_and_stays_as_it_is(
    tmp_path: Path, server: Postgres | None
) -> None:
    with pytest.raises(RecordError, match="no runs are recorded") as error:
        RecordStore(tmp_path / "home")
    assert error.value.nothing
    assert not os.listdir(tmp_path)
    if server is not None:
        with psycopg.connect(server.url) as there:
            row = there.execute(
                "SELECT 1 FROM pg_namespace WHERE nspname = %s", (schema_of(tmp_path / "home"),)
            ).fetchone()
            assert row is None
