"""Which tables are there? Migrations as numbered steps: a store of any earlier version is brought up to date.

Facts are written once. A run's status, a task's state and a node's progress follow from rows that are there; only the
end of a run and of an attempt is added to its row. ``path`` is a task's indices as big-endian 32-bit numbers, so that
the order of bytes is the order of items. ``body`` is an artifact as the store knows it, small values with their
content; the table ``artifact`` lists those that have blobs. Attempt 0 is a task that did not run: taken from elsewhere
(``source``), skipped, or refused. ``turn`` counts the processes that have owned a run: a writer whose turn is over may
not write. ``recoded`` tells with which code a resumed run went on, where that is not the one that it began with.
``pin`` names what is kept whatever its age, ``beginning`` the processes that store values for a run that is not
recorded yet. ``data_check`` is what checks of datasets found, ``body`` all that is known of it; those of what was
loaded before the first task stand at node -1. ``call`` is what the body of a dynamic pipeline called: ``body`` is what
was passed, ``failed`` why it failed if the body went on knowing that; the row with an empty path is what it returned.

What is looked at of runs that are large is summed up while it is written, so that no look costs a pass over a run:
``pace`` tells how attempts of a node ended (state '': begun and not ended) and, by logarithmic buckets, how long they
took (bucket -1: no time at all); ``span`` when they went on, by the bins of time of ``bins``; ``series`` sums up each
512 numbers of a logged series, ``measure`` each name of a run. ``serial`` of a log's lines is their place among
all lines of the run, ``level`` the highest level in them. ``annotation`` is what people say of a run: its name, its
tags, a note. ``checkpoint`` is the state that the next attempt of a task begins with, ``advance`` how far an attempt
said that it is. ``request`` is what somebody asks of a run that is going on; ``slot`` names the tasks that run under a
limit which several runs share. ``code`` tells which versions of the project's code a run has sent to other machines:
archives of ``files`` files with ``size`` bytes.
"""

from __future__ import annotations

from plait.record.bins import BEGIN, SPAN_COLUMNS, SPANS_OF_ATTEMPTS

__all__ = ["MIGRATIONS", "PACE_BUCKETS", "PACE_OF_ATTEMPTS", "RUN_TABLES", "SERIES_BLOCK", "VERSION"]

# The tables whose rows belong to one run, and come and go with it.
RUN_TABLES = (
    "node",
    "input",
    "extent",
    "attempt",
    "output",
    "metric",
    "preview",
    "log",
    "recoded",
    "pace",
    "span",
    "series",
    "measure",
    "annotation",
    "dataset_write",
    "data_check",
    "call",
    "advance",
    "checkpoint",
    "request",
    "code",
)

