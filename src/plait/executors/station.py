"""What does another machine do with a task? It gives it to a worker process of its own, as a laptop would.

So whatever the engine is that brought the task here, a step finds the same: its limits are minded, what it prints is
kept, it may crash in native code, and its environment is its own.
"""

from __future__ import annotations

import atexit
import platform
import socket
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from typing import TypeAlias, TypeVar

import msgspec
from msgspec import Struct

from plait._version import __version__
from plait.engine.task import Job, Live, Report, TaskSpec
from plait.errors import PlaitError
from plait.executors.capacity import gpus
from plait.executors.packing import settled
from plait.executors.processes import ProcessExecutor
from plait.graph.model import Path
from plait.record.facts import ErrorInfo, describe_error

__all__ = [
    "Answer",
    "Back",
    "Held",
    "Refused",
    "Station",
    "Versions",
    "do_task",
    "encode_said",
    "end_stations",
    "host",
    "open_job",
    "read_all_said",
    "read_said",
    "seal_job",
]

_PATIENCE_SECONDS = 0.5
_OVER = "the run that this task is of is over"
_read_job = msgspec.msgpack.Decoder(Job)
_read_spec = msgspec.msgpack.Decoder(TaskSpec)


class Versions(Struct, frozen=True, array_like=True):
    """What has to be the same on both sides of a conversation: values and functions travel as these two write them."""

    python: str
    plait: str

    @classmethod
    def here(cls) -> Versions:
        return cls(".".join(map(str, sys.version_info[:2])), __version__)

    @classmethod
    def on_this_host(cls) -> tuple[str, Versions]:
        """The same, with the name of this machine."""
        return host(), cls.here()

    def differ_from(self, theirs: Versions, place: str) -> str | None:
        """What is wrong with a worker's versions, and what to do; None if nothing is."""
        if theirs == self:
            return None
        what = f"the worker on {place} has Python {theirs.python} and plait {theirs.plait}"
        return f"{what}, and this run has Python {self.python} and plait {self.plait}: install the same there"


class _Sealed(Struct, frozen=True, array_like=True):
    """A job with the versions in front, which any version can read."""

    python: str
    plait: str
    job: bytes


def seal_job(job: Job) -> bytes:
    ours = Versions.here()
    return encode_said(_Sealed(ours.python, ours.plait, encode_said(job)))


def open_job(sealed: bytes) -> Job:
    """The job that another machine has sent.

    Raises:
        PlaitError: that machine has other versions.
    """
    found = msgspec.msgpack.decode(sealed, type=_Sealed)
    theirs = Versions(found.python, found.plait)
    fault = theirs.differ_from(Versions.here(), host())
    if fault is not None:
        raise PlaitError(fault)
    return _read_job.decode(found.job)


@cache
def host() -> str:
    """The name of this machine."""
    return platform.node() or socket.gethostname()


class Refused(Struct, frozen=True, array_like=True, tag="refused"):
    """The task could not even begin on that machine."""

    place: str
    error: ErrorInfo


class Held(Struct, frozen=True, array_like=True, tag="held"):
    """The task did not begin, and will not: its run was cancelled meanwhile."""

    node: int
    path: Path
    attempt: int


class Back(Struct, frozen=True, array_like=True, tag="back"):
    """The task did not begin there, where another one before it takes long: it is given back."""

    node: int
    path: Path
    attempt: int


Answer: TypeAlias = Report | Refused | Held | Back
ReportOrLive = TypeVar("ReportOrLive", Report, Live)
encode_said = msgspec.msgpack.Encoder().encode
read_said = msgspec.msgpack.Decoder(Live | Answer)
read_all_said = msgspec.msgpack.Decoder(list[Live | Answer])


class Station:
    """The tasks of one job on this machine, one after the other.

    Args:
        job: as it was when it was sent.

    Raises:
        PlaitError: what it needs, such as its code, cannot be had here.
    """

    def __init__(self, job: Job) -> None:
        from plait.data import ArtifactStore
        from plait.project.stores import cache_folder

        access = job.abroad.access if job.abroad is not None else job.access
        store = ArtifactStore(job.store, str(cache_folder()), access)
        here, folder = settled(job, store)
        self._workers = ProcessExecutor(1)
        self._workers.begin(here, here.functions, folder)
        self._ended = False
        self._stopping = threading.Lock()

    def do(self, spec: TaskSpec, tell: Callable[[Live], None]) -> Report:
        """Do one task to its end, whatever that is."""
        with _gpus_for(spec) as names:
            if names:
                self._workers.use_gpus(names)
            return self._do(spec, tell)

    def _do(self, spec: TaskSpec, tell: Callable[[Live], None]) -> Report:
        if not self._ended:
            self._workers.submit([spec])
        place = (spec.node, spec.path)
        while not self._ended:
            for message in self._workers.wait(_PATIENCE_SECONDS):
                if isinstance(message, Report) and (message.node, message.path) == place:
                    usage = msgspec.structs.replace(message.usage, worker=f"{host()} {message.usage.worker}")
                    return msgspec.structs.replace(message, usage=usage)
                if isinstance(message, Live):
                    tell(message)
        with self._stopping:  # once more: what was submitted in that very moment may have started a worker
            self._workers.stop(now=True)
        raise PlaitError(_OVER)

    def end(self) -> None:
        """End its worker, whatever that does."""
        with self._stopping:
            if not self._ended:
                self._ended = True
                self._workers.stop(now=True)


