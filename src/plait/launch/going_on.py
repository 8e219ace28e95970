"""How does a run go on after a failure, or branch off from another?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from plait.data import Artifact
from plait.engine.fleet import Fleet
from plait.engine.keys import Keys
from plait.engine.reuse import Take
from plait.engine.task import Executor
from plait.errors import ParameterError, RecordError
from plait.graph.model import Graph
from plait.graph.model import Path as TaskPath
from plait.graph.pipeline import Definition
from plait.graph.slicing import downstream, input_names, meanings, upstream
from plait.graph.tracing import Traced
from plait.launch.again import part_again, project_again
from plait.launch.asked import keys_of
from plait.launch.carry import Begin, Prior, carry, letting_go, make_fleet
from plait.launch.facts import run_facts
from plait.launch.hiding import hiding
from plait.launch.inputs import shown, store_inputs
from plait.launch.naming import find_nodes
from plait.launch.orders import Orders, said_of
from plait.launch.prepare import (
    Given,
    convert_given,
    missing_arguments,
    trace_in,
)
from plait.launch.recording import record_run
from plait.project.project import Project
from plait.project.references import refreshed
from plait.record.beginnings import beginning
from plait.record.takeover import finished_places, past_attempts, past_checkpoints, take_over
from plait.record.views import Run
from plait.record.writer import RunWriter

__all__ = ["fork", "resume"]


def resume(
    run: Run,
    definition: Definition,
    *,
    executor: Executor,
    listener: Any = None,
    orders: Orders = Orders(),  # noqa: B008 - frozen
    tell: Callable[[str], None] = lambda _text: None,
    paranoid: bool = False,
) -> Run:
    """Go on with a run that failed, was cancelled or crashed: what was committed is not repeated.

    Code that changed since is used for what is still to do. Where the pipeline itself has changed, what both
    pipelines agree on is taken into a new run, since a recorded run keeps its graph.

    Args:
        tell: is told, in sentences, what a user should know, such as changed code in steps that are done.

    Raises:
        RecordError: the run is still going on or is done.
    """
    definition = part_again(run, definition)
    project = project_again(run, definition, paranoid=paranoid)
    with hiding(project):
        return _resume(run, definition, project, executor, listener, orders, tell)


def _resume(
    run: Run,
    definition: Definition,
    project: Project,
    executor: Executor,
    listener: Any,
    orders: Orders,
    tell: Callable[[str], None],
) -> Run:
    status = run.status
    if status == "running":
        raise RecordError(
            f"run {run.id} is still running", hint=f"plait logs {run.id} -f, or plait cancel {run.id}"
        )
    if status == "done":
        raise RecordError(f"run {run.id} is done: there is nothing to resume", hint=f"plait show {run.id}")
    traced, records = trace_in(definition, project), run.store
    if run.graph.is_dynamic != traced.graph.is_dynamic:
        was, now = ("dynamic", "not") if run.graph.is_dynamic else ("not dynamic", "dynamic")
        raise RecordError(
            f"the pipeline of run {run.id} was {was}, and by now {definition.name!r} is {now}",
            where=definition.where,
            hint="start a new run: what is the same comes from the cache",
        )
    if run.graph.is_dynamic:
        return _go_on(run, definition, traced, project, executor, listener, orders, tell)
    fleet = make_fleet(traced.graph, executor, project)
    find_nodes(traced.graph, orders.policy.refresh)
    keys = keys_of(traced, records)
    changed = _changed_code(run, traced.graph, keys)
    _point_out_changes(run, changed, set(), tell)
    fresh = _changed_data(run, project)
    if fresh:
        named = " and ".join(map(repr, sorted(fresh)))
        tell(
            f"the data of {named} has changed since: what is done goes into a new run, which reads it as it is now"
        )
    elif not _same_shape(run.graph, traced.graph):
        tell("the pipeline has changed since: what is the same goes into a new run")
    if fresh or not _same_shape(run.graph, traced.graph):
        return _branch(run, definition, traced, project, keys, {}, fresh, set(), fleet, listener, orders)
    closures = {node: keys.closure(node) for node in changed.values()}
    writer = take_over(records.database, run, run_facts(project.root), closures)
    begin = _beginning(run, definition, traced, project, keys, orders, writer)
    return carry(begin, fleet, listener)


def _beginning(
    run: Run,
    definition: Definition,
    traced: Traced,
    project: Project,
    keys: Keys,
    orders: Orders,
    writer: RunWriter,
) -> Begin:
    """What a recorded run goes on with: all that it has behind it."""
    project.announce()
    return Begin(
        run.store,
        traced,
        run.results.inputs,
        writer,
        keys,
        run.params,
        orders,
        project,
        definition.habits,
        _recorded(run),
        past_attempts(run.store.database, run.key),
        past_checkpoints(run.store.database, run.key),
        definition.signature,
        run.graph if run.graph.is_dynamic else None,
    )


def _go_on(
    run: Run,
    definition: Definition,
    traced: Traced,
    project: Project,
    executor: Executor,
    listener: Any,
    orders: Orders,
    tell: Callable[[str], None],
) -> Run:
    """Run the body of a dynamic pipeline once more: the calls that it makes again are those that are recorded."""
    records = run.store
    fleet = Fleet(run.graph, executor)
    with letting_go(fleet):
        fleet.check()
    keys = Keys(run.graph, traced.functions, traced.uses, records.artifacts)
    own = keys.closure(0)
    changed = run.closures.get(0) != own.digest
    if changed:
        tell(
            f"the code of {definition.name} or of what it calls has changed since: the calls that it makes as before"
            " are not repeated"
        )
    writer = take_over(records.database, run, run_facts(project.root), {0: own} if changed else {})
    begin = _beginning(run, definition, traced, project, keys, orders, writer)
    return carry(begin, fleet, listener)


def _recorded(run: Run) -> Prior:
    """What a run that goes on has already."""
    places = finished_places(run.store.database, run.key)

    def prior(node: int, path: TaskPath) -> Take | None:
        found = places.get((node, path))
        return Take(found.artifacts, found.key, run.id, recorded=True) if found else None

    return prior


def fork(
    run: Run,
    definition: Definition,
    at: Sequence[str],
    given: Mapping[str, Given],
    *,
    executor: Executor,
    listener: Any = None,
    orders: Orders = Orders(),  # noqa: B008 - frozen
    tell: Callable[[str], None] = lambda _text: None,
    paranoid: bool = False,
) -> Run:
    """A new run that takes everything before the steps ``at`` from an earlier one.

    Args:
        tell: is told, in sentences, of steps whose results are taken though their code has changed.

    Raises:
        RecordError: there is no such step, or the run is still going on.
        ParameterError: a given parameter is unknown, of a wrong type, or changes what lies before the steps.
    """
    definition = part_again(run, definition)
    project = project_again(run, definition, paranoid=paranoid)
    with hiding(project):
        return _fork(run, definition, project, at, given, executor, listener, orders, tell)


def _fork(
    run: Run,
    definition: Definition,
    project: Project,
    at: Sequence[str],
    given: Mapping[str, Given],
    executor: Executor,
    listener: Any,
    orders: Orders,
    tell: Callable[[str], None],
) -> Run:
    if run.status == "running":
        raise RecordError(
            f"run {run.id} is still running: what a fork would take is not all there yet",
            hint=f"plait logs {run.id} -f",
        )
    traced = trace_in(definition, project)
    graph = traced.graph
    if graph.is_dynamic or run.graph.is_dynamic:
        raise RecordError(
            f"run {run.id} is of a dynamic pipeline, which has no steps to fork at before its body has called them",
            hint="start a new run with other parameters: calls with the same inputs come from the cache",
        )
    fleet = make_fleet(graph, executor, project)
    find_nodes(graph, orders.policy.refresh)
    keys = keys_of(traced, run.store)
    values = convert_given(definition, traced, given)
    stored = store_inputs(traced, values, run.store.artifacts, project, literals=False)
    known = run.results.inputs
    changed = {name for name, one in stored.items() if name not in known or known[name].id != one.id}
    chosen = find_nodes(graph, at)
    again = downstream(graph, chosen | _readers_of(graph, changed, chosen))
    _point_out_changes(run, _changed_code(run, graph, keys), again, tell)
    fresh = _changed_data(run, project)
    for name in sorted(fresh):
        tell(f"the data of {name!r} has changed since: what is computed anew reads it as it is now")
    return _branch(run, definition, traced, project, keys, values, fresh, again, fleet, listener, orders)


def _readers_of(graph: Graph, changed: set[str], chosen: set[int]) -> set[int]:
    """The nodes that read changed inputs.

    Raises:
        ParameterError: one of them lies before the chosen ones.
    """
    before = upstream(graph, chosen) - downstream(graph, chosen)
    found: set[int] = set()
    for name in sorted(changed):
        readers = {node for node in range(len(graph.nodes)) if name in input_names(graph, node)}
        early = sorted(readers & before)
        if early:
            first = graph.nodes[early[0]].id
            names = " ".join(f"--at {graph.nodes[node].id}" for node in sorted(chosen))
            raise ParameterError(
                f"{name} changes {first}, which comes before the step to fork at and would be taken as it is",
                hint=f"fork there: --at {first} instead of {names}",
            )
        found |= readers
    return found


def _branch(
    run: Run,
    definition: Definition,
    traced: Traced,
    project: Project,
    keys: Keys,
    values: dict[str, Any],
    fresh: dict[str, Artifact],
    again: set[int],
    fleet: Fleet,
    listener: Any,
    orders: Orders,
) -> Run:
    """A new run with another one's results for the nodes that both agree on, except those to run ``again``."""
    records, graph = run.store, traced.graph
    same = _agreed(run.graph, graph, again)
    places = finished_places(records.database, run.key)
    with beginning(records.database):
        for artifact in run.results.inputs.values():
            records.artifacts.touch(artifact)
        changed = store_inputs(traced, values, records.artifacts, project)
        known = {*run.results.inputs, *values}
        new = missing_arguments(definition, traced, known, project)
        inputs = {
            **store_inputs(traced, new, records.artifacts, project, literals=False),
            **run.results.inputs,
            **fresh,
            **changed,
        }
        params = {**run.params, **{name: shown(value) for name, value in values.items()}}
        writer = record_run(
            records,
            graph,
            keys,
            target=run.target,
            params=params,
            project=project,
            executor=fleet.main.name,
            inputs={name: (artifact, f"run {run.id}") for name, artifact in inputs.items()},
            said=said_of(orders, definition, params, project),
            parent=run.id,
            selections=definition.selections,
        )

    def prior(node: int, path: TaskPath) -> Take | None:
        there = same.get(node)
        found = places.get((there, path)) if there is not None else None
        if there is None or found is None:
            return None
        return Take(found.artifacts, found.key, run.id, (run.key, there, path, found.attempt))

    habits = definition.habits
    begin = Begin(records, traced, inputs, writer, keys, params, orders, project, habits, prior)
    return carry(begin, fleet, listener)


