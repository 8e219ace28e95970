"""A real ``plait ui`` on a loopback port, on the records of real runs; one for the whole session."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from plait.record.store import RecordStore
from tests.programs import SOURCE

FLOW = '''
import logging
from plait import each, log, pipeline, step

@step
def numbers(count: int) -> list:
    """How many there are."""
    print("counting to", count)
    return list(range(count))

@step(retries=1)
def square(n: int, wrong: int = -1):
    logging.getLogger("flow").warning("squaring %s", n)
    log(loss=1.0 / (n + 1))
    if n == wrong:
        raise ValueError("<script>alert(1)</script> is no number")
    return n * n

@step
def total(squares: list, scale: float = 1.0):
    for at in range(50):
        log(curve=at * scale, at=at)
    log({"<b>key</b>": "<img src=x onerror=alert(1)>"}, name="note")
    return sum(squares) * scale

@step
def page(total: float):
    return "<html><body><script>alert(1)</script><h1>hello</h1></body></html>"

@step
def cube(squares: list):
    import numpy as np
    return np.arange(100_000.0)

@step
def table(squares: list):
    import pandas as pd
    return pd.DataFrame({"n": range(len(squares)), "<b>square": squares, "name": [f"row {n}" for n in squares]})

@pipeline
def flow(count: int = 5, wrong: int = -1, scale: float = 1.0):
    """Squares."""
    squares = square(each(numbers(count)), wrong)
    out = total(squares, scale)
    page(out)
    table(squares)
    cube(squares)
    return out

@pipeline
def slow(seconds: float = 20.0):
    return sleep(each([seconds] * 4))

@step
def sleep(seconds: float):
    import time
    deadline = time.time() + seconds
    while time.time() < deadline:
        print("still here", flush=True)
        time.sleep(0.2)
    return seconds
'''


class Answer:
    """What a server said."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return self.json["error"]["code"]


class Server:
    """A ``plait ui`` in a folder."""

    def __init__(self, folder: Path, *options: str, env: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "plait", "ui", "--no-browser", "--port", "0", *options],
            cwd=folder,
            env={**environment(), **(env or {})},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None
        line = self.process.stderr.readline()
        found = re.search(r"http://[^\s/]+", line)
        assert found, line + self.process.stderr.read()
        self.line = line
        self.base = found.group(0).replace("localhost", "127.0.0.1")

    def ask(
        self, path: str, *, method: str = "GET", body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        sent = {"X-Plait": "1"} if method != "GET" else {}
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        request = urllib.request.Request(self.base + path, data, {**sent, **(headers or {})}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return Answer(answer.status, dict(answer.headers.items()), answer.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, dict(error.headers.items()), error.read())

    def get(self, path: str, **query: Any) -> Any:
        """The JSON of a question that must be answered."""
        text = urllib.parse.urlencode({key: value for key, value in query.items() if value is not None})
        found = self.ask(f"/api/v1{path}" + (f"?{text}" if text else ""))
        assert found.status == 200, (path, found.status, found.body[:500])
        return found.json

    def send(self, method: str, path: str, body: Any = None) -> Answer:
        return self.ask(f"/api/v1{path}", method=method, body={} if body is None else body)

    def events(
        self, path: str, until: Callable[[str, Any], bool], seconds: float = 60.0
    ) -> list[tuple[str, Any]]:
        """Events of a stream until one is what is waited for."""
        found: list[tuple[str, Any]] = []
        deadline = time.monotonic() + seconds
        with urllib.request.urlopen(f"{self.base}/api/v1{path}", timeout=seconds) as stream:
            name = ""
            for raw in stream:
                line = raw.decode().rstrip("\n")
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    found.append((name, json.loads(line.removeprefix("data: "))))
                    if until(*found[-1]):
                        return found
                assert time.monotonic() < deadline, [(name, data.get("steps")) for name, data in found][:6]
        return found

    def close(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        assert self.process.stderr is not None
        self.process.stderr.close()


def environment() -> dict[str, str]:
    """Of a user who has set nothing."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PLAIT")}
    return {**kept, "PYTHONPATH": str(SOURCE)}


def plait(folder: Path, *words: str, status: int = 0) -> str:
    """Run a command there."""
    done = subprocess.run(
        [sys.executable, "-m", "plait", *words],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stdout


_MAKE = """
import contextlib, io, json
from plait.cli.main import run_command
made = {}
for name, words in json.loads(input()).items():
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        run_command(["run", "flow.py:flow", "--executor", "inline", "-q", *words])
    made[name] = out.getvalue().split()[0]
print(json.dumps(made))
"""


def make_runs(folder: Path) -> dict[str, str]:
    """The ids of runs that were made there, by what they are; one process makes them all."""
    (folder / "flow.py").write_text(FLOW)
    wanted = {
        "done": ["--run-tag", "nightly", "--name", "the first"],
        "scaled": ["scale=2.0", "count=6"],
        "failed": ["wrong=2"],
    }
    done = subprocess.run(
        [sys.executable, "-c", _MAKE],
        cwd=folder,
        env=environment(),
        input=json.dumps(wanted),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    made: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return made


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ui")


@pytest.fixture(scope="session")
def runs(folder: Path) -> dict[str, str]:
    return make_runs(folder)


@pytest.fixture(scope="session")
def server(folder: Path, runs: dict[str, str]) -> Iterator[Server]:
    made = Server(folder)
    yield made
    made.close()


@pytest.fixture
def store(folder: Path, runs: dict[str, str]) -> Iterator[RecordStore]:
    opened = RecordStore(folder / ".plait")
    yield opened
    opened.database.close()
