"""A run says that it is alive whatever its thread is at, and never in the name of somebody else."""

from __future__ import annotations

import time
from typing import Any

import pytest

from plait.record.heartbeat import beating
from plait.record.views import Run
from plait.record.writer import RunWriter
from tests.programs import Folder

FLOW = """
@step
def work(n: int):
    return n
@pipeline
def flow(n: int = 1):
    return work(n)
"""


@pytest.fixture
def silent(folder: Folder) -> tuple[Run, Any]:
    """A run that goes on, and has said nothing for a long time."""
    folder.write(FLOW)
    run = folder.run()
    database = run.store.database
    long_ago = time.time() - 1000
    database.execute(
        "UPDATE run SET status = NULL, ended_at = NULL, heartbeat_at = ? WHERE key = ?", (long_ago, run.key)
    )
    return run, RunWriter(database, run.key, run.id, long_ago)


def waited_for(run: Run, since: float, seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if run.refresh().heartbeat > since:
            return True
        time.sleep(0.02)
    return False


def test_while_a_long_task_goes_on_the_run_is_heard(silent: tuple[Run, Any]) -> None:
    run, writer = silent
    began = time.time()
    with beating(writer, 0.05):
        assert waited_for(run, began)
        assert waited_for(run, run.heartbeat), "and again"


def test_a_run_that_was_taken_over_or_has_ended_is_left_alone(silent: tuple[Run, Any]) -> None:
    run, writer = silent
    began = time.time()
    run.store.database.execute("UPDATE run SET turn = turn + 1 WHERE key = ?", (run.key,))
    with beating(writer, 0.05):
        assert not waited_for(run, began, 0.5)
    run.store.database.execute("UPDATE run SET turn = 0, status = 'done' WHERE key = ?", (run.key,))
    with beating(writer, 0.05):
        assert not waited_for(run, began, 0.5)


def test_a_run_whose_turns_say_it_needs_no_second_voice(silent: tuple[Run, Any]) -> None:
    run, writer = silent
    writer.beat(time.time() + 1000)
    before = run.refresh().heartbeat
    with beating(writer, 0.05):
        time.sleep(0.3)
    assert run.refresh().heartbeat == before
