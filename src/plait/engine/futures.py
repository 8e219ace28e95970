"""What does a call give in the body of a dynamic pipeline? A future: to be waited for, awaited, or passed on."""

from __future__ import annotations

import queue
from collections.abc import AsyncIterator, Callable, Generator, Iterable, Iterator
from typing import Any, NoReturn, Protocol

from msgspec import Struct

from plait.errors import DefinitionError, TaskFailed
from plait.graph.calling import user_line

__all__ = ["Failure", "Future", "Futures", "MappedFutures", "Owner", "Slot", "Stopped", "as_completed"]


class Stopped(BaseException):
    """The run was cancelled, or cannot go on: the body is left at once, whatever it is waiting for."""


class Failure(Struct, frozen=True):
    """Why a call has no result: the task, in words, and what it raised, if that is known here."""

    task: str
    reason: str
    state: str = "failed"
    where: str | None = None
    cause: BaseException | None = None
    call: tuple[int, tuple[int, ...]] | None = None


class Slot:
    """One task that the body waits for. ``outcome`` is set once: what `Owner.value` makes values of, or a failure.

    ``rank`` orders what had been done before the run was resumed: it is seen again in that order.
    """

    __slots__ = ("_callbacks", "name", "outcome", "place", "rank")

    def __init__(self, place: tuple[int, tuple[int, ...]], name: str, rank: float | None = None) -> None:
        self.place = place
        self.name = name
        self.rank = rank
        self.outcome: Any = None
        self._callbacks: list[Callable[[], object]] = []

    def settle(self, outcome: Any) -> None:
        """Set the outcome; in another thread than the one that waits. The first one counts."""
        if self.outcome is None:
            self.outcome = outcome
            self._call_back()

    def when_done(self, callback: Callable[[], object]) -> None:
        """Call back once, from any thread, when there is an outcome: now, if there is one."""
        self._callbacks.append(callback)
        if self.outcome is not None:
            self._call_back()

    def _call_back(self) -> None:
        while self._callbacks:
            try:
                callback = self._callbacks.pop()
            except IndexError:  # the other thread was faster
                return
            callback()


class Owner(Protocol):
    """Who makes calls, and knows what comes of them."""

    def wait(self, slot: Slot, timeout: float | None) -> None:
        """Wait for an outcome.

        Raises:
            TimeoutError: there was none in time.
        """

    def value(self, slot: Slot, output: int) -> Any:
        """A result, loaded anew: whoever gets it may change it.

        Raises:
            TaskFailed: there is none.
        """

    def failure(self, slot: Slot) -> TaskFailed | None:
        """Why there is no result; None where there is one."""


class Future:
    """The result of a call that was made and may not have ended.

    ``future.result()`` waits for the value, ``await future`` does so in an ``async def``; passed to another call it is
    the value there, and nobody waits here.
    """

    __slots__ = ("_output", "_owner", "_slot")

    is_future = True

    def __init__(self, owner: Owner, slot: Slot, output: int) -> None:
        self._owner = owner
        self._slot = slot
        self._output = output

    def result(self, timeout: float | None = None) -> Any:
        """The value, as soon as it is there; each call of ``result`` gives one of its own.

        Args:
            timeout: seconds to wait at most.

        Raises:
            TaskFailed: the step failed; what it raised is the cause.
            TimeoutError: it was not there in time; the call goes on.
        """
        if self._slot.outcome is None:
            self._owner.wait(self._slot, timeout)
        return self._owner.value(self._slot, self._output)

    def exception(self, timeout: float | None = None) -> TaskFailed | None:
        """What ``result()`` would raise; None if it would give a value.

        Raises:
            TimeoutError: neither was there in time.
        """
        if self._slot.outcome is None:
            self._owner.wait(self._slot, timeout)
        return self._owner.failure(self._slot)

    def done(self) -> bool:
        """Whether there is a result, or a failure."""
        return self._slot.outcome is not None

    @property
    def task(self) -> str:
        """The name of the task in the records: ``fit[3]``."""
        return self._slot.name

    def __await__(self) -> Generator[Any, None, Any]:
        if self._slot.outcome is None:
            import asyncio

            loop = asyncio.get_running_loop()
            there = loop.create_future()
            self._slot.when_done(lambda: _tell(loop, _come, there))
            yield from there.__await__()
        return self._owner.value(self._slot, self._output)

    def named(self, name: str) -> NoReturn:
        raise DefinitionError(
            f"the result of {self.task} cannot be named {name!r}: here all calls of a step share one name",
            where=user_line(),
            hint=f"name the output where the step is declared: @step(outputs=[{name!r}])",
        )

    def __repr__(self) -> str:
        return f"<future of {self.task}>"

    def _misused(self, what: str) -> NoReturn:
        raise DefinitionError(
            f"{self.task} is a call whose value may not be there yet, so it cannot be {what}",
            where=user_line(),
            hint="ask for the value: .result(), or await it in an async def; as an argument of a step pass it as it is",
        )

    def __bool__(self) -> bool:
        self._misused("tested by if, while, and, or, not")

    def __len__(self) -> int:  # noqa: PLE0303 - it has none
        self._misused("counted by len()")

    def __iter__(self) -> Iterator[Any]:
        self._misused("iterated or unpacked")

    def __getitem__(self, key: Any) -> Any:
        self._misused(f"indexed by [{key!r}]")

    def __eq__(self, other: object) -> bool:
        return self is other if isinstance(other, Future) else self._misused("compared")

    def __hash__(self) -> int:
        return id(self)

    def __reduce_ex__(self, _: Any) -> Any:
        self._misused("stored inside another object")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        self._misused(f"asked for .{name}")

    def _compared(self, *_: Any) -> Any:
        self._misused("compared")

    def _operated(self, *_: Any) -> Any:
        self._misused("calculated with")

    __lt__ = __le__ = __gt__ = __ge__ = _compared
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __matmul__ = __rmatmul__ = _operated
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pow__ = __rpow__ = (
        _operated
    )
    __neg__ = __pos__ = __abs__ = __invert__ = __and__ = __rand__ = __or__ = __ror__ = __xor__ = _operated
    __int__ = __float__ = __index__ = __complex__ = __round__ = __contains__ = _operated

    def __call__(self, *_: Any, **__: Any) -> Any:
        self._misused("called")

    def __format__(self, spec: str) -> str:
        self._misused("formatted into a string")


