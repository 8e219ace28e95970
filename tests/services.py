"""Which servers do tests start? Real ones, on loopback and free ports, ended with the process that started them."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

__all__ = ["Postgres", "free_port", "postgres_server", "started", "wait_until"]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def wait_until(ready: Callable[[], object], seconds: float = 60.0, what: str = "the server") -> None:
    """Until it answers with something true; what it raises in the meantime is not yet."""
    end = time.monotonic() + seconds
    error: BaseException | None = None
    while time.monotonic() < end:
        try:
            if ready():
                return
        except Exception as raised:
            error = raised
        time.sleep(0.05)
    raise TimeoutError(f"{what} was not there after {seconds:.0f} s: {error}")


def listening(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _end_with_parent() -> None:
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # also where this process is killed


@contextlib.contextmanager
def started(
    *command: str, log: Path, end: signal.Signals = signal.SIGTERM, **options: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """A server as a process of its own, that ends with this one; what it says goes to a file."""
    with log.open("ab") as said:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            preexec_fn=_end_with_parent,
            start_new_session=True,
            **options,
        )
    try:
        yield process
    finally:
        for number in (end, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=15)
                break


class Postgres:
    """A private PostgreSQL cluster, which may be stopped, killed and started again."""

    def __init__(self, folder: Path, programs: Path, user: str | None) -> None:
        self.folder = folder
        self._programs = programs
        self._as = {"user": user, "group": user, "extra_groups": []} if user else {}
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._stack = contextlib.ExitStack()

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    @property
    def url_by_home(self) -> str:
        """With a schema for each folder of records."""
        return f"{self.url}?schema=h{{home}}"

    def make(self) -> None:
        subprocess.run(
            [
                self._programs / "initdb",
                "-D",
                self.folder / "data",
                "-A",
                "trust",
                "-U",
                "postgres",
                "--no-sync",
            ],
            check=True,
            capture_output=True,
            cwd=self.folder,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            **self._as,
        )

    def start(self) -> None:
        options = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "fsync": "off",  # what is killed here is the server, never the machine
            "shared_buffers": "32MB",
            "max_connections": 60,
            "max_locks_per_transaction": 512,
        }
        arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        log = self.folder / "log"
        log.touch()
        self._stack = contextlib.ExitStack()
        self._process = self._stack.enter_context(
            started(
                str(self._programs / "postgres"),
                "-D",
                str(self.folder / "data"),
                *arguments,
                log=log,
                end=signal.SIGQUIT,  # at once: nothing of it is kept
                cwd=self.folder,
                **self._as,
            )
        )
        import psycopg

        wait_until(lambda: psycopg.connect(self.url, connect_timeout=2).close() or True, what="PostgreSQL")

    def kill(self) -> None:
        """All of it at once, as if its machine had gone."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGQUIT)
        self._process.wait(timeout=30)

    def stop(self) -> None:
        """As an administrator does: connections are broken off."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        self._process.wait(timeout=30)

    def close(self) -> None:
        self._stack.close()


@contextlib.contextmanager
def postgres_server() -> Iterator[Postgres]:
    """A cluster of one's own; skips where PostgreSQL is not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda one: -float(one.parts[-3]))
    programs = found[0].parent if found else None
    if programs is None and (there := shutil.which("initdb")):
        programs = Path(there).parent
    if programs is None:
        pytest.skip("PostgreSQL is not installed, and could not be: apt-get install postgresql")
    user = None
    if os.getuid() == 0:  # it refuses to run as root
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam("postgres").pw_name
        if user is None:
            pytest.skip("PostgreSQL refuses to run as root, and there is no user postgres")
    folder = Path(tempfile.mkdtemp(prefix="plait-postgres-"))
    try:
        if user is not None:
            shutil.chown(folder, user, user)
        server = Postgres(folder, programs, user)
        server.make()
        server.start()
        try:
            yield server
        finally:
            server.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
