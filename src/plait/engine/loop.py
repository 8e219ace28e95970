"""How does a run go on? The loop carries out what the state machine decides: it commits, then it launches."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any, Protocol

from plait.engine import events
from plait.engine.events import Action as MachineAction
from plait.engine.events import Cancel, Done, Failed, Finish, Launch, Retry, Room, Settle, Start, Tick
from plait.engine.machine import Machine
from plait.engine.task import EndNow, Executor, Job, Live, Message, Report, TaskSpec, Withdrawn
from plait.graph.model import Graph, Path
from plait.record.facts import ErrorInfo, LogLine, Metric, Usage
from plait.record.results import Results
from plait.record.writer import RunWriter

__all__ = ["Listener", "Loop"]

_IDLE_SECONDS = 0.2


class Listener(Protocol):
    """Who watches a run while it goes on."""

    def task_started(self, node: int, path: Path, attempt: int) -> None: ...

    def task_ended(
        self, node: int, path: Path, state: str, usage: Usage, error: ErrorInfo | None, reason: str
    ) -> None: ...

    def unfolded(self, scope: int, path: Path, items: int) -> None: ...

    def said(self, node: int, path: Path, lines: Sequence[LogLine], metrics: Sequence[Metric]) -> None: ...

    def interrupted(self) -> None: ...


class Loop:
    """One run from its start to its end, in this thread.

    Args:
        graph: what is to be run; ``functions`` are those of its steps.
        results: starts with the inputs of the run, ends with all outputs.
        writer: of a run that is already recorded.
        listener: told of everything once it is committed.
    """

    def __init__(
        self,
        graph: Graph,
        functions: Sequence[Callable[..., Any]],
        *,
        job: Job,
        results: Results,
        executor: Executor,
        writer: RunWriter,
        listener: Listener | None = None,
    ) -> None:
        self.graph = graph
        self.functions = functions
        self.job = job
        self.results = results
        self.executor = executor
        self.writer = writer
        self.listener = listener
        self.machine = Machine(graph, {name: results.input_lengths(name) for name in graph.layout.splits[1]})
        self._running: dict[tuple[int, Path], int] = {}
        self._interrupted = False
        self._outputs = [
            tuple((name, graph.layout.splits[0].get((node, at), 0)) for at, name in enumerate(chosen.outputs))
            for node, chosen in enumerate(graph.nodes)
        ]
        self._notices: list[Callable[[Listener], None]] = []

    def run(self) -> str:
        """Carry the run to its end; answers with its status.

        Raises:
            PlaitError: a store cannot be written any more. What was committed stays; the run can be resumed.
        """
        with self._interrupts():
            try:
                self.executor.start(self.job, self.functions)
                self._carry_out(self.machine.handle(Start()))
                while self.machine.status is None:
                    self._turn()
                self.executor.stop()
            except KeyboardInterrupt:
                self._end_now()
            except BaseException:
                self.executor.stop(now=True)
                raise
        return self.machine.status or "cancelled"

    def _turn(self) -> None:
        actions: list[MachineAction] = []
        for message in self.executor.wait(self._patience()):
            self._take(message, actions)
        machine = self.machine
        if machine.next_tick is not None:
            actions += machine.handle(Tick(time.monotonic()))
        if self._interrupted:
            self._interrupted = False
            actions += machine.handle(Cancel())
            self.executor.cancel()
            self._notices.append(lambda listener: listener.interrupted())
        self._carry_out(actions)

    def _patience(self) -> float:
        tick = self.machine.next_tick
        return _IDLE_SECONDS if tick is None else min(_IDLE_SECONDS, max(0.0, tick - time.monotonic()))

    def _take(self, message: Message, actions: list[MachineAction]) -> None:
        node, path, attempt = message.node, message.path, message.attempt
        if isinstance(message, Withdrawn):
            self._withdraw(message, actions)
            return
        self.writer.logs(node, path, attempt, message.lines)
        self.writer.metrics(node, path, attempt, message.metrics)
        if self.listener is not None and (message.lines or message.metrics):
            self._notices.append(lambda listener: listener.said(node, path, message.lines, message.metrics))
        if isinstance(message, Live):
            return
        if self._running.get((node, path)) != attempt:
            return
        del self._running[node, path]
        self.writer.previews(node, path, attempt, message.previews)
        if message.error is None:
            self._succeed(message, actions)
        else:
            self._fail(message, message.error, actions)

    def _withdraw(self, message: Withdrawn, actions: list[MachineAction]) -> None:
        node, path = message.node, message.path
        if self._running.pop((node, path), None) is None:
            return
        actions += self.machine.handle(events.Withdrawn(node, path))
        self.writer.ended(node, path, message.attempt, "cancelled", Usage(), "the run was cancelled")
        self._notices.append(
            lambda listener: listener.task_ended(
                node, path, "cancelled", Usage(), None, "the run was cancelled"
            )
        )

    def _succeed(self, report: Report, actions: list[MachineAction]) -> None:
        node, path = report.node, report.path
        self.results.add(node, path, report.artifacts)
        self.writer.outputs(node, path, report.artifacts)
        lengths = tuple(
            [
                self.results.lengths(artifact, depth) if depth else None
                for artifact, (_, depth) in zip(report.artifacts, self._outputs[node], strict=True)
            ]
        )
        actions += self.machine.handle(
            Done(node, path, lengths if any(item is not None for item in lengths) else ())
        )
        self._ended(report, "done", "")

    def _fail(self, report: Report, error: ErrorInfo, actions: list[MachineAction]) -> None:
        place = (report.node, report.path)
        answer = self.machine.handle(Failed(*place, now=time.monotonic()))
        retried = any(isinstance(action, Retry) and (action.node, action.path) == place for action in answer)
        actions += [
            action
            for action in answer
            if not (
                isinstance(action, Settle)
                and (action.node, action.path) == place
                and action.state == "failed"
            )
        ]
        self._ended(report, "retried" if retried else "failed", error.headline, error)

    def _ended(self, report: Report, state: str, reason: str, error: ErrorInfo | None = None) -> None:
        node, path, usage = report.node, report.path, report.usage
        self.writer.ended(node, path, report.attempt, state, usage, reason, error)
        if self.listener is not None:
            self._notices.append(
                lambda listener: listener.task_ended(node, path, state, usage, error, reason)
            )

    def _carry_out(self, actions: list[MachineAction]) -> None:
        """Record what was decided, commit, and only then launch: nothing builds on an uncommitted result."""
        if self.machine.status is None:
            actions = actions + self.machine.handle(Room(self.executor.room()))
        launches: list[TaskSpec] = []
        for action in actions:
            match action:
                case Launch(node=node, path=path, attempt=attempt):
                    launches.append(self._launch(node, path, attempt))
                case Settle(node=node, path=path, state=state, reason=reason):
                    self._settle(node, path, state, reason)
                case Finish(status=status):
                    self.writer.finished(status)
        for scope, path, items in self.machine.take_extents():
            self.results.add_extent(scope, path, items)
            self.writer.extent(scope, path, items)
            if self.listener is not None:
                self._notices.append(lambda listener, s=scope, p=path, n=items: listener.unfolded(s, p, n))  # type: ignore[misc]
        self.writer.beat(time.time())
        self.writer.commit()
        if self.listener is not None:
            notices, self._notices = self._notices, []
            for notice in notices:
                notice(self.listener)
        if launches:
            self.executor.submit([self._with_arguments(spec) for spec in launches])

    def _launch(self, node: int, path: Path, attempt: int) -> TaskSpec:
        chosen = self.graph.nodes[node]
        self._running[node, path] = attempt
        self.writer.launched(node, path, attempt)
        if self.listener is not None:
            self._notices.append(lambda listener: listener.task_started(node, path, attempt))
        return TaskSpec(node, path, attempt, chosen.step, chosen.id, (), self._outputs[node])

    def _with_arguments(self, spec: TaskSpec) -> TaskSpec:
        arguments = self.results.arguments(spec.node, spec.path)
        return TaskSpec(spec.node, spec.path, spec.attempt, spec.function, spec.name, arguments, spec.outputs)

    def _settle(self, node: int, path: Path, state: str, reason: str) -> None:
        self.writer.settled(node, path, state, reason)
        if self.listener is not None:
            self._notices.append(
                lambda listener: listener.task_ended(node, path, state, Usage(), None, reason)
            )

    def _end_now(self) -> None:
        """The second Ctrl-C: end running tasks, and say so in the records."""
        self.executor.stop(now=True)
        now = time.time()
        for (node, path), attempt in self._running.items():
            self.writer.ended(node, path, attempt, "cancelled", Usage(0.0, now), "cancelled by Ctrl-C")
        self.writer.finished("cancelled")
        self.writer.commit()
        self.machine.status = "cancelled"

    @contextmanager
    def _interrupts(self) -> Iterator[None]:
        """Ctrl-C once stops launching, twice ends now. Only the main thread can be told."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        pressed = 0

        def on_interrupt(_signal: int, _frame: FrameType | None) -> None:
            nonlocal pressed
            pressed += 1
            if pressed > 1:
                raise EndNow
            self._interrupted = True

        previous = signal.signal(signal.SIGINT, on_interrupt)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, previous)
