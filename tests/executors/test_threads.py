"""Are tasks apart from each other that run at the same time in one process?"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from plait import current, each, list_runs, log, pipeline, step
from plait.errors import ParameterError, RunFailed
from plait.launch.cancel import cancel


@pytest.fixture(autouse=True)
def nothing_is_left(home: Any) -> Iterator[None]:
    start = threading.Thread.start
    yield
    end = time.monotonic() + 5
    while any(one.name.startswith("plait-") for one in threading.enumerate()) and time.monotonic() < end:
        time.sleep(0.02)
    assert [one.name for one in threading.enumerate() if one.name.startswith("plait-")] == []
    assert threading.Thread.start is start


def run(function: Any, workers: int = 4, **params: Any) -> Any:
    return pipeline(function).run(
        executor="threads", workers=workers, raise_on_failure=False, progress=False, cache=False, **params
    )


def texts(made: Any, task: str) -> list[str]:
    return [line.text for line in made.task(task).logs()]


def test_what_tasks_say_at_the_very_same_moment_stays_apart() -> None:
    together = threading.Barrier(4)

    @step
    def speak(n: int) -> str:
        for line in range(20):
            together.wait(20)  # all four are in the middle of their work
            print(f"task {n}", end=" ")
            together.wait(20)
            print(f"line {line}")
            logging.getLogger("mine").warning("task %d warns", n)
            log(value=n, at=line)
        return current.task

    def p() -> Any:
        return speak(each([0, 1, 2, 3]))

    made = run(p)
    assert made.result == [f"speak[{n}]" for n in range(4)]
    for n in range(4):
        said = texts(made, f"speak[{n}]")
        assert [line for line in said if "line" in line] == [f"task {n} line {line}" for line in range(20)]
        assert said.count(f"mine: task {n} warns") == 20
        assert len(said) == 40
        points = [one for one in made.metric_points() if one.task == f"speak[{n}]"]
        assert {one.value for one in points} == {float(n)}
        assert len(points) == 20


def test_threads_that_a_task_starts_are_its_own_though_others_run() -> None:
    together = threading.Barrier(2)

    @step
    def start_more(n: int) -> list[str]:
        together.wait(20)

        def speak(x: int) -> str:
            print(f"{n}: {x}")
            return current.task

        with ThreadPoolExecutor(2) as pool:
            names = list(pool.map(speak, range(5)))
        deep: list[str] = []
        outer = threading.Thread(target=lambda: _in_thread(lambda: deep.append(current.task)))
        outer.start()
        outer.join()
        together.wait(20)
        return names + deep

    def p() -> Any:
        return start_more(each([0, 1]))

    made = run(p)
    assert made.result == [[f"start_more[{n}]"] * 6 for n in (0, 1)]
    for n in (0, 1):
        assert sorted(texts(made, f"start_more[{n}]")) == [f"{n}: {x}" for x in range(5)]


def _in_thread(work: Any) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_a_step_may_hold_what_no_process_could_be_given() -> None:
    lock = threading.Lock()

    @step
    def locked(x: int) -> int:
        with lock:
            return x

    def p() -> Any:
        return locked(each([1, 2, 3]))

    assert run(p).result == [1, 2, 3]


def test_a_step_that_cannot_travel_is_no_hindrance_to_others_in_processes() -> None:
    lock = threading.Lock()

    @step
    def locked(x: int) -> int:
        with lock:
            return x

    @step(executor="processes")
    def away(x: int) -> int:
        return os.getpid()

    @step(executor="processes", on_failure=lambda error: -1)
    def fails(x: int) -> int:
        raise ValueError(x)

    def p() -> Any:
        return [locked(1), away(1), fails(1)]

    here, there, instead = run(p).result
    assert (here, instead) == (1, -1)
    assert there != os.getpid()


def test_a_dynamic_pipeline_has_steps_that_cannot_travel() -> None:
    lock = threading.Lock()

    @step
    def locked(x: int) -> int:
        with lock:
            return x + 1

    @pipeline(dynamic=True)
    def p() -> Any:
        return locked(locked(1).result()).result()

    assert p.run(executor="threads", progress=False).result == 3


def test_tasks_that_wait_do_so_together() -> None:
    together = threading.Barrier(8)

    @step
    def meet(x: int) -> int:
        together.wait(20)
        return x

    def p() -> Any:
        return meet(each(list(range(8))))

    assert run(p, workers=8).result == list(range(8))


def test_no_more_run_at_once_than_there_are_cores_for() -> None:
    lock, now, most = threading.Lock(), [0.0], [0.0]

    def hold(cores: float) -> None:
        with lock:
            now[0] += cores
            most[0] = max(most[0], now[0])
        time.sleep(0.02)
        with lock:
            now[0] -= cores

    @step(cpus=3)
    def wide(x: int) -> int:
        hold(3)
        return x

    @step
    def narrow(x: int) -> int:
        hold(1)
        return x

    @step(cpus=0.5)
    def half(x: int) -> int:
        hold(0.5)
        return x

    def p() -> Any:
        return [narrow(each([1] * 6)), wide(each([1] * 4)), half(each([1] * 12)), narrow(each([2] * 6))]

    assert run(p, workers=4).status == "done"
    assert 3 <= most[0] <= 4


def test_what_only_a_process_can_give_counts_for_the_same_cores() -> None:
    @step(isolated=True)
    def apart(x: int) -> list[float]:
        began = time.time()
        time.sleep(0.1)
        return [began, time.time(), os.getpid()]

    @step
    def here(x: int) -> list[float]:
        began = time.time()
        time.sleep(0.1)
        return [began, time.time(), os.getpid()]

    def p() -> Any:
        return [apart(each([1, 2])), here(each([1, 2, 3, 4])), apart(each([3]))]

    out, inside, more = run(p, workers=2).result
    rows = sorted([*out, *inside, *more])
    assert len({row[2] for row in (*out, *more)}) == 3
    assert {row[2] for row in inside} == {os.getpid()}
    for began, _, _ in rows:
        assert sum(start <= began < end for start, end, _ in rows) <= 2


def test_the_cause_of_a_failure_is_the_exception_itself() -> None:
    class Mine(Exception):
        pass

    raised = Mine("held")

    @step
    def fail() -> None:
        raise raised

    @pipeline
    def p() -> Any:
        return fail()

    with pytest.raises(RunFailed) as caught:
        p.run(executor="threads", progress=False)
    assert caught.value.__cause__ is raised


def test_a_cancelled_run_interrupts_python_and_does_not_wait_for_c() -> None:
    begun, seen = threading.Barrier(3), []

    @step
    def python() -> None:
        begun.wait(20)
        try:
            while True:
                time.sleep(0.001)
        finally:
            seen.append("cleaned up")

    @step
    def waits() -> None:
        begun.wait(20)
        time.sleep(4)  # one call, which nothing interrupts

    @step
    def never(x: int, _after: Any) -> None:
        seen.append("begun")

    def p() -> Any:
        return [python(), never(each([1, 2, 3]), waits())]

    def end_it() -> None:
        begun.wait(20)
        cancel(list_runs()[0], by="a test")

    ending = threading.Thread(target=end_it)
    ending.start()
    began = time.monotonic()
    made = run(p, workers=2)
    assert time.monotonic() - began < 3.9
    ending.join()
    assert made.status == "cancelled"
    assert seen == ["cleaned up"]
    assert [one.state for one in made.tasks if one.name in ("python", "waits")] == ["cancelled"] * 2


def test_a_run_that_is_to_finish_what_runs_takes_back_the_rest() -> None:
    begun, done = threading.Barrier(3), []

    @step
    def slow(x: int) -> int:
        if x < 2:
            begun.wait(20)
            time.sleep(0.6)
        done.append(x)
        return x

    def p() -> Any:
        return slow(each(list(range(50))))

    def end_it() -> None:
        begun.wait(20)
        cancel(list_runs()[0], by="a test", finish_running=True)

    ending = threading.Thread(target=end_it)
    ending.start()
    made = run(p, workers=2)
    ending.join()
    assert made.status == "cancelled"
    assert sorted(done)[:2] == [0, 1]
    assert made.counts()[0].by_state["done"] == len(done) < 50


def test_no_options_but_workers(tmp_path: Any) -> None:
    from plait.executors import make_executor

    with pytest.raises(Exception, match="workers"):
        make_executor("threads", workers=0)
    with pytest.raises(ParameterError, match="there is no executor 'thread'"), contextlib.suppress(KeyError):
        make_executor("thread")
