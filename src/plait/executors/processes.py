"""How do tasks run on all cores of this machine? Warm worker processes that may die without taking the run along."""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path as FilePath
from typing import Annotated, Any

import msgspec
from msgspec import Struct

from plait.engine.task import Job, Live, Message, Report, TaskSpec, Withdrawn, function_ref
from plait.executors.capacity import cores
from plait.executors.outcomes import lost, out_of_memory
from plait.executors.spool import read_last_task, read_start
from plait.executors.wire import Begin, Channel, Recall, Reply, Returned, Tasks, read_replies
from plait.graph.model import Path
from plait.project.project import Project
from plait.record.facts import Usage

__all__ = ["ProcessExecutor", "ProcessesSettings"]

_START = (
    "import sys; sys.path.append(sys.argv[2]); from plait.executors.worker import main; main(sys.argv[1])"
)
_AHEAD_SECONDS = 0.03  # how much work a worker is given beyond the task that it does
_AHEAD_TASKS = 256
_STUCK_SECONDS = 0.1
_GRACE_SECONDS = 2.0
_STILLBORN = 3
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
    honours = frozenset({"cpus"})

    def __init__(self, workers: int | None = None) -> None:
        self._most = workers or cores()
        self._workers: list[_Worker] = []
        self._backlog: deque[TaskSpec] = deque()
        self._said: queue.SimpleQueue[tuple[_Worker | None, list[Reply] | None]] = queue.SimpleQueue()
        self._seconds: dict[int, float] = {}
        self._folder: str | None = None
        self._job: Job | None = None
        self._out_of_memory = 0
        self._stillborn = 0
        self._cancelled = False

    def capacity(self) -> dict[str, float]:
        return {"cpus": float(max(self._most, cores()))}

    def start(self, job: Job, functions: Sequence[Callable[..., Any]]) -> None:
        refs = tuple(function_ref(getattr(function, "__name__", "step"), function) for function in functions)
        self._job = msgspec.structs.replace(
            job, functions=refs, search_path=tuple(p or os.getcwd() for p in sys.path)
        )
        self._folder = tempfile.mkdtemp(prefix="plait-")
        self._out_of_memory = _out_of_memory_kills()
        self._cancelled = False

    def room(self) -> int:
        known = self._seconds.values()
        average = sum(known) / len(known) if known else 1.0
        ahead = min(_AHEAD_TASKS, int(_AHEAD_SECONDS / max(average, 1e-6)))
        waiting = len(self._backlog) + sum(len(worker.pending) for worker in self._workers)
        return max(0, self._most * (1 + 2 * ahead) - waiting)

    def submit(self, tasks: Sequence[TaskSpec]) -> None:
        self._backlog.extend(tasks)
        self._dispatch()

    def wait(self, timeout: float | None) -> list[Message]:
        messages: list[Message] = []
        try:
            worker, replies = self._said.get(timeout=0 if self._cancelled and self._backlog else timeout)
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
        if self._cancelled:
            messages += [Withdrawn(spec.node, spec.path, spec.attempt) for spec in self._backlog]
            self._backlog.clear()
        self._dispatch()
        return messages

    def wake(self) -> None:
        self._said.put((None, []))

    def cancel(self) -> None:
        self._cancelled = True
        for worker in self._workers:
            if len(worker.pending) > 1:
                worker.send(Recall())

    def stop(self, *, now: bool = False) -> None:
        self._backlog.clear()
        for worker in self._workers:
            worker.end(now=now)
        for worker in self._workers:
            worker.join()
        self._workers.clear()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _dispatch(self) -> None:
        while self._backlog:
            worker = min(
                (one for one in self._workers if one.alive), key=lambda one: len(one.pending), default=None
            )
            if worker is None or (worker.pending and len(self._workers) < self._most):
                worker = self._spawn()
            batch = self._batch(worker)
            if not batch:
                return
            worker.give(batch)

    def _batch(self, worker: _Worker) -> list[TaskSpec]:
        """What to hand to a worker: one task, and more while they are known to be short."""
        ahead = sum(self._seconds.get(spec.function, 1.0) for spec in worker.pending.values())
        batch: list[TaskSpec] = []
        fair = 1 + len(self._backlog) // self._most
        while self._backlog and len(batch) < fair and len(worker.pending) + len(batch) < _AHEAD_TASKS:
            seconds = self._seconds.get(self._backlog[0].function, 1.0)
            if (worker.pending or batch) and ahead + seconds > _AHEAD_SECONDS:
                break
            ahead += seconds
            batch.append(self._backlog.popleft())
        return batch

    def _spawn(self) -> _Worker:
        assert self._folder is not None
        assert self._job is not None
        worker = _Worker(f"{self._folder}/{len(self._workers)}-{time.monotonic_ns()}", self._said)
        worker.send(Begin(self._job))
        self._workers.append(worker)
        return worker

    def _hear(self, worker: _Worker, replies: list[Reply], messages: list[Message]) -> None:
        for reply in replies:
            match reply:
                case Report():
                    self._stillborn = 0
                    spec = worker.reported(reply)
                    if spec is None:
                        continue
                    seconds = reply.usage.ended_at - reply.usage.started_at + 2e-5
                    known = self._seconds.get(spec.function, seconds)
                    self._seconds[spec.function] = max(seconds, 0.9 * known + 0.1 * seconds)
                    messages.append(reply)
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
        if self._backlog or (len(self._workers) == self._most and all(one.pending for one in self._workers)):
            return
        for worker in self._workers:
            if len(worker.pending) > 1 and not worker.recalled and worker.silent_for() > _STUCK_SECONDS:
                worker.recalled = True
                worker.send(Recall())

    def _look_after(self) -> None:
        """Notice workers that are gone though something they started still holds their pipe."""
        for worker in tuple(self._workers):
            if worker.gone_for() > _GRACE_SECONDS:
                self._said.put((worker, None))

    def _bury(self, worker: _Worker) -> list[Message]:
        """A worker is gone: the task that it was in is lost, what it had not begun goes to the others."""
        if worker not in self._workers:
            return []
        self._workers.remove(worker)
        cause = self._cause(worker.join())
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
                self._backlog.appendleft(spec)
                continue
            why = worker.fault or cause
            no_memory = why.startswith(_NO_MEMORY)
            error = out_of_memory(0, None, why) if no_memory else lost(why)
            usage = Usage(worker.last_heard, time.time(), worker=worker.label)
            lines = last.lines if last is not None else ()
            messages.append(
                Report(
                    spec.node,
                    spec.path,
                    spec.attempt,
                    error=error,
                    usage=usage,
                    lines=lines,
                    lost=True,
                    cause="memory" if no_memory else "lost",
                )
            )
        return messages

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


