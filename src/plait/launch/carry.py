"""How is a recorded run carried to its end?"""

from __future__ import annotations

import contextlib
import inspect
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct

from plait.data import Artifact
from plait.engine.fleet import Fleet, executors_named
from plait.engine.keys import Keys
from plait.engine.loop import Loop
from plait.engine.reuse import Reuse, Take
from plait.engine.task import Abroad, Executor, Job, Report
from plait.errors import CatalogError, PlaitError
from plait.executors import make_executor
from plait.graph.model import Graph
from plait.graph.model import Path as TaskPath
from plait.graph.pipeline import Habits
from plait.graph.tracing import Traced
from plait.launch.asked import environments_folder, locks_of, refuse_what_is_missing
from plait.launch.hiding import Hider, hidden
from plait.launch.inputs import store_input
from plait.launch.moments import retry_teller, tell_end, tell_pipeline, tell_start, with_metrics_told
from plait.launch.naming import find_nodes, matching
from plait.launch.orders import CachePolicy, Orders
from plait.launch.published import Published
from plait.project.project import Project
from plait.project.secrets import Masker
from plait.record.computations import Computations
from plait.record.facts import DataCheck, data_check, describe_error
from plait.record.requests import asked
from plait.record.results import Results
from plait.record.slots import Slots
from plait.record.store import RecordStore
from plait.record.views import Run, run_is_alive
from plait.record.writer import RunWriter

if TYPE_CHECKING:
    from plait.engine.dynamic import Dynamic

__all__ = ["Begin", "Prior", "carry", "letting_go", "make_fleet", "open_reuse", "saved_outputs"]

Prior: TypeAlias = Callable[[int, TaskPath], "Take | None"]


class Begin(Struct, frozen=True):
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
        reuse.refresh(one for name in policy.refresh for one in matching(graph, name))

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


def make_fleet(graph: Graph, main: Executor, project: Project) -> Fleet:
    """The executors of a run, each found able to do what the steps ask of it, and now.

    Raises:
        ParameterError: a step names an executor that is not there, or asks for what its executor cannot do or has not.
        PlaitError: an engine cannot be reached, or would not take a task.
    """
    others = {
        name: make_executor(name, project=project) for name in executors_named(graph) if name != main.name
    }
    fleet = Fleet(graph, main, others)
    with letting_go(fleet):
        refuse_what_is_missing(graph, fleet, project)
        fleet.check()
    return fleet


@contextlib.contextmanager
def letting_go(fleet: Fleet) -> Iterator[None]:
    """What fails inside, before there is a run, leaves nothing that the executors took to look at their engines."""
    try:
        yield
    except BaseException:
        fleet.let_go()
        raise


def carry(begin: Begin, fleet: Fleet, listener: Any) -> Run:
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


def _loop(begin: Begin, fleet: Fleet, listener: Any, dynamic: Dynamic | None) -> Loop:
    graph, project, records = begin.resumed or begin.traced.graph, begin.project, begin.records
    masker, hooks, writer, since = project.masker(), project.hooks, begin.writer, time.time()

    def send_code() -> Abroad:
        from plait.launch.abroad import make_abroad

        abroad = make_abroad(loop.graph, project, records.artifacts)
        code = abroad.code
        writer.code(code.digest, code.artifact, code.files, code.size)
        return abroad

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
        send_code=send_code,
    )
    return loop


@contextlib.contextmanager
def _dynamic(begin: Begin, run: Run, fleet: Fleet, listener: Any) -> Iterator[Dynamic]:
    """The body of a dynamic pipeline, while its run goes on."""
    # Only here: a run of another kind does not pay for it.
    from plait.graph.dynamic import Growing
    from plait.launch.dynamic import listening, make_dynamic

    project, known = begin.project, 1

    def check(graph: Graph) -> None:
        nonlocal known
        for name in executors_named(graph):
            if not fleet.has(name):
                fleet.add(name, make_executor(name, project=project))
        fleet.grow(graph)
        refuse_what_is_missing(graph, fleet, project)
        saved_outputs(graph, project)
        begin.keys.grow(graph, locks_of(graph, begin.traced.functions, begin.records, known))
        known = len(graph.nodes)

    with listening(fleet.main, listener, Hider(project).mask) as capture:
        dynamic = make_dynamic(
            Growing(begin.traced, begin.resumed, project.step_rules),
            begin.signature,
            run_id=run.id,
            run_key=run.key,
            resumed=run if begin.resumed is not None else None,
            params=hidden(project.masker(), begin.params),
            inputs=begin.inputs,
            store=begin.records.artifacts,
            database=begin.records.database,
            keys=begin.keys,
            fleet=fleet,
            project=project,
            capture=capture,
            check=check,
            store_literal=lambda name, value: store_input(begin.records.artifacts, project, name, value, 0),
        )
        yield dynamic
    if dynamic.error is not None:
        # For whoever called from Python: the exception itself, as of steps that ran in this process.
        errors: dict[Any, BaseException] = getattr(fleet.main, "errors", {})
        fleet.main.errors = {**errors, (0, ()): dynamic.error}  # type: ignore[attr-defined]


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
