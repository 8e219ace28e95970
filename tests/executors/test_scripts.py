"""Do scripts run as they are written, and end as they are asked to?"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

import plait
from plait import get_run

SOURCE = str(Path(plait.__file__).parents[1])
EXECUTORS = ["inline", "processes"]

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")


class Script:
    """A script in a folder of its own, run from another."""

    def __init__(self, folder: Path, text: str) -> None:
        self.folder = folder / "project"
        self.folder.mkdir()
        self.file = self.folder / "script.py"
        self.file.write_text(textwrap.dedent(text))
        self.elsewhere = folder / "elsewhere"
        self.elsewhere.mkdir()

    def start(self, *args: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONPATH": SOURCE}
        environment.pop("PLAIT_HOME", None)
        return subprocess.Popen(
            [sys.executable, str(self.file), *args],
            cwd=self.elsewhere,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def run(self, *args: str) -> tuple[int, str, str]:
        process = self.start(*args)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    @property
    def latest(self) -> Any:
        return get_run(home=self.folder / ".plait")


def until(true: Callable[[], Any], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


HELPED = """
    import os, sys
    from helper import doubled
    from plait import each, pipeline, step

    OFFSET = 100

    @step
    def shift(x):
        return doubled(x) + OFFSET

    @step
    def again(x):
        return shift(x)

    @pipeline
    def p(xs):
        return again(each(xs))

    run = p.run(xs=[1, 2], executor=sys.argv[1])
    print(run.result)
"""


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_script_without_a_guard_runs_from_any_folder(tmp_path: Path, executor: str) -> None:
    script = Script(tmp_path, HELPED)
    (script.folder / "helper.py").write_text("def doubled(x): return 2 * x\n")
    code, out, err = script.run(executor)
    assert (code, out, err) == (0, "[102, 104]\n", "")
    assert script.latest.result == [102, 104]
    assert not (script.elsewhere / ".plait").exists()


def test_a_function_of_a_script_that_cannot_travel_is_named(tmp_path: Path) -> None:
    script = Script(
        tmp_path,
        """
        import threading
        from plait import pipeline, step

        LOCK = threading.Lock()

        @step
        def locked(x):
            with LOCK:
                return x

        @pipeline
        def p():
            return locked(1)

        p.run(executor="processes")
        """,
    )
    code, _, err = script.run()
    assert code == 1
    assert "step 'locked' cannot travel to a worker process" in err
    assert "LOCK" in err or "lock" in err
    assert script.latest.status == "failed"


def test_a_failed_run_ends_a_script_with_status_one(tmp_path: Path) -> None:
    script = Script(
        tmp_path,
        """
        from plait import pipeline, step

        @step
        def bad():
            raise ValueError("no")

        @pipeline
        def p():
            return bad()

        p.run(executor="processes")
        """,
    )
    code, _, err = script.run()
    assert code == 1
    assert "bad: ValueError: no" in err
    assert "script.py:6" in err


SLOW = """
    import pathlib, sys, time
    from plait import each, pipeline, step

    here = pathlib.Path(sys.argv[2])

    @step
    def first():
        return 41

    @step
    def slow(x, seconds, _):
        (here / f"began{x}").touch()
        time.sleep(seconds)
        return x

    @pipeline
    def p(seconds):
        return slow(each(list(range(50))), seconds, first())

    options = {"workers": 2} if sys.argv[1] == "processes" else {}
    p.run(seconds=float(sys.argv[3]), executor=sys.argv[1], **options)
"""


def begun(folder: Path) -> int:
    return len(list(folder.glob("began*")))


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def assert_gone(processes: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=10)
    assert alive == []


@pytest.mark.parametrize("executor", EXECUTORS)
def test_interrupted_once_running_tasks_end_and_no_other_starts(tmp_path: Path, executor: str) -> None:
    script = Script(tmp_path, SLOW)
    process = script.start(executor, str(tmp_path), "1.0")
    until(lambda: begun(tmp_path))
    workers = family(process)
    os.kill(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "was cancelled" in err
    run = script.latest
    assert run.status == "cancelled"
    assert run["first"] == 41
    states = [task.state for task in run.iter_tasks(node=1)]
    assert set(states) <= {"done", "cancelled"}
    assert states.count("done") == begun(tmp_path) <= 3
    assert_gone(workers)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_interrupted_twice_a_run_ends_now(tmp_path: Path, executor: str) -> None:
    script = Script(tmp_path, SLOW)
    process = script.start(executor, str(tmp_path), "60")
    until(lambda: begun(tmp_path))
    workers = family(process)
    os.kill(process.pid, signal.SIGINT)
    time.sleep(0.5)
    assert process.poll() is None
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=10)
    assert process.returncode not in (0, None)
    run = script.latest
    assert run.status == "cancelled"
    assert run["first"] == 41
    assert {task.state for task in run.iter_tasks(node=1)} == {"cancelled"}
    assert_gone(workers)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_a_killed_driver_leaves_a_readable_record_and_no_worker(tmp_path: Path, executor: str) -> None:
    script = Script(tmp_path, SLOW)
    process = script.start(executor, str(tmp_path), "0.3")
    until(lambda: begun(tmp_path) >= 4)
    workers = family(process)
    assert bool(workers) == (executor == "processes")
    assert script.latest.status == "running"
    process.kill()
    process.communicate()
    assert_gone(workers)
    run = script.latest
    assert run.status == "crashed"
    assert run["first"] == 41
    states = {task.path: task.state for task in run.iter_tasks(node=1)}
    done = [path for path, state in states.items() if state == "done"]
    assert done
    assert set(states.values()) <= {"done", "lost"}
    assert all(run.task(f"slow[{path[0]}]").outputs == {"slow": path[0]} for path in done)
    with pytest.raises(plait.RunFailed, match="crashed"):
        run.result


def test_a_run_in_a_step_keeps_its_words_apart(tmp_path: Path) -> None:
    script = Script(
        tmp_path,
        """
        from plait import pipeline, step, log

        @step
        def inner():
            print("inner words")
            log(depth=2)
            return 1

        @pipeline
        def small():
            return inner()

        @step
        def outer():
            print("before")
            got = small.run().result
            print("after")
            log(depth=1)
            return got

        @pipeline
        def large():
            return outer()

        run = large.run()
        from pathlib import Path
        from plait import list_runs
        for one in list_runs(home=Path(__file__).parent / ".plait"):
            print(one.pipeline, one.status, [line.text for line in one.logs()], one.metrics)
        """,
    )
    code, out, err = script.run()
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "before", "inner words", "after",
        "small done ['inner words'] {'depth': 2.0}",
        "large done ['before', 'after'] {'depth': 1.0}",
    ]  # fmt: skip
