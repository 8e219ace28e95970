"""What does a user hold in Python? Pipelines that run, and the runs that were."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Generic, ParamSpec, TypeVar, overload

from plait.errors import DefinitionError, RunFailed
from plait.graph.model import Graph
from plait.graph.pipeline import Definition
from plait.graph.tracing import current_tracer

__all__ = ["Pipeline", "get_run", "list_runs", "pipeline"]

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
        executor: str = "inline",
        workers: int | None = None,
        progress: bool | None = None,
        raise_on_failure: bool = True,
        cache: bool = True,
        refresh: Sequence[str] = (),
        env: str | None = None,
        **params: Any,
    ) -> Any:
        """Run the pipeline and record everything; answers with the ``Run``.

        Args:
            executor: ``inline`` (here, one task after the other) or ``processes`` (on all cores).
            workers: how many worker processes at most.
            progress: show what goes on; by default when standard error is a terminal.
            raise_on_failure: raise when a step failed; otherwise look at ``run.status``.
            cache: whether results of earlier runs are taken where code and inputs are the same.
            refresh: steps to compute anew all the same.
            env: the environment of the project's conf; ``PLAIT_ENV``, else ``local``.
            params: the pipeline's arguments, by name.

        Raises:
            ParameterError: an argument is missing, unknown or of a wrong type.
            RunFailed: a step failed or the run was cancelled; ``error.run`` holds what was recorded, and the step's
                own exception is its cause where it was raised in this process.
        """
        from plait.executors import make_executor
        from plait.launch.prepare import Given, prepare
        from plait.launch.start import CachePolicy, execute
        from plait.project.place import home_of
        from plait.project.project import Project

        self._check_run()
        project = Project(home_of(self.file)[0], env)
        prepared = prepare(self, {name: Given(value) for name, value in params.items()}, project)
        chosen = make_executor(executor, workers=workers)
        policy = CachePolicy(cache, tuple(refresh))
        run = execute(prepared, executor=chosen, listener=_watcher(progress), policy=policy)
        if raise_on_failure and run.status != "done":
            error, failed = _failure(run)
            raised = getattr(chosen, "errors", {})
            raise error from raised.get((failed.node, failed.path)) if failed else None
        return run

    def _check_run(self) -> None:
        own = {"executor", "workers", "progress", "raise_on_failure"} & set(self.signature.parameters)
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

        return pipeline_html(self, graph, filled_in(self))

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
def pipeline(*, name: str | None = None) -> Callable[[Callable[P, R]], Pipeline[P, R]]: ...


def pipeline(function: Any = None, /, *, name: str | None = None) -> Any:
    """Make a function a pipeline: ``@pipeline``.

    The function is called once with references to values that do not exist yet; every step that it calls with them
    becomes a node of the graph.
    """
    if function is None:
        return lambda decorated: Pipeline(decorated, name=name)
    return Pipeline(function, name=name)


def list_runs(limit: int | None = 20, *, pipeline: str | None = None, home: Path | None = None) -> list[Any]:
    """The latest runs of this project or folder, newest first."""
    from plait.record.store import RecordStore, find_home

    return list(RecordStore(home or find_home()).runs(limit=limit, pipeline=pipeline))


def get_run(run_id: str = "latest", *, home: Path | None = None) -> Any:
    """A run by its id, by a unique prefix of it, or the ``latest``.

    Raises:
        RecordError: there is none, or there are several.
    """
    from plait.record.store import RecordStore, find_home

    return RecordStore(home or find_home()).run(run_id)


def _watcher(progress: bool | None) -> Any:
    import sys

    if progress is False or (progress is None and not sys.stderr.isatty()):
        return None
    from plait.display.progress import watch

    return watch


def _failure(run: Any) -> tuple[RunFailed, Any]:
    """What to raise, and the first task that failed, if any."""
    failed = next(run.iter_tasks(state="failed"), None)
    if failed is None:
        error = RunFailed(f"run {run.id} was {run.status}", hint=f"plait show {run.id}")
    else:
        count = sum(counts.by_state.get("failed", 0) for counts in run.counts().values())
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
