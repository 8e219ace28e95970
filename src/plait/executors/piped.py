"""How do tasks run where a command can be run? Over its standard input and output: ssh, a container, whatever it is.

An executor of this kind says which places there are, and by which command a process of plait's starts in one of them.
"""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import IO

from plait.engine.task import Job, Live, TaskSpec
from plait.errors import PlaitError
from plait.executors.far import Hello, frame, read_frame, read_telling
from plait.executors.remote import Place, RemoteExecutor, encode_spec, place_of
from plait.executors.station import Versions
from plait.record.facts import LogLine

__all__ = ["Line", "PipedExecutor", "Spot"]

_TAIL_BYTES = 4096
_GRACE_SECONDS = 5.0


class Spot:
    """A place with room for tasks.

    Args:
        name: what people call it.
        cpus: cores that its tasks may keep busy at once.
        gpus: the GPUs that they may have, by the names that ``CUDA_VISIBLE_DEVICES`` gives them.
    """

    def __init__(self, name: str, cpus: float, gpus: Sequence[str] = ()) -> None:
        self.name = name
        self.cpus = cpus
        self.gpus = tuple(gpus)
        self.down = ""  # why nothing can be done there


class Line:
    """A conversation with a process of plait's in some place."""

    def __init__(
        self,
        spot: Spot,
        command: Sequence[str],
        gpus: tuple[str, ...],
        heard: Callable[..., None],
    ) -> None:
        self.spot = spot
        self.gpus = gpus
        self.command = command
        self.task: TaskSpec | None = None
        self.hello: Hello | None = None
        self.fault = ""  # why it is of no use, though it has begun
        self.ended = False
        self.dismissed = False  # by this side
        self._heard = heard
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the line
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,  # Ctrl-C is for the driver
        )
        self._knows_job = False
        threading.Thread(target=self._listen, daemon=True).start()

    @property
    def cpus(self) -> float:
        """The cores that it keeps busy."""
        if self.task is None:
            return 0.0
        return self.task.options.cpus if self.task.options is not None else 1.0

    def give(self, sealed: bytes, spec: TaskSpec) -> None:
        """Have a task of the job done."""
        self.task = spec
        if not self._knows_job:
            self._knows_job = True
            self._say(sealed)
        self._say(encode_spec(spec))

    def _say(self, body: bytes) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # it is gone; its listener says so
            self._process.stdin.write(frame(body))
            self._process.stdin.flush()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        stream: IO[bytes] = self._process.stdout
        with contextlib.suppress(OSError, ValueError):
            while (body := read_frame(stream)) is not None:
                self._heard(self, body)
        self._process.wait()
        self.ended = True
        self._heard(self, None)

    @property
    def code(self) -> int:
        """How its process ended."""
        return self._process.wait()

    def last_words(self) -> str:
        """The end of what its process has said of itself."""
        try:
            size = self._errors.seek(0, 2)
            self._errors.seek(max(0, size - _TAIL_BYTES))
            return self._errors.read().decode(errors="replace").strip()
        except (OSError, ValueError):
            return ""

    def end(self, *, now: bool = False) -> None:
        """Let its process end, which it does with its input; a process that does not is killed."""
        self.dismissed = True
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        if now:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_GRACE_SECONDS)
            self._process.kill()

    def close(self) -> None:
        try:
            self._process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._errors.close()