_FIRST = (
    """CREATE TABLE document (
        hash TEXT PRIMARY KEY,
        body BLOB NOT NULL
    )""",
    """CREATE TABLE run (
        key INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        pipeline TEXT NOT NULL,
        target TEXT NOT NULL,
        graph TEXT NOT NULL,
        params TEXT NOT NULL,
        packages TEXT NOT NULL,
        facts TEXT NOT NULL,
        executor TEXT NOT NULL,
        user_name TEXT NOT NULL,
        host TEXT NOT NULL,
        pid INTEGER NOT NULL,
        process_started REAL,
        started_at REAL NOT NULL,
        heartbeat_at REAL NOT NULL,
        turn INTEGER NOT NULL DEFAULT 0,
        parent TEXT,
        ended_at REAL,
        status TEXT,
        reason TEXT
    )""",
    "CREATE INDEX run_by_start ON run (started_at)",
    """CREATE TABLE node (
        run INTEGER NOT NULL,
        node INTEGER NOT NULL,
        id TEXT NOT NULL,
        step TEXT NOT NULL,
        closure TEXT,
        PRIMARY KEY (run, node)
    ) WITHOUT ROWID""",
    """CREATE TABLE input (
        run INTEGER NOT NULL,
        name TEXT NOT NULL,
        artifact TEXT NOT NULL,
        body BLOB NOT NULL,
        origin TEXT NOT NULL,
        PRIMARY KEY (run, name)
    ) WITHOUT ROWID""",
    """CREATE TABLE artifact (
        id TEXT PRIMARY KEY,
        format TEXT NOT NULL,
        type TEXT NOT NULL,
        size INTEGER NOT NULL,
        body BLOB NOT NULL
    ) WITHOUT ROWID""",
    """CREATE TABLE extent (
        run INTEGER NOT NULL,
        scope INTEGER NOT NULL,
        path BLOB NOT NULL,
        items INTEGER NOT NULL,
        PRIMARY KEY (run, scope, path)
    ) WITHOUT ROWID""",
    """CREATE TABLE attempt (
        run INTEGER NOT NULL,
        node INTEGER NOT NULL,
        path BLOB NOT NULL,
        attempt INTEGER NOT NULL,
        state TEXT,
        reason TEXT,
        worker TEXT,
        started_at REAL,
        ended_at REAL,
        cpu_seconds REAL,
        peak_memory INTEGER,
        error BLOB,
        key TEXT,
        source TEXT,
        decision TEXT,
        PRIMARY KEY (run, node, path, attempt)
    ) WITHOUT ROWID""",
    "CREATE INDEX attempt_by_key ON attempt (key) WHERE attempt > 0",
    """CREATE TABLE output (
        run INTEGER NOT NULL,
        node INTEGER NOT NULL,
        path BLOB NOT NULL,
        position INTEGER NOT NULL,
        artifact TEXT NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY (run, node, path, position)
    ) WITHOUT ROWID""",
    """CREATE TABLE metric (
        run INTEGER NOT NULL,
        node INTEGER NOT NULL,
        path BLOB NOT NULL,
        attempt INTEGER NOT NULL,
        name TEXT NOT NULL,
        position INTEGER NOT NULL,
        at REAL,
        value REAL,
        logged_at REAL NOT NULL,
        PRIMARY KEY (run, node, path, attempt, name, position)
    ) WITHOUT ROWID""",
    "CREATE INDEX metric_by_name ON metric (run, name)",
    """CREATE TABLE preview (
        run INTEGER NOT NULL,
        node INTEGER NOT NULL,
        path BLOB NOT NULL,
        attempt INTEGER NOT NULL,
        position INTEGER NOT NULL,
        name TEXT NOT NULL,
        artifact TEXT NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY (run, node, path, attempt, position)
    ) WITHOUT ROWID""",
    """CREATE TABLE dataset_write (
        run INTEGER NOT NULL,
        node INTEGER NOT NULL,
        path BLOB NOT NULL,
        attempt INTEGER NOT NULL,
        dataset TEXT NOT NULL,
        part TEXT,
        place TEXT,
        content TEXT,
        version TEXT,
        size INTEGER,
        written_at REAL NOT NULL,
        PRIMARY KEY (run, node, path, attempt, dataset)
    ) WITHOUT ROWID""",
    "CREATE INDEX dataset_write_by_name ON dataset_write (dataset, written_at)",
    """CREATE TABLE data_check (
        run INTEGER NOT NULL,
        node INTEGER NOT NULL,
        path BLOB NOT NULL,
        attempt INTEGER NOT NULL,
        position INTEGER NOT NULL,
        dataset TEXT NOT NULL,
        name TEXT NOT NULL,
        severity TEXT NOT NULL,
        occasion TEXT NOT NULL,
        passed INTEGER NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY (run, node, path, attempt, position)
    ) WITHOUT ROWID""",
    """CREATE TABLE log (
        run INTEGER NOT NULL,
        node INTEGER NOT NULL,
        path BLOB NOT NULL,
        attempt INTEGER NOT NULL,
        first_line INTEGER NOT NULL,
        lines INTEGER NOT NULL,
        body BLOB NOT NULL,
        PRIMARY KEY (run, node, path, attempt, first_line)
    ) WITHOUT ROWID""",
)

_SECOND = (
    """CREATE TABLE recoded (
        run INTEGER NOT NULL,
        node INTEGER NOT NULL,
        since REAL NOT NULL,
        closure TEXT NOT NULL,
        PRIMARY KEY (run, node, since)
    ) WITHOUT ROWID""",
    """CREATE TABLE pin (
        kind TEXT NOT NULL,
        id TEXT NOT NULL,
        note TEXT NOT NULL,
        pinned_at REAL NOT NULL,
        pinned_by TEXT NOT NULL,
        PRIMARY KEY (kind, id)
    ) WITHOUT ROWID""",
    """CREATE TABLE beginning (
        id TEXT PRIMARY KEY,
        host TEXT NOT NULL,
        pid INTEGER NOT NULL,
        since REAL NOT NULL
    ) WITHOUT ROWID""",
)

# How long an attempt took, by powers of 10 ** 0.1 seconds: what a bucket tells is wrong by 12 % at most.
# Stores hold the numbers of buckets, so these never change.
PACE_BUCKETS = tuple(10.0 ** (step / 10) for step in range(-50, 71))
SERIES_BLOCK = 512

