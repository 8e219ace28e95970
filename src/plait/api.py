"""What does a user hold in Python? Pipelines that run, and the runs that were."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, overload

from plait.errors import DefinitionError, RunFailed
from plait.graph.calling import user_line
from plait.graph.model import Graph
from plait.graph.pipeline import Definition, Habits
from plait.graph.tracing import current_tracer

if TYPE_CHECKING:
    from plait.engine.plan import Plan
    from plait.engine.why import Why
    from plait.project.project import Project
    from plait.record.store import RecordStore
    from plait.record.views import Run, Task

__all__ = [
    "Explanation",
    "Forecast",
    "Pipeline",
    "explain",
    "fork",
    "get_run",
    "list_runs",
    "pipeline",
    "resume",
    "wire",
]

P = ParamSpec("P")
R = TypeVar("R")


class Pipeline(Definition, Generic[P, R]):
    """A pipeline: a function that calls steps. ``run`` executes it; called in another pipeline it is a group."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.call(args, kwargs)  # type: ignore[no-any-return]

    @property
    def graph(self) -> Graph:
        """What the pipeline describes, as data."""
        return self.trace().graph

    def run(
        self,
        *,
        executor: str | Mapping[str, Any] | None = None,
        workers: int | None = None,
        progress: bool | None = None,
        raise_on_failure: bool = True,
        cache: bool = True,
        refresh: Sequence[str] = (),
        env: str | None = None,
        stack: str | None = None,
        step_options: Mapping[str, Mapping[str, Any]] | None = None,
        paranoid: bool = False,
        inputs_from: Run | str | None = None,
        debug: bool = False,
        fail_fast: bool = False,
        max_parallel: int | None = None,
        run_name: str | None = None,
        run_tags: Sequence[str] = (),
        note: str | None = None,
        **params: Any,
    ) -> Any:
        """Run the pipeline and record everything; answers with the ``Run``.

        Args:
            executor: ``inline`` (here, one task after the other), ``threads`` (here, side by side), ``processes`` (on
                all cores) or another type; ``{"type": "ssh", "hosts": […]}`` gives it options, as a stack does. That of
                the project's stack if left out, else ``inline``.
            workers: how many tasks at once at most.
            progress: show what goes on; by default when standard error is a terminal.
            raise_on_failure: raise when a step failed; otherwise look at ``run.status``.
            cache: whether results of earlier runs are taken where code and inputs are the same.
            refresh: steps to compute anew all the same.
            env: the environment of the project's conf; ``PLAIT_ENV``, else ``local``.
            stack: the stack to run on, if not that of the environment.
            step_options: how steps run, over what they and the conf say: ``{"fit": {"memory": "16GiB"}}``.
            paranoid: read every data file anew, even if its size and times are known.
            inputs_from: an earlier run or its id: its arguments are taken where none are given, and, by a part of a
                pipeline, what the rest of the pipeline made in it.
            debug: open Python's debugger at the line of a step that fails.
            fail_fast: begin nothing more once a step has failed.
            max_parallel: how many tasks at once, at most.
            run_name: what the run is called; ``{alpha}`` stands for a parameter, ``{now:%d %b}`` for the time.
            run_tags, note: what is said of the run from its beginning.
            params: the pipeline's arguments, by name.

        Raises:
            ParameterError: an argument is missing, unknown or of a wrong type.
            RunFailed: a step failed or the run was cancelled; ``error.run`` holds what was recorded, and the step's
                own exception is its cause where it was raised in this process.
        """
        from plait.executors import debugging_executor, make_executor
        from plait.launch.orders import make_orders
        from plait.launch.prepare import Given, prepare
        from plait.launch.start import execute
        from plait.project.importing import refuse_while_importing

        refuse_while_importing(f"{self.name}.run()", user_line())
        self._check_run()
        project = self._project(env, stack, step_options, paranoid)
        given = {name: Given(value) for name, value in params.items()}
        prepared = prepare(self, given, project, inputs_from=_earlier(inputs_from, project))
        chosen = (
            debugging_executor(executor)
            if debug
            else make_executor(executor, workers=workers, project=project, default="inline")
        )
        orders = make_orders(
            cache=cache,
            refresh=refresh,
            fail_fast=fail_fast,
            max_parallel=max_parallel,
            name=run_name,
            tags=run_tags,
            note=note,
        )
        run = execute(prepared, executor=chosen, listener=_watcher(progress), orders=orders)
        if raise_on_failure:
            _raise_failure(run, chosen)
        return run

    def plan(
        self,
        *,
        cache: bool = True,
        refresh: Sequence[str] = (),
        env: str | None = None,
        stack: str | None = None,
        step_options: Mapping[str, Mapping[str, Any]] | None = None,
        paranoid: bool = False,
        inputs_from: Run | str | None = None,
        **params: Any,
    ) -> Forecast:
        """What ``run`` would do with the same arguments, without doing it.

        Raises:
            ParameterError: an argument is missing, unknown or of a wrong type.
        """
        from plait.launch.orders import CachePolicy
        from plait.launch.planning import open_records, plan
        from plait.launch.prepare import Given, prepare

        self._check_run()
        project = self._project(env, stack, step_options, paranoid)
        given = {name: Given(value) for name, value in params.items()}
        prepared = prepare(self, given, project, inputs_from=_earlier(inputs_from, project))
        records = open_records(prepared)
        return Forecast(plan(prepared, records=records, policy=CachePolicy(cache, tuple(refresh))), records)

    def _project(
        self,
        env: str | None,
        stack: str | None,
        step_options: Mapping[str, Mapping[str, Any]] | None,
        paranoid: bool,
    ) -> Project:
        from plait.project.place import home_of
        from plait.project.project import Project

        root = home_of(self.file)[0]
        return Project(root, env, stack=stack, step_options=step_options or (), paranoid=paranoid)

    def _check_run(self) -> None:
        own = set(type(self).run.__kwdefaults__ or ()) & set(self.signature.parameters)
        if own:
            raise DefinitionError(
                f"pipeline {self.name!r} has an argument {min(own)!r}, which is also an option of .run()",
                where=self.where,
                hint="give the argument another name",
            )
        if current_tracer() is not None:
            raise DefinitionError(
                f"{self.name}.run() was called while a pipeline is described",
                hint=f"to make it a part of that pipeline write {self.name}(…)",
            )

    def __repr__(self) -> str:
        """The graph as text, or one line where there is no graph: in the middle of a description, or of a mistake."""
        short = f"<pipeline {self.name} of {self.module}>"
        graph = self._graph_to_show()
        if graph is None:
            return short
        from plait.display.steps import step_lines

        return "\n".join([short, *(line.plain.rstrip() for line in step_lines(graph, None, 100))])

    def _repr_html_(self) -> str | None:
        graph = self._graph_to_show()
        if graph is None:
            return None
        from plait.display.html import pipeline_html
        from plait.launch.prepare import filled_in

        return pipeline_html(self, graph, filled_in(self, more=[spec.name for spec in graph.inputs]))

    def _graph_to_show(self) -> Graph | None:
        from plait.graph.tracing import current_tracer

        if current_tracer() is not None:
            return None
        try:
            return self.graph
        except Exception:  # noqa: BLE001 - to show something must not raise, whatever the user's function does
            return None


