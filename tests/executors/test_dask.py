"""What Dask does by itself, plait has to know: workers that go, workers that come, a scheduler that is not there."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from plait import each, pipeline, step
from plait.errors import ConfError, PlaitError
from plait.executors.capacity import cores
from plait.launch.checkup import check_stack
from plait.project.project import Project
from tests.clusters import DaskCluster, dask_cluster

Run = Callable[..., Any]


@step
def square(x: int) -> int:
    return x * x


@step(retries=2, cache=False)
def long_once(folder: str, x: int) -> int:
    """Says that it is there, and is slow until somebody says go."""
    mark = Path(folder, f"begun-{x}-{os.getppid()}")
    mark.touch()
    while not Path(folder, "go").exists():
        time.sleep(0.05)
    return x


@pytest.fixture
def conf(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def say(**options: Any) -> None:
        folder = tmp_path / "conf" / "base"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "stack.yml").write_text(yaml.safe_dump({"executor": {"type": "dask", **options}}))
        monkeypatch.setenv("PLAIT_CONF", str(folder.parent))

    return say


@pytest.fixture
def cluster(tmp_path: Path, conf: Callable[..., None]) -> Iterator[DaskCluster]:
    with dask_cluster(tmp_path) as made:
        conf(address=made.address)
        yield made


def until(ready: Callable[[], Any]) -> None:
    end = time.monotonic() + 30
    while not ready():
        assert time.monotonic() < end
        time.sleep(0.05)


def begun(folder: Path) -> list[str]:
    return sorted(one.name.split("-")[1] for one in folder.glob("begun-*"))


def test_a_worker_that_goes_costs_its_tasks_a_try_though_dask_does_them_again_by_itself(
    cluster: DaskCluster, tmp_path: Path
) -> None:
    def kill() -> None:
        until(lambda: len(begun(tmp_path)) == 4)  # two on each of them
        cluster.kill(1)
        (tmp_path / "go").touch()

    killing = threading.Thread(target=kill)
    killing.start()

    @pipeline
    def flow(folder: str) -> Any:
        return long_once(folder, each([1, 2, 3, 4]))

    run = flow.run(folder=str(tmp_path), progress=False)
    killing.join()
    assert run.result == [1, 2, 3, 4]
    tries = [[one.state for one in task.attempts] for task in run.tasks]
    assert sorted(tries) == [["done"], ["done"], ["retried", "done"], ["retried", "done"]]
    errors = {one.error.type for task in run.tasks for one in task.attempts if one.error is not None}
    assert errors == {"WorkerLost"}


def test_a_worker_that_comes_later_is_told_the_job(cluster: DaskCluster, tmp_path: Path) -> None:
    @pipeline
    def flow(folder: str) -> Any:
        return long_once(folder, each(list(range(6))))

    def add() -> None:
        until(lambda: len(begun(tmp_path)) == 4)
        cluster.add(tmp_path)
        until(lambda: len(begun(tmp_path)) == 6)  # of which two have to be there
        (tmp_path / "go").touch()
        over.wait(30)  # a server ends with the thread that has started it

    over = threading.Event()
    adding = threading.Thread(target=add)
    adding.start()
    run = flow.run(folder=str(tmp_path), progress=False)
    over.set()
    adding.join()
    assert run.result == list(range(6))
    tries = [[(one.state, one.error and one.error.message) for one in task.attempts] for task in run.tasks]
    assert tries == [[("done", None)]] * 6


def test_a_local_cluster_comes_and_goes_with_the_run(conf: Callable[..., None]) -> None:
    import psutil

    conf()
    before = {one.pid for one in psutil.Process().children(recursive=True)}

    @pipeline
    def flow(n: int) -> Any:
        return square.with_(cpus=cores())(each([0, 1, 2, 3, n]))

    assert flow.run(n=4, progress=False).result == [0, 1, 4, 9, 16]
    left = [one for one in psutil.Process().children(recursive=True) if one.pid not in before]
    assert [one.cmdline() for one in left if "resource_tracker" not in " ".join(one.cmdline())] == []


def test_a_check_of_the_stack_runs_a_task_there(cluster: DaskCluster) -> None:
    (found,) = (one for one in check_stack(Project(Path.cwd())) if one.kind == "executor")
    assert found.is_well, found.said
    assert "ran a task on" in found.said


@pytest.mark.parametrize(
    ("address", "says"), [("nonsense", "missing port number"), ("tcp://127.0.0.1:1", "tcp://127.0.0.1:1")]
)
def test_a_scheduler_that_is_not_there_is_an_error_before_the_run(
    conf: Callable[..., None], address: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plait.executors.dask._TIMEOUT_SECONDS", 1.0)
    conf(address=address)

    @pipeline
    def flow(n: int) -> Any:
        return square(n)

    with pytest.raises((PlaitError, ConfError), match=says) as caught:
        flow.run(n=1, progress=False)
    assert "dask scheduler" in (caught.value.hint or "")
