"""How does a run begin, go on after a failure, or branch off from another? One way in for all three."""

from __future__ import annotations

import contextlib
import inspect
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct

from plait.data import Artifact, ArtifactStore
from plait.engine.dynamic import Dynamic
from plait.engine.fleet import Fleet, executors_named
from plait.engine.keys import Keys
from plait.engine.loop import Loop
from plait.engine.reuse import Reuse, Take
from plait.engine.task import Executor, Job, Report
from plait.errors import CatalogError, ParameterError, PlaitError, RecordError, SecretFound, did_you_mean
from plait.graph.dynamic import Growing
from plait.graph.model import Graph
from plait.graph.model import Path as TaskPath
from plait.graph.pipeline import Definition, Habits
from plait.graph.selection import Selection
from plait.graph.slicing import downstream, input_names, meanings, upstream
from plait.graph.tracing import Traced
from plait.launch.again import part_again, project_again, target_of
from plait.launch.asked import environments_folder, keys_of, locks_of, refuse_what_is_missing
from plait.launch.dynamic import listening, make_dynamic
from plait.launch.facts import installed_packages, new_id, run_facts
from plait.launch.hiding import hidden, hidden_graph, hiding
from plait.launch.moments import retry_teller, tell_end, tell_pipeline, tell_start, with_metrics_told
from plait.launch.orders import CachePolicy, Orders, said_of
from plait.launch.outside import FromCatalog, FromRun, store_recorded
from plait.launch.prepare import (
    FromSecret,
    Given,
    Prepared,
    configured,
    convert_given,
    missing_arguments,
)
from plait.launch.published import Published
from plait.project.project import Project
from plait.project.references import dataset_artifact, parameter_artifact, refreshed
from plait.project.secrets import Masker
from plait.record.annotations import Annotations
from plait.record.beginnings import beginning
from plait.record.closures import Closure
from plait.record.computations import Computations
from plait.record.facts import DataCheck, clean, data_check, describe_error
from plait.record.requests import asked
from plait.record.results import Results, Stored, load_tree
from plait.record.slots import Slots
from plait.record.store import RecordStore, open_records
from plait.record.takeover import finished_places, past_attempts, past_checkpoints, take_over
from plait.record.views import Run, run_is_alive
from plait.record.writer import RunWriter, new_run

__all__ = [
    "execute",
    "find_nodes",
    "fork",
    "open_reuse",
    "resume",
    "saved_outputs",
    "store_inputs",
]

Prior: TypeAlias = Callable[[int, TaskPath], "Take | None"]


class _Begin(Struct, frozen=True):
    """All that a loop needs beside its executor."""

    records: RecordStore
    traced: Traced
    inputs: dict[str, Artifact]
    writer: RunWriter
    keys: Keys
    params: dict[str, Any]
    orders: Orders
    project: Project
    habits: Habits
    prior: Prior | None = None
    attempts: Mapping[tuple[int, TaskPath], int] = {}
    checkpoints: Mapping[tuple[int, TaskPath], Artifact] = {}
    signature: inspect.Signature = inspect.Signature()
    resumed: Graph | None = None  # of a dynamic run that goes on


def execute(
    prepared: Prepared,
    *,
    executor: Executor,
    target: str = "",
    home: Path | None = None,
    listener: Any = None,
    orders: Orders = Orders(),  # noqa: B008 - frozen
) -> Run:
    """Record a run and carry it to its end, whatever that is; see ``Run.status``.

    Args:
        home: the ``.plait`` folder; beside the project or the file of the pipeline if left out.
        listener: a ``Listener``, or a function that makes one of the recorded run; its ``close()``, if it has one,
            is called when the run is over, or could not go on.

    Raises:
        RecordError, StoreError: nothing can be written; what was committed stays.
    """
    with hiding(prepared.project):
        return _execute(prepared, executor, target, home, listener, orders)