@overload
def pipeline(function: Callable[P, R], /) -> Pipeline[P, R]: ...
@overload
def pipeline(
    *,
    name: str | None = None,
    dynamic: bool = False,
    run_name: str = "",
    run_tags: Sequence[str] = (),
    on_success: Any = (),
    on_failure: Any = (),
) -> Callable[[Callable[P, R]], Pipeline[P, R]]: ...


def pipeline(
    function: Any = None,
    /,
    *,
    name: str | None = None,
    dynamic: bool = False,
    run_name: str = "",
    run_tags: Sequence[str] = (),
    on_success: Any = (),
    on_failure: Any = (),
) -> Any:
    """Make a function a pipeline: ``@pipeline``.

    The function is called once with references to values that do not exist yet; every step that it calls with them
    becomes a node of the graph.

    Args:
        name: another name than the function's.
        dynamic: run the function for real, with real arguments, while the run goes on: its steps give futures, and
            plain Python decides what is called. It may be an ``async def``.
        run_name: what its runs are called; ``{alpha}`` stands for a parameter, ``{now:%d %b}`` for the time.
        run_tags: tags of every run of it.
        on_success, on_failure: functions that are called with the run when it is over; an error in one is a warning.
    """
    habits = Habits(run_name, tuple(run_tags), _functions(on_success), _functions(on_failure))
    if function is None:
        return lambda decorated: Pipeline(decorated, name=name, dynamic=dynamic, habits=habits)
    return Pipeline(function, name=name, dynamic=dynamic, habits=habits)


def _functions(given: Any) -> tuple[Any, ...]:
    functions = (given,) if callable(given) else tuple(given)
    for one in functions:
        if not callable(one):
            raise DefinitionError(
                f"{one!r:.80} cannot be called with a run",
                where=user_line(),
                hint="on_success=function, or a list of functions",
            )
    return functions


