"""What Ray does by itself, plait has to know: nodes that go, calls that wait, connections that are not its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from plait import pipeline, step
from plait.errors import ConfError, ParameterError, PlaitError
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
