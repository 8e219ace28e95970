"""Is what was acknowledged still there, whoever writes and whatever breaks?"""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

import plait
from plait import get_run, list_runs, pipeline, step
from plait.errors import PlaitError, RecordError, StoreError
from plait.record.schema import MIGRATIONS, VERSION
from plait.record.sqlite import SqliteDatabase
from plait.record.store import RecordStore, find_home

SOURCE = str(Path(plait.__file__).parents[1])


@step
def same(x: Any) -> Any:
    return x


@pipeline
def small(x: Any) -> Any:
    return same(x)


def script(folder: Path, text: str) -> list[str]:
    file = folder / "script.py"
    file.write_text(textwrap.dedent(text))
    return [sys.executable, str(file)]


def test_several_processes_write_one_store_at_once(tmp_path: Path) -> None:
    command = script(
        tmp_path,
        """
        import sys
        from plait import each, pipeline, step

        @step
        def same(x):
            print(x)
            return x

        @pipeline
        def p(who, n):
            return same(each(list(range(10)))), same(who)

        for n in range(5):
            p.run(who=sys.argv[1], n=n, cache=False)
        """,
    )
    environment = {**os.environ, "PYTHONPATH": SOURCE, "PLAIT_HOME": str(tmp_path / "home")}
    writers = [
        subprocess.Popen(
            [*command, f"w{at}"], env=environment, text=True, stderr=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for at in range(6)
    ]
    for writer in writers:
        _, err = writer.communicate(timeout=90)
        assert (writer.returncode, err) == (0, "")
    runs = list_runs(None, home=tmp_path / "home")
    assert len(runs) == 30
    assert sorted((run.params["who"], run.params["n"]) for run in runs) == [
        (f"w{a}", n) for a in range(6) for n in range(5)
    ]
    for run in runs:
        assert run.status == "done"
        assert run.result == (list(range(10)), run.params["who"])
        assert len(list(run.logs())) == 11


@pytest.mark.one_file
def test_a_store_of_a_newer_version_is_refused_and_left_alone(home: Path) -> None:
    small.run(x=1)
    file = home / "records.db"
    with sqlite3.connect(file) as connection:
        connection.execute(f"PRAGMA user_version={VERSION + 1}")
    connection.close()
    before = _contents(file)
    for use in (lambda: small.run(x=2), lambda: get_run(home=home)):
        with pytest.raises(RecordError, match="written by a newer plait") as caught:
            use()
        assert "upgrade" in str(caught.value)
    assert _contents(file) == before


def _contents(file: Path) -> list[Any]:
    """All that is in a database, wherever SQLite has it just now: in its file or beside it."""
    with contextlib.closing(sqlite3.connect(file)) as connection:
        return [connection.execute("PRAGMA user_version").fetchone(), *connection.iterdump()]


@pytest.mark.one_file
@pytest.mark.parametrize("version", range(VERSION))
def test_a_store_of_an_earlier_version_is_brought_up_to_date(tmp_path: Path, version: int) -> None:
    file = tmp_path / "records.db"
    connection = sqlite3.connect(file)
    for statements in MIGRATIONS[:version]:
        for statement in statements:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version={version}")
    connection.commit()
    connection.close()
    database = SqliteDatabase(file)
    assert database.row("PRAGMA user_version") == (VERSION,)
    fresh = SqliteDatabase(tmp_path / "fresh.db")
    tables = "SELECT name, sql FROM sqlite_master ORDER BY name"
    assert database.rows(tables) == fresh.rows(tables)


@pytest.mark.one_file
def test_a_file_that_is_no_store_is_refused(home: Path) -> None:
    home.mkdir()
    (home / "records.db").write_bytes(b"not a database, not at all" * 100)
    with pytest.raises(RecordError, match="not a database") as caught:
        small.run(x=1)
    assert "move it away" in str(caught.value)


@pytest.mark.one_file
def test_a_home_that_is_a_file_is_refused(home: Path) -> None:
    home.write_text("in the way")
    with pytest.raises(PlaitError) as caught:
        small.run(x=1)
    assert str(home) in str(caught.value)


LIMITED = """
    import resource, signal, sys
    from plait import each, pipeline, step
    from plait.errors import PlaitError, RunFailed

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

    @step
    def fine(x):
        return x

    @step
    def limit(x):
        size = int(sys.argv[1])
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        return x

    @step
    def large(x, _):
        return bytes([x % 256]) * 20_000 * (x + 1) + str(x).encode()

    @pipeline
    def p():
        kept = fine("kept")
        return large(each(list(range(40))), limit(kept))

    try:
        p.run()
    except PlaitError as error:
        print(type(error).__name__, str(error))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs RLIMIT_FSIZE")
@pytest.mark.parametrize("size", [0, 150_000, 400_000])
def test_a_full_disk_is_told_and_loses_nothing_that_was_acknowledged(tmp_path: Path, size: int) -> None:
    """The limit on file sizes stands in for a full disk: artifacts and tables grow until one hits it."""
    home = tmp_path / "home"
    environment = {**os.environ, "PYTHONPATH": SOURCE, "PLAIT_HOME": str(home)}
    done = subprocess.run(
        [*script(tmp_path, LIMITED), str(size)],
        env=environment,
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.startswith(("RecordError", "RunFailed", "StoreError"))
    assert "File too large" in done.stdout or "disk" in done.stdout or "full" in done.stdout
    assert "→" in done.stdout
    run = get_run(home=home)
    assert run.status in ("failed", "crashed")
    assert run["fine"] == "kept"
    for task in run.iter_tasks(state="done"):
        assert task.outputs
    again = subprocess.run(
        [*script(tmp_path, LIMITED), str(1 << 40)],
        env=environment,
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert again.stdout == ""
    assert get_run(home=home).status == "done"


def _mounted(folder: Path, size: str) -> bool:
    folder.mkdir()
    if sys.platform != "linux" or os.geteuid() != 0:
        return False
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("size", ["400k", "1m"])
def test_a_really_full_disk(tmp_path: Path, size: str) -> None:
    disk = tmp_path / "disk"
    if not _mounted(disk, size):
        pytest.skip("no file system can be mounted here")
    try:
        environment = {**os.environ, "PYTHONPATH": SOURCE, "PLAIT_HOME": str(disk / "home")}
        done = subprocess.run(
            [*script(tmp_path, LIMITED), str(1 << 40)],
            env=environment,
            text=True,
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert done.stderr == ""
        assert "full" in done.stdout or "No space left" in done.stdout, done.stdout
        assert "→" in done.stdout
        run = get_run(home=disk / "home")
        assert run.status in ("failed", "crashed")
        assert run["fine"] == "kept"
        for task in run.iter_tasks(state="done"):
            assert task.outputs
        del run, task
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)


@pytest.mark.one_file
def test_a_folder_that_may_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = tmp_path / "disk"
    monkeypatch.setenv("PLAIT_HOME", str(disk / "home"))
    if not _mounted(disk, "10m"):
        disk.chmod(0o500)
        if os.access(disk, os.W_OK):
            pytest.skip("nothing is read-only for this user")
        with pytest.raises(PlaitError, match="cannot"):
            small.run(x=1)
        disk.chmod(0o700)
        return
    try:
        kept = small.run(x=b"x" * 10_000).id
        gc.collect()  # an open file would keep the disk from becoming read-only
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        with pytest.raises((RecordError, StoreError)) as caught:
            small.run(x=b"y" * 10_000)
        assert "→" in str(caught.value)
        assert get_run(kept, home=disk / "home").result == b"x" * 10_000
        assert [run.id for run in list_runs(home=disk / "home")] == [kept]
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
        connection = sqlite3.connect(disk / "home" / "records.db")
        connection.execute("UPDATE run SET pipeline = 'renamed'")
        connection.commit()
        for suffix in ("", "-wal"):  # as a killed writer leaves them
            shutil.copy(disk / "home" / f"records.db{suffix}", tmp_path)
        connection.close()
        for suffix in ("", "-wal"):
            shutil.copy(tmp_path / f"records.db{suffix}", disk / "home")
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        assert get_run(kept, home=disk / "home").pipeline == "renamed"
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)


@pytest.mark.one_file
def test_the_store_is_found_here_above_and_below(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PLAIT_HOME", raising=False)
    with pytest.raises(RecordError, match="no runs are recorded"):
        find_home(tmp_path)
    RecordStore(tmp_path / "project" / ".plait", create=True)
    deep = tmp_path / "project" / "src" / "deep"
    deep.mkdir(parents=True)
    for start in (tmp_path, tmp_path / "project", deep):
        assert find_home(start) == tmp_path / "project" / ".plait"


def test_a_process_of_the_same_number_is_not_the_one_that_ran(home: Path) -> None:
    """In containers the first process is always number 1: a crashed run must not seem to run on."""
    run = small.run(x=1)
    database = RecordStore(home).database
    database.execute("UPDATE run SET status = NULL, ended_at = NULL")
    assert run.refresh().status == "running"
    database.execute("UPDATE run SET process_started = process_started - 1000")
    assert run.refresh().status == "crashed"


def test_a_run_on_another_machine_lives_while_its_heart_beats(home: Path) -> None:
    run = small.run(x=1)
    database = RecordStore(home).database
    database.execute("UPDATE run SET status = NULL, ended_at = NULL, host = 'another'")
    assert run.refresh().status == "running"
    database.execute("UPDATE run SET heartbeat_at = heartbeat_at - 3600")
    assert run.refresh().status == "crashed"


def test_a_failed_transaction_leaves_nothing(home: Path) -> None:
    database = RecordStore(home, create=True).database

    def fail(statement: str) -> None:
        with database.transaction():
            database.execute("INSERT INTO document VALUES ('a', '')")
            database.execute(statement)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail("INSERT INTO document VALUES ('b', '')")
    with pytest.raises(RecordError, match="no such table|does not exist"):
        fail("INSERT INTO nowhere VALUES (1)")
    assert database.rows("SELECT * FROM document") == []
