from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import math
import typing
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, NewType, Optional, TypedDict

import msgspec
import pandas as pd
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plait.errors import ParameterError
from plait.project.secrets import Secret
from plait.project.types import Wanted, convert, convert_all, find_violations


class Color(enum.Enum):
    RED = "red"
    BLUE = 2


@dataclasses.dataclass
class Model:
    alpha: float
    kind: Literal["ridge", "lasso"] = "ridge"
    layers: list[int] = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Training:
    model: Model
    seeds: list[int] | None = None
    until: dt.date | None = None


class Point(NamedTuple):
    x: float
    y: float = 0.0


class Options(TypedDict, total=False):
    depth: typing.Required[int]
    name: str


class Deep(msgspec.Struct):
    size: Annotated[int, msgspec.Meta(gt=0)]
    model: Model | None = None


class Layer(pydantic.BaseModel):
    size: int


class Net(pydantic.BaseModel):
    rate: float = pydantic.Field(gt=0, lt=1)
    layers: list[Layer] = []
    token: pydantic.SecretStr | None = None

    @pydantic.model_validator(mode="after")
    def check(self):
        if len(self.layers) > 3:
            raise ValueError("too many layers")
        return self


UserId = NewType("UserId", int)

FITS = [
    (1, float, 1.0),
    (1.0, int, 1),
    (3, int, 3),
    (True, bool, True),
    ("x", str, "x"),
    ("a/b", Path, Path("a/b")),
    ("2024-01-31", dt.date, dt.date(2024, 1, 31)),
    ("2024-01-31T10:00:00", dt.datetime, dt.datetime(2024, 1, 31, 10)),
    ("10:30", dt.time, dt.time(10, 30)),
    ("20m", dt.timedelta, dt.timedelta(minutes=20)),
    ("1h30m", dt.timedelta, dt.timedelta(minutes=90)),
    ("PT20M", dt.timedelta, dt.timedelta(minutes=20)),
    (90, dt.timedelta, dt.timedelta(seconds=90)),
    (0.1, Decimal, Decimal("0.1")),
    ("red", Color, Color.RED),
    ("BLUE", Color, Color.BLUE),
    (2, Color, Color.BLUE),
    ("lasso", Literal["ridge", "lasso"], "lasso"),
    (None, Optional[int], None),  # noqa: UP045 - people still write it
    (None, int | None, None),
    (3, int | str, 3),
    ("3", int | str, "3"),
    (1, float | None, 1.0),
    ([1, 2], list[float], [1.0, 2.0]),
    ([1, "a"], tuple[int, str], (1, "a")),
    ([1, 2], tuple[int, ...], (1, 2)),
    ([], tuple[()], ()),
    ([1, 1], set[int], {1}),
    ([1], frozenset, frozenset({1})),
    ([1], typing.Sequence[float], [1.0]),
    ({"a": 1}, dict[str, float], {"a": 1.0}),
    ({1: 2}, dict[str, int], {"1": 2}),
    ({"1": 2}, dict[int, int], {1: 2}),
    ({"a": [1]}, typing.Mapping[str, list[int]], {"a": [1]}),
    ({"x": 1}, Point, Point(1.0)),
    ([1, 2], Point, Point(1.0, 2.0)),
    ({"depth": 1}, Options, {"depth": 1}),
    ({"alpha": 1}, Model, Model(1.0)),
    (
        {"model": {"alpha": 1}, "until": "2024-01-01"},
        Training,
        Training(Model(1.0), until=dt.date(2024, 1, 1)),
    ),
    ({"size": 3, "model": {"alpha": 2}}, Deep, Deep(3, Model(2.0))),
    ({"rate": 0.5, "layers": [{"size": 3}]}, Net, Net(rate=0.5, layers=[Layer(size=3)])),
    (5, UserId, 5),
    (5, Annotated[int, "a note"], 5),
    (5, Annotated[int, pydantic.Field(gt=3)], 5),
    ("x", Any, "x"),
    ("x", "not.resolved", "x"),
    ("x", pd.DataFrame, "x"),
    ([1], typing.TypeVar("T"), [1]),
]


@pytest.mark.parametrize(("value", "annotation", "made"), FITS)
def test_a_value_from_yaml_becomes_the_annotated_type(value, annotation, made):
    found = convert(value, annotation, name="p")
    assert found == made
    assert type(found) is type(made)


