"""A dynamic run goes on after its process is gone: the body is run again, and what was recorded is not repeated."""

from __future__ import annotations

import json
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest

import plait
from plait.errors import RecordError, RunFailed
from plait.executors.inline import InlineExecutor
from plait.launch.going_on import resume
from plait.record.views import Run
from tests.programs import Folder

SEARCH = """
import time
from plait import TaskFailed, as_completed

@step(cache=False)
def score(x):
    ran(f"score{x}")
    if os.path.exists("slow"):
        time.sleep(0.02)
    if x % 7 == 3:
        raise ValueError(f"no {x}")
    return x * 10
@step(cache=False)
def merge(values):
    ran("merge")
    return sum(values)
@pipeline
def described(xs):
    return merge(score(each(xs)))
@pipeline(dynamic=True)
def search(n: int = 12):
    best, tried = 0, []
    for at in range(n):
        try:
            best = max(best, score(at).result())
        except TaskFailed as error:
            tried.append(error.task)
    later = [score(100 + 7 * at) for at in range(n)]
    seen = [future.result() for future in as_completed(later)]
    return {"best": best, "tried": tried, "sum": merge(later), "seen": sorted(seen), "group": described([20, 21])}
"""

RESULT = {
    "best": 110,
    "tried": ["score[3]", "score[10]"],
    "sum": sum(1000 + 70 * at for at in range(12)),
    "seen": [1000 + 70 * at for at in range(12)],
    "group": 410,
}


