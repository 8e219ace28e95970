"""Which clusters do tests run tasks on? Real ones of several nodes, all on this machine, ended with the test's process."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

__all__ = ["RayCluster", "ray_cluster"]

_NODE = {"num_cpus": 2, "memory": 4 << 30, "object_store_memory": 80 << 20}


class RayCluster:
    """Nodes on this machine, of which all but the first may be killed.

    Attributes:
        address: of the head.
        environ: variables with which a program can be part of it.
    """

    def __init__(self, folder: Path, nodes: Sequence[Mapping[str, Any]]) -> None:
        self.environ = {
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
