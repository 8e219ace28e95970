"""Which tables are there? Migrations as numbered steps: a store of any earlier version is brought up to date.

Facts are written once. A run's status, a task's state and a node's progress follow from rows that are there; only the
end of a run and of an attempt is added to its row. ``path`` is a task's indices as big-endian 32-bit numbers, so that
the order of bytes is the order of items. ``body`` is an artifact as the store knows it, small values with their
content; the table ``artifact`` lists those that have blobs. Attempt 0 is a task that did not run: taken from elsewhere
(``source``), skipped, or refused. ``turn`` counts the processes that have owned a run: a writer whose turn is over may
not write. ``recoded`` tells with which code a resumed run went on, where that is not the one that it began with.
``pin`` names what is kept whatever its age, ``beginning`` the processes that store values for a run that is not
recorded yet. ``data_check`` is what checks of datasets found, ``body`` all that is known of it; those of what was
loaded before the first task stand at node -1.
"""

from __future__ import annotations

__all__ = ["MIGRATIONS", "VERSION"]

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

MIGRATIONS: tuple[tuple[str, ...], ...] = (_FIRST, _SECOND)
VERSION = len(MIGRATIONS)
