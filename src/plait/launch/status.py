"""Which results of a project are up to date? Each pipeline is planned as it last ran, with its code as it is now."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping, Sequence
from typing import Literal

import msgspec
from msgspec import Struct

from plait.engine.plan import Plan, PlanItem
from plait.engine.why import Why
from plait.errors import PlaitError
from plait.graph.model import Graph
from plait.graph.pipeline import Definition
from plait.graph.slicing import reads, upstream
from plait.launch.again import project_again
from plait.launch.carry import saved_outputs
from plait.launch.planning import plan
from plait.launch.prepare import Given, prepare
from plait.launch.published import Published
from plait.project.place import home_of
from plait.project.project import Project
from plait.record.store import RecordStore
from plait.record.views import Run

__all__ = ["OutputStatus", "PipelineStatus", "final_outputs", "pipeline_status"]

State = Literal["up to date", "stale", "never made"]


class OutputStatus(Struct, frozen=True):
    """One result.

    Args:
        place: where the catalog keeps it; empty for one that is no dataset.
        reason: why it is stale: the first step on the way to it that would run.
        run: the id of the run that made what is there; empty when nothing is.
        why: what changed for that step.
    """

    output: str
    state: State
    reason: str = ""
    run: str = ""
    made_at: datetime.datetime | None = None
    why: Why | None = None
    place: str = ""


class PipelineStatus(Struct, frozen=True):
    """The results of one pipeline; ``problem`` says why nothing can be told."""

    pipeline: str
    outputs: tuple[OutputStatus, ...] = ()
    last_run: str = ""
    problem: str = ""

    @property
    def is_up_to_date(self) -> bool:
        return not self.problem and all(one.state == "up to date" for one in self.outputs)


def pipeline_status(
    records: RecordStore,
    definition: Definition,
    outputs: Sequence[str] | None = None,
    *,
    env: str | None = None,
    paranoid: bool = False,
) -> PipelineStatus:
    """What of a pipeline's results is up to date.

    Its arguments are those of its last run that was done, as far as they were given then; what came from the conf or
    was a default is that of now.

    Args:
        outputs: names of outputs; if left out those that are datasets, and those that no other step reads.
        env: the environment of the conf, whose runs and datasets are meant.
    """
    name = definition.name
    project = Project(home_of(definition.file)[0], env, paranoid=paranoid)
    last = _last_done(records, name, project)
    try:
        if last is not None:
            project = project_again(last, definition, paranoid=paranoid)
        made = plan(prepare(definition, _as_last_time(last, definition, project), project), records=records)
        saved = saved_outputs(made.graph, project)
    except PlaitError as error:
        problem = error.what if last is not None else f"never run; {error.what}"
        return PipelineStatus(name, (), last.id if last else "", problem)
    by_node: dict[int, list[PlanItem]] = {}
    for item in made.items:
        by_node.setdefault(item.node, []).append(item)
    published = Published(records.database, made.graph, project, saved)
    found = []
    for output in outputs if outputs is not None else _worth_telling(made.graph, saved):
        one = _output(records, made, by_node, output, last)
        found.append(_of_dataset(records, one, project, published) if output in saved else one)
    return PipelineStatus(name, tuple(found), last.id if last else "")


def _last_done(records: RecordStore, pipeline: str, project: Project) -> Run | None:
    env = project.env if project.has_conf else None
    for run in records.runs(limit=None, pipeline=pipeline):
        if run.status == "done" and run.facts.get("env") == env and not run.facts.get("selections"):
            return run
    return None


def _as_last_time(last: Run | None, definition: Definition, project: Project) -> dict[str, Given]:
    """What was given from Python or typed where there is no conf; all else the project knows."""
    if last is None:
        return {}
    known = definition.signature.parameters
    inputs = last.results.inputs
    from_elsewhere = ("default", "literal", "catalog")
    return {
        name: Given(last.store.artifacts.load(inputs[name]), origin)
        for name, origin in last.origins.items()
        if name in known and (origin == "given" if project.has_conf else origin not in from_elsewhere)
    }


def _worth_telling(graph: Graph, saved: Collection[str]) -> list[str]:
    """Datasets in the order of the graph, then what is made last and is none."""
    datasets = [output for node in graph.nodes for output in node.outputs if output in saved]
    return [*datasets, *(output for output in final_outputs(graph) if output not in saved)]


def _of_dataset(
    records: RecordStore, one: OutputStatus, project: Project, published: Published
) -> OutputStatus:
    """A dataset is made when it is saved, whichever run took the value from where."""
    place = project.catalog.entry(one.output).place or ""
    latest = published.latest(one.output)
    if latest is None:
        state: State = "never made" if one.state == "stale" else one.state
        return msgspec.structs.replace(one, state=state, place=place)
    run, written_at = latest
    made_at = datetime.datetime.fromtimestamp(written_at, datetime.UTC)
    state = "stale" if one.state == "never made" else one.state
    return msgspec.structs.replace(
        one, state=state, place=place, run=records.run_of_key(run).id, made_at=made_at
    )


def final_outputs(graph: Graph) -> list[str]:
    """The outputs of the steps that no other step reads."""
    read = {node for reader in range(len(graph.nodes)) for node in reads(graph, reader)}
    return [
        output for node, chosen in enumerate(graph.nodes) if node not in read for output in chosen.outputs
    ]


def _output(
    records: RecordStore, made: Plan, by_node: Mapping[int, list[PlanItem]], output: str, last: Run | None
) -> OutputStatus:
    graph = made.graph
    node = graph.layout.by_output[output][0]
    on_the_way = sorted(upstream(graph, [node]))
    to_do = [item for at in on_the_way for item in by_node.get(at, ()) if item.decision in ("run", "unknown")]
    if not to_do:
        # What the pipeline decides by itself, such as the end of a loop, was made by those whose values it took.
        makers = [node] if graph.nodes[node].is_step else on_the_way
        sources = {item.source for at in makers for item in by_node.get(at, ()) if item.source}
        run, made_at = _latest(records, sources)
        return OutputStatus(output, "up to date", "", run, made_at)
    first = next((item for item in to_do if item.decision == "run"), to_do[0])
    why = made.explain(first) if made.explain is not None and first.decision == "run" else None
    reason = made.name(first)
    there = _was_made(last, graph.nodes[node].id)
    if last is None or not there:
        return OutputStatus(output, "never made", reason, why=why)
    return OutputStatus(output, "stale", reason, last.id, last.ended_at, why)


def _was_made(last: Run | None, node_id: str) -> bool:
    if last is None:
        return False
    node = last.graph.find_node(node_id)
    return node is not None and next(last.iter_tasks(node, limit=1), None) is not None


def _latest(records: RecordStore, runs: set[str]) -> tuple[str, datetime.datetime | None]:
    """The latest of the runs that made a result, and when it did."""
    found: list[Run] = []
    for run_id in runs:
        try:
            found.append(records.run(run_id))
        except PlaitError:  # deleted since; what was taken from it is still there
            continue
    if not found:
        return (min(runs) if runs else ""), None
    chosen = max(found, key=lambda run: run.key)
    return chosen.id, chosen.ended_at
