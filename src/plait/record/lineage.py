"""Where does data come from, and where does it go? Datasets and the pipelines and runs that read and write them."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from plait.data import Artifact
from plait.graph.model import task_name
from plait.record.makers import ArtifactView, artifact_view
from plait.record.paths import from_key
from plait.record.store import RecordStore
from plait.record.tasks import parse_task
from plait.record.valuerefs import input_refs
from plait.record.views import Run

__all__ = [
    "DatasetRead",
    "DatasetWriteRow",
    "LastWrite",
    "Lineage",
    "LineageEdge",
    "LineageNode",
    "dataset_reads",
    "dataset_writes",
    "last_writes",
    "lineage",
]

_artifact = msgspec.msgpack.Decoder(Artifact)
_MOST_NODES = 200
_RUNS_A_PIPELINE = 5  # latest runs of each pipeline that lineage is read from


class LastWrite(Struct, frozen=True):
    """Who wrote a dataset last, and when."""

    run: str
    task: str
    pipeline: str
    at: float
    size: int | None
    version: str | None


class DatasetWriteRow(Struct, frozen=True):
    run: str
    pipeline: str
    task: str
    at: float
    version: str | None
    size: int | None
    content: str | None
    place: str | None
    part: str | None


class DatasetRead(Struct, frozen=True):
    run: str
    pipeline: str
    input: str
    at: float
    content: str | None


class LineageNode(Struct, frozen=True):
    """A dataset, a value, a run or a step of one; ``at`` is when it was written, or began."""

    id: str
    kind: str
    label: str
    layer: str | None = None
    run: str | None = None
    at: float | None = None
    status: str | None = None


class LineageEdge(Struct, frozen=True):
    source: str
    target: str
    kind: str


class Lineage(Struct, frozen=True):
    """Nodes and edges in the direction in which data flows; ``cut`` when there were more than can be drawn."""

    nodes: list[LineageNode]
    edges: list[LineageEdge]
    cut: bool


def last_writes(store: RecordStore, names: list[str]) -> dict[str, LastWrite]:
    """For each of some datasets who wrote it last."""
    found = {}
    for name in names:
        rows = dataset_writes(store, name, 1)
        if rows:
            one = rows[0]
            found[name] = LastWrite(one.run, one.task, one.pipeline, one.at, one.size, one.version)
    return found


def dataset_writes(store: RecordStore, name: str, limit: int = 50) -> list[DatasetWriteRow]:
    """The latest writes of a dataset, newest first."""
    return [
        DatasetWriteRow(
            run, pipeline, task_name(node, from_key(key)), at, version, size, content, place, part
        )
        for run, pipeline, node, key, at, version, size, content, place, part in store.database.rows(
            "SELECT run.id, run.pipeline, node.id, w.path, w.written_at, w.version, w.size, w.content, w.place, w.part"
            " FROM dataset_write w JOIN run ON run.key = w.run JOIN node ON node.run = w.run AND node.node = w.node"
            f" WHERE w.dataset = ? ORDER BY w.written_at DESC LIMIT {int(limit)}",
            (name,),
        )
    ]


def _inputs(store: RecordStore, run: Run) -> list[tuple[str, str, str | None]]:
    """The datasets that a run began with: the argument, the dataset, what its content was."""
    found = []
    for name, body in store.database.rows("SELECT name, body FROM input WHERE run = ? LIMIT 500", (run.key,)):
        artifact = _artifact.decode(body)
        if artifact.format == "dataset" and artifact.head:
            named = msgspec.json.decode(artifact.head)
            found.append((name, str(named.get("dataset")), named.get("fingerprint")))
    return found


def dataset_reads(store: RecordStore, name: str, limit: int = 50) -> list[DatasetRead]:
    """The latest runs that read a dataset, newest first, among the last few of each pipeline."""
    found = []
    for (pipeline,) in store.database.rows("SELECT DISTINCT pipeline FROM run LIMIT 500"):
        for run in store.runs(limit=10, pipeline=pipeline):
            found += [
                DatasetRead(run.id, pipeline, argument, run.started_at.timestamp(), content)
                for argument, dataset, content in _inputs(store, run)
                if dataset == name
            ]
    found.sort(key=lambda one: -one.at)
    return found[:limit]


class _Web:
    def __init__(self) -> None:
        self.nodes: dict[str, LineageNode] = {}
        self.edges: dict[LineageEdge, None] = {}

    def add(self, node: LineageNode) -> str:
        self.nodes.setdefault(node.id, node)
        return node.id

    def link(self, source: str, target: str, kind: str) -> None:
        self.edges[LineageEdge(source, target, kind)] = None

    def cut(self) -> Lineage:
        kept = list(self.nodes.values())[:_MOST_NODES]
        names = {node.id for node in kept}
        edges = [edge for edge in self.edges if edge.source in names and edge.target in names]
        return Lineage(kept, edges, len(self.nodes) > len(kept))


def lineage(
    store: RecordStore,
    *,
    dataset: str | None = None,
    run: str | None = None,
    artifact: str | None = None,
    task: str | None = None,
    depth: int = 3,
) -> Lineage:
    """What a dataset is made of and goes into, what a run read and wrote, or what a value came from and went into.

    Upstream and downstream go through the latest runs of each pipeline.

    Args:
        task: with ``run``, where the value was met, if it is too small to be found by itself.
        depth: how many runs away; of a value, how many tasks.

    Raises:
        RecordError: there is no such run or value.
    """
    web = _Web()
    if artifact is not None:
        _of_value(store, web, artifact, run, task, depth)
        return web.cut()
    if run is not None:
        _around(store, web, store.run(run))
        return web.cut()
    reads, writes = _flows(store)
    frontier = {dataset} if dataset else {*reads, *writes}
    seen: set[str] = set()
    for _ in range(max(1, depth)):
        following: set[str] = set()
        for name in frontier - seen:
            seen.add(name)
            here = web.add(LineageNode(f"dataset:{name}", "dataset", name))
            for one in writes.get(name, ()):
                web.link(web.add(_run_node(one)), here, "writes")
                for _, source, _ in _inputs(store, one):
                    web.link(
                        web.add(LineageNode(f"dataset:{source}", "dataset", source)), f"run:{one.id}", "reads"
                    )
                    following.add(source)
            for one in reads.get(name, ()):
                web.link(here, web.add(_run_node(one)), "reads")
                for target in _written(store, one):
                    web.link(
                        f"run:{one.id}",
                        web.add(LineageNode(f"dataset:{target}", "dataset", target)),
                        "writes",
                    )
                    following.add(target)
        frontier = following
    return web.cut()


def _flows(store: RecordStore) -> tuple[dict[str, list[Run]], dict[str, list[Run]]]:
    """For each dataset the latest run of each pipeline that read it, and that wrote it; one that is done if any is."""
    reads: dict[str, list[Run]] = {}
    writes: dict[str, list[Run]] = {}
    for (pipeline,) in store.database.rows("SELECT DISTINCT pipeline FROM run LIMIT 500"):
        read: set[str] = set()
        written: set[str] = set()
        latest = store.runs(limit=_RUNS_A_PIPELINE, pipeline=pipeline)
        for run in sorted(latest, key=lambda one: one.status != "done"):
            for _, name, _ in _inputs(store, run):
                if name not in read:
                    read.add(name)
                    reads.setdefault(name, []).append(run)
            for name in _written(store, run):
                if name not in written:
                    written.add(name)
                    writes.setdefault(name, []).append(run)
    return reads, writes


def _written(store: RecordStore, run: Run) -> list[str]:
    found: dict[str, None] = {}
    for (node,) in store.database.rows("SELECT node FROM node WHERE run = ? LIMIT 500", (run.key,)):
        for (name,) in store.database.rows(
            "SELECT dataset FROM dataset_write WHERE run = ? AND node = ? LIMIT 50", (run.key, node)
        ):
            found[name] = None
    return list(found)


def _run_node(run: Run) -> LineageNode:
    return LineageNode(
        f"run:{run.id}", "run", run.pipeline, run=run.id, at=run.started_at.timestamp(), status=run.status
    )


def _around(store: RecordStore, web: _Web, run: Run) -> None:
    here = web.add(_run_node(run))
    for _, name, _ in _inputs(store, run):
        web.link(web.add(LineageNode(f"dataset:{name}", "dataset", name)), here, "reads")
        for one in dataset_writes(store, name, 1):
            if one.run != run.id and one.at < run.started_at.timestamp():
                web.link(web.add(_run_node(store.run(one.run))), f"dataset:{name}", "writes")
    for name in _written(store, run):
        web.link(here, web.add(LineageNode(f"dataset:{name}", "dataset", name)), "writes")


def _of_value(
    store: RecordStore, web: _Web, artifact: str, run: str | None, task: str | None, depth: int
) -> None:
    """The task that made a value, what went into that, and so on; and who used it."""
    found = artifact_view(store, artifact, run=run, task=task)
    here = web.add(LineageNode(f"artifact:{artifact}", "artifact", _value_label(found)))
    for maker in found.made_by:
        made_in = store.run(maker.run)
        web.link(_task_node(web, made_in, maker.task), here, "writes")
        _upstream(web, made_in, maker.task, depth, set())
    for user in found.used_by:
        used_in = store.run(user.run)
        target = _task_node(web, used_in, user.task) if user.task else web.add(_run_node(used_in))
        web.link(here, target, "reads")


def _value_label(found: ArtifactView) -> str:
    names = list(dict.fromkeys(one.output for one in found.made_by if one.output))
    return f"{names[0]} ({found.type})" if names else found.type


def _task_node(web: _Web, run: Run, task: str) -> str:
    return web.add(LineageNode(f"step:{run.id}/{task}", "step", task, run=run.id, at=run.began))


def _upstream(web: _Web, run: Run, task: str, depth: int, seen: set[str]) -> None:
    """What went into a task: values that others made, datasets, and parameters as parts of the run."""
    if depth <= 0 or task in seen or len(web.nodes) > _MOST_NODES:
        return
    seen.add(task)
    name, path = parse_task(task)
    node = run.graph.find_node(name)
    if node is None:
        return
    target = _task_node(web, run, task)
    # Of a step whose tasks made a list, the first one tells what they were made of.
    first = path + (0,) * (len(run.graph.layout.node_axes[node]) - len(path))
    for argument in input_refs(run, node, first):
        value = argument.value
        if value.dataset:
            source = web.add(LineageNode(f"dataset:{value.dataset}", "dataset", value.dataset))
            web.link(source, target, "reads")
        elif value.from_task and value.artifact:
            source = web.add(
                LineageNode(
                    f"artifact:{value.artifact}", "artifact", f"{argument.name} ({value.type})", run=run.id
                )
            )
            web.link(source, target, "reads")
            web.link(_task_node(web, run, value.from_task), source, "writes")
            _upstream(web, run, value.from_task, depth - 1, seen)
        elif value.from_task:  # a list that many tasks made
            web.link(_task_node(web, run, value.from_task), target, "reads")
            _upstream(web, run, value.from_task, depth - 1, seen)
        elif value.from_input:
            web.link(web.add(_run_node(run)), target, "reads")
