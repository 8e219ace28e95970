"""How do tasks run on a Dask cluster? Each is one call on a worker, which hands it to a worker process of plait's."""

from __future__ import annotations

import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import msgspec
from msgspec import Struct

from plait._version import __version__
from plait.engine.task import Job, Live, TaskSpec
from plait.errors import ConfError, PlaitError
from plait.executors.capacity import cores, gpus, memory
from plait.executors.flavours import HONOURED
from plait.executors.kept import digest_of, do_kept, end_kept, end_tasks, hold_job, keep_job, tasks_begun
from plait.executors.parcel import Parcel
from plait.executors.remote import Place, RemoteExecutor, encode_spec, place_of
from plait.executors.station import Back, Versions

if TYPE_CHECKING:
    from distributed import Client, Future

    from plait.project.project import Project

__all__ = ["DaskExecutor", "DaskSettings"]

_TIMEOUT_SECONDS = 30.0
_RESOURCES = {"cpus": "CPU", "gpus": "GPU", "memory": "MEMORY"}
_NOT_PLACED = frozenset({"cpus", "gpus"})
_SURVEY_SECONDS = 5.0
_SMALL_BYTES = 64 * 1024
_CUT = "the connection to the Dask scheduler broke off, and with it went what was on its way"


class _Begun(Struct, frozen=True, array_like=True, tag="begun"):
    """A worker has begun a call: the first of its tasks."""

    call: int
    worker: str


class _Ended(Struct, frozen=True, array_like=True, tag="ended"):
    """A worker has done a task; or could not, because it does not know the job."""

    place: Place
    rank: int
    worker: str
    answer: bytes | None


_encode_event = msgspec.msgpack.Encoder().encode
_read_event = msgspec.msgpack.Decoder(list[Live | _Begun | _Ended | Back])


class DaskSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """On a Dask cluster: the one of a scheduler's ``address``, or workers of this machine that end with the run.

    Attributes:
        address: of the scheduler: ``tcp://host:8786``.
        workers: how many are started where no address is given, each with its share of the cores; if left out, one
            with all of them.
        security: what ``distributed.Security`` takes, for a cluster that speaks TLS.
    """

    integration: ClassVar[str] = "dask"

    address: str | None = None
    workers: Annotated[int, msgspec.Meta(ge=1)] | None = None
    security: dict[str, Any] = {}

    def open(self, project: Project | None) -> DaskExecutor:
        return DaskExecutor(self.address, self.workers, self.security)


class _Call:
    """A call on the cluster, of one task or of short ones together.

    Attributes:
        left: the tasks that have not answered, in order.
        worker: which one has begun it, as far as is known.
    """

    future: Future

    def __init__(self, number: int, specs: Sequence[TaskSpec], address: str | None) -> None:
        spec = specs[0]
        self.number = number
        self.left = {place_of(one): one for one in specs}
        self.address = address
        self.rank = spec.gang.rank if spec.gang is not None else 0
        self.worker = ""


