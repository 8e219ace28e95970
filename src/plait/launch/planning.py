"""What would a run do? The plan of a pipeline with its arguments, from the records that are there."""

from __future__ import annotations

from pathlib import Path

from plait.engine.plan import Plan, make_plan
from plait.launch.asked import keys_of
from plait.launch.hiding import hiding
from plait.launch.orders import CachePolicy
from plait.launch.prepare import Prepared
from plait.launch.start import open_reuse, store_inputs
from plait.record.results import Results
from plait.record.store import RecordStore
from plait.record.store import open_records as open_store

__all__ = ["average_seconds", "open_records", "plan"]

_RUNS_TO_LEARN_FROM = 5


def plan(
    prepared: Prepared,
    *,
    home: Path | None = None,
    policy: CachePolicy | None = None,
    records: RecordStore | None = None,
) -> Plan:
    """What `execute` would do with the same arguments: the same walk, the same decisions."""
    with hiding(prepared.project):
        return _plan(prepared, records or open_records(prepared, home), policy)


def _plan(prepared: Prepared, records: RecordStore, policy: CachePolicy | None) -> Plan:
    traced, graph = prepared.traced, prepared.graph
    inputs = store_inputs(traced, prepared.values, records.artifacts, prepared.project)
    keys = keys_of(traced, records)
    reuse = open_reuse(records, graph, keys, policy or CachePolicy(), prepared.project)
    results = Results(graph, records.artifacts, inputs)
    return make_plan(graph, reuse, results, average_seconds(records, graph.name), records)


def open_records(prepared: Prepared, home: Path | None = None) -> RecordStore:
    """The records that a run of it would be written to."""
    return open_store(prepared.project, create=True, home=home)


def average_seconds(records: RecordStore, pipeline: str) -> dict[str, float]:
    """How long a task of each node took on average in the last runs of a pipeline."""
    return dict(
        records.database.rows(
            "SELECT node.id, AVG(attempt.ended_at - attempt.started_at) FROM attempt"
            " JOIN node ON node.run = attempt.run AND node.node = attempt.node"
            " WHERE attempt.state = 'done' AND attempt.started_at IS NOT NULL AND attempt.run IN"
            " (SELECT key FROM run WHERE pipeline = ? AND status = 'done' ORDER BY key DESC LIMIT ?)"
            " GROUP BY node.id",
            (pipeline, _RUNS_TO_LEARN_FROM),
        )
    )
