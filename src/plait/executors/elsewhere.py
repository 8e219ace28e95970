"""How does a worker have a step done in another Python? It starts that one, hands it the call, and answers for it."""

from __future__ import annotations

import inspect
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from plait.engine.checkpoints import checkpoint, progress
from plait.engine.current import log
from plait.engine.task import FunctionRef
from plait.errors import StepError
from plait.executors import guest
from plait.record.facts import ErrorInfo, Frame, Usage, clean, frame_origin

__all__ = ["Elsewhere", "Guest", "GuestCall"]

_ANSWERS: dict[str, Callable[..., Any]] = {
    "log": log,
    "progress": progress,
    "save": checkpoint.save,
    "load": checkpoint.load,
}


class Elsewhere(Exception):
    """What a step raised in another Python; ``info`` is what is known of it here."""

    def __init__(self, info: ErrorInfo) -> None:
        super().__init__(info.headline)
        self.info = info


class GuestCall(Struct):
    """A call of a step's function, as the other Python is told of it."""

    function: Callable[..., Any]
    ref: FunctionRef
    arguments: dict[str, Any]
    current: dict[str, Any]
    env: dict[str, str] = {}
    timeout: float | None = None
    memory: int | None = None


class Guest:
    """A process of another Python that does one call after the other.

    Args:
        python: its interpreter.
        path: where this process imports from; what is installed for it is left out.

    Raises:
        StepError: it cannot be started.
    """

    def __init__(self, python: Path, path: Sequence[str]) -> None:
        self._path = [entry for entry in path if entry and not _installed(entry)]
        self._here = guest.has()
        self.cpu_seconds, self.peak_memory = 0.0, 0
        hidden = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")
        self._process = subprocess.Popen(
            [str(python), guest.__file__, *self._path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={name: value for name, value in os.environ.items() if name not in hidden},
        )
        hello = self._receive()
        if hello is None or hello[0] != "ready":
            raise StepError(f"{python} did not start; its own words are above")
        self.version: str = hello[1]
        self._there: set[str] = hello[2]

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def call(self, task: GuestCall) -> Any:
        """The result of a step's function.

        Raises:
            Elsewhere: whatever it raised there.
            StepError: the arguments or the result cannot travel, or the process is gone.
        """
        try:
            arguments = guest.dump(task.arguments, self._there)
        except Exception as error:
            raise StepError(
                f"the arguments cannot travel to Python {self.version}: {error}",
                hint="pass tables, arrays, numbers, texts, lists and dicts",
            ) from error
        code = getattr(inspect.unwrap(task.function), "__code__", None)
        file = code.co_filename if code is not None and Path(code.co_filename).exists() else ""
        by_source = not task.ref.module and (not file or "<locals>" in task.function.__qualname__)
        told = {
            "module": task.ref.module,
            "qualname": task.ref.qualname or task.function.__qualname__,
            "file": file,
            "line": code.co_firstlineno if code is not None else 1,
            "source": _source(task.function) if by_source else "",
            "constants": _constants(task.function) if by_source else {},
            "path": self._path,
            "arguments": arguments,
            "there": self._here,
            "current": task.current,
            "env": task.env,
            "cwd": os.getcwd(),
            "timeout": task.timeout,
            "memory": task.memory,
        }
        assert self._process.stdin is not None
        try:
            guest.send(self._process.stdin, "call", told)
            return self._hear()
        except OSError:
            raise self._gone() from None

    def _hear(self) -> Any:
        while True:
            message = self._receive()
            if message is None:
                raise self._gone()
            verb = message[0]
            if verb in ("out", "err"):
                (sys.stdout if verb == "out" else sys.stderr).write(message[1])
            elif verb == "ask":
                self._answer(message[1], message[2])
            else:
                self.cpu_seconds, self.peak_memory = message[2], message[3]
                if verb == "raised":
                    raise Elsewhere(_info(message[1]))
                return self._result(message[1])

    def _result(self, body: bytes) -> Any:
        try:
            return pickle.loads(body)
        except Exception as error:
            raise StepError(
                f"the result cannot be read by Python {sys.version_info[0]}.{sys.version_info[1]} here: {error}",
                hint="return what both sides know: tables, arrays, numbers, texts, bytes, lists and dicts",
            ) from error

    def _answer(self, name: str, body: bytes) -> None:
        assert self._process.stdin is not None
        try:
            args, kwargs = pickle.loads(body)
            answer = _ANSWERS[name](*args, **kwargs)
            guest.send(self._process.stdin, "value", guest.dump(answer, self._there))
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001 - it is the step's, and raised there
            guest.send(self._process.stdin, "error", pickle.dumps(str(error)))

    def _receive(self) -> Any:
        assert self._process.stdout is not None
        return guest.receive(self._process.stdout)

    def _gone(self) -> StepError:
        code = self._process.wait()
        how = f"by signal {-code}" if code < 0 else f"with status {code}"
        return StepError(f"the process with the step's own Python ended {how}")

    def add_to(self, usage: Usage) -> Usage:
        """What a task used, with what its call used here."""
        peak = max(usage.peak_memory, self.peak_memory)
        cpu = usage.cpu_seconds + self.cpu_seconds
        self.cpu_seconds, self.peak_memory = 0.0, 0
        return Usage(usage.started_at, usage.ended_at, cpu, peak, usage.worker, usage.called_at)

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()


def _info(told: dict[str, Any]) -> ErrorInfo:
    cause = told["cause"]
    return ErrorInfo(
        clean(told["kinds"][0]),
        clean(told["message"]),
        tuple(
            Frame(clean(file), line, name, clean(code), frame_origin(file))
            for file, line, name, code in told["frames"]
        ),
        tuple(map(clean, told["notes"])),
        _info(cause) if cause is not None else None,
        tuple(map(clean, told["kinds"])),
    )


def _installed(entry: str) -> bool:
    """Whether a place of ``sys.path`` belongs to this interpreter, whose packages are of no use to another one."""
    place = os.path.realpath(entry)
    own = {os.path.realpath(sys.prefix), os.path.realpath(sys.base_prefix)}
    return (
        "site-packages" in place
        or "dist-packages" in place
        or any(place.startswith(f"{one}{os.sep}lib") for one in own)
    )


def _source(function: Callable[..., Any]) -> str:
    try:
        return inspect.getsource(inspect.unwrap(function))
    except (OSError, TypeError):
        raise StepError(
            f"the source of {function.__qualname__} is not known, so another Python cannot run it",
            hint="write the step in a file",
        ) from None


def _constants(function: Callable[..., Any]) -> dict[str, Any]:
    """The plain values that a function refers to by name, for one whose source travels alone."""
    plain = (type(None), bool, int, float, str, bytes, list, dict, tuple)
    seen = inspect.getclosurevars(inspect.unwrap(function))
    names = {**seen.globals, **seen.nonlocals}
    return {name: value for name, value in names.items() if isinstance(value, plain)}
