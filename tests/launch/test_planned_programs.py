"""Whatever a pipeline is made of, and whatever is edited between its runs: a plan is what the run then does."""

from __future__ import annotations

import tempfile
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plait.engine.plan import Plan
from plait.executors.inline import InlineExecutor
from plait.graph.model import Loop
from plait.launch.orders import CachePolicy, Orders
from plait.launch.planning import plan
from plait.launch.prepare import Given, prepare
from plait.launch.start import execute
from plait.record.views import Run
from tests import strategies
from tests.strategies import Program, as_pipeline, programs

_STEPS = ("mix", "spread", "nest", "two", "kind")
# Few values, so that what was edited often gives what it gave before; each still tells who it came from.
_SOURCE = """
import zlib
from plait import step

EDIT = {edit}

def _number(*values):
    return zlib.crc32(repr((values, EDIT)).encode()) % 3 * 400

@step(cache={cache})
def mix(x=None, y=None, z=None):
    return _number(x, y, z)

@step(cache={cache})
def spread(x=None, y=None, z=None):
    return [at for at in range(_number("spread", x, y, z) // 400)]

@step(cache={cache})
def nest(x=None, y=None, z=None):
    many = _number("nest", x, y, z) // 400
    return [[at * inner for inner in range((many + at) % 3)] for at in range(many)]

@step(outputs=["low", "many"], cache={cache})
def two(x=None, y=None, z=None):
    many = _number("two", x, y, z)
    return many, [at * 10 for at in range(many // 400)]

@step(cache={cache})
def kind(x=None):
    return "abc"[_number("kind", x) // 400]
"""
_edits = st.lists(
    st.one_of(
        st.tuples(st.just("code"), st.sampled_from(_STEPS), st.integers(0, 3)),
        st.tuples(st.just("cache"), st.sampled_from(_STEPS), st.booleans()),
        st.tuples(st.just("value"), st.integers(0, 2), st.integers(0, 3)),
        st.tuples(st.just("refresh"), st.sampled_from(_STEPS), st.just(0)),
        st.tuples(st.just("no_cache"), st.just(0), st.just(0)),
        st.tuples(st.just("nothing"), st.just(0), st.just(0)),
    ),
    min_size=1,
    max_size=4,
)


def version_of(name: str, edit: int, *, cached: bool) -> Any:
    """A step as it is after an edit of the file that it stands in."""
    namespace: dict[str, Any] = {"__name__": "edited"}
    exec(_SOURCE.format(edit=edit, cache=cached), namespace)
    return namespace[name]


def assert_kept(planned: Plan, run: Run) -> None:
    """Every task did what was said of it, and what was not spoken of follows from what could not be known."""
    assert run.status == "done", [task.error for task in run.tasks if task.error]
    graph, said = planned.graph, {(item.node, item.path): item for item in planned.items}
    open_ended = [item for item in planned.items if item.decision in ("unknown", "run")]
    did = {"done": "run", "cached": "cached", "skipped": "skipped"}
    for task in run.tasks:
        item = said.pop((task.node, task.path), None)
        happened = did[task.state] if graph.nodes[task.node].is_step or task.state == "skipped" else "decided"
        if item is None:
            assert any(_covers(graph, one, task.node, task.path) for one in open_ended), task.name
        elif item.decision != "unknown":
            assert happened == item.decision, (
                f"{task.name}: {item.decision} ({item.reason}), but {happened} ({task.reason})"
            )
    left = [planned.name(item) for item in said.values() if item.decision != "unknown"]
    assert not left, f"planned, and never began: {left}"


def _covers(graph: Any, open_item: Any, node: int, path: tuple[int, ...]) -> bool:
    """Whether a task is one of those that an item stands for: below it, or a later round of a loop that it is in."""
    if open_item.node == node and path[: len(open_item.path)] == open_item.path:
        return True
    axes, others = graph.layout.node_axes[node], graph.layout.node_axes[open_item.node]
    for depth, (axis, other) in enumerate(zip(axes, others, strict=False)):
        if axis != other or depth >= len(open_item.path):
            return False
        if isinstance(graph.scopes[axis], Loop) and path[depth] > open_item.path[depth]:
            return True
        if path[depth] != open_item.path[depth]:
            return False
    return False


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(program=programs(), edits=_edits)
def test_what_is_planned_is_what_the_run_does(program: Program, edits: list[tuple[Any, ...]]) -> None:
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as home:
        patch.setenv("PLAIT_HOME", home)
        versions = dict.fromkeys(_STEPS, (0, True))
        for kind, which, how in [("nothing", 0, 0), *edits, ("nothing", 0, 0)]:
            policy = CachePolicy()
            if kind == "code":
                versions[which] = (how, versions[which][1])
            elif kind == "cache":
                versions[which] = (versions[which][0], how)
            elif kind == "value":
                names = sorted(program.values)
                name = names[which % len(names)]
                program.values[name] = changed(program.values[name], how)
            strategies.meaning(program)  # one whose lists are of unequal lengths is no example
            for name, (edit, cached) in versions.items():
                made = version_of(name, edit, cached=cached)
                patch.setattr(strategies, name, made)
                if name != "kind":
                    patch.setitem(strategies.STEPS, name, made)
            prepared = prepare(
                as_pipeline(program), {name: Given(value) for name, value in program.values.items()}
            )
            if kind == "no_cache":
                policy = CachePolicy(look_up=False)
            elif kind == "refresh" and any(step.name == which for step in prepared.graph.steps):
                policy = CachePolicy(refresh=(which,))
            planned = plan(prepared, policy=policy)
            assert planned.items == plan(prepared, policy=policy).items, "to plan must change nothing"
            run = execute(prepared, executor=InlineExecutor(tee=False), orders=Orders(policy))
            assert_kept(planned, run)
            if planned.is_done:
                assert planned.counts["run"] == 0
        if all(cached for _, cached in versions.values()):
            assert planned.is_done, "the same again leaves nothing to do"


def changed(value: Any, how: int) -> Any:
    """Another value of the same kind; sometimes the same."""
    if isinstance(value, list):
        return [changed(one, how) for one in value][: None if how < 2 else -1]
    return (value + how) % 10
