"""Who hears what has changed? Streams of events, one to each page; all of them are fed by one thread that looks."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

import msgspec

from plait.record.loglines import LogScope
from plait.record.store import RecordStore
from plait.server.connections import Connections
from plait.server.problems import Problem
from plait.server.pulse import Pulse
from plait.server.topics import Event, LinesTopic, ProblemEvent, ProjectTopic, RunTopic, Topic

if TYPE_CHECKING:
    from plait.server.inspector import Inspector

__all__ = ["Watcher"]

_PING_SECONDS = 15.0
_MOST_LISTENERS = 200
_MOST_WAITING = 1_000  # events that a page may be behind with; then it is to begin anew


class _Listener:
    """One page: what it is to be told, in the loop that tells it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.queue: asyncio.Queue[list[Event] | None] = asyncio.Queue()

    def tell(self, events: list[Event] | None) -> None:
        """Called from the thread that looks; None ends the stream."""
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._take, events)

    def _take(self, events: list[Event] | None) -> None:
        if self.queue.qsize() >= _MOST_WAITING:
            # It reads no more: when it does, it asks again for everything.
            while not self.queue.empty():
                self.queue.get_nowait()
            events = None
        self.queue.put_nowait(events)


class Watcher:
    """Streams of changes; what nobody listens to costs nothing."""

    def __init__(self, connections: Connections, inspector: Inspector) -> None:
        self._inspector = inspector
        self._pulse = Pulse(connections)
        self._listeners: set[_Listener] = set()

    def close(self) -> None:
        for one in list(self._listeners):
            one.tell(None)
        self._pulse.close()

    def project(self) -> AsyncIterator[bytes]:
        """The runs that begin, change and end, and that the project's code or conf did."""
        return self._stream({("project",): lambda: ProjectTopic(self._inspector)})

    def run(self, run_id: str) -> AsyncIterator[bytes]:
        """The same, and what changes in one run."""
        project: Callable[[], Topic] = lambda: ProjectTopic(self._inspector)  # noqa: E731
        return self._stream({("project",): project, ("run", run_id): lambda: RunTopic(run_id)})

    def lines(self, make_scope: Callable[[RecordStore], LogScope], first: int) -> AsyncIterator[bytes]:
        """New lines of a log from a number on."""
        return self._stream({("lines", object()): lambda: LinesTopic(make_scope, first)})

    async def _stream(self, topics: dict[tuple[object, ...], Callable[[], Topic]]) -> AsyncIterator[bytes]:
        if len(self._listeners) >= _MOST_LISTENERS:
            yield _frame(
                ("problem", ProblemEvent(Problem("too_many", "too many pages listen to this server")))
            )
            return
        listener = _Listener()
        self._listeners.add(listener)
        for key, make in topics.items():
            self._pulse.join(key, make, listener.tell)
        try:
            yield b"retry: 2000\n\n"
            while True:
                try:
                    events = await asyncio.wait_for(listener.queue.get(), _PING_SECONDS)
                except TimeoutError:
                    yield b": ping\n\n"
                    continue
                if events is None:
                    return
                yield b"".join(map(_frame, events))
        finally:
            self._listeners.discard(listener)
            for key in topics:
                self._pulse.leave(key, listener.tell)


def _frame(event: Event) -> bytes:
    return (
        b"event: " + event[0].encode() + b"\ndata: " + msgspec.json.encode(event[1], enc_hook=str) + b"\n\n"
    )
