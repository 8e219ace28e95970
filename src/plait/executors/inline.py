"""How do tasks run in the caller itself? One after the other: for notebooks, debuggers and small steps."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from plait.data import ArtifactStore
from plait.engine.task import Job, Message, TaskSpec, Withdrawn
from plait.executors.capacity import cores
from plait.executors.capture import Capture
from plait.executors.work import Work
from plait.graph.model import task_name
from plait.project.project import Project

__all__ = ["InlineExecutor", "InlineSettings"]


class InlineSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """In the process that runs the pipeline, one task after the other."""

    def open(self, project: Project | None) -> InlineExecutor:
        return InlineExecutor()


class InlineExecutor:
    """Runs one task at a time in this process.

    Args:
        tee: whether what steps print is also shown as it comes.
        debug: whether Python's debugger is opened where a step fails.
        store: the store to use instead of one opened anew.
    """

    name = "inline"
    honours = frozenset({"cpus"})

    def __init__(self, *, tee: bool = True, debug: bool = False, store: ArtifactStore | None = None) -> None:
        self.tee = tee
        self._debug = debug
        self._store = store
        self._queue: list[TaskSpec] = []
        self._withdrawn: list[Message] = []
        self._woken = threading.Event()
        self.errors: dict[tuple[int, tuple[int, ...]], BaseException] = {}

    def capacity(self) -> dict[str, float]:
        return {"cpus": float(cores())}

    def start(self, job: Job, functions: Sequence[Callable[..., Any]]) -> None:
        self._capture = Capture(tee=self.tee)
        self._capture.install()
        self._work = Work(job, functions.__getitem__, self._store, self._capture, "inline")

    def room(self) -> int:
        return 1 - len(self._queue)

    def submit(self, tasks: Sequence[TaskSpec]) -> None:
        self._queue.extend(tasks)

    def wait(self, timeout: float | None) -> list[Message]:
        if self._withdrawn:
            given_back, self._withdrawn = self._withdrawn, []
            return given_back
        if not self._queue:
            if timeout:
                self._woken.wait(timeout)
                self._woken.clear()
            return []
        spec = self._queue.pop(0)
        report, raised = self._work.do(spec, self._work.context(spec))
        if raised is not None:
            # The exception itself, for whoever called from Python: it carries frames and locals.
            self.errors[spec.node, spec.path] = raised
            if self._debug:
                from plait.executors.debugging import debug

                debug(raised, task_name(spec.name, spec.path))
        else:
            self.errors.pop((spec.node, spec.path), None)
        return [report]

    def wake(self) -> None:
        self._woken.set()

    def cancel(self) -> None:
        self._withdrawn += [Withdrawn(spec.node, spec.path, spec.attempt) for spec in self._queue]
        self._queue.clear()

    def stop(self, *, now: bool = False) -> None:
        self._queue.clear()
        self._capture.remove()