def _changed_data(run: Run, project: Project) -> dict[str, Artifact]:
    """The inputs of a run that are datasets and hold something else now."""
    now = {
        name: refreshed(project, run.store.artifacts, artifact)
        for name, artifact in run.results.inputs.items()
    }
    return {name: one for name, one in now.items() if one.id != run.results.inputs[name].id}


def _agreed(old: Graph, new: Graph, again: set[int]) -> dict[int, int]:
    before, now = meanings(old), meanings(new)
    return {
        index: old.layout.by_id[node.id]
        for index, node in enumerate(new.nodes)
        if index not in again and before.get(node.id) == now[node.id]
    }


def _same_shape(old: Graph, new: Graph) -> bool:
    """Whether what is recorded by the numbers of one graph's nodes and scopes can be read by those of the other."""
    return (
        list(meanings(old).items()) == list(meanings(new).items())
        and [node.scope for node in old.nodes] == [node.scope for node in new.nodes]
        and [(type(one), one.parent) for one in old.scopes] == [(type(one), one.parent) for one in new.scopes]
    )


def _changed_code(run: Run, graph: Graph, keys: Keys) -> dict[int, int]:
    """The nodes of a run whose code is another one now, with their numbers in the graph of now."""
    found: dict[int, int] = {}
    for node, digest in run.closures.items():
        there = graph.find_node(run.graph.nodes[node].id)
        if there is not None and digest != keys.closure(there).digest:
            found[node] = there
    return found


def _point_out_changes(
    run: Run, changed: Mapping[int, int], again: set[int], tell: Callable[[str], None]
) -> None:
    """Code that changed in steps that are done stays unused; that is worth a word."""
    counts = run.counts() if changed else {}
    for node, there in sorted(changed.items()):
        states = counts[node].by_state
        done = states.get("done", 0) + states.get("cached", 0)
        if not done or there in again:
            continue
        name, total = run.graph.nodes[node].id, counts[node].total
        if done == total:
            tell(f"{name} is done and is not repeated, though its code has changed since")
        else:
            tell(
                f"{name}: {done} of {total or '?'} tasks are done and not repeated, though its code has changed since"
            )
