"""A dynamic body means what it means in plain Python: random ones, run, crashed and resumed."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from plait import TaskFailed, as_completed, each, pipeline, step
from plait.api import Pipeline
from plait.engine.task import Message
from plait.executors.inline import InlineExecutor
from plait.executors.processes import ProcessExecutor
from plait.launch.going_on import resume
from plait.launch.prepare import prepare
from plait.launch.start import execute
from plait.project.project import Project
from plait.record.store import RecordStore
from plait.record.views import Run

RAN = Path(
    tempfile.gettempdir(), f"plait-ran-{os.getpid()}"
)  # a file: a list would be a part of the steps' code


def note(name: str, value: Any) -> None:
    with RAN.open("a") as file:
        file.write(f"{name} {value}\n")


@step(cache=False)
def mix(x: Any = 1, y: Any = 2) -> int:
    note("mix", (x, y))
    return (_sum(x) * 31 + _sum(y) * 7) % 101


@step(outputs=["low", "many"], cache=False)
def two(x: Any) -> tuple[int, list[int]]:
    note("two", x)
    return _sum(x) % 13, [_sum(x) % 5] * (_sum(x) % 4)


@step(cache=False)
def picky(x: Any) -> int:
    note("picky", x)
    if _sum(x) % 3 == 0:
        raise ValueError(f"not {x}")
    return _sum(x) + 1


@pipeline
def described(x: Any, ys: Any) -> Any:
    return mix(mix(each(ys), x), two(x).many)


def _sum(x: Any) -> int:
    return sum(map(_sum, x)) if isinstance(x, list | tuple) else int(x)


# What a body is made of: statements over the values so far, chosen by number.

_small = st.integers(0, 30)
_pick = st.integers(0, 9)


def _statements(depth: int) -> st.SearchStrategy[Any]:
    calls = st.one_of(
        st.tuples(st.just("mix"), _pick, _pick),
        st.tuples(st.just("mix_lists"), _pick, _pick),
        st.tuples(st.just("two"), _pick),
        st.tuples(st.just("picky"), _pick),
        st.tuples(st.just("each"), st.lists(_small, max_size=3), _pick),
        st.tuples(st.just("each_two"), st.lists(_small, max_size=3)),
        st.tuples(st.just("completed"), st.lists(_small, max_size=3)),
        st.tuples(st.just("described"), _pick, st.lists(_small, max_size=3)),
        st.tuples(st.just("value"), _pick),
    )
    if not depth:
        return calls
    block = st.lists(_statements(depth - 1), max_size=3)
    return st.one_of(
        calls,
        st.tuples(st.just("if"), _pick, block, block),
        st.tuples(st.just("for"), st.integers(0, 3), block),
        st.tuples(st.just("group"), block),
    )


programs = st.lists(_statements(2), min_size=1, max_size=6)


def carry_out(program: Sequence[Any], do: Any, values: list[Any]) -> list[Any]:
    """Run a program; ``do`` makes its calls, for real or by plait."""

    def pick(at: int) -> Any:
        return values[at % len(values)]

    for statement in program:
        kind, *rest = statement
        match kind:
            case "mix":
                values.append(do.mix(pick(rest[0]), pick(rest[1])))
            case "mix_lists":
                values.append(do.mix([pick(rest[0]), 3], y=(pick(rest[1]), [pick(rest[0])])))
            case "two":
                low, many = do.two(pick(rest[0]))
                values += [low, do.mix(many)]
            case "picky":
                values.append(do.try_(do.picky(pick(rest[0]))))
            case "each":
                values.append(do.mix(do.each_mix(rest[0], pick(rest[1]))))
            case "each_two":
                values.append(do.mix(do.each_two(rest[0])))
            case "completed":
                values.append(do.completed(rest[0]))
            case "described":
                values.append(do.described(pick(rest[0]), rest[1]))
            case "value":
                values.append(do.value(pick(rest[0])))
            case "if":
                carry_out(rest[1] if do.value(pick(rest[0])) % 2 else rest[2], do, values)
            case "for":
                for _ in range(rest[0]):
                    carry_out(rest[1], do, values)
            case "group":
                values += do.group(rest[0], values[-2:])
    return values


class Plain:
    """What the calls mean."""

    def mix(self, x: Any, y: Any = 2) -> Any:
        return mix.function(x, y)

    def two(self, x: Any) -> Any:
        return two.function(x)

    def picky(self, x: Any) -> Any:
        try:
            return picky.function(x)
        except ValueError as error:
            return error

    def try_(self, outcome: Any) -> Any:
        return -1 if isinstance(outcome, ValueError) else outcome

    def each_mix(self, xs: list[int], y: Any) -> Any:
        return [mix.function(x, y) for x in xs]

    def each_two(self, xs: list[int]) -> Any:
        return [two.function(x)[0] for x in xs]

    def completed(self, xs: list[int]) -> Any:
        return sum(mix.function(x) for x in xs)

    def described(self, x: Any, ys: list[int]) -> Any:
        return mix.function([mix.function(y, x) for y in ys], two.function(x)[1])

    def value(self, x: Any) -> Any:
        return x

    def group(self, block: Sequence[Any], values: list[Any]) -> list[Any]:
        return carry_out(block, self, list(values))


class Called:
    """The same calls, made by the body of a dynamic pipeline."""

    mix, two, picky = map(staticmethod, (mix, two, picky))

    def try_(self, future: Any) -> Any:
        try:
            return future.result()
        except TaskFailed as error:
            return -1 if isinstance(error.__cause__, ValueError) else -2

    def each_mix(self, xs: list[int], y: Any) -> Any:
        return mix(each(xs), y)

    def each_two(self, xs: list[int]) -> Any:
        return two(each(xs)).low

    def completed(self, xs: list[int]) -> Any:
        return sum(future.result() for future in as_completed(mix(each(xs))))

    def described(self, x: Any, ys: list[int]) -> Any:
        return described(x, ys)

    def value(self, x: Any) -> Any:
        return x.result() if hasattr(type(x), "result") else x

    def group(self, block: Sequence[Any], values: list[Any]) -> list[Any]:
        @pipeline(dynamic=True, name="inner")
        def inner(given: list[Any]) -> Any:
            return carry_out(block, self, list(given))

        return list(inner(values))


def as_pipeline(program: Sequence[Any]) -> Pipeline[..., Any]:
    @pipeline(dynamic=True)
    def body() -> Any:
        return carry_out(program, Called(), [4, 9])

    return body


def run(program: Sequence[Any], executor: Any, home: Path) -> Run:
    written = as_pipeline(program)
    return execute(prepare(written, {}, Project(home)), executor=executor, home=home / ".plait")


class Crash(BaseException):
    pass


class Crashing(InlineExecutor):
    """The driver dies after some tasks; what it had committed stays."""

    def __init__(self, after: int) -> None:
        super().__init__(tee=False)
        self.left = after

    def wait(self, timeout: float | None) -> list[Message]:
        messages = super().wait(timeout)
        self.left -= len(messages)
        if self.left < 0:
            raise Crash
        return messages


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(program=programs)
def test_a_body_gives_what_plain_python_gives(program: Sequence[Any]) -> None:
    expected = carry_out(program, Plain(), [4, 9])
    with tempfile.TemporaryDirectory() as folder:
        done = run(program, InlineExecutor(tee=False), Path(folder))
        assert done.status == "done"
        assert done.result == expected
        assert RecordStore(Path(folder, ".plait")).run().result == expected


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(program=programs)
def test_it_gives_the_same_on_processes(program: Sequence[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        done = run(program, ProcessExecutor(2), Path(folder))
        assert done.result == carry_out(program, Plain(), [4, 9])


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(program=programs, crashes=st.lists(st.integers(0, 12), min_size=1, max_size=3))
@example(program=[("mix", 0, 0), ("mix", 0, 0), ("picky", 1)], crashes=[2])
def test_crashed_and_resumed_it_gives_the_same_and_repeats_nothing(
    program: Sequence[Any], crashes: list[int]
) -> None:
    expected = carry_out(program, Plain(), [4, 9])
    with tempfile.TemporaryDirectory() as folder:
        RAN.unlink(missing_ok=True)
        lost = 0
        done: Run | None = None
        for after in [*crashes, 10**6]:
            try:
                if done is None and not lost:
                    done = run(program, Crashing(after), Path(folder))
                else:
                    known = RecordStore(Path(folder, ".plait")).run()
                    done = resume(known, as_pipeline(program), executor=Crashing(after))
                break
            except Crash:
                lost += 1
        assert done is not None
        assert done.status == "done"
        assert done.result == expected
        tasks = [task for task in done.iter_tasks() if task.node and task.state in ("done", "failed")]
        steps = [task for task in tasks if done.graph.nodes[task.node].is_step]
        # What was at work in the moment of a crash is done once more, and what had failed without the body having
        # been told of it by then; nothing else.
        failed = sum(task.state == "failed" for task in steps)
        ran = len(RAN.read_text().splitlines()) if RAN.exists() else 0
        RAN.unlink(missing_ok=True)
        assert len(steps) <= ran <= len(steps) + lost * (1 + failed)


@pytest.mark.parametrize("executor", ["inline", "processes"])
def test_a_long_chain_of_futures_needs_no_deep_recursion(home: Path, executor: str) -> None:
    @pipeline(dynamic=True)
    def chain(n: int = 1500) -> Any:
        x: Any = 1
        for _ in range(n):
            x = mix(x)
        return x

    expected: Any = 1
    for _ in range(1500):
        expected = mix.function(expected)
    assert chain.run(executor=executor).result == expected
