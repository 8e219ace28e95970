"""Does a task get what its step asks for, on every executor?"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import pytest
from executors import asking, steps

from plait import each, pipeline
from plait.errors import ConfError, ParameterError, RunFailed

EXECUTORS: dict[str, dict[str, Any]] = {
    "inline": {"executor": "inline"},
    "processes": {"executor": "processes", "workers": 2},
    "threads": {"executor": "threads", "workers": 2},
}
RunIt = Callable[..., Any]


@pytest.fixture(params=EXECUTORS)
def run_it(request: pytest.FixtureRequest, home: Path) -> Iterator[RunIt]:
    before = psutil.Process().children(recursive=True)

    def run(function: Callable[..., Any], **params: Any) -> Any:
        return pipeline(function).run(
            **EXECUTORS[request.param], raise_on_failure=False, progress=False, **params
        )

    run.executor = request.param  # type: ignore[attr-defined]
    yield run
    assert [one for one in psutil.Process().children(recursive=True) if one not in before] == []


def states(run: Any) -> dict[str, str]:
    return {task.name: task.state for task in run.tasks}


def has_ended(pid: int) -> bool:
    """Whether a process is over, or is so within a few seconds; nobody may have asked yet how it ended."""
    end = time.monotonic() + 5
    while time.monotonic() < end:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


def texts(run: Any, task: str) -> list[str]:
    return [line.text for line in run.task(task).logs()]


def test_a_timeout_ends_a_step_that_is_stuck_in_c_with_all_it_started(run_it: RunIt, tmp_path: Path) -> None:
    def p(folder: str) -> Any:
        return [asking.stuck_in_c(folder), steps.echo(1)]

    begun = time.monotonic()
    run = run_it(p, folder=str(tmp_path))
    assert time.monotonic() - begun < 30
    assert states(run) == {"stuck_in_c": "failed", "echo": "done"}
    error = run.task("stuck_in_c").error
    assert error.type == "TimedOut"
    assert "TimeoutError" in error.kinds
    line = next(
        at for at, text in enumerate(Path(asking.__file__).read_text().splitlines(), 1) if "PyDLL" in text
    )
    assert (
        error.message == f"timed out: it ran for longer than timeout=0.4s; it was in wait_in_c, line {line}"
    )
    user = [frame.function for frame in error.frames if frame.origin == "user"]
    assert user == ["stuck_in_c", "wait_in_c"]
    assert error.frames[-1].code.startswith("ctypes.PyDLL")
    assert texts(run, "stuck_in_c") == ["begun"]
    assert has_ended(int((tmp_path / "child").read_text()))


def test_what_a_task_used_that_was_ended_is_recorded(run_it: RunIt) -> None:
    def p() -> Any:
        return asking.busy_for_ever()

    task = run_it(p).task("busy_for_ever")
    assert 0.6 <= task.seconds < 20
    assert 0 < task.cpu_seconds <= task.seconds + 0.1
    assert task.peak_memory > 1 << 20


def test_a_task_that_timed_out_is_tried_again_where_retries_say_so(run_it: RunIt, tmp_path: Path) -> None:
    def p(folder: str) -> Any:
        return asking.slow_once(folder)

    run = run_it(p, folder=str(tmp_path))
    assert run.result == 2
    assert [(one.state, one.error and one.error.type) for one in run.task("slow_once").attempts] == [
        ("retried", "TimedOut"),
        ("done", None),
    ]


def test_a_task_in_time_is_not_disturbed_and_its_worker_stays(run_it: RunIt) -> None:
    def p(n: int) -> Any:
        return asking.in_time(each(steps.count_up(n)))

    run = run_it(p, n=20)
    assert run.status == "done"
    assert len(set(run.result)) <= 2


@pytest.mark.parametrize("how", ["at once", "bit by bit", "in a child"])
def test_a_task_that_holds_more_memory_than_it_may_is_out_of_memory(run_it: RunIt, how: str) -> None:
    def p(how: str) -> Any:
        return [asking.hoard(how), steps.echo(1)]

    run = run_it(p, how=how)
    assert states(run) == {"hoard": "failed", "echo": "done"}
    error = run.task("hoard").error
    assert error.type == "OutOfMemory"
    assert "MemoryError" in error.kinds
    assert "the task may hold memory=300MiB" in error.message
    if how == "at once":
        assert error.frames[-1].code == "return len(bytearray(4 << 30))"
    else:
        assert run.task("hoard").peak_memory > 300 << 20


def test_a_task_within_its_memory_is_not_disturbed(run_it: RunIt) -> None:
    def p() -> Any:
        return [asking.hoard("not"), asking.hoard("not")]

    assert run_it(p).status == "done"


def test_the_next_try_after_running_out_of_memory_has_more(run_it: RunIt, tmp_path: Path) -> None:
    def p(folder: str) -> Any:
        return asking.grow(folder)

    run = run_it(p, folder=str(tmp_path))
    assert run.result == 300
    attempts = run.task("grow").attempts
    assert [one.state for one in attempts] == ["retried", "done"]
    assert "memory=150MiB" in attempts[0].error.message


def test_variables_are_there_in_that_task_only(run_it: RunIt) -> None:
    def p() -> Any:
        before = steps.echo(1)
        colour = asking.coloured()
        return [colour, asking.uncoloured(colour), asking.uncoloured(before)]

    assert run_it(p).result == ["blue", None, None]
    assert "COLOUR" not in os.environ


def test_secrets_are_there_in_that_task_only_and_masked_everywhere(
    run_it: RunIt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAIT_TEST_TOKEN", "sesame-open-42")
    monkeypatch.setenv("PLAIT_TEST_KEY", "abcdefgh")

    def p() -> Any:
        length = asking.with_secret()
        return [length, asking.token(length), asking.fail_with_secret()]

    run = run_it(p)
    assert run["with_secret"] == 22
    assert run["token"] is None
    assert texts(run, "with_secret") == ["the token is ***"]
    assert run.task("fail_with_secret").error.message == "bad token ***"


def test_a_missing_secret_is_an_error_before_the_run(run_it: RunIt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PLAIT_TEST_TOKEN", raising=False)

    def p() -> Any:
        return [steps.echo(1), asking.fail_with_secret()]

    with pytest.raises(ConfError) as caught:
        run_it(p)
    assert "fail_with_secret asks for the secret 'TOKEN=env:PLAIT_TEST_TOKEN'" in str(caught.value)
    assert "PLAIT_TEST_TOKEN is not set" in str(caught.value)
    assert asking.__file__ in str(caught.value) or __file__ in str(caught.value)


def test_a_workdir_is_entered_for_that_task_only(run_it: RunIt, tmp_path: Path) -> None:
    def p(folder: str) -> Any:
        here = asking.in_data.with_(workdir=str(tmp_path))()
        return [here, steps.where(here)]

    assert run_it(p, folder=str(tmp_path)).result == [str(tmp_path), os.getcwd()]


def test_a_workdir_that_is_not_there_is_an_error_before_the_run(run_it: RunIt) -> None:
    def p() -> Any:
        return [steps.echo(1), asking.in_data()]

    with pytest.raises(ParameterError, match="workdir='data', and there is no folder"):
        run_it(p)


def test_an_isolated_task_has_a_process_of_its_own(run_it: RunIt) -> None:
    def p(n: int) -> Any:
        return [asking.alone(each(steps.count_up(n))), steps.worker()]

    alone, other = run_it(p, n=4).result
    assert len({*alone, other}) == 5


def test_gpus_are_handed_out_by_index_and_never_twice(run_it: RunIt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAIT_GPUS", "4,7")

    def p(n: int) -> Any:
        taken = asking.on_gpu(each(steps.count_up(n)))
        return [taken, asking.on_two_gpus(taken)]

    taken, both = run_it(p, n=4).result
    assert both == "4,7"
    assert {one[0] for one in taken} <= {"4", "7"}
    for gpu in ("4", "7"):
        times = sorted((start, end) for name, start, end, _ in taken if name == gpu)
        assert all(before[1] <= after[0] for before, after in pairwise(times))
    if run_it.executor == "processes":  # type: ignore[attr-defined]
        assert {one[0] for one in taken} == {"4", "7"}
        assert len({one[3] for one in taken}) == 2, "workers are used again"


def test_more_than_there_is_is_refused_before_the_run(run_it: RunIt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAIT_GPUS", "0")

    def p() -> Any:
        return asking.on_two_gpus()

    with pytest.raises(ParameterError, match="asks for gpus=2, and there is 1 in all"):
        run_it(p)

    def q() -> Any:
        return asking.hoard.with_(memory="900TiB")("not")

    with pytest.raises(ParameterError, match="hoard asks for memory="):
        run_it(q)


def test_an_async_step_is_awaited(run_it: RunIt) -> None:
    def p(n: int) -> Any:
        return asking.wait_together(n)

    run = run_it(p, n=5)
    assert run.result == [0, 2, 4, 6, 8]
    assert len(list(run.metric_points())) == 5


def test_what_a_generator_yields_is_a_list(run_it: RunIt) -> None:
    def p(n: int) -> Any:
        made, later = asking.chunks(n), asking.chunks_later(n)
        return [made, steps.total(each(each(made))), later, steps.echo(each(later))]

    run = run_it(p, n=3)
    assert run.result == [[[0] * 3, [1] * 3, [2] * 3], [[0] * 3, [1] * 3, [2] * 3], [0, 1, 2], [0, 1, 2]]


def test_a_generator_that_fails_midway_has_failed(run_it: RunIt) -> None:
    def p(n: int) -> Any:
        return asking.chunks(n, 2)

    run = run_it(p, n=3)
    assert run.task("chunks").error.headline == "ValueError: no chunk 2"


def test_a_step_may_return_nothing(run_it: RunIt) -> None:
    def p() -> Any:
        return [asking.nothing(), steps.echo(asking.nothing())]

    assert run_it(p).result == [None, None]


def test_a_step_that_asks_for_a_process_may_be_one_that_cannot_travel(home: Path) -> None:
    import threading

    lock = threading.Lock()

    def p() -> Any:
        from plait import step

        @step(timeout=5)
        def held() -> bool:
            return lock.locked()

        return held()

    with pytest.raises(RunFailed, match="cannot travel to a worker process"):
        pipeline(p).run(progress=False)


@pytest.mark.parametrize("executor", EXECUTORS)
def test_steps_of_a_dynamic_pipeline_get_it_too(
    home: Path, executor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAIT_TEST_TOKEN", "sesame-open-42")
    monkeypatch.setenv("PLAIT_TEST_KEY", "abcdefgh")

    @pipeline(dynamic=True)
    def p() -> Any:
        length = asking.with_secret().result()
        try:
            asking.busy_for_ever().result()
        except Exception as error:
            return [length, str(error)]

    run = p.run(**EXECUTORS[executor], raise_on_failure=False, progress=False)
    length, said = run.result
    assert length == 22
    assert "timed out: it ran for longer than timeout=0.6s" in said
    assert texts(run, "with_secret[0]") == ["the token is ***"]
