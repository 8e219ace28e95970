"""What does a graph look like as a picture's data? Nodes, groups, edges and datasets, as large as the graph itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from plait.graph.model import ROOT, Branch, Calls, Each, Graph, Group, Loop
from plait.graph.values import Input, Item, Last, Output, Passed, State, Value, parts
from plait.record.progress import StepProgress, step_progress
from plait.record.runrows import shorten
from plait.record.views import Run

__all__ = [
    "GDataset",
    "GEdge",
    "GGroup",
    "GInput",
    "GNode",
    "GraphView",
    "graph_view",
    "run_graph",
    "with_places",
]

_MOST_DATASETS = 50  # of one node


class GNode(Struct, frozen=True):
    """A node; ``group`` is the innermost group around it, ``depth`` how many ``each`` and loops are around it."""

    id: str
    index: int
    label: str
    step: str
    kind: str
    text: str
    group: str | None
    mapped: bool
    depth: int
    outputs: tuple[str, ...]
    doc: str
    where: str
    options: dict[str, Any]
    tags: tuple[str, ...]
    progress: StepProgress | None = None


class GGroup(Struct, frozen=True):
    """A scope; ``taken`` tells of a branch whether it ran, None while nobody knows."""

    id: str
    kind: str
    label: str
    parent: str | None
    pipeline: str | None = None
    items: int | None = None
    taken: str | None = None
    rounds: int | None = None


class GEdge(Struct, frozen=True):
    """What flows: from a node, ``dataset:NAME`` or ``input:NAME`` to a node or a dataset."""

    source: str
    target: str
    label: str
    kind: str


class GDataset(Struct, frozen=True):
    id: str
    name: str
    layer: str | None = None
    type: str | None = None
    place: str | None = None


class GInput(Struct, frozen=True):
    name: str
    value: Any = None
    origin: str | None = None
    dataset: str | None = None


class GraphView(Struct, frozen=True):
    name: str
    nodes: list[GNode]
    groups: list[GGroup]
    edges: list[GEdge]
    datasets: list[GDataset]
    inputs: list[GInput]


def run_graph(run: Run) -> GraphView:
    """The graph of a run with how far each step is."""
    view = graph_view(run.graph, _input_datasets(run), _written(run))
    progress = step_progress(run)
    extents: dict[int, int] = dict(
        run.store.database.rows(
            "SELECT scope, SUM(items) FROM extent WHERE run = ? GROUP BY scope", (run.key,)
        )
    )
    ended = run.status != "running"
    origins = run.origins
    return msgspec.structs.replace(
        view,
        nodes=[
            msgspec.structs.replace(node, progress=one)
            for node, one in zip(view.nodes, progress, strict=True)
        ],
        groups=[
            _with_facts(run, group, index, extents.get(index), progress, ended=ended)
            for index, group in enumerate(view.groups)
        ],
        inputs=[
            msgspec.structs.replace(
                one, value=shorten(run.params.get(one.name), 2000), origin=origins.get(one.name)
            )
            for one in view.inputs
        ],
    )


def _with_facts(
    run: Run, group: GGroup, scope: int, items: int | None, progress: list[StepProgress], *, ended: bool
) -> GGroup:
    if group.kind == "each":
        return msgspec.structs.replace(group, items=items)
    if group.kind == "loop":
        return msgspec.structs.replace(group, rounds=items)
    if group.kind == "branch":
        inside = [progress[node].counts for node in run.graph.layout.subtree(scope)]
        ran = sum(
            one.done + one.cached + one.running + one.failed + one.cancelled + one.lost for one in inside
        )
        skipped = sum(one.skipped for one in inside)
        taken = "all" if ran and not skipped else "some" if ran else "none" if skipped or ended else None
        return msgspec.structs.replace(group, taken=taken)
    return group


def _input_datasets(run: Run) -> dict[str, str]:
    found = {}
    for name, artifact in run.results.inputs.items():
        if artifact.format == "dataset" and artifact.head:
            found[name] = str(msgspec.json.decode(artifact.head).get("dataset"))
    return found


def _written(run: Run) -> dict[int, list[str]]:
    found = {}
    for node in range(len(run.graph.nodes)):
        rows = run.store.database.rows(
            "SELECT DISTINCT dataset FROM (SELECT dataset FROM dataset_write WHERE run = ? AND node = ?"
            f" ORDER BY path, attempt LIMIT {_MOST_DATASETS}) first_ones",
            (run.key, node),
        )
        if rows:
            found[node] = [row[0] for row in rows]
    return found


def graph_view(
    graph: Graph, input_datasets: dict[str, str] | None = None, written: dict[int, list[str]] | None = None
) -> GraphView:
    """A graph as nodes, groups and edges.

    Args:
        input_datasets: which inputs are datasets of the catalog, by name.
        written: which datasets each node writes.
    """
    ids = [_scope_id(graph, scope) for scope in range(len(graph.scopes))]
    sources = input_datasets or {}
    edges = dict.fromkeys(_edges(graph, ids, sources))
    datasets = {name: GDataset(f"dataset:{name}", name) for name in sources.values()}
    for node, names in (written or {}).items():
        for name in names:
            datasets[name] = GDataset(f"dataset:{name}", name)
            edges[GEdge(graph.nodes[node].id, f"dataset:{name}", name, "data")] = None
    return GraphView(
        graph.name,
        [_node(graph, index, ids) for index in range(len(graph.nodes))],
        [_group(graph, index, ids) for index in range(len(graph.scopes))],
        list(edges),
        list(datasets.values()),
        [GInput(one.name, one.default, None, sources.get(one.name)) for one in graph.inputs],
    )


def with_places(view: GraphView, known: Mapping[str, tuple[str | None, str | None, str | None]]) -> GraphView:
    """The same with the layer, the type and the place of each dataset that a catalog has."""
    return msgspec.structs.replace(
        view,
        datasets=[
            GDataset(one.id, one.name, *known.get(one.name, (None, None, None))) for one in view.datasets
        ],
    )


def _scope_id(graph: Graph, scope: int) -> str:
    return "root" if scope == ROOT else f"{scope}:{graph.scopes[scope].name}"


def _node(graph: Graph, index: int, ids: list[str]) -> GNode:
    node = graph.nodes[index]
    spec = graph.steps[node.step] if node.is_step else None
    options = graph.options(index) if node.is_step else None
    axes = graph.layout.node_axes[index]
    return GNode(
        id=node.id,
        index=index,
        label=node.id.rpartition(".")[2],
        step=spec.name if spec else node.kind,
        kind=node.kind,
        text=node.text,
        group=ids[node.scope] if node.scope != ROOT else None,
        mapped=bool(axes),
        depth=len(axes),
        outputs=node.outputs,
        doc=spec.doc if spec else "",
        where=node.where or (spec.where if spec else ""),
        options=msgspec.to_builtins(options) if options else {},
        tags=options.tags if options else (),
    )


def _group(graph: Graph, index: int, ids: list[str]) -> GGroup:
    scope = graph.scopes[index]
    # The calls of a dynamic body look like a map: one node, and as many items as there were calls.
    kind = {Group: "group", Each: "each", Calls: "each", Branch: "branch", Loop: "loop"}[type(scope)]
    parent = None if index == ROOT or scope.parent == ROOT else ids[scope.parent]
    pipeline = (scope.pipeline or None) if isinstance(scope, Group) else None
    return GGroup(ids[index], kind, scope.name, parent, pipeline)


def _edges(graph: Graph, ids: list[str], sources: dict[str, str]) -> Iterator[GEdge]:
    for node in graph.nodes:
        for name, value in node.args:
            for source, kind in _origins(graph, value, node.scope, "data"):
                yield GEdge(_source(graph, source, sources), node.id, name, kind)
        for before in node.after:
            yield GEdge(graph.nodes[before].id, node.id, "after", "control")
    for index, scope in enumerate(graph.scopes):
        if isinstance(scope, Branch):
            cases = "otherwise" if scope.default else ", ".join(map(str, scope.cases))
            for inside in graph.layout.inside[index]:
                yield GEdge(graph.nodes[scope.test].id, graph.nodes[inside].id, cases, "control")
        elif isinstance(scope, Each):
            # What nothing inside reads by element still decides how often the inside runs.
            read = {target for node in graph.layout.subtree(index) for target in _items_read(graph, node)}
            for position, value in enumerate(scope.sources):
                if (index, position) in read:
                    continue
                for source, _ in _origins(graph, value, scope.parent, "each"):
                    for inside in graph.layout.inside[index][:1]:
                        yield GEdge(
                            _source(graph, source, sources), graph.nodes[inside].id, scope.name, "each"
                        )


def _items_read(graph: Graph, node: int) -> Iterator[tuple[int, int]]:
    stack = [value for _, value in graph.nodes[node].args]
    while stack:
        value = stack.pop()
        if isinstance(value, Item):
            yield value.scope, value.source
        stack.extend(parts(value))


def _source(graph: Graph, value: Output | Input, sources: dict[str, str]) -> str:
    if isinstance(value, Output):
        return graph.nodes[value.node].id
    dataset = sources.get(value.name)
    return f"dataset:{dataset}" if dataset else f"input:{value.name}"


def _origins(
    graph: Graph, value: Value, reader: int, kind: str, depth: int = 0
) -> Iterator[tuple[Output | Input, str]]:
    """What a value is made of, and how it comes: as it is, gathered, by element, or from round to round."""
    if depth > 20:
        return
    match value:
        case Output(node=node):
            gathers = len(graph.layout.node_axes[node]) > graph.layout.shared_axes(reader, node)
            yield value, "gather" if gathers and kind == "data" else kind
        case Input():
            yield value, kind
        case Item(scope=scope, source=source):
            each = graph.scopes[scope]
            assert isinstance(each, Each)
            yield from _origins(graph, each.sources[source], each.parent, "each", depth + 1)
        case Passed(scope=scope, name=name):
            calls = graph.scopes[scope]
            own = graph.layout.subtree(scope)
            for parameter, nodes in calls.sources if isinstance(calls, Calls) else ():
                if parameter == name:
                    yield from ((Output(node), "each") for node in nodes if node not in own)
        case State(scope=scope, position=position):
            loop = graph.scopes[scope]
            assert isinstance(loop, Loop)
            yield from _origins(graph, loop.initial[position], loop.parent, kind, depth + 1)
            if position < len(loop.results):
                yield from _origins(graph, loop.results[position], scope, "state", depth + 5)
        case Last(scope=scope, position=position):
            loop = graph.scopes[scope]
            assert isinstance(loop, Loop)
            if position < len(loop.results):
                yield from _origins(graph, loop.results[position], scope, kind, depth + 1)
        case _:
            for inner in parts(value):
                yield from _origins(graph, inner, reader, kind, depth + 1)