@pytest.fixture
def search(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.chdir(folder.path)
    folder.write(SEARCH)
    return folder


def go_on(folder: Folder, run: Run, told: list[str] | None = None) -> Run:
    return resume(
        run,
        folder.pipeline(),
        executor=InlineExecutor(tee=False),
        tell=(told if told is not None else []).append,
    )


def committed(run: Run) -> set[str]:
    """The tasks whose end is recorded."""
    return {task.name for task in run.iter_tasks() if task.state == "done"}


@pytest.mark.parametrize("executor", ["inline", "processes"])
@pytest.mark.parametrize("round_", range(3))
def test_a_killed_run_goes_on_with_the_same_result_and_repeats_nothing(
    search: Folder, executor: str, round_: int
) -> None:
    (search.path / "slow").touch()
    chance = random.Random(f"{executor}{round_}")
    process = search.start("run", "flow.py:search", "--executor", executor, "--quiet")
    goal = chance.randint(1, 24)
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        file = search.path / "ran.txt"
        if file.exists() and len(file.read_text().splitlines()) >= goal:
            break
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    (search.path / "slow").unlink()
    run = search.store.run()
    if run.status == "done":  # it was faster
        return
    assert run.status == "crashed"
    before = committed(run) - {"search"}
    counts = {name: search.count(f"score{x}") for name, x in _values(run).items()}
    done = go_on(search, run)
    assert done.status == "done"
    assert done.result == RESULT
    for name, x in _values(done).items():
        if name in before:
            assert search.count(f"score{x}") == counts[name], f"{name} was repeated"
    assert not _warnings(done)


def _values(run: Run) -> dict[str, Any]:
    return {task.name: task.inputs["x"] for task in run.iter_tasks() if task.id.endswith("score")}


def _warnings(run: Run) -> list[str]:
    return [line.text for line in run.logs(0) if line.stream == "WARNING"]


def test_calls_that_come_in_another_order_are_found_again(search: Folder) -> None:
    search.write(
        """
        @step(cache=False)
        def note(x):
            ran(f"note{x}")
            return x
        @pipeline(dynamic=True)
        def flow():
            order = [1, 2, 2, 3] if not os.path.exists("again") else [2, 3, 1, 2]
            values = [note(x).result() for x in order]
            if not os.path.exists("again"):
                raise RuntimeError("stop here")
            return values
        """
    )
    run = search.run()
    assert (run.status, run.task("flow").reason) == ("failed", "RuntimeError: stop here")
    (search.path / "again").touch()
    done = go_on(search, run)
    assert done.result == [2, 3, 1, 2]
    assert [search.count(f"note{x}") for x in (1, 2, 3)] == [1, 2, 1]
    assert [task.state for task in done.iter_tasks(1)] == ["done"] * 4
    assert not _warnings(done)


def test_a_body_that_takes_another_way_is_told_of_and_nothing_is_mixed_up(search: Folder) -> None:
    search.write(
        """
        @step(cache=False)
        def note(x):
            ran(f"note{x}")
            return x
        @pipeline(dynamic=True)
        def flow():
            again = os.path.exists("again")
            values = [note(x).result() for x in ([5, 1] if again else [1, 2, 3])]
            if not again:
                raise RuntimeError("stop here")
            return values
        """
    )
    run = search.run()
    (search.path / "again").touch()
    done = go_on(search, run)
    assert (done.status, done.result) == ("done", [5, 1])
    assert [search.count(f"note{x}") for x in (1, 2, 3, 5)] == [1, 1, 1, 1]
    (said,) = _warnings(done)
    assert "did not make 2 of its earlier calls again (note[1], note[2])" in said
    assert [(task.name, task.inputs["x"]) for task in done.iter_tasks(1)] == [
        ("note[0]", 1),
        ("note[1]", 2),
        ("note[2]", 3),
        ("note[3]", 5),
    ]


def test_a_failure_that_the_body_knew_of_is_not_tried_again_unless_its_code_changed(search: Folder) -> None:
    search.write(
        """
        from plait import TaskFailed
        @step(cache=False)
        def note(x):
            ran(f"note{x}")
            raise ValueError("old")
        @pipeline(dynamic=True)
        def flow():
            try:
                note(1).result()
            except TaskFailed as error:
                said = str(error)
            else:
                said = "fine"
            if not os.path.exists("again"):
                raise RuntimeError("stop here")
            return said
        """
    )
    run = search.run()
    (search.path / "again").touch()
    edited = (search.path / "flow.py").read_text().replace('raise ValueError("old")', "return x")
    done = go_on(search, run)
    assert done.status == "done"
    assert "note[0] failed: ValueError: old" in done.result
    assert search.count("note1") == 1
    assert done.task("note[0]").state == "failed"
    (search.path / "again").unlink()
    run = search.run()
    (search.path / "again").touch()
    (search.path / "flow.py").write_text(edited)
    assert go_on(search, run).result == "fine"


def test_the_failure_that_ended_the_body_is_tried_again_and_what_it_lived_with_is_not(search: Folder) -> None:
    search.write(
        """
        from plait import TaskFailed
        @step(cache=False)
        def read(x):
            ran(f"read{x}")
            if not os.path.exists("there"):
                raise ValueError("not there yet")
            return x
        @pipeline(dynamic=True)
        def flow():
            try:
                first = read(1).result()
            except TaskFailed:
                first = None
            return [first, read(2).result()]
        """
    )
    run = search.run()
    assert run.status == "failed"
    (search.path / "there").touch()
    done = go_on(search, run)
    assert (done.status, done.result) == ("done", [None, 2])
    assert (search.count("read1"), search.count("read2")) == (1, 2)


def test_a_run_that_was_done_cannot_be_resumed_and_none_can_be_forked(search: Folder) -> None:
    run = search.run(n=2)
    with pytest.raises(RecordError, match="nothing to resume"):
        plait.resume(run, pipeline=search.pipeline())
    with pytest.raises(RecordError, match="no steps to fork at"):
        plait.fork(run, at="score", pipeline=search.pipeline())


def test_another_run_takes_calls_from_the_cache(search: Folder) -> None:
    search.write(
        """
        @step
        def note(x):
            ran(f"note{x}")
            return x
        @pipeline(dynamic=True)
        def flow(n: int = 3):
            return [note(x) for x in range(n)]
        """
    )
    search.run()
    done = search.run(n=5)
    assert [task.state for task in done.iter_tasks(1)] == ["cached"] * 3 + ["done"] * 2
    assert [search.count(f"note{x}") for x in range(5)] == [1] * 5


def test_the_commands_tell_of_a_dynamic_run(search: Folder) -> None:
    status, out, _ = search.plait("show", "flow.py:search")
    assert status == 0
    assert "calls score, as_completed" not in out
    assert "calls score, merge, described" in out
    status, out, err = search.plait("plan", "flow.py:search")
    assert (status, "its body decides" in out) == (0, True), err
    status, out, err = search.plait("run", "flow.py:search", "n=2", "--executor", "inline")
    assert status == 0, err
    assert "score" in out
    status, out, _ = search.plait("plan", "flow.py:search")
    assert "called 4 times in run" in out
    status, out, _ = search.plait("show", "--json")
    steps = {step["id"]: step for step in json.loads(out)["steps"]}
    assert (steps["score"]["total"], steps["described.score"]["total"]) == (4, 2)
    for words in (
        ("show",),
        ("show", "--mermaid"),
        ("why", "latest", "score[0]"),
        ("logs", "latest"),
        ("runs",),
    ):
        status, out, err = search.plait(*words)
        assert status == 0, (words, out, err)


def test_cancelling_ends_a_body_that_waits(search: Folder) -> None:
    (search.path / "slow").touch()
    process = search.start("run", "flow.py:search", "n=500", "--executor", "inline", "--quiet")
    until = time.monotonic() + 30
    while not search.count("score1") and time.monotonic() < until:
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    run = search.store.run()
    assert (run.status, run.task("search").state) == ("cancelled", "cancelled")
    (search.path / "slow").unlink()
    assert go_on(search, run).status == "done"


def test_ten_thousand_calls_make_one_node(search: Folder) -> None:
    search.write(
        """
        @step
        def add(x, y=1):
            return x + y
        @pipeline(dynamic=True)
        def flow(n: int = 10_000):
            return add(sum([add(x) for x in range(3)][0:0], 0), y=len([add(x) for x in range(n)]))
        """
    )
    run = search.run(no_cache=True)
    assert (run.status, run.result) == ("done", 10_000)
    assert [node.id for node in run.graph.nodes] == ["flow", "add"]
    assert run.counts()[1].total == 10_004
    assert len(run.graph.to_json()) < 2_000
    documents = run.store.database.row("SELECT COUNT(*), SUM(LENGTH(body)) FROM document")
    assert documents is not None
    assert documents[0] < 12


def test_a_run_that_fails_says_so(search: Folder, tmp_path: Path) -> None:
    search.write(
        """
        @step
        def add(x):
            return x
        @pipeline(dynamic=True)
        def flow():
            return add(1) + 1
        """
    )
    with pytest.raises(RunFailed, match="calculated with"):
        search.pipeline().run()
