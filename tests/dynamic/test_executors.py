"""May steps of a dynamic pipeline run elsewhere than the rest of it?"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from plait import each, pipeline, step
from plait.errors import PlaitError


@step
def here(x: int) -> tuple[int, int]:
    return x, os.getpid()


@step(executor="processes")
def apart(x: int) -> tuple[int, int]:
    return x * 2, os.getpid()


@step(executor="dask", secrets=["TOKEN=env:PLAIT_TEST_TOKEN"])
def far(x: int) -> tuple[int, int, int]:
    return x * 3, os.getpid(), len(os.environ["TOKEN"])


@step(executor="nowhere")
def lost(x: int) -> int:
    return x


@pytest.mark.parametrize("main", ["inline", "processes"])
def test_each_step_runs_where_it_says_and_is_known_only_when_it_is_called(
    main: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setenv("PLAIT_TEST_TOKEN", "opensesame")

    @pipeline(dynamic=True)
    def flow(n: int) -> Any:
        first, mine = here(n).result()
        if first > 1:
            doubled = [one.result()[0] for one in apart(each([first, first + 1]))]
            tripled, _, length = far(sum(doubled)).result()
            return [tripled, length, mine]
        return [first, mine]

    run = flow.run(n=2, executor=main)
    assert run.result[:2] == [30, 10]
    workers = {task.name: task.worker for task in run.tasks}
    assert workers["apart[0]"].startswith("process ")
    assert (workers["here[0]"] == "inline") == (main == "inline")
    assert workers["far[0]"].split()[1] == "process"  # after the name of the machine
    assert len(run.code) == 1  # it had to travel for one of them
    assert flow.run(n=1, executor=main).code == []


@step(secrets=["TOKEN=env:PLAIT_TEST_TOKEN"])
def tell_secret(x: int) -> int:
    print(f"the token is {os.environ['TOKEN']}")
    return len(os.environ["TOKEN"]) + x


@step(secrets=["TOKEN=env:PLAIT_TEST_TOKEN"])
def spill_secret(x: int) -> None:
    raise ValueError(f"bad token {os.environ['TOKEN']}")


def test_a_secret_that_a_later_step_names_travels_with_its_task_and_nowhere_else(
    home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setenv("PLAIT_TEST_TOKEN", "opensesame-opensesame")

    @pipeline(dynamic=True)
    def flow(n: int) -> Any:
        with_token = tell_secret(n).result()
        print(f"the body says {os.environ['PLAIT_TEST_TOKEN']}")
        spill_secret(with_token)
        return with_token

    run = flow.run(n=2, executor="dask", raise_on_failure=False)
    assert run.task("tell_secret[0]").state == "done"
    assert [line.text for line in run.task("tell_secret[0]").logs()] == ["the token is ***"]
    assert run.task("spill_secret[0]").error.message == "bad token ***"
    assert [line.text for line in run.task("flow").logs()] == ["the body says ***"]
    assert "opensesame" not in "".join(capfd.readouterr())
    kept = [file for file in home.rglob("*") if file.is_file()]
    assert kept
    assert [file for file in kept if b"opensesame" in file.read_bytes()] == []


def test_an_executor_that_there_is_not_is_told_where_the_step_is_called(home: Path) -> None:
    @pipeline(dynamic=True)
    def flow(n: int) -> Any:
        return lost(n)

    with pytest.raises(PlaitError, match="there is no executor 'nowhere'"):
        flow.run(n=1, executor="inline")
