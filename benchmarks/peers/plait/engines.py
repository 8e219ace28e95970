"""Which engines does B11 start for itself? Those of the tests: a real Slurm, Docker and sshd on this machine."""

import os
import shlex
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

NOTHING = [sys.executable, "-c", "pass"]


@contextmanager
def testing_service(module: str, name: str, *given):
    """A service as the tests start it; where it cannot be had the program ends with the reason."""
    sys.path.insert(0, os.environ["BENCH_CHECKOUT"])
    import importlib

    import pytest

    try:
        with getattr(importlib.import_module(module), name)(*given) as service:
            yield service
    except pytest.skip.Exception as missing:
        raise SystemExit(str(missing.msg).splitlines()[0]) from None


def called(commands: list[list[str]], at_once: int) -> list[int]:
    """Run commands, some at once; what `double` gives, so that the result may be compared."""

    def call(numbered: tuple[int, list[str]]) -> int:
        subprocess.run(numbered[1], check=True, capture_output=True, stdin=subprocess.DEVNULL)
        return 2 * numbered[0]

    with ThreadPoolExecutor(at_once) as pool:
        return list(pool.map(call, enumerate(commands)))


@contextmanager
def slurm():
    """Two nodes of two cores; the bare call is an `srun` of a Python that does nothing."""
    with testing_service("tests.services.slurm", "slurm_cluster") as cluster:
        os.environ.update(cluster.environ)

        def bare(items):
            return called([["srun", "--ntasks=1", "--quiet", *NOTHING] for _ in items], 4)

        yield {"type": "slurm", "python": sys.executable, "look_every": "0.3s"}, bare


@contextmanager
def docker():
    """The bare call is a `docker run` of a Python that does nothing."""
    with testing_service("tests.services.docker", "docker_engine") as engine:
        from tests.services.docker import BASE_IMAGE

        os.environ.update(engine.environ)
        run = ["docker", "run", "--rm", "--network=none", BASE_IMAGE, "python3", "-c", "pass"]
        options = {
            "type": "docker",
            "base": BASE_IMAGE,
            "packages": [],
            "network": "none",
            "workers": 2,
            "host": engine.environ["DOCKER_HOST"],
        }
        yield options, lambda items: called([run for _ in items], 2)


@contextmanager
def ssh():
    """A loopback sshd; the bare call logs in, and starts a Python that does nothing."""
    with (
        tempfile.TemporaryDirectory() as folder,
        testing_service("tests.services", "ssh_server", Path(folder)) as server,
    ):
        there = f"{server.user}@127.0.0.1"
        known = {"StrictHostKeyChecking": "no", "UserKnownHostsFile": "/dev/null", "LogLevel": "ERROR"}
        words = ["ssh", "-T", "-p", str(server.port), "-i", str(server.key)]
        for name, value in known.items():
            words += ["-o", f"{name}={value}"]
        command = [*words, there, shlex.join(NOTHING)]
        options = {
            "type": "ssh",
            "hosts": [there],
            "workers": 2,
            "python": sys.executable,
            "port": server.port,
            "identity": str(server.key),
            "options": known,
        }
        yield options, lambda items: called([command for _ in items], 2)


@contextmanager
def kubernetes():
    raise SystemExit(
        "no Kubernetes cluster is at hand: none can run here, and a stand-in would tell of itself"
    )
    yield
