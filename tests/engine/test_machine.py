"""Does scheduling keep its promises, whatever happens in whatever order?"""

from __future__ import annotations

import sys
from collections import Counter
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from plait import Graph, each, pipeline, step
from plait.engine.events import (
    Cancel,
    Done,
    Event,
    Failed,
    Finish,
    Launch,
    Retry,
    Room,
    Settle,
    Start,
    Tick,
    Withdrawn,
)
from plait.engine.machine import Machine, State
from plait.graph.model import Path
from plait.graph.options import Options
from plait.graph.unfold import Many, Need, is_there, resolve
from tests.strategies import Program, as_pipeline, programs

Place = tuple[int, Path]


def nested_lengths(value: Any, depth: int) -> Any:
    """How long a list is, and those in it, ``depth`` levels down."""
    if depth == 0:
        return None
    return len(value) if depth == 1 else [nested_lengths(inner, depth - 1) for inner in value]


class TooLarge(Exception):
    """The world would be one of thousands of tasks: no more is learned from it."""


class Modest(Machine):
    """A machine that refuses to unfold without end: products of products grow fast."""

    unfolded = 0

    def _unfold(self, scope: int, path: Path, count: int) -> None:
        self.unfolded += count
        if self.unfolded > 1_000:
            raise TooLarge
        super()._unfold(scope, path, count)