_TOOK = "(ended_at - started_at)"
_BUCKET = (
    f"CASE WHEN {_TOOK} IS NULL THEN -1 "
    + " ".join(f"WHEN {_TOOK} < {most!r} THEN {at}" for at, most in enumerate(PACE_BUCKETS))
    + f" ELSE {len(PACE_BUCKETS)} END"
)
PACE_OF_ATTEMPTS = f"""SELECT run, node, COALESCE(state, ''), {_BUCKET}, COUNT(*), SUM(COALESCE({_TOOK}, 0.0)),
    MAX(COALESCE({_TOOK}, 0.0)), MIN(started_at), MAX(ended_at), SUM(COALESCE(cpu_seconds, 0.0)),
    MAX(COALESCE(peak_memory, 0)) FROM attempt WHERE attempt >= 0"""
_SERIES = " AND ".join(
    f"metric.{name} = series.{name}" for name in ("run", "node", "path", "attempt", "name")
)

_THIRD = (
    "ALTER TABLE attempt ADD COLUMN launched_at REAL",
    # Of the states that most tasks end in there is none: what is common costs nothing.
    """CREATE INDEX attempt_odd ON attempt (run, node, state)
        WHERE state NOT IN ('done', 'cached')""",
    "ALTER TABLE artifact ADD COLUMN run INTEGER",
    "ALTER TABLE artifact ADD COLUMN node INTEGER",
    "ALTER TABLE artifact ADD COLUMN path BLOB",
    "ALTER TABLE artifact ADD COLUMN position INTEGER",
    "CREATE INDEX input_by_artifact ON input (artifact)",
    "CREATE INDEX run_by_pipeline ON run (pipeline, started_at, status)",
    "CREATE INDEX run_unfinished ON run (key) WHERE status IS NULL",
    "CREATE INDEX run_by_parent ON run (parent) WHERE parent IS NOT NULL",
    """CREATE TABLE annotation (
        run INTEGER NOT NULL,
        kind TEXT NOT NULL,
        value TEXT NOT NULL,
        said_at REAL NOT NULL,
        said_by TEXT NOT NULL,
        PRIMARY KEY (run, kind, value)
    ) WITHOUT ROWID""",
    "CREATE INDEX annotation_by_value ON annotation (kind, value)",
    """CREATE TABLE pace (
        run INTEGER NOT NULL,
        node INTEGER NOT NULL,
        state TEXT NOT NULL,
        bucket INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        seconds REAL NOT NULL,
        longest REAL NOT NULL,
        first_start REAL,
        last_end REAL,
        cpu_seconds REAL NOT NULL,
        peak_memory INTEGER NOT NULL,
        PRIMARY KEY (run, node, state, bucket)
    ) WITHOUT ROWID""",
    """CREATE TABLE series (
        run INTEGER NOT NULL,
        node INTEGER NOT NULL,
        path BLOB NOT NULL,
        attempt INTEGER NOT NULL,
        name TEXT NOT NULL,
        block INTEGER NOT NULL,
        points INTEGER NOT NULL,
        least REAL,
        greatest REAL,
        last REAL,
        first_at REAL,
        last_at REAL,
        first_logged_at REAL NOT NULL,
        last_logged_at REAL NOT NULL,
        PRIMARY KEY (run, node, path, attempt, name, block)
    ) WITHOUT ROWID""",
    "CREATE INDEX series_by_name ON series (run, name)",
    """CREATE TABLE measure (
        run INTEGER NOT NULL,
        name TEXT NOT NULL,
        tasks INTEGER NOT NULL,
        points INTEGER NOT NULL,
        least REAL,
        greatest REAL,
        last REAL,
        logged_at REAL NOT NULL,
        PRIMARY KEY (run, name)
    ) WITHOUT ROWID""",
    "CREATE INDEX measure_by_name ON measure (name, last)",
    "ALTER TABLE log ADD COLUMN serial INTEGER",
    "ALTER TABLE log ADD COLUMN level INTEGER",
    # What earlier versions have written is summed up once.
    f"""INSERT INTO pace (run, node, state, bucket, attempts, seconds, longest, first_start, last_end, cpu_seconds,
        peak_memory) {PACE_OF_ATTEMPTS} GROUP BY 1, 2, 3, 4""",
    f"""INSERT INTO series (run, node, path, attempt, name, block, points, least, greatest, last, first_at, last_at,
            first_logged_at, last_logged_at)
        SELECT run, node, path, attempt, name, position / {SERIES_BLOCK}, COUNT(*), MIN(value), MAX(value), NULL,
            MIN(at), MAX(at), MIN(logged_at), MAX(logged_at)
        FROM metric GROUP BY 1, 2, 3, 4, 5, 6""",
    f"""UPDATE series SET last = (SELECT value FROM metric WHERE {_SERIES}
        AND position = series.block * {SERIES_BLOCK} + series.points - 1)""",
    """INSERT INTO measure (run, name, tasks, points, least, greatest, last, logged_at)
        SELECT run, name, SUM(CASE WHEN block = 0 THEN 1 ELSE 0 END), SUM(points), MIN(least), MAX(greatest), NULL,
            MAX(last_logged_at)
        FROM series GROUP BY run, name""",
    """UPDATE measure SET last = (SELECT series.last FROM series WHERE series.run = measure.run
        AND series.name = measure.name
        ORDER BY last_logged_at DESC, node DESC, path DESC, attempt DESC, block DESC LIMIT 1)""",
    """UPDATE log SET serial = counted.serial FROM (
        SELECT run, node, path, attempt, first_line,
            SUM(lines) OVER (PARTITION BY run ORDER BY node, path, attempt, first_line) - lines AS serial FROM log
    ) counted
    WHERE log.run = counted.run AND log.node = counted.node AND log.path = counted.path
        AND log.attempt = counted.attempt AND log.first_line = counted.first_line""",
    "CREATE INDEX log_by_serial ON log (run, serial, lines, level)",
    "CREATE INDEX log_loud ON log (run, node, path, attempt, first_line) WHERE level IS NULL OR level >= 30",
    "CREATE INDEX log_loud_by_serial ON log (run, serial) WHERE level IS NULL OR level >= 30",
)