class NoGpu(PlaitError):
    """A worker has fewer GPUs than it has told its engine."""


_gpus_taken: set[str] = set()
_gpus_lock = threading.Lock()


@contextmanager
def _gpus_for(spec: TaskSpec) -> Iterator[tuple[str, ...]]:
    """The GPUs of a task, of those that this process has just now: no two tasks at once have the same.

    Raises:
        NoGpu: the engine has brought the task to where there are not enough.
    """
    asked = spec.options.gpus if spec.options is not None else 0
    with _gpus_lock:
        there = gpus() if asked else ()
        chosen = tuple(one for one in there if one not in _gpus_taken)[:asked]
        if len(chosen) < asked:
            raise NoGpu(
                f"the task asks for gpus={asked}, and the worker on {host()} has {len(there)}: fewer than it declares",
                hint="PLAIT_GPUS=0,1 or CUDA_VISIBLE_DEVICES where it is started says which it has",
            )
        _gpus_taken.update(chosen)
    try:
        yield chosen
    finally:
        with _gpus_lock:
            _gpus_taken.difference_update(chosen)


class _Stations:
    """The stations of this process: a job has as many as there are tasks at once, and they stay warm for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: dict[str, list[Station]] = {}
        self._all: dict[str, list[Station]] = {}
        self._jobs: dict[str, Job] = {}
        self._ended: Counter[str] = Counter()  # how often; a run that is resumed is the same job

    def take(self, sealed: bytes) -> tuple[str, Station]:
        digest = sha256(sealed).hexdigest()
        with self._lock:
            waiting = self._idle.get(digest)
            if waiting:
                return digest, waiting.pop()
            job, ended = self._jobs.get(digest), self._ended[digest]
        if job is None:
            job = open_job(sealed)
        station = Station(job)
        with self._lock:
            if ended == self._ended[digest]:
                self._jobs[digest] = job
                self._all.setdefault(digest, []).append(station)
                return digest, station
        station.end()  # the job was ended while this was made
        raise PlaitError(_OVER)

    def give_back(self, digest: str, station: Station) -> None:
        with self._lock:
            self._idle.setdefault(digest, []).append(station)

    def drop(self, digest: str, station: Station) -> None:
        with self._lock:
            there = self._all.get(digest, [])
            if station in there:
                there.remove(station)
        station.end()

    def end(self, digest: str | None = None) -> None:
        with self._lock:
            names = [digest] if digest is not None else list(self._all)
            found = [one for name in names for one in self._all.pop(name, ())]
            for name in names:
                self._ended[name] += 1
                self._idle.pop(name, None)
                self._jobs.pop(name, None)
        for one in found:
            one.end()


stations = _Stations()
atexit.register(stations.end)


def end_stations(sealed: bytes) -> None:
    """A job is over: end what this process has started for it."""
    stations.end(sha256(sealed).hexdigest())


def do_task(
    sealed: bytes,
    spec: bytes,
    tell: Callable[[Live], None],
    at: Callable[[Station], None] = lambda _: None,
) -> bytes:
    """Do one task of a job in a process that may do others; answers with an ``Answer``, as bytes.

    Whatever stands in the way here is the task's error: nothing is raised.

    Args:
        tell: told what the task says while it runs.
        at: told which station does it.
    """
    try:
        digest, station = stations.take(sealed)
    except Exception as error:  # noqa: BLE001 - whatever it is, the driver has to hear of it
        return encode_said(Refused(host(), describe_error(error)))
    at(station)
    try:
        task = _read_spec.decode(spec)
        rank = task.gang.rank if task.gang is not None else 0
        report = station.do(task, lambda live: tell(_of_rank(rank, live)))
    except NoGpu as error:
        stations.give_back(digest, station)
        return encode_said(Refused(host(), describe_error(error)))
    except BaseException:
        stations.drop(digest, station)
        raise
    stations.give_back(digest, station)
    return encode_said(_of_rank(rank, report))


def _of_rank(rank: int, said: ReportOrLive) -> ReportOrLive:
    """What a machine of a gang says, told apart from what that of rank 0 does."""
    if rank == 0 or not (said.lines or said.metrics):
        return said
    lines = tuple(msgspec.structs.replace(line, text=f"[{rank}] {line.text}") for line in said.lines)
    metrics = tuple(msgspec.structs.replace(one, name=f"{one.name}[{rank}]") for one in said.metrics)
    return msgspec.structs.replace(said, lines=lines, metrics=metrics)
