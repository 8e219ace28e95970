"""How do tasks run on a Ray cluster? Each is one call on a worker, which hands it to a worker process of plait's.

A call is a generator: it gives what a task says as soon as it is said, and the answer last. So nothing but the call
itself has to run on the cluster, and what was said comes before the answer.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import msgspec
from msgspec import Struct

from plait._version import __version__
from plait.engine.task import Gang, Job, Live, TaskSpec
from plait.errors import ConfError, PlaitError
from plait.executors.capacity import cores, gpus, memory
from plait.executors.flavours import HONOURED
from plait.executors.parcel import Parcel
from plait.executors.remote import Place, RemoteExecutor, encode_spec, place_of
from plait.executors.station import Held, Refused, do_task, encode_said, read_all_said

if TYPE_CHECKING:
    from ray import ObjectRef, ObjectRefGenerator

    from plait.project.project import Project

__all__ = ["RayExecutor", "RaySettings"]

_STORE_BYTES = 100 * 2**20  # of Ray's own store of objects: what goes through it is small
_HOLD_SECONDS, _SWEEP_SECONDS = 5.0, 20.0  # that machines may take to begin with it
_QUIET_SECONDS = 0.3  # a task that is younger has not said anything yet
_SURVEY_SECONDS = 5.0
_PROBE_SECONDS = 10.0


class RaySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """On a Ray cluster: the one of an ``address``, or a node on this machine that ends with the run.

    Attributes:
        address: of the cluster's head, ``host:6379``, or ``auto`` on one of its machines. If left out, that of the
            variable ``RAY_ADDRESS``, which is there inside ``ray job submit``.
        workers: how many CPUs a node on this machine has; one per core if left out.
        runtime_env: what Ray prepares on its machines for the run, such as ``{pip: [plait]}``.
        autoscaling: machines are added when tasks ask for them, so nothing is refused for want of resources.
    """

    integration: ClassVar[str] = "ray"

    address: str | None = None
    workers: Annotated[int, msgspec.Meta(ge=1)] | None = None
    runtime_env: dict[str, Any] = {}
    autoscaling: bool = False

    def open(self, project: Project | None) -> RayExecutor:
        return RayExecutor(self.address, self.workers, self.runtime_env, autoscaling=self.autoscaling)


class _Call:
    """A call on the cluster: what it does, and where its answers come from.

    Attributes:
        place: of its task, or of the first of short ones.
        left: the tasks that have not answered, in order.
    """

    def __init__(self, specs: Sequence[TaskSpec], answers: ObjectRefGenerator) -> None:
        spec = specs[0]
        self.left: dict[Place, None] = {place_of(one): None for one in specs}
        self.place: Place = place_of(spec)
        self.rank = spec.gang.rank if spec.gang is not None else 0
        self.answers = answers
        self.sent_at = time.monotonic()


class RayExecutor(RemoteExecutor):
    """Runs tasks as calls on a Ray cluster.

    ``cpus``, ``gpus`` and ``memory`` of a step are ``num_cpus``, ``num_gpus`` and ``memory`` of its calls. A task of
    several machines has a placement group with one bundle on each.

    Args:
        address: of the cluster; a node on this machine if left out, unless ``RAY_ADDRESS`` says one.
        workers: how many CPUs that node has.
        runtime_env: as ``ray.init`` takes it.
        autoscaling: the cluster may grow beyond the machines that it has now.
    """

    name = "ray"
    honours = HONOURED | {"nodes"}
    looks = True
    together = True

    def __init__(
        self,
        address: str | None = None,
        workers: int | None = None,
        runtime_env: Mapping[str, Any] | None = None,
        *,
        autoscaling: bool = False,
    ) -> None:
        super().__init__(most=1)
        self._address = address or os.environ.get("RAY_ADDRESS")
        self._workers = workers or cores()
        self._runtime_env = dict(runtime_env or {})
        self._autoscaling = autoscaling
        self._connected = False
        self._own = False  # the connection, which ends with the run
        self._calls: dict[tuple[Place, int], _Call] = {}
        self._groups: dict[Place, Any] = {}
        self._marks = ""  # what marks of the run's tasks are called on the machines
        self._left = False  # marks that nobody has taken away
        self._surveyed = 0.0
        self._job_ref: Any = None

    @cached_property
    def _ray(self) -> Any:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nobody was asked
        try:
            import ray
        except ImportError:
            raise ConfError(
                "the executor ray needs the package ray", hint="plait integration install ray"
            ) from None
        return ray

    def _connect(self) -> None:
        """Be connected to the cluster: by the program that this is part of, or by ourselves."""
        if self._connected:
            return
        if not self._ray.is_initialized():
            self._init()
            self._own = True
        self._connected = True

    def _init(self) -> None:
        if self._address is not None and self._address.startswith("ray://"):
            raise ConfError(
                f"{self._address} is the address of a Ray Client, through which calls cannot tell how they go",
                hint="run on one of the cluster's machines, with its own address: host:6379; or ray job submit",
            )
        if self._address is not None:
            _refuse_deaf(self._address)
        how: dict[str, Any] = {
            "address": self._address or "local",
            "log_to_driver": False,
            "configure_logging": False,
            "runtime_env": self._runtime_env or None,
        }
        if self._address is None:
            how |= {
                "num_cpus": self._workers,
                "num_gpus": len(gpus()),
                "_memory": memory() or None,
                "object_store_memory": _STORE_BYTES,
                "include_dashboard": False,
            }
        try:
            with _quiet():
                self._ray.init(**how)
        except (RuntimeError, ConnectionError, OSError, ValueError, self._ray.exceptions.RayError) as error:
            self._ray.shutdown()
            raise _not_reached(self._address, error) from None

    def largest(self) -> dict[str, float]:
        """What one task can have: of each resource, that of the machine with most of it."""
        self._connect()
        if self._autoscaling:
            return {}
        machines = self._machines()
        found = {"nodes": float(len(machines))}
        for option, name in (("cpus", "CPU"), ("gpus", "GPU"), ("memory", "memory")):
            found[option] = max((one["Resources"].get(name, 0.0) for one in machines), default=0.0)
        return found

    def _machines(self) -> list[dict[str, Any]]:
        """Those that tasks can run on."""
        nodes: list[dict[str, Any]] = self._ray.nodes()
        return [one for one in nodes if one["Alive"] and one["Resources"].get("CPU")]

    def check(self) -> None:
        self._connect()
        if not self._machines() and not self._autoscaling:
            raise PlaitError(
                "the Ray cluster has no machine with CPUs for tasks",
                hint=f"add one: ray start --address {self._address or 'HOST:6379'}",
            )

    def connect(self, job: Job) -> None:
        self.check()
        self._survey()
        self._marks = f"plait-{job.run_id}-{time.time_ns():x}"
        self._job_ref = self._ray.put(self.sealed)

    def _survey(self) -> None:
        """See how many tasks can be on their way at once: machines come and go."""
        self._surveyed = time.monotonic()
        self.have_slots(int(self._ray.cluster_resources().get("CPU", 1)))

    @cached_property
    def _far(self) -> Any:
        # A call that is lost is the task's attempt that is lost: plait tries again, and says so.
        return self._ray.remote(num_returns="streaming", max_retries=0)(_far)

    def send(self, specs: Sequence[TaskSpec]) -> None:
        gangs: dict[Place, list[TaskSpec]] = {}
        for spec in specs:
            if spec.gang is None:
                self._call([spec])
            else:
                gangs.setdefault(place_of(spec), []).append(spec)
        for place, members in gangs.items():
            self._gather(place, members)

    def send_together(self, specs: Sequence[TaskSpec]) -> None:
        self._call(specs)

    def _call(self, specs: Sequence[TaskSpec], group: Any = None) -> None:
        spec = specs[0]
        how: dict[str, Any] = {"name": spec.name, **_wishes(spec)}
        if group is not None and spec.gang is not None:
            from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

            how["scheduling_strategy"] = PlacementGroupSchedulingStrategy(group, spec.gang.rank)
        encoded = [encode_spec(one) for one in specs]
        call = _Call(specs, self._far.options(**how).remote(self._job_ref, encoded, self._marks))
        for place in call.left:
            self._calls[place, call.rank] = call
        # In a thread of Ray's: what there is to do is done in that of the run.
        call.answers.completed().future().add_done_callback(lambda _: self.later(partial(self._ended, call)))

    # Tasks of several machines.

    def _gather(self, place: Place, members: Sequence[TaskSpec]) -> None:
        """Ask for a machine for each member of a gang; they begin when all are there."""
        from ray.util.placement_group import placement_group

        wishes = _wishes(members[0])
        bundle = {
            name: amount
            for name, option in (("CPU", "num_cpus"), ("GPU", "num_gpus"), ("memory", "memory"))
            if (amount := wishes.get(option))
        }
        if not self._autoscaling and len(members) > (there := self._with_room(bundle)):
            asked = ", ".join(f"{name}={amount:g}" for name, amount in bundle.items())
            self.refused(
                place,
                PlaitError(f"it asks for {len(members)} machines with {asked} each, and {there} have that"),
            )
            return
        group = self._groups[place] = placement_group([bundle] * len(members), strategy="STRICT_SPREAD")
        ready = group.ready().future()
        ready.add_done_callback(lambda _: self.later(partial(self._gathered, place, group, members)))

    def _with_room(self, bundle: Mapping[str, float]) -> int:
        has = [one["Resources"] for one in self._machines()]
        return sum(all(one.get(name, 0.0) >= amount for name, amount in bundle.items()) for one in has)

    def _gathered(self, place: Place, group: Any, members: Sequence[TaskSpec]) -> None:
        from ray.util.placement_group import placement_group_table

        if place not in self._groups:  # taken back meanwhile
            return
        chosen = placement_group_table(group)["bundles_to_node_id"]
        address = {one["NodeID"]: one["NodeManagerAddress"] for one in self._ray.nodes()}
        peers = tuple(address.get(chosen[rank], "") for rank in range(len(members)))
        for rank, spec in enumerate(members):
            self._call([msgspec.structs.replace(spec, gang=Gang(rank, peers))], group)

    def _disband(self, place: Place) -> None:
        """Give back the machines of a gang: what still runs there is ended by that."""
        group = self._groups.pop(place, None)
        if group is not None:
            from ray.util.placement_group import remove_placement_group

            with contextlib.suppress(Exception):
                remove_placement_group(group)

    # What comes back.

    def look(self) -> None:
        now = time.monotonic()
        for call in list(dict.fromkeys(self._calls.values())):
            if now - call.sent_at < _QUIET_SECONDS:
                break
            with contextlib.suppress(Exception):  # its end says what is the matter
                while call.answers.next_ready():
                    self._hear(call, next(call.answers))
        if now - self._surveyed > _SURVEY_SECONDS:
            with contextlib.suppress(Exception):
                self._survey()

    def _hear(self, call: _Call, ref: ObjectRef) -> None:
        for said in read_all_said.decode(self._ray.get(ref)):
            if isinstance(said, Live):
                self.told(said)
                continue
            place = (
                next(iter(call.left), call.place)
                if isinstance(said, Refused)
                else (said.node, said.path, said.attempt)
            )
            if self._take_out(place, call):
                self.answered_by(place, said, call.rank)
                self._over(call)

    def _take_out(self, place: Place, call: _Call) -> bool:
        """Wait no more for what a call says of a task; tells whether anybody did."""
        call.left.pop(place, None)
        known = self._calls.get((place, call.rank)) is call
        if known:
            del self._calls[place, call.rank]
        return known

    def _ended(self, call: _Call) -> None:
        """A call is over, well or not."""
        if not call.left:
            return
        try:
            for ref in call.answers:
                self._hear(call, ref)
            error: BaseException = PlaitError("the call ended without an answer")
        except Exception as raised:  # noqa: BLE001 - whatever Ray raises, the run has to hear of it
            error = raised
        if not call.left:
            return
        left = list(call.left)
        for place in left:
            self._take_out(place, call)
        self._fail(left, call.rank, error)
        self._over(call)

    def _over(self, call: _Call) -> None:
        if call.place in self._groups and not any(place == call.place for place, _ in self._calls):
            self._disband(call.place)

    def _fail(self, places: Collection[Place], rank: int, error: BaseException) -> None:
        known = self._ray.exceptions
        self._left = True
        if isinstance(error, known.RayTaskError | known.RuntimeEnvSetupError):
            for place in places:
                self.refused(place, _not_there(error), rank)
        elif isinstance(error, known.OutOfMemoryError):
            self.lost_together(places, _first_line(error), "memory", rank)
        elif isinstance(error, known.TaskCancelledError):
            self.lost_together(places, "the call was cancelled on the cluster", rank=rank)
        else:
            self.lost_together(places, f"the Ray worker is gone: {_first_line(error)}", rank=rank)

    # The end of it.

    def take_back(self, places: Collection[Place], *, begun: bool) -> Collection[Place]:
        wanted = set(places)
        taken = wanted if begun else wanted - self._hold(wanted)
        for place in taken & set(self._groups):
            self._disband(place)
        for at in [at for at in self._calls if at[0] in taken]:
            call = self._calls[at]
            self._take_out(at[0], call)
            self._left = True
            if call.left:  # others of it go on
                continue
            with contextlib.suppress(Exception):
                # Ends the worker that does it; or, where nothing has begun, takes it out of the queue.
                self._ray.cancel(call.answers, force=True)
        return taken

    def _hold(self, places: Collection[Place]) -> set[Place]:
        """Let no machine begin anything more; answers with those tasks that have begun, or may have."""
        self._left = True
        try:
            answers = self._on_each_machine(_hold, _HOLD_SECONDS)
        except Exception:  # noqa: BLE001 - a machine that does not answer may be doing any of them
            return set(places)
        return {(node, tuple(path), attempt) for answer in answers for node, path, attempt in answer}

    def _on_each_machine(self, function: Callable[[str], Any], seconds: float) -> list[Any]:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        call = self._ray.remote(num_cpus=0, max_retries=0)(function)
        asked = [
            call.options(
                scheduling_strategy=NodeAffinitySchedulingStrategy(one["NodeID"], soft=False)
            ).remote(self._marks)
            for one in self._machines()
        ]
        answers: list[Any] = self._ray.get(asked, timeout=seconds)
        return answers

    def release(self, *, now: bool) -> None:
        if not self._connected:
            return
        self._connected = False
        try:
            for place in list(self._groups):
                self._disband(place)
            self._calls.clear()
            self._job_ref = None
            if self._left:
                self._left = False
                with contextlib.suppress(Exception):
                    self._on_each_machine(_sweep, _SWEEP_SECONDS)
        finally:
            # A program that stays connected ends with the cluster: Ray sees to that.
            if self._own:
                self._own = False
                with contextlib.suppress(Exception):
                    self._ray.shutdown()


# On a worker of the cluster.


def _far(sealed: bytes, specs: Sequence[bytes], marks: str) -> Iterator[bytes]:
    """Do tasks, one after the other: what each says, then its answer."""
    said: queue.SimpleQueue[list[Any] | BaseException | None] = queue.SimpleQueue()
    threading.Thread(target=_do, args=(sealed, specs, marks, said.put), daemon=True).start()
    while (one := said.get()) is not None:
        if isinstance(one, BaseException):
            raise one
        yield encode_said(one)


def _do(sealed: bytes, specs: Sequence[bytes], marks: str, say: Callable[[Any], None]) -> None:
    parcel = Parcel(specs, say)

    def do(spec: bytes) -> bool:
        task: TaskSpec = msgspec.msgpack.decode(spec, type=TaskSpec)
        place = place_of(task)
        with _begun(marks, place, task.gang.rank if task.gang is not None else 0) as held:
            parcel.say(Held(*place) if held else msgspec.Raw(do_task(sealed, spec, parcel.say)))
        return True

    try:
        parcel.do_all(do)
    except BaseException as error:  # noqa: BLE001 - it is raised where the call is
        say(error)
    else:
        say(None)


@contextlib.contextmanager
def _begun(marks: str, place: Place, rank: int) -> Iterator[bool]:
    """Leave a mark on this machine while a task runs; tells whether nothing is to begin any more.

    The mark comes first: whoever holds tasks back either sees it, or is seen.
    """
    folder = Path(tempfile.gettempdir()) / marks
    mark = folder / f"{place[0]}-{'.'.join(map(str, place[1]))}-{place[2]}-{rank}"
    _leave(mark)
    try:
        yield (folder / "held").exists()
    finally:
        mark.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # others have marks there
            folder.rmdir()


def _leave(mark: Path) -> None:
    while True:
        try:
            mark.touch()
        except FileNotFoundError:  # whose folder may be taken away at any time
            mark.parent.mkdir(exist_ok=True, mode=0o700)
        else:
            return


def _hold(marks: str) -> list[Place]:
    """Begin nothing more of a run on this machine; answers with the tasks that run there."""
    folder = Path(tempfile.gettempdir()) / marks
    _leave(folder / "held")
    found: list[Place] = []
    for mark in folder.glob("*-*-*-*"):
        node, path, attempt, _ = mark.name.split("-")
        found.append((int(node), tuple(int(at) for at in path.split(".") if at), int(attempt)))
    return found


def _sweep(marks: str) -> None:
    shutil.rmtree(Path(tempfile.gettempdir()) / marks, ignore_errors=True)


# In words.


def _wishes(spec: TaskSpec) -> dict[str, float]:
    """What a task asks for, as Ray names it."""
    if spec.options is None:
        return {"num_cpus": 1}
    wishes: dict[str, float] = {"num_cpus": spec.options.cpus}
    if spec.options.gpus:
        wishes["num_gpus"] = spec.options.gpus
    if spec.options.memory:
        wishes["memory"] = spec.options.memory
    return wishes


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep Ray from telling the terminal how it starts."""
    logger = logging.getLogger("ray")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _first_line(error: BaseException) -> str:
    said = str(error).strip().splitlines()
    return said[0] if said else type(error).__name__


