"""Can everything that was written be read back?"""

from __future__ import annotations

import getpass
import math
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from plait import each, get_run, list_runs, log, pipeline, step
from plait.errors import ParameterError, RecordError, RunFailed
from plait.record.store import RecordStore


@step(retries=1)
def train(x: int, epochs: int) -> dict[str, int]:
    from plait import current

    for epoch in range(epochs):
        log(loss=1.0 / (epoch + 1), at=epoch)
        print(f"epoch {epoch}")
    log(final=x, good=True)
    log({"table": [1, 2]}, name="table")
    log([1], name="table")
    if current.attempt == 1 and x == 2:
        raise ValueError("first try")
    return {"x": x}


@step
def rows(n: int) -> list[list[int]]:
    return [list(range(at)) for at in range(n)]


@step(outputs=["low", "high"])
def ends(xs: list[int]) -> tuple[Any, Any]:
    return (min(xs), max(xs)) if xs else (None, None)


@step
def same(x: Any) -> Any:
    return x


@pipeline
def inner(x: int) -> Any:
    return same(same(x))


@pipeline
def everything(n: int, names: list[str] = ["a", "b"], scale: float = 0.5) -> Any:  # noqa: B006
    grid = rows(n)
    low, _ = ends(each(grid))
    models = train(each([1, 2]), 3)
    inside = inner(each(names))
    return {"grid": same(each(each(grid))), "low": low, "models": models, "inside": inside}


@pytest.fixture
def run(home: Path) -> Any:
    return everything.run(n=3, cache=False)


def test_the_result_is_the_value_with_its_empty_inner_lists(run: Any) -> None:
    assert run.result == {
        "grid": [[], [0], [0, 1]],
        "low": [None, 0, 0],
        "models": [{"x": 1}, {"x": 2}],
        "inside": ["a", "b"],
    }


def test_outputs_are_read_by_name(run: Any) -> None:
    assert run["rows"] == [[], [0], [0, 1]]
    assert run["same"] == [[], [0], [0, 1]]
    assert run["high"] == [None, 0, 1]
    assert run["inner.same_2"] == ["a", "b"]
    assert run["inner"] == {"same": ["a", "b"], "same_2": ["a", "b"]}
    assert run["ends"] == ([None, 0, 0], [None, 0, 1])
    assert "low" in run
    assert "lowest" not in run
    assert run.outputs == ["rows", "low", "high", "train", "inner.same", "inner.same_2", "same"]
    with pytest.raises(RecordError, match="did you mean 'low'"):
        run["lwo"]


def test_a_run_knows_where_it_came_from(run: Any, home: Path) -> None:
    again = get_run(run.id, home=home)
    for one in (run, again):
        assert (one.pipeline, one.status, one.executor) == ("everything", "done", "inline")
        assert one.target == "tests.record.test_views:everything"
        assert one.params == {"n": 3, "names": ["a", "b"], "scale": 0.5}
        assert (one.user, one.host, one.pid) == (getpass.getuser(), socket.gethostname(), os.getpid())
        assert one.started_at <= one.ended_at
        assert one.seconds == pytest.approx((one.ended_at - one.started_at).total_seconds(), abs=1e-5)
        assert one.packages["msgspec"]
        assert one.facts["python"].startswith("3.")
        assert one.facts["argv"]
        assert one.graph == everything.graph


