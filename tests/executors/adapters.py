"""Which executors keep the promises of the suite? How each is started, and what it does not do, by design."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plait.executors.capacity import cores
from tests.clusters import dask_cluster, ray_cluster
from tests.services import ssh_server
from tests.services.docker import BASE_IMAGE, docker_engine
from tests.services.slurm import slurm_cluster

__all__ = ["ADAPTERS", "Adapter", "Engine", "NotHere", "Refused", "Within"]


@dataclass(frozen=True)
class Refused:
    """A step that asks for it is an error before the run, which names the option."""

    option: str
    why: str


@dataclass(frozen=True)
class NotHere:
    """There is nothing to promise."""

    why: str


@dataclass(frozen=True)
class Within:
    """It holds for steps with some options."""

    options: Mapping[str, Any]
    why: str


@dataclass
class Engine:
    """A running engine, as the suite uses it.

    Attributes:
        options: what a ``stack.yml`` says of the executor.
        kill: kills a process of a task by the number that it knows itself by.
        environ: variables that are set in the process of the run.
        cores: how many it has in all.
    """

    options: dict[str, Any] = field(default_factory=dict)
    kill: Callable[[int], None] = lambda pid: os.kill(pid, signal.SIGKILL)
    environ: Mapping[str, str] = field(default_factory=dict)
    cores: int = max(2, cores())


@dataclass(frozen=True)
class Adapter:
    """One executor in the suite.

    Attributes:
        start: runs the engine for as long as tests need it, in a folder; skips, with the reason, where it cannot be.
        instead: the promises that are kept in another way, by the names of their tests.
        is_slow: for ``make test-engines``.
        here: tasks run on this machine, from the files that are here: no code travels.
    """

    name: str
    start: Callable[[Path], AbstractContextManager[Engine]]
    instead: Mapping[str, Refused | NotHere | Within] = field(default_factory=dict)
    is_slow: bool = False
    here: bool = False


def _plain(**options: Any) -> Callable[[Path], AbstractContextManager[Engine]]:
    @contextmanager
    def start(_folder: Path) -> Iterator[Engine]:
        yield Engine(options, environ={"PLAIT_GPUS": "4,7"})

    return start


@contextmanager
def _dask(folder: Path) -> Iterator[Engine]:
    """A scheduler and two workers, each with a GPU of its own name."""
    with dask_cluster(folder, [{"PLAIT_GPUS": name} for name in ("4", "7")]) as cluster:
        yield Engine({"type": "dask", "address": cluster.address}, cores=4)


@contextmanager
def _ssh(folder: Path) -> Iterator[Engine]:
    """Two machines, as far as ssh is concerned: one by its name, one by its number."""
    with ssh_server(folder) as server:
        yield Engine(
            {
                "type": "ssh",
                "hosts": [
                    {"host": f"{server.user}@127.0.0.1", "workers": 2, "gpus": 2},
                    {"host": f"{server.user}@localhost", "workers": 2},
                ],
                "python": sys.executable,
                "port": server.port,
                "identity": str(server.key),
                "options": {"StrictHostKeyChecking": "no", "UserKnownHostsFile": str(folder / "known")},
            },
            cores=4,
        )


@contextmanager
def _kubernetes(folder: Path) -> Iterator[Engine]:
    """No cluster: its API, with pods that are processes of this machine; see ``cluster``."""
    from executors.cluster import cluster

    with cluster() as there:
        yield Engine(
            {
                "type": "kubernetes",
                "image": "plait:test",
                "kubeconfig": str(there.kubeconfig),
                "look_every": "0.1s",
            },
            cores=2,
        )


@contextmanager
def _ray(folder: Path) -> Iterator[Engine]:
    """Two nodes, each with a GPU of its own name."""
    nodes = [{"num_gpus": 1, "env_vars": {"CUDA_VISIBLE_DEVICES": name}} for name in ("4", "7")]
    with ray_cluster(folder, nodes) as cluster:
        yield Engine({"type": "ray", "address": cluster.address}, environ=cluster.environ, cores=4)


@contextmanager
def _slurm(folder: Path) -> Iterator[Engine]:
    with slurm_cluster() as cluster:
        yield Engine(
            {"type": "slurm", "python": sys.executable, "folder": str(folder / "jobs"), "look_every": "0.5s"},
            environ=cluster.environ,
            cores=4,
        )


@contextmanager
def _docker(folder: Path) -> Iterator[Engine]:
    """Containers see nothing of this machine but where the tests of the session write."""
    with docker_engine() as engine:
        yield Engine(
            {
                "type": "docker",
                "base": BASE_IMAGE,
                "packages": ["numpy"],
                "network": "none",
                "host": engine.environ["DOCKER_HOST"],
                "volumes": [f"{folder.parent}:{folder.parent}"],
            },
            kill=engine.kill,
        )


_ONE_MACHINE = Refused("nodes", "it has one machine")
_APART = Within({"isolated": True}, "in a process beside it: of steps with isolated=True")
_FILES_HERE = NotHere("tasks run from the files that are here")

ADAPTERS = (
    Adapter(
        "inline",
        _plain(type="inline"),
        {
            "test_a_worker_that_dies": _APART,
            "test_a_worker_that_is_killed": _APART,
            "test_gangs": _ONE_MACHINE,
            "test_code_travels": _FILES_HERE,
        },
        here=True,
    ),
    Adapter(
        "threads",
        _plain(type="threads", workers=2),
        {
            "test_a_worker_that_dies": _APART,
            "test_a_worker_that_is_killed": _APART,
            "test_gangs": _ONE_MACHINE,
            "test_code_travels": _FILES_HERE,
        },
        here=True,
    ),
    Adapter(
        "processes",
        _plain(type="processes", workers=2),
        {"test_gangs": _ONE_MACHINE, "test_code_travels": _FILES_HERE},
        here=True,
    ),
    Adapter("dask", _dask),
    Adapter("ray", _ray, is_slow=True),
    Adapter(
        "ssh",
        _ssh,
        {"test_gangs": Refused("nodes", "machines that one logs in to do not wait for each other")},
    ),
    Adapter(
        "kubernetes",
        _kubernetes,
        {"test_gangs": Refused("nodes", "Jobs do not wait for each other")},
        is_slow=True,
    ),
    Adapter("slurm", _slurm, is_slow=True),
    Adapter(
        "docker",
        _docker,
        {
            "test_gangs": _ONE_MACHINE,
            "test_gpus": Refused("gpus", "the engine that it is tested with has no runtime for GPUs"),
        },
        is_slow=True,
    ),
)
