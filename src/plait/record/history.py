"""How did the runs of a pipeline go, one after the other? Grids of steps by runs, and trends."""

from __future__ import annotations

from msgspec import Struct

from plait.record.filters import read_filter
from plait.record.progress import quantile, worst_state
from plait.record.runlist import RecentRun, RunRow, run_page, run_rows
from plait.record.store import RecordStore
from plait.record.views import TaskCounts

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
    runs = [store.run(row.id) for row in page.items]
    columns: list[dict[str, GridCell]] = []
    for run, row in zip(runs, page.items, strict=True):
        counts, times = run.counts(), run.times()
        ended = row.status != "running"
        cells = {}
        for node, name in store.database.rows(
            f"SELECT node, id FROM node WHERE run = ? ORDER BY node LIMIT {_MOST_STEPS}", (run.key,)
        ):
            one = counts.get(node, TaskCounts(None, {}))
            state = worst_state(one.by_state, one.total, ended=ended)
            took = times[node].elapsed if node in times else None
            cells[name] = GridCell(state, took, one.by_state.get("failed", 0))
        columns.append(cells)
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
