"""When is it looked for changes? When the records say that something was written, and never more than somebody hears.

One thread waits for the records, of SQLite by the number that each commit changes, of PostgreSQL by its notifications,
and lets each topic that somebody listens to look once for all who do.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TypeAlias

from plait.errors import PlaitError
from plait.record.store import RecordStore
from plait.server.connections import Connections, Opened
from plait.server.problems import problem_of
from plait.server.topics import Event, ProblemEvent, RunsEvent, Topic

__all__ = ["Pulse"]

_log = logging.getLogger("plait.server")
Tell: TypeAlias = Callable[["list[Event] | None"], None]
_WAIT_SECONDS = 0.1  # for the records, before it is seen who listens
_LEAST_SECONDS = 0.2  # between two looks at a topic: no more than five events a second
_MOST_SECONDS = 2.0  # a process that dies says nothing: that is noticed by looking
_TRAIL_SECONDS = 0.2  # after what was heard last: who writes often says so now and then
_SHARE = 0.01  # of a core that the looks at a topic may take
_TROUBLED_SECONDS = 1.0  # between two tries, while the records cannot be read


class _Watched:
    """A topic, and who listens to it."""

    def __init__(self, topic: Topic) -> None:
        self.topic = topic
        self.tells: list[Tell] = []
        self.fresh: list[Tell] = []  # who has not been told yet how things are
        self.dirty = True
        self.next = 0.0
        self.due = 0.0
        self.troubled = False


class Pulse:
    """Looks for those who listen, in a thread that lives as long as there are any."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._lock = threading.Lock()
        self._watched: dict[object, _Watched] = {}
        self._thread: threading.Thread | None = None
        self._closed = False

    def join(self, key: object, make: Callable[[], Topic], tell: Tell) -> None:
        """Be told of a topic from now on, first how things are."""
        with self._lock:
            watched = self._watched.get(key)
            if watched is None:
                watched = self._watched[key] = _Watched(make())
            watched.tells.append(tell)
            watched.fresh.append(tell)
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._live, name="plait-pulse", daemon=True)
                self._thread.start()

    def leave(self, key: object, tell: Tell) -> None:
        with self._lock:
            watched = self._watched.get(key)
            if watched is None:
                return
            watched.tells = [one for one in watched.tells if one != tell]
            watched.fresh = [one for one in watched.fresh if one != tell]
            if not watched.tells:
                del self._watched[key]

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._watched.clear()

    def _live(self) -> None:
        opened: Opened | None = None
        trail, troubled = 0.0, False
        try:
            while True:
                with self._lock:
                    if not self._watched:
                        self._thread = None
                        return
                    watched = list(self._watched.values())
                try:
                    if opened is not None and not opened.is_current():
                        opened.close()
                        opened = None
                    if opened is None:
                        opened = self._connections.open()
                    changed = opened.store.wait(_WAIT_SECONDS)
                    if troubled:
                        # Whoever came meanwhile was not told, but what it asked for was refused all the same.
                        troubled = False
                        for one in watched:
                            one.troubled = True
                except Exception as error:  # noqa: BLE001 - nobody would hear anything any more
                    if not isinstance(error, (PlaitError, OSError)):
                        _log.error("changes could not be waited for", exc_info=error)
                    self._say_trouble(watched, error)
                    troubled = True
                    time.sleep(_TROUBLED_SECONDS)
                    continue
                now = time.monotonic()
                trailing = bool(trail) and now >= trail
                if changed:
                    trail = now + _TRAIL_SECONDS
                elif trailing:
                    trail = 0.0
                for one in watched:
                    if changed or trailing or now >= one.due:
                        one.dirty = True
                    if one.fresh or (one.dirty and now >= one.next):
                        self._look(one, opened.store)
        finally:
            if opened is not None:
                opened.close()

    def _look(self, one: _Watched, store: RecordStore) -> None:
        with self._lock:
            fresh, one.fresh = one.fresh, []
            told = [tell for tell in one.tells if tell not in fresh]
        began = time.thread_time()
        try:
            events = one.topic.look(store)
            first = one.topic.state() if fresh else []
        except Exception as error:  # noqa: BLE001 - a mistake of ours in one topic ends no other page
            if not isinstance(error, (PlaitError, OSError)):
                _log.error("changes could not be looked for", exc_info=error)
            self._say_trouble([one], error)
            return
        if one.troubled and not any(name == "runs" for name, _ in events):
            # That it works again is news, and what was missed meanwhile is asked for anew.
            again: Event = ("runs", RunsEvent([], True, []))
            events, first = [again, *events], [again, *first]
        now = time.monotonic()
        one.dirty, one.troubled = False, False
        one.next = now + max(_LEAST_SECONDS, (time.thread_time() - began) / _SHARE)
        one.due = now + _MOST_SECONDS
        for tells, said in ((told, events), (fresh, first)):
            if said:
                for tell in tells:
                    tell(said)

    def _say_trouble(self, watched: list[_Watched], error: Exception) -> None:
        """Once, until the records can be read again."""
        said: list[Event] = [("problem", ProblemEvent(problem_of(error)[1]))]
        now = time.monotonic()
        for one in watched:
            with self._lock:
                tells, one.fresh = (one.fresh if one.troubled else one.tells), []
            one.troubled = True
            one.next = now + _TROUBLED_SECONDS
            one.dirty = True
            for tell in tells:
                tell(said)
