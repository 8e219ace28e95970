"""A plan is what the run then does."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plait.engine.plan import Plan
from plait.launch.orders import CachePolicy
from plait.launch.planning import open_records, plan
from plait.record.views import Run
from tests.programs import Folder

# A program is a list of steps; each is (kind, constant, inputs by position, mapped over its first input, cache).
Step = tuple[str, int, list[int], bool, str]

_steps = st.lists(
    st.tuples(
        st.sampled_from(["number", "list"]),
        st.integers(0, 3),
        st.lists(st.integers(0, 5), max_size=2),
        st.booleans(),
        st.sampled_from(["True", "True", "True", "False", "'1h'"]),
    ),
    min_size=1,
    max_size=6,
)
_edits = st.lists(
    st.one_of(
        st.tuples(st.just("constant"), st.integers(0, 5), st.integers(0, 3)),
        st.tuples(st.just("parameter"), st.integers(0, 2), st.just(0)),
        st.tuples(st.just("refresh"), st.integers(0, 5), st.just(0)),
        st.tuples(st.just("no_cache"), st.just(0), st.just(0)),
        st.tuples(st.just("nothing"), st.just(0), st.just(0)),
        st.tuples(st.just("rewire"), st.integers(0, 5), st.integers(0, 5)),
    ),
    min_size=1,
    max_size=4,
)


def program(steps: list[Step]) -> str:
    """Values are small numbers, so that changed steps often give what they gave before."""
    lines = [
        "def flat(x):",
        "    return sum(flat(one) for one in x) if isinstance(x, list) else x",
    ]
    body: list[str] = []
    for at, (kind, constant, inputs, mapped, cache) in enumerate(steps):
        names = [f"v{position % at}" for position in inputs] if at else []
        takes = ", ".join(["p", *(f"a{number}" for number in range(len(names)))])
        lines += [f"@step(cache={cache})", f"def s{at}({takes}):"]
        value = f"(flat([{takes}]) + {constant}) % 3"
        lines.append(
            f"    return {value}" if kind == "number" else f"    return [i % 2 for i in range({value})]"
        )
        given_ = list(names)
        first = inputs[0] % at if names else 0
        if mapped and names and (steps[first][0] == "list" or _is_mapped(steps, first)):
            given_[0] = f"each({given_[0]})"
        body.append(f"    v{at} = s{at}({', '.join(['p', *given_])})")
    lines += ["@pipeline", "def random_one(p: int = 0):", *body, f"    return v{len(steps) - 1}"]
    return "\n".join(lines)


def _is_mapped(steps: list[Step], at: int) -> bool:
    _, _, inputs, mapped, _ = steps[at]
    if not (at and inputs and mapped):
        return False
    first = inputs[0] % at
    return steps[first][0] == "list" or _is_mapped(steps, first)


def assert_kept(planned: Plan, run: Run) -> None:
    """Every task did what was said of it, and no task ran of which nothing was said."""
    assert run.status == "done", [task.error for task in run.tasks if task.error]
    said = {(item.node, item.path): item for item in planned.items}
    open_ended = [item for item in planned.items if item.decision == "unknown"]
    for task in run.tasks:
        item = said.pop((task.node, task.path), None)
        if item is None:
            assert any(
                one.node == task.node and task.path[: len(one.path)] == one.path for one in open_ended
            ), f"{task.name} was not in the plan"
        elif item.decision != "unknown":
            expected = {"run": "done", "cached": "cached"}[item.decision]
            assert task.state == expected, f"{task.name}: {item.decision} ({item.reason}), but {task.state}"
    left = [planned.name(item) for item in said.values() if item.decision != "unknown"]
    assert not left, f"planned, and never began: {left}"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_steps, _edits)
def test_what_is_planned_is_what_the_run_does(steps: list[Step], edits: list[tuple[str, int, int]]) -> None:
    with tempfile.TemporaryDirectory() as path:
        folder = Folder(Path(path))
        (folder.path / "pyproject.toml").write_text("[tool.plait]\n")
        try:
            _check(folder, steps, edits)
        finally:
            folder.forget()


def _check(folder: Folder, steps: list[Step], edits: list[tuple[str, int, int]]) -> None:
    parameter = 0
    for kind, one, other in [("nothing", 0, 0), *edits, ("nothing", 0, 0)]:
        policy: dict[str, Any] = {}
        at = one % len(steps)
        if kind == "constant":
            steps[at] = (steps[at][0], other, *steps[at][2:])
        elif kind == "parameter":
            parameter = one
        elif kind == "refresh":
            policy = {"refresh": (f"s{at}",)}
        elif kind == "no_cache":
            policy = {"no_cache": True}
        elif kind == "rewire":
            steps[at] = (*steps[at][:2], [other], *steps[at][3:])
        folder.write(program(steps))
        prepared = folder.prepared(p=parameter)
        chosen = CachePolicy(not policy.get("no_cache", False), policy.get("refresh", ()))
        planned = plan(prepared, policy=chosen)
        again = plan(prepared, policy=chosen)
        assert planned.items == again.items, "to plan must change nothing"
        run = folder.run(p=parameter, **policy)
        assert_kept(planned, run)
        if planned.is_done:
            assert "done" not in folder.states(run).values()


def test_a_plan_says_what_changed_for_what_would_run(folder: Folder) -> None:
    folder.write(
        """
        RATE = 2
        def helper(x):
            return x * RATE
        @step
        def load(n: int):
            return list(range(n))
        @step
        def double(x, alpha):
            return helper(x) * alpha
        @pipeline
        def training(n: int = 3, alpha: float = 1.0):
            return double(each(load(n)), alpha)
        """
    )
    folder.run()
    folder.edit("RATE = 2", "RATE = 3")
    made = plan(folder.prepared(alpha=2.0))
    assert made.counts == {"cached": 1, "run": 3, "unknown": 0, "skipped": 0}
    assert made.explain is not None
    why = made.explain(next(item for item in made.items if item.decision == "run"))
    said = {(one.kind, one.name.rpartition(":")[2]): one for one in why.differences}
    assert said["constant", "RATE"].text == "2 → 3"
    assert ("parameter", "alpha") in said
    assert len(said) == 2


def test_what_waits_for_another_step_says_for_which(folder: Folder) -> None:
    folder.write(
        """
        @step
        def load(n: int):
            return list(range(n))
        @step
        def double(x):
            return 2 * x
        @step
        def total(xs):
            return sum(xs)
        @pipeline
        def training(n: int = 3):
            return total(double(each(load(n))))
        """
    )
    made = plan(folder.prepared())
    assert [(made.name(one), one.decision, one.reason) for one in made.items] == [
        ("load", "run", "no result with this code and these inputs"),
        ("double", "unknown", "waits for load"),
        ("total", "unknown", "waits for load"),
    ]
    folder.run()
    assert plan(folder.prepared()).is_done


def test_the_time_of_what_is_to_do_is_estimated_from_earlier_runs(folder: Folder) -> None:
    folder.write(
        """
        import time
        @step
        def slow(n: int):
            time.sleep(0.05)
            return n
        @pipeline
        def training(n: int = 3):
            return slow(n)
        """
    )
    assert plan(folder.prepared()).seconds is None
    folder.run()
    seconds = plan(folder.prepared(n=4)).seconds
    assert seconds is not None
    assert 0.05 <= seconds < 1
    assert plan(folder.prepared()).seconds == 0


def test_equal_tasks_are_planned_once(folder: Folder) -> None:
    folder.write(
        """
        @step
        def double(x):
            ran("double")
            return 2 * x
        @pipeline
        def training(xs: list[int]):
            return double(each(xs))
        """
    )
    made = plan(folder.prepared(xs=[1, 1, 2]))
    assert made.counts == {"cached": 1, "run": 2, "unknown": 0, "skipped": 0}
    run = folder.run(xs=[1, 1, 2])
    assert_kept(made, run)
    assert folder.count("double") == 2
    assert run.result == [2, 2, 4]


def test_what_another_run_is_computing_cannot_be_known_yet(folder: Folder) -> None:
    folder.write(
        """
        @step
        def slow(n: int):
            ran("slow")
            while not os.path.exists("go"):
                pass
            return n
        @pipeline
        def training(n: int = 3):
            return slow(n)
        """
    )
    process = folder.start("run", "flow.py", "-q", "--executor", "inline")
    try:
        while not folder.count("slow"):
            assert process.poll() is None
        made = plan(folder.prepared(), records=open_records(folder.prepared()))
        assert [(one.decision, one.reason) for one in made.items] == [
            ("unknown", "another run is computing it now")
        ]
    finally:
        (folder.path / "go").touch()
        process.communicate(timeout=60)


def test_branches_and_loops_are_walked_as_far_as_values_are_there(folder: Folder) -> None:
    folder.write(
        """
        from plait import either, otherwise, repeat, when
        @step
        def load(n: int):
            return n
        @step
        def big(x):
            return 10 * x
        @step
        def small(x):
            return x + 1
        @step
        def grow(x):
            return 2 * x
        @pipeline
        def flow(n: int = 3):
            x = load(n)
            with when(x > 5):
                a = big(x)
            with otherwise():
                b = small(x)
            return repeat(grow, either(a, b), until=lambda v: v > 20, limit=5)
        """
    )
    first = plan(folder.prepared())
    assert {first.name(one): one.reason for one in first.items if one.decision == "unknown"} == dict.fromkeys(
        ["when", "big", "small", "either", "grow[0]", "until[0]", "repeat"], "waits for load"
    )
    folder.run()
    again = plan(folder.prepared())
    assert again.is_done
    assert [
        (again.name(one), one.decision, one.reason) for one in again.items if one.decision != "cached"
    ] == [
        ("when", "decided", "load > 5 was False"),
        ("big", "skipped", "branch not taken: load > 5 was False"),
        ("either", "decided", "took option_2"),
        ("until[0]", "decided", "grow > 20 was False"),
        ("until[1]", "decided", "grow > 20 was False"),
        ("until[2]", "decided", "grow > 20 was True"),
        ("repeat", "decided", "3 rounds"),
    ]
    assert again.counts == {"cached": 5, "run": 0, "unknown": 0, "skipped": 1}
    folder.edit("return x + 1", "return x + 1 + 0")
    edited = plan(folder.prepared())
    assert edited.counts == {"cached": 1, "run": 1, "unknown": 1, "skipped": 1}
