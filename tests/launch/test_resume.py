"""A run that ended badly goes on where it was, whatever ended it."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import plait
from plait.errors import ParameterError, RecordError, RunFailed
from plait.executors.inline import InlineExecutor
from plait.graph.pipeline import Definition
from plait.launch.going_on import fork, resume
from plait.launch.prepare import Given
from plait.record.views import Run
from tests.programs import Folder

MAPPED = """
@step
def load(n: int):
    ran("load")
    return list(range(n))
@step(cache=False)
def side(x):
    ran(f"side{x}")
    if x == 2 and os.path.exists("broken"):
        raise ValueError("no")
    return x + 1
@step
def total(xs):
    ran("total")
    return sum(xs)
@pipeline
def flow(n: int = 6):
    return total(side(each(load(n))))
"""


@pytest.fixture
def broken(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """A run in which one task of six has failed."""
    monkeypatch.chdir(folder.path)
    folder.write(MAPPED)
    (folder.path / "broken").touch()
    assert folder.run().status == "failed"
    return folder


def go_on(folder: Folder, run: Run, told: list[str] | None = None, pipeline: Definition | None = None) -> Run:
    return resume(
        run,
        pipeline or folder.pipeline(),
        executor=InlineExecutor(tee=False),
        tell=(told if told is not None else []).append,
    )


def wait_for(condition: Callable[[], object], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def test_a_failed_run_goes_on_and_repeats_nothing_that_was_done(broken: Folder) -> None:
    (broken.path / "broken").unlink()
    run = go_on(broken, broken.store.run())
    assert run.result == sum(range(1, 7))
    assert [broken.count(f"side{x}") for x in range(6)] == [1, 1, 2, 1, 1, 1]
    assert broken.count("load") == broken.count("total") == 1
    assert run.task("side[2]").attempt == 2
    assert len(broken.store.runs()) == 1


def test_mended_code_is_used_for_what_is_to_do_and_pointed_out_for_what_is_done(broken: Folder) -> None:
    broken.edit("return x + 1", "return x + 10")
    broken.edit("if x == 2 and os.path.exists", "if x == 99 and os.path.exists")
    told: list[str] = []
    run = go_on(broken, broken.store.run(), told)
    assert run["side"] == [1, 2, 12, 4, 5, 6]
    assert told == ["side: 5 of 6 tasks are done and not repeated, though its code has changed since"]
    mended, kept = run.task("side[2]").why(), run.task("side[1]").why()
    assert mended.components.closure.digest != kept.components.closure.digest


def test_a_step_that_needs_an_element_and_the_whole_list_is_skipped_when_the_element_fails(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.path)
    folder.write(
        """
        @step
        def one(x: int):
            if os.path.exists("broken"):
                raise ValueError("no")
            return x
        @step
        def share(x, xs):
            return x / sum(xs)
        @pipeline
        def flow(xs: list[int] = [1, 3]):
            ones = one(each(xs))
            return share(each(ones), ones)
        """
    )
    (folder.path / "broken").touch()
    run = folder.run()
    assert run.status == "failed"
    assert folder.states(run) == {
        "one[0]": "failed",
        "one[1]": "failed",
        "share[0]": "skipped",
        "share[1]": "skipped",
    }
    (folder.path / "broken").unlink()
    assert go_on(folder, run).result == [0.25, 0.75]


@pytest.mark.parametrize("taken", [False, True])
def test_a_result_that_was_damaged_meanwhile_is_made_once_more(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, *, taken: bool
) -> None:
    monkeypatch.chdir(folder.path)
    folder.write(
        """
        @step(cache=False)
        def make(n: int):
            ran("make")
            return bytes(n)
        @step
        def size(data):
            if os.path.exists("broken"):
                raise ValueError("no")
            return len(data)
        @pipeline
        def flow(n: int = 50_000):
            return size(make(n))
        """
    )
    if taken:
        folder.edit("@step(cache=False)", "@step")
        folder.run()
        folder.edit("return len(data)", "return len(data) + 0")
    (folder.path / "broken").touch()
    assert folder.run().status == "failed"
    (folder.path / "broken").unlink()
    for blob in (folder.home / "artifacts" / "blobs").rglob("*"):
        if blob.is_file():
            blob.unlink()
    run = go_on(folder, folder.store.run())
    assert run.result == 50_000
    assert folder.count("make") == 2
    assert folder.states(run) == {"make": "done", "size": "done"}
    assert len(run.tasks) == 2


def test_a_run_that_is_done_or_goes_on_is_not_resumed(folder: Folder) -> None:
    folder.write(MAPPED)
    run = folder.run()
    with pytest.raises(RecordError, match="is done: there is nothing to resume"):
        go_on(folder, run)


def test_a_changed_pipeline_takes_what_is_the_same_into_a_new_run(broken: Folder) -> None:
    (broken.path / "broken").unlink()
    broken.edit(
        "return total(side(each(load(n))))",
        "items = load(n)\n    return total(side(each(items))), total(items)",
    )
    told: list[str] = []
    old = broken.store.run()
    run = go_on(broken, old, told)
    assert run.id != old.id
    assert run.parent == old.id
    assert run.result == (21, 15)
    assert broken.count("load") == 1
    assert broken.count("side1") == 1
    assert "the pipeline has changed since: what is the same goes into a new run" in told


def test_steps_that_change_places_are_not_mistaken_for_each_other(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.path)
    folder.write(
        """
        @step(cache=False)
        def one(n: int):
            return "one"
        @step(cache=False)
        def two(n: int):
            return "two"
        @step(cache=False)
        def both(a, b):
            if os.path.exists("broken"):
                raise ValueError("no")
            return [a, b]
        @pipeline
        def flow(n: int = 6):
            a = one(n)
            b = two(n)
            return both(a, b)
        """
    )
    (folder.path / "broken").touch()
    folder.run()
    (folder.path / "broken").unlink()
    folder.edit("    a = one(n)\n    b = two(n)\n", "    b = two(n)\n    a = one(n)\n")
    assert go_on(folder, folder.store.run()).result == ["one", "two"]


def test_a_cancelled_run_goes_on(folder: Folder) -> None:
    folder.write(MAPPED.replace("return x + 1", "import time\n    time.sleep(0.2)\n    return x + 1"))
    process = folder.start("run", "flow.py", "--executor", "inline", "-q")
    wait_for(lambda: folder.count("side1"))
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert folder.store.run().status == "cancelled"
    status, out, err = folder.plait("resume", "--executor", "inline", "-q")
    assert (status, err) == (0, "")
    assert folder.store.run(out.strip()).result == 21
    assert [folder.count(f"side{x}") for x in range(6)] == [1] * 6


@pytest.mark.parametrize("executor", ["inline", "processes"])
def test_after_kill_9_at_any_moment_nothing_that_was_committed_is_repeated(
    folder: Folder, executor: str
) -> None:
    folder.write(MAPPED.replace("return x + 1", "import time\n    time.sleep(0.02)\n    return x + 1"))
    chance = random.Random(executor)
    committed: dict[str, int] = {}
    for _ in range(4):
        words = ("resume",) if folder.home.exists() and folder.store.runs() else ("run", "flow.py", "n=30")
        process = folder.start(*words, "-q", "--executor", executor, "--workers", "2")
        wait_for(lambda process=process: process.poll() is not None or folder.count("load"))  # type: ignore[misc]
        time.sleep(chance.uniform(0.0, 0.6))  # a moment that nobody has chosen
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        for name, times in committed.items():
            assert folder.count(name) == times, f"{name} was committed, and ran again"
        committed = _committed(folder)
    if folder.store.run().status != "done":
        status, _, err = folder.plait("resume", "-q", "--executor", executor)
        assert status == 0, err
    run = folder.store.run()
    assert run.result == sum(range(1, 31))
    assert len(folder.store.runs()) == 1
    for name, times in committed.items():
        assert folder.count(name) == times


def _committed(folder: Folder) -> dict[str, int]:
    found = {}
    for task in folder.store.run().iter_tasks(state="done"):
        name = f"side{task.path[0]}" if task.path else task.id
        found[name] = folder.count(name)
    return found


def test_a_process_that_lost_its_run_cannot_write_any_more(folder: Folder) -> None:
    folder.write(
        """
        @step(cache=False)
        def slow(n: int):
            ran("slow")
            while not os.path.exists("go"):
                pass
            return n
        @step(cache=False)
        def after(n):
            ran("after")
            return n
        @pipeline
        def flow(n: int = 3):
            return after(slow(n))
        """
    )
    old = folder.start("run", "flow.py", "--executor", "inline", "-q")
    try:
        wait_for(lambda: folder.count("slow"))
        # As if its host had gone silent: the records no longer know a living process.
        connection = sqlite3.connect(folder.home / "records.db")
        connection.execute("UPDATE run SET pid = 999999999")
        connection.commit()
        new = folder.start("resume", "--executor", "inline", "-q")
        wait_for(lambda: folder.count("slow") == 2)
    finally:
        (folder.path / "go").touch()
    _, err = old.communicate(timeout=60)
    out, _ = new.communicate(timeout=60)
    assert old.returncode == 1
    assert "was taken over by another process" in err
    assert new.returncode == 0
    assert folder.store.run(out.strip()).result == 3
    assert folder.count("after") == 1


def test_of_two_that_resume_at_once_one_wins(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.path)
    folder.write(MAPPED)
    (folder.path / "broken").touch()
    folder.run()
    (folder.path / "broken").unlink()
    both = [folder.start("resume", "-q", "--executor", "inline") for _ in range(2)]
    said = [process.communicate(timeout=60) for process in both]
    codes = sorted(process.returncode for process in both)
    assert codes == [0, 1], said
    loser = next(err for process, (_, err) in zip(both, said, strict=True) if process.returncode)
    assert any(
        text in loser
        for text in ("is still running", "has changed in this moment", "no run that could", "is done")
    )
    assert folder.store.run().result == 21
    assert folder.count("side2") == 2


def test_one_that_looks_before_the_other_begins_is_refused_afterwards(broken: Folder) -> None:
    (broken.path / "broken").unlink()
    early = broken.store.run()
    go_on(broken, broken.store.run())
    assert early.recorded_status == "failed"
    with pytest.raises(RecordError, match="has changed in this moment"):
        go_on(broken, early)


def test_resume_finds_the_pipeline_from_any_folder_and_works_in_that_of_the_run(
    folder: Folder, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder.write(MAPPED)
    (folder.path / "broken").touch()
    folder.plait("run", "flow.py", "-q", "--executor", "inline")
    (folder.path / "broken").unlink()
    elsewhere = Folder(tmp_path_factory.mktemp("elsewhere"))
    process = elsewhere.start("resume", "-q", "--executor", "inline")
    assert "no runs are recorded" in process.communicate(timeout=60)[1]
    os.environ["PLAIT_HOME"] = str(folder.home)
    try:
        run = plait.resume()
    finally:
        del os.environ["PLAIT_HOME"]
    assert run.status == "done"
    assert folder.count("side1") == 1


def test_resume_says_so_when_there_is_nothing_to_resume(folder: Folder) -> None:
    folder.write(MAPPED)
    folder.plait("run", "flow.py", "-q", "--executor", "inline")
    status, _, err = folder.plait("resume")
    assert (status, err) == (1, "there is no run that could be resumed\n  → plait runs lists what has run\n")
    status, _, err = folder.plait("resume", "latest")
    assert status == 1
    assert "is done: there is nothing to resume" in err


def test_a_run_that_fails_again_says_so_to_python(broken: Folder) -> None:
    with pytest.raises(RunFailed, match=r"side\[2\]"):
        broken.store.run().resume(pipeline=broken.pipeline())


# Forks.


def test_a_fork_takes_what_lies_before_and_computes_the_rest(folder: Folder) -> None:
    folder.write(
        """
        import random
        @step(cache=False)
        def draw(n: int):
            ran("draw")
            return random.random()
        @step
        def scale(x, by: float):
            ran("scale")
            log(by=by)
            return x * by
        @pipeline
        def flow(n: int = 3, by: float = 2.0):
            return scale(draw(n), by)
        """
    )
    run = folder.run()
    new = fork(run, folder.pipeline(), ["scale"], {"by": Given(4.0)}, executor=InlineExecutor(tee=False))
    assert new.result == run.result * 2
    assert folder.count("draw") == 1
    assert new.parent == run.id
    assert new.params == {"n": 3, "by": 4.0}
    assert new.task("draw").source == run.id
    with pytest.raises(ParameterError, match="n changes draw, which comes before the step to fork at"):
        fork(run, folder.pipeline(), ["scale"], {"n": Given(4)}, executor=InlineExecutor(tee=False))
    with pytest.raises(RecordError, match="has no step 'scael'") as error:
        fork(run, folder.pipeline(), ["scael"], {}, executor=InlineExecutor(tee=False))
    assert error.value.hint == "did you mean 'scale'?"


def test_a_fork_computes_what_stands_beside_if_its_parameter_changes(folder: Folder) -> None:
    folder.write(
        """
        @step(cache=False)
        def left(by: int):
            ran("left")
            return by
        @step(cache=False)
        def right(by: int):
            ran("right")
            return by
        @pipeline
        def flow(by: int = 2):
            return left(by), right(by)
        """
    )
    run = folder.run()
    new = fork(run, folder.pipeline(), ["left"], {"by": Given(3)}, executor=InlineExecutor(tee=False))
    assert new.result == (3, 3)
    same = fork(run, folder.pipeline(), ["left"], {"by": Given(2)}, executor=InlineExecutor(tee=False))
    assert same.result == (2, 2)
    assert folder.count("right") == 2


def test_what_a_fork_took_has_its_metrics_and_is_found_by_the_cache(folder: Folder) -> None:
    folder.write(
        """
        @step
        def first(n: int):
            ran("first")
            log(n=n)
            return n
        @step
        def second(n, k: int):
            return n + k
        @pipeline
        def flow(n: int = 3, k: int = 1):
            return second(first(n), k)
        """
    )
    run = folder.run()
    new = fork(run, folder.pipeline(), ["second"], {"k": Given(2)}, executor=InlineExecutor(tee=False))
    assert new.task("first").metrics == {"n": 3.0}
    assert new.task("first").key == run.task("first").key


def test_the_pipeline_is_found_again_for_a_run_from_python(folder: Folder) -> None:
    folder.write(MAPPED + "\nif __name__ == '__main__':\n    flow.run(raise_on_failure=False)\n")
    (folder.path / "broken").touch()
    import subprocess
    import sys

    subprocess.run(
        [sys.executable, "flow.py"], cwd=folder.path, env=folder.environment, check=True, timeout=60
    )
    (folder.path / "broken").unlink()
    status, out, err = folder.plait("resume", "-q", "--executor", "inline")
    assert (status, err) == (0, "")
    assert folder.store.run(out.strip()).result == 21
    assert folder.count("side1") == 1


def test_a_folder_that_is_gone_is_named(folder: Folder) -> None:
    inside = folder.path / "inside"
    inside.mkdir()
    folder.write(MAPPED, "inside/flow.py")
    (folder.path / "broken").touch()
    moved = Folder(inside)
    (inside / "broken").touch()
    moved.plait("run", "flow.py", "-q", "--executor", "inline")
    inside.rename(folder.path / "moved")
    process = Folder(folder.path / "moved").start("resume")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"was started in {inside}, and that folder is gone" in err
    assert Path(folder.path / "moved").is_dir()
