"""What is special about records that a database server keeps: it goes away, many write at once, views listen."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest

from plait.errors import RecordError
from plait.record.gc import collect
from plait.record.postgres import PostgresDatabase
from plait.record.store import RecordStore
from tests.programs import Folder
from tests.services import Postgres, free_port, postgres_server

FLOW = """
import time
from plait import current
@step
def one(n: int):
    ran(f"one{n}")
    time.sleep(PAUSE)
    print("said", n)
    log(value=n)
    return list(range(3000 + n))
@step
def total(parts):
    return sum(map(len, parts))
@pipeline
def flow(parts: list[int] = list(range(12))):
    return total(one(each(parts)))
"""

SHARED = """
from plait import each, pipeline, step
@step
def one(n: int):
    return list(range(3000 + n))
@step
def total(parts):
    return sum(map(len, parts))
@pipeline
def flow(parts: list[int] = [1, 2, 3]):
    return total(one(each(parts)))
"""


pytestmark = pytest.mark.one_server


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A server that this test may kill."""
    with postgres_server() as server:
        monkeypatch.setenv("PLAIT_RECORDS", server.url_by_home)
        yield server


def open_database(server: Postgres, **options: Any) -> PostgresDatabase:
    return PostgresDatabase(server.url, schema=f"s{time.time_ns()}", **options)


@pytest.mark.parametrize("way", ["stop", "kill"])
def test_a_database_that_goes_away_in_mid_run_and_comes_back_costs_nothing_but_time(
    folder: Folder, own: Postgres, way: str
) -> None:
    folder.write(FLOW.replace("PAUSE", "0.15"))
    run = folder.start("run", "flow.py", "--workers", "1", "--quiet")
    deadline = time.monotonic() + 60
    while folder.count("one2") == 0 and time.monotonic() < deadline:
        time.sleep(0.02)
    getattr(own, way)()
    time.sleep(1.0)
    own.start()
    out, err = run.communicate(timeout=90)
    assert run.returncode == 0, err
    found = folder.store.run(out.strip())
    assert found.status == "done"
    assert found.result == 12 * 3000 + 66
    assert folder.states(found) == {**{f"one[{at}]": "done" for at in range(12)}, "total": "done"}
    assert [folder.count(f"one{at}") for at in range(12)] == [1] * 12
    assert sorted(line.text for line in found.logs()) == sorted(f"said {at}" for at in range(12))
    assert [point.value for point in found.metric_points()] == list(range(12))
    assert folder.states(folder.run()) == {**{f"one[{at}]": "cached" for at in range(12)}, "total": "cached"}


def test_a_database_that_stays_away_ends_the_run_and_says_what_to_do(folder: Folder, own: Postgres) -> None:
    folder.write(FLOW.replace("PAUSE", "0.1"))
    (folder.path / "pyproject.toml").write_text(
        f"[tool.plait]\npackage = 'p'\n[tool.plait.stack.record_store]\ntype = 'postgresql'\nurl = '{own.url}'\nretry_for = '1s'\n"
    )
    (folder.path / "src/p").mkdir(parents=True)
    (folder.path / "src/p/__init__.py").touch()
    os.environ.pop("PLAIT_RECORDS")
    run = folder.start("run", "flow.py", "--workers", "1", "--quiet")
    deadline = time.monotonic() + 60
    while folder.count("one2") == 0 and time.monotonic() < deadline:
        time.sleep(0.02)
    own.stop()
    _, err = run.communicate(timeout=90)
    assert run.returncode == 1
    assert f"the record store postgresql://postgres@127.0.0.1:{own.port}/postgres cannot be reached" in err
    assert "check host and port in record_store" in err
    assert "Traceback" not in err
    own.start()
    status, out, err = folder.plait("resume", "--quiet")
    assert status == 0, err
    status, out, err = folder.plait("show", "--json")
    assert '"done"' in out


def test_a_commit_of_which_nobody_heard_is_not_written_twice(postgres: Postgres) -> None:
    """The server commits, and the connection breaks before it can say so."""
    database = open_database(postgres)
    database.execute("CREATE TABLE seen (n BIGINT)")
    run = database.insert(
        "INSERT INTO run (id, pipeline, target, graph, params, packages, facts, executor, user_name, host, pid,"
        " started_at, heartbeat_at) VALUES (?, '', '', '', '', '', '', '', '', '', 0, 0, 0)",
        ("abc",),
        "key",
    )
    for number, committed in enumerate((True, False), start=1):
        with database.transaction(lambda number=number: not database.is_acknowledged(run, 0, number)):
            database.execute("INSERT INTO seen VALUES (?)", (number,))
            database.acknowledge(run, 0, number)
            assert database._connection is not None
            if committed:
                database._connection.execute("COMMIT")
            database._connection.pgconn.finish()
    assert sorted(database.rows("SELECT n FROM seen")) == [(1,), (2,)]


def test_a_transaction_that_nobody_can_write_again_fails_whole(postgres: Postgres) -> None:
    database = open_database(postgres)
    database.execute("CREATE TABLE seen (n BIGINT)")

    def lose() -> None:
        with database.transaction():
            database.execute("INSERT INTO seen VALUES (1)")
            assert database._connection is not None
            database._connection.pgconn.finish()
            database.execute("INSERT INTO seen VALUES (2)")

    with pytest.raises(RecordError, match="cannot be reached"):
        lose()
    assert database.rows("SELECT n FROM seen") == []


