"""Where do a task's words go? What steps print or log is kept with their task, apart from that of other tasks."""

from __future__ import annotations

import logging
import sys
import time
from typing import IO, Any

from plait.engine.current import TaskContext, active_task
from plait.record.facts import LogLine

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
        line = LogLine(time.time(), stream, text)
        task.lines.append(line)
        if self.sink is not None:
            self.sink(line)


class _Router:
    """A text stream that hands complete lines to the task that wrote them."""

    def __init__(self, target: IO[str], name: str, capture: Capture) -> None:
        self._target = target
        self._name = name
        self._capture = capture
        self._partial: dict[int, str] = {}

    def write(self, text: str) -> int:
        task = active_task()
        if task is None or self._capture.tee:
            self._target.write(text)
        if task is not None:
            whole = self._partial.pop(id(task), "") + text
            *lines, rest = whole.split("\n")
            for line in lines:
                self._capture.keep(task, self._name, line.rpartition("\r")[2] if "\r" in line else line)
            if rest:
                self._partial[id(task)] = rest
        return len(text)

    def finish(self, task: TaskContext) -> None:
        if self._partial:
            rest = self._partial.pop(id(task), "")
            if rest:
                self._capture.keep(task, self._name, rest)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        self._target.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target, name)


class _LogHandler(logging.Handler):
    def __init__(self, capture: Capture) -> None:
        super().__init__()
        self._capture = capture
        self.setFormatter(logging.Formatter("%(name)s: %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        task = active_task()
        if task is None:
            return
        try:
            text = self.format(record)
        except Exception:  # noqa: BLE001 - a bad format string in user code must not end the step
            self.handleError(record)
            return
        for line in text.splitlines():
            self._capture.keep(task, record.levelname, line)