@pytest.mark.parametrize(
    ("value", "annotation", "says"),
    [
        ("abc", float, "p: expected float, got 'abc' (str)"),
        ("3", int, "p: expected int, got '3' (str)"),
        (1.5, int, "p: expected int, got 1.5 (float)"),
        (math.inf, int, "p: expected int, got inf (float)"),
        (True, int, "p: expected int, got True (bool)"),
        (1, bool, "p: expected bool, got 1 (int)"),
        (None, int, "p: expected int, got null"),
        (None, str, "p: expected str, got null"),
        ("x", int | None, "p: expected int or null, got 'x' (str)"),
        ("x", int | float, "p: expected int | float, got 'x' (str)"),
        ("x", list[int], "p: expected list[int], got 'x' (str)"),
        ([1, "x"], list[int], "p[1]: expected int, got 'x' (str)"),
        ([1], tuple[int, str], "p: expected 2 values, got 1: [1] (list)"),
        ({"a": {"b": "x"}}, dict[str, dict[str, int]], "p.a.b: expected int, got 'x' (str)"),
        ([[1]], set[list[int]], "p: set[list[int]] cannot hold these values"),
        ("2024-13-01", dt.date, "p: expected a date such as 2024-01-31, got '2024-13-01' (str)"),
        ("20x", dt.timedelta, "p: expected a duration such as 20m or 1h30m, got '20x' (str)"),
        ("green", Color, "p: expected one of 'red', 2, got 'green' (str)"),
        (True, Literal[1, 2], "p: expected one of 1, 2, got True (bool)"),
        ("x", Model, "p: expected Model, got 'x' (str)"),
        ({}, Model, "p.alpha: is missing"),
        ({"depth": "x"}, Options, "p.depth: expected int, got 'x' (str)"),
        ([1, 2, 3], Point, "p: expected 2 values (x, y), got 3"),
        ({"size": 0}, Deep, "p.size: expected `int` >= 1, got 0 (int)"),
        ({"rate": 2}, Net, "p.rate: input should be less than 1, got 2 (int)"),
        ({"rate": "x"}, Net, "p.rate: expected float, got 'x' (str)"),
        ({"rate": 0.5, "layers": [{}]}, Net, "p.layers[0].size: is missing"),
        ({"rate": 0.5, "layers": [{"size": 1}] * 4}, Net, "p: too many layers"),
        (1, Annotated[int, pydantic.Field(gt=3)], "p: input should be greater than 3, got 1 (int)"),
    ],
)
def test_a_value_that_does_not_fit_says_what_was_expected_and_found(value, annotation, says):
    with pytest.raises(ParameterError) as caught:
        convert(value, annotation, name="p")
    assert caught.value.what.startswith(says)


@pytest.mark.parametrize(
    ("value", "annotation", "name", "near"),
    [
        ({"alpha": 1, "knd": "ridge"}, Model, "p.knd", "kind"),
        ({"alpah": 1}, Model, "p.alpah", "alpha"),
        ({"depht": 1}, Options, "p.depht", "depth"),
        ({"size": 1, "modl": None}, Deep, "p.modl", "model"),
        ({"rate": 0.5, "layer": []}, Net, "p.layer", "layers"),
        ({"rte": 0.5}, Net, "p.rte", "rate"),
        ({"rate": 0.5, "layers": [{"size": 1, "sise": 2}]}, Net, "p.layers[0].sise", "size"),
    ],
)
def test_a_misspelt_field_is_one_mistake_with_its_nearest_match(value, annotation, name, near):
    _, violations = find_violations([Wanted("p", value, annotation)])
    assert [one.name for one in violations] == [name]
    assert f"did you mean {near!r}" in violations[0].hint


