"""The catalog: datasets, who writes and reads them, and how data flows between them."""

from __future__ import annotations

import time
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query
from fastapi.responses import Response

from plait.errors import RecordError, did_you_mean
from plait.graph.model import task_name
from plait.record.facts import DataCheck
from plait.record.lineage import Lineage, dataset_reads, dataset_writes, last_writes, lineage
from plait.record.paths import from_key
from plait.record.store import RecordStore
from plait.record.taskview import CheckRow
from plait.server.answers import reads
from plait.server.catalogview import CatalogPage, CatalogRow, CheckCounts, DatasetView
from plait.server.context import At, Context
from plait.server.previews import Preview
from plait.server.problems import Refusal
from plait.server.projectview import DatasetSpec, Described

__all__ = ["router"]

router = APIRouter(tags=["catalog"])
_check = msgspec.msgpack.Decoder(DataCheck)


@reads(router, "/catalog", CatalogPage)
def catalog(at: At, env: str | None = None) -> Any:
    described, loading = at.inspector.project(env)
    if described is None:
        return CatalogPage([], [], loading)
    with at.store() as store:
        written = last_writes(store, [one.name for one in described.datasets])
        rows = [_row(store, described, one, written) for one in described.datasets]
    return CatalogPage(rows, described.problems, loading)


def _row(store: RecordStore, described: Described, spec: DatasetSpec, written: dict[str, Any]) -> CatalogRow:
    last = written.get(spec.name)
    readers, writers = _users(described, spec.name)
    return CatalogRow(
        name=spec.name,
        type=spec.type,
        place=spec.place,
        layer=spec.layer,
        versioned=spec.versioned,
        checks=spec.checks,
        factory=spec.factory,
        where=spec.where,
        last=last,
        freshness=max(0.0, time.time() - last.at) if last else None,
        readers=readers,
        writers=writers,
        status=_status(store, spec.name) if spec.checks else None,
    )


def _users(described: Described, name: str) -> tuple[list[str], list[str]]:
    here = f"dataset:{name}"
    readers, writers = [], []
    for pipeline in described.pipelines:
        edges = pipeline.graph.edges if pipeline.graph else ()
        if any(edge.source == here for edge in edges):
            readers.append(pipeline.name)
        if any(edge.target == here for edge in edges):
            writers.append(pipeline.name)
    return readers, writers


def _status(store: RecordStore, name: str) -> CheckCounts | None:
    """What the checks of the latest run that made some found."""
    latest = store.database.row("SELECT MAX(run) FROM data_check WHERE dataset = ?", (name,))
    if latest is None or latest[0] is None:
        return None
    row = store.database.row(
        "SELECT SUM(passed), COUNT(*) FROM data_check WHERE run = ? AND dataset = ?", (latest[0], name)
    )
    assert row is not None
    return CheckCounts(int(row[0] or 0), int(row[1]) - int(row[0] or 0))


@reads(router, "/catalog/{name}", DatasetView)
def one_dataset(at: At, name: str, env: str | None = None) -> Any:
    described, spec = _spec(at, name, env)
    with at.store() as store:
        row = _row(store, described, spec, last_writes(store, [name]))
        writes = dataset_writes(store, name)
        versions = list(dict.fromkeys(one.version for one in writes if one.version))
        return DatasetView(
            **{name: getattr(row, name) for name in CatalogRow.__struct_fields__},
            described=spec.described,
            versions=versions,
            writes=writes,
            reads=dataset_reads(store, name),
            history=_history(store, name),
        )


def _spec(at: Context, name: str, env: str | None) -> tuple[Described, DatasetSpec]:
    described, _ = at.inspector.project(env, wait=20.0)
    if described is None:
        raise Refusal(503, "busy", "the catalog is still being read", "ask again in a moment")
    datasets = described.datasets
    found = next((one for one in datasets if one.name == name), None)
    if found is None:
        raise RecordError(
            f"there is no dataset {name!r} in the catalog",
            hint=did_you_mean(name, [one.name for one in datasets]),
        )
    return described, found


def _history(store: RecordStore, name: str) -> list[CheckRow]:
    found = []
    for run, node, key, body in store.database.rows(
        "SELECT run, node, path, body FROM data_check WHERE dataset = ? ORDER BY run DESC, passed LIMIT 50",
        (name,),
    ):
        one = _check.decode(body)
        task = ""
        if node >= 0:
            row = store.database.row("SELECT id FROM node WHERE run = ? AND node = ?", (run, node))
            task = task_name(row[0], from_key(key)) if row else ""
        found.append(
            CheckRow(
                task, one.dataset, one.check, one.severity, one.on, one.passed, one.why, one.failing, one.rows
            )
        )
    return found


@reads(router, "/catalog/{name}/preview", Preview)
def preview(at: At, name: str, env: str | None = None, rows: Annotated[int, Query(ge=1, le=200)] = 20) -> Any:
    _spec(at, name, env)
    answer = at.inspector.once(
        "dataset", str(at.settings.root), name, str(rows), env or at.settings.env or ""
    )
    return Response(msgspec.json.encode(answer), media_type="application/json; charset=utf-8")


@reads(router, "/lineage", Lineage)
def flow(
    at: At,
    dataset: str | None = None,
    run: str | None = None,
    artifact: str | None = None,
    task: str | None = None,
    depth: Annotated[int, Query(ge=1, le=10)] = 3,
) -> Any:
    described, _ = at.inspector.project(wait=0.0)
    layers = {one.name: one.layer for one in described.datasets} if described else {}
    with at.store() as store:
        found = lineage(store, dataset=dataset, run=run, artifact=artifact, task=task, depth=depth)
    nodes = [
        msgspec.structs.replace(node, layer=layers.get(node.label)) if node.kind == "dataset" else node
        for node in found.nodes
    ]
    return msgspec.structs.replace(found, nodes=nodes)
