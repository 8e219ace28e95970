"""What is summed up of a run is what counting it again would say."""

from __future__ import annotations

import random

import pytest

from plait.executors.inline import InlineExecutor
from plait.launch.going_on import resume
from plait.record.curves import curves
from plait.record.progress import quantile, step_progress
from plait.record.schema import PACE_BUCKETS, SERIES_BLOCK
from plait.record.views import Run
from tests.programs import Folder

FLOW = """
from plait import log
@step(retries=1)
def fit(n: int, wrong: list):
    log(loss=n / 2)
    if n in wrong:
        raise ValueError(n)
    return n
@step
def train(points: int):
    for at in range(points):
        log(curve=float(at % 100), at=at)
    return points
@pipeline
def flow(count: int = 6, wrong: list = [], points: int = 3):
    train(points)
    return fit(each(list(range(6))), wrong)
"""


def _counted(run: Run) -> dict[tuple[int, str], int]:
    return {
        (node, state): count
        for node, state, count in run.store.database.rows(
            "SELECT node, state, COUNT(*) FROM attempt WHERE run = ? AND state <> 'retried' GROUP BY node, state",
            (run.key,),
        )
    }


def _summed(run: Run) -> dict[tuple[int, str], int]:
    return {
        (node, state): count
        for node, one in run.counts().items()
        for state, count in one.by_state.items()
        if count
    }


def _go_on(folder: Folder, run: Run) -> Run:
    return resume(run, folder.pipeline(), executor=InlineExecutor(tee=False))


def test_counts_are_right_after_failures_retries_caching_and_resuming(folder: Folder) -> None:
    folder.write(FLOW)
    first = folder.run(wrong=[2, 4])
    assert _summed(first) == _counted(first)
    assert {one.id: one.retries for one in step_progress(first)}["fit"] >= 1
    again = folder.run(wrong=[2, 4])
    assert _summed(again) == _counted(again)
    folder.edit("raise ValueError(n)", "return -n")
    resumed = _go_on(folder, first)
    assert resumed.status == "done"
    assert _summed(resumed) == _counted(resumed)
    # What was summed up while it was written is what the whole table says.
    database = resumed.store.database
    kept = database.rows(
        "SELECT node, SUM(attempts), SUM(seconds) FROM pace WHERE run = ? AND bucket >= 0 AND state = 'done'"
        " GROUP BY node ORDER BY node",
        (resumed.key,),
    )
    told = database.rows(
        "SELECT node, COUNT(*), SUM(ended_at - started_at) FROM attempt WHERE run = ? AND state = 'done'"
        " AND started_at IS NOT NULL GROUP BY node ORDER BY node",
        (resumed.key,),
    )
    assert [(node, int(count)) for node, count, _ in kept] == [(node, count) for node, count, _ in told]
    assert [one[2] for one in kept] == pytest.approx([one[2] for one in told], abs=1e-5)


def test_a_result_that_was_taken_brings_what_it_logged_and_its_sums(folder: Folder) -> None:
    folder.write(FLOW)
    first, second = folder.run(), folder.run()
    assert folder.states(second)["train"] == "cached"
    for run in (first, second):
        rows = run.store.database.rows(
            "SELECT name, tasks, points, least, greatest FROM measure WHERE run = ? ORDER BY name", (run.key,)
        )
        assert rows == [("curve", 1, 3, 0.0, 2.0), ("loss", 6, 6, 0.0, 2.5)]


def test_a_long_series_is_told_in_few_points_that_enclose_all(folder: Folder) -> None:
    folder.write(FLOW)
    count = 45 * SERIES_BLOCK + 7
    run = folder.run(points=count)
    (curve,) = curves(run, "curve", points=50).series
    assert curve.points == count
    assert not curve.exact
    assert len(curve.x) <= 50
    assert curve.low is not None
    assert curve.high is not None
    assert (
        min(low for low in curve.low if low is not None),
        max(top for top in curve.high if top is not None),
    ) == (0.0, 99.0)
    assert curve.x[-1] == count - 1
    (zoomed,) = curves(run, "curve", low=1000, high=1010, points=50).series
    assert zoomed.exact
    assert zoomed.x == [float(at) for at in range(1000, 1011)]
    assert zoomed.y == [float(at % 100) for at in range(1000, 1011)]


@pytest.mark.parametrize("seed", range(5))
def test_a_quantile_of_buckets_is_near_the_true_one(seed: int) -> None:
    from bisect import bisect_right

    dice = random.Random(seed)
    times = sorted(dice.lognormvariate(dice.uniform(-6, 4), 1.5) for _ in range(500))
    buckets: dict[int, int] = {}
    for one in times:
        place = bisect_right(PACE_BUCKETS, one)
        buckets[place] = buckets.get(place, 0) + 1
    for share in (0.5, 0.95):
        true = times[int(share * len(times)) - 1]
        assert quantile(list(buckets.items()), share, times[-1]) == pytest.approx(true, rel=0.26)


def test_lines_of_a_run_are_numbered_through_also_after_it_went_on(folder: Folder) -> None:
    from plait.record.loglines import LogScope, line_count, read_lines

    folder.write("""
        @step
        def talk(n: int):
            for at in range(n):
                print("line", at)
            return n
        @step
        def fail(n: int):
            print("failing")
            raise ValueError
        @pipeline
        def flow(n: int = 5):
            return fail(talk(n))
    """)
    run = folder.run()
    folder.edit("raise ValueError", "return n")
    run = _go_on(folder, run)
    page = read_lines(LogScope(run))
    assert [line.n for line in page.lines] == list(range(7))
    assert [line.text for line in page.lines[5:]] == ["failing", "failing"]
    assert line_count(LogScope(run)) == 7
