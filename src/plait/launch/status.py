"""Which results of a project are up to date? Each pipeline is planned as it last ran, with its code as it is now."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import Struct

from plait.engine.plan import Plan, PlanItem
from plait.engine.why import Why
from plait.errors import PlaitError
from plait.graph.model import Graph
from plait.graph.pipeline import Definition
from plait.graph.slicing import reads, upstream
from plait.launch.planning import plan
from plait.launch.prepare import Given, prepare
from plait.record.store import RecordStore
from plait.record.views import Run

__all__ = ["OutputStatus", "PipelineStatus", "final_outputs", "pipeline_status"]

State = Literal["up to date", "stale", "never made"]


class OutputStatus(Struct, frozen=True):
    """One result.

    Args:
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
    records: RecordStore, definition: Definition, outputs: Sequence[str] | None = None
) -> PipelineStatus:
    """What of a pipeline's results is up to date.

    Its arguments are those of its last run that was done, as far as they were given then; what was a default is
    the default of now.

    Args:
        outputs: names of outputs; those that no other step reads and those that the pipeline returns if left out.
    """
    name = definition.name
    last = next((run for run in records.runs(limit=None, pipeline=name) if run.status == "done"), None)
    try:
        made = plan(prepare(definition, _as_last_time(last, definition)), records=records)
    except PlaitError as error:
        problem = error.what if last is not None else f"never run; {error.what}"
        return PipelineStatus(name, (), last.id if last else "", problem)
    wanted = list(outputs) if outputs is not None else final_outputs(made.graph)
    by_node: dict[int, list[PlanItem]] = {}
    for item in made.items:
        by_node.setdefault(item.node, []).append(item)
    found = tuple(_output(records, made, by_node, output, last) for output in wanted)
    return PipelineStatus(name, found, last.id if last else "")


def _as_last_time(last: Run | None, definition: Definition) -> dict[str, Given]:
    if last is None:
        return {}
    known = definition.signature.parameters
    inputs = last.results.inputs
    return {
        name: Given(last.store.artifacts.load(inputs[name]), origin)
        for name, origin in last.origins.items()
        if name in known and origin not in ("default", "literal")
    }


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
    to_do = [item for at in on_the_way for item in by_node.get(at, ()) if item.decision != "cached"]
    if not to_do:
        sources = {item.source for item in by_node.get(node, ()) if item.source}
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
