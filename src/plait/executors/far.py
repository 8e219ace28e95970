"""How is a machine asked that nothing but Python and plait is on? By a command, which does tasks and answers.

``python -m plait.executors.far pipe`` talks over its standard input and output: a job, then one task after the other;
it ends with its input. ``… pod JOB`` does the task that the variable ``PLAIT_TASK`` holds, and answers in lines of its
log.
"""

from __future__ import annotations

import base64
import io
import os
import queue
import struct
import sys
import threading
from pathlib import Path
from typing import IO, Any, NoReturn, TypeAlias

import msgspec
from msgspec import Struct

from plait.engine.task import Live, Report
from plait.executors.station import Refused, Versions, do_task, host, stations

__all__ = [
    "Hello",
    "Mouth",
    "Telling",
    "frame",
    "from_line",
    "hello",
    "read_frame",
    "read_frames",
    "read_telling",
    "to_line",
]


class Hello(Struct, frozen=True, array_like=True, tag="hello"):
    """What the other side says first: where it is, and its versions."""

    place: str
    python: str
    plait: str


Telling: TypeAlias = Hello | Live | Report | Refused
_HEADER = struct.Struct(">I")
_SIGN = b"plait: "
_encode = msgspec.msgpack.Encoder().encode
read_telling = msgspec.msgpack.Decoder(Telling)


def frame(body: bytes) -> bytes:
    return _HEADER.pack(len(body)) + body


def read_frame(stream: IO[bytes]) -> bytes | None:
    """The next message; None where there is no whole one."""
    header = stream.read(_HEADER.size)
    if header is None or len(header) < _HEADER.size:
        return None
    (size,) = _HEADER.unpack(header)
    body = stream.read(size)
    return body if len(body) == size else None


def read_frames(data: bytes) -> tuple[list[bytes], int]:
    """The whole messages at the beginning of what was read so far, and how many bytes they take."""
    stream, found, taken = io.BytesIO(data), list[bytes](), 0
    while (body := read_frame(stream)) is not None:
        found.append(body)
        taken += _HEADER.size + len(body)
    return found, taken


class Mouth:
    """Where answers go, as frames; several threads may speak."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def say(self, body: bytes) -> None:
        with self._lock:
            self._stream.write(frame(body))
            self._stream.flush()

    def tell(self, said: Any) -> None:
        self.say(_encode(said))


def hello() -> Hello:
    """The first word of this side."""
    ours = Versions.here()
    return Hello(host(), ours.python, ours.plait)


def pipe() -> NoReturn:
    """Do what comes by standard input until that ends, which is also how a driver that is gone is noticed."""
    ears, mouth = os.fdopen(os.dup(0), "rb"), Mouth(os.fdopen(os.dup(1), "wb"))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)  # whatever is printed here must not be taken for an answer
    mouth.tell(hello())
    sealed = read_frame(ears)
    heard: queue.SimpleQueue[bytes] = queue.SimpleQueue()

    def listen() -> None:
        while (spec := read_frame(ears)) is not None:
            heard.put(spec)
        _leave()

    if sealed is None:
        _leave()
    threading.Thread(target=listen, daemon=True).start()
    while True:
        mouth.say(do_task(sealed, heard.get(), mouth.tell))


def pod(job: str) -> None:
    """Do the task that a variable holds; what it says are lines of the log."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    lock = threading.Lock()

    def say(body: bytes) -> None:
        with lock:
            out.write(to_line(body))
            out.flush()

    say(_encode(hello()))
    task = base64.b64decode(os.environ.pop("PLAIT_TASK"))
    say(do_task(Path(job).read_bytes(), task, lambda said: say(_encode(said))))


def to_line(body: bytes) -> bytes:
    return _SIGN + base64.b64encode(body) + b"\n"


def from_line(line: bytes) -> bytes | None:
    """The message that a line of a log holds; None where it is of somebody else."""
    return base64.b64decode(line.removeprefix(_SIGN)) if line.startswith(_SIGN) else None


def _leave() -> NoReturn:
    stations.end()
    os._exit(0)


def main(arguments: list[str]) -> int:
    match arguments:
        case ["pipe"]:
            pipe()
        case ["pod", job]:
            pod(job)
            return 0
        case _:
            sys.stderr.write("usage: python -m plait.executors.far pipe | pod JOB\n")
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
