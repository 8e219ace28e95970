"""What a step can ask for holds where the body of a dynamic pipeline calls it."""

from __future__ import annotations

import json
import os
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from plait import each, pipeline, step
from tests.programs import Folder
from tests.services import Postgres

SECRET = "hunter22-of-the-warehouse"


@step(secrets=["DB_PASSWORD=env:WAREHOUSE"], cache=False)
def connect(x: int) -> tuple[int, bool]:
    print("the password is", os.environ["DB_PASSWORD"])
    return x, os.environ["DB_PASSWORD"] == SECRET


@step(on_failure="continue", cache=False)
def may_fail(x: int) -> int:
    if x % 2:
        raise ValueError(f"no {x}")
    return x


@step(on_failure=lambda error: -1, cache=False)
def stands_in(x: int) -> int:
    raise ValueError(f"no {x}")


@step(limit=("warehouse", 1), cache=False)
def alone(x: int) -> tuple[float, float]:
    began = time.time()
    time.sleep(0.1)
    return began, time.time()


@step(retries=2, cache=False)
def third(x: int) -> int:
    from plait import current

    if current.attempt < 3:
        raise ValueError("not yet")
    return current.attempt


@step
def add(xs: list[int]) -> int:
    return sum(xs)


@pipeline(dynamic=True)
def with_secrets(n: int = 2) -> list[Any]:
    return [connect(x).result() for x in range(n)]


@pipeline(dynamic=True)
def with_stand_ins(n: int = 3) -> int:
    return add(stands_in(each(list(range(n))))).result()


@pipeline(dynamic=True)
def with_limits(n: int = 3) -> list[Any]:
    return [one.result() for one in [alone(x) for x in range(n)]]


@pipeline(dynamic=True)
def with_retries() -> int:
    return third(1).result()


@pytest.mark.parametrize("executor", ["inline", "processes"])
def test_secrets_are_there_in_the_task_and_masked_in_all_that_is_kept(
    home: Path, monkeypatch: pytest.MonkeyPatch, executor: str
) -> None:
    monkeypatch.setenv("WAREHOUSE", SECRET)
    run = with_secrets.run(executor=executor)
    assert run.result == [(0, True), (1, True)]
    assert [line.text for line in run.task("connect[0]").logs()] == ["the password is ***"]
    for file in home.rglob("*"):
        assert not file.is_file() or SECRET.encode() not in file.read_bytes()


@pytest.mark.parametrize("executor", ["inline", "processes"])
def test_a_stand_in_is_the_result_of_a_call_that_failed(home: Path, executor: str) -> None:
    run = with_stand_ins.run(executor=executor)
    assert run.result == -3
    assert run.status == "done"


@pytest.mark.parametrize("executor", ["threads", "processes"])
def test_calls_under_one_limit_come_one_after_the_other(home: Path, executor: str) -> None:
    spans = sorted(with_limits.run(executor=executor, workers=3).result)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))


def test_a_call_is_tried_again(home: Path) -> None:
    run = with_retries.run(executor="processes", workers=1)
    assert run.result == 3
    assert [one.state for one in run.task("third[0]").attempts] == ["retried", "retried", "done"]


@pytest.mark.engine
def test_on_postgresql_it_is_recorded_and_goes_on(postgres: Postgres, folder: Folder) -> None:
    folder.write(
        """
        @step(cache=False)
        def score(x: int) -> int:
            ran(f"score{x}")
            if x == 3 and os.path.exists("broken"):
                raise ValueError("broken")
            return x * x
        @pipeline(dynamic=True)
        def search(n: int = 5):
            return [score(x).result() for x in range(n)]
        """
    )
    stack = folder.path / "conf/base/stack.yml"
    stack.parent.mkdir(parents=True)
    stack.write_text(f"record_store: {postgres.url}\n")
    (folder.path / "broken").touch()
    assert folder.plait("run", "flow.py", "-q")[0] == 1
    (folder.path / "broken").unlink()
    assert folder.plait("resume", "-q")[0] == 0
    shown = json.loads(folder.plait("show", "latest", "--json")[1])
    assert shown["status"] == "done"
    assert [folder.count(f"score{x}") for x in range(5)] == [1, 1, 1, 2, 1]
    assert not (folder.home / "records.db").exists()
