"""Which clusters do tests run tasks on? Real ones of several nodes, all on this machine, ended with the test's process."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.services import free_port, started, wait_until

__all__ = ["Cluster", "DaskCluster", "RayCluster", "dask_cluster", "ray_cluster"]

_NODE = {"num_cpus": 2, "memory": 4 << 30, "object_store_memory": 80 << 20}


class Cluster(Protocol):
    """What tests know of one.

    Attributes:
        address: where it is reached.
        environ: variables with which a program can be part of it.
    """

    address: str
    environ: Mapping[str, str]

    def kill(self, number: int) -> None: ...


class DaskCluster:
    """A scheduler and workers, as an administrator starts them; each worker may be killed."""

    def __init__(self, folder: Path, workers: Sequence[Mapping[str, str]]) -> None:
        self.environ: Mapping[str, str] = {}
        port = free_port()
        self.address = f"tcp://127.0.0.1:{port}"
        self._stack = contextlib.ExitStack()
        self._workers: list[subprocess.Popen[bytes]] = []
        self._start(folder, "scheduler", "--port", str(port))
        for more in workers:
            self.add(folder, **more)

        def all_there() -> bool:
            from distributed import Client

            with Client(self.address, timeout=5, set_as_default=False) as client:
                return len(client.scheduler_info(n_workers=-1)["workers"]) == len(workers)

        wait_until(all_there, what="the Dask cluster")

    def add(self, folder: Path, **environ: str) -> None:
        """Start one more worker."""
        options = ("--nthreads", "2", "--no-nanny", "--memory-limit", "0", "--local-directory", str(folder))
        options += ("--resources", f"CPU=2 GPU=1 MEMORY={4 << 30}")
        self._workers.append(self._start(folder, "worker", self.address, *options, **environ))

    def _start(self, folder: Path, what: str, *options: str, **environ: str) -> subprocess.Popen[bytes]:
        code = f"import sys; from distributed.cli.dask_{what} import main; sys.exit(main(sys.argv[1:]))"
        return self._stack.enter_context(
            started(
                sys.executable, "-c", code, *options, "--host", "127.0.0.1", "--no-dashboard",
                log=folder / f"{what}-{len(self._workers)}.log", cwd=folder, env={**os.environ, **environ},
            )
        )  # fmt: skip

    def kill(self, number: int) -> None:
        """All of a worker at once, as if its machine had gone."""
        os.killpg(self._workers[number].pid, signal.SIGKILL)
        self._workers[number].wait()

    def close(self) -> None:
        self._stack.close()


@contextlib.contextmanager
def dask_cluster(folder: Path, workers: Sequence[Mapping[str, str]] = ({}, {})) -> Iterator[DaskCluster]:
    """Workers of two threads each, with the variables that are said for each."""
    pytest.importorskip("distributed", reason="distributed is not installed: pip install 'plait[dask]'")
    cluster = DaskCluster(folder, workers)
    try:
        yield cluster
    finally:
        cluster.close()


class RayCluster:
    """Nodes on this machine, of which all but the first may be killed."""

    def __init__(self, folder: Path, nodes: Sequence[Mapping[str, Any]]) -> None:
        self.environ: Mapping[str, str] = {
            "RAY_AUTH_MODE": "disabled",
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # addresses are on loopback; read when ray is imported
        }
        self._temp = tempfile.mkdtemp(prefix="ray-")  # sockets lie below it: a short name
        self._log = folder / "ray.log"
        args = [{**_NODE, **one} for one in nodes]
        args[0]["temp_dir"] = self._temp
        with self._log.open("ab") as said:
            self._process = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("ray_nodes.py")), json.dumps(args)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
                env={**os.environ, **self.environ},
            )
        assert self._process.stdout is not None
        self.address = self._process.stdout.readline().strip()
        assert self.address, self._log.read_text()

    def kill(self, number: int) -> None:
        """All of a node at once, as if its machine had gone."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print("kill", number, file=self._process.stdin, flush=True)
        assert self._process.stdout.readline() == "killed\n"

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(30)
        finally:
            self._process.kill()
            self._process.wait()
            shutil.rmtree(self._temp, ignore_errors=True)


@contextlib.contextmanager
def ray_cluster(folder: Path, nodes: Sequence[Mapping[str, Any]] = ({}, {})) -> Iterator[RayCluster]:
    """Nodes of two CPUs each, and of what else Ray is told of them."""
    if importlib.util.find_spec("ray") is None:  # not imported: what is in the environment counts then
        pytest.skip("ray is not installed: pip install 'plait[ray]'")
    cluster = RayCluster(folder, nodes)
    try:
        yield cluster
    finally:
        cluster.close()