def test_a_model_that_allows_extra_fields_gets_them():
    class Free(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(extra="allow")
        a: int = 0

    assert convert({"b": 2}, Free, name="p").b == 2


def test_a_pydantic_dataclass_is_validated_by_pydantic():
    @pydantic.dataclasses.dataclass
    class Small:
        size: int = pydantic.Field(gt=0)

    assert convert({"size": 1}, Small, name="p") == Small(1)
    with pytest.raises(ParameterError, match=r"p\.size: input should be greater than 0"):
        convert({"size": 0}, Small, name="p")


def test_a_class_that_refuses_its_values_says_why():
    @dataclasses.dataclass
    class Even:
        n: int

        def __post_init__(self):
            if self.n % 2:
                raise ValueError("n is odd")

    with pytest.raises(ParameterError, match="p: Even refuses it: n is odd"):
        convert({"n": 1}, Even, name="p")


def test_all_violations_of_all_parameters_are_said_at_once_each_with_its_line():
    lines = {
        ("alpha",): "conf/base/p.yml:3",
        ("kid",): "conf/base/p.yml:4",
        ("layers", 1): "conf/base/p.yml:6",
    }
    wanted = [
        Wanted("test_size", "abc", float, "command line", "abc"),
        Wanted("model", {"alpha": "x", "kid": 1, "layers": [1, "y"]}, Model, lines.get),
        Wanted("seed", 3, int),
    ]
    with pytest.raises(ParameterError) as caught:
        convert_all(wanted)
    assert str(caught.value).split("\n") == [
        "4 parameters are wrong:",
        "  test_size: expected float, got 'abc' (str)  at command line",
        "    → write test_size=0.5",
        "  model.alpha: expected float, got 'x' (str)  at conf/base/p.yml:3",
        "  model.kid: Model has no field 'kid'  at conf/base/p.yml:4",
        "    → did you mean 'kind'?",
        "  model.layers[1]: expected int, got 'y' (str)  at conf/base/p.yml:6",
    ]


def test_one_violation_reads_as_one_sentence():
    with pytest.raises(ParameterError) as caught:
        convert("abc", float, name="test_size", where="conf/base/parameters.yml:12")
    assert str(caught.value) == (
        "test_size: expected float, got 'abc' (str)\n  at conf/base/parameters.yml:12"
    )


@pytest.mark.parametrize(
    ("value", "text", "annotation", "made"),
    [
        ("3", "'3'", int, 3),
        (1.1, "1.10", str, "1.10"),
        (False, "no", str, "no"),
        (83, "0123", str, "0123"),
        (3, "3", str | None, "3"),
        (3, "3", int | str, 3),
        (0.1, "0.10", Decimal, Decimal("0.10")),
        ("0.5", "'0.5'", float, 0.5),
        (2, "2", Literal["1", "2"], "2"),
    ],
)
def test_what_was_typed_on_the_command_line_counts(value, text, annotation, made):
    found = convert(value, annotation, name="p", text=text)
    assert found == made
    assert type(found) is type(made)


def test_a_number_in_a_file_is_no_text_and_the_hint_says_to_quote_it():
    with pytest.raises(ParameterError) as caught:
        convert(1.1, str, name="version")
    assert caught.value.hint == 'quote it: "1.1"'


def test_an_instance_passes_as_it_is():
    model = Model(1.0)
    assert convert(model, Model, name="p") is model
    frame = pd.DataFrame({"a": [1]})
    assert convert(frame, pd.DataFrame, name="p") is frame


def test_a_recursive_type_is_followed():
    assert convert({"value": 1, "next": {"value": 2}}, Linked, name="p") == Linked(1.0, Linked(2.0))


@dataclasses.dataclass
class Linked:
    value: float
    next: Linked | None = None


@dataclasses.dataclass
class HalfKnown:
    size: int
    frame: NotImported  # noqa: F821


def test_a_field_whose_type_cannot_be_found_leaves_the_others_checked():
    assert convert({"size": 1, "frame": "x"}, HalfKnown, name="p") == HalfKnown(1, "x")
    with pytest.raises(ParameterError, match=r"p\.size: expected int"):
        convert({"size": "x", "frame": "x"}, HalfKnown, name="p")


def test_a_secret_stays_one_where_a_str_is_asked_for_and_is_opened_for_other_types():
    assert isinstance(convert(Secret("tok-12345"), str, name="p"), Secret)
    assert convert(Secret("5432"), int, name="p") == 5432
    assert isinstance(convert("plain", Secret, name="p"), Secret)
    assert convert({"rate": 0.5, "token": Secret("tok-1")}, Net, name="p").token.get_secret_value() == "tok-1"


def test_a_secret_is_in_no_violation():
    def refuse(value):
        raise ValueError(f"bad {value}")

    class Strict(pydantic.BaseModel):
        token: Annotated[str, pydantic.AfterValidator(refuse)]
        port: int

    for annotation, value in [
        (int, Secret("hunter2-long")),
        (Strict, {"token": Secret("hunter2-long"), "port": Secret("hunter2-long")}),
        (list[int], [Secret("hunter2-long")]),
        (Literal["a"], Secret("hunter2-long")),
        (int | float, Secret("hunter2-long")),
    ]:
        with pytest.raises(ParameterError) as caught:
            convert(value, annotation, name="p")
        assert "hunter2" not in str(caught.value)
        assert "hunter2" not in repr(caught.value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
annotations = st.sampled_from([annotation for _, annotation, _ in FITS])


@given(json_values, annotations, st.none() | st.text(max_size=4))
def test_any_value_either_fits_or_is_a_parameter_error(value, annotation, text):
    made, violations = find_violations([Wanted("p", value, annotation, None, text)])
    assert ("p" in made) != bool(violations)
    assert all(one.name.startswith("p") and one.problem for one in violations)


@given(st.floats(allow_nan=False) | st.integers(-(2**53), 2**53))
def test_a_number_that_fits_a_float_keeps_its_value(value):
    assert convert(value, float, name="p") == value
