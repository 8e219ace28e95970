"""What comes of a task, whatever it does, on the executors of this machine?"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from executors import steps

from plait import each, pipeline
from plait.errors import RunFailed

# An executor joins by a line here.
EXECUTORS: dict[str, dict[str, Any]] = {
    "inline": {"executor": "inline"},
    "processes": {"executor": "processes", "workers": 2},
    "threads": {"executor": "threads", "workers": 2},
}

RunIt = Callable[..., Any]


@pytest.fixture(params=EXECUTORS)
def run_it(request: pytest.FixtureRequest, home: Path) -> Iterator[RunIt]:
    """Run a pipeline function; afterwards nothing that it started is left."""

    before = psutil.Process().children(recursive=True)  # such as a server that other tests started

    def run(function: Callable[..., Any], **params: Any) -> Any:
        return pipeline(function).run(
            **EXECUTORS[request.param], raise_on_failure=False, progress=False, **params
        )

    run.executor = request.param  # type: ignore[attr-defined]
    yield run
    assert [one for one in psutil.Process().children(recursive=True) if one not in before] == []


def texts(run: Any, task: str, *streams: str) -> list[str]:
    return [line.text for line in run.task(task).logs() if not streams or line.stream in streams]


def states(run: Any) -> dict[str, str]:
    return {task.name: task.state for task in run.tasks}


def test_steps_lists_and_dicts(run_it: RunIt) -> None:
    def p(x: int) -> Any:
        first = steps.echo(x)
        return {"a": [first, (steps.echo(first, 2), "c")], "b": None}

    assert run_it(p, x=1).result == {"a": [1, ([1, 2], "c")], "b": None}


def test_maps_nested_maps_and_gathers(run_it: RunIt) -> None:
    def p(n: int) -> Any:
        rows = steps.triple(each(steps.count_up(n)))
        return [steps.total(rows), steps.echo(each(each(rows)), each(steps.count_up(n)))]

    run = run_it(p, n=3)
    assert run.result == [9, [[[0, 0], [0, 0], [0, 0]], [[1, 1], [1, 1], [1, 1]], [[2, 2], [2, 2], [2, 2]]]]
    assert run["triple"] == [[0, 0, 0], [1, 1, 1], [2, 2, 2]]


def test_an_empty_list_is_no_task(run_it: RunIt) -> None:
    def p(n: int) -> Any:
        mapped = steps.echo(each(steps.count_up(n)))
        return [mapped, steps.total(mapped)]

    run = run_it(p, n=0)
    assert run.status == "done"
    assert run.result == [[], 0]
    assert states(run) == {"count_up": "done", "total": "done"}


def test_what_a_step_does_to_its_input_harms_nobody(run_it: RunIt) -> None:
    def p(table: Any) -> Any:
        made = steps.echo(table)
        spoilt = [steps.spoil(made), steps.spoil(made), steps.spoil(table)]
        return [made, table, spoilt, steps.spoil(made)]

    table = {"a": [1], "b": [2]}
    run = run_it(p, table=table)
    assert run.result == [{"a": [1], "b": [2]}, {"a": [1], "b": [2]}, [2, 2, 2], 2]
    assert table == {"a": [1], "b": [2]}
    first, second = run.result, run.result
    first[0]["a"].append(1)
    assert second[0]["a"] == [1]


def test_a_list_that_many_tasks_gather_is_whole_for_each_of_them(run_it: RunIt) -> None:
    def p(items: list[int]) -> Any:
        return steps.drain(each(items), steps.triple(each(items)))

    run = run_it(p, items=list(range(100)))
    assert run.result == [300] * 100


def test_one_failing_item_does_not_stop_the_others(run_it: RunIt) -> None:
    def p() -> Any:
        checked = steps.fail_if(each([0, 1, 2, 3]), [1, 3])
        flowing = steps.echo(each(checked))
        return [steps.total(checked), flowing, steps.echo(5)]

    run = run_it(p)
    assert run.status == "failed"
    assert states(run) == {
        "fail_if[0]": "done", "fail_if[1]": "failed", "fail_if[2]": "done", "fail_if[3]": "failed",
        "echo[0]": "done", "echo[1]": "skipped", "echo[2]": "done", "echo[3]": "skipped",
        "total": "skipped", "echo_2": "done",
    }  # fmt: skip
    assert run.task("fail_if[1]").error.headline == "ValueError: 1 is bad"
    assert run.task("echo[1]").reason == "fail_if[1] failed"
    assert run["echo_2"] == 5
    with pytest.raises(RunFailed, match="failed, so it has no result"):
        run.result


def test_a_failed_run_raises_with_the_users_line(home: Path) -> None:
    for options in EXECUTORS.values():
        with pytest.raises(RunFailed) as caught:
            pipeline(_failing).run(**options)
        assert "fail_if[1]: ValueError: 1 is bad (1 more failed)" in str(caught.value)
        assert f"{steps.__file__}:" in caught.value.where
        assert caught.value.run.status == "failed"


def _failing() -> Any:
    return steps.fail_if(each([0, 1, 2]), [1, 2])


def test_the_cause_of_an_inline_failure_is_the_exception_itself(home: Path) -> None:
    def p(folder: str) -> Any:
        return [steps.flaky(folder, 2), steps.fail_if(each([0, 1, 2]), [2])]

    with pytest.raises(RunFailed) as caught:
        pipeline(p).run(folder=str(home.parent))
    assert isinstance(caught.value.__cause__, ValueError)
    assert str(caught.value.__cause__) == "2 is bad"


def test_retries_wait_longer_each_time_and_are_recorded(run_it: RunIt, tmp_path: Path) -> None:
    def p(folder: str) -> Any:
        return steps.flaky(folder, 3)

    run = run_it(p, folder=str(tmp_path))
    assert run.result == 3
    times = [float(line) for line in (tmp_path / "tried").read_text().split()]
    assert len(times) == 3
    assert 0.3 <= times[1] - times[0] < 0.3 + 1.5
    assert 0.6 <= times[2] - times[1] < 0.6 + 1.5
    task = run.task("flaky")
    assert [(one.attempt, one.state) for one in task.attempts] == [
        (1, "retried"),
        (2, "retried"),
        (3, "done"),
    ]
    assert task.attempts[0].error.headline == "RuntimeError: not yet"
    assert [[line.text for line in one.logs()] for one in task.attempts] == [
        ["attempt 1"], ["attempt 2"], ["attempt 3"],
    ]  # fmt: skip
    assert task.metrics == {"attempt": 3.0}
    assert [(point.attempt, point.value) for point in run.metric_points()] == [(1, 1.0), (2, 2.0), (3, 3.0)]


def test_a_task_that_fails_too_often_has_failed(run_it: RunIt, tmp_path: Path) -> None:
    def p(folder: str) -> Any:
        return steps.flaky(folder, 4)

    run = run_it(p, folder=str(tmp_path))
    assert run.status == "failed"
    assert [one.state for one in run.task("flaky").attempts] == ["retried", "retried", "failed"]


def test_the_wait_for_a_retry_holds_no_worker(run_it: RunIt, tmp_path: Path) -> None:
    def p(folder: str) -> Any:
        names = [f"n{at}" for at in range(6)]
        return [steps.flaky(folder, 3), steps.mark(folder, each(names))]

    run_it(p, folder=str(tmp_path))
    last_try = float((tmp_path / "tried").read_text().split()[-1])
    assert all(float((tmp_path / f"n{at}").read_text()) < last_try for at in range(6))


def test_what_tasks_say_is_kept_with_its_stream(run_it: RunIt, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    def p() -> Any:
        return steps.talk(each([0, 1]))

    run = run_it(p)
    assert [(line.stream, line.text) for line in run.task("talk[1]").logs()] == [
        ("out", "out 1"),
        ("err", "err 1"),
        ("INFO", "mine: info 1"),
        ("WARNING", "mine: warning"),
        ("WARNING", "of two lines 1"),
        ("out", "no newline"),
    ]


def test_what_tasks_say_at_the_same_time_stays_apart(run_it: RunIt) -> None:
    def p() -> Any:
        return steps.talk_slowly(each([0, 1, 2, 3]))

    run = run_it(p)
    for at in range(4):
        assert texts(run, f"talk_slowly[{at}]") == [f"task {at} line {line}" for line in range(20)]


def test_bars_half_lines_and_half_characters(run_it: RunIt) -> None:
    def p() -> Any:
        return steps.progress_bar(500)

    run = run_it(p)
    assert run.status == "done"
    assert texts(run, "progress_bar", "err") == ["500/500"]
    assert texts(run, "progress_bar", "out") == ["dos", "...\\udcff and half a character"]


def test_threads_of_a_step_speak_for_it(run_it: RunIt) -> None:
    def p() -> Any:
        return steps.threads(4)

    run = run_it(p)
    assert sorted(texts(run, "threads")) == sorted(
        f"thread {at} line {line}" for at in range(4) for line in range(5)
    )
    assert run.metrics == {f"metric{at}": float(at) for at in range(4)}


def test_five_megabytes_of_output(run_it: RunIt) -> None:
    def p() -> Any:
        return steps.talk_much(5_000_000)

    run = run_it(p)
    assert run.status == "done"
    lines = texts(run, "talk_much")
    assert len(lines) == 50_000
    assert set(lines) == {"x" * 99}


@pytest.mark.parametrize("code", [0, 3, None, "a text"])
def test_a_step_that_calls_exit_has_failed(run_it: RunIt, code: Any) -> None:
    def p(code: Any) -> Any:
        return [steps.leave(code), steps.echo(1)]

    run = run_it(p, code=code)
    assert states(run) == {"leave": "failed", "echo": "done"}
    assert f"called sys.exit({code!r})" in run.task("leave").error.message


def test_a_step_that_raises_keyboard_interrupt_has_failed(run_it: RunIt) -> None:
    def p() -> Any:
        return [steps.interrupt(), steps.echo(1)]

    run = run_it(p)
    assert run.status == "failed"
    assert states(run) == {"interrupt": "failed", "echo": "done"}
    assert run.task("interrupt").error.type == "KeyboardInterrupt"


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("unpicklable", "executors.steps.Unpicklable: cannot travel"),
        ("unspeakable", "executors.steps.Unspeakable: <its message cannot be shown: RuntimeError>"),
        ("base", "executors.steps.Base: below Exception"),
        ("surrogate", "ValueError: half \\udcff character"),
        ("group", "ExceptionGroup: several (2 sub-exceptions)"),
        ("recursion", "RecursionError: maximum recursion depth exceeded"),
    ],
)
def test_whatever_is_raised_is_recorded(run_it: RunIt, kind: str, says: str) -> None:
    def p(kind: str) -> Any:
        return [steps.raise_it(kind), steps.echo(1)]

    run = run_it(p, kind=kind)
    assert states(run) == {"raise_it": "failed", "echo": "done"}
    error = run.task("raise_it").error
    assert error.headline.startswith(says)
    assert len(error.frames) <= 101
    if kind == "group":
        assert error.notes == ("ValueError: first", "TypeError: second")
    if kind == "unpicklable":
        assert error.kinds == ("executors.steps.Unpicklable", "Exception", "BaseException")


def test_an_error_keeps_its_cause_notes_and_frames(run_it: RunIt) -> None:
    def p() -> Any:
        return steps.raise_it("cause")

    error = run_it(p).task("raise_it").error
    assert (error.type, error.message, error.notes) == ("ValueError", "outer", ("a note",))
    assert error.kinds == ("ValueError", "Exception", "BaseException")
    assert error.cause.headline == "KeyError: 'inner'"
    assert error.cause.kinds == ("KeyError", "LookupError", "Exception", "BaseException")
    frame = error.frames[-1]
    assert (frame.file, frame.function, frame.origin) == (steps.__file__, "raise_it", "user")
    assert frame.code == "raise outer from error"


def test_a_value_that_cannot_be_stored_fails_its_step_and_says_where_it_is(run_it: RunIt) -> None:
    def p() -> Any:
        return [steps.give_unpicklable(), steps.echo(1)]

    run = run_it(p)
    assert states(run) == {"give_unpicklable": "failed", "echo": "done"}
    message = run.task("give_unpicklable").error.message
    assert "['rows'][1]['lock']" in message
    assert "lock" in message


@pytest.mark.parametrize(
    ("how", "outcome"),
    [
        ("list", [1, 2]),
        ("dict", [1, 2]),
        ("one", "declares 2 outputs (a, b) but returned one value of type int"),
        ("three", "declares 2 outputs (a, b) but returned 3 values"),
        ("generator", "returned one value of type tuple_iterator"),
    ],
)
def test_a_step_gives_as_many_values_as_it_declares(run_it: RunIt, how: str, outcome: Any) -> None:
    def p(how: str) -> Any:
        a, b = steps.several(how)
        return [a, b]

    run = run_it(p, how=how)
    if isinstance(outcome, list):
        assert run.result == outcome
    else:
        assert outcome in run.task("several").error.message


def test_an_each_over_what_is_no_list_says_so(run_it: RunIt) -> None:
    def p() -> Any:
        return steps.echo(each(steps.echo(3)))

    run = run_it(p)
    assert (
        "the pipeline takes each(…) of 'echo', but step 'echo' returned int: 3"
        in run.task("echo").error.message
    )


def test_a_module_that_breaks_at_import_fails_its_step(run_it: RunIt) -> None:
    def p() -> Any:
        return [steps.import_broken(), steps.echo(1)]

    run = run_it(p)
    assert states(run) == {"import_broken": "failed", "echo": "done"}
    assert run.task("import_broken").error.headline == "RuntimeError: broken at import"


def test_a_step_that_changes_the_folder_does_so_for_itself(run_it: RunIt, tmp_path: Path) -> None:
    def p(folder: str) -> Any:
        moved = steps.move(folder)
        return [moved, steps.where(moved), steps.where(each([moved, moved, moved]))]

    here = os.getcwd()
    run = run_it(p, folder=str(tmp_path))
    assert run.result == [str(tmp_path), here, [here, here, here]]
    assert os.getcwd() == here


def test_a_step_knows_where_it_runs(run_it: RunIt) -> None:
    def p(depth: int = 3) -> Any:
        return [steps.who(), pipeline(_inner)(each([7, 8]))]

    run = run_it(p)
    who, (_, inner) = run.result
    assert (who["run"], who["task"], who["step"], who["index"]) == (run.id, "who", "who", ())
    assert (who["attempt"], who["params"], who["known"]) == (1, {"depth": 3}, True)
    assert (inner["task"], inner["index"]) == ("_inner.who[1]", (1,))


def _inner(x: int) -> Any:
    steps.echo(x)
    return steps.who()


def test_each_task_says_what_it_used(run_it: RunIt) -> None:
    def p() -> Any:
        return steps.sleep(0.1)

    task = run_it(p).task("sleep")
    assert 0.1 <= task.seconds < 2
    assert task.cpu_seconds < 0.1
    assert task.peak_memory > 1_000_000
    assert task.worker


def test_twenty_thousand_tiny_tasks(run_it: RunIt) -> None:
    def p(n: int) -> Any:
        return steps.total(steps.echo(each(steps.count_up(n))))

    run = run_it(p, n=20_000)
    assert run.status == "done"
    assert run.result == 20_000 * 19_999 // 2
    assert run.counts()[1].by_state == {"done": 20_000}