def test_tasks_know_their_state_time_inputs_and_outputs(run: Any) -> None:
    assert [task.name for task in run.tasks] == [
        "rows", "ends[0]", "ends[1]", "ends[2]", "train[0]", "train[1]", "inner.same[0]", "inner.same[1]",
        "inner.same_2[0]", "inner.same_2[1]", "same[1,0]", "same[2,0]", "same[2,1]",
    ]  # fmt: skip
    task = run.task("train[1]")
    assert (task.state, task.attempt, task.id, task.path) == ("done", 2, "train", (1,))
    assert task.inputs == {"x": 2, "epochs": 3}
    assert task.outputs == {"train": {"x": 2}}
    assert task.artifacts["train"].type == "dict"
    assert task.started_at <= task.ended_at
    assert task.seconds == task.ended_at - task.started_at
    assert task.cpu_seconds >= 0
    assert task.peak_memory > 0
    assert [one.state for one in task.attempts] == ["retried", "done"]
    assert task.attempts[0].error.headline == "ValueError: first try"
    assert run.task("ends[2]").outputs == {"low": 0, "high": 1}
    assert run.task("same[2,1]").inputs == {"x": 1}


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("trian", "did you mean 'train'"),
        ("train", "it is mapped: train[0]"),
        ("train[7]", "has no task 'train[7]'"),
        ("train[x]", "is no name of a task"),
    ],
)
def test_a_task_that_is_not_there(run: Any, name: str, says: str) -> None:
    with pytest.raises(RecordError) as caught:
        run.task(name)
    assert says in str(caught.value)


def test_counts_tell_how_many_are_in_each_state(run: Any) -> None:
    counts = run.counts()
    ids = [node.id for node in run.graph.nodes]
    assert {ids[node]: (count.total, count.by_state) for node, count in counts.items()} == {
        "rows": (1, {"done": 1}),
        "ends": (3, {"done": 3}),
        "train": (2, {"done": 2}),
        "inner.same": (2, {"done": 2}),
        "inner.same_2": (2, {"done": 2}),
        "same": (3, {"done": 3}),
    }


def test_metrics_are_series_and_last_values(run: Any) -> None:
    third = 1.0 / 3
    assert run.metrics == {
        "loss": {"train[0]": third, "train[1]": third},
        "final": {"train[0]": 1.0, "train[1]": 2.0},
        "good": {"train[0]": 1.0, "train[1]": 1.0},
    }
    points = [point for point in run.metric_points() if point.task == "train[0]" and point.name == "loss"]
    assert [(point.at, point.value) for point in points] == [(0.0, 1.0), (1.0, 0.5), (2.0, third)]
    assert run.task("train[0]").metrics == {"loss": third, "final": 1.0, "good": 1.0}


def test_previews_are_kept_under_names_of_their_own(run: Any) -> None:
    previews = run.task("train[0]").previews
    assert list(previews) == ["table", "table_2"]
    assert run.store.artifacts.load(previews["table"]) == {"table": [1, 2]}


def test_logs_are_read_by_task_and_attempt(run: Any) -> None:
    epochs = ["epoch 0", "epoch 1", "epoch 2"]
    assert [line.text for line in run.task("train[1]").logs()] == epochs
    assert len(list(run.logs())) == 9
    assert [(name, position) for name, position, _ in run.log_lines()][:4] == [
        ("train[0]", 0), ("train[0]", 1), ("train[0]", 2), ("train[1]", 0),
    ]  # fmt: skip


@step
def odd_numbers() -> None:
    log(nan=math.nan, inf=-math.inf, tiny=5e-324, whole=2**60)


def test_odd_numbers_are_metrics_too(home: Path) -> None:
    @pipeline
    def p() -> Any:
        return odd_numbers()

    metrics = p.run().metrics
    assert math.isnan(metrics["nan"])
    assert (metrics["inf"], metrics["tiny"], metrics["whole"]) == (-math.inf, 5e-324, 2.0**60)


@step
def speak(n: int) -> int:
    for at in range(n):
        print(at)
    return n


def test_a_hundred_thousand_lines_are_read_back_in_order(home: Path) -> None:
    @pipeline
    def p() -> Any:
        return speak(each([100_000, 3]))

    run = p.run()
    assert [line.text for line in run.task("speak[0]").logs()] == [str(at) for at in range(100_000)]
    assert [line.text for line in run.task("speak[1]").logs()] == ["0", "1", "2"]
    # Whoever looks at one place reads a block, not all that was said at once.
    assert run.store.database.row("SELECT MAX(lines) FROM log WHERE run = ?", (run.key,))[0] <= 1000


