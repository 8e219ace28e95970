"""Does using a coming value as if it were there say what to write instead?"""

from __future__ import annotations

import copy
import math
import operator
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from plait import pipeline, step
from plait.errors import DataError, DefinitionError


@step
def make(x: Any) -> Any:
    return x


def _with(value: Any) -> None:
    with value:
        pass


def _set(value: Any) -> None:
    value[0] = 1


def _delete(value: Any) -> None:
    del value[0]


MISUSES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "if": (bool, "decide inside a step"),
    "not": (operator.not_, "decide inside a step"),
    "and": (lambda v: v and 1, "decide inside a step"),
    "len": (len, "count inside a step"),
    "iterate": (list, "each(make)"),
    "unpack": (lambda v: (lambda a, b: a)(*v), 'outputs=["a", "b"]'),
    "next": (next, "each(make)"),
    "reversed": (lambda v: list(reversed(v)), "count inside a step"),
    "sorted": (sorted, "each(make)"),
    "index": (operator.itemgetter(0), "index inside a step"),
    "key": (operator.itemgetter("k"), "index inside a step"),
    "set item": (_set, "inside a step"),
    "delete item": (_delete, "inside a step"),
    "attribute": (operator.attrgetter("shape"), "a step that takes make"),
    "method": (lambda v: v.mean(), "a step that takes make"),
    "call": (lambda v: v(), "call it inside a step"),
    "format": (lambda v: f"{v}", "format inside a step"),
    "with": (_with, "open it inside the step"),
    "in": (lambda v: 1 in v, "calculate inside a step"),
    "in a list": (lambda v: v in [1, 2], "with when("),
    "compared and decided": (lambda v: bool(v < 1), "with when("),
    "int": (int, "calculate inside a step"),
    "float": (float, "calculate inside a step"),
    "round": (round, "calculate inside a step"),
    "floor": (math.floor, "calculate inside a step"),
    "abs": (abs, "calculate inside a step"),
    "negative": (operator.neg, "calculate inside a step"),
    "divmod": (lambda v: divmod(v, 2), "calculate inside a step"),
    "range": (range, "calculate inside a step"),
    "pickle": (pickle.dumps, "as an argument of its own"),
    "copy": (copy.deepcopy, "as an argument of its own"),
    **{
        f"{name}{side}": (function, "calculate inside a step")
        for name in (
            "add",
            "sub",
            "mul",
            "matmul",
            "truediv",
            "floordiv",
            "mod",
            "pow",
            "and_",
            "or_",
            "xor",
            "lshift",
        )
        for side, function in (
            ("", lambda v, name=name: getattr(operator, name)(v, 2)),
            (" turned", lambda v, name=name: getattr(operator, name)(2, v)),
        )
    },
}


@pytest.mark.parametrize("misuse", MISUSES)
def test_a_coming_value_used_as_a_value_says_what_to_write(misuse: str) -> None:
    use, says = MISUSES[misuse]

    @pipeline
    def p(x: int) -> Any:
        value = make(x)
        use(value)
        return value

    with pytest.raises(DefinitionError) as caught:
        p.graph
    assert str(caught.value).startswith("'make")
    assert "has no value while the pipeline is described" in str(caught.value)
    assert says in str(caught.value)
    assert __file__ in str(caught.value)


def test_a_coming_value_can_be_printed(capsys: pytest.CaptureFixture[str]) -> None:
    @pipeline
    def p(x: int) -> Any:
        print(x, make(x))
        return make(x)

    p.graph
    assert capsys.readouterr().out == "<the coming value of 'x'> <the coming value of 'make'>\n"


@dataclass
class Holder:
    inner: Any


def test_a_coming_value_hidden_in_an_object_is_refused_before_the_run(home: Path) -> None:
    @pipeline
    def p(x: int) -> Any:
        return make(Holder(make(x)))

    with pytest.raises((DefinitionError, DataError), match="stored inside another object"):
        p.run(x=1)
    assert not list(home.glob("records.db")) or _no_runs(home)


def _no_runs(home: Path) -> bool:
    from plait import list_runs

    return list_runs(home=home) == []


def test_the_outputs_of_one_call_have_only_their_names() -> None:
    @step(outputs=["a", "b"])
    def two(x: Any) -> Any:
        return x, x

    @pipeline
    def p(x: int) -> Any:
        return two(x).c

    with pytest.raises(AttributeError, match="there is: a, b"):
        p.graph
