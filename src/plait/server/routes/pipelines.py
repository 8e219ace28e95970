"""Pipelines: what the code has, how their runs went, and how to start another one."""

from __future__ import annotations

import os
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Body, Query

from plait.errors import RecordError, did_you_mean
from plait.record.graphview import GraphView, graph_view
from plait.record.history import Grid, Trends, pipeline_names, run_grid, run_trends
from plait.record.recipe import Recipe
from plait.record.runrows import recent_runs, run_rows
from plait.record.store import RecordStore
from plait.server.answers import changes, reads
from plait.server.context import At, Context
from plait.server.launches import Launch, assignments
from plait.server.problems import Refusal
from plait.server.projectview import PipelineSpec
from plait.server.routes.runs import Words
from plait.server.shapes import CheckAnswer, PipelinePage, PipelineRow, PipelineView, PlanItem, PlanView
from plait.server.starting import run_of_process, start_run

__all__ = ["router"]

router = APIRouter(tags=["pipelines"])
_MOST_ITEMS = 1_000
Payload = Annotated[dict[str, Any], Body()]


@reads(router, "/pipelines", PipelinePage)
def list_pipelines(at: At, env: str | None = None) -> Any:
    described, loading = at.inspector.project(env)
    known = {one.name: one for one in described.pipelines} if described else {}
    with at.store() as store:
        ran = pipeline_names(store)
        rows = [
            _row(store, name, known.get(name), ran.get(name, 0)) for name in dict.fromkeys([*known, *ran])
        ]
    rows.sort(key=lambda row: (not row.default, not row.known, row.name))
    return PipelinePage(rows, described.problems if described else [], loading)


def _row(store: RecordStore, name: str, known: PipelineSpec | None, runs: int) -> PipelineRow:
    recent = recent_runs(store, name) if runs else []
    last = store.runs(limit=1, pipeline=name)
    return PipelineRow(
        name=name,
        where=known.where if known else None,
        doc=known.doc if known else "",
        target=known.target if known else last[0].target if last else "",
        default=bool(known and known.default),
        known=known is not None,
        runs=runs,
        last=run_rows(store, [last[0].key])[0] if last else None,
        recent=recent,
    )


def _spec(at: Context, name: str, env: str | None) -> tuple[PipelineSpec | None, str, str, bool]:
    """A pipeline of the code, else the one that its latest run came from: with its target, its folder, and whether
    it is still being read.
    """
    described, loading = at.inspector.project(env, wait=0.2)
    for one in described.pipelines if described else ():
        if one.name == name:
            return one, one.target, one.folder, loading
    with at.store() as store:
        runs = store.runs(limit=1, pipeline=name)
        if not runs:
            if loading:
                return None, name, str(at.settings.root), True
            names = (
                [*(one.name for one in described.pipelines if described), *pipeline_names(store)]
                if described
                else []
            )
            raise RecordError(f"there is no pipeline {name!r}", hint=did_you_mean(name, names))
        target = runs[0].target
        folder = str(runs[0].facts.get("cwd") or runs[0].facts.get("folder") or at.settings.root)
    if loading:
        return None, target, folder, True
    try:
        found, loading = at.inspector.pipeline(target, folder, env, wait=0.2)
    except Refusal:
        return None, target, folder, False
    return found, target, folder, loading


@reads(router, "/pipelines/{name}", PipelineView)
def one_pipeline(at: At, name: str, env: str | None = None) -> Any:
    found, target, _, loading = _spec(at, name, env)
    if found is None:
        graph = None
        with at.store() as store:
            runs = store.runs(limit=1, pipeline=name)
            graph = graph_view(runs[0].graph) if runs else None
        return PipelineView(name, None, "", target, [], [], 0, False, graph, [], loading)
    return PipelineView(
        name, found.where, found.doc, found.target, found.params, found.tags, found.steps, True, found.graph,
        found.problems, loading,
    )  # fmt: skip


@reads(router, "/pipelines/{name}/graph", GraphView)
def pipeline_graph(at: At, name: str, env: str | None = None) -> Any:
    found = one_pipeline(at, name, env)
    if found.graph is None:
        problem = found.problems[0] if found.problems else None
        raise Refusal(
            409,
            "conflict",
            problem.message if problem else f"the graph of {name} is not known yet: it is being read",
        )
    return found.graph


@reads(router, "/pipelines/{name}/grid", Grid)
def grid(at: At, name: str, q: Words = "", limit: Annotated[int, Query(ge=1, le=100)] = 30) -> Any:
    with at.store() as store:
        return run_grid(store, name, q=q, limit=limit)


@reads(router, "/pipelines/{name}/trends", Trends)
def trends(at: At, name: str, q: Words = "", limit: Annotated[int, Query(ge=1, le=500)] = 200) -> Any:
    with at.store() as store:
        return run_trends(store, name, q=q, limit=limit)


@changes(router, "POST", "/pipelines/{name}/check", CheckAnswer)
def check(at: At, name: str, said: Payload) -> Any:
    _, target, folder, _ = _spec(at, name, said.get("env"))
    given = assignments(said.get("params") or {})
    answer = at.inspector.once(target, folder, said.get("env") or "", *given, module="plait.cli.checking")
    return msgspec.convert(answer, CheckAnswer)


@changes(router, "POST", "/pipelines/{name}/plan", PlanView)
def plan(at: At, name: str, said: Payload) -> Any:
    _, target, folder, _ = _spec(at, name, said.get("env"))
    words = ["plan", target, *assignments(said.get("params") or {}), "--json"]
    if said.get("cache") is False:
        words.append("--no-cache")
    for step in said.get("refresh") or ():
        words += ["--refresh", str(step)]
    env = {**os.environ, **({"PLAIT_ENV": said["env"]} if said.get("env") else {})}
    answer = at.launches.ask(words, folder=folder, env=env)
    items = answer.get("items", [])
    return PlanView(
        answer.get("pipeline", name),
        bool(answer.get("done")),
        answer.get("counts", {}),
        answer.get("seconds"),
        [msgspec.convert(item, PlanItem) for item in items[:_MOST_ITEMS]],
        max(0, len(items) - _MOST_ITEMS),
    )


@changes(router, "POST", "/pipelines/{name}/run", Launch, status=202)
def run(at: At, name: str, said: Payload) -> Any:
    _, target, folder, _ = _spec(at, name, said.get("env"))
    return start_run(at, Recipe(target), folder, said)


@reads(router, "/launches/{launch}", Launch)
def one_launch(at: At, launch: str) -> Any:
    with at.store() as store:
        return at.launches.look(launch, lambda pid, since: run_of_process(store, pid, since))
