"""Do ``plait.resume`` and ``plait.fork`` take what ``run`` does, where it says something of what is still to do?"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import plait
from plait import pipeline, step
from plait.errors import RecordError


def ran(name: str) -> None:
    with open(os.environ["RAN"], "a") as file:
        file.write(f"{name}\n")


@step
def load(n: int) -> int:
    ran("load")
    return n


@step
def fit(x: int, bad: bool) -> int:
    ran("fit")
    if bad:
        raise ValueError("bad")
    return x


@pipeline
def flow(n: int = 1, bad: bool = False) -> Any:
    return fit(load(n), bad)


@pytest.fixture(autouse=True)
def file(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RAN", str(tmp_path / "ran"))
    return tmp_path / "ran"


def test_a_fork_can_be_computed_anew(file: Path) -> None:
    first = flow.run(n=1)
    assert plait.fork(first, at="fit", bad=False, home=first.store.home).task("fit").state == "cached"
    anew = plait.fork(first, at="fit", refresh=["fit"], home=first.store.home)
    assert (anew.task("load").state, anew.task("fit").state) == ("cached", "done")
    without = plait.fork(first, at="fit", cache=False, home=first.store.home)
    assert (without.task("load").state, without.task("fit").state) == ("cached", "done")
    assert file.read_text().split() == ["load", "fit", "fit", "fit"]


def test_what_is_to_be_refreshed_is_a_step_of_the_run(file: Path) -> None:
    failed = flow.run(n=2, bad=True, raise_on_failure=False)
    with pytest.raises(RecordError, match="no step 'fi'"):
        plait.resume(failed, refresh=["fi"], raise_on_failure=False)
    again = plait.resume(failed, cache=False, raise_on_failure=False)
    assert again.status == "failed"
    assert file.read_text().split() == ["load", "fit", "fit"]


def test_a_misspelt_latest_is_told() -> None:
    flow.run(n=3)
    with pytest.raises(RecordError) as raised:
        plait.get_run("latst")
    assert raised.value.hint == "did you mean 'latest'?"