def test_reading_goes_on_after_the_connection_was_broken_off(postgres: Postgres) -> None:
    database = open_database(postgres)
    with psycopg.connect(postgres.url) as other:
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    assert database.rows("SELECT 1") == [(1,)]
    database.execute("INSERT INTO pin VALUES ('run', 'a', '', 0, '')")
    assert database.rows("SELECT id FROM pin") == [("a",)]


def test_several_drivers_at_once_compute_each_task_once(folder: Folder) -> None:
    folder.write(FLOW.replace("PAUSE", "0.05"))
    runs = [folder.start("run", "flow.py", "--workers", "1", "--quiet") for _ in range(3)]
    told = [run.communicate(timeout=90) for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0], told
    assert [folder.count(f"one{at}") for at in range(12)] == [1] * 12
    for out, _ in told:
        assert folder.store.run(out.strip()).result == 12 * 3000 + 66
    collect(folder.store)
    assert folder.store.run().result == 12 * 3000 + 66


def test_who_waits_hears_of_a_run_when_it_writes(folder: Folder) -> None:
    folder.write(FLOW.replace("PAUSE", "0"))
    folder.run(parts=[1])
    store = folder.store
    assert store.wait(5.0)  # what was written before it listened
    assert not store.wait(0.3)
    writer = threading.Thread(target=lambda: folder.run(parts=[2]))
    writer.start()
    assert store.wait(20.0)
    writer.join()


def test_texts_that_postgresql_does_not_take_are_recorded_all_the_same(folder: Folder) -> None:
    folder.write(
        """
@step
def odd(text: str):
    print("a\\0b")
    log(**{"n\\0": float("nan")})
    raise ValueError("nul \\0 there")
@pipeline
def flow(text: str = "x\\0y"):
    return odd(text)
"""
    )
    run = folder.run()
    assert run.status == "failed"
    assert "nul" in run.task("odd").reason
    assert [line.text for line in run.logs()] == ["a\0b"]
    (point,) = run.metric_points()
    assert point.value != point.value


@pytest.mark.parametrize(
    ("url", "what", "hint"),
    [
        ("postgresql://postgres@127.0.0.1:{free}/postgres", "cannot be reached", "check host and port"),
        (
            "postgresql://postgres@127.0.0.1:{port}/nosuch",
            'database "nosuch" does not exist',
            "make the database",
        ),
        ("postgresql://nobody@127.0.0.1:{port}/postgres", 'role "nobody" does not exist', "make the user"),
        ("postgresql://postgres@no-such-host.invalid/x", "cannot be reached", "check host and port"),
        (
            "postgresql://postgres@127.0.0.1:{port}/postgres?nonsense=1",
            "nonsense",
            "write postgresql://user@host",
        ),
    ],
)
def test_a_url_that_is_wrong_says_in_what_way(postgres: Postgres, url: str, what: str, hint: str) -> None:
    with pytest.raises(RecordError) as caught:
        PostgresDatabase(url.format(port=postgres.port, free=free_port()))
    assert what in caught.value.what
    assert hint in (caught.value.hint or "")


def test_a_password_in_a_url_is_never_said(postgres: Postgres) -> None:
    with pytest.raises(RecordError) as caught:
        PostgresDatabase(f"postgresql://postgres:geheim-77@127.0.0.1:{free_port()}/postgres")
    assert "geheim-77" not in str(caught.value)


def test_a_user_who_may_not_make_tables_is_told_so(postgres: Postgres) -> None:
    with psycopg.connect(postgres.url, autocommit=True) as there:
        there.execute("CREATE ROLE reader LOGIN")
    with pytest.raises(RecordError, match="permission denied") as caught:
        PostgresDatabase(postgres.url.replace("postgres@", "reader@"), schema="not_there_yet")
    assert "GRANT CREATE" in (caught.value.hint or "")


def test_two_people_share_runs_and_cache_by_naming_one_schema(tmp_path: Path, postgres: Postgres) -> None:
    stack = f"""
[tool.plait]
package = "p"
[tool.plait.stack]
executor = "inline"
artifact_store = "{tmp_path}/shared"
[tool.plait.stack.record_store]
type = "postgresql"
url = "{postgres.url}"
schema = "team{time.time_ns()}"
"""
    os.environ.pop("PLAIT_RECORDS")
    people = [Folder(tmp_path / name) for name in ("ann", "ben")]
    for one in people:
        (one.path / "src/p").mkdir(parents=True)
        (one.path / "src/p/__init__.py").touch()
        (one.path / "pyproject.toml").write_text(stack)
        (one.path / "flow.py").write_text(SHARED)
    first, second = (one.plait("run", "flow.py", "--json") for one in people)
    assert first[0] == second[0] == 0, first[2] + second[2]
    assert '"cached"' not in first[1]
    assert second[1].count('"cached"') >= 4
    assert '"done"' not in second[1].replace('"status":"done"', "")
    for one in people:
        status, out, _ = one.plait("runs", "--json")
        assert status == 0
        assert out.count('"flow"') >= 2
        assert not (one.home / "records.db").exists()


def test_open_stores_close(postgres: Postgres, tmp_path: Path) -> None:
    store = RecordStore(tmp_path / "home", create=True)
    store.database.close()
    assert store.database.rows("SELECT 1") == [(1,)]  # and is opened again where it is used again