class World:
    """Makes up what happens to a run, and watches what the machine asks for."""

    def __init__(self, graph: Graph, inputs: dict[str, Any], random: Random) -> None:
        self.graph = graph
        self.random = random
        self.machine: Machine = Modest(graph, inputs)
        self.events: list[Event] = []
        self.actions: list[list[Any]] = []
        self.running: dict[Place, int] = {}
        self.done: set[Place] = set()
        self.absent: set[Place] = set()
        self.settled: Counter[Place] = Counter()
        self.failures: Counter[Place] = Counter()
        self.due: dict[Place, float] = {}
        self.cancelled = False
        self.refused = False
        self.room = 0
        self.now = 0.0

    def happen(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, Room):
            self.room = event.tasks
        actions = self.machine.handle(event)
        self.actions.append(actions)
        self.machine.check()
        launched = [
            action
            for action in actions
            if isinstance(action, Launch) and self.graph.nodes[action.node].is_step
        ]
        for action in actions:
            match action:
                case Launch():
                    self.launch(action)
                case Settle():
                    if action.absent:
                        assert action.state == "skipped"
                        self.absent.add((action.node, action.path))
                    self.settle((action.node, action.path), action.state)
                case Retry(node=node, path=path, attempt=attempt, at=at):
                    assert attempt == self.failures[node, path]
                    self.due[node, path] = at
        if launched:
            self.check_priority(launched)

    def launch(self, action: Launch) -> None:
        place = (action.node, action.path)
        assert not self.cancelled, "launched after cancel"
        assert place not in self.running, "launched twice at a time"
        assert place not in self.done
        assert not self.settled[place]
        assert action.attempt == self.failures[place] + 1
        assert self.due.get(place, 0.0) <= self.now, "launched before its wait was over"
        node = self.graph.nodes[action.node]
        if node.is_step:
            assert self.room > 0, "launched without room"
            self.room -= 1
        options = []
        for _, value in node.args:
            resolved = resolve(self.graph, self.machine, value, node.scope, action.path)
            options.append(is_there(self.machine, resolved))
            for needed in self.tasks_of(resolved):
                assert needed in self.done or needed in self.absent, (
                    f"{place} was launched before {needed} was done"
                )
        assert any(options) if node.kind == "either" else all(options), (
            f"{place} was launched without a value"
        )
        for scope in self.graph.layout.branches_around(node.scope):
            assert self.machine.extent(scope, action.path[: len(self.graph.layout.axes[scope])]) == 1
        self.running[place] = action.attempt

    def tasks_of(self, resolved: Any) -> list[Place]:
        if isinstance(resolved, Need):
            return self.below((resolved.node, resolved.path))
        if isinstance(resolved, Many):
            return [task for item in resolved.items for task in self.tasks_of(item)]
        return [task for _, item in getattr(resolved, "items", ()) for task in self.tasks_of(item)]

    def below(self, place: Place) -> list[Place]:
        """All tasks at a place, by the number of elements that their scopes turned out to have."""
        node, path = place
        axes = self.graph.layout.node_axes[node]
        if len(path) == len(axes):
            return [place]
        if self.settled[place]:
            return []
        count = self.machine.extent(axes[len(path)], path)
        assert count is not None or self.cancelled or self.reached_nothing(place), place
        return [task for at in range(count or 0) for task in self.below((node, (*path, at)))]

    def reached_nothing(self, place: Place) -> bool:
        """Whether a scope above was never entered, so that a shorter path was settled for all below it."""
        return any(self.settled[place[0], place[1][:cut]] for cut in range(len(place[1]) + 1))

    def settle(self, place: Place, state: str) -> None:
        assert place not in self.running
        assert place not in self.done
        self.settled[place] += 1
        assert self.settled[place] == 1, f"{place} settled twice"
        assert state in ("failed", "skipped")

    def check_priority(self, launched: list[Launch]) -> None:
        ready = [node for (node, _), state in self.machine.state.items() if state == State.READY]
        if ready:
            best = max(self.graph.options(node).priority for node in ready)
            assert min(self.graph.options(action.node).priority for action in launched) >= best

    def lengths(self, node: int) -> tuple[Any, ...]:
        splits = self.graph.layout.splits[0]
        depths = [splits.get((node, at), 0) for at in range(len(self.graph.nodes[node].outputs))]
        return tuple(self.made_up(depth) for depth in depths) if any(depths) else ()

    def choice(self, node: int, path: Path) -> int:
        """What the run would decide here: a branch, or whether this was the last round."""
        chosen = self.graph.nodes[node]
        if chosen.kind == "until":
            return int(path[-1] >= 4 or self.random.random() < 0.5)
        branches = len(self.graph.layout.branches.get(node, ()))
        return (
            self.random.randrange(-1, branches) if branches == 1 else self.random.randrange(max(1, branches))
        )

    def made_up(self, depth: int) -> Any:
        count = self.random.choice((0, 1, 2, 2, 3))
        if depth == 0:
            return None
        return count if depth == 1 else [self.made_up(depth - 1) for _ in range(count)]

    def step(self, trouble: float) -> None:
        """One more thing happens."""
        random = self.random
        chance = random.random()
        if self.cancelled and self.running and chance < 0.2:
            place = random.choice(list(self.running))
            del self.running[place]
            self.happen(Withdrawn(*place))
        elif self.running and chance < 0.6:
            place = random.choice(list(self.running))
            del self.running[place]
            if random.random() < trouble:
                self.failures[place] += 1
                retryable = random.random() < 0.9
                before = len(self.actions)
                self.happen(Failed(*place, now=self.now, retryable=retryable))
                options = self.graph.options(place[0])
                again = retryable and self.failures[place] <= options.retries and not self.cancelled
                asked = [
                    a for a in self.actions[before] if isinstance(a, Retry) and (a.node, a.path) == place
                ]
                assert bool(asked) == again, "retries are not counted right"
                assert self.settled[place] == (0 if again else 1)
            else:
                self.done.add(place)
                self.happen(Done(*place, self.lengths(place[0]), self.choice(*place), "as luck had it"))
        elif chance < 0.85:
            self.happen(Room(random.randint(0, 4)))
        else:
            self.now += random.random() * 2
            self.happen(Tick(self.now))

    def run(self, *, trouble: float, cancel_at: int | None) -> str:
        self.happen(Start())
        while self.machine.status is None:
            if len(self.events) == cancel_at:
                self.cancelled = True
                self.happen(Cancel())
            else:
                self.step(trouble)
            assert len(self.events) < 20_000, "no progress"
        return self.machine.status

    def check_end(self) -> None:
        finishes = [action for actions in self.actions for action in actions if isinstance(action, Finish)]
        assert [finish.status for finish in finishes] == [self.machine.status]
        assert not self.running
        failed = any(
            isinstance(a, Settle) and a.state == "failed" for actions in self.actions for a in actions
        )
        if self.cancelled:
            assert self.machine.status == "cancelled"
            return
        assert self.machine.status == ("failed" if failed else "done")
        for node in range(len(self.graph.nodes)):
            for task in self.below((node, ())):
                ended = (task in self.done) + self.settled[task]
                assert ended == 1 or self.reached_nothing(task), f"{task} ended {ended} times"
                assert ended < 2

    def check_afterwards(self) -> None:
        """A finished machine stays finished, and its log gives the same actions again."""
        status = self.machine.status
        for event in (Room(5), Tick(self.now + 1e9), Cancel()):
            assert self.machine.handle(event) == []
        assert self.machine.status == status
        again = Machine(self.graph, self.machine._inputs)
        log = msgspec.json.decode(msgspec.json.encode(self.events), type=list[Event])
        assert [again.handle(event) for event in log] == self.actions


