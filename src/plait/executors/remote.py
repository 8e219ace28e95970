"""What do executors have in common whose tasks run on other machines? They bring tasks there, and answers back.

An executor of this kind says how its engine is reached (``connect``), how tasks are sent (``send``), taken back
(``take_back``), looked after (``look``) and how all of it is let go (``release``). It answers by ``answered``, ``told``
and ``lost``, from any thread. What happens to a task over there is the same for all of them: see
``plait.executors.station``.
"""

from __future__ import annotations

import queue
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeAlias

import msgspec

from plait.engine.task import (
    FunctionRef,
    Gang,
    Job,
    Live,
    Message,
    Report,
    TaskSpec,
    Withdrawn,
    function_ref,
)
from plait.executors.flavours import HONOURED
from plait.executors.inbox import Inbox
from plait.executors.outcomes import lost, out_of_memory, timed_out
from plait.executors.pace import Pace
from plait.executors.station import Answer, Back, Held, Refused, host, read_said, seal_job
from plait.graph.model import Path
from plait.record.facts import ErrorInfo, LogLine, Usage, describe_error

__all__ = ["Place", "RemoteExecutor", "encode_spec", "place_of"]

Place: TypeAlias = tuple[int, Path, int]
"""Node, path and attempt: what names a task on its way."""

encode_spec = msgspec.msgpack.Encoder().encode
_LOOK_SECONDS = 0.25
_AHEAD = 4  # tasks on their way for each that runs
_AT_LEAST = 32
_PARCEL_SECONDS = 0.03  # how much work travels together at most
_MOST_TOGETHER = 128
_COST_SECONDS = 3e-4  # of a task beside its step


def place_of(spec: TaskSpec) -> Place:
    return spec.node, spec.path, spec.attempt


class _Parcel:
    """Short tasks that have been sent together; how many have not answered."""

    def __init__(self, left: int) -> None:
        self.left = left


class _Errand:
    """A task that is on its way, and what the machines that do it together have answered so far."""

    def __init__(self, spec: TaskSpec) -> None:
        self.spec = spec
        self.sent_at = time.time()
        self.began = False
        self.machines = spec.options.nodes if spec.options is not None else 1
        self.reports: dict[int, Report] = {}
        self.parcel: _Parcel | None = None


class _Ranked:
    """What one of several machines that do a task together has answered."""

    def __init__(self, place: Place, rank: int, report: Report) -> None:
        self.place, self.rank, self.report = place, rank, report


