"""What does a running step know of itself, and how does it say something? ``current`` and ``log``."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from plait.data import Artifact, ArtifactStore
from plait.errors import SecretFound, StepError
from plait.graph.model import Path, task_name
from plait.record.facts import Advance, Live, LogLine, Metric, Preview

__all__ = ["Current", "TaskContext", "active_task", "current", "following_threads", "log"]

T = TypeVar("T")


class TaskContext:
    """One attempt while it runs: who it is, and what it has said that nobody has fetched yet."""

    def __init__(
        self,
        *,
        run_id: str,
        pipeline: str,
        step: str,
        path: Path,
        attempt: int,
        params: dict[str, Any],
        store: ArtifactStore,
        keeper: object = None,
        mask: Callable[[Any], Any] | None = None,
        node: int = -1,
        checkpoint: Artifact | None = None,
        tell: Callable[[Live], None] | None = None,
        rank: int = 0,
        peers: tuple[str, ...] = (),
    ) -> None:
        self.rank = rank
        self.peers = peers
        self.run_id = run_id
        self.pipeline = pipeline
        self.step = step
        self.path = path
        self.attempt = attempt
        self.params = params
        self.store = store
        self.keeper = keeper  # who keeps what this task prints and logs
        self.mask = mask  # hides secrets in what is kept
        self.node = node
        self.checkpoint = checkpoint  # the state that was saved last
        self.advance: Advance | None = None
        self.told_at = 0.0
        self.began: tuple[float, float] = (
            0.0,
            0.0,
        )  # when it was taken, and its function called; epoch seconds
        self._began_told = self.began
        self._tell = tell
        self.lines: deque[LogLine] = deque()
        self.metrics: deque[Metric] = deque()
        self.previews: list[Preview] = []
        self.is_over = False
        self._taking = threading.Lock()

    def take_lines(self) -> tuple[LogLine, ...]:
        """All that nobody has taken; who else takes some at the same time has all of the earlier or of the later."""
        with self._taking:
            return tuple(_taken(self.lines))

    def take_metrics(self) -> tuple[Metric, ...]:
        with self._taking:
            return tuple(_taken(self.metrics))

    def take_advance(self) -> Advance | None:
        """How far it is, if that is news."""
        taken, self.advance = self.advance, None
        return taken

    def take_began(self) -> tuple[float, float]:
        """When it began, if that is news; else zeros."""
        if self.began == self._began_told:
            return (0.0, 0.0)
        self._began_told = self.began
        return self.began

    def take(self, checkpoint: Artifact | None = None) -> Live | None:
        """All that is news."""
        said = self.take_lines(), self.take_metrics(), checkpoint, self.take_advance(), *self.take_began()
        return Live(self.node, self.path, self.attempt, *said) if any(said) else None

    def say(self, checkpoint: Artifact | None = None) -> None:
        """Tell the run at once what there is to tell."""
        live = self.take(checkpoint) if self._tell is not None else None
        if live is not None and self._tell is not None:
            self._tell(live)

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Be known in this context alone: for what runs beside tasks of the same process."""
        token = _active.set(self)
        try:
            yield
        finally:
            self.is_over = True
            _active.reset(token)

    @contextmanager
    def active(self) -> Iterator[None]:
        token = _active.set(self)
        _in_process.append(self)
        try:
            yield
        finally:
            _in_process.remove(self)
            _active.reset(token)


_active: ContextVar[TaskContext | None] = ContextVar("plait_task", default=None)
# A thread that a step starts has no context of its own; where one task runs in the process, it is that one.
_in_process: list[TaskContext] = []
# Where several do, it is the one that started the thread, as far as that is followed.
_of_thread: WeakKeyDictionary[threading.Thread, TaskContext] = WeakKeyDictionary()


def _taken(items: deque[T]) -> list[T]:
    """All that is there now; safe while another thread goes on adding."""
    return [items.popleft() for _ in range(len(items))]


def active_task() -> TaskContext | None:
    """The task that this code runs in, if any."""
    return _active.get() or (_in_process[0] if len(_in_process) == 1 else _starter())


def _starter() -> TaskContext | None:
    """The task that has started this thread, while it runs itself."""
    task = _of_thread.get(threading.current_thread()) if _of_thread else None
    return None if task is None or task.is_over else task