def with_options(graph: Graph, random: Random) -> Graph:
    nodes = tuple(
        msgspec.structs.replace(
            node,
            options=Options(
                retries=random.choice((0, 0, 1, 3)),
                retry_delay=random.choice((0.0, 0.0, 1.0)),
                backoff=random.choice((1.0, 2.0)),
                priority=random.choice((0, 0, 1, -1)),
            ),
        )
        for node in graph.nodes
    )
    return msgspec.structs.replace(graph, nodes=nodes)


TOTAL = Counter[str]()


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
@given(program=programs(), seed=st.integers(0, 2**32))
def test_every_promise_holds_after_every_event(program: Program, seed: int) -> None:
    random = Random(seed)
    traced = as_pipeline(program).trace()
    values = {**traced.literals, **program.values}
    inputs = {
        name: nested_lengths(values[name], depth) for name, depth in traced.graph.layout.splits[1].items()
    }
    seen = 0
    for turn in range(40):
        if seen > 1000:
            break
        world = World(with_options(traced.graph, random), inputs, random)
        cancel_at = random.randint(1, 30) if turn % 4 == 3 else None
        try:
            status = world.run(trouble=(0.0, 0.1, 0.5)[turn % 3], cancel_at=cancel_at)
        except TooLarge:
            continue
        world.check_end()
        world.check_afterwards()
        TOTAL[status] += 1
        TOTAL["events"] += len(world.events)
        seen += len(world.events)


def test_the_random_runs_were_many_and_of_all_kinds() -> None:
    if not TOTAL:
        pytest.skip("the runs were not part of this session")
    assert TOTAL["events"] > 20_000
    assert all(TOTAL[status] > 50 for status in ("done", "failed", "cancelled")), TOTAL


@step
def value(x: Any = None, y: Any = None) -> Any:
    return x


def launches(actions: list[Any]) -> list[Place]:
    return [(action.node, action.path) for action in actions if isinstance(action, Launch)]


def settles(actions: list[Any]) -> dict[Place, tuple[str, str]]:
    return {(a.node, a.path): (a.state, a.reason) for a in actions if isinstance(a, Settle)}


def test_a_task_that_loses_two_needs_at_once_is_skipped_once() -> None:
    @pipeline
    def p() -> Any:
        source = value(1)
        mapped = value(each([1, 2]), source)
        return value(source, mapped)

    machine = Machine(p.graph)
    machine.handle(Start())
    machine.handle(Room(1))
    actions = machine.handle(Failed(0, ()))
    assert settles(actions) == {
        (0, ()): ("failed", ""),
        (1, (0,)): ("skipped", "value failed"),
        (1, (1,)): ("skipped", "value failed"),
        (2, ()): ("skipped", "value failed"),
    }
    machine.check()


def test_lists_of_unequal_lengths_fail_the_first_node_with_both_lengths() -> None:
    @pipeline
    def p() -> Any:
        return value(value(each(value(1)), each(value(2))))

    machine = Machine(p.graph)
    machine.handle(Start())
    machine.handle(Room(2))
    machine.handle(Done(0, (), (2,)))
    actions = machine.handle(Done(1, (), (3,)))
    state, reason = settles(actions)[2, ()]
    assert state == "failed"
    assert "x has 2, y has 3" in reason
    assert settles(actions)[3, ()][0] == "skipped"
    assert machine.status == "failed"


def test_an_empty_list_is_no_task_and_no_failure() -> None:
    @pipeline
    def p() -> Any:
        return value(value(each(value(each(value(1))))))

    machine = Machine(p.graph)
    machine.handle(Start())
    machine.handle(Room(1))
    actions = machine.handle(Done(0, (), (0,)))
    assert launches(actions) == []
    assert launches(machine.handle(Room(1))) == [(3, ())]


