"""Where do a task's words go? What steps print or log is kept with their task, apart from that of other tasks."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable
from typing import IO, Any

from plait.engine.current import TaskContext, active_task
from plait.record.facts import LogLine, clean

__all__ = ["Capture"]


class Capture:
    """Keeps stdout, stderr and logging of tasks from ``install`` to ``remove``.

    Args:
        tee: whether what tasks write is still shown where it would have been.
        sink: called with each line as it is complete.
    """

    def __init__(self, *, tee: bool, sink: Any = None) -> None:
        self.tee = tee
        self.sink = sink
        self.mask: Callable[[str], str] | None = None  # hides secrets in what is kept and shown
        self._previous: tuple[Any, Any] | None = None
        self._handler: logging.Handler | None = None
        self._root_level: int | None = None

    def install(self) -> None:
        self._previous = (sys.stdout, sys.stderr)
        self._streams = (_Router(sys.stdout, "out", self), _Router(sys.stderr, "err", self))
        sys.stdout, sys.stderr = self._streams
        root = logging.getLogger()
        self._handler = _LogHandler(self)
        if not root.handlers and root.level == logging.WARNING:
            # Nobody has set logging up, and a step's own INFO lines are worth keeping.
            self._root_level = root.level
            root.setLevel(logging.INFO)
        root.addHandler(self._handler)

    def remove(self) -> None:
        if self._previous is None:
            return
        if sys.stdout is self._streams[0]:
            sys.stdout = self._previous[0]
        if sys.stderr is self._streams[1]:
            sys.stderr = self._previous[1]
        self._previous = None
        root = logging.getLogger()
        if self._handler is not None:
            root.removeHandler(self._handler)
        if self._root_level is not None:
            root.setLevel(self._root_level)
            self._root_level = None

    def finish(self, task: TaskContext) -> None:
        """Keep the last line of a task though it has no line end."""
        for stream in self._streams:
            stream.finish(task)

    def keep(self, task: TaskContext, stream: str, text: str) -> None:
        text = clean(text)
        line = LogLine(time.time(), stream, self.mask(text) if self.mask is not None else text)
        task.lines.append(line)
        if self.sink is not None:
            self.sink(line)

    def own_task(self) -> TaskContext | None:
        """The task that this code runs in, if it is one of this run: runs may be nested or side by side."""
        task = active_task()
        return task if task is not None and task.keeper is self else None


class _Router:
    """A text stream that hands complete lines to the task that wrote them."""

    def __init__(self, target: IO[str], name: str, capture: Capture) -> None:
        self._target = target
        self._name = name
        self._capture = capture
        # What has no line end yet, by task and thread: lines of two threads do not run into each other.
        self._partial: dict[tuple[int, int], list[str]] = {}

    def write(self, text: str) -> int:
        task = self._capture.own_task()
        if task is None or self._capture.tee:
            mask = self._capture.mask
            self._target.write(text if mask is None else mask(text))
        if task is not None:
            self._take(task, text)
        return len(text)

    def _take(self, task: TaskContext, text: str) -> None:
        key = (id(task), threading.get_ident())
        if "\n" not in text and "\r" not in text:
            self._partial.setdefault(key, []).append(text)
            return
        *lines, rest = "".join([*self._partial.pop(key, ()), text]).split("\n")
        for line in lines:
            self._capture.keep(task, self._name, _as_shown(line))
        if rest:
            self._partial[key] = [_as_shown(rest) + ("\r" if rest.endswith("\r") else "")]

    def finish(self, task: TaskContext) -> None:
        for key in [
            key for key in list(self._partial) if key[0] == id(task)
        ]:  # others may add to it meanwhile
            rest = _as_shown("".join(self._partial.pop(key)))
            if rest:
                self._capture.keep(task, self._name, rest)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        self._target.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)


def _as_shown(line: str) -> str:
    """A line as a terminal shows it in the end: progress bars write over what they wrote before."""
    return line.rstrip("\r").rpartition("\r")[2]


class _LogHandler(logging.Handler):
    def __init__(self, capture: Capture) -> None:
        super().__init__()
        self._capture = capture
        self.setFormatter(logging.Formatter("%(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        task = self._capture.own_task()
        if task is None:
            return
        try:
            text = self.format(record)
        except Exception:  # noqa: BLE001 - a bad format string in user code must not end the step
            self.handleError(record)
            return
        for line in text.splitlines():
            self._capture.keep(task, record.levelname, line)