_following = 0
_follow_lock = threading.Lock()
_start_thread = threading.Thread.start


@contextmanager
def following_threads() -> Iterator[None]:
    """Let threads that tasks start belong to them, where several tasks run in one process."""
    global _following  # noqa: PLW0603 - how often it was asked for: the class of all threads is one
    with _follow_lock:
        _following += 1
        threading.Thread.start = _start_followed  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        with _follow_lock:
            _following -= 1
            if not _following and threading.Thread.start is _start_followed:
                threading.Thread.start = _start_thread  # type: ignore[method-assign]


def _start_followed(thread: threading.Thread) -> None:
    task = active_task()
    if task is not None:
        _of_thread[thread] = task
    _start_thread(thread)


class Current:
    """The run and task that this code runs in: ``current.run``, ``current.task``, ``current.params`` …

    Raises:
        StepError: asked for outside a step that plait runs; test with ``if current:``.
    """

    def __bool__(self) -> bool:
        return active_task() is not None

    @property
    def run(self) -> str:
        """The run's id."""
        return self._task.run_id

    @property
    def pipeline(self) -> str:
        return self._task.pipeline

    @property
    def step(self) -> str:
        return self._task.step

    @property
    def task(self) -> str:
        """The task's name, such as ``fit[3]``."""
        return task_name(self._task.step, self._task.path)

    @property
    def index(self) -> Path:
        """Which element this is: an index per ``each`` around the step, outermost first."""
        return self._task.path

    @property
    def attempt(self) -> int:
        """1, and more after retries."""
        return self._task.attempt

    @property
    def rank(self) -> int:
        """Which of the machines that do this task together it is, from 0; what that of rank 0 returns is the result."""
        return self._task.rank

    @property
    def peers(self) -> tuple[str, ...]:
        """The host names of the machines that do this task together (``nodes=4``), by rank; one where it has one."""
        return self._task.peers or ("localhost",)

    @property
    def params(self) -> dict[str, Any]:
        """The parameters of the run."""
        return dict(self._task.params)

    @property
    def _task(self) -> TaskContext:
        task = active_task()
        if task is None:
            raise StepError(
                "current is known only inside a step that plait runs", hint="test it first: if current: …"
            )
        return task

    def __repr__(self) -> str:
        task = active_task()
        return f"<current task {self.task} of run {task.run_id}>" if task else "<no current task>"


current = Current()


def log(value: Any = None, /, *, name: str | None = None, at: float | None = None, **values: Any) -> None:
    """Keep something of a step with the run: ``log(rmse=0.3)``, ``log(figure)``, ``log(table, name="errors")``.

    Numbers become metrics, a series when logged repeatedly; everything else becomes a preview on the task's page.
    Outside a run nothing happens, so a step stays a plain function.

    Args:
        value: a figure, table, image or any other value to show.
        name: what ``value`` is called; its type's name if left out.
        at: the place of numbers on the axis of their series, such as the epoch.
        values: numbers, and other values, by name.
    """
    task = active_task()
    if task is None:
        return
    if not isinstance(name, str | None):
        raise StepError(f"log(name={name!r}): a name is a text", hint=f"log(…, name={str(name)!r})")
    if value is not None:
        if name is None and _number(value) is not None:
            raise StepError(f"log({value!r}) has no name for the number", hint=f"log(score={value!r})")
        _keep(task, name or _title(value), value, at)
    for key, given in values.items():
        _keep(task, key, given, at)


def _keep(task: TaskContext, name: str, value: Any, at: float | None) -> None:
    if task.mask is not None:
        name, value = task.mask(name), task.mask(value)
    number = _number(value)
    if number is not None:
        task.metrics.append(Metric(name, number, None if at is None else float(at), time.time()))
        return
    taken = {preview.name for preview in task.previews}
    unique, count = name, 1
    while unique in taken:
        count += 1
        unique = f"{name}_{count}"
    try:
        kept = task.store.save(value, name)
    except SecretFound:
        kept = task.store.save(f"this {_title(value)} is not kept: it holds a secret")
    task.previews.append(Preview(unique, kept))


def _number(value: Any) -> float | None:
    if isinstance(value, bool | int | float):
        return float(value)
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        item = value.item()
        return float(item) if isinstance(item, bool | int | float) else None
    return None


def _title(value: Any) -> str:
    return type(value).__name__.lower()
