"""Is a step still its function, and what are its outputs called?"""

from __future__ import annotations

import pickle
from typing import Annotated, NamedTuple

import cloudpickle
import pytest

from plait import pipeline, step
from plait.errors import DefinitionError


class Parts(NamedTuple):
    train: int
    test: int


@step
def double(x: int, by: int = 2) -> int:
    """Twice as much."""
    return x * by


class Model:
    rate = 3

    @step
    def fit(self, x: int) -> int:
        return x * self.rate

    @staticmethod
    @step
    def plain(x: int) -> int:
        return x + 1


def test_a_step_called_outside_a_pipeline_just_runs() -> None:
    assert double(4) == 8
    assert double(4, by=3) == 12
    assert Model().fit(2) == 6
    assert Model.plain(1) == 2


def test_a_step_keeps_the_name_and_the_doc_of_its_function() -> None:
    assert double.__name__ == "double"
    assert double.__doc__ == "Twice as much."
    assert double.spec.where.startswith(f"{__file__}:")


def test_an_exception_of_a_plain_call_is_the_functions_own() -> None:
    @step
    def broken() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        broken()


@pytest.mark.parametrize(
    ("made", "names"),
    [
        (lambda: step(lambda x: x), ("step",)),
        (lambda: step(outputs=["a", "b"])(lambda x: (x, x)), ("a", "b")),
        (lambda: step(name="other")(lambda x: x), ("other",)),
        (lambda: step(_named_tuple), ("train", "test")),
        (lambda: step(_annotated), ("low", "high")),
        (lambda: step(_annotated_one), ("score",)),
        (lambda: step(_half_annotated), ("_half_annotated",)),
        (lambda: step(_unknown_annotation), ("_unknown_annotation",)),
    ],
)
def test_outputs_are_named_by_the_declaration_or_the_annotation(made: object, names: tuple[str, ...]) -> None:
    assert made().spec.outputs == names  # type: ignore[operator]


def _named_tuple() -> Parts: ...
def _annotated() -> tuple[Annotated[int, "low"], Annotated[int, "high"]]: ...
def _annotated_one() -> Annotated[float, "score"]: ...
def _half_annotated() -> tuple[Annotated[int, "low"], int]: ...
def _unknown_annotation() -> Nowhere: ...  # type: ignore[name-defined]  # noqa: F821


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"retires": 2}, "did you mean 'retries'"),
        ({"retries": -1}, "retries"),
        ({"retries": "two"}, "retries"),
        ({"backoff": 0.5}, "backoff"),
        ({"outputs": "train"}, "outputs=['train']"),
        ({"outputs": []}, "declares no output"),
        ({"outputs": ["a", "a"]}, "two outputs named 'a'"),
        ({"outputs": ["a b"]}, "'a b' is not a name"),
        ({"name": "a[1]"}, "'a[1]' is not a name"),
    ],
)
def test_a_wrong_declaration_says_what_is_wrong(options: dict[str, object], says: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        step(**options)(lambda x: x)
    assert says in str(caught.value)


def test_a_step_needs_a_function() -> None:
    with pytest.raises(DefinitionError, match="needs a function"):
        step(3)  # type: ignore[call-overload]


def test_an_importable_step_travels_by_name_and_a_local_one_by_value() -> None:
    @step(retries=1)
    def local(x: int) -> int:
        return x + 1

    assert pickle.loads(pickle.dumps(double)) is double
    again = cloudpickle.loads(cloudpickle.dumps(local))
    assert again(1) == 2
    assert again.spec == local.spec


def test_each_given_to_a_plain_call_says_what_to_write() -> None:
    from plait import each

    with pytest.raises(DefinitionError, match="is for pipelines"):
        double(each([1, 2]))


def test_a_pipeline_called_outside_a_pipeline_runs_the_plain_functions() -> None:
    @pipeline
    def quadruple(x: int) -> int:
        return double(double(x))

    assert quadruple(1) == 4
