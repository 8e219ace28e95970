"""Does a run that has several executors hear of each as soon as it says something?"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from plait import pipeline, step
from plait.engine.fleet import Fleet
from plait.engine.task import Job, Message, Report, TaskSpec
from plait.executors.processes import ProcessExecutor
from plait.executors.threads import ThreadExecutor


@step(executor="threads")
def nap(seconds: float) -> str:
    time.sleep(seconds)
    return "rested"


@step(executor="inline")
def here(text: str) -> str:
    return text.upper()


@step
def there(text: str) -> str:
    return text + "!"


class Counting(ProcessExecutor):
    """Worker processes; tells how often it was waited for."""

    def __init__(self) -> None:
        super().__init__(1)
        self.asked = 0

    def wait(self, timeout: float | None) -> list[Message]:
        self.asked += 1
        return super().wait(timeout)


class Second(ProcessExecutor):
    name = "second"


def test_what_another_executor_says_ends_the_wait_for_the_main_one(tmp_path: Path) -> None:
    graph = pipeline(lambda: nap(0.5)).graph
    main, other = Counting(), ThreadExecutor(1)
    fleet = Fleet(graph, main, {"threads": other})
    job = Job("run", "p", str(tmp_path / "store"), ())
    fleet.start(lambda one: one.start(job, [] if one is main else [nap.function]))
    try:
        fleet.submit([TaskSpec(0, (), 1, 0, "nap", _seconds(0.5), (("result", 0),))])
        said = fleet.wait(120.0) or fleet.wait(120.0)  # the first may only have been roused
        assert [(type(one), one.node) for one in said] == [(Report, 0)]
        assert main.asked <= 2
    finally:
        fleet.stop(now=True)


def _seconds(amount: float) -> Any:
    from plait.record.results import Plain

    return (("seconds", Plain(amount)),)


@pytest.mark.parametrize("main", ["processes", "threads", "inline"])
def test_steps_of_one_run_on_three_executors(main: str, home: Path) -> None:
    def p() -> Any:
        return there(here(nap(0.1)))

    run = pipeline(p).run(executor=main, progress=False)
    assert run.result == "RESTED!"


def test_an_executor_that_was_one_of_several_and_is_the_main_one_now_rouses_nobody(tmp_path: Path) -> None:
    graph = pipeline(lambda: nap(0.0)).graph
    one, two = ProcessExecutor(1), Second(1)
    Fleet(graph, one, {"second": two})
    Fleet(graph, two, {"processes": one})
    two.wake()
    assert two.wait(0) == []
    one.wake()  # rouses the other, and not itself again
    assert one.wait(0) == two.wait(0) == []
