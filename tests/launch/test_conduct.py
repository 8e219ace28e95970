"""Does a run keep to what it was told as a whole: limits, rates, how many at once, cancelling, names, exit hooks?"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from plait import each, get_run, pipeline, step
from plait.errors import ParameterError
from plait.record.store import RecordStore
from tests.cli.conftest import finish, start

FLOW = """
import os, time
from pathlib import Path
from plait import step, pipeline, each

HERE = Path(__file__).parent

@step(limit=("gate", 2), cache=False)
def through(x: int, run: str) -> int:
    mark = HERE / f"inside-{run}-{x}"
    mark.touch()
    most = len(list(HERE.glob("inside-*")))
    with open(HERE / "most", "a") as out:
        out.write(f"{most}\\n")
    time.sleep(0.15)
    mark.unlink()
    return x

@pipeline
def limited(run: str, n: int = 4):
    return through(each(list(range(4))), run)

@step
def stuck(x: int) -> int:
    (HERE / f"began-{os.getpid()}").touch()
    time.sleep(600)
    return x

@pipeline
def long(n: int = 2):
    return stuck(each([1, 2]))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "flow.py").write_text(FLOW)
    return tmp_path


def test_a_limit_holds_across_runs_on_one_store(folder: Path) -> None:
    words = ("-q", "--workers", "4")
    runs = [start("run", "flow.py:limited", f"run={name}", *words, cwd=folder) for name in "ab"]
    for run in runs:
        _, err = run.communicate(timeout=120)
        assert run.returncode == 0, err
    seen = [int(line) for line in (folder / "most").read_text().split()]
    assert len(seen) == 8
    assert max(seen) <= 2
    rows = RecordStore(folder / ".plait").database.rows("SELECT * FROM slot")
    assert rows == [], "who is through has given its place back"


def test_a_run_that_was_killed_holds_no_place_under_a_limit(folder: Path) -> None:
    store = RecordStore(folder / ".plait", create=True)
    store.database.execute("INSERT INTO slot (name, run, node, path) VALUES ('limit:gate', 4711, 0, x'00')")
    store.database.execute("INSERT INTO slot (name, run, node, path) VALUES ('limit:gate', 4711, 0, x'01')")
    answer = finish("run", "flow.py:limited", "run=c", "-q", cwd=folder)
    assert answer.status == 0, answer.err


@pytest.mark.parametrize("executor", ["processes", "inline", "threads"])
def test_a_cancelled_run_ends_with_its_processes_and_says_by_whom(folder: Path, executor: str) -> None:
    process = start("run", "flow.py:long", "-q", "--executor", executor, cwd=folder)
    deadline = time.monotonic() + 60
    while not list(folder.glob("began-*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    workers = [int(mark.name.partition("-")[2]) for mark in folder.glob("began-*")]
    answer = finish("cancel", "--json", cwd=folder)
    assert answer.status == 0, answer.err
    assert json.loads(answer.out)["status"] == "cancelled"
    process.communicate(timeout=60)
    assert process.returncode == 130
    run = get_run(home=folder / ".plait")
    assert {task.state for task in run.tasks} <= {"cancelled"}
    assert all(not Path(f"/proc/{pid}").exists() for pid in workers)
    again = finish("cancel", cwd=folder)
    assert again.status != 0
    assert "is cancelled: there is nothing to cancel" in again.err


def test_no_more_at_once_than_was_said(folder: Path) -> None:
    answer = finish("run", "flow.py:limited", "run=d", "-q", "--max-parallel", "1", cwd=folder)
    assert answer.status == 0, answer.err
    assert {int(line) for line in (folder / "most").read_text().split()} == {1}


def test_a_rate_is_kept(home: Path) -> None:
    begun: list[float] = []

    @step(rate="2/s", cache=False)
    def ask(x: int) -> int:
        begun.append(time.monotonic())
        return x

    @pipeline
    def mapped(xs: list[int]):
        return ask(each(xs))

    mapped.run(xs=[1, 2, 3, 4, 5])
    assert begun[2] - begun[0] >= 0.95
    assert begun[4] - begun[2] >= 0.95


def test_a_run_has_a_name_from_its_parameters_and_tags(home: Path) -> None:
    @step
    def fit(alpha: float) -> float:
        return alpha

    @pipeline(run_name="{pipeline} at {alpha:.2f}", run_tags=["nightly"])
    def training(alpha: float = 0.25):
        return fit(alpha)

    from plait.record.annotations import annotations_of

    run = training.run(run_tags=["mine"], note="first try")
    said = annotations_of(run.store, [run.key])[run.key]
    assert said.name == "training at 0.25"
    assert set(said.tags) == {"nightly", "mine"}
    assert said.note == "first try"
    with pytest.raises(ParameterError, match="did you mean 'alpha'"):
        training.run(run_name="{alhpa}")


def test_whom_to_tell_at_the_end_is_told_and_cannot_spoil_the_run(home: Path) -> None:
    told: list[tuple[str, str]] = []

    @step
    def risky(ok: bool) -> int:
        if not ok:
            raise ValueError("no")
        return 1

    def success(run: Any) -> None:
        told.append(("success", run.status))
        raise RuntimeError("from a hook")

    @pipeline(on_success=success, on_failure=[lambda run: told.append(("failure", run.status))])
    def flow(ok: bool = True):
        return risky(ok)

    with pytest.warns(UserWarning, match="success of run .* raised RuntimeError: from a hook"):
        assert flow.run().result == 1
    flow.run(ok=False, raise_on_failure=False)
    assert told == [("success", "done"), ("failure", "failed")]


def test_failing_fast_leaves_the_rest_undone(home: Path) -> None:
    @step(retries=0)
    def first() -> int:
        raise ValueError("no")

    @step
    def other(x: int) -> int:
        return x

    @pipeline
    def flow():
        return first(), other.with_(priority=-1)(1)

    slow = flow.run(raise_on_failure=False)
    assert slow.status == "failed"
    assert slow.task("other").state == "done"
    fast = flow.run(raise_on_failure=False, fail_fast=True, cache=False)
    assert fast.status == "failed"
    assert "other" not in [task.name for task in fast.tasks if task.state == "done"]
