"""What does an executor get, and what does it answer? Small messages: references to data, never the data."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from msgspec import Struct

from plait.data import Artifact
from plait.data.access import Access
from plait.errors import DataError, TargetError
from plait.graph.model import Path
from plait.graph.options import Options
from plait.project.importing import importing
from plait.project.project import ProjectSpec
from plait.record.facts import (
    Advance,
    DataCheck,
    DatasetWrite,
    ErrorInfo,
    Live,
    LogLine,
    Metric,
    Preview,
    Usage,
)
from plait.record.results import DictArg, ListArg, Plain, Stored

__all__ = [
    "Abroad",
    "Code",
    "EndNow",
    "Executor",
    "FunctionRef",
    "Gang",
    "Job",
    "Live",
    "Message",
    "Report",
    "StepSecret",
    "TaskSpec",
    "Withdrawn",
    "function_ref",
    "in_process",
    "load_function",
]


class EndNow(KeyboardInterrupt):
    """The second Ctrl-C. A step that raises KeyboardInterrupt of its own is a step that failed."""


class FunctionRef(Struct, frozen=True, array_like=True):
    """Where a step's function is found: by name in a module, or by value where no module has it.

    ``fault`` says why it is found nowhere.
    """

    name: str
    module: str = ""
    qualname: str = ""
    pickled: bytes = b""
    fault: str = ""


class Code(Struct, frozen=True, array_like=True):
    """The project's code on its way to other machines: an archive in the artifact store.

    Args:
        roots: the folders that are in it, in the archive by their numbers; a path below one of them means, elsewhere,
            what was unpacked.
        folder: the working directory of the driver.
        digest: the version, which is the hash of all that is in it.
    """

    artifact: Artifact
    roots: tuple[str, ...]
    folder: str
    digest: str
    files: int
    size: int


class Abroad(Struct, frozen=True, array_like=True):
    """What a task needs where nothing of the driver's machine is. It holds secrets: no record of it is kept."""

    code: Code
    project: ProjectSpec
    home: tuple[
        str, str
    ]  # a file of the ``.plait`` folder and what it holds: where that is so, the folder is shared
    access: Access | None = None

    def __repr__(self) -> str:
        return f"<what travels: code {self.code.digest}>"


class Job(Struct, frozen=True, array_like=True):
    """What all tasks of a run share.

    ``abroad`` is for the executors whose tasks run on other machines; ``access`` tells there how the store is reached.
    """

    run_id: str
    pipeline: str
    store: str
    functions: tuple[FunctionRef, ...]
    params: dict[str, Any] = {}
    search_path: tuple[str, ...] = ()
    project: ProjectSpec | None = None
    saves: frozenset[str] = frozenset()
    environments: str = ""
    access: Access | None = None
    abroad: Abroad | None = None


class Gang(Struct, frozen=True, array_like=True):
    """Which of the machines that do one task together this is; ``peers`` are the host names of all, by rank."""

    rank: int
    peers: tuple[str, ...]


class StepSecret(Struct, frozen=True, array_like=True):
    """A secret on its way to the task that asks for it: as the step says it, and the value. No record of it is kept."""

    said: str
    value: str

    def __repr__(self) -> str:
        return f"<the secret {self.said}>"


class TaskSpec(Struct, frozen=True, array_like=True):
    """One attempt of a task.

    ``outputs`` has an item per output: its name and how many levels of list are stored apart for an ``each``.
    ``options`` are told where the executor has to carry out some of them. ``checkpoint`` is the state that an earlier
    attempt has saved. ``ref`` tells where the function is that was not among those of the start. ``gang`` is there
    where several machines do the task together. ``secrets`` are those of a step that was not known when the job began
    its way to other machines.
    """

    node: int
    path: Path
    attempt: int
    function: int
    name: str
    arguments: tuple[tuple[str, Stored | Plain | ListArg | DictArg], ...]
    outputs: tuple[tuple[str, int], ...]
    options: Options | None = None
    checkpoint: Artifact | None = None
    ref: FunctionRef | None = None
    gang: Gang | None = None
    secrets: tuple[StepSecret, ...] = ()


class Report(Struct, frozen=True, array_like=True, tag="report"):
    """How an attempt ended: with artifacts, one per output, or with an error.

    ``lost`` says that the worker is gone, so the attempt has no report of its own. ``cause`` is what ended it, if
    not the step itself: ``timeout``, ``memory`` or ``lost``.
    """

    node: int
    path: Path
    attempt: int
    artifacts: tuple[Artifact, ...] = ()
    error: ErrorInfo | None = None
    usage: Usage = Usage()
    lines: tuple[LogLine, ...] = ()
    metrics: tuple[Metric, ...] = ()
    previews: tuple[Preview, ...] = ()
    writes: tuple[DatasetWrite, ...] = ()
    checks: tuple[DataCheck, ...] = ()
    lost: bool = False
    cause: str = ""
    advance: Advance | None = None


