"""Does the same code do the same on a laptop and on a bucket with a database, by a switch and nothing else?"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from plait.project.project import Project
from plait.record.gc import collect
from plait.record.store import open_records
from tests.clusters import dask_cluster, ray_cluster
from tests.programs import SOURCE, Folder
from tests.services import Postgres
from tests.services.slurm import Slurm, slurm_cluster

FLOW = """
import numpy as np
from plait import each, log, pipeline, step
@step
def numbers(n: int):
    return np.arange(n, dtype="float64")
@step
def fit(numbers, alpha: float):
    log(loss=float(numbers.mean() * alpha))
    return {"weights": numbers * alpha, "alpha": alpha}
@step
def best(models):
    return min(models, key=lambda model: model["weights"].sum())["alpha"]
@pipeline
def training(n: int, alphas: list[float] = [0.5, 1.0, 2.0]):
    table = numbers(n)
    return best(fit(table, each(alphas)))
"""


@pytest.fixture
def cloud(s3: str, postgres: Postgres, tmp_path: Path) -> str:
    """A stack of a bucket and a database of this test's own, as a file says it."""
    name = f"t{time.time_ns()}"
    return f"""
executor: {{type: processes, workers: 1}}
artifact_store:
  type: s3
  url: s3://bucket/{name}
  endpoint_url: {s3}
  key: ${{secret:env:TEST_KEY}}
  secret: ${{secret:env:TEST_SECRET}}
  cache: {tmp_path}/kept
record_store:
  type: postgresql
  url: {postgres.url}
  schema: {name}
"""


@pytest.fixture
def project(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Folder]:
    monkeypatch.setenv("TEST_KEY", "key-of-the-test")
    monkeypatch.setenv("TEST_SECRET", "secret-of-the-test")

    def make(name: str, stack: str) -> Folder:
        made = Folder(folder.path / name)
        for path in ("src/shop", "conf/base", "conf/prod"):
            (made.path / path).mkdir(parents=True)
        (made.path / "src/shop/__init__.py").touch()
        (made.path / "pyproject.toml").write_text('[tool.plait]\npackage = "shop"\n')
        (made.path / "conf/base/parameters.yml").write_text("n: 40000\n")
        (made.path / "conf/prod/stack.yml").write_text(stack)
        (made.path / "flow.py").write_text(FLOW)
        return made

    return make


def shown(folder: Folder, *where: str) -> dict[str, Any]:
    status, out, err = folder.plait("show", "latest", "--json", *where)
    assert status == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


def test_a_bucket_and_a_database_give_what_a_folder_and_a_file_give(
    project: Callable[[str, str], Folder], cloud: str
) -> None:
    mine = project("mine", cloud)
    for where in ((), ("--env", "prod")):
        status, _, err = mine.plait("run", "flow.py", "--quiet", *where)
        assert status == 0, err
    here, there = shown(mine), shown(mine, "--env", "prod")
    assert here["id"] != there["id"]
    assert here["metrics"] == there["metrics"]
    for secret in ("key-of-the-test", "secret-of-the-test"):
        assert secret not in json.dumps(there)
    status, out, err = mine.plait("run", "flow.py", "--json", "--env", "prod")
    assert out.count('"cached"') >= 5
    # What belongs to the one is not in the other.
    assert len(list((mine.home / "artifacts/blobs").rglob("??*"))) > 0
    status, out, _ = mine.plait("runs", "--json")
    assert there["id"] not in out


def test_two_projects_of_two_people_take_each_others_results(
    project: Callable[[str, str], Folder], cloud: str, tmp_path: Path
) -> None:
    ann, ben = project("ann", cloud), project("ben", cloud.replace("/kept", "/kept-by-ben"))
    first = ann.plait("run", "flow.py", "--json", "--env", "prod")
    second = ben.plait("run", "flow.py", "--json", "--env", "prod")
    assert first[0] == second[0] == 0, first[2] + second[2]
    assert '"cached"' not in first[1]
    assert second[1].count('"cached"') >= 5
    assert shown(ann, "--env", "prod")["metrics"] == shown(ben, "--env", "prod")["metrics"]
    # Looked for, not read: nothing had to come to Ben's machine.
    assert not (tmp_path / "kept-by-ben").exists()


def test_a_run_that_was_killed_on_a_bucket_and_a_database_goes_on(
    project: Callable[[str, str], Folder], cloud: str
) -> None:
    mine = project("mine", cloud)
    mine.edit(
        "    log(loss", '    if alpha == 2.0 and not os.path.exists("go"):\n        os._exit(9)\n    log(loss'
    )
    mine.edit("import numpy as np", "import os\nimport numpy as np")
    status, _, err = mine.plait("run", "flow.py", "--quiet", "--env", "prod")
    assert status == 1, err
    (mine.path / "go").touch()
    status, _, err = mine.plait("resume", "--quiet", "--stack", "prod")
    assert status == 0, err
    assert shown(mine, "--env", "prod")["status"] == "done"


