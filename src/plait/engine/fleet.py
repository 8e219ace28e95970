"""Where do the tasks of one run go? One executor for most of them, others for the steps that name them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from plait.engine.task import Executor, Live, Message, TaskSpec
from plait.graph.model import Graph

__all__ = ["Fleet", "executors_named", "runs_elsewhere"]

_TURN_SECONDS = 0.02


def executors_named(graph: Graph) -> list[str]:
    """The executors that steps name for themselves, in the order of the graph."""
    named = (graph.options(node).executor for node in range(len(graph.nodes)))
    return list(dict.fromkeys(name for name in named if name))


def runs_elsewhere() -> None:
    """Stands, on an executor, for a step that runs on another one."""
    raise RuntimeError("this step runs on another executor")


class Fleet:
    """The executors of one run.

    Args:
        main: where every step runs that names no other.
        others: the rest, by the names that steps have for them.

    Attributes:
        names: of all of them; the main one is the empty name, as in a step's options.
    """

    def __init__(self, graph: Graph, main: Executor, others: Mapping[str, Executor] | None = None) -> None:
        self.main = main
        self._others = {name: one for name, one in (others or {}).items() if name != main.name}
        _rouse(main, None)  # it may have been another's in an earlier run
        for one in self._others.values():
            _rouse(one, main.wake)
        self._coming: dict[str, Executor] = {}
        self._hear: Callable[[Live], None] | None = None
        self.names = ("", *self._others)
        self.grow(graph)

    def grow(self, graph: Graph) -> None:
        """Know of the nodes of a graph, or of those that it has more."""
        self._of_node = [
            name if name in self._others or name in self._coming else ""
            for name in (graph.options(node).executor for node in range(len(graph.nodes)))
        ]

    def add(self, name: str, executor: Executor) -> None:
        """Have one more, for steps that have come to name it; from another thread, before the graph grows.

        Raises:
            PlaitError: it cannot do anything now.
        """
        if name not in (self.main.name, *self._others):
            _check(executor)
            _rouse(executor, self.main.wake)
            self._coming[name] = executor

    def has(self, name: str) -> bool:
        return name == self.main.name or name in self._others or name in self._coming

    def welcome(self, start: Callable[[Executor], None]) -> None:
        """Start those that were added."""
        for name in list(self._coming):
            one = self._coming[name]
            if self._hear is not None and hasattr(one, "listen"):
                one.listen(self._hear)
            start(one)
            self._others[name] = one
            del self._coming[name]
            self.names = ("", *self._others)

    def wake(self) -> None:
        """Let ``wait`` return; from another thread."""
        self.main.wake()

    @property
    def travels(self) -> bool:
        """Whether tasks go to other machines, so that the code has to."""
        return any(getattr(one, "travels", False) for one in self._each())

    def __getitem__(self, name: str) -> Executor:
        return self._others.get(name) or self._coming.get(name) or self.main

    def of_node(self, node: int) -> str:
        return self._of_node[node]

    def listen(self, hear: Callable[[Live], None]) -> None:
        """Let those that block while a task runs tell at once what it says."""
        self._hear = hear
        for one in self._each():
            listen = getattr(one, "listen", None)
            if listen is not None:
                listen(hear)

    def start(self, start: Callable[[Executor], None]) -> None:
        for one in self._each():
            start(one)

    def submit(self, tasks: Sequence[TaskSpec]) -> None:
        if not self._others:
            self.main.submit(tasks)
            return
        for name in self.names:
            chosen = [task for task in tasks if self._of_node[task.node] == name]
            if chosen:
                self[name].submit(chosen)

    def wait(self, timeout: float) -> list[Message]:
        """What has been said by any of them: the main one is waited for, and roused where another has something."""
        if not self._others:
            return self.main.wait(timeout)
        messages = [message for one in self._others.values() for message in one.wait(0)]
        if not messages:
            for one in self._others.values():
                timeout = _patience(one, timeout)
        return messages + self.main.wait(0 if messages else timeout)

    def check(self) -> None:
        """Let each say what stands in the way of a run.

        Raises:
            PlaitError: one cannot do anything now; what is said tells what to do.
        """
        for one in self._each():
            _check(one)

    def let_go(self) -> None:
        """There will be no run: release what was taken to look."""
        for one in self._each():
            if hasattr(one, "check"):
                one.stop(now=True)

    def cancel(self) -> None:
        for one in self._each():
            one.cancel()

    def stop(self, *, now: bool = False) -> None:
        for one in (*self._each(), *self._coming.values()):
            one.stop(now=now)

    def _each(self) -> Iterator[Executor]:
        yield self.main
        yield from list(self._others.values())


def _check(executor: Executor) -> None:
    check = getattr(executor, "check", None)
    if check is not None:
        check()


def _rouse(executor: Executor, rouse: Callable[[], None] | None) -> None:
    rouse_by = getattr(executor, "rouse_by", None)
    if rouse_by is not None:
        rouse_by(rouse)


def _patience(executor: Executor, timeout: float) -> float:
    """How long one of several may be left alone at most: one that cannot rouse the others is asked often."""
    patience: Callable[[float], float] | None = getattr(executor, "patience", None)
    return patience(timeout) if patience is not None else min(timeout, _TURN_SECONDS)
