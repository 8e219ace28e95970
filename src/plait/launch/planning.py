"""What would a run do? The plan of a pipeline with its arguments, from the records that are there."""

from __future__ import annotations

from pathlib import Path

from plait.engine.plan import Plan, PlanItem, make_plan
from plait.graph.model import Graph
from plait.launch.asked import keys_of
from plait.launch.carry import open_reuse
from plait.launch.hiding import hiding
from plait.launch.inputs import store_inputs
from plait.launch.orders import CachePolicy
from plait.launch.prepare import Prepared
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
    if graph.is_dynamic:
        return _plan_of_body(graph, records)
    inputs = store_inputs(traced, prepared.values, records.artifacts, prepared.project)
    keys = keys_of(traced, records)
    reuse = open_reuse(records, graph, keys, policy or CachePolicy(), prepared.project)
    results = Results(graph, records.artifacts, inputs)
    return make_plan(graph, reuse, results, average_seconds(records, graph.name), records)


def _plan_of_body(graph: Graph, records: RecordStore) -> Plan:
    """What can be told of a dynamic pipeline: that its body decides, and what it called when it last ran."""
    items = [PlanItem(0, (), "run", "its body decides what is called")]
    earlier = next((run for run in records.runs(limit=20, pipeline=graph.name) if run.graph.is_dynamic), None)
    if earlier is None:
        return Plan(graph.name, graph, tuple(items))
    for node, counts in sorted(earlier.counts().items()):
        if node:
            total = counts.total if counts.total is not None else sum(counts.by_state.values())
            times = f"{total} time{'s' if total != 1 else ''}"
            items.append(PlanItem(node, (), "unknown", f"called {times} in run {earlier.id}", earlier.id))
    return Plan(graph.name, earlier.graph, tuple(items))


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
