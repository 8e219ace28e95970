"""How do tasks run on all cores of this machine? Warm worker processes that may die without taking the run along."""

from __future__ import annotations

import math
import os
import queue
import shutil
import signal
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path as FilePath
from typing import Annotated, Any

import msgspec
from msgspec import Struct

from plait.engine.task import FunctionRef, Job, Live, Message, Report, TaskSpec, Withdrawn, function_ref
from plait.executors.capacity import cores, gpus, machine
from plait.executors.flavours import HONOURED, PLAIN, Flavour, flavour_of
from plait.executors.inbox import Inbox
from plait.executors.outcomes import lost, out_of_memory, timed_out
from plait.executors.pace import Pace
from plait.executors.process import GRACE_SECONDS, WorkerProcess
from plait.executors.spool import part_stack, read_last_task, read_start
from plait.executors.wire import Began, Begin, Recall, Reply, Returned
from plait.project.project import Project
from plait.record.facts import ErrorInfo, LogLine, Usage

__all__ = ["ProcessExecutor", "ProcessesSettings"]

_AHEAD_SECONDS = 0.03  # how much work a worker is given beyond the task that it does
_AHEAD_TASKS = 256
_STUCK_SECONDS = 0.1
_STILLBORN = 3
_LOOK_SECONDS = 0.05
_LAST_WORDS_SECONDS = 0.1  # for a worker whose time is up to say where it is
_SIGNS_OF_NO_MEMORY = ("bad_alloc", "Cannot allocate memory", "out of memory", "MemoryError")
_NO_MEMORY = "the system killed"


class ProcessesSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """In warm worker processes of this machine; ``workers`` at most, one per core if left out."""

    workers: Annotated[int, msgspec.Meta(ge=1)] | None = None

    def open(self, project: Project | None) -> ProcessExecutor:
        return ProcessExecutor(self.workers)