def test_elements_flow_on_without_waiting_for_each_other() -> None:
    @pipeline
    def p() -> Any:
        return value(each(value(each([1, 2, 3]))))

    machine = Machine(p.graph)
    machine.handle(Start())
    assert launches(machine.handle(Room(2))) == [(0, (0,)), (0, (1,))]
    machine.handle(Done(0, (1,)))
    assert launches(machine.handle(Room(1))) == [(1, (1,))]


def test_ready_tasks_of_a_higher_priority_start_first() -> None:
    @pipeline
    def p() -> Any:
        urgent = step(priority=5)(lambda x: x)
        return [value(1), value(2), urgent(3)]

    machine = Machine(p.graph)
    machine.handle(Start())
    assert launches(machine.handle(Room(1))) == [(2, ())]


def test_waits_grow_by_the_backoff() -> None:
    @pipeline
    def p() -> Any:
        return step(retries=3, retry_delay=2.0, backoff=3.0)(lambda: 1)()

    machine = Machine(p.graph)
    machine.handle(Start())
    machine.handle(Room(1))
    waits = []
    for _ in range(3):
        (retry,) = (a for a in machine.handle(Failed(0, (), now=100.0)) if isinstance(a, Retry))
        waits.append(retry.at - 100.0)
        assert machine.next_tick == retry.at
        assert launches(machine.handle(Tick(retry.at - 0.001))) == []
        machine.handle(Room(1))
        assert machine.status is None
        machine.handle(Tick(retry.at))
    assert waits == [2.0, 6.0, 18.0]
    assert settles(machine.handle(Failed(0, (), now=0.0)))[0, ()][0] == "failed"


def test_so_many_retries_that_the_wait_is_no_number_any_more() -> None:
    @pipeline
    def p() -> Any:
        return step(retries=5000, backoff=10.0)(lambda: 1)()

    machine = Machine(p.graph)
    machine.handle(Start())
    machine.handle(Room(1))
    for attempt in range(2, 1200):
        machine.handle(Room(1))
        assert machine.handle(Failed(0, ()))[-1] == Launch(0, (), attempt)


@pytest.mark.parametrize("ending", ["done", "failed", "empty"])
def test_long_chains_of_maps_need_no_deep_recursion(ending: str) -> None:
    @pipeline
    def p() -> Any:
        xs = value(1)
        for _ in range(3000):
            xs = value(each(xs))
        return xs

    machine = Machine(p.graph)
    machine.handle(Start())
    machine.handle(Room(1))
    if ending == "failed":
        assert len(settles(machine.handle(Failed(0, ())))) == 3001
    else:
        machine.handle(Done(0, (), (0 if ending == "empty" else 1,)))
    assert machine.status == {"done": None, "failed": "failed", "empty": "done"}[ending]
    machine.check()


def test_cancel_leaves_running_tasks_to_end_and_starts_no_other() -> None:
    @pipeline
    def p() -> Any:
        return value(value(each([1, 2, 3])))

    machine = Machine(p.graph)
    machine.handle(Start())
    machine.handle(Room(2))
    assert machine.handle(Cancel()) == []
    machine.check()
    assert machine.handle(Done(0, (0,))) == []
    assert machine.handle(Failed(0, (1,)))[-1] == Finish("cancelled")
    machine.check()


def drive(count: int) -> float:
    """Calls of functions per task for a map whose elements flow through two steps into a gather."""

    @pipeline
    def p(xs: list[int]) -> Any:
        return value(value(each(value(each(xs)))))

    machine = Machine(p.graph, {"xs": count})
    calls = 0

    def counted(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(counted)
    try:
        todo = launches(machine.handle(Start()) + machine.handle(Room(64)))
        while todo:
            place = todo.pop()
            todo += launches(machine.handle(Done(*place)) + machine.handle(Room(1)))
    finally:
        sys.setprofile(None)
    assert machine.status == "done"
    return calls / count


def test_a_task_costs_the_same_among_many() -> None:
    few, many = drive(500), drive(5_000)
    assert many < 1.1 * few, f"{few:.1f} calls a task among 500, {many:.1f} among 5,000"
