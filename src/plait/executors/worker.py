"""What does a worker process do? It reads tasks from its standard input and answers until the input ends."""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

from plait.engine.current import TaskContext
from plait.engine.environment import own_environment
from plait.engine.task import Job, Live, Report, TaskSpec, load_function
from plait.executors.capture import Capture
from plait.executors.spool import Spool
from plait.executors.trees import forget_peak, limited_memory
from plait.executors.wire import Began, Begin, Channel, Recall, Reply, Returned, Tasks, read_requests
from plait.executors.work import Work

__all__ = ["main"]

_LIVE_SECONDS = 0.5
_REPORT_SECONDS = 0.02


class Outbox:
    """Reports on their way to the driver, several in one message, but none is held back while a long task runs."""

    def __init__(self, replies: Channel) -> None:
        self._replies = replies
        self._reports: list[Reply] = []
        self._lock = threading.Lock()
        self._filled = threading.Event()

    def add(self, report: Report) -> None:
        self._reports.append(report)
        if not self._filled.is_set():
            self._filled.set()

    def send(self, more: Callable[[], Reply | None] = lambda: None) -> None:
        """All reports that there are, then what more there is to say: after earlier tasks, before later ones."""
        with self._lock:
            self._filled.clear()
            batch = self._reports[:]
            del self._reports[: len(batch)]
            said = more()
            if said is not None:
                batch.append(said)
            if batch:
                self._replies.send(batch)

    def keep_sending(self) -> None:
        """For a thread of its own."""
        while True:
            self._filled.wait()
            time.sleep(_REPORT_SECONDS)
            self.send()


class Worker:
    """One process's work: the main thread does tasks, others take requests, send reports, tell of long tasks."""

    def __init__(self, requests: Channel, replies: Channel, spool: Spool) -> None:
        self._requests = requests
        self._outbox = Outbox(replies)
        self._spool = spool
        self._queue: deque[TaskSpec] = deque()
        self._arrived = threading.Semaphore(0)
        self._task: tuple[TaskSpec, TaskContext] | None = None
        self._flush_c = _c_flush()

    def run(self) -> None:
        first = self._requests.receive()
        if first is None:
            return
        begin = read_requests.decode(first)
        assert isinstance(begin, Begin)
        work = self._prepare(begin.job)
        for duty in (self._listen, self._tell, self._outbox.keep_sending):
            threading.Thread(target=_or_die, args=(duty,), daemon=True).start()
        while True:
            if not self._queue:
                self._outbox.send()
            self._arrived.acquire()
            try:
                spec = self._queue.popleft()
            except IndexError:  # recalled in the meantime
                continue
            self._outbox.add(self._do(work, spec))

    def _prepare(self, job: Job) -> Work:
        for entry in reversed(job.search_path):
            if entry not in sys.path:
                sys.path.insert(0, entry)
        capture = Capture(tee=False, sink=self._spool.line)
        capture.install()
        loaded: dict[int, Callable[..., Any]] = {}

        def function(index: int) -> Callable[..., Any]:
            if index not in loaded:
                loaded[index] = load_function(job.functions[index])
            return loaded[index]

        work = Work(job, function, None, capture, f"process {os.getpid()}")
        work.tell = lambda said: self._outbox.send(lambda: said)
        if work.project is not None:
            work.project.announce()
        return work

    def _do(self, work: Work, spec: TaskSpec) -> Report:
        task = work.context(spec)
        self._spool.begin(spec.node, spec.path)
        forget_peak()
        self._task = (spec, task)
        try:
            with self._limits(work, spec, task):
                report, _ = work.do(spec, task)
        finally:
            self._task = None
        self._flush_c()
        raw = self._spool.raw_lines()
        if raw:
            import msgspec

            raw = [work.hide(line) for line in raw]
            report = msgspec.structs.replace(report, lines=(*report.lines, *raw))
        return report

    @contextmanager
    def _limits(self, work: Work, spec: TaskSpec, task: TaskContext) -> Iterator[None]:
        """Begin a task: where there are limits to it, its code is imported first, and the driver told."""
        options = spec.options
        if options is None:
            yield
            return
        elsewhere = own_environment(options)
        if options.timeout is None and options.memory is None and not elsewhere:
            yield
            return
        with task.active(), suppress(BaseException):  # it is said in the task
            work.prepare(spec)
        self._outbox.send(lambda: Began(spec.node, spec.path, time.process_time()))
        if options.timeout is not None and not elsewhere:
            faulthandler.dump_traceback_later(options.timeout, file=2)
        try:
            with limited_memory(options.memory if not elsewhere else None):
                yield
        finally:
            faulthandler.cancel_dump_traceback_later()

    def _listen(self) -> None:
        while (body := self._requests.receive()) is not None:
            request = read_requests.decode(body)
            match request:
                case Tasks(specs=specs):
                    self._queue.extend(specs)
                    self._arrived.release(len(specs))
                case Recall():
                    self._give_back()
        _leave()

    def _give_back(self) -> None:
        places: list[tuple[int, tuple[int, ...]]] = []
        while self._queue:
            try:
                spec = self._queue.pop()
            except IndexError:
                break
            places.append((spec.node, spec.path))
        self._outbox.send(lambda: Returned(tuple(places)))

    def _tell(self) -> None:
        """Send what a task that runs for long has said so far."""
        while True:
            time.sleep(_LIVE_SECONDS)
            if self._task is not None:
                self._outbox.send(self._said_so_far)

    def _said_so_far(self) -> Live | None:
        running = self._task
        return running[1].take() if running is not None else None


def _or_die(duty: Callable[[], None]) -> None:
    """A worker that can no longer hear or speak is better dead: the driver notices that."""
    try:
        duty()
    except BaseException:  # noqa: BLE001 - whatever it is, the driver must learn that this worker is lost
        traceback.print_exc()
        os._exit(1)


def _c_flush() -> Callable[[], object]:
    """What makes C libraries write out what they have printed; they keep it back when it goes to a file."""
    try:
        import ctypes

        flush = ctypes.CDLL(None).fflush
    except (ImportError, OSError, TypeError, AttributeError):  # not on this system
        return lambda: None
    return lambda: flush(None)


def _leave() -> NoReturn:
    """The driver is gone or needs no more: end at once, whatever the user's code is doing."""
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)  # with what the user's code has started
    os._exit(0)


def main(spool_path: str) -> None:
    """Serve on the pipes that are standard input and output; both are then out of reach of user code."""
    requests = Channel(os.fdopen(os.dup(0), "rb"))
    replies = Channel(os.fdopen(os.dup(1), "wb"))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    spool = Spool(spool_path)
    spool.take_over(1, 2)
    faulthandler.enable(file=2, all_threads=False)
    Worker(requests, replies, spool).run()


if __name__ == "__main__":
    main(sys.argv[1])
