"""How does a run get into the tables? Collected while a turn of the loop goes on, committed in one transaction."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import msgspec
from blake3 import blake3

from plait.data import Artifact
from plait.errors import RecordError
from plait.graph.model import Graph, Path
from plait.record.annotations import INSERT as INSERT_ANNOTATION
from plait.record.annotations import Annotations
from plait.record.closures import Closure
from plait.record.database import Database
from plait.record.facts import (
    Advance,
    DataCheck,
    DatasetWrite,
    ErrorInfo,
    LogLine,
    Metric,
    Preview,
    Usage,
    line_level,
)
from plait.record.paths import to_key
from plait.record.spans import Spans
from plait.record.sums import LESS_PACE, ON_MEASURE, PACE_OF_NEW, SERIES_COLUMNS, Paces, Sums

__all__ = ["NOT_TAKEN", "RunWriter", "new_run", "run_goes_on", "store_closures", "store_document"]

Origin: TypeAlias = tuple[int, int, Path, int]
Place: TypeAlias = tuple[int, bytes, int]
_encode = msgspec.msgpack.Encoder().encode


def store_document(database: Database, body: bytes) -> str:
    """Keep a document once, whatever the number of runs that refer to it; answers with its hash."""
    digest = blake3(body).hexdigest(length=16)
    database.execute("INSERT INTO document VALUES (?, ?) ON CONFLICT DO NOTHING", (digest, body))
    return digest


def store_closures(database: Database, closures: Sequence[Closure]) -> None:
    """Keep what steps' code is made of, each closure once."""
    database.many(
        "INSERT INTO document VALUES (?, ?) ON CONFLICT DO NOTHING",
        [(closure.digest, msgspec.json.encode(closure)) for closure in closures],
    )


def new_run(
    database: Database,
    graph: Graph,
    *,
    run_id: str,
    target: str,
    params: dict[str, Any],
    packages: dict[str, str],
    facts: dict[str, Any],
    executor: str,
    inputs: dict[str, tuple[Artifact, str]],
    closures: Sequence[Closure],
    parent: str | None = None,
    said: Annotations = Annotations(),  # noqa: B008 - frozen
) -> RunWriter:
    """Record that a run begins, with all that is known of it; acknowledged once this returns."""
    now = time.time()
    with database.transaction():
        key = database.insert(
            "INSERT INTO run (id, pipeline, target, graph, params, packages, facts, executor, user_name, host, pid,"
            " process_started, started_at, heartbeat_at, parent) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                run_id,
                graph.name,
                target,
                store_document(database, graph.to_json()),
                msgspec.json.encode(params).decode(),
                store_document(database, msgspec.json.encode(packages)),
                msgspec.json.encode(facts).decode(),
                executor,
                facts.get("user", ""),
                facts.get("host", ""),
                facts.get("pid", 0),
                facts.get("process_started"),
                now,
                now,
                parent,
            ),
            "key",
        )
        database.many(
            "INSERT INTO node VALUES (?, ?, ?, ?, ?)",
            [
                (key, index, node.id, graph.steps[node.step].name, closures[index].digest)
                for index, node in enumerate(graph.nodes)
            ],
        )
        store_closures(database, list({one.digest: one for one in closures}.values()))
        database.many(INSERT_ANNOTATION, said.rows(key, facts.get("user", "")))
        writer = RunWriter(database, key, run_id, now)
        for name, (artifact, origin) in inputs.items():
            body = writer.artifact(artifact)
            database.execute(
                "INSERT INTO input VALUES (?, ?, ?, ?, ?)", (key, name, artifact.id, body, origin)
            )
        writer.commit()
    return writer


def run_goes_on(database: Database, run: int) -> bool:
    """Whether the end of a run is not recorded, so that more may come of it."""
    return database.row("SELECT 1 FROM run WHERE key = ? AND status IS NULL", (run,)) is not None