class Withdrawn(Struct, frozen=True, array_like=True):
    """What was submitted, had not begun when the run was cancelled, and will not."""

    node: int
    path: Path
    attempt: int


Message: TypeAlias = Report | Live | Withdrawn


class Executor(Protocol):
    """Where tasks run. One run at a time; called from one thread.

    One whose tasks run in this process has ``in_process = True``: functions need not travel, and the exceptions that
    steps raised are in ``errors``, by place.

    Attributes:
        honours: the options of steps that it carries out, of those that an executor has to (``execution_options``).

    One that leaves it to its engine to hand out resources has a capacity of nothing, and tells by a method ``largest``
    what a single task can have at most, so that a run that asks for more is refused.

    An executor whose tasks run on other machines says so with an attribute ``travels = True``: then the job has the
    project's code with it.

    In a run that has several, each but the main one is given a function by ``rouse_by(rouse)``, which it calls, from
    any thread, when ``wait`` has something to tell; ``patience(timeout)`` says how many seconds it may be left alone
    until then. One without these two is asked every few milliseconds.

    What stands in the way of a run, such as an engine that nobody reaches, a method ``check`` raises before the run is
    recorded: it may be called several times, and ``stop`` may follow without a ``start``.
    """

    name: str
    honours: frozenset[str]

    def capacity(self) -> Mapping[str, float]:
        """What tasks can have in all: ``cpus``, ``gpus``, ``memory`` in bytes; a name left out is not counted here.

        What is counted, the run hands out: no task is submitted for which there is not enough left.
        """

    def start(self, job: Job, functions: Sequence[Callable[..., Any]]) -> None:
        """Get ready for a run."""

    def room(self) -> int:
        """How many tasks more it would take now."""

    def submit(self, tasks: Sequence[TaskSpec]) -> None:
        """Begin these tasks; never blocks for long."""

    def wait(self, timeout: float | None) -> list[Message]:
        """What has been said since the last call; at most ``timeout`` seconds later, possibly nothing."""

    def wake(self) -> None:
        """Let ``wait`` return at once; called from another thread."""

    def cancel(self) -> None:
        """Begin nothing more; what has not begun comes back from ``wait`` as ``Withdrawn``."""

    def stop(self, *, now: bool = False) -> None:
        """Release what was taken; ``now`` ends running tasks."""


def in_process(executor: Executor) -> bool:
    """Whether tasks run in this process, as a rule."""
    return bool(getattr(executor, "in_process", False))


def function_ref(name: str, function: Callable[..., Any]) -> FunctionRef:
    """How another process finds a function.

    Raises:
        DataError: it lives in no module and cannot be pickled; the message names what stands in the way.
    """
    module, qualname = getattr(function, "__module__", ""), getattr(function, "__qualname__", "")
    if module and module != "__main__" and _found(module, qualname) is function:
        return FunctionRef(name, module, qualname)
    from plait.engine.carrying import pickle_function

    try:
        return FunctionRef(name, pickled=pickle_function(function))
    except Exception as error:
        raise DataError(
            f"step {name!r} cannot travel to a worker process: {error}",
            hint="move the step into a module, or what it refers to out of it; or run with --executor inline",
        ) from error


def load_function(ref: FunctionRef) -> Callable[..., Any]:
    """The function that a reference stands for.

    Raises:
        TargetError: the module no longer has it.
    """
    if ref.fault:
        raise DataError(ref.fault)
    with importing(ref.module or f"the module of step {ref.name!r}"):
        if ref.pickled:
            import pickle

            function: Callable[..., Any] = pickle.loads(ref.pickled)
            return function
        importlib.import_module(ref.module)
    found = _found(ref.module, ref.qualname)
    if found is None:
        raise TargetError(f"module {ref.module!r} has no {ref.qualname!r} in the worker")
    return found


def _found(module: str, qualname: str) -> Callable[..., Any] | None:
    import sys

    found: Any = sys.modules.get(module)
    for part in qualname.split("."):
        found = getattr(found, part, None)
    # A step in a module hides the function that it wraps.
    wrapped: Callable[..., Any] | None = getattr(found, "function", found)
    return wrapped