def _execute(
    prepared: Prepared, executor: Executor, target: str, home: Path | None, listener: Any, orders: Orders
) -> Run:
    definition, project = prepared.definition, prepared.project
    fleet = _fleet(prepared.graph, executor, project)
    if not prepared.graph.is_dynamic:
        find_nodes(prepared.graph, orders.policy.refresh)  # a wrong name is said before anything is recorded
    saved_outputs(prepared.graph, project)
    records = open_records(project, create=True, home=home)
    with beginning(records.database):
        inputs = store_inputs(prepared.traced, prepared.values, records.artifacts, project)
        params = {name: shown(value, records.artifacts) for name, value in prepared.values.items()}
        keys = keys_of(prepared.traced, records)
        writer = _record(
            records,
            prepared.graph,
            keys,
            target=target or target_of(definition.module, definition.qualname, definition.file),
            params=params,
            project=project,
            executor=executor.name,
            inputs={name: (one, prepared.origins.get(name, "literal")) for name, one in inputs.items()},
            said=said_of(orders, definition, params, project),
            selections=definition.selections,
            inputs_from=prepared.inputs_from,
        )
    begin = _Begin(
        records,
        prepared.traced,
        inputs,
        writer,
        keys,
        params,
        orders,
        project,
        definition.habits,
        signature=definition.signature,
    )
    return _carry(begin, fleet, listener)


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
    traced, records = configured(definition.trace(), project), run.store
    if run.graph.is_dynamic != traced.graph.is_dynamic:
        was, now = ("dynamic", "not") if run.graph.is_dynamic else ("not dynamic", "dynamic")
        raise RecordError(
            f"the pipeline of run {run.id} was {was}, and by now {definition.name!r} is {now}",
            where=definition.where,
            hint="start a new run: what is the same comes from the cache",
        )
    if run.graph.is_dynamic:
        return _go_on(run, definition, traced, project, executor, listener, orders, tell)
    fleet = _fleet(traced.graph, executor, project)
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
    project.announce()
    begin = _Begin(
        records,
        traced,
        run.results.inputs,
        writer,
        keys,
        run.params,
        orders,
        project,
        definition.habits,
        _recorded(run),
        past_attempts(records.database, run.key),
        past_checkpoints(records.database, run.key),
    )
    return _carry(begin, fleet, listener)


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
    keys = Keys(run.graph, traced.functions, traced.uses, records.artifacts)
    own = keys.closure(0)
    changed = run.closures.get(0) != own.digest
    if changed:
        tell(
            f"the code of {definition.name} or of what it calls has changed since: the calls that it makes as before"
            " are not repeated"
        )
    writer = take_over(records.database, run, run_facts(project.root), {0: own} if changed else {})
    project.announce()
    begin = _Begin(
        records,
        traced,
        run.results.inputs,
        writer,
        keys,
        run.params,
        orders,
        project,
        definition.habits,
        _recorded(run),
        past_attempts(records.database, run.key),
        past_checkpoints(records.database, run.key),
        definition.signature,
        run.graph,
    )
    return _carry(begin, Fleet(run.graph, executor), listener)


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
    traced = configured(definition.trace(), project)
    graph = traced.graph
    if graph.is_dynamic or run.graph.is_dynamic:
        raise RecordError(
            f"run {run.id} is of a dynamic pipeline, which has no steps to fork at before its body has called them",
            hint="start a new run with other parameters: calls with the same inputs come from the cache",
        )
    fleet = _fleet(graph, executor, project)
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
        writer = _record(
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
    begin = _Begin(records, traced, inputs, writer, keys, params, orders, project, habits, prior)
    return _carry(begin, fleet, listener)


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


def _record(
    records: RecordStore,
    graph: Graph,
    keys: Keys,
    *,
    target: str,
    params: dict[str, Any],
    project: Project,
    executor: str,
    inputs: dict[str, tuple[Artifact, str]],
    said: Annotations,
    parent: str | None = None,
    selections: Sequence[Selection] = (),
    inputs_from: str = "",
) -> RunWriter:
    masker = project.masker()
    facts = {
        **run_facts(project.root),
        "env": None,
        "stack": project.stack_name,
        "step_options": project.step_options or None,
    }
    if project.has_conf:
        facts |= {
            "env": project.env,
            "assignments": project.assignments,
            "params_file": str(project.params_file.absolute()) if project.params_file else None,
            "load_versions": project.load_versions,
        }
    if selections:
        facts["selections"] = msgspec.to_builtins(selections)
    if inputs_from:
        facts["inputs_from"] = inputs_from
    closures = [keys.closure(node) for node in range(len(graph.nodes))]
    return new_run(
        records.database,
        hidden_graph(masker, graph),
        run_id=new_id(),
        target=hidden(masker, target),
        params=hidden(masker, params),
        packages=installed_packages(),
        facts=hidden(masker, facts),
        executor=executor,
        inputs={name: (one, hidden(masker, origin)) for name, (one, origin) in inputs.items()},
        closures=closures if masker is None else _masked(masker, closures),
        parent=parent,
        said=said,
    )


def open_reuse(
    records: RecordStore,
    graph: Graph,
    keys: Keys,
    policy: CachePolicy,
    project: Project,
    *,
    prior: Prior | None = None,
) -> Reuse:
    """What decides for the tasks of a graph whether they have to run."""
    alive: dict[int, tuple[float, bool]] = {}

    def still_alive(key: int) -> bool:
        asked, answer = alive.get(key, (0.0, False))
        if time.monotonic() - asked > 1.0:
            answer = run_is_alive(records, key)
            alive[key] = (time.monotonic(), answer)
        return answer

    saves = saved_outputs(graph, project)
    published = Published(records.database, graph, project, saves)

    def grown(graph: Graph) -> None:
        published.grow(graph)
        reuse.refresh(one for name in policy.refresh for one in _matching(graph, name))

    reuse = Reuse(
        graph,
        keys,
        Computations(records.database),
        records.artifacts,
        prior=prior,
        look_up=policy.look_up,
        refresh=() if graph.is_dynamic else find_nodes(graph, policy.refresh),
        alive=still_alive,
        unpublished=published.fault,
        on_growth=grown,
    )
    return reuse


def _fleet(graph: Graph, main: Executor, project: Project) -> Fleet:
    """The executors of a run, each found able to do what the steps ask of it.

    Raises:
        ParameterError: a step names an executor that is not there, or asks for what its executor cannot do or has not.
    """
    from plait.executors import make_executor

    others = {
        name: make_executor(name, project=project) for name in executors_named(graph) if name != main.name
    }
    fleet = Fleet(graph, main, others)
    refuse_what_is_missing(graph, fleet, project)
    return fleet


def _carry(begin: _Begin, fleet: Fleet, listener: Any) -> Run:
    """Carry a recorded run to its end; however it ends, the records say so."""
    writer, masker = begin.writer, begin.project.masker()
    run, watching = None, listener
    around = contextlib.ExitStack()
    try:
        run = begin.records.run(writer.run_id)
        chosen = listener(run) if callable(listener) else listener
        watching = with_metrics_told(begin.project.hooks, run, chosen)
        dynamic = None
        if begin.traced.graph.is_dynamic:
            dynamic = around.enter_context(_dynamic(begin, run, fleet, watching))
        loop = _loop(begin, fleet, watching, dynamic)
        found, begin.project.checked[:] = list(begin.project.checked), []
        writer.checks(-1, (), 0, [_hidden_check(masker, one) for one in found])
        tell_start(begin.project.hooks, run)
        loop.run()
    except BaseException as error:
        # Such as a step that cannot travel to another process, a full disk, or Ctrl-C before the first task.
        with contextlib.suppress(PlaitError):
            by_hand = isinstance(error, KeyboardInterrupt)
            said = "cancelled by Ctrl-C" if by_hand else hidden(masker, describe_error(error).headline)
            writer.finished("cancelled" if by_hand else "failed", said)
            writer.commit()
            if run is not None:
                tell_end(begin.project.hooks, run.refresh())
        raise
    finally:
        around.close()
        if hasattr(watching, "close"):
            watching.close()
    tell_end(begin.project.hooks, run.refresh())
    tell_pipeline(begin.habits, run)
    return run


def _loop(begin: _Begin, fleet: Fleet, listener: Any, dynamic: Dynamic | None) -> Loop:
    graph, project, records = begin.resumed or begin.traced.graph, begin.project, begin.records
    masker, hooks, writer, since = project.masker(), project.hooks, begin.writer, time.time()
    loop = Loop(
        graph,
        begin.traced.functions,
        job=Job(
            begin.writer.run_id,
            graph.name,
            records.artifacts_url,
            (),
            hidden(masker, begin.params),
            project=project.spec if dynamic is not None or _project_matters(graph, project) else None,
            saves=saved_outputs(graph, project),
            environments=str(environments_folder(records)),
        ),
        results=Results(graph, records.artifacts, begin.inputs),
        fleet=fleet,
        writer=writer,
        reuse=open_reuse(records, graph, begin.keys, begin.orders.policy, project, prior=begin.prior),
        slots=Slots(records.database, writer, lambda key: run_is_alive(records, key)),
        asked=lambda: asked(records.database, writer.key, since),
        stand_ins=begin.traced.stand_ins,
        attempts=begin.attempts,
        checkpoints=begin.checkpoints,
        conduct=begin.orders.conduct,
        listener=listener,
        mask=lambda report: _masked_report(project, report),
        on_retry=retry_teller(hooks, begin.writer.run_id, lambda: loop.graph),
        dynamic=dynamic,
    )
    return loop


@contextlib.contextmanager
def _dynamic(begin: _Begin, run: Run, fleet: Fleet, listener: Any) -> Iterator[Dynamic]:
    """The body of a dynamic pipeline, while its run goes on."""
    project, masker, known = begin.project, begin.project.masker(), 1

    def check(graph: Graph) -> None:
        nonlocal known
        fleet.grow(graph)
        _refuse_other_executors(graph, fleet)
        refuse_what_is_missing(graph, fleet, project)
        saved_outputs(graph, project)
        begin.keys.grow(graph, locks_of(graph, begin.traced.functions, begin.records, known))
        known = len(graph.nodes)

    with listening(fleet.main, listener, masker.mask if masker is not None else None) as capture:
        dynamic = make_dynamic(
            Growing(begin.traced, begin.resumed, project.step_rules),
            begin.signature,
            run_id=run.id,
            run_key=run.key,
            resumed=run if begin.resumed is not None else None,
            params=hidden(masker, begin.params),
            inputs=begin.inputs,
            store=begin.records.artifacts,
            database=begin.records.database,
            keys=begin.keys,
            fleet=fleet,
            project=project,
            capture=capture,
            check=check,
            store_literal=lambda name, value: _store_input(begin.records.artifacts, project, name, value, 0),
        )
        yield dynamic
    if dynamic.error is not None:
        # For whoever called from Python: the exception itself, as of steps that ran in this process.
        errors: dict[Any, BaseException] = getattr(fleet.main, "errors", {})
        fleet.main.errors = {**errors, (0, ()): dynamic.error}  # type: ignore[attr-defined]


def _refuse_other_executors(graph: Graph, fleet: Fleet) -> None:
    for index, node in enumerate(graph.nodes):
        name = graph.options(index).executor
        if name and name not in (fleet.main.name, *fleet.names):
            raise ParameterError(
                f"{node.id} names the executor {name!r}; all steps of a dynamic pipeline run where the run does,"
                f" which is {fleet.main.name!r}",
                where=node.where,
                hint=f"--executor {name} for all of them, or --set {node.id}.executor={fleet.main.name}",
            )


def _masked_report(project: Project, report: Report) -> Report:
    """What is told of a worker that is gone, without the secrets that are known by now."""
    masker = project.masker()
    return report if masker is None else masker.struct(report)


def _project_matters(graph: Graph, project: Project) -> bool:
    """Whether tasks have to know the project; to read it costs each worker some time."""
    if project.has_conf or project.stack.named or project.hooks is not None:
        return True
    asked = map(graph.options, range(len(graph.nodes)))
    return any(one.secrets or one.workdir or one.requirements or one.packages or one.python for one in asked)


def _masked(masker: Masker, closures: Sequence[Closure]) -> list[Closure]:
    """Nodes share closures, and one of them may be long."""
    made = {one.digest: masker.struct(one) for one in closures}
    return [made[one.digest] for one in closures]


def _hidden_check(masker: Masker | None, result: Any) -> DataCheck:
    found = data_check(result)
    return found if masker is None else masker.struct(found)


def saved_outputs(graph: Graph, project: Project) -> frozenset[str]:
    """The outputs that are also saved in the catalog: those whose name is there.

    Raises:
        CatalogError: an entry is wrong, or cannot hold the many results of a mapped step.
    """
    if not project.has_conf:
        return frozenset()
    catalog = project.catalog
    saved: set[str] = set(catalog.names()) if graph.is_dynamic else set()
    for index, node in enumerate(graph.nodes):
        for name in node.outputs:
            if name not in catalog:
                continue
            dataset = catalog.dataset(name)
            if graph.layout.node_axes[index] and not hasattr(dataset, "parts"):
                raise CatalogError(
                    f"{name!r} is the output of a mapped step, so its dataset must be of many files",
                    where=catalog.entry(name).where,
                    hint="type: partitioned, or name the output otherwise: .named(…)",
                )
            if graph.layout.node_axes[index] and catalog.entry(name).versioned:
                raise CatalogError(
                    f"{name!r} is saved part by part, which a versioned dataset cannot be",
                    where=catalog.entry(name).where,
                    hint="gather the parts in a step that returns them as a dict, and save that",
                )
            saved.add(name)
    return frozenset(saved)


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


def find_nodes(graph: Graph, names: Sequence[str]) -> set[int]:
    """The nodes of steps, groups or outputs by their names.

    Raises:
        RecordError: a name is unknown; the nearest is named.
    """
    found: set[int] = set()
    layout = graph.layout
    for name in names:
        matching = _matching(graph, name)
        if not matching:
            known = [*layout.by_id, *layout.by_output]
            raise RecordError(f"pipeline {graph.name!r} has no step {name!r}", hint=did_you_mean(name, known))
        found |= matching
    return found


def _matching(graph: Graph, name: str) -> set[int]:
    """The nodes that a name may mean."""
    matching = {
        index
        for index, node in enumerate(graph.nodes)
        if name == node.id or node.id.startswith(f"{name}.") or name == graph.steps[node.step].name
    }
    if name in graph.layout.by_output:
        matching.add(graph.layout.by_output[name][0])
    return matching


def store_inputs(
    traced: Traced,
    values: Mapping[str, Any],
    store: ArtifactStore,
    project: Project,
    *,
    literals: bool = True,
) -> dict[str, Artifact]:
    """The artifacts of a run's arguments and literals; lists that an ``each`` takes apart item by item."""
    depths = traced.graph.layout.splits[1]
    masker = project.masker()
    if masker is not None:
        store.forbidden = masker.is_in
    everything = {**(traced.literals if literals else {}), **values}
    return {
        name: _store_input(store, project, name, value, depths.get(name, 0))
        for name, value in everything.items()
    }


def _store_input(store: ArtifactStore, project: Project, name: str, value: Any, depth: int) -> Artifact:
    if depth:
        items = [
            _store_input(store, project, f"{name}[{at}]", item, depth - 1) for at, item in enumerate(value)
        ]
        return store.gather(items)
    if isinstance(value, FromCatalog):
        return dataset_artifact(project, value.dataset, value.part)
    if isinstance(value, FromSecret):
        return parameter_artifact(value.parameter)
    if isinstance(value, FromRun):
        recorded: Artifact = store_recorded(store, value.tree)
        return recorded
    try:
        return store.save(value, name)
    except SecretFound as error:
        raise ParameterError(
            error.what,
            hint=f"write {name}: ${{secret:…}} among the parameters, and leave it out where the pipeline is run",
        ) from None


def shown(value: Any, store: ArtifactStore | None = None) -> Any:
    """A parameter as the records and the UI show it: itself where JSON can say it, else what it is."""
    if isinstance(value, FromCatalog):
        return f"<dataset {value.dataset}>"
    if isinstance(value, FromRun):
        tree = value.tree
        is_small = isinstance(tree, Stored) and tree.artifact.head is not None
        return shown(load_tree(store, tree)) if store is not None and is_small else f"<of run {value.run}>"
    if isinstance(value, list) and any(isinstance(item, FromRun | FromCatalog) for item in value):
        return [shown(item, store) for item in value] if len(value) < 1000 else f"<list of {len(value)}>"
    if isinstance(value, FromSecret):
        return "***"
    if isinstance(value, os.PathLike):
        return clean(str(os.fspath(value)))
    try:
        text = msgspec.json.encode(value)
    except (TypeError, ValueError, OverflowError):
        shape = getattr(value, "shape", None)
        return f"<{type(value).__name__}{f' {shape}' if shape is not None else ''}>"
    return (
        msgspec.json.decode(text) if len(text) < 65536 else f"<{type(value).__name__} of {len(text)} bytes>"
    )