class RunWriter:
    """Collects what happens to one run; ``commit`` makes it so, all or nothing."""

    def __init__(
        self,
        database: Database,
        key: int,
        run_id: str,
        heartbeat: float,
        owner: int = 0,
        began: float | None = None,
    ) -> None:
        self.owner = owner
        self.database = database
        self.key = key
        self.run_id = run_id
        self._heartbeat = heartbeat
        self._lines: dict[tuple[int, bytes, int], int] = {}
        self._has_logged: dict[int, bool] = {}
        self._series: dict[tuple[str, int, bytes, int], int] = {}
        self._serial: int | None = None
        self._ended = False
        self._paces = Paces(key)
        self._spans = Spans(key, heartbeat) if began is None else Spans(key, began, 0)
        self._sums = Sums(key)
        self._rows: dict[str, list[tuple[Any, ...]]] = {}
        self._turns = 0

    def artifact(self, artifact: Artifact, made_at: Place | None = None) -> bytes:
        """The row's form of an artifact; one with blobs is listed, so that its blobs are known to be in use.

        Args:
            made_at: which output of which task it is; of the first one that is told, its record keeps that.
        """
        body = _encode(artifact)
        if artifact.parts or artifact.head is None or artifact.format == "gathered":
            run = self.key if made_at else None
            where = made_at or (None, None, None)
            self._add(
                _ARTIFACT, artifact.id, artifact.format, artifact.type, artifact.size, body, run, *where
            )
        return body

    def extent(self, scope: int, path: Path, items: int) -> None:
        self._add(_EXTENT, self.key, scope, to_key(path), items)

    def grown(self, graph: Graph, first: int, closures: Sequence[Closure]) -> None:
        """The graph of a dynamic run has more nodes now, from number ``first`` on, each with its code."""
        store_closures(self.database, list({one.digest: one for one in closures}.values()))
        self._add(
            "UPDATE run SET graph = ? WHERE key = ?", store_document(self.database, graph.to_json()), self.key
        )
        for index, closure in enumerate(closures, first):
            node = graph.nodes[index]
            self._add(_NODE, self.key, index, node.id, graph.steps[node.step].name, closure.digest)

    def recoded(self, node: int, closure: Closure) -> None:
        """A node of a run that goes on has other code from now on."""
        store_closures(self.database, [closure])
        self._add("INSERT INTO recoded VALUES (?, ?, ?, ?)", self.key, node, time.time(), closure.digest)

    def call(self, scope: int, path: Path, digest: bytes, body: bytes) -> None:
        """A call that the body of a dynamic pipeline made, or with an empty path what it returned."""
        self._add(_CALL, self.key, scope, to_key(path), digest, body)

    def called(self, scope: int, calls: int) -> None:
        """How many calls there are so far."""
        self._add(_CALLED, self.key, scope, b"", calls)

    def call_failed(self, scope: int, path: Path, reason: str | None) -> None:
        """The body knows that a call failed, and goes on. Without a reason it did not: the call is tried again."""
        self._add(_CALL_FAILED, reason, self.key, scope, to_key(path))

    def failed_before(self, node: int, path: Path) -> None:
        """A task that failed before the run was resumed stays so: its attempt is the last one."""
        key = to_key(path)
        self._add(_FAILED_BEFORE, self.key, node, key, self.key, node, key)

    def passed_value(self, name: str, artifact: Artifact) -> None:
        """A value that calls pass and that is too large for their rows."""
        self._add(_PASSED_VALUE, self.key, name, artifact.id, self.artifact(artifact), "passed in a call")

    def launched(self, node: int, path: Path, attempt: int, key: str | None, decision: str) -> None:
        self._add(_LAUNCHED, self.key, node, to_key(path), attempt, key, decision, time.time())
        self._paces.begun(node, 1)

    def began(self, node: int, path: Path, attempt: int, started_at: float, called_at: float) -> None:
        """A task that runs for long was taken by a worker, and its function called, at these times; 0 for not yet."""
        self._add(_BEGAN, started_at, called_at or None, self.key, node, to_key(path), attempt)

    def superseded(self, node: int, path: Path, reason: str) -> None:
        """A task of a resumed run had a result that can no longer be read: it runs once more."""
        self._add(LESS_PACE, self.key, node, to_key(path))
        self._add(_SUPERSEDED, reason, self.key, node, to_key(path))

    def cached(self, node: int, path: Path, key: str | None, source: str, origin: Origin | None) -> None:
        """A task whose result was there; ``source`` is the id of the run that made it.

        What the attempt at ``origin`` (run, node, path, attempt) logged is this task's as well.
        """
        own = to_key(path)
        now = time.time()
        self._add(_CACHED, self.key, node, own, now, key, source)
        self._paces.add(node, "cached")
        self._spans.add(node, "cached", Usage(ended_at=now))
        if origin is not None and self._logged(origin[0]):
            there = (origin[0], origin[1], to_key(origin[2]), origin[3])
            self._add(_CACHED_METRICS, self.key, node, own, *there)
            self._add(_CACHED_SERIES, self.key, node, own, *there)
            self._add(_CACHED_MEASURES, self.key, *there)
            self._add(_CACHED_PREVIEWS, self.key, node, own, *there)

    def _logged(self, run: int) -> bool:
        """Whether any task of a run logged a number or an object; asked once for each other run."""
        if run == self.key:
            return True
        known = self._has_logged.get(run)
        if known is None:
            row = self.database.row(
                "SELECT EXISTS (SELECT 1 FROM metric WHERE run = ?) OR EXISTS (SELECT 1 FROM preview WHERE run = ?)",
                (run, run),
            )
            known = bool(row and row[0])
            if known or not run_goes_on(self.database, run):
                self._has_logged[run] = known
        return known

    def ended(
        self,
        node: int,
        path: Path,
        attempt: int,
        state: str,
        usage: Usage,
        reason: str = "",
        error: ErrorInfo | None = None,
    ) -> None:
        self._add(
            _ENDED,
            state,
            reason or None,
            usage.worker or None,
            usage.started_at or None,
            usage.called_at or None,
            usage.ended_at or None,
            usage.cpu_seconds,
            usage.peak_memory or None,
            _encode(error) if error else None,
            self.key,
            node,
            to_key(path),
            attempt,
        )
        self._paces.begun(node, -1)
        self._paces.add(node, state, usage)
        self._spans.add(node, state, usage)

    def slot_taken(self, name: str, node: int, path: Path) -> None:
        """A task runs under a limit that several runs share."""
        self._add(_SLOT, name, self.key, node, to_key(path))

    def slot_given_back(self, node: int, path: Path) -> None:
        self._add("DELETE FROM slot WHERE run = ? AND node = ? AND path = ?", self.key, node, to_key(path))

    def slots_given_back(self) -> None:
        self._add("DELETE FROM slot WHERE run = ?", self.key)

    def settled(self, node: int, path: Path, state: str, reason: str, *, absent: bool = False) -> None:
        """A task that ended without an attempt: skipped, or refused before it began.

        Args:
            absent: it was skipped because a branch was not taken.
        """
        self._add(_SETTLED, self.key, node, to_key(path), state, reason, NOT_TAKEN if absent else None)

    def decided(
        self, node: int, path: Path, state: str, said: str, reason: str = "", error: ErrorInfo | None = None
    ) -> None:
        """What the run decided itself, or could not; ``said`` is how it came out."""
        body = _encode(error) if error else None
        where = (self.key, node, to_key(path))
        self._add(PACE_OF_NEW, node, state, self.key, *where)
        self._add(_DECIDED, *where, state, reason or None, time.time(), body, said)

    def outputs(self, node: int, path: Path, artifacts: tuple[Artifact, ...]) -> None:
        key = to_key(path)
        for position, artifact in enumerate(artifacts):
            body = self.artifact(artifact, (node, key, position))
            self._add(_OUTPUT, self.key, node, key, position, artifact.id, body)

    def metrics(self, node: int, path: Path, attempt: int, metrics: tuple[Metric, ...]) -> None:
        key = to_key(path)
        for metric in metrics:
            series = (metric.name, node, key, attempt)
            position = self._series[series] = self._series.get(series, -1) + 1
            self._add(
                _METRIC,
                self.key,
                node,
                key,
                attempt,
                metric.name,
                position,
                metric.at,
                metric.value if metric.value == metric.value else None,  # no number is null in every database
                metric.logged_at,
            )
            self._sums.add(series, position, metric)

    def advance(self, node: int, path: Path, attempt: int, advance: Advance) -> None:
        """How far a task said that it is: the last word counts."""
        self._add(
            _ADVANCE, self.key, node, to_key(path), attempt, advance.done, advance.total, advance.said_at
        )

    def checkpoint(self, node: int, path: Path, artifact: Artifact) -> None:
        """The state that the next attempt of a task begins with, in place of the one before."""
        body = self.artifact(artifact)
        self._add(_CHECKPOINT, self.key, node, to_key(path), artifact.id, body, time.time())

    def code(self, digest: str, artifact: Artifact, files: int, size: int) -> None:
        """A version of the project's code that goes to other machines; ``size`` is that of its files in bytes."""
        body = self.artifact(artifact)
        self._add(_CODE, self.key, digest, artifact.id, body, files, size, time.time())

    def no_checkpoint(self, node: int, path: Path) -> None:
        """A task is done: what it had put aside is needed no more."""
        self._add(_NO_CHECKPOINT, self.key, node, to_key(path))

    def previews(self, node: int, path: Path, attempt: int, previews: tuple[Preview, ...]) -> None:
        for position, preview in enumerate(previews):
            # Of what was logged the places count from -1 downwards.
            body = self.artifact(preview.artifact, (node, to_key(path), -1 - position))
            self._add(
                _PREVIEW,
                self.key,
                node,
                to_key(path),
                attempt,
                position,
                preview.name,
                preview.artifact.id,
                body,
            )

    def writes(self, node: int, path: Path, attempt: int, writes: tuple[DatasetWrite, ...]) -> None:
        now = time.time()
        for one in writes:
            where = (one.dataset, one.part, one.place, one.content, one.version, one.size)
            self._add(_DATASET_WRITE, self.key, node, to_key(path), attempt, *where, now)

    def checks(self, node: int, path: Path, attempt: int, checks: Sequence[DataCheck]) -> None:
        """What checks of data found in a task; node -1 is what was loaded before the first."""
        for position, one in enumerate(checks):
            what = (one.dataset, one.check, one.severity, one.on, int(one.passed))
            self._add(_DATA_CHECK, self.key, node, to_key(path), attempt, position, *what, _encode(one))

    def logs(self, node: int, path: Path, attempt: int, lines: tuple[LogLine, ...]) -> None:
        if not lines:
            return
        place = (node, to_key(path), attempt)
        first = self._lines.get(place, 0)
        self._lines[place] = first + len(lines)
        serial = self._serial if self._serial is not None else self._lines_so_far()
        self._serial = serial + len(lines)
        # A task may say a hundred thousand lines at once; who looks at one of them reads its block alone.
        for at in range(0, len(lines), _LOG_BLOCK):
            block = lines[at : at + _LOG_BLOCK]
            level = max(map(line_level, block))
            self._add(_LOG, self.key, *place, first + at, len(block), _encode(block), serial + at, level)

    def _lines_so_far(self) -> int:
        """How many lines the processes that had the run before have written."""
        row = self.database.row(
            "SELECT serial + lines FROM log WHERE run = ? ORDER BY serial DESC LIMIT 1", (self.key,)
        )
        return row[0] if row else 0

    def finished(self, status: str, reason: str = "") -> None:
        self._ended = True
        self._add(_FINISHED, time.time(), status, reason or None, self.key)

    @property
    def heartbeat(self) -> float:
        """When the run said last, in one of its turns, that it is alive; in epoch seconds."""
        return self._heartbeat

    def beat(self, now: float) -> None:
        """Say that the run is alive, now and then."""
        if now - self._heartbeat >= HEARTBEAT_SECONDS:
            self._heartbeat = now
            self._add("UPDATE run SET heartbeat_at = ? WHERE key = ?", now, self.key)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One transaction: what was collected before and what is collected inside is acknowledged when it ends.

        Raises:
            RecordError: the run was taken over by another process, or the store cannot be written.
        """
        self._turns += 1
        with self.database.transaction(self._is_missing):
            self._check_owner()
            self._flush()
            yield
            self._flush(last=True)

    def _check_owner(self) -> None:
        database = self.database
        owner = database.row(f"SELECT turn FROM run WHERE key = ?{database.for_update}", (self.key,))
        if owner is None or owner[0] != self.owner:
            raise RecordError(
                f"run {self.run_id} was {'deleted' if owner is None else 'taken over by another process'}",
                hint=f"plait show {self.run_id}",
            )

    def _is_missing(self) -> bool:
        """Whether this turn has to be written once more: its commit may have been the last that the database heard."""
        self._check_owner()
        return not self.database.is_acknowledged(self.key, self.owner, self._turns)

    def commit(self) -> None:
        """Write what was collected; afterwards it is acknowledged."""
        if self._rows:
            with self.turn():
                pass

    def _flush(self, *, last: bool = False) -> None:
        rows, self._rows = self._rows, {}
        self._paces.flush(rows, last=self._ended)
        self._spans.flush(rows, last=self._ended)
        self._sums.flush(rows)
        if rows or last:
            self._write(rows, last=last)

    def _write(self, rows: dict[str, list[tuple[Any, ...]]], *, last: bool = False) -> None:
        with self.database.batch():
            for statement, values in rows.items():
                if len(values) == 1:
                    self.database.execute(statement, values[0])
                else:
                    self.database.many(statement, values)
            if last:
                self.database.acknowledge(self.key, self.owner, self._turns)

    def _add(self, statement: str, *values: Any) -> None:
        self._rows.setdefault(statement, []).append(values)


HEARTBEAT_SECONDS = 5.0
NOT_TAKEN = "branch not taken"
_LOG_BLOCK = 1_000  # lines of a row at most

_ARTIFACT = (
    "INSERT INTO artifact (id, format, type, size, body, run, node, path, position)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
_EXTENT = "INSERT INTO extent VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
_NODE = "INSERT INTO node VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_CALL = (
    "INSERT INTO call (run, scope, path, digest, body) VALUES (?, ?, ?, ?, ?) ON CONFLICT (run, scope, path)"
    " DO UPDATE SET digest = excluded.digest, body = excluded.body, failed = NULL"
)
_CALLED = "INSERT INTO extent VALUES (?, ?, ?, ?) ON CONFLICT (run, scope, path) DO UPDATE SET items = excluded.items"
_CALL_FAILED = "UPDATE call SET failed = ? WHERE run = ? AND scope = ? AND path = ?"
_FAILED_BEFORE = (
    "UPDATE attempt SET state = 'failed' WHERE run = ? AND node = ? AND path = ? AND state = 'retried'"
    " AND attempt = (SELECT MAX(attempt) FROM attempt WHERE run = ? AND node = ? AND path = ?)"
)
_PASSED_VALUE = "INSERT INTO input VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_LAUNCHED = (
    "INSERT INTO attempt (run, node, path, attempt, key, decision, launched_at) VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_BEGAN = (
    "UPDATE attempt SET started_at = ?, called_at = ? WHERE run = ? AND node = ? AND path = ? AND attempt = ?"
    " AND state IS NULL"
)
_CACHED = (
    "INSERT INTO attempt (run, node, path, attempt, state, ended_at, key, source)"
    " VALUES (?, ?, ?, 0, 'cached', ?, ?, ?) ON CONFLICT (run, node, path, attempt)"
    " DO UPDATE SET state = excluded.state, ended_at = excluded.ended_at, key = excluded.key, source = excluded.source"
)
_CACHED_METRICS = (
    "INSERT INTO metric (run, node, path, attempt, name, position, at, value, logged_at)"
    " SELECT ?, ?, ?, 0, name, position, at, value, logged_at FROM metric"
    " WHERE run = ? AND node = ? AND path = ? AND attempt = ? ON CONFLICT DO NOTHING"
)
_CACHED_SERIES = (
    f"INSERT INTO series (run, node, path, attempt, {SERIES_COLUMNS}) SELECT ?, ?, ?, 0, {SERIES_COLUMNS} FROM series"
    " WHERE run = ? AND node = ? AND path = ? AND attempt = ? ON CONFLICT DO NOTHING"
)
_CACHED_MEASURES = (
    "INSERT INTO measure (run, name, tasks, points, least, greatest, last, logged_at)"
    " SELECT ?, name, CASE WHEN block = 0 THEN 1 ELSE 0 END, points, least, greatest, last, last_logged_at FROM series"
    f" WHERE run = ? AND node = ? AND path = ? AND attempt = ? ORDER BY name, block {ON_MEASURE}"
)
_CACHED_PREVIEWS = (
    "INSERT INTO preview (run, node, path, attempt, position, name, artifact, body)"
    " SELECT ?, ?, ?, 0, position, name, artifact, body FROM preview"
    " WHERE run = ? AND node = ? AND path = ? AND attempt = ? ON CONFLICT DO NOTHING"
)
_ENDED = (
    "UPDATE attempt SET state = ?, reason = ?, worker = ?, started_at = ?, called_at = ?, ended_at = ?,"
    " cpu_seconds = ?, peak_memory = ?, error = ? WHERE run = ? AND node = ? AND path = ? AND attempt = ?"
)
_SLOT = "INSERT INTO slot (name, run, node, path) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
_SETTLED = (
    "INSERT INTO attempt (run, node, path, attempt, state, reason, decision) VALUES (?, ?, ?, 0, ?, ?, ?)"
    " ON CONFLICT DO NOTHING"
)
_OUTPUT = (
    "INSERT INTO output VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (run, node, path, position)"
    " DO UPDATE SET artifact = excluded.artifact, body = excluded.body"
)
_SUPERSEDED = (
    "UPDATE attempt SET state = 'retried', reason = ? WHERE run = ? AND node = ? AND path = ?"
    " AND state IN ('done', 'cached')"
)
_DECIDED = (
    "INSERT INTO attempt (run, node, path, attempt, state, reason, ended_at, error, decision)"
    " VALUES (?, ?, ?, 0, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
_METRIC = (
    "INSERT INTO metric (run, node, path, attempt, name, position, at, value, logged_at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_ADVANCE = (
    "INSERT INTO advance (run, node, path, attempt, done, total, said_at) VALUES (?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (run, node, path, attempt)"
    " DO UPDATE SET done = excluded.done, total = excluded.total, said_at = excluded.said_at"
)
_CHECKPOINT = (
    "INSERT INTO checkpoint (run, node, path, artifact, body, saved_at) VALUES (?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (run, node, path)"
    " DO UPDATE SET artifact = excluded.artifact, body = excluded.body, saved_at = excluded.saved_at"
)
_CODE = "INSERT INTO code VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_NO_CHECKPOINT = "DELETE FROM checkpoint WHERE run = ? AND node = ? AND path = ?"
_PREVIEW = "INSERT INTO preview VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_DATASET_WRITE = "INSERT INTO dataset_write VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_DATA_CHECK = "INSERT INTO data_check VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_LOG = (
    "INSERT INTO log (run, node, path, attempt, first_line, lines, body, serial, level)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_FINISHED = "UPDATE run SET ended_at = ?, status = ?, reason = ? WHERE key = ?"
