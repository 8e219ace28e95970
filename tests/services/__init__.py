"""Which servers do tests start? Real ones, on loopback and free ports, ended with the process that started them."""

from __future__ import annotations

import contextlib
import ctypes
import http.client
import http.server
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

__all__ = [
    "AZURE_ACCOUNT",
    "Faulty",
    "Postgres",
    "Sshd",
    "azure_server",
    "free_port",
    "gcs_server",
    "make_bucket",
    "postgres_server",
    "s3_server",
    "ssh_server",
    "started",
    "wait_until",
]


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


# Stores of objects.


@contextlib.contextmanager
def s3_server(folder: Path) -> Iterator[str]:
    """S3 as moto plays it: its endpoint."""
    import sys

    port = free_port()
    code = "import sys; from moto.server import main; main(sys.argv[1:])"
    with started(sys.executable, "-c", code, "-H", "127.0.0.1", "-p", str(port), log=folder / "s3.log"):
        wait_until(lambda: listening(port), what="the S3 server")
        yield f"http://127.0.0.1:{port}"


def make_bucket(endpoint: str, name: str) -> None:
    import urllib.request

    urllib.request.urlopen(urllib.request.Request(f"{endpoint}/{name}", method="PUT")).close()


@contextlib.contextmanager
def gcs_server(folder: Path) -> Iterator[str]:
    """Google Cloud Storage as an emulator plays it: its endpoint."""
    import sys

    port = free_port()
    code = "import sys; from gcp_storage_emulator.__main__ import main; sys.exit(main(sys.argv[1:]))"
    command = (sys.executable, "-c", code, "start", "--host", "127.0.0.1", "--port", str(port), "--in-memory")
    with started(*command, log=folder / "gcs.log", cwd=folder):
        wait_until(lambda: listening(port), what="the GCS server")
        yield f"http://127.0.0.1:{port}"


AZURE_ACCOUNT = "devstoreaccount1"
# The key of every emulator, as its documentation gives it.
AZURE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@contextlib.contextmanager
def azure_server(folder: Path) -> Iterator[str]:
    """Azure Blob Storage as azurite plays it: its connection string."""
    program = Path(__file__).parents[2] / ".venv-engines" / "node" / "node_modules" / ".bin" / "azurite-blob"
    found = str(program) if program.exists() else shutil.which("azurite-blob")
    if found is None:
        pytest.skip("azurite is not installed: make test-engines installs it with npm")
    port = free_port()
    options = ("--blobHost", "127.0.0.1", "--blobPort", str(port), "--skipApiVersionCheck", "--silent")
    with started(found, *options, "--location", str(folder / "azure"), log=folder / "azure.log"):
        wait_until(lambda: listening(port), what="azurite")
        yield (
            f"DefaultEndpointsProtocol=http;AccountName={AZURE_ACCOUNT};AccountKey={AZURE_KEY};"
            f"BlobEndpoint=http://127.0.0.1:{port}/{AZURE_ACCOUNT};"
        )


class Sshd(NamedTuple):
    """An SSH server that lets the user of this process in by a key."""

    port: int
    key: Path
    user: str


@contextlib.contextmanager
def ssh_server(folder: Path) -> Iterator[Sshd]:
    program = next(filter(Path.exists, map(Path, ("/usr/sbin/sshd", "/usr/bin/sshd"))), None)
    if program is None:
        pytest.skip("sshd is not installed, and could not be: apt-get install openssh-server")
    port, user = free_port(), pwd.getpwuid(os.getuid()).pw_name
    for name in ("host", "user"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)],
            check=True,
            stdin=subprocess.DEVNULL,
        )
    (folder / "authorized").write_bytes((folder / "user.pub").read_bytes())
    (folder / "sshd.conf").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/authorized\n"
        f"PidFile {folder}/sshd.pid\nStrictModes no\nPasswordAuthentication no\nUsePAM no\nPermitRootLogin yes\n"
        "Subsystem sftp internal-sftp\nMaxStartups 100\nMaxSessions 100\n"
        f"SetEnv PLAIT_CODE={folder}/code\n"  # of commands that are run by it
    )
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    with started(str(program), "-D", "-e", "-f", str(folder / "sshd.conf"), log=folder / "sshd.log"):
        wait_until(lambda: listening(port), what="sshd")
        yield Sshd(port, folder / "user", user)


class Faulty:
    """A server before another one, that answers what it is told to: for a store that is ill for a while.

    Attributes:
        mode: ``ok``; ``503``, ``429`` or another status; ``break`` breaks each connection off.
        refused: how many requests were not handed on.
    """

    def __init__(self, behind: str) -> None:
        self.mode = "ok"
        self.refused = 0
        self.seen: list[str] = []
        faulty = self
        host, port = behind.removeprefix("http://").split(":")

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                size = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(size) if size else b""
                if self.headers.get("Expect"):
                    pass
                faulty.seen.append(f"{self.command} {self.path}")
                if faulty.mode == "break":
                    faulty.refused += 1
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                if faulty.mode != "ok":
                    faulty.refused += 1
                    code = {"503": "SlowDown", "429": "TooManyRequestsException"}.get(
                        faulty.mode, "InternalError"
                    )
                    text = f"<Error><Code>{code}</Code><Message>for a while</Message></Error>".encode()
                    self.send_response(int(faulty.mode))
                    self.send_header("Content-Length", str(len(text)))
                    self.end_headers()
                    if self.command != "HEAD":
                        self.wfile.write(text)
                    return
                there = http.client.HTTPConnection(host, int(port), timeout=30)
                headers = {name: value for name, value in self.headers.items() if name.lower() != "expect"}
                there.request(self.command, self.path, body=body, headers=headers)
                found = there.getresponse()
                data = found.read()
                self.send_response(found.status)
                for name, value in found.getheaders():
                    if name.lower() not in ("transfer-encoding", "connection", "content-length"):
                        self.send_header(name, value)
                length = found.getheader("Content-Length") if self.command == "HEAD" else str(len(data))
                self.send_header("Content-Length", length or "0")
                self.end_headers()
                self.wfile.write(data)
                there.close()

            do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = answer

            def log_message(self, *_: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def ill(self, mode: str, seconds: float) -> None:
        """Be so from now on, and well again after a while."""
        self.mode = mode
        threading.Timer(seconds, setattr, (self, "mode", "ok")).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
