"""What has changed of what somebody looks at? Each topic knows what it has told, and costs what has changed since."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct

from plait.record.curves import MetricSummary, run_metrics
from plait.record.loglines import Line, LogScope, line_count, read_lines
from plait.record.progress import StepProgress, run_counts, step_progress
from plait.record.runrows import RunRow, live_row, run_rows
from plait.record.store import RecordStore
from plait.record.views import Run
from plait.server.problems import Problem

if TYPE_CHECKING:
    from plait.server.inspector import Inspector

__all__ = [
    "EndEvent",
    "Event",
    "LinesEvent",
    "LinesTopic",
    "ProblemEvent",
    "ProjectEvent",
    "ProjectTopic",
    "RunEvent",
    "RunTopic",
    "RunsEvent",
    "Topic",
]

_MOST_ROWS = 50
_MOST_METRICS = 100
_ALIVE_SECONDS = 0.5  # that a look at the process of a run holds for
_BEGUN = "SELECT MAX(started_at), MAX(called_at) FROM attempt WHERE run = ? AND state IS NULL"
_SELDOM_SECONDS = 1.0  # between two looks at what people say of runs


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


class Topic(Protocol):
    """Something that pages look at."""

    def look(self, store: RecordStore) -> list[Event]:
        """What has changed since the last look."""

    def state(self) -> list[Event]:
        """How things are, for whoever has just come."""


class ProjectTopic:
    """The runs of a project, and the revision of its code."""

    def __init__(self, inspector: Inspector) -> None:
        self._inspector = inspector
        self._revision = inspector.revision
        self._newest: int | None = None
        self._open: dict[int, tuple[Run, RunRow, Any]] = {}
        self._said: Any = None
        self._seldom = 0.0

    def state(self) -> list[Event]:
        return []  # lists are asked for by whoever comes

    def look(self, store: RecordStore) -> list[Event]:
        row = store.database.row("SELECT MAX(key) FROM run")
        newest = (row[0] or 0) if row else 0
        events: list[Event] = []
        said = self._said_of_runs(store, newest)
        again = said != self._said
        ended, changed = self._unfinished(store, again=again)
        if self._newest is not None:
            new = [
                row[0]
                for row in store.database.rows(
                    f"SELECT key FROM run WHERE key > ? ORDER BY key DESC LIMIT {_MOST_ROWS + 1}",
                    (self._newest,),
                )
            ] if newest > self._newest else []  # fmt: skip
            more = len(new) > _MOST_ROWS or (again and self._said is not None)
            whole = [key for key in dict.fromkeys([*new, *ended]) if key not in self._open][:_MOST_ROWS]
            rows = [*run_rows(store, whole), *changed]
            if rows or more:
                events.append(("runs", RunsEvent(rows[:_MOST_ROWS], more, [])))
        self._newest, self._said = newest, said
        if self._inspector.revision != self._revision:
            self._revision = self._inspector.revision
            events.append(("project", ProjectEvent(True)))
        return events

    def _unfinished(self, store: RecordStore, *, again: bool) -> tuple[list[int], list[RunRow]]:
        """The runs that have ended since, and the rows of those that changed."""
        known, self._open = self._open, {}
        changed = []
        runs = store.unfinished_runs({key: run for key, (run, _, _) in known.items()})
        for run in runs[-_MOST_ROWS:]:
            run.process.holds = _ALIVE_SECONDS
            status = run.status
            counts = run_counts(run) if status == "running" else None
            state = (status, counts, run.reason)
            before = known.get(run.key)
            if before is None or again:
                rows = run_rows(store, [run.key])
                if not rows:
                    continue
                row = rows[0]
            else:
                row = before[1]
            if before is None or before[2] != state:
                row = live_row(row, run, counts)
                changed.append(row)
            self._open[run.key] = (run, row, state)
        return [key for key in known if key not in self._open], changed

    def _said_of_runs(self, store: RecordStore, newest: int) -> Any:
        """What is another one when people named, tagged, pinned or deleted runs; looked at once a second."""
        now = time.monotonic()
        if self._said is not None and now < self._seldom:
            return self._said
        self._seldom = now + _SELDOM_SECONDS
        database = store.database
        count = database.row("SELECT COUNT(*) FROM run")
        return (
            database.row("SELECT COUNT(*), MAX(said_at) FROM annotation"),
            database.row("SELECT COUNT(*), MAX(pinned_at) FROM pin"),
            (count[0] if count else 0) - newest,
        )


class RunTopic:
    """One run: how far its steps are, what was logged, how many lines there are."""

    def __init__(self, run_id: str) -> None:
        self._id = run_id
        self._run: Run | None = None
        self._row: RunRow | None = None
        self._steps: dict[str, StepProgress] = {}
        self._metrics: dict[str, MetricSummary] = {}
        self._lines = 0
        self._begun: Any = None
        self._status: str | None = None
        self._tick = 0

    def state(self) -> list[Event]:
        if self._row is None:
            return []
        event = RunEvent(
            self._row, list(self._steps.values()), self._lines, list(self._metrics.values()), self._tick
        )
        return [("run", event), *self._end()]

    def _end(self) -> list[Event]:
        return [] if self._status in (None, "running") else [("end", EndEvent(str(self._status)))]

    def look(self, store: RecordStore) -> list[Event]:
        if self._run is None:
            self._run = store.run(self._id)
            self._run.process.holds = _ALIVE_SECONDS
        else:
            self._run.store = store
            self._run.refresh()
        run, was = self._run, self._status
        status = run.status
        if was == status and status not in ("running", "crashed"):
            return []
        counts = run.counts()
        steps = [one for one in step_progress(run, counts) if self._steps.get(one.id) != one]
        metrics = [one for one in run_metrics(run, _MOST_METRICS) if self._metrics.get(one.name) != one]
        lines = line_count(LogScope(run))
        begun = store.database.row(_BEGUN, (run.key,)) if status == "running" else None
        if was == status and not steps and not metrics and lines == self._lines and begun == self._begun:
            return []
        self._begun = begun
        self._steps |= {one.id: one for one in steps}
        self._metrics |= {one.name: one for one in metrics}
        self._lines, self._status = lines, status
        self._tick += 1
        if self._row is None or status != was:
            (self._row,) = run_rows(store, [run.key])
        else:
            self._row = live_row(self._row, run, run_counts(run, counts) if status == "running" else None)
        events: list[Event] = [("run", RunEvent(self._row, steps, lines, metrics, self._tick))]
        return events if was == status else [*events, *self._end()]


class LinesTopic:
    """The lines of a log that come after a number."""

    def __init__(self, make_scope: Callable[[RecordStore], LogScope], first: int) -> None:
        self._make_scope = make_scope
        self._next = first
        self._ended = False
        self._found: list[Event] = []

    def state(self) -> list[Event]:
        return self._found  # nobody else listens to it

    def look(self, store: RecordStore) -> list[Event]:
        scope = self._make_scope(store)
        events: list[Event] = []
        page = read_lines(scope, self._next, 2000)
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
        self._found = events
        return events
