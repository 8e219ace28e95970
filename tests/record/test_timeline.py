"""Does a timeline tell the same from sums of bins as from each attempt?"""

from __future__ import annotations

import contextlib
import functools
import itertools
import sqlite3
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait import each, get_run, list_runs, pipeline, step
from plait.errors import RecordError, RunFailed
from plait.record.bins import SPAN_COLUMNS, SPANS_OF_ATTEMPTS, bin_of
from plait.record.critical import critical_path
from plait.record.spans import Spans
from plait.record.timeline import timeline
from plait.record.views import Run
from plait.record.windows import Window


@step
def odd(x: int) -> int:
    import time

    time.sleep(0.15 if x == 20 else 0.001)
    if x % 20 == 3:
        raise ValueError(f"{x} is odd")
    return x


@step
def first() -> list[int]:
    return list(range(60))


@pipeline
def mapped() -> list[int]:
    return odd(each(first()))


@pytest.fixture
def run(tmp_path, monkeypatch) -> Run:
    """A small run whose attempts were summed up as those of a large one are."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLAIT_HOME", str(tmp_path / ".plait"))
    monkeypatch.setattr("plait.record.writer.Spans", functools.partial(Spans, from_attempts=0))
    with pytest.raises(RunFailed):
        mapped.run()
    return get_run(list_runs()[0].id)


def spans(run: Run) -> list[tuple]:
    return run.store.database.rows(
        f"SELECT {SPAN_COLUMNS} FROM span WHERE run = ? ORDER BY 1, 2, 3, 4, 5", (run.key,)
    )


def test_what_was_summed_up_while_it_was_written_is_what_the_attempts_sum_up_to(run):
    kept = spans(run)
    assert sum(row[5] for row in kept) == 61
    counted = SPANS_OF_ATTEMPTS.replace("> 2000", "> 0")
    assert counted != SPANS_OF_ATTEMPTS
    whole = run.store.database.rows(f"{counted} GROUP BY 1, 2, 3, 4, 5")
    for column in (5, 6):
        assert sum(row[column] for row in kept) == pytest.approx(sum(row[column] for row in whole))
    for column, choose in ((7, max), (8, min), (9, max), (10, max)):
        assert choose(row[column] for row in kept) == choose(row[column] for row in whole)
    assert {row[2:5] for row in kept} == {row[2:5] for row in whole}


def test_a_run_that_is_looked_at_one_by_one_is_not_summed_up(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLAIT_HOME", str(tmp_path / ".plait"))
    with pytest.raises(RunFailed):
        mapped.run()
    run = get_run(list_runs()[0].id)
    assert spans(run) == []
    found = timeline(run)
    assert (found.exact, found.tasks) == (True, 61)


@pytest.mark.parametrize("lane", ["step", "worker"])
def test_bars_of_sums_stand_for_every_attempt(run, lane, monkeypatch):
    exact = timeline(run, lane=lane)
    assert exact.exact
    assert len(exact.bars) == exact.tasks == 61
    # Read one by one and put into bins, then from the sums alone.
    for most in (10_000, 0):
        monkeypatch.setattr("plait.record.windows._MOST_READ", most)
        if most == 0:
            monkeypatch.setattr(Window, "longer", lambda self, bins, seconds: [])
        found = timeline(run, lane=lane, limit=24)
        assert not found.exact
        assert len(found.bars) <= 24
        assert found.tasks == sum(bar.count for bar in found.bars) == 61
        assert sum(bar.failed for bar in found.bars) == 3
        assert min(bar.start for bar in found.bars) == min(bar.start for bar in exact.bars)
        assert max(bar.end for bar in found.bars) == max(bar.end for bar in exact.bars)
        assert [one.id for one in found.lanes] == [one.id for one in exact.lanes]


def test_a_long_attempt_among_many_is_drawn_for_itself(run, monkeypatch):
    monkeypatch.setattr(Window, "attempts", lambda self, wanted: None)
    found = timeline(run, limit=200)
    (long_one,) = [bar for bar in found.bars if bar.task == "odd[20]"]
    assert long_one.end - long_one.start >= 0.15
    assert sum(bar.count for bar in found.bars) == 61
    assert not [bar for bar in found.bars if bar.count > 1 and bar.end - bar.start > 0.1]


def test_a_zoomed_timeline_has_what_went_on_there_and_nothing_else(run):
    whole = timeline(run)
    middle = sorted(bar.start for bar in whole.bars)[30]
    found = timeline(run, start=middle - 0.01, end=middle + 0.01)
    assert {bar.task for bar in found.bars} == {
        bar.task for bar in whole.bars if bar.start <= middle + 0.01 and bar.end >= middle - 0.01
    }
    assert 0 < len(found.bars) < 61


def test_what_a_process_that_died_had_not_summed_up_is_drawn_too(run):
    database = run.store.database
    ended = sorted(bar.start for bar in timeline(run).bars)
    database.execute("DELETE FROM span WHERE run = ? AND first_start > ?", (run.key, ended[10]))
    database.execute(
        "UPDATE run SET status = NULL, ended_at = NULL, host = 'elsewhere', heartbeat_at = 1 WHERE key = ?",
        (run.key,),
    )
    gone = get_run(run.id)
    assert gone.status == "crashed"
    assert timeline(gone).tasks == 61


def test_the_critical_path_is_found_from_the_sums(run):
    links = critical_path(run).items
    assert [one.step for one in links] == ["first", "odd"]
    run.store.database.execute("DELETE FROM span WHERE run = ?", (run.key,))
    assert critical_path(run).items == links


@given(st.lists(st.floats(min_value=0, max_value=1e8, allow_nan=False), min_size=2, max_size=30))
def test_bins_are_in_the_order_of_time_and_as_fine_as_a_screen(moments):
    moments.sort()
    bins = [bin_of(moment) for moment in moments]
    assert bins == sorted(bins)
    assert bins[-1] < 8_000
    for moment, at in zip(moments, bins, strict=True):
        assert bin_of(moment + max(0.04, moment / 120)) > at


def test_sql_knows_the_same_bins():
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE run (key, started_at)")
    connection.execute("CREATE TABLE pace (run, attempts)")
    connection.execute("CREATE TABLE attempt (run, node, attempt, worker, state, started_at, ended_at)")
    connection.execute("INSERT INTO run VALUES (1, 0.0)")
    connection.execute("INSERT INTO pace VALUES (1, 5000)")
    for moment in [0.001, 0.5, 10.1, 10.5, 100.0, 3_600.0, 1e6]:
        connection.execute("DELETE FROM attempt")
        connection.execute("INSERT INTO attempt VALUES (1, 0, 1, '', 'done', ?, ?)", (moment, moment + 1))
        ((found,),) = connection.execute(f"SELECT bin FROM ({SPANS_OF_ATTEMPTS} GROUP BY 1, 2, 3, 4, 5)")
        assert abs(found - bin_of(moment)) <= 1, moment


class Heavy:
    """Takes its time to be loaded."""

    def __reduce__(self):
        return _load, ()


def _load() -> Heavy:
    import time

    time.sleep(2.0)
    return Heavy()


@step(cache=False)
def heavy() -> Heavy:
    return Heavy()


@step(cache=False)
def weigh(one: Heavy) -> int:
    import time

    time.sleep(2.0)
    return 1


@pipeline
def weighing() -> int:
    return weigh(heavy())


@pytest.mark.parametrize("executor", ["processes", "threads"])
def test_a_task_that_goes_on_tells_when_it_was_taken_and_when_its_function_was_called(
    tmp_path, monkeypatch, executor
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLAIT_HOME", str(tmp_path / ".plait"))
    seen: list[str] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            with contextlib.suppress(RecordError):  # nothing is recorded yet
                seen.extend(
                    "starting" if bar.starting else "called" if bar.called_at else "queued"
                    for run in list_runs()
                    for bar in timeline(run).bars
                    if bar.task == "weigh" and bar.state == "running"
                )

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        run = weighing.run(executor=executor, progress=False)
    finally:
        over.set()
        watching.join()
    # It is told after half a second at most; until then nobody knows that it was taken.
    told = [one for one, _ in itertools.groupby(seen)]
    assert told[-2:] == ["starting", "called"]
    assert told[:-2] in ([], ["queued"])
    (attempt,) = run.task("weigh").attempts
    assert attempt.state == "done"
    (bar,) = [bar for bar in timeline(run).bars if bar.task == "weigh"]
    assert not bar.starting
    assert bar.start + 1.9 < bar.called_at < bar.end - 1.9
