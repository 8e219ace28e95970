"""How does the driver hold one worker process? Start it, give it tasks, hear it, end it with all that it started."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path as FilePath
from typing import Any

from plait.engine.task import Report, TaskSpec
from plait.executors.flavours import PLAIN, Flavour
from plait.executors.inbox import Inbox
from plait.executors.trees import end_tree, tree_cpu, tree_memory
from plait.executors.wire import Channel, Tasks, read_replies
from plait.graph.model import Path
from plait.record.facts import ErrorInfo

__all__ = ["GRACE_SECONDS", "WorkerProcess"]

_START = (
    "import sys; sys.path.append(sys.argv[2]); from plait.executors.worker import main; main(sys.argv[1])"
)
GRACE_SECONDS = 2.0


class WorkerProcess:
    """A process, what it was given, and whether it is still there."""

    def __init__(
        self,
        spool: str,
        said: Inbox[Any],
        flavour: Flavour = PLAIN,
        gpus: tuple[str, ...] = (),
        folder: str | None = None,
    ) -> None:
        self.spool = spool
        self.flavour = flavour
        self.gpus = gpus
        self.pending: dict[tuple[int, Path], TaskSpec] = {}
        self.lines_seen = 0
        self.recalled = False
        self.alive = True
        self.last_heard = time.time()
        self.fault = ""
        self.verdict: tuple[str, ErrorInfo] | None = None  # why it was ended, and what to say of its task
        self.retired = False
        self.began: float | None = None  # when its task with a limit did, by the monotonic clock
        self.began_at: float | None = None  # the same by the clock on the wall
        self.peak = 0
        self.cpu_seconds = 0.0  # that it had used when its task began; of one that was ended, what that used
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
                env=self._environment(),
                cwd=folder,
                **options,
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self.label = f"process {self._process.pid}"
        self.channel = Channel(self._process.stdin)
        self._replies = Channel(self._process.stdout)
        self._thread = threading.Thread(target=self._listen, args=(said,), daemon=True)
        self._thread.start()

    def _environment(self) -> dict[str, str] | None:
        if self.flavour is PLAIN:
            return None
        chosen = {"CUDA_VISIBLE_DEVICES": ",".join(self.gpus)} if self.gpus else {}
        return {**os.environ, **dict(self.flavour.env), **chosen}

    @property
    def weight(self) -> float:
        """The cores that it keeps busy."""
        if not self.pending:
            return 0.0
        options = next(iter(self.pending.values())).options
        return 1.0 if options is None else options.cpus

    @property
    def task(self) -> TaskSpec | None:
        """What it does now, where there is a limit to it."""
        return next(iter(self.pending.values()), None) if self.began is not None else None

    def held(self) -> int:
        """Bytes of memory that it holds now, with what it has started."""
        held = tree_memory(self._process.pid)
        self.peak = max(self.peak, held)
        return held

    def condemn(self, cause: str, verdict: ErrorInfo) -> None:
        """End it, whatever it is in, and say why."""
        self.verdict = (cause, verdict)
        self.held()
        self.cpu_seconds = max(0.0, tree_cpu(self._process.pid) - self.cpu_seconds)
        self.began = None
        end_tree(self._process.pid)

    def retire(self) -> None:
        """It has nothing to do, and is in the way."""
        self.retired, self.alive = True, False
        self._kill()

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
        self.began = self.began_at = None
        self.peak = 0
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
            code = self._process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            code = None
        self._kill()
        if code is None:
            code = self._process.wait()
        self._thread.join(GRACE_SECONDS)
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

    def _listen(self, said: Inbox[Any]) -> None:
        try:
            while (body := self._replies.receive()) is not None:
                said.put((self, read_replies.decode(body)))
        except (OSError, ValueError) as error:
            self.fault = f"the worker process sent what cannot be read: {error}"
            self._kill()
        self.alive = False
        said.put((self, None))
