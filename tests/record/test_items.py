"""Can the tasks of a map be paged through, and jumped into?"""

from __future__ import annotations

import pytest

from plait import each, get_run, list_runs, log, pipeline, step
from plait.errors import RunFailed
from plait.record.curves import step_metrics
from plait.record.items import find_step, strip, task_page
from plait.record.views import Run


@step
def odd(x: int) -> int:
    log(half=x / 2)
    if x % 10 == 3:
        raise ValueError(f"{x} is odd")
    return x


@pipeline
def mapped() -> list[int]:
    return odd(each(list(range(40))))


@pytest.fixture
def run(tmp_path, monkeypatch) -> Run:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLAIT_HOME", str(tmp_path / ".plait"))
    with pytest.raises(RunFailed):
        mapped.run()
    return get_run(list_runs()[0].id)


FIRST = [f"odd[{at}]" for at in (3, 13, 23, 33)]
REST = [f"odd[{at}]" for at in range(40) if at % 10 != 3]


@pytest.mark.parametrize(
    ("sort", "order"), [("state", FIRST + REST), ("index", [f"odd[{at}]" for at in range(40)])]
)
def test_a_page_from_the_middle_holds_what_the_pages_from_the_start_hold_there(run, sort, order):
    for offset in (0, 2, 4, 17, 39, 40, 400):
        page = task_page(run, "odd", sort=sort, offset=offset, limit=7)
        assert [one.task for one in page.items] == order[offset : offset + 7]
        assert page.total == 40
    after = task_page(run, "odd", sort=sort, offset=17, limit=7).next
    assert [one.task for one in task_page(run, "odd", sort=sort, cursor=after, limit=5).items] == order[24:29]


def test_a_page_from_the_middle_of_some_states_counts_only_those(run):
    page = task_page(run, "odd", states=["done"], offset=30, limit=50)
    assert [one.task for one in page.items] == REST[30:]
    assert page.total == 36


def test_the_slowest_are_paged_by_place(run):
    whole = [one.task for one in task_page(run, "odd", sort="slowest", limit=40).items]
    assert [one.task for one in task_page(run, "odd", sort="slowest", offset=10, limit=5).items] == whole[
        10:15
    ]


def test_the_metrics_of_a_step_are_those_of_its_tasks(run):
    (half,) = step_metrics(run, find_step(run, "odd"))
    assert (half.name, half.tasks, half.points, half.least, half.greatest) == ("half", 40, 40, 0.0, 19.5)


@pytest.mark.parametrize("width", [40, 17, 9, 1])
def test_a_strip_of_a_wide_map_shows_what_looking_at_each_task_shows(run, width, monkeypatch):
    exact = strip(run, "odd", width)
    monkeypatch.setattr("plait.record.items._EXACT", 10)
    assert strip(run, "odd", width) == exact
    assert "f" in exact.cells


def test_a_strip_of_a_wide_map_tells_what_has_not_begun(run, monkeypatch):
    monkeypatch.setattr("plait.record.items._EXACT", 10)
    run.store.database.execute(
        "DELETE FROM attempt WHERE run = ? AND path >= ?", (run.key, (20).to_bytes(4, "big"))
    )
    assert strip(run, "odd", 40).cells == ("ddd" + "f" + "dddddd") * 2 + "x" * 20
    # The first task of a cell has not begun, another one has.
    run.store.database.execute(
        "DELETE FROM attempt WHERE run = ? AND path = ?", (run.key, (0).to_bytes(4, "big"))
    )
    assert strip(run, "odd", 20).cells[0] == "d"
