"""What is in a value? Loaded by a process of its own: somebody's class may be slow, large or deadly."""

from __future__ import annotations

import collections
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import msgspec

from plait.data import Artifact
from plait.server.problems import Refusal
from plait.server.settings import Settings

__all__ = ["LIMIT", "Previewer"]

LIMIT = 256 * 2**20  # bytes of a value that has to be read whole
_SECONDS = 60.0
_BYTES_A_SECOND = 20 * 2**20  # that a value is written to a file with, at least
_KEPT = 256
_KEPT_BYTES = 64 * 2**20


class Previewer:
    """Asks a worker process, one question at a time; one that does not answer in time is ended."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._answers: collections.OrderedDict[bytes, bytes] = collections.OrderedDict()
        self._held = 0
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def write(self, artifact: Artifact, form: str) -> tuple[Path, dict[str, Any]]:
        """A value as a file of its own, whatever its size, to be removed by whoever asked; and what is known of it.

        Raises:
            Refusal: it took too long, the process that had the value died of it, or it cannot be written.
        """
        with self._lock:
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(prefix="plait-download-")
            target = Path(self._folder.name, os.urandom(8).hex())
            message = _question(artifact, "download", {"target": str(target), "form": form})
            said = msgspec.json.decode(self._exchange(message, _SECONDS + artifact.size / _BYTES_A_SECOND))
        return target, said

    def ask(self, artifact: Artifact, question: str, **options: Any) -> bytes:
        """The answer to a question about a value, as JSON; see ``plait.server.values`` for what can be asked.

        Raises:
            Refusal: it took too long, or the process that had the value died of it.
        """
        message = _question(artifact, question, options)
        with self._lock:
            known = self._answers.get(message)
            if known is not None:
                self._answers.move_to_end(message)
                return known
            answer = self._exchange(message)
            if len(answer) < _KEPT_BYTES // 8:
                self._answers[message] = answer
                self._held += len(answer)
                while self._held > _KEPT_BYTES or len(self._answers) > _KEPT:
                    self._held -= len(self._answers.popitem(last=False)[1])
            return answer

    def _exchange(self, message: bytes, seconds: float = _SECONDS) -> bytes:
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(message + b"\n")
            process.stdin.flush()
            return _read_answer(process, seconds)
        except TimeoutError:
            self._end()
            raise Refusal(
                503, "too_large", f"the value was not there after {seconds:.0f} s", "load it in Python"
            ) from None
        except (OSError, EOFError):
            code = process.wait()
            self._end()
            said = f"signal {-code}" if code < 0 else f"status {code}"
            raise Refusal(
                503, "internal", f"the process that loaded the value died of it ({said})", "load it in Python"
            ) from None

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "plait.server.values", str(self._settings.start)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                cwd=self._settings.start if self._settings.start.is_dir() else None,
                env={**os.environ, "MPLBACKEND": "agg"},
            )
        return self._process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    try:
                        stream.close()
                    except OSError:
                        continue

    def close(self) -> None:
        with self._lock:
            self._end()
            folder, self._folder = self._folder, None
        if folder is not None:
            folder.cleanup()


def _question(artifact: Artifact, question: str, options: dict[str, Any]) -> bytes:
    return msgspec.json.encode(
        {"artifact": msgspec.msgpack.encode(artifact), "question": question, "options": options}
    )


def _read_answer(process: subprocess.Popen[bytes], seconds: float) -> bytes:
    """A length on a line, then as many bytes; a process that takes too long is ended."""
    late = threading.Event()

    def end() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(seconds, end)
    timer.start()
    try:
        assert process.stdout is not None
        head = process.stdout.readline()
        wanted = int(head) if head else 0
        body = process.stdout.read(wanted) if wanted else b""
    finally:
        timer.cancel()
    if late.is_set():
        raise TimeoutError
    if not wanted or len(body) < wanted:
        raise EOFError
    return body
