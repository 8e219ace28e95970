"""What is there to choose from, of thousands of runs? Groups by pipeline, and the names of columns, tags and people."""

from __future__ import annotations

from msgspec import Struct

from plait.record.annotations import tags_in_use
from plait.record.filters import STATUSES, read_filter
from plait.record.runlist import MOST_SCANNED, Query, scan, taken
from plait.record.runrows import RecentRun, RunRow, flat, recent_runs, run_rows
from plait.record.store import RecordStore

__all__ = ["ColumnChoice", "Columns", "RunGroup", "RunGroups", "columns_to_choose", "group_runs"]


class RunGroup(Struct, frozen=True):
    """The runs of one pipeline."""

    pipeline: str
    counts: dict[str, int]
    runs: int
    last: RunRow
    recent: list[RecentRun]


class RunGroups(Struct, frozen=True):
    items: list[RunGroup]
    query: Query


class ColumnChoice(Struct, frozen=True):
    name: str
    pipelines: list[str]
    numeric: bool


class Columns(Struct, frozen=True):
    """What columns, tags and people there are, for choosing and completing."""

    params: list[ColumnChoice]
    metrics: list[ColumnChoice]
    tags: list[str]
    users: list[str]
    pipelines: list[str]
    statuses: list[str]


def group_runs(store: RecordStore, q: str = "") -> RunGroups:
    """The runs that a filter takes, by pipeline, the one that ran last first."""
    found = read_filter(q)
    counts: dict[str, dict[str, int]] = {}
    last: dict[str, int] = {}
    if found.is_plain:
        for pipeline, status, count in store.database.rows(
            f"SELECT pipeline, COALESCE(status, ''), COUNT(*) FROM run WHERE {found.where} GROUP BY 1, 2",
            found.values,
        ):
            counts.setdefault(pipeline, {})[status] = count
        for pipeline, by_status in counts.items():
            row = store.database.row(
                f"SELECT key FROM run WHERE {found.where} AND pipeline = ? ORDER BY started_at DESC LIMIT 1",
                (*found.values, pipeline),
            )
            if row is not None:
                last[pipeline] = row[0]
            if by_status.pop("", 0):
                for going in store.unfinished_runs():
                    if going.pipeline == pipeline:
                        by_status[going.status] = by_status.get(going.status, 0) + 1
    else:
        runs = scan(store, found, found.where, list(found.values), "started_at DESC", MOST_SCANNED)
        named = dict(store.database.rows("SELECT key, pipeline FROM run"))
        for run in taken(store, found, runs):
            by_status = counts.setdefault(named[run.key], {})
            status = run.status or store.run_of_key(run.key).status
            by_status[status] = by_status.get(status, 0) + 1
            last.setdefault(named[run.key], run.key)
    rows = {row.pipeline: row for row in run_rows(store, list(last.values()))}
    groups = [
        RunGroup(name, by_status, sum(by_status.values()), rows[name], recent_runs(store, name))
        for name, by_status in counts.items()
        if name in rows
    ]
    groups.sort(key=lambda group: -group.last.started_at)
    return RunGroups(groups, Query(found.terms))


def columns_to_choose(store: RecordStore) -> Columns:
    """Names of parameters of the latest runs of each pipeline, of metrics, tags, users and pipelines."""
    database = store.database
    pipelines = [row[0] for row in database.rows("SELECT DISTINCT pipeline FROM run ORDER BY 1 LIMIT 500")]
    params: dict[str, tuple[list[str], list[bool]]] = {}
    metrics: dict[str, list[str]] = {}
    for pipeline in pipelines:
        for run in store.runs(limit=5, pipeline=pipeline):
            for name, value in flat(run.params):
                known, numbers = params.setdefault(name, ([], []))
                numbers.append(isinstance(value, int | float) and not isinstance(value, bool))
                if pipeline not in known:
                    known.append(pipeline)
            for (name,) in database.rows("SELECT name FROM measure WHERE run = ? LIMIT 200", (run.key,)):
                if pipeline not in metrics.setdefault(name, []):
                    metrics[name].append(pipeline)
    return Columns(
        [ColumnChoice(name, known, all(numbers)) for name, (known, numbers) in sorted(params.items())],
        [ColumnChoice(name, known, True) for name, known in sorted(metrics.items())],
        tags_in_use(store),
        [
            row[0]
            for row in database.rows("SELECT DISTINCT user_name FROM run ORDER BY 1 LIMIT 200")
            if row[0]
        ],
        pipelines,
        list(STATUSES),
    )
