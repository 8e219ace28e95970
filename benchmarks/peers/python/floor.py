"""The floor under a chain of N recorded steps: one row in one transaction each, and nothing else."""

import sqlite3
import sys

from stopwatch import expect, stopwatch

n = int(sys.argv[1])
with stopwatch():
    records = sqlite3.connect("floor.db", isolation_level=None)
    records.execute("PRAGMA journal_mode = WAL")
    records.execute("PRAGMA synchronous = NORMAL")
    records.execute(
        "CREATE TABLE task (id INTEGER PRIMARY KEY, step TEXT, status TEXT, key BLOB, value BLOB, at REAL)"
    )
    value = 0
    for number in range(n):
        value += 1
        records.execute("BEGIN IMMEDIATE")
        row = (f"inc[{number}]", "done", number.to_bytes(32, "big"), b"%d" % value, 0.0)
        records.execute("INSERT INTO task (step, status, key, value, at) VALUES (?, ?, ?, ?, ?)", row)
        records.execute("COMMIT")
    records.close()
expect(value, n)
