"""What graph does a pipeline function describe?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from plait import each, pipeline, step
from plait.errors import DefinitionError
from plait.graph.model import Each, Group
from plait.graph.values import Const, Input, Item, ListOf, Output


@step
def one(x: Any) -> Any:
    return ["one", x]


@step
def add(x: Any, y: Any = 0) -> Any:
    return x + y


@step(outputs=["low", "high"])
def split(xs: list[int]) -> tuple[int, int]:
    return min(xs), max(xs)


@step
def numbers(n: int) -> list[int]:
    return list(range(n))


def ids(traced: Any) -> list[str]:
    return [node.id for node in traced.graph.nodes]


def test_calls_of_one_step_are_numbered() -> None:
    @step
    def one_2(x: Any) -> Any:
        return x

    @pipeline
    def p(x: int) -> Any:
        return [one(x), one(x), one_2(x), one(x)]

    assert ids(p) == ["one", "one_2", "one_2_2", "one_3"]


def test_outputs_of_several_calls_are_numbered_as_their_nodes() -> None:
    @pipeline
    def p(xs: list[int]) -> Any:
        a, b = split(xs)
        c, d = split([a, b])
        return [c, d]

    assert [node.outputs for node in p.graph.nodes] == [("low", "high"), ("low_2", "high_2")]


def test_outputs_are_reached_by_name_too() -> None:
    @pipeline
    def p(xs: list[int]) -> Any:
        return split(xs).high

    assert p.graph.result == Output(0, 1)


def test_a_call_names_its_outputs() -> None:
    @pipeline
    def p(xs: list[int]) -> Any:
        small, large = split(xs).named("small", "large")
        return one(add(small, large).named("total")).named("end")

    assert [node.outputs for node in p.graph.nodes] == [("small", "large"), ("total",), ("end",)]


def test_naming_one_of_several_outputs_leaves_the_others() -> None:
    @pipeline
    def p(xs: list[int]) -> Any:
        return split(xs).high.named("top")

    assert p.graph.nodes[0].outputs == ("low", "top")


def test_too_few_names_for_outputs_are_refused() -> None:
    @pipeline
    def p(xs: list[int]) -> Any:
        return split(xs).named("small")

    with pytest.raises(DefinitionError, match=r"2 outputs \(low, high\)"):
        p.graph


def test_an_argument_of_the_pipeline_cannot_be_named() -> None:
    @pipeline
    def p(x: Any) -> Any:
        return one(x.named("y"))

    with pytest.raises(DefinitionError, match="not an output of a step"):
        p.graph


def test_two_outputs_of_one_name_are_refused_with_both_places() -> None:
    @step(outputs=["model"])
    def fit(x: Any) -> Any:
        return x

    @step
    def model(x: Any) -> Any:
        return x

    @pipeline
    def p(x: Any) -> Any:
        return [fit(x), model(x)]

    with pytest.raises(DefinitionError) as caught:
        p.graph
    assert "two outputs are named 'model'" in str(caught.value)
    assert str(caught.value).count(__file__) == 2
    assert ".named('model_2')" in str(caught.value)


def test_each_puts_a_node_into_a_scope_with_its_source() -> None:
    @pipeline
    def p(xs: list[int]) -> Any:
        return add(each(xs), 5)

    graph = p.graph
    assert graph.scopes[1] == Each(name="add", parent=0, sources=(Input("xs"),), labels=("x",))
    assert dict(graph.nodes[0].args) == {"x": Item(1, 0), "y": Const(5)}


def test_nested_each_opens_a_scope_per_level() -> None:
    @pipeline
    def p(xss: list[list[int]]) -> Any:
        return one(each(each(xss)))

    assert [type(scope) for scope in p.graph.scopes] == [Group, Each, Each]
    assert p.graph.layout.node_axes == [(1, 2)]


def test_lambdas_made_while_tracing_keep_their_own_functions(home: Path) -> None:
    @pipeline
    def p(x: int) -> Any:
        return [step(lambda x, k=k: x * 100 + k)(x) for k in range(20)]

    assert p.run(x=1).result == [100 + k for k in range(20)]


def test_default_arguments_of_steps_are_the_functions_own(home: Path) -> None:
    @pipeline
    def p() -> Any:
        return add(3)

    assert p.run().result == 3
    assert dict(p.graph.nodes[0].args) == {"x": Const(3)}


@step
def starred(first: Any, /, *rest: Any, key: Any = None, **others: Any) -> Any:
    return [first, rest, key, others]


def test_all_kinds_of_parameters_arrive(home: Path) -> None:
    @pipeline
    def p(x: int) -> Any:
        return starred(one(x), 2, one(3), key=one(4), a=one(5), b=6)

    assert p.run(x=1).result == [["one", 1], (2, ["one", 3]), ["one", 4], {"a": ["one", 5], "b": 6}]


def test_each_works_among_starred_arguments(home: Path) -> None:
    @pipeline
    def p() -> Any:
        return starred(0, each([1, 2]), 7, z=each([3, 4]))

    assert p.run().result == [[0, (1, 7), None, {"z": 3}], [0, (2, 7), None, {"z": 4}]]


def test_a_product_works_among_keyword_arguments(home: Path) -> None:
    @pipeline
    def p() -> Any:
        return starred(0, **each.product(a=[1, 2], b=[3, 4]))

    assert [row[3] for row in p.run().result] == [
        {"a": 1, "b": 3}, {"a": 1, "b": 4}, {"a": 2, "b": 3}, {"a": 2, "b": 4},
    ]  # fmt: skip


class Scaler:
    def __init__(self, by: int) -> None:
        self.by = by

    @step
    def scale(self, x: int) -> int:
        return x * self.by


def test_methods_are_steps_of_their_object(home: Path) -> None:
    @pipeline
    def p(xs: list[int]) -> Any:
        return Scaler(3).scale(each(xs))

    assert p.run(xs=[1, 2]).result == [3, 6]


def test_a_product_goes_along_with_another_list(home: Path) -> None:
    @pipeline
    def p() -> Any:
        return starred(each(["w", "x", "y", "z"]), **each.product(a=numbers(2), b=[3, 4]))

    assert [(row[0], *row[3].values()) for row in p.run().result] == [
        ("w", 0, 3), ("x", 0, 4), ("y", 1, 3), ("z", 1, 4),
    ]  # fmt: skip


def test_a_pipeline_in_a_pipeline_is_a_group_with_names_of_its_own() -> None:
    @pipeline
    def inner(x: int) -> Any:
        return one(one(x))

    @pipeline
    def middle(x: int) -> Any:
        return inner(one(x))

    @pipeline
    def outer(x: int) -> Any:
        return [middle(x), inner(x)]

    graph = outer.graph
    assert [node.id for node in graph.nodes] == [
        "middle.one", "middle.inner.one", "middle.inner.one_2", "inner.one", "inner.one_2",
    ]  # fmt: skip
    assert [(scope.name, scope.parent) for scope in graph.scopes] == [
        ("outer", -1), ("middle", 0), ("middle.inner", 1), ("inner", 0),
    ]  # fmt: skip


def test_a_mapped_group_is_its_list_comprehension(home: Path) -> None:
    @pipeline
    def inner(x: int, y: int) -> Any:
        return add(add(x, y), 1)

    @pipeline
    def p(xss: list[list[int]]) -> Any:
        return inner(each(each(xss)), each([100, 200]))

    assert p.run(xss=[[1, 2], [3]]).result == [[102, 103], [204]]


def test_a_mapped_group_of_several_values_gives_a_list_for_each(home: Path) -> None:
    @pipeline
    def inner(x: int) -> Any:
        return one(x), {"k": add(x, 1)}

    @pipeline
    def p() -> Any:
        a, b = inner(each([1, 2]))
        return [a, b]

    assert p.run().result == [[["one", 1], ["one", 2]], {"k": [2, 3]}]


def test_an_element_that_leaves_its_each_is_the_list_again(home: Path) -> None:
    @pipeline
    def inner(x: int) -> Any:
        one(x)
        return x

    @pipeline
    def p(n: int) -> Any:
        xs = inner(each(numbers(n)))
        return [xs, add(each(xs), 10)]

    assert p.run(n=3).result == [[0, 1, 2], [10, 11, 12]]


def test_an_element_of_two_levels_leaves_both(home: Path) -> None:
    @pipeline
    def inner(x: int) -> Any:
        one(x)
        return x

    @pipeline
    def middle(xs: list[int]) -> Any:
        return inner(each(xs))

    @pipeline
    def p(xss: list[list[int]]) -> Any:
        return add(each(each(middle(each(xss)))), 1)

    assert p.run(xss=[[1], [], [2, 3]]).result == [[2], [], [3, 4]]


@pytest.mark.parametrize("returned", ["outer", "constant", "inner list"])
def test_what_is_the_same_for_every_element_does_not_leave_a_mapped_group(returned: str) -> None:
    @pipeline
    def inner(x: int, other: Any) -> Any:
        return {"outer": other, "constant": 3, "inner list": [one(x), other]}[returned]

    @pipeline
    def p(xs: list[int]) -> Any:
        return inner(each(xs), one(0))

    with pytest.raises(DefinitionError, match="is the same for every element"):
        p.graph


def test_a_list_of_elements_does_not_leave_its_each_unseen() -> None:
    @pipeline
    def innermost(x: int) -> Any:
        one(x)
        return x

    @pipeline
    def inner(x: int) -> Any:
        return innermost(each([x, x]))

    @pipeline
    def p(xs: list[int]) -> Any:
        return one(inner(each(xs)))

    with pytest.raises(DefinitionError, match="cannot leave it"):
        p.graph


def test_an_each_inside_a_product_takes_only_its_own_column_apart(home: Path) -> None:
    @pipeline
    def inner(xs: list[int], y: int) -> Any:
        return add(each(xs), y)

    @pipeline
    def p(ys: list[int]) -> Any:
        return inner(**each.product(xs=[[1, 2], [3]], y=ys))

    assert p.run(ys=[10, 20]).result == [[11, 12], [21, 22], [13], [23]]


def test_long_and_strange_literals_are_inputs_and_not_in_the_graph(home: Path) -> None:
    long = list(range(1000))

    @pipeline
    def p() -> Any:
        return [one(long), one((1, 2)), one({3: 4}), one(2**70), one(float("inf"))]

    graph = p.graph
    assert all(isinstance(value, Input) for node in graph.nodes for _, value in node.args)
    assert p.run().result == [["one", x] for x in (long, (1, 2), {3: 4}, 2**70, float("inf"))]


def test_a_list_of_coming_values_keeps_its_shape() -> None:
    @pipeline
    def p(x: int) -> Any:
        return one([1, (one(x), {"k": x})])

    ((_, value),) = p.graph.nodes[1].args
    assert isinstance(value, ListOf)
    assert value.items[0] == Const(1)
    assert isinstance(value.items[1], ListOf)
    assert value.items[1].is_tuple


def _returns_nothing(x: Any) -> None:
    one(x)


def _calls_nothing(x: Any) -> Any:
    return x


def _surplus(x: Any) -> Any:
    return add(x, yy=3)


def _missing(x: Any) -> Any:
    return add(y=x)


def _each_of_a_dict(x: Any) -> Any:
    return one(each({"a": 1}))


def _each_of_a_text(x: Any) -> Any:
    return one(each("text"))


def _each_of_a_number(x: Any) -> Any:
    return one(each(3))


def _each_in_a_list(x: Any) -> Any:
    return one([each(x)])


def _each_returned(x: Any) -> Any:
    one(x)
    return each(x)


def _each_iterated(x: Any) -> Any:
    return [one(y) for y in each(x)]


def _empty_product(x: Any) -> Any:
    return one(x, **each.product())


def _wrong_keys(x: Any) -> Any:
    return one({1: x})


def _wrong_name(x: Any) -> Any:
    return one(x).named("a b")


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (_returns_nothing, "returns nothing"),
        (_calls_nothing, "calls no step"),
        (_surplus, "did you mean 'y'"),
        (_missing, "missing a required argument: 'x'"),
        (_each_of_a_dict, "each(list(d.items()))"),
        (_each_of_a_text, "each(list(text))"),
        (_each_of_a_number, "needs a list"),
        (_each_in_a_list, "must be an argument of its own"),
        (_each_returned, "must be an argument of its own"),
        (_each_iterated, "cannot be iterated"),
        (_empty_product, "needs lists by name"),
        (_wrong_keys, "needs strings as keys"),
        (_wrong_name, "'a b' is not a name"),
    ],
)
def test_what_cannot_be_a_graph_says_why(function: Any, says: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        pipeline(function).graph
    assert says in str(caught.value)


def test_a_value_of_another_pipeline_is_refused() -> None:
    kept: list[Any] = []

    @pipeline
    def first(x: int) -> Any:
        kept.append(one(x))
        return kept[-1]

    @pipeline
    def second(x: int) -> Any:
        return one(kept[-1])

    first.graph
    with pytest.raises(DefinitionError, match="belongs to another pipeline"):
        second.graph


def test_a_pipeline_with_starred_arguments_is_refused() -> None:
    @pipeline
    def p(*xs: int) -> Any:
        return one(xs)

    @pipeline
    def outer(x: int) -> Any:
        return p(x)

    for wrong in (p, outer):
        with pytest.raises(DefinitionError, match="its arguments must have names"):
            wrong.graph


def test_a_run_is_not_started_from_inside_a_description(home: Path) -> None:
    @pipeline
    def inner(x: int) -> Any:
        return one(x)

    @pipeline
    def outer(x: int) -> Any:
        return one(inner.run(x=1).result)

    with pytest.raises(DefinitionError, match="while a pipeline is described"):
        outer.graph


def test_an_argument_that_run_itself_takes_is_refused(home: Path) -> None:
    @pipeline
    def p(workers: int) -> Any:
        return one(workers)

    with pytest.raises(DefinitionError, match="also an option of .run"):
        p.run(workers=3)
