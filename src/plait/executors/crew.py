"""Which thread does which task? The threads of one run, and what waits for them."""

from __future__ import annotations

import ctypes
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from plait.engine.current import TaskContext
from plait.engine.task import EndNow, Live, Report, TaskSpec
from plait.executors.work import Work
from plait.graph.model import Path
from plait.record.facts import describe_error

__all__ = ["Crew", "weight"]

_LIVE_SECONDS = 0.5
_LAST_SECONDS = 2.0
_AGAIN_SECONDS = 0.05


def weight(spec: TaskSpec) -> float:
    """The cores that a task keeps busy."""
    return 1.0 if spec.options is None else spec.options.cpus


class Crew:
    """Threads that do tasks of one run, started when there is work for them.

    Args:
        most: how many tasks at once that keep one core busy each.
        cores: how many cores all tasks together may keep busy, where some of them keep more or fewer.
        hire: makes what a thread does its tasks with; called with its number.
        done: told, in the thread, how a task ended.
    """

    def __init__(
        self,
        most: int,
        cores: int,
        hire: Callable[[int], Work],
        done: Callable[[TaskSpec, Report, BaseException | None], None],
    ) -> None:
        self._most = most
        self._cores = max(most, cores)
        self._hire = hire
        self._done = done
        self._threads: list[threading.Thread] = []
        self._changed = threading.Condition(threading.Lock())
        self._backlog: deque[TaskSpec] = deque()
        self._running: dict[tuple[int, Path], tuple[TaskContext, float]] = {}
        self._busy = 0.0
        self._idle = 0
        self._held_back = False
        self._closing = False

    def submit(self, tasks: Sequence[TaskSpec]) -> None:
        with self._changed:
            self._backlog.extend(tasks)
            if self._idle:
                self._changed.notify(len(tasks))
            missing = self._places() - self._idle
        for _ in range(missing):
            self._start_thread()

    def _places(self) -> int:
        """How many of the tasks that wait may begin now."""
        if self._held_back:
            return 0
        count, busy = 0, self._busy
        for spec in self._backlog:
            if not self._has_place(spec, busy):
                break
            busy += weight(spec)
            count += 1
        return count

    def _has_place(self, spec: TaskSpec, busy: float) -> bool:
        needed = weight(spec)
        return not busy or busy + needed <= (self._most if needed == 1.0 else self._cores) + 1e-9

    def take_place(self, spec: TaskSpec) -> bool:
        """Take the cores of a task that is done elsewhere; while it has to wait for them nothing overtakes it."""
        with self._changed:
            self._held_back = not self._has_place(spec, self._busy)
            if not self._held_back:
                self._busy += weight(spec)
            return not self._held_back

    def give_place_back(self, spec: TaskSpec) -> None:
        with self._changed:
            self._busy -= weight(spec)

    def go_on(self) -> None:
        """Nothing that is done elsewhere waits for cores any more."""
        with self._changed:
            self._held_back = False
            places = self._places()
            self._changed.notify(places)
            missing = places - self._idle
        for _ in range(missing):
            self._start_thread()

    def said_so_far(self) -> list[Live]:
        """What tasks that run for long have said that nobody has heard."""
        now = time.monotonic()
        with self._changed:
            long = [
                (place, task) for place, (task, since) in self._running.items() if now - since > _LIVE_SECONDS
            ]
            for place, task in long:
                self._running[place] = (task, now)
        said = []
        for _, task in long:
            live = task.take()
            if live is not None:
                said.append(live)
        return said

    def withdraw(self) -> list[TaskSpec]:
        """Begin nothing more; answers with what waited."""
        with self._changed:
            left = list(self._backlog)
            self._backlog.clear()
        return left

    def end(self, *, now: bool) -> None:
        """End the threads. A task that is running is interrupted at its next line of Python, if ``now``.

        One that does not come back to Python, such as a call of C that waits, is left to itself: no thread can be ended
        from outside. Nobody hears of it any more, and it does not keep the process from ending.
        """
        with self._changed:
            self._backlog.clear()
            self._closing = True
            self._changed.notify_all()
        if now:
            deadline = time.monotonic() + _LAST_SECONDS
            while any(one.is_alive() for one in self._threads) and time.monotonic() < deadline:
                for one in self._threads:
                    if one.is_alive() and one.ident is not None:
                        _interrupt(one.ident)
                for one in self._threads:
                    one.join(_AGAIN_SECONDS)
        else:
            for one in self._threads:
                one.join()
        self._threads.clear()

    def _start_thread(self) -> None:
        number = len(self._threads) + 1
        thread = threading.Thread(
            target=self._serve, args=(self._hire(number),), name=f"plait-{number}", daemon=True
        )
        self._threads.append(thread)
        thread.start()

    def _serve(self, work: Work) -> None:
        try:
            while (spec := self._next()) is not None:
                self._do(work, spec)
        except EndNow:  # in the middle of a task that nobody waits for any more
            pass

    def _next(self) -> TaskSpec | None:
        with self._changed:
            while True:
                if self._closing:
                    return None
                if self._backlog and not self._held_back and self._has_place(self._backlog[0], self._busy):
                    break
                self._idle += 1
                try:
                    self._changed.wait()
                finally:
                    self._idle -= 1
            spec = self._backlog.popleft()
            self._busy += weight(spec)
            if self._idle and self._places():  # a wide task has left more room than the next one takes
                self._changed.notify()
            return spec

    def _do(self, work: Work, spec: TaskSpec) -> None:
        task, place = work.context(spec), (spec.node, spec.path)
        with self._changed:
            self._running[place] = (task, time.monotonic())
        raised: BaseException | None = None
        try:
            report, raised = work.do(spec, task)
        except EndNow:
            raise
        except BaseException as error:  # noqa: BLE001 - a task of which nobody hears would keep the run waiting for ever
            report = Report(spec.node, spec.path, spec.attempt, error=describe_error(error))
        finally:
            with self._changed:
                del self._running[place]
                self._busy -= weight(spec)
        if not self._closing:
            self._done(spec, report, raised)


def _interrupt(ident: int) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(ident), ctypes.py_object(EndNow))