class Futures(tuple[Any, ...]):
    """The outputs of one call, in order and by name: ``train, test = split(table)`` or ``split(table).train``."""

    names: tuple[str, ...]

    def __new__(cls, futures: Iterable[Any], names: tuple[str, ...]) -> Futures:
        made = super().__new__(cls, tuple(futures))
        made.names = names
        return made

    def result(self, timeout: float | None = None) -> tuple[Any, ...]:
        """The values of all outputs."""
        return tuple(one.result(timeout) for one in self)

    def __await__(self) -> Generator[Any, None, tuple[Any, ...]]:
        values = []
        for one in self:
            values.append((yield from one.__await__()))  # noqa: PERF401 - no comprehension has a yield
        return tuple(values)

    def __getattr__(self, name: str) -> Any:
        names = self.__dict__.get("names", ())
        if name in names:
            return self[names.index(name)]
        raise AttributeError(f"no output named {name!r}; there is: {', '.join(names)}")


class MappedFutures(list[Any]):
    """The calls of a mapped step: a list of futures, nested where the ``each`` was; passed on, the list of values."""

    def result(self, timeout: float | None = None) -> list[Any]:
        """The values of all, in order; waits for those that are not there yet.

        Raises:
            TaskFailed: one failed.
        """
        return [one.result(timeout) if hasattr(one, "result") else one for one in self]

    def __await__(self) -> Generator[Any, None, list[Any]]:
        values = []
        for one in self:
            values.append((yield from one.__await__()) if hasattr(one, "__await__") else one)  # noqa: PERF401
        return values


class as_completed:  # noqa: N801 - it is called like the function of its name in the standard library
    """Futures in the order in which they are done: ``for future in as_completed(futures)``, or ``async for``.

    What was done before the run was resumed comes first, in the order in which it was done then.

    Args:
        futures: an iterable of futures, of outputs of calls, or of nested lists of them.
        timeout: seconds for all of them together.

    Raises:
        TimeoutError: not all were done in time.
    """

    def __init__(self, futures: Iterable[Any], timeout: float | None = None) -> None:
        self._futures = list(_flat(futures))
        self._timeout = timeout
        for one in self._futures:
            if not isinstance(one, Future):
                raise DefinitionError(
                    f"as_completed takes what calls of steps give, got {type(one).__name__}: {one!r:.60}",
                    where=user_line(),
                )

    def _known(self) -> tuple[list[Future], list[Future]]:
        """Those that were done before the run was resumed, in that order, and the others."""
        before = [one for one in self._futures if one._slot.rank is not None]
        before.sort(key=lambda one: one._slot.rank or 0.0)
        return before, [one for one in self._futures if one._slot.rank is None]

    def __iter__(self) -> Iterator[Future]:
        import time

        end = None if self._timeout is None else time.monotonic() + self._timeout

        def left() -> float | None:
            return None if end is None else max(0.0, end - time.monotonic())

        before, others = self._known()
        ready: queue.SimpleQueue[Future] = queue.SimpleQueue()
        for one in others:
            one._slot.when_done(lambda one=one: ready.put(one))  # type: ignore[misc]
        for one in before:
            if one._slot.outcome is None:
                one._owner.wait(one._slot, left())
            yield one
        for _ in others:
            try:
                yield ready.get(timeout=left())
            except queue.Empty:
                raise TimeoutError(f"not all of {len(self._futures)} calls were done in time") from None

    async def __aiter__(self) -> AsyncIterator[Future]:
        import asyncio

        loop = asyncio.get_running_loop()
        before, others = self._known()
        ready: asyncio.Queue[Future] = asyncio.Queue()
        for one in others:
            one._slot.when_done(lambda one=one: _tell(loop, ready.put_nowait, one))  # type: ignore[misc]
        async with asyncio.timeout(self._timeout):
            for one in before:
                if one._slot.outcome is None:
                    there = loop.create_future()
                    one._slot.when_done(lambda there=there: _tell(loop, _come, there))  # type: ignore[misc]
                    await there
                yield one
            for _ in others:
                yield await ready.get()


def _flat(futures: Iterable[Any]) -> Iterator[Any]:
    for one in futures:
        if isinstance(one, list | tuple):
            yield from _flat(one)
        else:
            yield one


def _tell(loop: Any, what: Callable[[Any], None], of: Any) -> None:
    try:
        loop.call_soon_threadsafe(what, of)
    except RuntimeError:  # the event loop is closed: nobody waits any more
        return


def _come(there: Any) -> None:
    if not there.done():
        there.set_result(None)
