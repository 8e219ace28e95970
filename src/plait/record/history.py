"""How did the runs of a pipeline go, one after the other? Grids of steps by runs, and trends."""

from __future__ import annotations

from msgspec import Struct

from plait.record.filters import read_filter
from plait.record.progress import quantile, worst_state
from plait.record.runlist import run_page
from plait.record.runrows import RecentRun, RunRow, run_rows
from plait.record.store import RecordStore
from plait.record.tallies import TaskCounts, counts_of, times_of

__all__ = ["Grid", "GridCell", "Trends", "pipeline_names", "run_grid", "run_trends"]

_MOST_STEPS = 200
_MOST_METRICS = 50


class GridCell(Struct, frozen=True):
    """A step in a run: its worst state, how long it took from its first start to its last end, how many failed."""

    state: str
    seconds: float | None
    failed: int


class Grid(Struct, frozen=True):
    """Steps by runs, the newest run first: ``cells[step][run]``, null where the run has no such step."""

    steps: list[str]
    runs: list[RunRow]
    cells: list[list[GridCell | None]]


class Trends(Struct, frozen=True):
    """How runs of a pipeline developed, the oldest first; lists are in the order of ``runs``.

    ``steps`` has the median seconds of a task of each step.
    """

    runs: list[RecentRun]
    metrics: dict[str, list[float | None]]
    steps: dict[str, list[float | None]]


def pipeline_names(store: RecordStore) -> dict[str, int]:
    """The pipelines that have run, with how often."""
    return dict(
        store.database.rows(
            "SELECT pipeline, COUNT(*) FROM run GROUP BY pipeline ORDER BY pipeline LIMIT 1000"
        )
    )


def run_grid(store: RecordStore, pipeline: str, *, q: str = "", limit: int = 30) -> Grid:
    """The latest runs of a pipeline, step by step."""
    page = run_page(store, q=f'pipeline:"{pipeline}" {q}', limit=limit)
    runs = store.runs_named([row.id for row in page.items])
    counts, times = counts_of(runs), times_of(runs)
    columns: list[dict[str, GridCell]] = [{} for _ in runs]
    place = {run.key: at for at, run in enumerate(runs)}
    for key, node, name in store.database.rows(
        f"SELECT run, node, id FROM node WHERE run IN ({', '.join('?' * len(runs))}) AND node < {_MOST_STEPS}"
        " ORDER BY run, node",
        list(place),
    ) if runs else ():  # fmt: skip
        one = counts[key].get(node, TaskCounts(None, {}))
        state = worst_state(one.by_state, one.total, ended=page.items[place[key]].status != "running")
        took = times[key][node].elapsed if node in times[key] else None
        columns[place[key]][name] = GridCell(state, took, one.by_state.get("failed", 0))
    steps = list(dict.fromkeys(name for cells in columns for name in cells))[:_MOST_STEPS]
    return Grid(steps, page.items, [[cells.get(step) for cells in columns] for step in steps])


def run_trends(store: RecordStore, pipeline: str, *, q: str = "", limit: int = 200) -> Trends:
    """Durations and metrics of the latest runs of a pipeline."""
    found = read_filter(f'pipeline:"{pipeline}" {q}')
    keys = [
        row[0]
        for row in store.database.rows(
            f"SELECT key FROM run WHERE {found.where} ORDER BY started_at DESC LIMIT {int(limit)}",
            found.values,
        )
    ][::-1]
    runs = run_rows(store, keys)
    place = {key: at for at, key in enumerate(keys)}
    metrics: dict[str, list[float | None]] = {}
    steps: dict[str, dict[int, list[tuple[int, int]]]] = {}
    if keys:
        marks = ", ".join("?" * len(keys))
        for key, name, last in store.database.rows(
            f"SELECT run, name, last FROM measure WHERE run IN ({marks}) ORDER BY name", keys
        ):
            if name in metrics or len(metrics) < _MOST_METRICS:
                metrics.setdefault(name, [None] * len(keys))[place[key]] = last
        for key, name, bucket, attempts in store.database.rows(
            "SELECT pace.run, node.id, pace.bucket, pace.attempts FROM pace JOIN node ON node.run = pace.run"
            f" AND node.node = pace.node WHERE pace.run IN ({marks}) AND pace.state = 'done' AND pace.bucket >= 0",
            keys,
        ):
            if name in steps or len(steps) < _MOST_STEPS:
                steps.setdefault(name, {}).setdefault(place[key], []).append((bucket, attempts))
    return Trends(
        [RecentRun(run.id, run.status, run.seconds, run.started_at) for run in runs],
        metrics,
        {name: _medians(by_run, len(keys)) for name, by_run in steps.items()},
    )


def _medians(by_run: dict[int, list[tuple[int, int]]], count: int) -> list[float | None]:
    found: list[float | None] = [None] * count
    for at, buckets in by_run.items():
        found[at] = quantile(buckets, 0.5, float("inf"))
    return found
