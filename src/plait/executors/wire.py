"""How do driver and worker speak? Length-framed msgpack over pipes."""

from __future__ import annotations

import struct
import threading
from typing import IO, Any, TypeAlias

import msgspec
from msgspec import Struct

from plait.engine.task import Job, Live, Report, TaskSpec
from plait.graph.model import Path

__all__ = [
    "Began",
    "Begin",
    "Channel",
    "Recall",
    "Reply",
    "Returned",
    "Tasks",
    "read_replies",
    "read_requests",
]


class Tasks(Struct, frozen=True, array_like=True, tag="tasks"):
    """Do these, in order."""

    specs: tuple[TaskSpec, ...]


class Begin(Struct, frozen=True, array_like=True, tag="begin"):
    """What all tasks share; said first."""

    job: Job


class Recall(Struct, frozen=True, array_like=True, tag="recall"):
    """Give back what you have not begun."""


class Returned(Struct, frozen=True, array_like=True, tag="returned"):
    """Not begun, given back."""

    places: tuple[tuple[int, Path], ...]


class Began(Struct, frozen=True, array_like=True, tag="began"):
    """A task with a limit begins now: its clock runs. ``cpu_seconds`` is what its process has used before."""

    node: int
    path: Path
    cpu_seconds: float = 0.0


Request: TypeAlias = Begin | Tasks | Recall
Reply: TypeAlias = Report | Live | Returned | Began

_HEADER = struct.Struct(">I")
_encode = msgspec.msgpack.Encoder().encode
read_requests = msgspec.msgpack.Decoder(Request)
read_replies = msgspec.msgpack.Decoder(list[Reply])


class Channel:
    """One direction of a conversation. Sending is safe from several threads."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def send(self, message: Any) -> None:
        body = _encode(message)
        with self._lock:
            self._stream.write(_HEADER.pack(len(body)) + body)
            self._stream.flush()

    def receive(self) -> bytes | None:
        """The next message; None when the other side is gone."""
        header = self._stream.read(_HEADER.size)
        if header is None or len(header) < _HEADER.size:
            return None
        (size,) = _HEADER.unpack(header)
        body = self._stream.read(size)
        return body if len(body) == size else None

    def close(self) -> None:
        with self._lock:
            self._stream.close()
