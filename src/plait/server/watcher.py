"""What has changed? The tables are looked at now and then while somebody listens, and said to all who do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from plait.errors import PlaitError
from plait.record.curves import MetricSummary
from plait.record.loglines import Line, LogScope, line_count, read_lines
from plait.record.progress import StepProgress, step_progress
from plait.record.runlist import RunRow, run_rows
from plait.record.store import RecordStore
from plait.record.views import Run
from plait.server.connections import Connections
from plait.server.problems import Problem, problem_of

if TYPE_CHECKING:
    from plait.server.inspector import Inspector

__all__ = [
    "EndEvent",
    "LinesEvent",
    "ProblemEvent",
    "ProjectEvent",
    "RunEvent",
    "RunsEvent",
    "Watcher",
]

_LEAST_SECONDS = 0.15  # between two looks of one listener
_MOST_SECONDS = 2.0
_SHARE = 0.03  # of a core that one listener's looking may take
_PING_SECONDS = 15.0
_MOST_ROWS = 50
_MOST_LISTENERS = 200


class RunsEvent(Struct, frozen=True):
    """Runs that are new or changed; ``more`` when there were others: fetch lists anew."""

    changed: list[RunRow]
    more: bool
    removed: list[str]


class ProjectEvent(Struct, frozen=True):
    """The code or the conf of the project changed."""

    changed: bool


class RunEvent(Struct, frozen=True):
    """What changed in a run; ``tick`` grows with every change."""

    run: RunRow
    steps: list[StepProgress]
    log_lines: int
    metrics: list[MetricSummary]
    tick: int


class EndEvent(Struct, frozen=True):
    """No more comes of a run, unless it is resumed."""

    status: str


class LinesEvent(Struct, frozen=True):
    """New lines of a log."""

    lines: list[Line]
    total: int


class ProblemEvent(Struct, frozen=True):
    """The records cannot be read just now."""

    error: Problem


Event = tuple[str, Any]


class Watcher:
    """Streams of changes. Each listener looks for itself: what nobody listens to costs nothing."""

    def __init__(self, connections: Connections, inspector: Inspector) -> None:
        self._connections = connections
        self._inspector = inspector
        self._closed = False
        self._listeners = 0

    def close(self) -> None:
        self._closed = True

    def project(self) -> AsyncIterator[bytes]:
        return self._stream(_ProjectView(self._inspector).look)

    def run(self, run_id: str) -> AsyncIterator[bytes]:
        return self._stream(_RunView(run_id, _ProjectView(self._inspector)).look)

    def lines(self, make_scope: Callable[[RecordStore], LogScope], first: int) -> AsyncIterator[bytes]:
        return self._stream(_LinesView(make_scope, first).look)

    async def _stream(self, look: Callable[[RecordStore], list[Event]]) -> AsyncIterator[bytes]:
        if self._listeners >= _MOST_LISTENERS:
            yield _frame(
                ("problem", ProblemEvent(Problem("too_many", "too many pages listen to this server")))
            )
            return
        self._listeners += 1
        said = time.monotonic()
        try:
            yield b"retry: 2000\n\n"
            troubled = False
            state = _Seen()
            while not self._closed:
                try:
                    events = await asyncio.to_thread(self._look, look, state)
                    if troubled and not any(name == "runs" for name, _ in events):
                        # That it works again is news, though nothing else is.
                        events = [("runs", RunsEvent([], False, [])), *events]
                    troubled = False
                except (PlaitError, OSError) as error:
                    events = [] if troubled else [("problem", ProblemEvent(problem_of(error)[1]))]
                    troubled = True
                for event in events:
                    yield _frame(event)
                    said = time.monotonic()
                if events and events[-1][0] == "end" and events[-1][1] is None:
                    return
                if time.monotonic() - said > _PING_SECONDS:
                    yield b": ping\n\n"
                    said = time.monotonic()
                await asyncio.sleep(min(_MOST_SECONDS, max(_LEAST_SECONDS, state.cost / _SHARE)))
        finally:
            self._listeners -= 1

    def _look(self, look: Callable[[RecordStore], list[Event]], state: _Seen) -> list[Event]:
        with self._connections.borrow() as store:
            version = _version(store)
            state.cost = 0.0
            if version is not None and version == state.version and time.monotonic() < state.due:
                return []
            state.version = version
            # A process that dies says nothing: that is noticed by looking.
            state.due = time.monotonic() + 2.0
            began = time.thread_time()
            found = look(store)
            state.cost = time.thread_time() - began
            return found


class _Seen:
    def __init__(self) -> None:
        self.version: Any = None
        self.due = 0.0
        self.cost = 0.0


def _version(store: RecordStore) -> Any:
    """What is another one whenever something was committed; None where that cannot be told cheaply."""
    path = getattr(store.database, "path", None)
    if path is None:
        return None
    found: list[Any] = []
    for name in (path, path.with_name(f"{path.name}-wal")):
        try:
            stat = name.stat()
            found.append((stat.st_mtime_ns, stat.st_size, stat.st_ino))
        except OSError:
            found.append(None)
    return tuple(found)


def _frame(event: Event) -> bytes:
    return (
        b"event: " + event[0].encode() + b"\ndata: " + msgspec.json.encode(event[1], enc_hook=str) + b"\n\n"
    )


class _ProjectView:
    """The runs that were seen, and how they were."""

    def __init__(self, inspector: Inspector) -> None:
        self._inspector = inspector
        self._project = inspector.revision
        self._newest: int | None = None
        self._open: dict[int, tuple[Any, ...]] = {}
        self._annotated: Any = None

    def look(self, store: RecordStore) -> list[Event]:
        database = store.database
        row = database.row("SELECT MAX(key) FROM run")
        newest = row[0] or 0 if row else 0
        unfinished = {run.key: run for run in store.unfinished_runs()}
        states = {
            key: (run.status, sum(sum(one.by_state.values()) for one in run.counts().values()))
            for key, run in list(unfinished.items())[:_MOST_ROWS]
        }
        said = database.row("SELECT COUNT(*), MAX(said_at) FROM annotation")
        pins = database.row("SELECT COUNT(*), MAX(pinned_at) FROM pin")
        count = database.row("SELECT COUNT(*) FROM run")
        annotated = (said, pins, count if newest == self._newest else None)
        first = self._newest is None
        changed: list[int] = []
        removed: list[str] = []
        more = False
        if not first:
            if newest > (self._newest or 0):
                changed += [
                    row[0]
                    for row in database.rows(
                        f"SELECT key FROM run WHERE key > ? ORDER BY key DESC LIMIT {_MOST_ROWS + 1}",
                        (self._newest,),
                    )
                ]
            changed += [key for key, state in states.items() if self._open.get(key) != state]
            changed += [key for key in self._open if key not in unfinished]
            more = len(changed) > _MOST_ROWS or (
                self._annotated is not None and annotated[:2] != self._annotated[:2]
            )
            if annotated[2] and self._annotated[2] and annotated[2] < self._annotated[2]:
                more = True
        self._newest, self._open, self._annotated = newest, states, annotated
        events: list[Event] = []
        changed = list(dict.fromkeys(changed))[:_MOST_ROWS]
        if changed or removed or more:
            rows = run_rows(store, changed)
            events.append(("runs", RunsEvent(rows, more, removed)))
        if self._inspector.revision != self._project:
            self._project = self._inspector.revision
            events.append(("project", ProjectEvent(True)))
        return events


class _RunView:
    def __init__(self, run_id: str, project: _ProjectView) -> None:
        self._id = run_id
        self._project = project
        self._run: Run | None = None
        self._steps: dict[str, StepProgress] = {}
        self._metrics: dict[str, MetricSummary] = {}
        self._state: Any = None
        self._tick = 0

    def look(self, store: RecordStore) -> list[Event]:
        from plait.record.curves import run_metrics

        events = self._project.look(store)
        if self._run is None:
            self._run = store.run(self._id)
        run = self._run
        run.store = store
        run.refresh()
        status = run.status
        was = self._state[0] if self._state else None
        if was is not None and was == status and status not in ("running", "crashed"):
            return events
        steps = step_progress(run)
        metrics = run_metrics(run, 100)
        lines = line_count(LogScope(run))
        state = (status, steps, metrics, lines)
        if state == self._state:
            return events
        self._state = state
        changed = [one for one in steps if self._steps.get(one.id) != one]
        logged = [one for one in metrics if self._metrics.get(one.name) != one]
        self._steps = {one.id: one for one in steps}
        self._metrics = {one.name: one for one in metrics}
        self._tick += 1
        rows = run_rows(store, [run.key])
        events.append(("run", RunEvent(rows[0], changed, lines, logged, self._tick)))
        if status != "running" and was != status:
            events.append(("end", EndEvent(status)))
        return events


class _LinesView:
    def __init__(self, make_scope: Callable[[RecordStore], LogScope], first: int) -> None:
        self._make_scope = make_scope
        self._next = first
        self._ended = False

    def look(self, store: RecordStore) -> list[Event]:
        scope = self._make_scope(store)
        page = read_lines(scope, self._next, 2000)
        events: list[Event] = []
        if page.lines:
            self._next = page.lines[-1].n + 1
            events.append(("lines", LinesEvent(page.lines, page.total)))
        status = scope.run.status
        if status != "running" and page.next is None:
            if not self._ended:
                self._ended = True
                events.append(("end", EndEvent(status)))
        else:
            self._ended = False
        return events
