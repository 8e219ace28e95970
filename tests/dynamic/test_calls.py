"""The body of a dynamic pipeline runs for real: plain Python decides what is called, and everything is recorded."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from plait import TaskFailed, as_completed, each, otherwise, pipeline, repeat, step, switch, when
from plait.errors import DefinitionError, RunFailed


@step
def double(x: Any) -> Any:
    return x * 2


@step
def add(x: int = 0, y: int = 0, *more: int, **named: int) -> int:
    return x + y + sum(more) + sum(named.values())


@step(outputs=["low", "high"])
def ends(xs: list[int]) -> tuple[int, int]:
    return min(xs), max(xs)


@step
def fail(x: Any) -> None:
    raise ValueError(f"no {x}")


@step
def numbers(n: int) -> list[int]:
    return list(range(n))


@pipeline
def described(xs: list[int], y: int = 1) -> Any:
    doubled = double(each(xs))
    return {"sum": add(ends(doubled).low, y), "all": doubled}


def run(function: Any, executor: str = "inline", **params: Any) -> Any:
    return pipeline(dynamic=True)(function).run(executor=executor, **params)


def test_results_decide_what_is_called_next(home: Path) -> None:
    def search(limit: int = 50) -> Any:
        x = 1
        while double(x).result() < limit:
            x += 3
        return x

    done = run(search)
    assert done.result == 25
    assert done["double"] == [2, 8, 14, 20, 26, 32, 38, 44, 50]
    assert [task.name for task in done.tasks][:2] == ["search", "double[0]"]


def test_futures_are_arguments_of_other_calls_in_any_structure(home: Path) -> None:
    @step
    def look(value: Any) -> str:
        return repr(value)

    def body() -> Any:
        one = double(1)
        low, high = ends([one, 5, double(one)])
        return look({"a": one, "b": [low, (high, None)]}), add(one, y=low, named=high), ends([3, 4]).high

    assert run(body).result == ("{'a': 2, 'b': [2, (5, None)]}", 9, 4)


def test_each_makes_a_call_for_each_element(home: Path) -> None:
    def body() -> Any:
        grid = add(**each.product(x=[1, 2], y=[10, 20]))
        nested = double(each(each([[1], [2, 3], []])))
        side = add(each([1, 2]), each(double(each([3, 4]))))
        low, high = ends(each([[1, 2], [3, 4]]))
        return grid, nested, side, low, high, double(each(numbers(3)))

    assert run(body).result == ([11, 21, 12, 22], [[2], [4, 6], []], [7, 10], [1, 3], [2, 4], [0, 2, 4])


def test_each_side_by_side_needs_equal_lengths(home: Path) -> None:
    def body() -> Any:
        return add(each([1, 2]), each([1]))

    with pytest.raises(RunFailed, match="x has 2, y has 1"):
        run(body)


def test_as_completed_gives_all(home: Path) -> None:
    def body() -> Any:
        return sorted(future.result() for future in as_completed([double(1), double(each([2, 3]))]))

    assert run(body).result == [2, 4, 6]


def test_an_async_body_awaits_and_gathers(home: Path) -> None:
    async def body() -> Any:
        first, second = await asyncio.gather(double(1), double(2))
        third = await double(first + second)
        rest = [await future async for future in as_completed(double(each([1, 2, 3])))]
        return third, sorted(rest), await ends([1, 2])

    assert run(body).result == (12, [2, 4, 6], (1, 2))


def test_a_described_pipeline_is_a_group_of_each_call(home: Path) -> None:
    def body() -> Any:
        one = described([1, 2])
        two = described([one["sum"], 7], y=5)
        many = described(each([[1], [2, 3]]))
        return one, two, [inner["sum"].result() for inner in many]

    done = run(body)
    assert done.result == (
        {"sum": 3, "all": [2, 4]},
        {"sum": 11, "all": [6, 14]},
        [3, 5],
    )
    assert done["described.add"] == [3, 11, 3, 5]
    assert [node.id for node in done.graph.nodes if node.is_step] == [
        "described.double",
        "described.ends",
        "described.add",
    ]


def test_a_dynamic_pipeline_runs_its_body_there(home: Path) -> None:
    @pipeline(dynamic=True)
    def inner(n: int) -> Any:
        return [double(at) for at in range(n)]

    @pipeline(dynamic=True)
    async def later(n: int) -> Any:
        return await double(n)

    async def body() -> Any:
        return inner(2), await asyncio.gather(later(5), later(6)), await double(9)

    done = run(body)
    assert done.result == ([0, 2], [10, 12], 18)
    assert done["inner.double"] == [0, 2]
    assert done["double"] == [18]


def test_a_described_pipeline_refuses_a_dynamic_one(home: Path) -> None:
    @pipeline(dynamic=True)
    def inner() -> Any:
        return double(1)

    @pipeline
    def outer() -> Any:
        return inner()

    with pytest.raises(DefinitionError, match="make 'outer' dynamic as well"):
        outer.run()


def test_after_orders_calls_without_data(home: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"

    @step(cache=False)
    def write(word: str) -> None:
        with log.open("a") as file:
            file.write(word)

    def body() -> Any:
        first = [write("a"), write("b")]
        return write("c", after=first), write.with_(after=double(1))("d")

    run(body)
    assert log.read_text()[:2] in ("ab", "ba", "da", "ad", "bd", "db") or "c" in log.read_text()[2:]
    assert log.read_text().index("c") > max(log.read_text().index("a"), log.read_text().index("b"))


# Failures.


def test_a_failure_that_is_caught_is_the_bodys_to_decide(home: Path) -> None:
    def body() -> Any:
        try:
            return fail(1).result()
        except TaskFailed as error:
            return error.task, str(error.__cause__), type(error.__cause__).__name__

    for executor in ("inline", "processes"):
        done = run(body, executor)
        assert done.status == "done"
        assert done.result == ("fail[0]", "no 1", "ValueError")
        assert done.task("fail[0]").state == "failed"


def test_what_hangs_on_a_failed_call_is_skipped_and_seen_with_it(home: Path) -> None:
    def body() -> Any:
        failed = fail(1)
        after = add(double(failed), 1)
        return isinstance(after.exception(), TaskFailed)

    done = run(body)
    assert (done.status, done.result) == ("done", True)
    assert [task.state for task in done.tasks] == ["done", "failed", "skipped", "skipped"]


def test_a_failure_that_nobody_sees_fails_the_run(home: Path) -> None:
    def body() -> Any:
        fail(1)
        return double(2)

    with pytest.raises(RunFailed, match="fail\\[0\\]: ValueError: no 1") as raised:
        run(body)
    assert raised.value.run.status == "failed"
    assert raised.value.run["double"] == [4]


def test_an_error_in_the_body_fails_the_run_with_its_own_line(home: Path) -> None:
    def body() -> Any:
        double(1).result()
        raise LookupError("mine")

    with pytest.raises(RunFailed, match="body: LookupError: mine") as raised:
        run(body)
    assert "test_calls.py" in str(raised.value.where)
    assert isinstance(raised.value.__cause__, LookupError)
    assert raised.value.run.task("body").error.frames[-1].function == "body"


# Mistakes.


@pytest.mark.parametrize(
    ("use", "said"),
    [
        (lambda: bool(double(1)), "tested by if"),
        (lambda: double(1) > 3, "compared"),
        (lambda: double(1) + 1, "calculated with"),
        (lambda: list(double(1)), "iterated or unpacked"),
        (lambda: f"{double(1)}", "formatted into a string"),
        (lambda: double(1).shape, "asked for .shape"),
    ],
)
def test_a_future_used_as_its_value_says_what_to_write(home: Path, use: Any, said: str) -> None:
    with pytest.raises(RunFailed, match="error") as raised:
        pipeline(dynamic=True, name="error")(use).run()
    assert said in str(raised.value.__cause__)
    assert ".result()" in str(raised.value.__cause__)


@pytest.mark.parametrize(
    "use",
    [
        lambda: when(double(1)).__enter__(),
        lambda: otherwise().__enter__(),
        lambda: switch(double(1)).__enter__(),
    ],
)
def test_branches_and_loops_of_descriptions_are_pythons_own_here(home: Path, use: Any) -> None:
    with pytest.raises(RunFailed) as raised:
        pipeline(dynamic=True, name="error")(use).run()
    assert "in a dynamic pipeline write if" in str(raised.value.__cause__)


def test_repeat_is_a_plain_loop_over_calls(home: Path) -> None:
    assert run(lambda: repeat(double, 1, limit=3)).result == 8


def test_only_a_dynamic_pipeline_is_async() -> None:
    async def body() -> Any: ...

    with pytest.raises(DefinitionError, match="dynamic=True"):
        pipeline(body)


# What looks at runs.


def test_the_web_interface_sees_a_map_where_calls_were_made(home: Path) -> None:
    from plait.record.graphview import run_graph

    def body() -> Any:
        return [add(double(at)) for at in range(3)], described([1])["sum"]

    view = run_graph(run(body))
    assert ("double", "add") in {(edge.source, edge.target) for edge in view.edges}
    assert {group.kind for group in view.groups} <= {"each", "group"}
    assert {node.id for node in view.nodes} >= {"body", "double", "add", "described.add"}
