"""What goes on just now? Running and waiting tasks of all runs that have not ended, and who works on them."""

from __future__ import annotations

from msgspec import Struct

from plait.graph.model import task_name
from plait.record.alive import host_name
from plait.record.paths import from_key
from plait.record.store import RecordStore
from plait.record.views import Run

__all__ = ["Activity", "RunningTask", "Waiting", "Worker", "activity"]

_MOST_RUNS = 50
_MOST_TASKS = 500


class RunningTask(Struct, frozen=True):
    run: str
    task: str
    worker: str | None
    since: float | None


class Waiting(Struct, frozen=True):
    """Tasks of a step that did not begin, and what they wait for."""

    run: str
    step: str
    count: int
    why: str


class Worker(Struct, frozen=True):
    """A process that works on a run; ``cpu`` is percent of one core, ``memory`` bytes, both None on other machines."""

    host: str
    pid: int
    run: str
    since: float
    tasks: int
    cpu: float | None
    memory: int | None


class Activity(Struct, frozen=True):
    running: list[RunningTask]
    waiting: list[Waiting]
    workers: list[Worker]


def activity(store: RecordStore) -> Activity:
    running: list[RunningTask] = []
    waiting: list[Waiting] = []
    workers: list[Worker] = []
    for run in store.unfinished_runs()[-_MOST_RUNS:]:
        if run.status != "running":
            continue
        here = _running(run) if len(running) < _MOST_TASKS else []
        running += here
        waiting += _waiting(run)
        workers += _workers(run, len(here))
    return Activity(running[:_MOST_TASKS], waiting[:_MOST_TASKS], workers)


def _running(run: Run) -> list[RunningTask]:
    found = []
    for node, counts in run.counts().items():
        if not counts.by_state.get("running"):
            continue
        for key, worker, since in run.store.database.rows(
            "SELECT path, worker, launched_at FROM attempt WHERE run = ? AND node = ? AND state IS NULL"
            " ORDER BY path LIMIT 100",
            (run.key, node),
        ):
            found.append(
                RunningTask(run.id, task_name(run.graph.nodes[node].id, from_key(key)), worker, since)
            )
    return found


def _waiting(run: Run) -> list[Waiting]:
    counts = run.counts()
    graph = run.graph
    before_each = _direct(run)
    found = []
    for node, one in counts.items():
        begun = sum(one.by_state.values())
        count = (one.total - begun) if one.total is not None else 0
        if one.total is not None and count <= 0:
            continue
        unready = [
            graph.nodes[before].id
            for before in before_each.get(node, ())
            if counts[before].total is None
            or sum(counts[before].by_state.get(state, 0) for state in ("done", "cached", "skipped"))
            < (counts[before].total or 0)
        ]
        why = f"for {', '.join(unready[:3])}" if unready else "for a free worker"
        found.append(Waiting(run.id, graph.nodes[node].id, count, why))
    return found


def _direct(run: Run) -> dict[int, list[int]]:
    """For each node those that it reads."""
    from plait.record.graphview import graph_view

    by_id = run.graph.layout.by_id
    found: dict[int, list[int]] = {}
    for edge in graph_view(run.graph).edges:
        if edge.source in by_id and edge.target in by_id:
            found.setdefault(by_id[edge.target], []).append(by_id[edge.source])
    return found


def _workers(run: Run, tasks: int) -> list[Worker]:
    since = run.started_at.timestamp()
    if run.host != host_name():
        return [Worker(run.host, run.pid, run.id, since, tasks, None, None)]
    import psutil

    try:
        main = psutil.Process(run.pid)
        processes = [main, *main.children()]
    except psutil.Error:
        return []
    found = []
    for process in processes:
        try:
            times = process.cpu_times()
            lived = max(0.1, _age(process))
            memory = process.memory_info().rss
        except psutil.Error:
            continue
        share = 100.0 * (times.user + times.system) / lived
        found.append(
            Worker(
                run.host,
                process.pid,
                run.id,
                process.create_time(),
                int(process.pid != run.pid),
                share,
                memory,
            )
        )
    return found


def _age(process: object) -> float:
    import time

    created: float = process.create_time()  # type: ignore[attr-defined]
    return time.time() - created
