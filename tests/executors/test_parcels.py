"""Do short tasks travel together, and nothing else about them changes?"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest

from plait import each, pipeline, step
from plait.engine.task import Job, Report, TaskSpec, Withdrawn
from plait.executors.parcel import Parcel
from plait.executors.remote import Place, RemoteExecutor, encode_spec
from plait.executors.station import Back
from plait.graph.options import make_options
from plait.record.facts import Usage
from tests.clusters import DaskCluster, dask_cluster


class Noting(RemoteExecutor):
    """An engine that notes what it is given; its tasks answer when the test says so."""

    name = "noting"
    together = True

    def __init__(self, slots: int) -> None:
        super().__init__(most=100)
        self.slots = slots
        self.calls: list[list[TaskSpec]] = []

    def send(self, specs: Sequence[TaskSpec]) -> None:
        self.calls += ([spec] for spec in specs)

    def send_together(self, specs: Sequence[TaskSpec]) -> None:
        self.calls.append(list(specs))

    def take_back(self, places: Collection[Place], *, begun: bool) -> Collection[Place]:
        return []

    def answer(self, seconds: float = 0.0001) -> list[Any]:
        """Each task of the oldest call is done, having taken so long."""
        for spec in self.calls.pop(0):
            usage = Usage(100.0, 100.0 + seconds)
            self.answered_by(_place(spec), Report(spec.node, spec.path, spec.attempt, usage=usage))
        return self.wait(0)


def _place(spec: TaskSpec) -> Place:
    return spec.node, spec.path, spec.attempt


def tasks(count: int, first: int = 0, **options: Any) -> list[TaskSpec]:
    wishes = make_options(options, where="here") if options else None
    return [TaskSpec(1, (first + at,), 1, 0, "fit", (), (), wishes) for at in range(count)]


@pytest.fixture
def engine(tmp_path: Path) -> Noting:
    made = Noting(slots=2)
    made.begin(Job("run", "p", str(tmp_path), ()), ())
    return made


def learn(engine: Noting, seconds: float = 0.0001) -> None:
    engine.submit(tasks(1, first=10_000))
    engine.answer(seconds)


def sizes(engine: Noting) -> list[int]:
    return [len(specs) for specs in engine.calls]


def test_tasks_of_which_nobody_knows_how_long_they_take_travel_alone(engine: Noting) -> None:
    engine.submit(tasks(5))
    assert sizes(engine) == [1] * 5


def test_short_tasks_travel_together_and_those_that_are_not_do_not(engine: Noting) -> None:
    learn(engine)
    room = engine.room()
    assert room > 100
    engine.submit(tasks(200))
    assert len(sizes(engine)) == 4  # one for each slot to do, and one to do next
    assert max(sizes(engine)) > 50
    engine.stop()
    engine.calls.clear()
    learn(engine, seconds=2.0)
    engine.submit(tasks(200))
    assert sizes(engine) == [1] * 200


def test_a_parcel_never_takes_what_a_free_worker_could_do(engine: Noting) -> None:
    learn(engine)
    engine.submit(tasks(2))
    assert sizes(engine) == [1, 1]
    engine.calls.clear()
    engine.stop()
    engine.submit(tasks(4))
    assert sizes(engine) == [2, 1, 1]


def test_what_waits_follows_as_parcels_are_answered(engine: Noting) -> None:
    learn(engine)
    engine.submit(tasks(1000))
    done = 0
    while engine.calls:
        done += len(engine.answer())
    assert done == 1000
    assert engine.waiting == {}


def test_tasks_with_wishes_travel_alone(engine: Noting) -> None:
    learn(engine)
    engine.submit(tasks(10, timeout="1m"))
    assert sizes(engine) == [1] * 10


def test_a_run_that_is_cancelled_gets_back_what_has_not_been_sent(engine: Noting) -> None:
    learn(engine)
    engine.submit(tasks(1000))
    sent = sum(sizes(engine))
    engine.cancel()
    found = engine.wait(0)
    assert {type(one) for one in found} == {Withdrawn}
    assert len(found) == 1000 - sent


def test_what_is_given_back_is_sent_again_alone(engine: Noting) -> None:
    learn(engine)
    engine.submit(tasks(4))
    given, *_ = engine.calls
    engine.calls.clear()
    for spec in given:
        engine.answered_by(_place(spec), Back(*_place(spec)))
    assert engine.wait(0) == []
    assert sizes(engine) == [1, 1]


def test_of_tasks_that_are_lost_together_none_is_blamed_and_one_that_is_lost_alone_is(engine: Noting) -> None:
    learn(engine)
    engine.submit(tasks(4))
    given, *_ = engine.calls
    engine.calls.clear()
    engine.lost_together([_place(spec) for spec in given], "the worker is gone")
    assert [one.lines[0].text for one in engine.wait(0)] == ["it is sent again: the worker is gone"] * 2
    assert sizes(engine) == [1, 1]
    engine.lost_together([_place(given[0])], "the worker is gone")
    (report,) = engine.wait(0)
    assert (report.lost, report.error.message) == (True, "the worker is gone")


def test_those_behind_a_task_that_takes_long_are_given_back() -> None:
    go, said = threading.Event(), []
    came_back = threading.Event()

    def send(all_said: list[Any]) -> None:
        said.extend(all_said)
        if any(isinstance(one, Back) for one in all_said):
            came_back.set()
            go.set()

    def do(spec: bytes) -> bool:
        parcel.say("begun")
        go.wait(60)
        return True

    parcel = Parcel([encode_spec(spec) for spec in tasks(3)], send)
    parcel.do_all(do)
    assert came_back.is_set()
    assert said == ["begun", Back(1, (1,), 1), Back(1, (2,), 1)]


# On a cluster.


@step
def quick(x: int, folder: str, slow: int) -> int:
    if x == slow:
        while not Path(folder, "go").exists():
            time.sleep(0.02)
    return x


@step
def seen(xs: list[int]) -> int:
    return sum(xs)


@step
def deadly(x: int, folder: str, deadly: int) -> int:
    marker = Path(folder, "killed")
    if x == deadly and not marker.exists():
        marker.touch()
        for one in psutil.Process().parents():
            if "dask_worker" in " ".join(one.cmdline()):
                os.killpg(os.getpgid(one.pid), signal.SIGKILL)
        time.sleep(60)
    return x


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    with dask_cluster(tmp_path_factory.mktemp("parcels")) as one:
        yield one


@pytest.fixture
def executor(cluster: DaskCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("PLAIT_CODE", str(tmp_path / "code"))
    return {"type": "dask", "address": cluster.address}


def beside(work: Callable[[], Any]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


@pytest.mark.engine
def test_a_long_task_among_short_ones_keeps_none_of_them_waiting(
    executor: dict[str, Any], home: Path, tmp_path: Path
) -> None:
    def p(folder: str, items: list[int]) -> Any:
        return seen(quick(each(items), folder, 300))

    def let_go() -> None:
        # All others are done while the slow one waits: else it waits for ever, and they with it.
        from plait import get_run

        while True:
            time.sleep(0.2)
            try:
                counts = get_run(home=home).counts()
            except Exception:
                continue
            if any(one.by_state.get("done") == 499 for one in counts.values()):
                (tmp_path / "go").touch()
                return

    letting = beside(let_go)
    run = pipeline(p).run(executor=executor, progress=False, folder=str(tmp_path), items=list(range(500)))
    letting.join()
    assert run.result == sum(range(500))
    assert {len(task.attempts) for task in run.tasks} == {1}


@pytest.mark.engine
def test_a_worker_that_dies_in_the_middle_of_a_parcel_costs_none_of_its_tasks_a_try(
    executor: dict[str, Any], home: Path, tmp_path: Path
) -> None:
    def p(folder: str, items: list[int]) -> Any:
        return seen(deadly(each(items), folder, 300))

    run = pipeline(p).run(executor=executor, progress=False, folder=str(tmp_path), items=list(range(500)))
    assert run.result == sum(range(500))
    assert (tmp_path / "killed").exists()
    assert {len(task.attempts) for task in run.tasks} == {1}
    # It says so, unless the worker was gone before anybody knew that it had begun.
    warned = [line.text for line in run.task("deadly[300]").logs() if line.stream == "WARNING"]
    assert all(text.startswith("it is sent again: the Dask worker ") for text in warned)
