"""Does a run survive whatever happens to its worker processes?"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from executors import steps

from plait import each, pipeline, step
from plait.errors import DataError
from plait.executors import process


@pytest.fixture
def run_it(home: Path) -> Iterator[Callable[..., Any]]:
    before = psutil.Process().children(recursive=True)  # such as a server that other tests started

    def run(function: Callable[..., Any], workers: int = 2, **params: Any) -> Any:
        return pipeline(function).run(
            executor="processes", workers=workers, raise_on_failure=False, cache=False, **params
        )

    yield run
    assert [one for one in psutil.Process().children(recursive=True) if one not in before] == []


def gone(pid: int) -> bool:
    """Whether a process has ended, or does so within a few seconds."""
    try:
        psutil.Process(pid).wait(5)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        return False
    return True


@pytest.mark.parametrize(
    ("how", "cause"),
    [
        ("exit", "ended itself with status 7"),
        ("segv", "crashed in native code (SIGSEGV)"),
        ("kill", "was killed from outside (SIGKILL)"),
        ("term", "was ended by signal SIGTERM"),
    ],
)
def test_a_worker_that_dies_fails_its_task_with_the_cause(
    run_it: Callable[..., Any], how: str, cause: str
) -> None:
    def p(how: str) -> Any:
        return [steps.die(how), steps.echo(1), steps.echo(each([1, 2, 3]))]

    run = run_it(p, how=how)
    assert run.status == "failed"
    task = run.task("die")
    assert cause in task.error.message
    assert task.error.kinds == ("WorkerLost", "Exception", "BaseException")
    assert [one.state for one in run.tasks] == ["failed", "done", "done", "done", "done"]
    said = [line.text for line in task.logs()]
    assert said[0] == "last words"
    if how == "segv":
        assert any("steps.py" in line and "in die" in line for line in said)


def test_only_the_guilty_task_of_a_full_queue_fails(run_it: Callable[..., Any]) -> None:
    def p(n: int) -> Any:
        return steps.die_at(each(steps.count_up(n)), 150)

    run = run_it(p, n=300)
    assert [task.name for task in run.iter_tasks(state="failed")] == ["die_at[150]"]
    assert run.counts()[1].by_state == {"done": 299, "failed": 1}


def test_a_lost_worker_is_a_failed_attempt(run_it: Callable[..., Any], tmp_path: Path) -> None:
    def p(folder: str) -> Any:
        return steps.die_once(folder)

    run = run_it(p, folder=str(tmp_path))
    assert [one.state for one in run.task("die_once").attempts] == ["retried", "done"]


def test_a_worker_that_dies_between_two_tasks_takes_none_along(
    run_it: Callable[..., Any], tmp_path: Path
) -> None:
    def p(folder: str) -> Any:
        return [steps.flaky(folder, 2), steps.thread_kills_later(0)]

    # The worker dies while it waits for the second attempt of the other task.
    run = run_it(p, workers=1, folder=str(tmp_path))
    assert run.result == [2, 0]


def test_what_c_code_prints_is_kept_and_our_own_marks_are_not(run_it: Callable[..., Any]) -> None:
    def p() -> Any:
        return steps.talk_from_c(each([1, 2]))

    run = run_it(p, workers=1)
    for at, n in enumerate((1, 2)):
        assert sorted(line.text for line in run.task(f"talk_from_c[{at}]").logs()) == sorted(
            ["from python", "again from python", "from write", f"from printf {n}", "half", "from a child"]
        )


def test_standard_input_is_empty(run_it: Callable[..., Any]) -> None:
    def p() -> Any:
        return steps.read_input()

    assert run_it(p).task("read_input").error.type == "EOFError"


def test_what_a_step_started_ends_with_the_run(run_it: Callable[..., Any], tmp_path: Path) -> None:
    def p(folder: str) -> Any:
        return steps.start_child(folder)

    assert gone(run_it(p, folder=str(tmp_path)).result)


def test_a_dead_worker_is_noticed_though_its_child_holds_the_pipe(
    run_it: Callable[..., Any], tmp_path: Path
) -> None:
    def p(folder: str) -> Any:
        return [steps.fork_and_die(folder), steps.echo(1)]

    run = run_it(p, folder=str(tmp_path))
    assert [task.state for task in run.tasks] == ["failed", "done"]
    assert gone(int((tmp_path / "child").read_text()))


@step
def short_or_long(x: float) -> list[float]:
    started = time.time()
    time.sleep(x)
    return [started, time.time(), os.getpid()]


def test_short_tasks_do_not_wait_behind_a_long_one(run_it: Callable[..., Any]) -> None:
    """Tasks that were handed out ahead, since they seemed short, are taken back when one turns out to be long."""

    seconds = [0.0] * 400
    seconds[200] = 2.5

    def p() -> Any:
        return short_or_long(each(seconds))

    rows = run_it(p).result
    end_of_long = rows[200][1]
    behind = [row for at, row in enumerate(rows) if at != 200]
    assert max(row[1] for row in behind) < end_of_long - 0.5


def test_a_result_is_recorded_while_the_next_task_runs_for_long(home: Path) -> None:
    """A report is not held back in the worker until its queue is empty."""

    def p() -> Any:
        return short_or_long(each([0.0] * 100 + [3.0]))

    seen: list[float] = []

    class Watch:
        def task_ended(self, node: int, path: Any, state: str, *_: Any) -> None:
            seen.append(time.time())

        def __getattr__(self, name: str) -> Any:
            return lambda *_: None

    from plait.executors import make_executor
    from plait.launch.orders import CachePolicy, Orders
    from plait.launch.prepare import prepare
    from plait.launch.start import execute

    executor = make_executor("processes", workers=1)
    run = execute(
        prepare(pipeline(p), {}),
        executor=executor,
        listener=Watch(),
        orders=Orders(CachePolicy(look_up=False)),
    )
    long_started = run.result[100][0]
    assert len(seen) == 101
    assert max(seen[:100]) < long_started + 1.5


def test_workers_that_cannot_start_fail_the_run_with_the_reason(
    run_it: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_START", "raise SystemExit('no such world')")

    def p() -> Any:
        return steps.echo(each(list(range(50))))

    run = run_it(p)
    assert run.status == "failed"
    assert "no worker process can start: no such world" in run.task("echo[0]").error.message


def test_a_step_that_cannot_travel_is_refused_before_any_task(home: Path) -> None:
    lock = threading.Lock()

    @step
    def holds_a_lock(x: int) -> int:
        with lock:
            return x

    @pipeline
    def p() -> Any:
        return holds_a_lock(1)

    with pytest.raises(DataError, match="step 'holds_a_lock' cannot travel to a worker process"):
        p.run(executor="processes")
    from plait import get_run

    run = get_run(home=home)
    assert run.status == "failed"
    assert run.tasks == []
    assert "cannot travel" in run.reason


def test_local_steps_and_lambdas_travel(run_it: Callable[..., Any]) -> None:
    offset = 5

    def p() -> Any:
        return step(lambda x: x + offset)(each([1, 2]))

    assert run_it(p).result == [6, 7]


def test_methods_travel(run_it: Callable[..., Any]) -> None:
    def p() -> Any:
        return Adder(10).add(each([1, 2]))

    assert run_it(p).result == [11, 12]


class Adder:
    def __init__(self, by: int) -> None:
        self.by = by

    @step
    def add(self, x: int) -> int:
        return x + self.by


def test_workers_are_warm_and_no_more_than_asked_for(run_it: Callable[..., Any]) -> None:
    def p() -> Any:
        return steps.worker(each(list(range(300))))

    assert len(set(run_it(p, workers=2).result)) <= 2


def test_a_killed_worker_is_replaced(run_it: Callable[..., Any]) -> None:
    def p() -> Any:
        return [steps.die("kill", each([1, 2, 3])), steps.worker(each(list(range(20))))]

    run = run_it(p)
    assert run.counts()[0].by_state == {"failed": 3}
    assert run.counts()[1].by_state == {"done": 20}


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")
def test_a_run_in_a_thread_needs_no_signals(run_it: Callable[..., Any]) -> None:
    runs: list[Any] = []

    def p() -> Any:
        return steps.echo(1)

    thread = threading.Thread(target=lambda: runs.append(run_it(p)))
    thread.start()
    thread.join()
    assert runs[0].result == 1
