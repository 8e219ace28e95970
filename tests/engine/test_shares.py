"""Does a task wait for its share, no longer than it must, and is no more handed out than there is?"""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait import each, pipeline, step
from plait.engine.events import (
    Back,
    Cancel,
    Done,
    Failed,
    Finish,
    Launch,
    Retry,
    Room,
    Settle,
    Share,
    Start,
    Tick,
)
from plait.engine.machine import Machine, State
from plait.graph.model import Graph

GIB = 2**30


def graph_of(*options: dict[str, Any], items: int = 4) -> Graph:
    """Independent mapped steps ``s0``, ``s1``, … with these options."""
    steps = []
    for index, one in enumerate(options):

        def work(x: int) -> int:
            return x

        steps.append(step(name=f"s{index}", **one)(work))

    @pipeline
    def flow(xs: list[int]):
        return [made(each(xs)) for made in steps]

    return flow.trace().graph


def machine(graph: Graph, items: int = 4, room: int = 100, **options: Any) -> tuple[Machine, list[Launch]]:
    made = Machine(graph, {"xs": items}, **options)
    made.handle(Start())
    return made, launched(made.handle(Room(room)))


def launched(actions: list[Any]) -> list[Launch]:
    return [one for one in actions if isinstance(one, Launch)]


def after(made: Machine, *events: Any) -> list[Launch]:
    """What begins because of these events, with room enough."""
    return launched([action for event in (*events, Room(100)) for action in made.handle(event)])


def names(launches: list[Launch]) -> list[int]:
    return [one.node for one in launches]


def test_tasks_wait_for_their_share_of_the_cores() -> None:
    made, first = machine(graph_of({"cpus": 2}), capacity={"cpus": 4})
    assert len(first) == 2
    assert launched(made.handle(Room(100))) == []
    assert len(after(made, Done(0, first[0].path))) == 1
    made.check()


def test_memory_and_gpus_are_handed_out_as_far_as_they_go() -> None:
    made, first = machine(
        graph_of({"memory": "3GiB"}, {"gpus": 1}), capacity={"memory": 8.0 * GIB, "gpus": 1}
    )
    assert sorted(names(first)) == [0, 0, 1]
    made.check()


def test_who_waits_for_a_gpu_keeps_no_core_from_others() -> None:
    _, first = machine(graph_of({"gpus": 1, "priority": 9}, {}), capacity={"gpus": 1, "cpus": 2})
    assert names(first).count(0) == 1
    assert names(first).count(1) == 4


def test_who_waits_for_cores_gets_them_before_later_ones_take_them() -> None:
    graph = graph_of({"priority": 1, "cpus": 1.5}, {"priority": 2, "cpus": 3})
    made, first = machine(graph, items=2, capacity={"cpus": 4})
    assert names(first) == [1], "the wide one first, and nothing beside it that would make the next one wait"
    again = launched(made.handle(Done(1, (0,))) + made.handle(Room(100)))
    assert names(again) == [1]


def test_plain_tasks_leave_the_cores_that_a_wide_one_holds() -> None:
    _made, first = machine(graph_of({"cpus": 3, "priority": 1}, {}), items=1, capacity={"cpus": 4})
    assert sorted(names(first)) == [0, 1]
    _, first = machine(graph_of({"cpus": 3, "priority": 1}, {}), items=3, capacity={"cpus": 4})
    assert names(first) == [0], "the next wide one is waited for"


def test_at_most_so_many_under_a_limit_across_steps() -> None:
    made, first = machine(graph_of({"limit": ("warehouse", 2)}, {"limit": ("warehouse", 2)}, {}))
    assert names(first).count(2) == 4
    assert len([node for node in names(first) if node != 2]) == 2
    assert made.waits_for == {"limit:warehouse"}
    assert made.limits == {"limit:warehouse": 2}


def test_what_other_runs_hold_of_a_limit_is_not_there() -> None:
    graph = graph_of({"limit": ("warehouse", 2)})
    made = Machine(graph, {"xs": 4})
    made.handle(Start())
    made.handle(Share("limit:warehouse", 1))
    assert len(launched(made.handle(Room(100)))) == 1
    assert len(after(made, Share("limit:warehouse", 2))) == 1


def test_a_rate_spaces_beginnings_and_a_cached_result_does_not_count() -> None:
    made = Machine(graph_of({"rate": "2/min"}), {"xs": 5})
    made.handle(Start())
    first = launched(made.handle(Room(100, now=10.0)))
    assert len(first) == 2
    assert made.next_tick == 70.0
    assert launched(made.handle(Room(100, now=50.0))) == []
    assert len(after(made, Done(0, first[0].path, ran=False), Room(100, now=51.0))) == 1
    assert len(launched(made.handle(Room(100, now=70.5)))) == 1
    assert made.next_tick == 110.0
    made.check()


def test_only_the_named_exceptions_are_tried_again() -> None:
    made, _ = machine(graph_of({"retries": 3, "retry_on": [ConnectionError]}), items=2)
    lost = made.handle(
        Failed(0, (0,), kinds=("ConnectionResetError", "ConnectionError", "OSError", "Exception"))
    )
    wrong = made.handle(Failed(0, (1,), kinds=("ValueError", "Exception")))
    assert any(isinstance(one, Retry) for one in lost)
    assert [one.state for one in wrong if isinstance(one, Settle)] == ["failed"]


def test_jitter_makes_a_wait_longer_by_its_share_at_most_and_differs_by_run() -> None:
    graph = graph_of({"retries": 1, "retry_delay": 10, "jitter": 0.5})
    waits = set()
    for seed in "abcd":
        made, _ = machine(graph, items=1, seed=seed)
        (retry,) = [one for one in made.handle(Failed(0, (0,), now=100.0)) if isinstance(one, Retry)]
        waits.add(retry.at - 100.0)
    assert all(10 <= wait <= 15 for wait in waits)
    assert len(waits) == 4