_FOURTH = (
    """CREATE TABLE call (
        run INTEGER NOT NULL,
        scope INTEGER NOT NULL,
        path BLOB NOT NULL,
        digest BLOB NOT NULL,
        body BLOB NOT NULL,
        failed TEXT,
        PRIMARY KEY (run, scope, path)
    ) WITHOUT ROWID""",
    """CREATE TABLE request (
        run INTEGER NOT NULL,
        kind TEXT NOT NULL,
        asked_at REAL NOT NULL,
        asked_by TEXT NOT NULL,
        PRIMARY KEY (run, kind)
    ) WITHOUT ROWID""",
    """CREATE TABLE slot (
        name TEXT NOT NULL,
        run INTEGER NOT NULL,
        node INTEGER NOT NULL,
        path BLOB NOT NULL,
        PRIMARY KEY (name, run, node, path)
    ) WITHOUT ROWID""",
    """CREATE TABLE checkpoint (
        run INTEGER NOT NULL,
        node INTEGER NOT NULL,
        path BLOB NOT NULL,
        artifact TEXT NOT NULL,
        body BLOB NOT NULL,
        saved_at REAL NOT NULL,
        PRIMARY KEY (run, node, path)
    ) WITHOUT ROWID""",
    """CREATE TABLE advance (
        run INTEGER NOT NULL,
        node INTEGER NOT NULL,
        path BLOB NOT NULL,
        attempt INTEGER NOT NULL,
        done REAL NOT NULL,
        total REAL,
        said_at REAL NOT NULL,
        PRIMARY KEY (run, node, path, attempt)
    ) WITHOUT ROWID""",
)

_FIFTH = (
    """CREATE TABLE code (
        run INTEGER NOT NULL,
        digest TEXT NOT NULL,
        artifact TEXT NOT NULL,
        body BLOB NOT NULL,
        files INTEGER NOT NULL,
        size INTEGER NOT NULL,
        sent_at REAL NOT NULL,
        PRIMARY KEY (run, digest)
    ) WITHOUT ROWID""",
)

_SIXTH = (
    """CREATE TABLE span (
        run INTEGER NOT NULL,
        bin INTEGER NOT NULL,
        node INTEGER NOT NULL,
        worker TEXT NOT NULL,
        state TEXT NOT NULL,
        attempts INTEGER NOT NULL,
        seconds REAL NOT NULL,
        longest REAL NOT NULL,
        first_start REAL NOT NULL,
        last_start REAL NOT NULL,
        last_end REAL NOT NULL,
        PRIMARY KEY (run, bin, node, worker, state)
    ) WITHOUT ROWID""",
    # What goes on now is few among many, and so is what went on at a time.
    "CREATE INDEX attempt_open ON attempt (run, node, path) WHERE state IS NULL",
    f"CREATE INDEX attempt_by_time ON attempt (run, {BEGIN.replace('attempt.', '')}) WHERE ended_at IS NOT NULL",
    # What earlier versions have written is summed up once.
    f"INSERT INTO span ({SPAN_COLUMNS}) {SPANS_OF_ATTEMPTS} GROUP BY 1, 2, 3, 4, 5",
)

_SEVENTH = ("ALTER TABLE attempt ADD COLUMN called_at REAL",)

MIGRATIONS: tuple[tuple[str, ...], ...] = (_FIRST, _SECOND, _THIRD, _FOURTH, _FIFTH, _SIXTH, _SEVENTH)
VERSION = len(MIGRATIONS)