def test_collecting_leaves_what_is_needed_in_the_bucket(
    project: Callable[[str, str], Folder], cloud: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = project("mine", cloud)
    for n in ("n=50000", "n=60000"):
        assert mine.plait("run", "flow.py", n, "--quiet", "--env", "prod")[0] == 0
    store = open_records(Project(mine.path, "prod"))
    newest, oldest = store.runs()
    before = len(list(store.artifacts.blobs()))
    assert collect(store).blobs == 0
    now = time.time()
    monkeypatch.setattr("plait.data.remote.time.time", lambda: now + 3 * 86400)
    monkeypatch.setattr("plait.record.gc.time.time", lambda: now + 3 * 86400)
    gone = collect(store, [oldest])
    assert gone.blobs == before // 2
    assert len(list(store.artifacts.blobs())) == before - gone.blobs
    assert newest.result == 0.5


# The example, unchanged.


@pytest.fixture(scope="session")
def at_home(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the flights come to on this machine, in a folder and a file."""
    folder = flights_in(tmp_path_factory.mktemp("at-home"), "")
    run = folder.start("run", ".", "--quiet", "--stack", "default")
    _, err = run.communicate(timeout=900)
    assert run.returncode == 0, err
    return shown(folder, "--stack", "default")


def flights_in(folder: Path, stack: str) -> Folder:
    """The example in a folder, with a stack named ``cloud``."""
    leave = shutil.ignore_patterns(".plait", "__pycache__", "*.csv", "*.pickle")
    shutil.copytree(SOURCE.parent / "examples" / "flights", folder / "flights", ignore=leave)
    made = Folder(folder / "flights")
    stacks = "cloud:\n" + "".join(f"  {line}\n" for line in stack.splitlines())
    (made.path / "conf/base/stacks.yml").write_text(stacks if stack else "{}\n")
    return made


@contextmanager
def _no_cluster(_: Path) -> Iterator[None]:
    yield None


@contextmanager
def _slurm(folder: Path) -> Iterator[Slurm]:
    with slurm_cluster() as cluster:
        cluster.executor = f"{{type: slurm, python: {sys.executable}, folder: {folder}/jobs, look_every: 1s}}"
        yield cluster


CLUSTERS = {"processes": _no_cluster, "dask": dask_cluster, "ray": ray_cluster, "slurm": _slurm}


@pytest.mark.engine_slow
@pytest.mark.parametrize("engine", CLUSTERS)
def test_flights_has_the_same_metrics_on_a_bucket_and_a_database(
    tmp_path: Path, cloud: str, at_home: dict[str, Any], monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    with CLUSTERS[engine](tmp_path) as cluster:
        flights = flights_on(tmp_path, cloud, cluster, engine, monkeypatch)
        run = flights.start("run", ".", "--quiet", "--stack", "cloud")
        _, err = run.communicate(timeout=900)
        assert run.returncode == 0, err
    there = shown(flights, "--stack", "cloud")
    assert there["metrics"] == at_home["metrics"]
    assert there["metrics"]
    assert there["executor"] == engine


@pytest.mark.engine_slow
@pytest.mark.parametrize("engine", ["dask", "ray", "slurm"])
def test_a_machine_that_dies_in_the_middle_of_flights_costs_a_retry_and_nothing_else(
    tmp_path: Path, cloud: str, at_home: dict[str, Any], monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    with CLUSTERS[engine](tmp_path) as cluster:
        flights = flights_on(tmp_path, cloud, cluster, engine, monkeypatch)
        (flights.path / "conf/base/steps.yml").write_text('"*": {retries: 2}\n')
        run = flights.start("run", ".", "--stack", "cloud", "--json")
        assert run.stdout is not None
        for line in run.stdout:
            event = json.loads(line)
            if event["event"] == "task_ended" and event["step"] == "fit":
                cluster.kill(1)  # of five fits four go on, two on each machine
                break
        _, err = run.communicate(timeout=900)
        assert run.returncode == 0, err
    there = shown(flights, "--stack", "cloud")
    assert there["status"] == "done"
    assert there["metrics"] == at_home["metrics"]
    store = open_records(Project(flights.path, stack="cloud"))
    (found,) = store.runs()
    tries = {
        task.name: [(one.state, one.error and one.error.type) for one in task.attempts]
        for task in found.tasks
    }
    again = {name: one for name, one in tries.items() if one != [("done", None)]}
    assert again
    assert set(map(tuple, again.values())) == {(("retried", "WorkerLost"), ("done", None))}
    assert len(again) <= 2  # as many as ran there


def flights_on(
    folder: Path, cloud: str, cluster: Any, engine: str, monkeypatch: pytest.MonkeyPatch
) -> Folder:
    monkeypatch.delenv("PLAIT_HOME", raising=False)
    monkeypatch.setenv("TEST_KEY", "key-of-the-test")
    monkeypatch.setenv("TEST_SECRET", "secret-of-the-test")
    monkeypatch.setenv("PLAIT_CODE", str(folder / "code"))
    if cluster is None:
        return flights_in(folder, cloud)
    for name, value in cluster.environ.items():
        monkeypatch.setenv(name, value)
    executor = getattr(cluster, "executor", None) or f"{{type: {engine}, address: '{cluster.address}'}}"
    return flights_in(folder, cloud.replace("{type: processes, workers: 1}", executor))