def test_memory_grows_after_running_out_of_it_until_there_is_no_more() -> None:
    made, first = machine(
        graph_of({"memory": "1GiB", "memory_growth": 2.0}), items=1, capacity={"memory": 3.0 * GIB}
    )
    growths = [first[0].growth]
    while made.status is None:
        actions = made.handle(Failed(0, (0,), kinds=("MemoryError", "Exception")))
        growths += [one.growth for one in launched(actions + made.handle(Room(9)))]
        made.check()
    assert growths == [1.0, 2.0, 4.0], "4 is cut to the 3 GiB that there are, and then it ends"
    assert made.status == "failed"


def test_a_failure_that_is_left_behind_is_missing_like_a_branch_not_taken() -> None:
    @step(on_failure="continue")
    def risky(x: int) -> int:
        return x

    @step
    def total(xs: list[int]) -> int:
        return sum(xs)

    @pipeline
    def flow(xs: list[int]):
        return total(risky(each(xs)))

    made = Machine(flow.trace().graph, {"xs": 2})
    made.handle(Start())
    made.handle(Room(9))
    made.handle(Failed(0, (0,)))
    assert names(after(made, Done(0, (1,)))) == [1]
    made.handle(Done(1, ()))
    assert made.status == "done"
    made.check()


def test_what_stands_in_is_had_after_the_last_attempt_and_its_own_failure_is_the_end() -> None:
    made, first = machine(graph_of({"on_failure": 0, "retries": 1}), items=1)
    second = launched(made.handle(Failed(0, (0,))) + made.handle(Room(9)))
    third = launched(made.handle(Failed(0, (0,))) + made.handle(Room(9)))
    assert [(one.attempt, one.stand_in) for one in (*first, *second, *third)] == [
        (1, False),
        (2, False),
        (3, True),
    ]
    assert [one for one in made.handle(Failed(0, (0,))) if isinstance(one, Finish)] == [Finish("failed")]


def test_failing_fast_begins_nothing_more() -> None:
    made, _ = machine(graph_of({}), items=3, room=2, fail_fast=True)
    made.handle(Failed(0, (0,)))
    assert launched(made.handle(Room(9))) == []
    made.handle(Done(0, (1,)))
    assert made.status == "failed"
    made.check()


@settings(max_examples=60, deadline=None)
@given(data=st.data(), seed=st.integers(0, 2**32))
def test_no_more_is_handed_out_than_there_is_and_everything_ends(data: st.DataObject, seed: int) -> None:
    kinds = st.fixed_dictionaries(
        {},
        optional={
            "cpus": st.sampled_from([0.5, 1, 2, 4]),
            "memory": st.sampled_from(["1GiB", "2GiB"]),
            "gpus": st.integers(0, 2),
            "priority": st.integers(-1, 1),
            "limit": st.just(("key", 2)),
            "rate": st.just("3/min"),
            "retries": st.integers(0, 2),
            "memory_growth": st.sampled_from([1.0, 2.0]),
            "on_failure": st.sampled_from(["fail", "continue", 7]),
        },
    )
    options = data.draw(st.lists(kinds, min_size=1, max_size=4))
    capacity = {"cpus": 4.0, "gpus": 2.0, "memory": 4.0 * GIB}
    made, now, random = Machine(graph_of(*options), {"xs": 4}, capacity=capacity), 0.0, Random(seed)
    made.handle(Start())
    running: list[Launch] = []
    for _ in range(2000):
        if made.status is not None:
            break
        now += random.random() * 10
        running += launched(made.handle(Room(random.choice([1, 2, 50]), now)))
        made.check()
        held = {"cpus": 0.0, "limit": 0}
        for one in running:
            chosen = made.graph.options(one.node)
            held["cpus"] += chosen.cpus
            held["limit"] += bool(chosen.limit)
        assert held["limit"] <= 2
        if not running:
            now = max(now, made.next_tick or now)
            running += launched(made.handle(Tick(now)))
            continue
        one = running.pop(random.randrange(len(running)))
        what = random.random()
        if what < 0.6:
            running += launched(made.handle(Done(one.node, one.path)))
        elif what < 0.7:
            running += launched(made.handle(Back(one.node, one.path)))
        else:
            kinds_of = random.choice([("MemoryError",), ("ValueError",)])
            running += launched(made.handle(Failed(one.node, one.path, now, kinds=kinds_of)))
        made.check()
    assert made.status in ("done", "failed"), "everything ends"
    assert State.READY not in made.state.values()


def test_cancelling_while_tasks_wait_for_shares_ends_the_run() -> None:
    made, first = machine(graph_of({"cpus": 2}), capacity={"cpus": 2})
    made.handle(Cancel())
    made.handle(Done(0, first[0].path))
    assert made.status == "cancelled"
    made.check()


@pytest.mark.parametrize("executor", ["inline", "processes"])
def test_left_behind_and_stood_in_for_in_a_real_run(home: Any, executor: str) -> None:
    from tests.engine import standing

    run = standing.flow.run(executor=executor, progress=False, retries_of=3)
    assert run.result == {"kept": [0, 20], "all": [0.0, -1.0, 2.0], "said": ["", "ValueError: no 1", ""]}
    assert run.status == "done"
    again = standing.flow.run(executor=executor, progress=False, retries_of=3)
    assert again.task("scored[1]").state == "done", "what stood in is no result that a cache knows"
    assert again.task("scored[0]").state == "cached"
