"""How do tasks run side by side in this process? In threads: for steps that wait, and for numpy and its like."""

from __future__ import annotations

import contextlib
import math
import os
import queue
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Struct

from plait.engine.current import following_threads
from plait.engine.task import Job, Live, Message, Report, TaskSpec, Withdrawn
from plait.executors.beside import open_beside
from plait.executors.capacity import cores, machine
from plait.executors.capture import Capture
from plait.executors.crew import Crew, weight
from plait.executors.flavours import HONOURED, changes_process, needs_process
from plait.executors.inbox import Inbox
from plait.executors.pace import Pace
from plait.executors.work import Work
from plait.graph.options import Options
from plait.project.project import Project

if TYPE_CHECKING:
    from plait.executors.processes import ProcessExecutor

__all__ = ["ThreadExecutor", "ThreadsSettings"]

_AHEAD_SECONDS = 0.03  # how much work is taken beyond the tasks that run
_AHEAD_TASKS = 256


class ThreadsSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """In threads of the process that runs the pipeline; ``workers`` at most, one per core if left out."""

    workers: Annotated[int, msgspec.Meta(ge=1)] | None = None

    def open(self, project: Project | None) -> ThreadExecutor:
        return ThreadExecutor(self.workers)


class ThreadExecutor:
    """Runs tasks in threads of this process: values need not travel, and steps may be what cannot be pickled.

    What belongs to a whole process (``timeout``, ``memory``, ``gpus``, ``isolated``, ``python``, ``packages``, ``env``,
    ``secrets``, ``workdir``) is given by worker processes beside it, which count for the same cores.

    Args:
        workers: how many threads; one per available core if left out. More where steps wait for others.
    """

    name = "threads"
    honours = HONOURED
    in_process = True

    def __init__(self, workers: int | None = None) -> None:
        self._most = workers or cores()
        self._said: Inbox[tuple[TaskSpec | None, Message | None]] = Inbox()
        self._rouse: Callable[[], None] | None = None
        self._outward: deque[TaskSpec] = deque()  # what waits for a process
        self._out: dict[tuple[int, tuple[int, ...]], TaskSpec] = {}  # what is in one
        self._beside: ProcessExecutor | None = None
        self._pace = Pace()
        self._load = 0.0
        self._stack = contextlib.ExitStack()
        self.errors: dict[tuple[int, tuple[int, ...]], BaseException] = {}

    def capacity(self) -> dict[str, float]:
        return machine(self._most)

    def start(self, job: Job, functions: Sequence[Callable[..., Any]]) -> None:
        self._job, self._functions = job, functions
        self._said = Inbox()  # a task of an earlier run may still be stuck, and speak into the old one
        self._said.rouse = self._rouse
        self._load = 0.0
        capture, home = Capture(tee=False), os.getcwd()
        self._stack = contextlib.ExitStack()
        self._stack.enter_context(following_threads())
        capture.install()
        self._stack.callback(capture.remove)
        said = self._said

        def hire(number: int) -> Work:
            work = Work(
                job, functions.__getitem__, None, capture, f"thread {number}", beside=True, folder=home
            )
            work.tell = lambda live: self._hear(said, None, live)
            return work

        def done(spec: TaskSpec, report: Report, raised: BaseException | None) -> None:
            if raised is not None:
                self.errors[spec.node, spec.path] = raised
            elif self.errors:
                self.errors.pop((spec.node, spec.path), None)
            self._hear(said, spec, report)

        self._crew = Crew(self._most, cores(), hire, done)

    def _hear(self, said: Inbox[Any], spec: TaskSpec | None, message: Message) -> None:
        """Called in the threads."""
        said.put((spec, message))
        beside = self._beside
        if beside is not None:
            beside.wake()

    def room(self) -> int:
        ahead = min(_AHEAD_TASKS, int(_AHEAD_SECONDS / self._pace.average))
        return max(0, math.ceil(self._most * (1 + 2 * ahead) - self._load - 1e-9))

    def submit(self, tasks: Sequence[TaskSpec]) -> None:
        here: list[TaskSpec] = []
        for spec in tasks:
            self._load += weight(spec)
            goes_out = spec.options is not None and _needs_process(spec.options)
            (self._outward if goes_out else here).append(spec)
        self._send_out()
        if here:
            self._crew.submit(here)

    def wait(self, timeout: float | None) -> list[Message]:
        messages: list[Message] = []
        if self._out:
            assert self._beside is not None
            for message in self._beside.wait(timeout if self._said.empty() else 0):
                self._came_back(message)
                messages.append(message)
            timeout = 0
        with contextlib.suppress(queue.Empty):
            spec, said = self._said.get(timeout=timeout)
            while True:
                if spec is not None:
                    self._load -= weight(spec)
                if spec is not None and isinstance(said, Report):
                    self._pace.learn(spec, said)
                if said is not None:
                    messages.append(said)
                spec, said = self._said.get_nowait()
        messages += self._crew.said_so_far()
        self._send_out()
        return messages

    def _send_out(self) -> None:
        """Hand tasks to processes, in order, as there are cores for them."""
        if not self._outward:
            return
        if self._beside is None:
            self._beside = open_beside(self._most, self._job, self._functions)
            if self._rouse is not None:
                self._beside.rouse_by(self._rouse)
        while self._outward and self._crew.take_place(self._outward[0]):
            spec = self._outward.popleft()
            self._out[spec.node, spec.path] = spec
            self._beside.submit([spec])
        if not self._outward:
            self._crew.go_on()

    def _came_back(self, message: Message) -> None:
        if isinstance(message, Live):
            return
        spec = self._out.pop((message.node, message.path))
        self._load -= weight(spec)
        self._crew.give_place_back(spec)
        self.errors.pop((spec.node, spec.path), None)
        if not self._outward:
            self._crew.go_on()

    def wake(self) -> None:
        self._said.put((None, None))
        beside = self._beside
        if beside is not None:
            beside.wake()

    def rouse_by(self, rouse: Callable[[], None] | None) -> None:
        self._rouse = self._said.rouse = rouse

    def patience(self, timeout: float | None) -> float | None:
        return self._beside.patience(timeout) if self._out and self._beside is not None else timeout

    def cancel(self) -> None:
        for spec in (*self._crew.withdraw(), *self._outward):
            self._said.put((spec, Withdrawn(spec.node, spec.path, spec.attempt)))
        self._outward.clear()
        self._crew.go_on()
        if self._beside is not None:
            self._beside.cancel()

    def stop(self, *, now: bool = False) -> None:
        self._outward.clear()
        self._out.clear()
        try:
            self._crew.end(now=now)
        finally:
            beside, self._beside = self._beside, None
            if beside is not None:
                beside.stop(now=now)
            self._stack.close()


def _needs_process(options: Options) -> bool:
    return needs_process(options) or changes_process(options)
