"""What is told of a computation that was done again and again?"""

from __future__ import annotations

from plait import get_run, pipeline, step
from plait.record.computations import Computations


@step(outputs=["low", "high"])
def split(x: int):
    return x, x + 1


@pipeline
def splitting(x: int):
    return split(x)


def test_the_latest_results_are_told_whole_and_so_is_what_is_under_way(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLAIT_HOME", str(tmp_path / ".plait"))
    monkeypatch.setattr("plait.record.computations._MOST_RESULTS", 3)
    runs = [splitting.run(x=1, cache=False).id for _ in range(6)]
    last = get_run(runs[-1])
    key = last.task("split").key
    database = last.store.database
    computations = Computations(database)
    found = computations.find([key])[key]
    assert [one.run_id for one in found] == runs[:2:-1]
    assert all(len(one.artifacts) == 2 for one in found)
    database.execute(
        "UPDATE attempt SET state = NULL, ended_at = NULL WHERE run = ?", (get_run(runs[0]).key,)
    )
    found = computations.find([key])[key]
    assert [one.run_id for one in found] == [*runs[:2:-1], runs[0]]
    assert found[-1].made_at is None