class ProcessExecutor:
    """Runs tasks in worker processes, started when there is work for them.

    Args:
        workers: how many at most; one per available core if left out.
    """

    name = "processes"
    honours = HONOURED

    def __init__(self, workers: int | None = None) -> None:
        self._most = workers or cores()
        self._workers: list[WorkerProcess] = []
        self._backlog: deque[TaskSpec] = deque()
        self._particular: deque[TaskSpec] = deque()  # those with wishes, each handed out alone
        self._held_back = False  # one of them waits for cores
        self._gpus: tuple[str, ...] = ()
        self._looked = 0.0
        self._load = 0.0
        self._said: Inbox[tuple[WorkerProcess | None, list[Reply] | None]] = Inbox()
        self._pace = Pace()
        self._folder: str | None = None
        self._work_in: str | None = None
        self._job: Job | None = None
        self._out_of_memory = 0
        self._stillborn = 0
        self._cancelled = False

    def capacity(self) -> dict[str, float]:
        return machine(self._most)

    def start(self, job: Job, functions: Sequence[Callable[..., Any]]) -> None:
        refs = tuple(function_ref(getattr(function, "__name__", "step"), function) for function in functions)
        self.begin(job, refs)

    def begin(self, job: Job, refs: tuple[FunctionRef, ...], work_in: str | None = None) -> None:
        """Get ready for a run whose functions are told already.

        Args:
            work_in: the working directory of the workers; that of this process if left out.
        """
        path = (*job.search_path, *(p or os.getcwd() for p in sys.path))
        self._job = msgspec.structs.replace(job, functions=refs, search_path=tuple(dict.fromkeys(path)))
        self._work_in = work_in
        self._folder = tempfile.mkdtemp(prefix="plait-")
        self._out_of_memory = _out_of_memory_kills()
        self._cancelled = False
        self._load = 0.0
        self._gpus = gpus()

    def use_gpus(self, names: tuple[str, ...]) -> None:
        """Give these to the tasks that come now, where somebody else hands them out."""
        self._gpus = names

    def room(self) -> int:
        ahead = min(_AHEAD_TASKS, int(_AHEAD_SECONDS / self._pace.average))
        return max(0, math.ceil(self._most * (1 + 2 * ahead) - self._load - 1e-9))

    def submit(self, tasks: Sequence[TaskSpec]) -> None:
        for spec in tasks:
            self._load += _weight(spec)
            (self._backlog if spec.options is None else self._particular).append(spec)
        self._dispatch()

    def wait(self, timeout: float | None) -> list[Message]:
        messages: list[Message] = []
        try:
            worker, replies = self._said.get(timeout=self.patience(timeout))
            while True:
                if worker is None:
                    pass
                elif replies is None:
                    messages += self._bury(worker)
                else:
                    self._hear(worker, replies, messages)
                worker, replies = self._said.get_nowait()
        except queue.Empty:
            self._look_after()
            self._recall()
        self._mind_limits()
        if self._cancelled:
            for spec in (*self._backlog, *self._particular):
                self._load -= _weight(spec)
                messages.append(Withdrawn(spec.node, spec.path, spec.attempt))
            self._backlog.clear()
            self._particular.clear()
        self._dispatch()
        return messages

    def wake(self) -> None:
        self._said.put((None, []))

    def rouse_by(self, rouse: Callable[[], None] | None) -> None:
        self._said.rouse = rouse

    def cancel(self) -> None:
        self._cancelled = True
        for worker in self._workers:
            if len(worker.pending) > 1:
                worker.send(Recall())

    def stop(self, *, now: bool = False) -> None:
        self._backlog.clear()
        self._particular.clear()
        for worker in self._workers:
            worker.end(now=now)
        for worker in self._workers:
            worker.join()
        self._workers.clear()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _dispatch(self) -> None:
        if self._particular or self._held_back:
            self._dispatch_particular()
        while self._backlog and not self._held_back:
            worker = min(
                (one for one in self._workers if one.alive and one.flavour is PLAIN),
                key=lambda one: len(one.pending),
                default=None,
            )
            if worker is None or worker.pending:
                if self._busy() < self._most:
                    worker = self._spawn()
                elif worker is None or self._particular:
                    return
            elif self._busy() >= self._most:
                return
            batch = self._batch(worker)
            if not batch:
                return
            worker.give(batch)

    def _busy(self) -> float:
        return sum(one.weight for one in self._workers)

    def _dispatch_particular(self) -> None:
        """Hand out tasks that are to run alone, each to an idle worker of its flavour, in order.

        Where one has to wait for cores, nothing overtakes it; where it waits for a GPU, others go on.
        """
        self._held_back = False
        later: deque[TaskSpec] = deque()
        while self._particular:
            spec = self._particular.popleft()
            busy = self._busy()
            if busy and busy + _weight(spec) > max(self._most, cores()) + 1e-9:
                self._particular.appendleft(spec)
                self._held_back = True
                break
            worker = self._worker_for(spec)
            if worker is None:
                later.append(spec)
            else:
                worker.give([spec])
        self._particular.extendleft(reversed(later))

    def _worker_for(self, spec: TaskSpec) -> WorkerProcess | None:
        """An idle worker of the flavour that a task needs, perhaps a new one; None while its GPUs are taken."""
        flavour = flavour_of(spec)
        idle = [one for one in self._workers if one.alive and not one.pending]
        if not flavour.isolated:
            for one in idle:
                if one.flavour == flavour and set(one.gpus) <= set(self._gpus):
                    return one
        chosen: tuple[str, ...] = ()
        if flavour.gpus:
            taken = {gpu for one in self._workers if one.pending for gpu in one.gpus}
            chosen = tuple(gpu for gpu in self._gpus if gpu not in taken)[: flavour.gpus]
            if len(chosen) < flavour.gpus:
                return None
            for one in idle:
                if not set(chosen).isdisjoint(one.gpus):
                    one.retire()
        particular = [one for one in idle if one.flavour is not PLAIN and one.alive]
        for one in particular[: len(self._workers) + 1 - 2 * self._most]:
            one.retire()
        return self._spawn(flavour if flavour != PLAIN else PLAIN, chosen)

    def patience(self, timeout: float | None) -> float | None:
        """How long to wait for what workers say: no longer than until a limit has to be looked at."""
        if self._cancelled and (self._backlog or self._particular):
            return 0.0
        for one in self._workers:
            spec = one.task
            if spec is None or spec.options is None:
                continue
            if spec.options.memory is not None:
                timeout = min(timeout or _LOOK_SECONDS, _LOOK_SECONDS)
            if spec.options.timeout is not None:
                assert one.began is not None
                left = one.began + spec.options.timeout + _LAST_WORDS_SECONDS - time.monotonic()
                timeout = max(0.0, left if timeout is None else min(timeout, left))
        return timeout

    def _mind_limits(self) -> None:
        """End workers whose tasks take longer, or hold more memory, than they may."""
        now = time.monotonic()
        look = now - self._looked >= _LOOK_SECONDS
        for one in self._workers:
            spec = one.task
            if spec is None or spec.options is None:
                continue
            assert one.began is not None
            longest, most = spec.options.timeout, spec.options.memory
            if longest is not None and now - one.began > longest + _LAST_WORDS_SECONDS:
                one.condemn("timeout", timed_out(longest))
            elif most is not None and look:
                self._looked = now
                if one.held() > most:
                    one.condemn("memory", out_of_memory(one.peak, most))

    def _batch(self, worker: WorkerProcess) -> list[TaskSpec]:
        """What to hand to a worker: one task, and more while they are known to be short."""
        ahead = sum(map(self._pace.seconds, worker.pending.values()))
        batch: list[TaskSpec] = []
        fair = 1 + len(self._backlog) // self._most
        while self._backlog and len(batch) < fair and len(worker.pending) + len(batch) < _AHEAD_TASKS:
            seconds = self._pace.seconds(self._backlog[0])
            if (worker.pending or batch) and ahead + seconds > _AHEAD_SECONDS:
                break
            ahead += seconds
            batch.append(self._backlog.popleft())
        return batch

    def _spawn(self, flavour: Flavour = PLAIN, chosen: tuple[str, ...] = ()) -> WorkerProcess:
        assert self._folder is not None
        assert self._job is not None
        worker = WorkerProcess(
            f"{self._folder}/{len(self._workers)}-{time.monotonic_ns()}",
            self._said,
            flavour,
            chosen,
            self._work_in,
        )
        worker.send(Begin(self._job))
        self._workers.append(worker)
        return worker

    def _hear(self, worker: WorkerProcess, replies: list[Reply], messages: list[Message]) -> None:
        for reply in replies:
            match reply:
                case Report():
                    self._stillborn = 0
                    spec = worker.reported(reply)
                    if spec is None:
                        continue
                    self._pace.learn(spec, reply)
                    messages.append(reply)
                    self._load -= _weight(spec)
                    if worker.flavour.isolated:
                        worker.retire()
                case Began(cpu_seconds=used):
                    worker.cpu_seconds = used
                    worker.began, worker.began_at = time.monotonic(), time.time()
                case Live():
                    worker.lines_seen += len(reply.lines)
                    messages.append(reply)
                case Returned(places=places):
                    worker.recalled = False
                    for place in places:
                        spec = worker.pending.pop(place, None)
                        if spec is not None:
                            self._backlog.appendleft(spec)

    def _recall(self) -> None:
        """Take back what waits behind a long task while another worker has nothing to do."""
        plain = [one for one in self._workers if one.flavour is PLAIN]
        if self._backlog or (len(plain) >= self._most and all(one.pending for one in plain)):
            return
        for worker in self._workers:
            if len(worker.pending) > 1 and not worker.recalled and worker.silent_for() > _STUCK_SECONDS:
                worker.recalled = True
                worker.send(Recall())

    def _look_after(self) -> None:
        """Notice workers that are gone though something they started still holds their pipe."""
        for worker in tuple(self._workers):
            if worker.gone_for() > GRACE_SECONDS:
                self._said.put((worker, None))

    def _bury(self, worker: WorkerProcess) -> list[Message]:
        """A worker is gone: the task that it was in is lost, what it had not begun goes to the others."""
        if worker not in self._workers:
            return []
        self._workers.remove(worker)
        code = worker.join()
        if worker.retired and not worker.pending:
            return []
        cause = self._cause(code)
        last = read_last_task(worker.spool, worker.lines_seen)
        guilty = {(last.node, last.path)} if last is not None else set()
        if last is None:
            # It did not get as far as its first task. Once may be chance; again and again, none will.
            self._stillborn += 1
            if self._stillborn >= _STILLBORN:
                guilty = set(worker.pending)
                cause = f"no worker process can start: {read_start(worker.spool) or cause}"
        messages: list[Message] = []
        pending, worker.pending = worker.pending, {}
        for place, spec in reversed(pending.items()):
            if place not in guilty:
                (self._backlog if spec.options is None else self._particular).appendleft(spec)
                continue
            said, error, lines = self._verdict(worker, spec, cause, last.lines if last is not None else ())
            usage = Usage(
                worker.began_at or worker.last_heard,
                time.time(),
                worker.cpu_seconds if worker.verdict is not None else 0.0,
                worker.peak,
                worker.label,
            )
            self._load -= _weight(spec)
            messages.append(
                Report(
                    spec.node,
                    spec.path,
                    spec.attempt,
                    error=error,
                    usage=usage,
                    lines=lines,
                    lost=True,
                    cause=said,
                )
            )
        return messages

    def _verdict(
        self, worker: WorkerProcess, spec: TaskSpec, cause: str, lines: tuple[LogLine, ...]
    ) -> tuple[str, ErrorInfo, tuple[LogLine, ...]]:
        """What ended a task whose worker is gone, what to say of it, and what it has said itself."""
        limit = spec.options.memory if spec.options is not None else None
        if worker.verdict is not None:
            said, error = worker.verdict
            frames, rest = part_stack(lines)
            if said == "timeout" and spec.options is not None and spec.options.timeout is not None:
                return said, timed_out(spec.options.timeout, frames), rest
            return said, error, lines
        why = worker.fault or cause
        if why.startswith(_NO_MEMORY):
            return "memory", out_of_memory(worker.peak, None, why), lines
        if limit is not None and any(sign in line.text for line in lines for sign in _SIGNS_OF_NO_MEMORY):
            return "memory", out_of_memory(worker.peak, limit, why), lines
        return "lost", lost(why), lines

    def _cause(self, code: int) -> str:
        if code >= 0:
            return f"the worker process ended itself with status {code} (os._exit, or a library that ends the process)"
        name = _signal_name(-code)
        if -code == signal.SIGSEGV:
            return (
                f"the worker process crashed in native code ({name}); its log has the Python lines it was in"
            )
        kills = _out_of_memory_kills()
        if -code == getattr(signal, "SIGKILL", 9):
            if kills > self._out_of_memory:
                self._out_of_memory = kills
                return f"{_NO_MEMORY} the worker process ({name})"
            return f"the worker process was killed from outside ({name})"
        return f"the worker process was ended by signal {name}"


def _weight(spec: TaskSpec) -> float:
    return 1.0 if spec.options is None else spec.options.cpus


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def _out_of_memory_kills() -> int:
    """How many processes the system has killed for want of memory since it started; 0 where it does not tell."""
    try:
        text = FilePath("/proc/vmstat").read_text()
    except OSError:
        return 0
    for line in text.splitlines():
        if line.startswith("oom_kill "):
            return int(line.split()[1])
    return 0
