"""What did a worker say before it died? Its output file: framed lines, marks of tasks, raw output of C code."""

from __future__ import annotations

import linecache
import os
import re
import time

from msgspec import Struct

from plait.graph.model import Path
from plait.record.facts import Frame, LogLine, frame_origin

__all__ = ["Spool", "part_stack", "read_last_task", "read_start"]

_MARK = b"\x1e"
_FRAME = re.compile(rb"\x1e[TL][^\n]*\n")
_LARGE = 8 << 20
_STACK_LINE = re.compile(r'\s+File "(.*)", line (\d+) in (.*)$')
_TASK_FILES = (f"executors{os.sep}guest.py", f"executors{os.sep}work.py")


class LastTask(Struct, frozen=True):
    """The task that a worker began last, and all that it said in it."""

    node: int
    path: Path
    lines: tuple[LogLine, ...]


class Spool:
    """A worker's own side: stdout and stderr of the process point here, below Python's own streams."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        self._written = 0
        self._start = 0

    def take_over(self, *descriptors: int) -> None:
        for descriptor in descriptors:
            os.dup2(self._descriptor, descriptor)

    def begin(self, node: int, path: Path) -> None:
        """Mark that a task begins; from here on, what the process says is said in this task."""
        if self._written > _LARGE:
            os.ftruncate(self._descriptor, 0)
        self._start = os.fstat(self._descriptor).st_size
        mark = _MARK + f"T{node} {','.join(map(str, path))}\n".encode()
        os.write(self._descriptor, mark)
        self._written = self._start + len(mark)

    def line(self, line: LogLine) -> None:
        text = _MARK + f"L{line.at}\t{line.stream}\t{line.text}\n".encode()
        self._written += os.write(self._descriptor, text)

    def raw_lines(self) -> list[LogLine]:
        """What came from below Python since the task began, such as a C library's messages."""
        size = os.fstat(self._descriptor).st_size
        if size == self._written:
            return []
        with open(self._path, "rb") as file:
            file.seek(self._start)
            body = file.read()
        self._written = size
        return _raw_lines(body, "out")


def read_last_task(path: str, seen: int) -> LastTask | None:
    """What a dead worker's file says of the task that it was in.

    Args:
        seen: how many of its framed lines have arrived already.
    """
    try:
        with open(path, "rb") as file:
            body = file.read()
    except OSError:
        return None
    start = body.rfind(_MARK + b"T")
    if start < 0:
        return None
    marks = _FRAME.findall(body, start)
    node, _, indices = marks[0][2:].decode().partition(" ")
    lines: list[LogLine] = []
    for mark in marks[1 + seen :]:
        at, stream, said = mark[2:-1].decode(errors="replace").split("\t", 2)
        lines.append(LogLine(float(at), stream, said))
    lines += _raw_lines(body[start:], "err")
    return LastTask(int(node), tuple(int(part) for part in indices.split(",") if part.strip()), tuple(lines))


def part_stack(lines: tuple[LogLine, ...]) -> tuple[tuple[Frame, ...], tuple[LogLine, ...]]:
    """What a worker whose time was up has said of where it was, innermost last; and all that it said before."""
    start = next((at for at, line in enumerate(lines) if line.text.startswith("Timeout (")), len(lines))
    stacks: list[list[Frame]] = [[]]
    for line in lines[start:]:
        found = _STACK_LINE.match(line.text)
        if found:
            file, number = found[1], int(found[2])
            code = linecache.getline(file, number).strip()
            stacks[-1].insert(0, Frame(file, number, found[3], code, frame_origin(file)))
        elif stacks[-1]:
            stacks.append([])
    stacks = [one for one in stacks if one] or [[]]
    own = next((one for one in stacks if any(frame.file.endswith(_TASK_FILES) for frame in one)), stacks[-1])
    outer = max((at for at, frame in enumerate(own) if frame.file.endswith(_TASK_FILES)), default=-1)
    return tuple(own[outer + 1 :]), lines[:start]


def read_start(path: str) -> str:
    """What a worker said that never began a task, such as why it could not start; its last line."""
    try:
        with open(path, "rb") as file:
            lines = _raw_lines(file.read(), "err")
    except OSError:
        return ""
    return lines[-1].text if lines else ""


def _raw_lines(body: bytes, stream: str) -> list[LogLine]:
    """What is between the frames: a line of C code goes on behind a frame that came in between."""
    text = _FRAME.sub(b"", body).decode(errors="replace")
    return (
        [LogLine(time.time(), stream, line) for line in text.removesuffix("\n").split("\n")] if text else []
    )
