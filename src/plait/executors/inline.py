"""How do tasks run in the caller itself? One after the other: for notebooks, debuggers and small steps."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from plait.data import ArtifactStore
from plait.engine.environment import own_environment
from plait.engine.task import Job, Live, Message, Report, TaskSpec, Withdrawn
from plait.executors.beside import open_beside
from plait.executors.capacity import machine
from plait.executors.capture import Capture
from plait.executors.flavours import HONOURED, needs_process
from plait.executors.work import Work
from plait.graph.model import task_name
from plait.graph.options import Options
from plait.project.project import Project

if TYPE_CHECKING:
    from plait.executors.processes import ProcessExecutor

__all__ = ["InlineExecutor", "InlineSettings"]


class InlineSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """In the process that runs the pipeline, one task after the other."""

    def open(self, project: Project | None) -> InlineExecutor:
        return InlineExecutor()


class InlineExecutor:
    """Runs one task at a time in this process.

    What only a process can give (``timeout``, ``memory``, ``gpus``, ``isolated``, ``python``, ``packages``) runs in
    one beside it, still one task at a time.

    Args:
        tee: whether what steps print is also shown as it comes.
        debug: whether Python's debugger is opened where a step fails; limits of time and memory do not hold then.
        store: the store to use instead of one opened anew.
    """

    name = "inline"
    honours = HONOURED
    in_process = True

    def __init__(self, *, tee: bool = True, debug: bool = False, store: ArtifactStore | None = None) -> None:
        self.tee = tee
        self._debug = debug
        self._store = store
        self._queue: list[TaskSpec] = []
        self._withdrawn: list[Message] = []
        self._woken = threading.Event()
        self._rouse: Callable[[], None] | None = None
        self._listener: Callable[[Live], None] | None = None
        self._beside: ProcessExecutor | None = None
        self._out: TaskSpec | None = None  # what is done there
        self.errors: dict[tuple[int, tuple[int, ...]], BaseException] = {}

    def capacity(self) -> dict[str, float]:
        return machine()

    def start(self, job: Job, functions: Sequence[Callable[..., Any]]) -> None:
        self._capture = Capture(tee=self.tee)
        self._capture.install()
        self._job, self._functions = job, functions
        self._work = Work(job, functions.__getitem__, self._store, self._capture, "inline")
        self._work.tell = self._listener

    def listen(self, listener: Callable[[Live], None] | None) -> None:
        """Tell what a task says while it runs at once: nobody can ask for it meanwhile."""
        self._listener = listener

    def room(self) -> int:
        return 1 - len(self._queue) - (self._out is not None)

    def submit(self, tasks: Sequence[TaskSpec]) -> None:
        self._queue.extend(tasks)

    def wait(self, timeout: float | None) -> list[Message]:
        if self._withdrawn:
            given_back, self._withdrawn = self._withdrawn, []
            return given_back
        if self._out is None and self._queue:
            spec = self._queue.pop(0)
            if spec.options is None or not self._goes_out(spec.options):
                return [self._do(spec)]
            self._out = spec
            self._process().submit([spec])
        if self._out is not None:
            return self._heard(self._process().wait(timeout))
        if timeout:
            self._woken.wait(timeout)
            self._woken.clear()
        return []

    def _goes_out(self, options: Options) -> bool:
        return own_environment(options) if self._debug else needs_process(options)

    def _do(self, spec: TaskSpec) -> Report:
        report, raised = self._work.do(spec, self._work.context(spec))
        if raised is not None:
            # The exception itself, for whoever called from Python: it carries frames and locals.
            self.errors[spec.node, spec.path] = raised
            if self._debug:
                from plait.executors.debugging import debug

                debug(raised, task_name(spec.name, spec.path))
        else:
            self.errors.pop((spec.node, spec.path), None)
        return report

    def _process(self) -> ProcessExecutor:
        if self._beside is None:
            self._beside = open_beside(1, self._job, self._functions)
            if self._rouse is not None:
                self._beside.rouse_by(self._rouse)
        return self._beside

    def _heard(self, messages: list[Message]) -> list[Message]:
        for message in messages:
            if isinstance(message, Report | Withdrawn):
                self._out = None
            if self.tee and not isinstance(message, Withdrawn):
                for line in message.lines:
                    print(line.text, file=sys.stdout if line.stream == "out" else sys.stderr, flush=True)
        return messages

    def wake(self) -> None:
        self._woken.set()
        if self._beside is not None:
            self._beside.wake()

    def rouse_by(self, rouse: Callable[[], None] | None) -> None:
        self._rouse = rouse

    def patience(self, timeout: float | None) -> float | None:
        if self._out is not None and self._beside is not None:
            return self._beside.patience(timeout)
        return 0.0 if self._queue or self._withdrawn else timeout

    def cancel(self) -> None:
        self._withdrawn += [Withdrawn(spec.node, spec.path, spec.attempt) for spec in self._queue]
        self._queue.clear()
        if self._beside is not None:
            self._beside.cancel()

    def stop(self, *, now: bool = False) -> None:
        self._queue.clear()
        if self._beside is not None:
            self._beside.stop(now=now)
            self._beside, self._out = None, None
        self._capture.remove()
