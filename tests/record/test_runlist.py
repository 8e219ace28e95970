"""Are runs listed in the order that was asked for, a page at a time, those without a value last?"""

from __future__ import annotations

import pytest

from plait import list_runs, log, pipeline, step
from plait.record.runlist import run_page
from plait.record.store import RecordStore


@step(cache=False)
def measure(value: float, name: str) -> float:
    if name != "silent":
        log(rmse=value)
    return value


@pipeline
def measured(value: float, name: str) -> float:
    return measure(value, name)


VALUES = [0.3, 0.1, float("nan"), 0.2, 0.1, -1.0, 5.0]


@pytest.fixture
def store(tmp_path, monkeypatch) -> RecordStore:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLAIT_HOME", str(tmp_path / ".plait"))
    for at, value in enumerate(VALUES):
        measured.run(value=value, name=f"run {at}")
        if at % 3 == 0:
            measured.run(value=value, name="silent")
    return RecordStore(tmp_path / ".plait")


def values_of(store: RecordStore, **asked) -> list[float | None]:
    """Of all pages, each of three runs."""
    found, cursor = [], None
    while True:
        page = run_page(store, limit=3, cursor=cursor, columns=["metric:rmse"], **asked)
        found += [row.values["metric:rmse"] for row in page.items]
        ids = [row.id for row in page.items]
        assert len(set(ids)) == len(ids)
        cursor = page.next
        if cursor is None:
            return found


@pytest.mark.parametrize("q", ["", "-pipeline:other", "-value>100"])
def test_runs_are_sorted_by_a_metric_in_both_directions(store, q):
    numbers = sorted(value for value in VALUES if value == value)
    absent = [None] * (len(list_runs(limit=100)) - len(numbers))
    assert values_of(store, q=q, sort="metric:rmse") == numbers + absent
    assert values_of(store, q=q, sort="-metric:rmse") == numbers[::-1] + absent


def test_every_run_is_on_one_page(store):
    for sort in ("started", "-started", "seconds", "metric:rmse", "param:value", "-param:name"):
        whole = [row.id for row in run_page(store, sort=sort, limit=100).items]
        assert sorted(whole) == sorted(run.id for run in list_runs(limit=100))
        paged, cursor = [], None
        while True:
            page = run_page(store, sort=sort, limit=4, cursor=cursor)
            paged += [row.id for row in page.items]
            cursor = page.next
            if cursor is None:
                break
        assert paged == whole, sort


def test_a_filter_on_what_lies_in_facts_and_parameters_takes_what_fits(store):
    assert len(values_of(store, q="name=silent")) == 3
    assert values_of(store, q="rmse>0.15", sort="metric:rmse") == [0.2, 0.3, 5.0]
    assert values_of(store, q="env:prod") == []