class _Worker:
    """The driver's side of one worker process."""

    def __init__(self, spool: str, said: queue.SimpleQueue[Any]) -> None:
        self.spool = spool
        self.pending: dict[tuple[int, Path], TaskSpec] = {}
        self.lines_seen = 0
        self.recalled = False
        self.alive = True
        self.last_heard = time.time()
        self.fault = ""
        self._gone_since: float | None = None
        options: dict[str, Any] = {}
        if sys.platform == "win32":
            options["creationflags"] = subprocess.CREATE_NEW_PROCESS_GROUP
        else:
            options["start_new_session"] = (
                True  # Ctrl-C is for the driver, which then ends the workers in order
            )
        source = str(FilePath(__file__).parents[2])
        with open(spool, "ab") as said_first:  # what it says before it can speak
            self._process = subprocess.Popen(
                [sys.executable, "-c", _START, spool, source],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said_first,
                **options,
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self.label = f"process {self._process.pid}"
        self.channel = Channel(self._process.stdin)
        self._replies = Channel(self._process.stdout)
        self._thread = threading.Thread(target=self._listen, args=(said,), daemon=True)
        self._thread.start()

    def give(self, specs: list[TaskSpec]) -> None:
        if not self.pending:
            self.last_heard = time.time()
        self.pending.update({(spec.node, spec.path): spec for spec in specs})
        self.send(Tasks(tuple(specs)))

    def send(self, message: Any) -> None:
        try:
            self.channel.send(message)
        except OSError:  # it died; its listener says so
            self.alive = False

    def reported(self, report: Report) -> TaskSpec | None:
        self.last_heard = time.time()
        self.lines_seen = 0
        return self.pending.pop((report.node, report.path), None)

    def silent_for(self) -> float:
        return time.time() - self.last_heard

    def end(self, *, now: bool) -> None:
        if now:
            self._kill()
            return
        try:
            self.channel.close()
        except OSError:
            self._kill()

    def gone_for(self) -> float:
        """Seconds since the process was seen to have ended; what it started is ended with it."""
        if self._process.poll() is None:
            return 0.0
        if self._gone_since is None:
            self._gone_since = time.monotonic()
            self._kill()
        return time.monotonic() - self._gone_since

    def join(self) -> int:
        try:
            code = self._process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            code = None
        self._kill()
        if code is None:
            code = self._process.wait()
        self._thread.join(_GRACE_SECONDS)
        for channel in (self.channel, *(() if self._thread.is_alive() else (self._replies,))):
            with contextlib.suppress(OSError):
                channel.close()
        return code

    def _kill(self) -> None:
        """The worker and what it has started."""
        if hasattr(os, "killpg"):
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
                return
            except OSError:  # gone already, or not a group of its own
                pass
        self._process.kill()

    def _listen(self, said: queue.SimpleQueue[Any]) -> None:
        try:
            while (body := self._replies.receive()) is not None:
                said.put((self, read_replies.decode(body)))
        except (OSError, ValueError) as error:
            self.fault = f"the worker process sent what cannot be read: {error}"
            self._kill()
        self.alive = False
        said.put((self, None))


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
