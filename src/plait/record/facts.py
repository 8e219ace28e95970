"""What is said of an attempt when it ends? Small records that travel from the worker to the tables."""

from __future__ import annotations

import os
import traceback
from types import TracebackType
from typing import Any

from msgspec import Struct

from plait.data import Artifact
from plait.graph.model import Path
from plait.graph.options import exception_name

__all__ = [
    "Advance",
    "DataCheck",
    "DatasetWrite",
    "ErrorInfo",
    "Frame",
    "Live",
    "LogLine",
    "Metric",
    "Preview",
    "Usage",
    "clean",
    "data_check",
    "describe_error",
    "frame_origin",
    "line_level",
]

_MOST_FRAMES = 100
_MOST_CAUSES = 20


class Usage(Struct, frozen=True, array_like=True):
    """What an attempt used: epoch seconds, seconds of CPU, bytes at the peak.

    ``called_at`` is when the step's function was called: before, its inputs were loaded and its code imported.
    """

    started_at: float = 0.0
    ended_at: float = 0.0
    cpu_seconds: float = 0.0
    peak_memory: int = 0
    worker: str = ""
    called_at: float = 0.0


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
    """What a task left in the catalog."""

    dataset: str
    place: str | None = None
    content: str | None = None
    version: str | None = None
    size: int | None = None
    part: str | None = None


class DataCheck(Struct, frozen=True, array_like=True):
    """What a check of a dataset found; ``on`` is ``load`` or ``save``, ``rows`` the first that fail, from 0."""

    dataset: str
    check: str
    severity: str
    on: str
    passed: bool
    why: str | None = None
    rows: tuple[int, ...] = ()
    failing: int | None = None
    seconds: float = 0.0


def data_check(result: Any) -> DataCheck:
    """The finding of a check as it is recorded."""
    return DataCheck(
        **{name: getattr(result, name) for name in DataCheck.__struct_fields__ if name != "rows"},
        rows=tuple(result.rows),
    )


class LogLine(Struct, frozen=True, array_like=True):
    """A line that a task wrote; ``stream`` is ``out``, ``err`` or the name of a logging level."""

    at: float
    stream: str
    text: str


_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}


def line_level(line: LogLine) -> int:
    """How loud a line is, in the numbers of ``logging``; 0 for what was printed.

    The first line of a traceback on stderr is an error.
    """
    if line.stream == "out":
        return 0
    if line.stream == "err":
        return 40 if line.text.startswith("Traceback (most recent call last)") else 0
    return _LEVELS.get(line.stream.lower(), 20)


class Advance(Struct, frozen=True, array_like=True):
    """How far a task said that it is; ``total`` is None where nobody knows."""

    done: float
    total: float | None
    said_at: float


class Live(Struct, frozen=True, array_like=True, tag="live"):
    """What a task that still runs has said so far, and when, in epoch seconds, it was taken and its function called.

    Both moments are zero where they are no news.
    """

    node: int
    path: Path
    attempt: int
    lines: tuple[LogLine, ...] = ()
    metrics: tuple[Metric, ...] = ()
    checkpoint: Artifact | None = None
    advance: Advance | None = None
    started_at: float = 0.0
    called_at: float = 0.0


class Frame(Struct, frozen=True, array_like=True):
    """A line of a traceback; ``origin`` is ``user``, ``library`` or ``plait``."""

    file: str
    line: int
    function: str
    code: str
    origin: str


class ErrorInfo(Struct, frozen=True, array_like=True):
    """An exception as people read it.

    ``kinds`` are its type and those it derives from, named as ``retry_on`` names them.
    """

    type: str
    message: str
    frames: tuple[Frame, ...] = ()
    notes: tuple[str, ...] = ()
    cause: ErrorInfo | None = None
    kinds: tuple[str, ...] = ()

    @property
    def headline(self) -> str:
        first = self.message.strip().splitlines()
        return f"{self.type}: {first[0]}" if first else self.type


def describe_error(error: BaseException, _seen: frozenset[int] = frozenset()) -> ErrorInfo:
    """An exception with its frames sorted by whose they are, and what caused it."""
    kinds = tuple(clean(exception_name(kind)) for kind in type(error).__mro__[:-1])
    notes = [_shown(note) for note in _listed(getattr(error, "__notes__", ()))]
    if isinstance(error, BaseExceptionGroup):
        notes += [f"{type(inner).__qualname__}: {_shown(inner)}" for inner in error.exceptions[:_MOST_FRAMES]]
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    seen = _seen | {id(error)}
    if len(seen) > _MOST_CAUSES:
        cause = None
    return ErrorInfo(
        type=kinds[0],
        message=_shown(error),
        frames=tuple(_frames(error.__traceback__)),
        notes=tuple(notes),
        cause=describe_error(cause, seen) if cause is not None and id(cause) not in seen else None,
        kinds=kinds,
    )


def clean(text: str) -> str:
    """Text as any store and any message can hold it: half a character (a lone surrogate) is written as an escape."""
    if text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode()


def _shown(value: object) -> str:
    try:
        return clean(str(value))
    except Exception as broken:  # noqa: BLE001 - a user's __str__ may raise anything
        return f"<its message cannot be shown: {type(broken).__name__}>"


def _listed(notes: Any) -> list[Any]:
    return list(notes) if isinstance(notes, list | tuple) else []


def _frames(trace: TracebackType | None) -> list[Frame]:
    """The frames, innermost last; of a deep recursion its beginning and its end."""
    entries = traceback.extract_tb(trace)
    frames = [
        Frame(
            clean(entry.filename),
            entry.lineno or 0,
            entry.name,
            clean(entry.line or ""),
            frame_origin(entry.filename),
        )
        for entry in (*entries[: _MOST_FRAMES // 2], *entries[_MOST_FRAMES // 2 :][-_MOST_FRAMES // 2 :])
    ]
    left_out = len(entries) - len(frames)
    if left_out:
        frames.insert(_MOST_FRAMES // 2, Frame("", 0, f"… {left_out} frames more", "", "library"))
    return frames


def frame_origin(filename: str) -> str:
    """Whose a line of code is: ``user``, ``library`` or ``plait``."""
    own = __file__.rpartition("record")[0]
    if filename.startswith(own):
        return "plait"
    library: tuple[Any, ...] = ("site-packages", "dist-packages", "/lib/python", "<frozen", "\\Lib\\")
    if any(part in filename for part in library):
        return "library"
    # What a compiled module tells of its source is where that lay when it was built; one's own lies here.
    compiled = filename.endswith((".pyx", ".pxd", ".pxi", ".c", ".cpp", ".rs"))
    return "library" if compiled and not os.path.isfile(filename) else "user"  # noqa: PTH113
