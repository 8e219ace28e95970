"""Is a graph a value: immutable, equal by content, the same after JSON?"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait import Graph, each, pipeline, step
from plait.errors import DefinitionError
from plait.graph.model import task_name
from plait.graph.values import Const


@step(retries=2, tags=["slow"])
def one(x: Any) -> Any:
    return x


@pipeline
def example(xs: list[int], depth: int = 3, note: str | None = None) -> Any:
    return [one(each(xs)), one({"d": depth, "n": note})]


def test_nothing_in_a_graph_can_be_changed() -> None:
    graph = example.graph
    for part in (
        graph,
        graph.nodes[0],
        graph.steps[0],
        graph.scopes[1],
        graph.inputs[0],
        graph.nodes[0].args[0][1],
    ):
        with pytest.raises(AttributeError):
            setattr(part, part.__struct_fields__[0], None)
    for held in (
        graph.nodes,
        graph.steps,
        graph.scopes,
        graph.inputs,
        graph.nodes[0].args,
        graph.nodes[0].outputs,
    ):
        assert isinstance(held, tuple)


def test_tracing_twice_gives_equal_graphs() -> None:
    assert example.graph == example.graph


def test_a_graph_says_what_its_inputs_are() -> None:
    assert [(one.name, one.annotation, one.required, one.default) for one in example.graph.inputs] == [
        ("xs", "list[int]", True, None),
        ("depth", "int", False, 3),
        ("note", "str | None", False, None),
    ]


def test_options_are_kept_in_the_graph() -> None:
    graph = Graph.from_json(example.graph.to_json())
    assert graph.options(0).retries == 2
    assert graph.options(0).tags == ("slow",)


@pytest.mark.parametrize("text", [b"", b"{}", b"[1]", b'{"name": 3}', b"\xff"])
def test_what_is_no_graph_is_refused(text: bytes) -> None:
    with pytest.raises(DefinitionError, match="not a graph"):
        Graph.from_json(text)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(value=_json)
def test_a_constant_survives_json_exactly_or_is_no_constant(value: Any) -> None:
    @pipeline
    def p() -> Any:
        return one(value)

    traced = p.trace()
    again = Graph.from_json(traced.graph.to_json())
    assert again == traced.graph
    held = dict(again.nodes[0].args)["x"]
    if isinstance(held, Const):
        assert repr(held.value) == repr(value)
    else:
        assert repr(next(iter(traced.literals.values()))) == repr(value)


@pytest.mark.parametrize(("path", "name"), [((), "fit"), ((3,), "fit[3]"), ((3, 1), "fit[3,1]")])
def test_a_task_is_written_with_its_indices(path: tuple[int, ...], name: str) -> None:
    assert task_name("fit", path) == name
