"""What Ray does by itself, plait has to know: nodes that go, calls that wait, connections that are not its own."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from plait import each, get_run, list_runs, pipeline, step
from plait.errors import ConfError, ParameterError, PlaitError
from plait.launch.cancel import cancel
from plait.launch.checkup import check_stack
from plait.project.project import Project
from tests.clusters import RayCluster, ray_cluster

pytestmark = pytest.mark.engine_slow


@step
def square(x: int) -> int:
    return x * x


@step(nodes=2, cpus=2)
def together(x: int) -> int:
    return x


@step(retries=2, cache=False)
def wait_for_go(folder: str, x: int) -> int:
    Path(folder, f"begun-{x}").touch()
    while not Path(folder, "go").exists():
        time.sleep(0.05)
    return x


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayCluster]:
    with ray_cluster(tmp_path_factory.mktemp("ray")) as made:
        yield made


@pytest.fixture
def conf(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cluster: RayCluster
) -> Callable[..., None]:
    for name, value in cluster.environ.items():
        monkeypatch.setenv(name, value)

    def say(**options: Any) -> None:
        folder = tmp_path / "conf" / "base"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "stack.yml").write_text(yaml.safe_dump({"executor": {"type": "ray", **options}}))
        monkeypatch.setenv("PLAIT_CONF", str(folder.parent))

    say(address=cluster.address)
    return say


def until(ready: Callable[[], Any], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_a_check_of_the_stack_runs_a_task_there(conf: Callable[..., None]) -> None:
    (found,) = (one for one in check_stack(Project(Path.cwd())) if one.kind == "executor")
    assert found.is_well, found.said
    assert "ran a task on" in found.said


@pytest.mark.parametrize(
    ("address", "says"),
    [("127.0.0.1:1", "the Ray cluster at 127.0.0.1:1 cannot be reached"), ("ray://head:10001", "Ray Client")],
)
def test_a_head_that_cannot_be_used_is_an_error_before_the_run(
    conf: Callable[..., None], address: str, says: str
) -> None:
    conf(address=address)

    @pipeline
    def flow(n: int) -> Any:
        return square(n)

    with pytest.raises((PlaitError, ConfError), match=says) as caught:
        flow.run(n=1, progress=False)
    assert "ray " in (caught.value.hint or "")


@pytest.mark.parametrize("options", [{"nodes": 3}, {"cpus": 3}, {"gpus": 1}, {"memory": "1TiB"}])
def test_more_than_the_machines_have_is_an_error_before_the_run(
    conf: Callable[..., None], home: Path, options: dict[str, Any]
) -> None:
    @pipeline
    def flow(n: int) -> Any:
        return together.with_(**options)(n)

    with pytest.raises(ParameterError, match=f"asks for {next(iter(options))}="):
        flow.run(n=1, progress=False)
    assert not (home / "records.db").exists()


def test_a_program_that_is_connected_stays_so_and_nothing_of_the_run_is_left(
    conf: Callable[..., None], cluster: RayCluster, tmp_path: Path
) -> None:
    (tmp_path / "flow.py").write_text(
        "from plait import each, pipeline, step\n"
        "@step\ndef square(x: int):\n    return x * x\n"
        "@pipeline\ndef flow(xs: list[int]):\n    return square(each(xs))\n"
    )
    code = (
        "import ray, sys; from flow import flow\n"
        f"ray.init({cluster.address!r}, log_to_driver=False)\n"
        "print(flow.run(xs=[1, 2, 3], progress=False).result, ray.is_initialized())\n"
        "print(flow.run(xs=[4], progress=False).result, ray.is_initialized())\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert said.stdout.splitlines() == ["[1, 4, 9] True", "[16] True"], said.stderr


def test_a_run_that_is_cancelled_lets_nothing_begin_and_leaves_no_marks(
    conf: Callable[..., None], tmp_path: Path
) -> None:
    @pipeline
    def flow(folder: str, xs: list[int]) -> Any:
        return wait_for_go(folder, each(xs))

    def stop() -> None:
        until(lambda: len(list(tmp_path.glob("begun-*"))) == 4)
        cancel(list_runs()[0], by="a test")
        time.sleep(4)
        (tmp_path / "go").touch()  # what has begun may go on to its end

    stopping = threading.Thread(target=stop)
    stopping.start()
    run = flow.run(folder=str(tmp_path), xs=list(range(20)), progress=False, raise_on_failure=False)
    stopping.join()
    assert run.status == "cancelled"
    assert len(list(tmp_path.glob("begun-*"))) == 4
    assert not list(Path(tempfile.gettempdir()).glob(f"plait-{run.id}-*"))


def test_a_node_that_dies_costs_its_tasks_a_try_and_nothing_else(
    conf: Callable[..., None], cluster: RayCluster, tmp_path: Path
) -> None:
    @pipeline
    def flow(folder: str, xs: list[int]) -> Any:
        return wait_for_go(folder, each(xs))

    def kill() -> None:
        until(lambda: len(list(tmp_path.glob("begun-*"))) == 4)  # two on each of them
        time.sleep(0.5)
        cluster.kill(1)
        time.sleep(8)  # what ran there outlives it by a moment, and could still answer
        (tmp_path / "go").touch()

    killing = threading.Thread(target=kill)
    killing.start()
    run = flow.run(folder=str(tmp_path), xs=[1, 2, 3, 4], progress=False)
    killing.join()
    assert run.result == [1, 2, 3, 4]
    tries = [[one.state for one in task.attempts] for task in get_run(run.id).tasks]
    assert sorted(tries) == [["done"], ["done"], ["retried", "done"], ["retried", "done"]]
