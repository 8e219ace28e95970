"""How do tasks run on a Dask cluster? Each is one call on a worker, which hands it to a worker process of plait's."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import msgspec
from msgspec import Struct

from plait.engine.task import Job, Live, TaskSpec
from plait.errors import ConfError, PlaitError
from plait.executors.capacity import cores, gpus, memory
from plait.executors.flavours import HONOURED
from plait.executors.remote import Place, RemoteExecutor, encode_spec
from plait.executors.station import do_task, end_stations

if TYPE_CHECKING:
    from distributed import Client, Future

    from plait.project.project import Project

__all__ = ["DaskExecutor", "DaskSettings"]

_AHEAD = 4  # tasks on their way for each that runs
_TIMEOUT_SECONDS = 30.0
_RESOURCES = {"cpus": "CPU", "gpus": "GPU", "memory": "MEMORY"}
_NOT_PLACED = frozenset({"cpus", "gpus"})
_encode_live = msgspec.msgpack.Encoder().encode
_read_live = msgspec.msgpack.Decoder(Live)


class DaskSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """On a Dask cluster: the one of a scheduler's ``address``, or workers of this machine that end with the run.

    Attributes:
        address: of the scheduler: ``tcp://host:8786``.
        workers: how many are started where no address is given; one per core if left out.
        security: what ``distributed.Security`` takes, for a cluster that speaks TLS.
    """

    integration: ClassVar[str] = "dask"

    address: str | None = None
    workers: Annotated[int, msgspec.Meta(ge=1)] | None = None
    security: dict[str, Any] = {}

    def open(self, project: Project | None) -> DaskExecutor:
        return DaskExecutor(self.address, self.workers, self.security)


class DaskExecutor(RemoteExecutor):
    """Runs tasks on the workers of a Dask cluster.

    ``cpus``, ``gpus`` and ``memory`` of a step are the resources ``CPU``, ``GPU`` and ``MEMORY`` (bytes) of workers,
    where these declare them: ``dask worker … --resources "CPU=4 GPU=1"``.

    Args:
        address: of the scheduler; workers of this machine if left out.
        workers: how many are started then.
        security: what ``distributed.Security`` takes.
    """

    name = "dask"

    def __init__(
        self,
        address: str | None = None,
        workers: int | None = None,
        security: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(most=1)
        self._address = address
        self._workers = workers or cores()
        self._security = dict(security or {})
        self._futures: dict[tuple[Place, int], Future] = {}
        self._gangs: deque[list[TaskSpec]] = deque()
        self._gang: set[tuple[Place, int]] = set()
        self._topic = ""
        self._job: Any = None

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
        with dask.config.set({"distributed.scheduler.allowed-failures": 0}):
            cluster = LocalCluster(
                n_workers=self._workers,
                threads_per_worker=1,
                memory_limit=None,
                dashboard_address=None,
                host="127.0.0.1",
                silence_logs=50,
                resources={"CPU": cores(), "GPU": len(gpus()), "MEMORY": memory()},
            )
        self._cluster = cluster
        return Client(cluster, set_as_default=False)

    @cached_property
    def _machines(self) -> dict[str, dict[str, Any]]:
        """The workers, by address."""
        found: dict[str, dict[str, Any]] = self._client.scheduler_info(n_workers=-1)["workers"]
        if not found:
            self._client.wait_for_workers(1, timeout=_TIMEOUT_SECONDS)
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

    def connect(self, job: Job) -> None:
        threads = sum(one["nthreads"] for one in self._machines.values())
        self.most = max(32, (1 + _AHEAD) * threads)
        self._topic = f"plait-{job.run_id}-{time.monotonic_ns()}"
        self._client.subscribe_topic(self._topic, self._hear)
        self._job = self._client.scatter(self.sealed, broadcast=True, hash=False)

    def send(self, specs: Sequence[TaskSpec]) -> None:
        gangs: dict[Place, list[TaskSpec]] = {}
        for spec in specs:
            if spec.gang is None:
                self._submit(spec)
            else:
                gangs.setdefault((spec.node, spec.path, spec.attempt), []).append(spec)
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
            self._gang.add((_place(spec), spec.gang.rank if spec.gang is not None else 0))
            self._submit(spec, address)

    def _submit(self, spec: TaskSpec, address: str | None = None) -> None:
        place, rank = _place(spec), spec.gang.rank if spec.gang is not None else 0
        key = f"{spec.name}-{self._topic}-{spec.node}-{'.'.join(map(str, spec.path))}-{spec.attempt}-{rank}"
        future = self._client.submit(
            _far,
            self._job,
            encode_spec(spec),
            self._topic,
            key=key,
            pure=False,
            resources=self._wishes(spec),
            workers=address,
            priority=10 if spec.gang is not None else 0,
        )
        self._futures[place, rank] = future
        future.add_done_callback(partial(self._done, place, rank))

    def _wishes(self, spec: TaskSpec) -> dict[str, float] | None:
        if not any("CPU" in one.get("resources", {}) for one in self._machines.values()):
            return None
        wishes: dict[str, float] = {"CPU": spec.options.cpus if spec.options is not None else 1.0}
        if spec.options is not None and spec.options.gpus:
            wishes["GPU"] = spec.options.gpus
        if spec.options is not None and spec.options.memory and "memory" in self.largest():
            wishes["MEMORY"] = spec.options.memory
        return wishes

    def _done(self, place: Place, rank: int, future: Future) -> None:
        if self._futures.pop((place, rank), None) is None:
            return
        try:
            if future.status == "finished":
                self.answered(place, future.result(timeout=_TIMEOUT_SECONDS), rank)
            else:
                why = "the call was cancelled on the cluster"
                if future.status == "error":
                    why = _told(future.exception(timeout=_TIMEOUT_SECONDS))
                self.lost(place, why, rank=rank)
        except Exception as error:  # noqa: BLE001 - in a thread of the client: the run has to hear of it
            self.lost(place, f"the answer could not be fetched from the cluster: {error}", rank=rank)
        if self._gang:
            self._gang.discard((place, rank))
            self._next_gang()

    def take_back(self, places: Collection[Place], *, begun: bool) -> Collection[Place]:
        wanted = set(places)
        running: set[str] = set()
        if not begun:
            with contextlib.suppress(Exception):
                running = {key for keys in self._client.processing().values() for key in map(str, keys)}
        chosen = {
            at: future
            for at, future in self._futures.items()
            if at[0] in wanted and (begun or str(future.key) not in running)
        }
        for at in chosen:
            self._futures.pop(at, None)
            self._gang.discard(at)
        self._gangs = deque(gang for gang in self._gangs if _place(gang[0]) not in wanted)
        if chosen:
            self._client.cancel(list(chosen.values()), force=True)
        if begun and chosen:
            # A call that runs is not ended by that: what it has started is.
            with contextlib.suppress(Exception):
                self._client.run(end_stations, self.sealed, wait=False)
        return {place for place, _ in chosen}

    def release(self, *, now: bool) -> None:
        if "_client" not in self.__dict__:
            return
        client = self._client
        with contextlib.suppress(Exception):
            if self._topic:
                client.run(end_stations, self.sealed)
                client.unsubscribe_topic(self._topic)
        self._futures.clear()
        self._job = None
        client.close()
        del self.__dict__["_client"]
        self.__dict__.pop("_machines", None)
        cluster = self.__dict__.pop("_cluster", None)
        if cluster is not None:
            cluster.close()

    def _hear(self, event: tuple[float, bytes]) -> None:
        with contextlib.suppress(msgspec.DecodeError):
            self.told(_read_live.decode(event[1]))


def _far(sealed: bytes, spec: bytes, topic: str) -> bytes:
    """On a worker of the cluster."""
    from distributed import get_worker

    worker = get_worker()

    def tell(live: Live) -> None:
        worker.log_event(topic, _encode_live(live))

    return do_task(sealed, spec, tell)


def _place(spec: TaskSpec) -> Place:
    return spec.node, spec.path, spec.attempt


def _host_of(address: str) -> str:
    return address.rpartition("://")[2].rpartition(":")[0]


def _told(error: BaseException | None) -> str:
    said = str(error).strip().splitlines()
    return f"the Dask worker is gone: {said[0] if said else type(error).__name__}"