def wire(
    *parts: Any, name: str | None = None, returns: str | Sequence[str] | None = None
) -> Pipeline[..., Any]:
    """A pipeline without a body: each parameter of a step is the output of that name, or an argument of the pipeline.

    ``training = wire(clean, split, fit)`` is the graph of a pipeline that calls them with each other's outputs; the
    order in which they are given does not matter.

    Args:
        parts: steps, and pipelines as groups.
        name: what the pipeline is called; the name of its variable if left out.
        returns: the output, or the outputs, that it returns; if left out, what the last steps make: one value as it
            is, several as a dict by name.

    Raises:
        DefinitionError: two parts make one name, or they need each other in a circle.
    """
    from plait.graph.wiring import wired

    return Pipeline.of(wired(parts, returns), name)


def list_runs(limit: int | None = 20, *, pipeline: str | None = None, home: Path | None = None) -> list[Any]:
    """The latest runs of this project or folder, newest first."""
    from plait.record.store import RecordStore, find_records

    store = RecordStore(home) if home is not None else find_records()
    return list(store.runs(limit=limit, pipeline=pipeline))


def get_run(run_id: str = "latest", *, home: Path | None = None) -> Any:
    """A run by its id, by a unique prefix of it, or the ``latest``.

    Raises:
        RecordError: there is none, or there are several.
    """
    from plait.record.store import RecordStore, find_records

    return (RecordStore(home) if home is not None else find_records()).run(run_id)


