"""A step that does not give the same again is found, and where it differs is said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from plait.errors import RecordError
from plait.executors.inline import InlineExecutor
from plait.launch.differing import where_differing
from plait.launch.verify import Verified, run_with_step, verify
from tests.programs import Folder

FLOW = """
import random
@step
def steady(n: int):
    return list(range(n))
@step(outputs=["fixed", "loose"])
def draw(x: int):
    return x, {"seed": 1, "draws": [random.random()]}
@step
def fragile(n: int):
    if os.path.exists("broken"):
        raise ValueError("this time")
    return n
@pipeline
def flow(n: int = 3):
    xs = steady(n)
    draw(each(xs))
    return fragile(n)
"""


@pytest.fixture
def ran(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> Folder:
    monkeypatch.chdir(folder.path)
    folder.write(FLOW)
    folder.run()
    return folder


def check(folder: Folder, step: str, **options: Any) -> Verified:
    run = run_with_step(folder.store, step)
    return verify(run, folder.pipeline(), step, executor=InlineExecutor(tee=False), **options)


def test_a_steady_step_gives_the_same(ran: Folder) -> None:
    found = check(ran, "steady")
    assert found.is_same
    assert not found.code_changed


def test_the_output_that_differs_is_named_and_where(ran: Folder) -> None:
    found = check(ran, "draw")
    assert [task.outcome for task in found.tasks] == ["different"] * 3
    fixed, loose = found.tasks[0].outputs
    assert fixed.same
    assert not loose.same
    assert len(loose.places) == 1
    assert loose.places[0].startswith("['draws'][0]: 0.")
    assert [task.task for task in check(ran, "draw[1]").tasks] == ["draw[1]"]
    limited = check(ran, "draw", limit=2)
    assert (len(limited.tasks), limited.left_out) == (2, 1)


def test_a_step_that_raises_this_time_is_told_with_its_error(ran: Folder) -> None:
    (ran.path / "broken").touch()
    (task,) = check(ran, "fragile").tasks
    assert task.outcome == "failed"
    assert task.error is not None
    assert task.error.headline == "ValueError: this time"


def test_changed_code_is_said(ran: Folder) -> None:
    ran.edit("return list(range(n))", "return list(range(n))[::-1]")
    found = check(ran, "steady")
    assert found.code_changed
    assert found.tasks[0].outputs[0].places == ("the same items in another order",)


def test_nothing_is_recorded_by_it(ran: Folder) -> None:
    before = ran.store.database.rows("SELECT COUNT(*) FROM attempt")
    check(ran, "draw")
    assert ran.store.database.rows("SELECT COUNT(*) FROM attempt") == before
    assert len(ran.store.runs()) == 1


def test_wrong_names_and_missing_results_are_told(ran: Folder) -> None:
    with pytest.raises(RecordError, match="no run has a result of a step 'stedy'") as error:
        check(ran, "stedy")
    assert error.value.hint == "did you mean 'steady'?"
    ran.edit("xs = steady(n)", "xs = steady(n + 0 if False else 5)")
    with pytest.raises(RecordError, match="no longer calls steady as it did"):
        check(ran, "steady")


FRAME = pd.DataFrame({"a": [1, 2, 3], "b": [1.0, float("nan"), 3.0]})


@pytest.mark.parametrize(
    ("old", "new", "places"),
    [
        (1, 1, []),
        (1, 2, ["1 → 2"]),
        (1, 1.0, ["int → float"]),
        (None, None, []),
        (FRAME, FRAME.copy(), []),
        (FRAME, FRAME.assign(a=[1, 5, 3]), ["column a: 1 of 3 rows differ, first in row 1: 2 → 5"]),
        (FRAME, FRAME.assign(a=FRAME.a.astype("int32")), ["column a: int64 → int32"]),
        (FRAME, FRAME.head(2), ["3 × 2 → 2 × 2"]),
        (FRAME, FRAME.rename(columns={"a": "c"}), ["columns a, b → c, b"]),
        (FRAME, FRAME.set_axis([5, 6, 7]), ["the index differs"]),
        (np.zeros(3), np.array([0.0, 0.0, 1.0]), ["1 of 3 values differ, the first is 0.0 → 1.0"]),
        (np.zeros(3), np.zeros((3, 1)), ["3 float64 → 3 × 1 float64"]),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, ["['a']['b']: 1 → 2"]),
        ({"a": 1}, {"b": 1}, ["['a']: is gone", "['b']: is new"]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, ["the keys come in another order"]),
        ([1, 2], [1, 2, 3], ["2 items → 3 items"]),
        ({1, 2}, {2, 3}, ["without {1}, with {3}"]),
        (float("nan"), float("nan"), []),
    ],
)
def test_where_values_differ_is_told(old: Any, new: Any, places: list[str]) -> None:
    assert where_differing(old, new) == places


def test_only_the_first_places_are_told() -> None:
    assert len(where_differing(list(range(1000)), list(range(1, 1001)))) == 8


def test_what_the_pipeline_decides_by_itself_is_not_run_again(folder: Folder) -> None:
    folder.write(
        """
        from plait import when
        @step
        def load(n: int):
            return n
        @pipeline
        def flow(n: int = 3):
            x = load(n)
            with when(x > 5):
                load(x)
            return x
        """
    )
    folder.run()
    with pytest.raises(RecordError, match="when is decided by the pipeline itself"):
        check(folder, "when")