class DaskExecutor(RemoteExecutor):
    """Runs tasks on the workers of a Dask cluster.

    ``cpus``, ``gpus`` and ``memory`` of a step are the resources ``CPU``, ``GPU`` and ``MEMORY`` (bytes) of workers,
    where these declare them: ``dask worker … --resources "CPU=4 GPU=1"``.

    Args:
        address: of the scheduler; workers of this machine if left out.
        workers: how many are started then, one for all cores if left out.
        security: what ``distributed.Security`` takes.
    """

    name = "dask"
    looks = True
    together = True

    def __init__(
        self,
        address: str | None = None,
        workers: int | None = None,
        security: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(most=1)
        self._address = address
        self._workers = workers
        self._security = dict(security or {})
        self._calls: dict[tuple[Place, int], _Call] = {}
        self._by_number: dict[int, _Call] = {}
        self._tries = 0
        self._gangs: deque[list[TaskSpec]] = deque()
        self._gang: set[tuple[Place, int]] = set()
        self._topic = ""
        self._digest = ""
        self._surveyed = 0.0
        self._is_cut = False

    @cached_property
    def _client(self) -> Client:
        try:
            import dask
            from distributed import Client, LocalCluster, Security
        except ImportError:
            raise ConfError(
                "the executor dask needs the package distributed", hint="plait integration install dask"
            ) from None
        if self._address is not None:
            security = Security(**self._security) if self._security else None
            try:
                return Client(
                    self._address, security=security, timeout=_TIMEOUT_SECONDS, set_as_default=False
                )
            except (OSError, ValueError) as error:
                raise PlaitError(
                    f"there is no Dask scheduler at {self._address}: {error}",
                    hint="start it: dask scheduler; and workers: dask worker ADDRESS",
                ) from None
        self._logger_level = logging.getLogger("distributed").level
        logging.getLogger("distributed").setLevel(logging.CRITICAL)  # it is ours, and nobody's to look after
        with dask.config.set({"distributed.scheduler.allowed-failures": 0}):
            cluster = LocalCluster(**self._at_home(), resources=self._resources())
        self._cluster = cluster
        return Client(cluster, set_as_default=False)

    def _at_home(self) -> dict[str, Any]:
        """One worker with a thread for each task at once; or, where a number is said, as many with one each."""
        return {
            "n_workers": self._workers or 1,
            "threads_per_worker": 1 if self._workers else cores(),
            "memory_limit": None,
            "dashboard_address": "127.0.0.1:0",
            "host": "127.0.0.1",
            "silence_logs": logging.CRITICAL,
        }

    def _resources(self) -> dict[str, float]:
        """What each worker of this machine has: its share."""
        share = self._workers or 1
        return {
            "CPU": max(1.0, cores() / share),
            "GPU": len(gpus()) if share == 1 else 0,  # two processes would hand out the same ones
            "MEMORY": memory() // share,
        }

    @cached_property
    def _machines(self) -> dict[str, dict[str, Any]]:
        """The workers, by address."""
        found: dict[str, dict[str, Any]] = self._client.scheduler_info(n_workers=-1)["workers"]
        if not found:
            try:
                self._client.wait_for_workers(1, timeout=_TIMEOUT_SECONDS)
            except TimeoutError:
                raise PlaitError(
                    f"the Dask scheduler at {self._address} has no workers",
                    hint="start one: dask worker ADDRESS",
                ) from None
            found = self._client.scheduler_info(n_workers=-1)["workers"]
        return found

    @property
    def honours(self) -> frozenset[str]:  # type: ignore[override]
        """Cores and GPUs only where workers declare them: elsewhere nobody would keep tasks from taking the same."""
        declared = {name for one in self._machines.values() for name in one.get("resources", {})}
        missing = {option for option in _NOT_PLACED if _RESOURCES[option] not in declared}
        return (HONOURED | {"nodes"}) - missing

    def largest(self) -> dict[str, float]:
        """What one task can have: of each resource, that of the worker with most of it."""
        found: dict[str, float] = {"nodes": float(len(self._machines))}
        for option, name in _RESOURCES.items():
            amounts = [
                one["resources"][name] for one in self._machines.values() if name in one.get("resources", {})
            ]
            if amounts:
                found[option] = max(amounts)
        return found

    def check(self) -> None:
        """Whether there are workers, and each has this Python and this plait."""
        for theirs in self._tell_workers(Versions.on_this_host).values():
            fault = Versions.here().differ_from(theirs[1], theirs[0])
            if fault is not None:
                raise PlaitError(fault)

    def connect(self, job: Job) -> None:
        self._survey()
        self._topic = f"plait-{job.run_id}-{time.monotonic_ns()}"
        self._digest = digest_of(self.sealed)
        self._client.subscribe_topic(self._topic, self._hear)
        self._bring()

    def _survey(self) -> None:
        """See which workers there are now, and how many tasks can be on their way at once."""
        self._surveyed = time.monotonic()
        self.__dict__.pop("_machines", None)
        self._count_slots()

    def _count_slots(self) -> None:
        self.have_slots(sum(one["nthreads"] for one in self._machines.values()))

    def _bring(self, address: str | None = None) -> None:
        """Let workers know the job; all that there are if none is named. One that comes later asks for it."""
        self._tell_workers(keep_job, self.sealed, workers=[address] if address is not None else None)

    def _tell_workers(self, function: Callable[..., Any], *given: Any, **how: Any) -> dict[str, Any]:
        """Call a function on workers; its answers, by their addresses."""
        try:
            answers: dict[str, Any] = self._client.run(function, *given, **how)
        except ModuleNotFoundError as error:
            raise PlaitError(
                f"a worker of the Dask cluster cannot import {error.name}",
                hint=f"pip install plait=={__version__} where the workers run",
            ) from None
        return answers

    def look(self) -> None:
        now = time.monotonic()
        if self._is_cut or now - self._surveyed <= _SURVEY_SECONDS:
            return
        self._surveyed = now
        with contextlib.suppress(Exception):  # a scheduler that does not answer now may do so later
            found = self._client.scheduler_info(n_workers=-1)["workers"]
            if found:  # else those that were there may come back: nobody waits for them here
                self.__dict__["_machines"] = found
                self._count_slots()

    def send(self, specs: Sequence[TaskSpec]) -> None:
        gangs: dict[Place, list[TaskSpec]] = {}
        for spec in specs:
            if spec.gang is None:
                self._submit([spec])
            else:
                gangs.setdefault(place_of(spec), []).append(spec)
        self._gangs.extend(gangs.values())
        self._next_gang()

    def peers(self, spec: TaskSpec) -> list[str]:
        assert spec.options is not None
        return [_host_of(address) for address in self._team(spec.options.nodes)]

    def _team(self, size: int) -> list[str]:
        """Workers for a task of several machines, on as many hosts as there are."""
        by_host: dict[str, list[str]] = {}
        for address in self._machines:
            by_host.setdefault(_host_of(address), []).append(address)
        spread: list[str] = []
        while len(spread) < len(self._machines):
            spread += [names.pop(0) for names in by_host.values() if names]
        return spread[:size]

    def _next_gang(self) -> None:
        """One gang at a time: two that hold some workers each, and wait for the rest, would wait for ever."""
        if self._gang or not self._gangs:
            return
        specs = self._gangs.popleft()
        for spec, address in zip(specs, self._team(len(specs)), strict=True):
            self._gang.add((place_of(spec), spec.gang.rank if spec.gang is not None else 0))
            self._submit([spec], address)

    def send_together(self, specs: Sequence[TaskSpec]) -> None:
        self._submit(specs)

    def _submit(self, specs: Sequence[TaskSpec], address: str | None = None) -> None:
        spec = specs[0]
        if self._is_cut:  # one that comes back knows neither the run nor whom to tell
            for one in specs:
                rank = one.gang.rank if one.gang is not None else 0
                self.refused(place_of(one), PlaitError(_CUT, hint="plait resume goes on from here"), rank)
            return
        self._tries += 1
        call = self._by_number[self._tries] = _Call(self._tries, specs, address)
        key = f"{spec.name}-{self._topic}-{spec.node}-{'.'.join(map(str, spec.path))}-{spec.attempt}-{self._tries}"
        call.future = self._client.submit(
            _far,
            self._digest,
            [encode_spec(one) for one in specs],
            self._topic,
            call.number,
            key=key,
            pure=False,
            resources=self._wishes(spec),
            workers=address,
            priority=10 if spec.gang is not None else 0,
        )
        for place in call.left:
            self._calls[place, call.rank] = call
        call.future.add_done_callback(lambda _: self.later(partial(self._done, call)))

    def _wishes(self, spec: TaskSpec) -> dict[str, float] | None:
        if not any("CPU" in one.get("resources", {}) for one in self._machines.values()):
            return None
        wishes: dict[str, float] = {"CPU": spec.options.cpus if spec.options is not None else 1.0}
        if spec.options is not None and spec.options.gpus:
            wishes["GPU"] = spec.options.gpus
        if spec.options is not None and spec.options.memory and "memory" in self.largest():
            wishes["MEMORY"] = spec.options.memory
        return wishes

    def _done(self, call: _Call) -> None:
        if not call.left:
            return
        future = call.future
        try:
            if future.status == "finished":
                for node, path, attempt, answer in future.result(timeout=_TIMEOUT_SECONDS):
                    self._answered((node, tuple(path), attempt), call, answer)
                return  # the others come as events, or have come
            why = "the call was cancelled on the cluster"
            if self._client.status != "running":
                self._is_cut = True
                why = _CUT
            if future.status == "error":
                why = _told(future.exception(timeout=_TIMEOUT_SECONDS))
        except Exception as error:  # noqa: BLE001 - whatever it is, the run has to hear of it
            why = f"the answer could not be fetched from the cluster: {error}"
        self._lose(call, why)

    def _lose(self, call: _Call, why: str) -> None:
        left = list(call.left)
        for place in left:
            self._over(place, call)
        self.lost_together(left, why, rank=call.rank)

    def _answered(self, place: Place, call: _Call, answer: bytes) -> None:
        if place in call.left:
            self._over(place, call)
            self.answered(place, answer, call.rank)

    def _has_ended(self, ended: _Ended) -> None:
        call = self._calls.get((ended.place, ended.rank))
        if call is None:
            return
        if ended.answer is not None:
            self._answered(ended.place, call, ended.answer)
        else:  # by a worker that came later, and does not know the job
            spec = call.left[ended.place]
            self._over(ended.place, call)
            self._bring(ended.worker)
            self._submit([spec], call.address)

    def _came_back(self, back: Back) -> None:
        place = (back.node, back.path, back.attempt)
        call = self._calls.get((place, 0))
        if call is not None:
            self._over(place, call)
            self.again([place])

    def _over(self, place: Place, call: _Call) -> None:
        call.left.pop(place, None)
        if not call.left:
            self._by_number.pop(call.number, None)
        if self._calls.get((place, call.rank)) is call:
            del self._calls[place, call.rank]
        if self._gang:
            self._gang.discard((place, call.rank))
            self._next_gang()

    def _has_begun(self, begun: _Begun) -> None:
        """A worker has begun a call. Where another one had before, that one is gone: Dask tries again by itself."""
        call = self._by_number.get(begun.call)
        if call is None:
            return
        self.began(next(iter(call.left)))
        if call.worker in ("", begun.worker):
            call.worker = begun.worker
            return
        self._end([call])
        self._lose(call, f"the Dask worker {call.worker} is gone")

    def _end(self, calls: Collection[_Call]) -> None:
        """Take calls out of the queue, or end what they have begun: a call that runs is not ended by Dask."""
        self._client.cancel([call.future for call in calls], force=True)
        places = [place for call in calls if call.worker for place in call.left]
        if places:
            with contextlib.suppress(Exception):
                self._client.run(end_tasks, self._digest, places, wait=False)

    def take_back(self, places: Collection[Place], *, begun: bool) -> Collection[Place]:
        taken = set(places)
        if not begun:
            try:
                # First nothing more begins anywhere; what has until then is known after that.
                self._client.run(hold_job, self._digest)
                for found in self._client.run(tasks_begun, self._digest).values():
                    taken -= {(node, tuple(path), attempt) for node, path, attempt in found}
            except Exception:  # noqa: BLE001 - a worker that does not answer may be doing any of them
                return ()
        self._gangs = deque(gang for gang in self._gangs if place_of(gang[0]) not in taken)
        chosen = {at: call for at, call in self._calls.items() if at[0] in taken}
        whole = {call.number: call for call in chosen.values() if taken.issuperset(call.left)}
        if whole:
            with contextlib.suppress(Exception):
                self._end(list(whole.values()))
        for (place, _), call in chosen.items():
            self._over(place, call)
        return taken

    def release(self, *, now: bool) -> None:
        if "_client" not in self.__dict__:
            return
        client = self._client
        with contextlib.suppress(Exception):
            if self._topic:
                client.run(end_kept, self._digest)
                client.unsubscribe_topic(self._topic)
                client.run_on_scheduler(_forget, self._topic)
        self._calls.clear()
        self._by_number.clear()
        self._is_cut = False
        self._gangs.clear()
        self._gang.clear()
        client.close()
        del self.__dict__["_client"]
        self.__dict__.pop("_machines", None)
        cluster = self.__dict__.pop("_cluster", None)
        if cluster is not None:
            with contextlib.suppress(Exception):
                cluster.close()
            logging.getLogger("distributed").setLevel(self._logger_level)

    def _hear(self, event: tuple[float, bytes]) -> None:
        """In a thread of the client."""
        with contextlib.suppress(msgspec.DecodeError):
            for said in _read_event.decode(event[1]):
                if isinstance(said, Live):
                    self.told(said)
                elif isinstance(said, _Begun):
                    self.later(partial(self._has_begun, said))
                elif isinstance(said, Back):
                    self.later(partial(self._came_back, said))
                else:
                    self.later(partial(self._has_ended, said))


def _far(
    digest: str, specs: Sequence[bytes], topic: str, call: int
) -> list[tuple[int, tuple[int, ...], int, bytes]]:
    """On a worker of the cluster. Answers go with what is said: so they need not be fetched, unless they are large."""
    from distributed import get_worker

    worker = get_worker()
    large: list[tuple[int, tuple[int, ...], int, bytes]] = []
    begun = False
    parcel = Parcel(specs, lambda said: worker.log_event(topic, _encode_event(said)))

    def begin() -> None:
        nonlocal begun
        if not begun:
            begun = True
            parcel.say(_Begun(call, worker.address), now=True)

    def do(spec: bytes) -> bool:
        task: TaskSpec = msgspec.msgpack.decode(spec, type=TaskSpec)
        answer = do_kept(digest, spec, parcel.say, begin)
        if answer is not None and len(answer) > _SMALL_BYTES:
            large.append((*place_of(task), answer))
        else:
            rank = task.gang.rank if task.gang is not None else 0
            parcel.say(_Ended(place_of(task), rank, worker.address, answer))
        return answer is not None

    parcel.do_all(do)
    return large


def _forget(topic: str, dask_scheduler: Any = None) -> None:
    """On the scheduler, which keeps what was said."""
    events = getattr(dask_scheduler, "_broker", dask_scheduler)
    getattr(events, "_topics" if events is not dask_scheduler else "events", {}).pop(topic, None)


def _host_of(address: str) -> str:
    return address.rpartition("://")[2].rpartition(":")[0]


def _told(error: BaseException | None) -> str:
    said = str(error).strip().splitlines()
    return f"the Dask worker is gone: {said[0] if said else type(error).__name__}"