class Forecast:
    """What a run would do: ``cached``, ``to_run`` and ``unknown`` are names of tasks; printed it is a page."""

    def __init__(self, plan: Plan, records: RecordStore) -> None:
        self.plan = plan
        self._records = records

    def __len__(self) -> int:
        return len(self.plan.items)

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do."""
        return self.plan.is_done

    @property
    def seconds(self) -> float | None:
        """How long what is to run takes, as far as earlier runs tell."""
        return self.plan.seconds

    @property
    def cached(self) -> list[str]:
        return self._names("cached")

    @property
    def to_run(self) -> list[str]:
        return self._names("run")

    @property
    def unknown(self) -> list[str]:
        """What cannot be told before something else has run."""
        return self._names("unknown")

    def why(self, task: str) -> Explanation:
        """Why a task is to run, or is not: what differs from the closest earlier one.

        Raises:
            RecordError: the plan has no such task; the nearest is named.
        """
        from plait.errors import RecordError, did_you_mean

        by_name = {self.plan.name(item): item for item in self.plan.items}
        found = by_name.get(task) or next(
            (item for name, item in by_name.items() if name.startswith(f"{task}[")), None
        )
        if found is None or self.plan.explain is None:
            raise RecordError(f"the plan has no task {task!r}", hint=did_you_mean(task, by_name))
        return Explanation(self.plan.explain(found), self._records, "the plan")

    def _names(self, decision: str) -> list[str]:
        return [self.plan.name(item) for item in self.plan.items if item.decision == decision]

    def __repr__(self) -> str:
        from plait.display.plan import plan_page

        return "\n".join(
            line.render(colour=False) for line in plan_page(self.plan, self._records.artifacts, 100)
        )


class Explanation:
    """Why a task ran or did not: ``decision``, ``differences``, ``closest``, ``notes``; printed it is a page."""

    def __init__(self, why: Why, records: RecordStore, run_id: str) -> None:
        self.why = why
        self._records = records
        self._run_id = run_id

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.why, name)

    def __repr__(self) -> str:
        from plait.display.why import why_page

        return "\n".join(
            line.render(colour=False)
            for line in why_page(self.why, self._records.artifacts, self._run_id, 100)
        )


def explain(task: Task) -> Explanation:
    """Why a recorded task ran, or why its result was taken from an earlier run."""
    from plait.engine.why import why

    return Explanation(why(task), task.run.store, task.run.id)


def resume(
    run: Run | str | None = None,
    *,
    pipeline: Pipeline[Any, Any] | None = None,
    executor: str | Mapping[str, Any] | None = None,
    workers: int | None = None,
    progress: bool | None = None,
    raise_on_failure: bool = True,
    cache: bool = True,
    refresh: Sequence[str] = (),
    paranoid: bool = False,
    home: Path | None = None,
) -> Any:
    """Go on with a run that failed, was cancelled or crashed; what was committed is not repeated.

    Args:
        run: a run or its id; the latest that can be resumed if left out.
        pipeline: the pipeline, where the run does not tell in which file it is, as in a notebook.
        cache, refresh, paranoid: as of ``run``, for what is still to do.

    Raises:
        RecordError: the run is going on or done, or its pipeline cannot be found.
        RunFailed: it did not end well this time either.
    """
    from plait.executors import make_executor
    from plait.launch.again import latest_to_resume, project_again
    from plait.launch.going_on import resume as go_on
    from plait.launch.orders import make_orders
    from plait.record.store import RecordStore, find_records

    store: Any = getattr(run, "store", None) or (RecordStore(home) if home is not None else find_records())
    chosen_run: Any = (
        latest_to_resume(store) if run is None else store.run(run) if isinstance(run, str) else run
    )
    definition = pipeline or _definition_of(chosen_run)
    project = project_again(chosen_run, definition)
    chosen = make_executor(executor, workers=workers, project=project, default="inline")
    done = go_on(
        chosen_run,
        definition,
        executor=chosen,
        listener=_watcher(progress),
        orders=make_orders(cache=cache, refresh=refresh),
        tell=_warn,
        paranoid=paranoid,
    )
    if raise_on_failure:
        _raise_failure(done, chosen)
    return done


def fork(
    run: Run | str,
    *,
    at: str | Sequence[str],
    pipeline: Pipeline[Any, Any] | None = None,
    executor: str | Mapping[str, Any] | None = None,
    workers: int | None = None,
    progress: bool | None = None,
    raise_on_failure: bool = True,
    cache: bool = True,
    refresh: Sequence[str] = (),
    paranoid: bool = False,
    home: Path | None = None,
    **params: Any,
) -> Any:
    """A new run that takes everything before the steps ``at`` from an earlier one, with some parameters changed.

    Args:
        cache, refresh, paranoid: as of ``run``, for what does not come from the earlier one.

    Raises:
        RecordError: there is no such run or step, or the pipeline cannot be found.
        ParameterError: a parameter is unknown, of a wrong type, or changes what lies before the steps.
        RunFailed: the new run did not end well.
    """
    from plait.executors import make_executor
    from plait.launch.again import project_again
    from plait.launch.going_on import fork as branch_off
    from plait.launch.orders import make_orders
    from plait.launch.prepare import Given

    source: Any = get_run(run, home=home) if isinstance(run, str) else run
    steps = (at,) if isinstance(at, str) else tuple(at)
    given = {name: Given(value) for name, value in params.items()}
    definition = pipeline or _definition_of(source)
    chosen = make_executor(
        executor, workers=workers, project=project_again(source, definition), default="inline"
    )
    done = branch_off(
        source,
        definition,
        steps,
        given,
        executor=chosen,
        listener=_watcher(progress),
        orders=make_orders(cache=cache, refresh=refresh),
        tell=_warn,
        paranoid=paranoid,
    )
    if raise_on_failure:
        _raise_failure(done, chosen)
    return done


def _earlier(run: Run | str | None, project: Project) -> Run | None:
    if run is None or not isinstance(run, str):
        return run
    from plait.record.store import open_records

    return open_records(project).run(run)


def _definition_of(run: Run) -> Any:
    """The pipeline of a run, found without leaving the working directory: a program keeps its own."""
    import os

    from plait.launch.again import find_again

    here = Path.cwd()
    try:
        return find_again(run).pipeline
    finally:
        os.chdir(here)


def _warn(text: str) -> None:
    import warnings

    warnings.warn(text, stacklevel=4)


def _raise_failure(run: Any, executor: Any) -> None:
    if run.status == "done":
        return
    error, failed = _failure(run)
    raised = getattr(executor, "errors", {})
    raise error from raised.get((failed.node, failed.path)) if failed else None


def _watcher(progress: bool | None) -> Any:
    import sys

    if progress is False or (progress is None and not sys.stderr.isatty()):
        return None
    from plait.display.progress import watch

    return watch


def _failure(run: Any) -> tuple[RunFailed, Any]:
    """What to raise, and the first task that failed, if any."""
    graph = run.graph
    failed = next(
        (
            task
            for task in run.iter_tasks(state="failed")
            if graph.options(task.node).on_failure != "continue"
        ),
        None,
    )
    if failed is None:
        error = RunFailed(f"run {run.id} was {run.status}", hint=f"plait show {run.id}")
    else:
        count = sum(
            counts.by_state.get("failed", 0)
            for node, counts in run.counts().items()
            if graph.options(node).on_failure != "continue"
        )
        others = f" ({count - 1} more failed)" if count > 1 else ""
        info = failed.error
        frame = (
            next((frame for frame in reversed(info.frames) if frame.origin == "user"), None) if info else None
        )
        error = RunFailed(
            f"run {run.id} failed: {failed.name}: {failed.reason}{others}",
            where=f"{frame.file}:{frame.line}" if frame else None,
            hint=f"plait show {run.id}",
        )
    error.run = run
    return error, failed
