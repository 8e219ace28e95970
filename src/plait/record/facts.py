"""What is said of an attempt when it ends? Small records that travel from the worker to the tables."""

from __future__ import annotations

import traceback
from types import TracebackType
from typing import Any

from msgspec import Struct

from plait.data import Artifact

__all__ = ["DatasetWrite", "ErrorInfo", "Frame", "LogLine", "Metric", "Preview", "Usage", "describe_error"]


class Usage(Struct, frozen=True, array_like=True):
    """What an attempt used: epoch seconds, seconds of CPU, bytes at the peak."""

    started_at: float = 0.0
    ended_at: float = 0.0
    cpu_seconds: float = 0.0
    peak_memory: int = 0
    worker: str = ""


class Metric(Struct, frozen=True, array_like=True):
    """A number logged in a step; ``at`` is its place on the axis of a series."""

    name: str
    value: float
    at: float | None
    logged_at: float


class Preview(Struct, frozen=True, array_like=True):
    """A figure, table or other object logged in a step."""

    name: str
    artifact: Artifact


class DatasetWrite(Struct, frozen=True, array_like=True):
    """What a task left in the catalog; ``checks`` as JSON-able records."""

    dataset: str
    place: str | None = None
    content: str | None = None
    version: str | None = None
    size: int | None = None
    part: str | None = None
    checks: tuple[dict[str, Any], ...] = ()


class LogLine(Struct, frozen=True, array_like=True):
    """A line that a task wrote; ``stream`` is ``out``, ``err`` or the name of a logging level."""

    at: float
    stream: str
    text: str


class Frame(Struct, frozen=True, array_like=True):
    """A line of a traceback; ``origin`` is ``user``, ``library`` or ``plait``."""

    file: str
    line: int
    function: str
    code: str
    origin: str


class ErrorInfo(Struct, frozen=True, array_like=True):
    """An exception as people read it."""

    type: str
    message: str
    frames: tuple[Frame, ...] = ()
    notes: tuple[str, ...] = ()
    cause: ErrorInfo | None = None

    @property
    def headline(self) -> str:
        first = self.message.strip().splitlines()
        return f"{self.type}: {first[0]}" if first else self.type


def describe_error(error: BaseException, _seen: frozenset[int] = frozenset()) -> ErrorInfo:
    """An exception with its frames sorted by whose they are, and what caused it."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    seen = _seen | {id(error)}
    try:
        message = str(error)
    except Exception as broken:  # noqa: BLE001 - a user's __str__ may raise anything
        message = f"<its message cannot be shown: {type(broken).__name__}>"
    return ErrorInfo(
        type=name,
        message=message,
        frames=tuple(_frames(error.__traceback__)),
        notes=tuple(str(note) for note in getattr(error, "__notes__", ())),
        cause=describe_error(cause, seen) if cause is not None and id(cause) not in seen else None,
    )


def _frames(trace: TracebackType | None) -> list[Frame]:
    if trace is None:
        return []
    return [
        Frame(entry.filename, entry.lineno or 0, entry.name, entry.line or "", _origin(entry.filename))
        for entry in traceback.extract_tb(trace)
    ]


def _origin(filename: str) -> str:
    own = __file__.rpartition("record")[0]
    if filename.startswith(own):
        return "plait"
    library: tuple[Any, ...] = ("site-packages", "dist-packages", "/lib/python", "<frozen", "\\Lib\\")
    return "library" if any(part in filename for part in library) else "user"
