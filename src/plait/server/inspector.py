"""What does the project say just now? Asked of processes of its own, and kept until its files change."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from plait.server.problems import Answer, Problem, Refusal
from plait.server.projectview import Described, PipelineSpec
from plait.server.settings import Settings

__all__ = ["Inspector"]

_SECONDS = 60.0  # that the project's code may take to be imported
_LOOK_SECONDS = 1.0  # between two looks at the project's files
_MOST_FILES = 5_000
_SKIPPED = frozenset({"node_modules", "__pycache__", "data", "build", "dist"})
_CODE = (".py", ".yml", ".yaml", ".toml", ".json", ".env")


class Inspector:
    """What the project's code and conf say, read again when a file of theirs has changed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._known: dict[tuple[str, ...], tuple[Any, Any]] = {}  # what was asked: state of the files, answer
        self._asking: dict[tuple[str, ...], threading.Thread] = {}
        self._looked_at = 0.0
        self._state: Any = None
        self.revision = 0

    def project(self, env: str | None = None, wait: float = 0.1) -> tuple[Described | None, bool]:
        """What the project says in an environment, as far as it is known, and whether it is being read."""
        root = str(self._settings.root)
        return self._ask(("project", root, env or self._settings.env or ""), Described, wait)

    def pipeline(
        self, target: str, folder: str, env: str | None = None, wait: float = 20.0
    ) -> tuple[PipelineSpec | None, bool]:
        """A pipeline that a run came from, as its code is now."""
        return self._ask(("pipeline", target, folder, env or self._settings.env or ""), PipelineSpec, wait)

    def once(self, *arguments: str, module: str = "plait.server.describe") -> Any:
        """The answer to what is asked each time anew, such as whether parameters are right.

        Raises:
            Refusal: the project's code cannot be asked, or says that something is wrong.
        """
        return _answer(self._run(arguments, module), dict)

    def _ask(self, key: tuple[str, ...], kind: Any, wait: float) -> tuple[Any, bool]:
        state = self.files()
        with self._lock:
            known = self._known.get(key)
            if known is not None and known[0] == state:
                return _raised(known[1]), False
            thread = self._asking.get(key)
            if thread is None:
                thread = threading.Thread(target=self._read, args=(key, kind, state), daemon=True)
                self._asking[key] = thread
                thread.start()
        thread.join(wait)
        with self._lock:
            loading = key in self._asking
            known = self._known.get(key)
        return (_raised(known[1]) if known is not None else None), loading

    def _read(self, key: tuple[str, ...], kind: Any, state: Any) -> None:
        try:
            found = _answer(self._run(key), kind)
        except Refusal as refusal:
            found = refusal
        with self._lock:
            self._known[key] = (state, found)
            self._asking.pop(key, None)
            while len(self._known) > 64:
                self._known.pop(next(iter(self._known)))
            self.revision += 1

    def _run(self, arguments: tuple[str, ...], module: str = "plait.server.describe") -> bytes:
        command = [sys.executable, "-m", module, *arguments]
        root = self._settings.root
        try:
            done = subprocess.run(
                command,
                cwd=root if root.is_dir() else None,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise Refusal(
                504, "invalid", f"importing the project's code took longer than {_SECONDS:.0f} s"
            ) from None
        if done.returncode or not done.stdout:
            last = done.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
            raise Refusal(400, "invalid", f"the project's code ended the process that read it: {last[0]}")
        return done.stdout

    def files(self) -> Any:
        """What is another one when a file of the project's code or conf was written, added or removed."""
        with self._lock:
            if time.monotonic() - self._looked_at < _LOOK_SECONDS:
                return self._state
            self._looked_at = time.monotonic()
        state = hash(tuple(_files(self._settings.root)))
        with self._lock:
            if self._state is not None and state != self._state:
                self.revision += 1
            self._state = state
            return state


def _files(root: Path) -> Iterator[tuple[str, int, int]]:
    seen = 0
    for folder, folders, names in os.walk(root):
        folders[:] = [one for one in folders if not one.startswith(".") and one not in _SKIPPED]
        for name in names:
            if name.endswith(_CODE):
                seen += 1
                if seen > _MOST_FILES:
                    return
                path = os.path.join(folder, name)  # noqa: PTH118 - many of them
                try:
                    stat = os.stat(path)
                except OSError:
                    continue
                yield path, stat.st_mtime_ns, stat.st_size


def _answer(text: bytes, kind: Any) -> Any:
    try:
        problem = msgspec.json.decode(text, type=Answer).error
    except msgspec.ValidationError:
        try:
            return msgspec.json.decode(text, type=kind)
        except msgspec.DecodeError as error:
            raise Refusal(500, "internal", f"what the project says cannot be read: {error}") from None
    raise _Said(problem)


class _Said(Refusal):
    """What plait itself says of the project's code."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(404 if problem.code == "not_found" else 400, problem.code, problem.message)
        self.problem = problem


def _raised(found: Any) -> Any:
    if isinstance(found, Refusal):
        raise found
    return found
