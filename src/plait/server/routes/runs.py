"""Runs: lists of them, one of them, its graph and its timeline."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from plait.record.critical import Critical, critical_path
from plait.record.curves import (
    MOST_TASKS,
    Curves,
    MetricPage,
    curves,
    curves_of_runs,
    metric_page,
    step_metrics,
)
from plait.record.graphview import GraphView, run_graph, with_places
from plait.record.items import Strip, TaskPage, find_step, strip, task_page
from plait.record.progress import step_progress
from plait.record.rungroups import Columns, RunGroups, columns_to_choose, group_runs
from plait.record.runlist import RunPage, run_page
from plait.record.runview import Packages, RunView, packages_of, run_view
from plait.record.timeline import Timeline, timeline
from plait.server.answers import reads
from plait.server.context import At
from plait.server.shapes import Steps

__all__ = ["router"]

router = APIRouter(tags=["runs"])
Limit = Annotated[int, Query(ge=1, le=500)]
Words = Annotated[str, Query(max_length=10_000)]


def words(text: str) -> list[str]:
    return [one for one in text.split(",") if one]


@reads(router, "/runs", RunPage)
def list_runs(
    at: At,
    q: Words = "",
    sort: str = "started",
    cursor: str | None = None,
    limit: Limit = 50,
    columns: Words = "",
    spark: Words = "",
) -> Any:
    with at.store() as store:
        return run_page(
            store, q=q, sort=sort, cursor=cursor, limit=limit, columns=words(columns), spark=words(spark)
        )


@reads(router, "/runs/columns", Columns)
def list_columns(at: At) -> Any:
    with at.store() as store:
        return columns_to_choose(store)


@reads(router, "/runs/groups", RunGroups)
def list_groups(at: At, q: Words = "") -> Any:
    with at.store() as store:
        return group_runs(store, q)


@reads(router, "/runs/{run}", RunView)
def one_run(at: At, run: str) -> Any:
    with at.run(run) as found:
        return run_view(found)


@reads(router, "/runs/{run}/packages", Packages)
def list_packages(at: At, run: str) -> Any:
    with at.run(run) as found:
        return packages_of(found)


@reads(router, "/runs/{run}/graph", GraphView)
def graph(at: At, run: str) -> Any:
    described, _ = at.inspector.project(wait=0.0)
    known = {one.name: (one.layer, one.type, one.place) for one in described.datasets} if described else {}
    with at.run(run) as found:
        return with_places(run_graph(found), known)


@reads(router, "/runs/{run}/steps", Steps)
def steps(at: At, run: str) -> Any:
    with at.run(run) as found:
        return Steps(step_progress(found))


@reads(router, "/runs/{run}/timeline", Timeline)
def bars(
    at: At,
    run: str,
    lane: str = "step",
    start: Annotated[float | None, Query(alias="from")] = None,
    to: float | None = None,
    steps: Words = "",
    limit: Annotated[int, Query(ge=10, le=2000)] = 2000,
) -> Any:
    with at.run(run) as found:
        return timeline(found, lane=lane, start=start, end=to, steps=words(steps), limit=limit)


@reads(router, "/runs/{run}/critical", Critical)
def critical(at: At, run: str) -> Any:
    with at.run(run) as found:
        return critical_path(found)


@reads(router, "/runs/{run}/steps/{step}/items", TaskPage)
def items(
    at: At,
    run: str,
    step: str,
    sort: str = "state",
    state: Words = "",
    cursor: str | None = None,
    offset: Annotated[int, Query(ge=0)] = 0,
    limit: Limit = 100,
) -> Any:
    with at.run(run) as found:
        return task_page(
            found, step, sort=sort, states=words(state), cursor=cursor, offset=offset, limit=limit
        )


@reads(router, "/runs/{run}/steps/{step}/strip", Strip)
def cells(at: At, run: str, step: str, width: Annotated[int, Query(ge=1, le=4000)] = 1000) -> Any:
    with at.run(run) as found:
        return strip(found, step, width)


@reads(router, "/runs/{run}/metrics", MetricPage)
def metrics(at: At, run: str, step: str | None = None, cursor: str | None = None, limit: Limit = 200) -> Any:
    with at.run(run) as found:
        if step is not None:
            return MetricPage(step_metrics(found, find_step(found, step)), None)
        return metric_page(found, cursor, limit)


@reads(router, "/runs/{run}/series", Curves)
def series(
    at: At,
    run: str,
    metric: str,
    task: str | None = None,
    step: str | None = None,
    attempt: int | None = None,
    x: str = "step",
    low: Annotated[float | None, Query(alias="from")] = None,
    to: float | None = None,
    points: Annotated[int, Query(ge=10, le=2000)] = 1000,
) -> Any:
    from plait.record.tasks import parse_task

    with at.run(run) as found:
        node, path = None, None
        if task is not None:
            name, path = parse_task(task)
            node = find_step(found, name)
        elif step is not None:
            node = find_step(found, step)
        return curves(
            found, metric, node=node, path=path, attempt=attempt, x=x, low=low, high=to, points=points
        )


@reads(router, "/series", Curves)
def series_of_runs(
    at: At,
    runs: Words,
    metric: str,
    task: str | None = None,
    tasks: Annotated[int, Query(ge=1, le=MOST_TASKS)] = 1,
    x: str = "step",
    low: Annotated[float | None, Query(alias="from")] = None,
    to: float | None = None,
    points: Annotated[int, Query(ge=10, le=2000)] = 500,
) -> Any:
    from plait.record.compare import find_runs

    with at.store() as store:
        found = find_runs(store, words(runs))
        return curves_of_runs(found, metric, task=task, tasks=tasks, x=x, low=low, high=to, points=points)