class PipedExecutor(RemoteExecutor):
    """Base of the executors that start a process of plait's by a command.

    Attributes:
        lasting: whether a process does one task after the other; else each task has one of its own.
    """

    lasting = True

    def __init__(self) -> None:
        super().__init__(most=1)
        self._spots: list[Spot] = []
        self._lines: list[Line] = []
        self._queue: deque[TaskSpec] = deque()
        self._ended: deque[tuple[Line, Place, bool]] = deque()
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)  # a line has said its first word, or ended
        self._untold: list[str] = []  # of places that are down

    # What an executor of this kind says for itself.

    def spots(self) -> Sequence[Spot]:
        """The places that there are."""
        raise NotImplementedError

    def command(self, spot: Spot, spec: TaskSpec | None, gpus: tuple[str, ...]) -> Sequence[str]:
        """What starts ``python -m plait.executors.far pipe`` there, for a task (and more, if it is lasting).

        Args:
            spec: None where it is started before there is one.
        """
        raise NotImplementedError

    def why(self, line: Line, code: int) -> tuple[str, str]:
        """What to say of a process that ended in the middle of a task, and the cause: ``lost``, ``memory``."""
        said = line.last_words().splitlines()
        told = f": {said[-1]}" if said else ""
        return f"the worker on {line.spot.name} is gone (status {code}){told}", "lost"

    def stillborn(self, line: Line, code: int) -> str:
        """What to say of a place where no process of plait's could be started."""
        said = line.last_words().splitlines()
        told = said[-1] if said else f"status {code}"
        if "No module named" in told and "plait" in told:
            return f"there is no plait on {line.spot.name}: pip install plait=={Versions.here().plait}"
        return f"no worker could be started on {line.spot.name}: {told}"

    # What it does for all of them.

    def check(self) -> None:
        """Start a process in each place, which the first task there then finds.

        Raises:
            PlaitError: in none of them can anything be done; each says why.
        """
        if not self.lasting:
            return
        with self._changed:
            self._survey()
            begun = {line.spot for line in self._lines}
            for spot in self._spots:
                if spot not in begun and not spot.down:
                    self._open(spot, None, ())
            while not all(spot.down for spot in self._spots):
                if any(line.hello is not None for line in self._lines):
                    return
                self._changed.wait()
            raise PlaitError(self._why_nowhere(), hint="plait stack check tries it by itself")

    def _survey(self) -> None:
        if not self._spots:
            self._spots = list(self.spots())
            self.most = max(1, sum(max(1, int(spot.cpus)) for spot in self._spots))

    def _why_nowhere(self) -> str:
        return "; ".join(dict.fromkeys(spot.down for spot in self._spots)) or "there is no place to run it"

    def connect(self, job: Job) -> None:
        with self._lock:
            self._survey()

    def largest(self) -> dict[str, float]:
        spots = self._spots or list(self.spots())
        return {
            "cpus": max(spot.cpus for spot in spots),
            "gpus": float(max(len(spot.gpus) for spot in spots)),
            "nodes": float(len(spots)) if "nodes" in self.honours else 1.0,
        }

    def send(self, specs: Sequence[TaskSpec]) -> None:
        with self._lock:
            self._queue.extend(specs)
            self._dispatch()

    def _dispatch(self) -> None:
        """Hand out what waits, in order, as far as there is room."""
        later: deque[TaskSpec] = deque()
        while self._queue:
            spec = self._queue.popleft()
            if not self._place(spec):
                later.append(spec)
                break
        later.extend(self._queue)
        self._queue = later

    def _place(self, spec: TaskSpec) -> bool:
        """Whether a place was found for a task, or for none it ever will be."""
        options = spec.options
        cpus, gpus = (options.cpus, options.gpus) if options is not None else (1.0, 0)
        alive = [spot for spot in self._spots if not spot.down]
        if not alive:
            self.lost(place_of(spec), self._why_nowhere())
            return True
        for spot in sorted(alive, key=lambda one: self._busy(one) / one.cpus):
            busy = self._busy(spot)
            if busy and busy + cpus > spot.cpus + 1e-9:
                continue
            here = [line for line in self._lines if line.spot is spot and line.task is not None]
            taken = {one for line in here for one in line.gpus}
            free = tuple(one for one in spot.gpus if one not in taken)[:gpus]
            if len(free) < gpus:
                continue
            self._warn(place_of(spec))
            self._line_for(spot, spec, free).give(self.sealed, spec)
            return True
        return False

    def _busy(self, spot: Spot) -> float:
        return sum(line.cpus for line in self._lines if line.spot is spot)

    def _line_for(self, spot: Spot, spec: TaskSpec, gpus: tuple[str, ...]) -> Line:
        if self.lasting and not gpus:
            for line in self._lines:
                if line.spot is spot and line.task is None and not line.gpus and not line.ended:
                    return line
        return self._open(spot, spec, gpus)

    def _open(self, spot: Spot, spec: TaskSpec | None, gpus: tuple[str, ...]) -> Line:
        line = Line(spot, self.command(spot, spec, gpus), gpus, self._hear)
        self._lines.append(line)
        return line

    def _warn(self, place: Place) -> None:
        """Let a task say which places are down."""
        untold, self._untold = self._untold, []
        if untold:
            now = time.time()
            self.told(Live(*place, tuple(LogLine(now, "WARNING", text) for text in untold)))

    def _hear(self, line: Line, body: bytes | None) -> None:
        """In the thread of a line."""
        if body is None:
            with self._lock:
                self._bury(line)
            return
        said = read_telling.decode(body)
        if isinstance(said, Hello):
            with self._lock:
                self._meet(line, said)
        elif isinstance(said, Live):
            self.told(said)
        else:
            with self._lock:
                self._take_answer(line, body)

    def _meet(self, line: Line, hello: Hello) -> None:
        fault = Versions.here().differ_from(Versions(hello.python, hello.plait), hello.place)
        if fault is None:
            line.hello = hello
            self._changed.notify_all()
        else:
            line.fault = fault
            line.end()

    def _take_answer(self, line: Line, body: bytes) -> None:
        spec, line.task = line.task, None
        if spec is not None:
            self.answered(place_of(spec), body, spec.gang.rank if spec.gang is not None else 0)
        if not self.lasting or line.gpus:
            line.end()
        self._dispatch()

    def _bury(self, line: Line) -> None:
        if line not in self._lines:
            return
        self._lines.remove(line)
        spec, code = line.task, line.code
        if spec is not None:
            place = place_of(spec)
            if line.hello is None:  # it is not the task's fault: another place may do it
                self._queue.appendleft(spec)
            else:
                why, cause = self.why(line, code)
                self.lost(place, why, cause, spec.gang.rank if spec.gang is not None else 0)
        if line.hello is None and not line.spot.down and (line.fault or not line.dismissed):
            line.spot.down = line.fault or self.stillborn(line, code)
            self._untold.append(line.spot.down)
        if spec is not None and line.hello is None:
            self._warn(place_of(spec))
        line.close()
        self._changed.notify_all()
        self._dispatch()

    def take_back(self, places: Collection[Place], *, begun: bool) -> Collection[Place]:
        wanted = set(places)
        with self._lock:
            waiting = [spec for spec in self._queue if place_of(spec) in wanted]
            self._queue = deque(spec for spec in self._queue if spec not in waiting)
            taken = {place_of(spec) for spec in waiting}
            running = [line for line in self._running() if _place_of(line) in wanted] if begun else []
            for line in running:
                taken.add(_place_of(line))
                line.task = None
        for line in running:
            line.end(now=True)
        return taken

    def _running(self) -> Iterator[Line]:
        return (line for line in self._lines if line.task is not None)

    def release(self, *, now: bool) -> None:
        with self._lock:
            lines, self._lines = self._lines, []
            self._spots = []
            self._untold.clear()
        for line in lines:
            line.end(now=now and line.task is not None)
        for line in lines:
            line.close()


def _place_of(line: Line) -> Place:
    assert line.task is not None
    return place_of(line.task)
