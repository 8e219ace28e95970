"""What does a worker process do? It reads tasks from its standard input and answers until the input ends."""

from __future__ import annotations

import faulthandler
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, NoReturn

from plait.data import ArtifactStore
from plait.engine.current import TaskContext
from plait.engine.task import Job, Live, Report, TaskSpec, load_function
from plait.executors.capture import Capture
from plait.executors.spool import Spool
from plait.executors.wire import Begin, Channel, Recall, Returned, Tasks, read_requests
from plait.executors.work import Work, forget_peak

__all__ = ["main"]

_LIVE_SECONDS = 0.5
_REPORT_SECONDS = 0.02


class Worker:
    """One process's work: a thread takes requests, the main thread does tasks, a third tells of long ones."""

    def __init__(self, requests: Channel, replies: Channel, spool: Spool) -> None:
        self._requests = requests
        self._replies = replies
        self._spool = spool
        self._queue: deque[TaskSpec] = deque()
        self._arrived = threading.Semaphore(0)
        self._task: tuple[TaskSpec, TaskContext] | None = None

    def run(self) -> None:
        first = self._requests.receive()
        if first is None:
            return
        begin = read_requests.decode(first)
        assert isinstance(begin, Begin)
        work = self._prepare(begin.job)
        threading.Thread(target=self._listen, daemon=True).start()
        threading.Thread(target=self._tell, daemon=True).start()
        reports: list[Report] = []
        told = time.monotonic()
        while True:
            if reports and not self._queue:
                self._replies.send(reports)
                reports, told = [], time.monotonic()
            self._arrived.acquire()
            try:
                spec = self._queue.popleft()
            except IndexError:  # recalled in the meantime
                continue
            reports.append(self._do(work, spec))
            if time.monotonic() - told > _REPORT_SECONDS:
                self._replies.send(reports)
                reports, told = [], time.monotonic()

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

        return Work(job, function, ArtifactStore(job.store), capture, f"process {os.getpid()}")

    def _do(self, work: Work, spec: TaskSpec) -> Report:
        task = work.context(spec)
        self._spool.begin(spec.node, spec.path)
        forget_peak()
        self._task = (spec, task)
        try:
            report, _ = work.do(spec, task)
        finally:
            self._task = None
        raw = self._spool.raw_lines()
        if raw:
            import msgspec

            report = msgspec.structs.replace(report, lines=(*report.lines, *raw))
        return report

    def _listen(self) -> None:
        while True:
            body = self._requests.receive()
            if body is None:
                _leave()
            request = read_requests.decode(body)
            match request:
                case Tasks(specs=specs):
                    self._queue.extend(specs)
                    self._arrived.release(len(specs))
                case Recall():
                    self._give_back()

    def _give_back(self) -> None:
        places: list[tuple[int, tuple[int, ...]]] = []
        while self._queue:
            try:
                spec = self._queue.pop()
            except IndexError:
                break
            places.append((spec.node, spec.path))
        self._replies.send([Returned(tuple(places))])

    def _tell(self) -> None:
        """Send what a task that runs for long has said so far."""
        while True:
            time.sleep(_LIVE_SECONDS)
            running = self._task
            if running is None:
                continue
            spec, task = running
            lines, metrics = task.take_lines(), task.take_metrics()
            if lines or metrics:
                self._replies.send([Live(spec.node, spec.path, spec.attempt, lines, metrics)])


def _leave() -> NoReturn:
    """The driver is gone or needs no more: end at once, whatever the user's code is doing."""
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