@step
def mapped_deep(x: int) -> list[list[int]]:
    return [[], [x]]


def test_nested_lists_keep_their_empty_inner_lists_by_name(home: Path) -> None:
    @pipeline
    def p() -> Any:
        deep = mapped_deep(each([1, 2]))
        return same(each(each(each(deep))))

    run = p.run()
    assert run.result == run["same"] == [[[], [1]], [[], [2]]]


def test_an_output_that_never_was_says_why(home: Path) -> None:
    @step
    def bad() -> list[int]:
        raise ValueError("no")

    @pipeline
    def p() -> Any:
        return same(each(bad()))

    run = p.run(raise_on_failure=False)
    with pytest.raises(RecordError, match="never reached"):
        run["same"]
    with pytest.raises(RecordError, match="task bad has no result"):
        run["bad"]
    with pytest.raises(RecordError, match="has no result: it is failed"):
        run.task("bad").outputs
    with pytest.raises(RunFailed, match="failed, so it has no result"):
        run.result
    assert [(task.name, task.state, task.reason) for task in run.tasks] == [
        ("bad", "failed", "ValueError: no"),
        ("same", "skipped", "bad failed"),
    ]


def _three_runs(home: Path) -> list[Any]:
    @pipeline
    def p(x: int) -> Any:
        return same(x)

    return [p.run(x=at) for at in range(3)]


def test_runs_are_found_by_prefix_and_latest(home: Path) -> None:
    runs = _three_runs(home)
    database = RecordStore(home).database
    for run, name in zip(runs, ("abcd1111", "abce2222", "xyz%_333"), strict=True):
        database.execute("UPDATE run SET id = ? WHERE id = ?", (name, run.id))
    assert get_run(home=home).id == "xyz%_333"
    assert get_run("latest", home=home).result == 2
    assert get_run("abcd", home=home).result == 0
    assert get_run("abce2222", home=home).result == 1
    assert get_run("xyz%_", home=home).result == 2
    with pytest.raises(RecordError, match="several runs begin with 'abc': abc.*, abc"):
        get_run("abc", home=home)
    for wrong in ("%", "_", "abc_", "zzz", ""):
        with pytest.raises(RecordError, match="there is no run"):
            get_run(wrong, home=home)
    assert [run.id for run in list_runs(home=home)] == ["xyz%_333", "abce2222", "abcd1111"]
    assert [run.id for run in list_runs(1, home=home)] == ["xyz%_333"]
    assert list_runs(pipeline="other", home=home) == []


def test_no_store_and_an_empty_store_say_so(home: Path) -> None:
    with pytest.raises(RecordError, match="no runs are recorded"):
        get_run(home=home)
    RecordStore(home, create=True)
    with pytest.raises(RecordError, match="there is no run yet"):
        get_run(home=home)
    assert list_runs(home=home) == []


def test_wrong_parameters_are_told_before_anything_is_recorded(home: Path) -> None:
    for given, says in (({}, "needs 'n'"), ({"n": 1, "scal": 2}, "did you mean 'scale'"), ({"n": "x"}, "n")):
        with pytest.raises(ParameterError) as caught:
            everything.run(**given)
        assert says in str(caught.value)
    assert not home.exists()


def test_literal_lists_of_unequal_lengths_are_told_before_anything_is_recorded(home: Path) -> None:
    from plait.errors import DefinitionError

    @pipeline
    def p(xs: Any) -> Any:
        return speak(each(xs)), [train(each(xs), each([1, 2, 3]))]

    with pytest.raises(DefinitionError, match="x has 2, epochs has 3"):
        p.run(xs=[1, 2])
    with pytest.raises(ParameterError, match="must be a list, not int"):
        p.run(xs=3)
    assert not home.exists()