def _refuse_deaf(address: str) -> None:
    """Ray itself tries for minutes, and may end this process, where nobody listens.

    Raises:
        PlaitError: nobody does.
    """
    host, colon, port = address.rpartition(":")
    if not (colon and port.isdigit()):
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_PROBE_SECONDS).close()
    except OSError as error:
        raise _not_reached(address, error) from None


def _not_reached(address: str | None, error: Exception) -> PlaitError:
    said = " ".join(str(error).split())
    if address is None:
        return PlaitError(f"Ray cannot be started on this machine: {said}")
    if "ersion mismatch" in said:
        return PlaitError(
            f"the Ray cluster at {address} has other versions than this run: {said}",
            hint="install the same Python and Ray here and there",
        )
    return PlaitError(
        f"the Ray cluster at {address} cannot be reached: {said}",
        hint="start it: ray start --head; and add machines: ray start --address HOST:6379",
    )


def _not_there(error: Exception) -> PlaitError:
    """What to say of a call that could not be made at all."""
    said = str(error)
    if "No module named 'plait" in said:
        return PlaitError(
            f"there is no plait on the Ray worker: pip install plait=={__version__} there,"
            f" or let Ray install it: runtime_env: {{pip: [plait=={__version__}]}}"
        )
    return PlaitError(
        f"the call failed on the Ray worker: {said.strip().splitlines()[-1] if said else error!r}"
    )
