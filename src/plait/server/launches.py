"""How is a run started from the browser? As a process of its own, which goes on when the server ends."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from plait.server.problems import Refusal
from plait.server.settings import Settings

__all__ = ["Launch", "Launches", "assignments", "texts"]

_OUTPUT = 4_000
_ASK_SECONDS = 120.0
_MOST = 200
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Launch(Struct, frozen=True):
    """A process that was started; ``run`` is the id of its run, once that is recorded.

    ``state`` is ``starting``, ``running`` or ``ended``; ``output`` the last of what it printed.
    """

    id: str
    command: list[str]
    state: str
    run: str | None
    exit: int | None
    output: str


class _Process:
    def __init__(self, number: str, command: list[str], popen: subprocess.Popen[bytes], output: Path) -> None:
        self.number, self.command, self.popen, self.output = number, command, popen, output
        self.started_at = time.time()
        self.run: str | None = None


class Launches:
    """The processes that this server has started."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._found: dict[str, _Process] = {}

    def start(self, arguments: Sequence[str], *, folder: str, env: Mapping[str, str] | None = None) -> Launch:
        """Start ``plait ARGUMENTS`` in a folder, in a session of its own.

        Raises:
            Refusal: the folder is gone, or too many are running already.
        """
        if not Path(folder).is_dir():
            raise Refusal(409, "conflict", f"{folder} is gone", "move the project back")
        logs = self._settings.home / "launches"
        logs.mkdir(parents=True, exist_ok=True)
        number = f"{int(time.time() * 1000):x}{os.urandom(3).hex()}"
        output = logs / f"{number}.log"
        command = [sys.executable, "-m", "plait", *arguments]
        with self._lock:
            if sum(one.popen.poll() is None for one in self._found.values()) >= _MOST:
                raise Refusal(429, "too_many", f"{_MOST} processes of this page are running already")
            with output.open("wb") as file:
                popen = subprocess.Popen(
                    command,
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, "NO_COLOR": "1", "PYTHONUNBUFFERED": "1", **(env or {})},
                    start_new_session=True,
                )
            self._found[number] = _Process(number, ["plait", *arguments], popen, output)
            while len(self._found) > 10 * _MOST:
                self._found.pop(next(iter(self._found)))
        return self.look(number)

    def ask(self, arguments: Sequence[str], *, folder: str, env: Mapping[str, str]) -> dict[str, Any]:
        """What ``plait ARGUMENTS`` prints, as JSON.

        Raises:
            Refusal: it left with an error, which is told in its own words, or took too long.
        """
        if not Path(folder).is_dir():
            raise Refusal(409, "conflict", f"{folder} is gone", "move the project back")
        try:
            done = subprocess.run(
                [sys.executable, "-m", "plait", *arguments],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                env={**env, "NO_COLOR": "1"},
                timeout=_ASK_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Refusal(
                504, "invalid", f"plait {arguments[0]} took longer than {_ASK_SECONDS:.0f} s"
            ) from None
        try:
            found = msgspec.json.decode(done.stdout, type=dict[str, Any])
        except msgspec.DecodeError:
            said = _ANSI.sub("", done.stderr.decode(errors="replace")).strip()
            raise Refusal(400, "invalid", said[-_OUTPUT:] or f"plait {arguments[0]} said nothing") from None
        return found

    def look(self, number: str, runs_of: Any = None) -> Launch:
        """How a process is doing.

        Args:
            runs_of: tells the id of the run that a process has begun since a time, or None.

        Raises:
            Refusal: this server has started none of that number.
        """
        with self._lock:
            found = self._found.get(number)
        if found is None:
            raise Refusal(
                404, "not_found", f"there is no launch {number!r}", "it was started by another server"
            )
        code = found.popen.poll()
        if found.run is None and runs_of is not None:
            found.run = runs_of(found.popen.pid, found.started_at)
        state = "ended" if code is not None else "running" if found.run else "starting"
        return Launch(number, found.command, state, found.run, code, _tail(found.output))


def _tail(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 4 * _OUTPUT))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return _ANSI.sub("", text)[-_OUTPUT:]


def texts(params: Mapping[str, Any]) -> dict[str, str]:
    """Parameters as on the command line; a text is taken as it was typed, everything else is JSON, which YAML reads.

    Raises:
        Refusal: one is no name.
    """
    for name in params:
        if not re.fullmatch(r"[A-Za-z_][\w.-]*", name):
            raise Refusal(400, "invalid", f"{name!r} is no name of a parameter")
    return {
        name: value if isinstance(value, str) else msgspec.json.encode(value, enc_hook=str).decode()
        for name, value in params.items()
    }


def assignments(params: Mapping[str, Any]) -> list[str]:
    """The same as ``NAME=VALUE``."""
    return [f"{name}={text}" for name, text in texts(params).items()]
