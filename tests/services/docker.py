"""A Docker engine of one's own: its images, its socket, no network of its own; and a base image made without a hub."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services import free_port, listening, started, wait_until

__all__ = ["BASE_IMAGE", "Docker", "docker_engine", "registry"]

BASE_IMAGE = "plait-test-python:1"
_SYSTEM = (
    "bash,dash,coreutils,libc-bin,ca-certificates,libssl3,libffi8,zlib1g,libbz2-1.0,liblzma5,libsqlite3-0,libexpat1,"
    "libreadline8,libuuid1,libncursesw6,libgdbm6,libnsl2,libtirpc3,libdb5.3,libgomp1,libstdc++6"
)
_NOT_PYTHON = (
    "test",
    "tests",
    "idlelib",
    "tkinter",
    "turtledemo",
    "ensurepip",
    "site-packages",
    "__pycache__",
)


class Docker:
    """A running engine.

    Attributes:
        environ: what the command ``docker`` needs to find it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environ = {"DOCKER_HOST": f"unix://{folder}/docker.sock"}
        self._stack = contextlib.ExitStack()
        self._process: subprocess.Popen[bytes] | None = None

    def __call__(self, *command: str, stdin: object = None) -> str:
        """What ``docker …`` says."""
        done = subprocess.run(
            ["docker", *command],
            env={**os.environ, **self.environ},
            capture_output=True,
            text=True,
            timeout=180,
            stdin=stdin,  # type: ignore[call-overload]
        )
        assert done.returncode == 0, f"docker {command}: {done.stderr or done.stdout}"
        return done.stdout.strip()

    def start(self) -> None:
        conf = {
            "data-root": f"{self.folder}/data",
            "exec-root": f"{self.folder}/exec",
            "pidfile": f"{self.folder}/docker.pid",
            "hosts": [self.environ["DOCKER_HOST"]],
            "bridge": "none",
            "iptables": False,
            "ip-forward": False,
            "ip-masq": False,
            "live-restore": False,
        }
        (self.folder / "daemon.json").write_text(json.dumps(conf))
        self._process = self._stack.enter_context(
            started("dockerd", "--config-file", f"{self.folder}/daemon.json", log=self.folder / "dockerd.log")
        )
        wait_until(lambda: self("version", "--format", "{{.Server.Version}}"), 30, "dockerd")

    def make_base(self) -> None:
        """An image with Debian's libraries and the very Python that runs the tests."""
        system = self.folder / "system.tar"
        subprocess.run(
            ["mmdebstrap", "--quiet", "--variant=extract", f"--include={_SYSTEM}", _release(), str(system)],
            check=True,
            capture_output=True,
            timeout=300,
        )
        with tarfile.open(system, "a") as tar:
            _add_python(tar)
        self("import", str(system), BASE_IMAGE)
        system.unlink()

    def kill(self, pid: int) -> None:
        """Kill a process by the number that it has in its container."""
        for status in Path("/proc").glob("[0-9]*/status"):
            with contextlib.suppress(OSError):
                line = next((one for one in status.read_text().splitlines() if one.startswith("NSpid:")), "")
                numbers = line.split()[1:]
                if len(numbers) > 1 and numbers[-1] == str(pid):
                    os.kill(int(numbers[0]), signal.SIGKILL)

    def close(self) -> None:
        if self._process is not None:  # it alone: it ends containerd itself, and waits for that
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
        self._stack.close()


def _release() -> str:
    words = dict(
        line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line
    )
    return words["VERSION_CODENAME"].strip('"')


def _add_python(tar: tarfile.TarFile) -> None:
    """The interpreter, its shared library and the standard library, where they are here, with links on the PATH."""
    prefix = Path(sys.base_prefix)
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"

    def wanted(info: tarfile.TarInfo) -> tarfile.TarInfo | None:
        parts = set(Path(info.name).parts)
        return None if parts & set(_NOT_PYTHON) or info.name.endswith((".a", ".pyc")) else info

    tar.add(prefix / "bin" / version, recursive=False)
    tar.add(prefix / "lib" / version, filter=wanted)
    for library in (prefix / "lib").glob("libpython*"):
        tar.add(library)
    for name in ("python3", "python"):
        link = tarfile.TarInfo(f"usr/local/bin/{name}")
        link.type, link.linkname = tarfile.SYMTYPE, str(prefix / "bin" / version)
        tar.addfile(link)


@contextlib.contextmanager
def docker_engine() -> Iterator[Docker]:
    """An engine for as long as it is needed; skips where there is none, or the kernel does not let it run containers."""
    os.environ["PATH"] = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    missing = [name for name in ("dockerd", "docker", "mmdebstrap") if shutil.which(name) is None]
    if missing:
        pytest.skip(
            f"there is no {', '.join(missing)}, and it could not be installed: apt-get install docker.io mmdebstrap"
        )
    if os.getuid() != 0:
        pytest.skip("a Docker engine of one's own is started by root")
    folder = Path(tempfile.mkdtemp(prefix="plait-docker-"))
    engine = Docker(folder)
    try:
        try:
            engine.start()
            engine.make_base()
            engine(
                "run", "--rm", "--network", "none", BASE_IMAGE, "python3", "-c", "import ssl, sqlite3, ctypes"
            )
        except (TimeoutError, AssertionError, subprocess.SubprocessError) as error:
            words = getattr(error, "stderr", b"") or b""
            pytest.skip(f"no container runs here: {error} {words.decode(errors='replace')[-1000:]}")
        yield engine
    finally:
        engine.close()
        for line in Path("/proc/self/mounts").read_text().splitlines():
            if line.split()[1].startswith(
                f"{folder}/"
            ):  # such as the network of containers that had the host's
                subprocess.run(["umount", "--lazy", line.split()[1]], capture_output=True, check=False)
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def registry(folder: Path) -> Iterator[str]:
    """A registry of images: ``127.0.0.1:PORT``."""
    if shutil.which("docker-registry") is None:
        pytest.skip(
            "there is no docker-registry, and it could not be installed: apt-get install docker-registry"
        )
    port = free_port()
    conf = folder / "registry.yml"
    conf.write_text(
        f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {folder}/images}}}}\n"
        f"http: {{addr: '127.0.0.1:{port}'}}\n"
    )
    with started("docker-registry", "serve", str(conf), log=folder / "registry.log"):
        wait_until(lambda: listening(port), what="the registry")
        yield f"127.0.0.1:{port}"