class RemoteExecutor:
    """Base of the executors that bring tasks to other machines.

    Args:
        most: how many tasks it has on their way at once, at most.

    Attributes:
        travels: the code of the project goes with the job.
        sealed: the job as bytes, for ``station.do_task`` on the other side.
        looks: whether the engine has to be asked how tasks are, instead of telling by itself.
        together: whether short tasks may travel together; see ``send_together``.
        slots: how many tasks the engine does at once, where they may.
    """

    name = ""
    honours = HONOURED
    travels = True
    looks = False
    together = False

    def __init__(self, most: int) -> None:
        self.most = most
        self.slots = 1
        self.sealed = b""
        self._errands: dict[Place, _Errand] = {}
        self._said: Inbox[Message | _Ranked | Callable[[], None] | None] = Inbox()
        self._looked = 0.0
        self._backlog: deque[TaskSpec] = deque()  # of short tasks
        self._parcels = 0  # on their way
        self._pace = Pace()
        self._cancelled = False
        self._job: Job | None = None

    # What an executor of this kind says for itself.

    def connect(self, job: Job) -> None:
        """Reach the engine, which a run is about to use.

        Raises:
            PlaitError: it cannot be reached; what is said tells what to do.
        """

    def send(self, specs: Sequence[TaskSpec]) -> None:
        """Bring tasks to the engine. One that several machines do together comes once for each, with its rank."""
        raise NotImplementedError

    def send_together(self, specs: Sequence[TaskSpec]) -> None:
        """Bring short tasks to the engine as one, to be done in order by one worker; each answers for itself.

        Those that were not answered for when the worker is lost are ``lost_together``.
        """
        raise NotImplementedError

    def take_back(self, places: Collection[Place], *, begun: bool) -> Collection[Place]:
        """Cancel tasks; answers with those that will surely not begin any more.

        Args:
            begun: whether they are to be ended even if they have begun.
        """
        raise NotImplementedError

    def look(self) -> None:
        """Ask the engine how tasks are, where it does not tell by itself."""

    def release(self, *, now: bool) -> None:
        """The run is over: let go of what was taken."""

    def peers(self, spec: TaskSpec) -> Sequence[str]:
        """The machines that do a task together, by rank; empty names where only the engine knows them."""
        assert spec.options is not None
        return [""] * spec.options.nodes

    # What it answers with, from any thread.

    def answered(self, place: Place, answer: bytes, rank: int = 0) -> None:
        """A machine has answered for a task."""
        said = read_said.decode(answer)
        assert not isinstance(said, Live)
        self.answered_by(place, said, rank)

    def answered_by(self, place: Place, said: Answer, rank: int = 0) -> None:
        """A machine has answered for a task, with what is read already."""
        if isinstance(said, Held):
            self._said.put(Withdrawn(*place))
            return
        if isinstance(said, Back):
            self.later(lambda: self.again([place]))
            return
        if isinstance(said, Refused):
            now = time.time()
            usage = Usage(now, now, 0.0, 0, said.place)
            said = Report(*place, error=said.error, usage=usage)
        self._said.put(said if rank == 0 and not self._is_gang(place) else _Ranked(place, rank, said))

    def refused(self, place: Place, error: Exception, rank: int = 0) -> None:
        """A task cannot be done by the engine; another attempt would end the same."""
        self.answered_by(place, Refused(host(), describe_error(error)), rank)

    def again(self, places: Collection[Place]) -> None:
        """Tasks are not done where they were sent: send each anew, alone. In the thread of the run."""
        errands = [self._errands[place] for place in places if place in self._errands]
        for errand in errands:
            self._leave_parcel(errand)
        self.send([errand.spec for errand in errands])

    def later(self, duty: Callable[[], None]) -> None:
        """Let something be done in the thread of the run, as the next thing."""
        self._said.put(duty)

    def told(self, live: Live) -> None:
        """What a task says while it runs."""
        errand = self._errands.get((live.node, live.path, live.attempt))
        if errand is not None:
            errand.began = True
        if live.lines or live.metrics or live.checkpoint or live.advance:
            self._said.put(live)

    def began(self, place: Place) -> None:
        """A task has begun, so it is not taken back when the run is cancelled."""
        errand = self._errands.get(place)
        if errand is not None:
            errand.began = True

    def lost(self, place: Place, why: str, cause: str = "lost", rank: int = 0) -> None:
        """A task will never answer.

        Args:
            why: what the engine says of it.
            cause: ``lost``, ``timeout`` or ``memory``.
        """
        errand = self._errands.get(place)
        if errand is None:
            return
        usage = Usage(errand.sent_at, time.time(), 0.0, 0, self.name)
        error = self._verdict(errand.spec, why, cause)
        report = Report(*place, error=error, usage=usage, lost=True, cause=cause)
        self._said.put(_Ranked(place, rank, report) if self._is_gang(place) else report)

    def lost_together(self, places: Collection[Place], why: str, cause: str = "lost", rank: int = 0) -> None:
        """Tasks of one call will not answer. In the thread of the run.

        Which of several was at work when the worker went, and which were done, nobody knows: none of them is blamed,
        and each is sent again, alone. So a task that ends its worker costs itself a try, and not its neighbours.
        """
        if len(places) == 1:
            self.lost(next(iter(places)), why, cause, rank)
            return
        now = time.time()
        for place in places:
            self._said.put(Live(*place, (LogLine(now, "WARNING", f"it is sent again: {why}"),)))
        self.again(places)

    def _verdict(self, spec: TaskSpec, why: str, cause: str) -> ErrorInfo:
        options = spec.options
        if cause == "timeout" and options is not None and options.timeout is not None:
            return timed_out(options.timeout)
        if cause == "memory":
            return out_of_memory(0, options.memory if options is not None else None, why)
        return lost(why)

    def _is_gang(self, place: Place) -> bool:
        errand = self._errands.get(place)
        return errand is not None and errand.machines > 1

    @property
    def waiting(self) -> dict[Place, TaskSpec]:
        """The tasks that have not answered."""
        return {place: errand.spec for place, errand in self._errands.items()}

    # The protocol of executors.

    def capacity(self) -> Mapping[str, float]:
        return {}

    def start(self, job: Job, functions: Sequence[Callable[..., Any]]) -> None:
        refs = tuple(function_ref(getattr(function, "__name__", "step"), function) for function in functions)
        self.begin(job, refs)

    def have_slots(self, count: int) -> None:
        """The engine does so many tasks at once: a few more for each are on their way."""
        self.slots = max(1, count)
        self.most = max(_AT_LEAST, (1 + _AHEAD) * self.slots)

    def begin(self, job: Job, refs: tuple[FunctionRef, ...]) -> None:
        """Get ready for a run whose functions are told already."""
        import sys

        self._job = job = msgspec.structs.replace(job, functions=refs, search_path=tuple(sys.path))
        self._cancelled = False
        self.sealed = seal_job(job if job.abroad is None else msgspec.structs.replace(job, project=None))
        self.connect(job)

    def room(self) -> int:
        most = self.most
        if self.together:
            fit = int(_PARCEL_SECONDS / (self._pace.average + _COST_SECONDS))
            most += 2 * self.slots * min(_MOST_TOGETHER, fit)
        return max(0, most - len(self._errands))

    def submit(self, tasks: Sequence[TaskSpec]) -> None:
        sent: list[TaskSpec] = []
        for spec in tasks:
            errand = self._errands[place_of(spec)] = _Errand(spec)
            if errand.machines == 1:
                (self._backlog if self._is_short(spec) else sent).append(spec)
            else:
                names = tuple(self.peers(spec))
                sent += (msgspec.structs.replace(spec, gang=Gang(rank, names)) for rank in range(len(names)))
        if sent:
            self.send(sent)
        self._dispatch()

    def _is_short(self, spec: TaskSpec) -> bool:
        return self.together and spec.options is None and self._pace.seconds(spec) < _PARCEL_SECONDS / 2

    def _dispatch(self) -> None:
        """Send short tasks together: a parcel is what one worker does in a moment, and never the share of another."""
        while self._backlog and self._parcels < 2 * self.slots:
            share = min(_MOST_TOGETHER, max(1, len(self._backlog) // self.slots))
            seconds, specs = 0.0, list[TaskSpec]()
            while self._backlog and len(specs) < share and seconds < _PARCEL_SECONDS:
                specs.append(self._backlog.popleft())
                seconds += self._pace.seconds(specs[-1]) + _COST_SECONDS
            parcel = _Parcel(len(specs))
            self._parcels += 1
            for spec in specs:
                self._errands[place_of(spec)].parcel = parcel
            self.send_together(specs)

    def _leave_parcel(self, errand: _Errand) -> None:
        parcel, errand.parcel = errand.parcel, None
        if parcel is not None:
            parcel.left -= 1
            if not parcel.left:
                self._parcels -= 1

    def wait(self, timeout: float | None) -> list[Message]:
        if self.looks and self._errands:
            now = time.monotonic()
            if now - self._looked >= _LOOK_SECONDS:
                self._looked = now
                self.look()
        timeout = self.patience(timeout)
        found: list[Message] = []
        try:
            said = self._said.get(timeout=timeout)
            while True:
                self._take(said, found)
                said = self._said.get_nowait()
        except queue.Empty:
            pass
        if self._cancelled:
            self._cancelled = False
            for spec in self._backlog:
                del self._errands[place_of(spec)]
                found.append(Withdrawn(spec.node, spec.path, spec.attempt))
            self._backlog.clear()
            waiting = [place for place, errand in self._errands.items() if not errand.began]
            taken = self.take_back(waiting, begun=False)
            found += (Withdrawn(*place) for place in taken if self._pop(place) is not None)
        self._dispatch()
        return found

    def _pop(self, place: Place) -> _Errand | None:
        errand = self._errands.pop(place, None)
        if errand is not None:
            self._leave_parcel(errand)
        return errand

    def _take(self, said: Message | _Ranked | Callable[[], None] | None, found: list[Message]) -> None:
        if isinstance(said, _Ranked):
            said = self._together(said)
        if said is None:
            return
        if isinstance(said, Report | Withdrawn):
            errand = self._pop((said.node, said.path, said.attempt))
            if errand is not None:
                found.append(said)
                if isinstance(said, Report) and not said.lost and self.together:
                    self._pace.learn(errand.spec, said)
        elif isinstance(said, Live):
            found.append(said)
        else:
            said()

    def _together(self, said: _Ranked) -> Report | None:
        """The report of a task that several machines do: when all have ended, or the first of them has failed."""
        errand = self._errands.get(said.place)
        if errand is None:
            return None
        errand.reports[said.rank] = said.report
        lines = tuple(line for report in errand.reports.values() for line in report.lines)
        if said.report.error is not None:
            self.take_back([said.place], begun=True)
            failed = said.report
            error = failed.error
            assert error is not None
            told = msgspec.structs.replace(error, message=f"rank {said.rank}: {error.message}")
            return msgspec.structs.replace(failed, error=told, lines=lines)
        if len(errand.reports) < errand.machines:
            return None
        metrics = tuple(metric for report in errand.reports.values() for metric in report.metrics)
        return msgspec.structs.replace(errand.reports[0], lines=lines, metrics=metrics)

    def wake(self) -> None:
        self._said.put(None)

    def rouse_by(self, rouse: Callable[[], None] | None) -> None:
        self._said.rouse = rouse

    def patience(self, timeout: float | None) -> float | None:
        if self.looks and self._errands:
            return min(_LOOK_SECONDS, _LOOK_SECONDS if timeout is None else timeout)
        return timeout

    def cancel(self) -> None:
        self._cancelled = True

    def stop(self, *, now: bool = False) -> None:
        if self._errands:
            self.take_back(list(self._errands), begun=True)
            self._errands.clear()
        self._backlog.clear()
        self._parcels = 0
        self.release(now=now)
