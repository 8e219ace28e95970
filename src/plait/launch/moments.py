"""Which hooks are called for a run as a whole, and with what?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from plait.engine.task import Report
from plait.graph.model import Graph, Path, task_name
from plait.graph.pipeline import Habits
from plait.project.hooks import HookCaller
from plait.record.facts import LogLine, Metric
from plait.record.views import Run

__all__ = ["retry_teller", "tell_end", "tell_pipeline", "tell_start", "with_metrics_told"]

_MOST_TASKS = 10


def tell_start(hooks: HookCaller | None, run: Run) -> None:
    """Call ``run_started``.

    Raises:
        HookError: one of the hooks raised.
    """
    if hooks is None:
        return
    hooks.doing = (run.id, None)
    if hooks.wants("run_started"):
        from plait.project.hookspecs import RunStarted

        steps = tuple(node.id for node in run.graph.nodes)
        context = RunStarted(
            run=run.id,
            pipeline=run.pipeline,
            target=run.target,
            executor=run.executor,
            params=run.params,
            steps=steps,
            recorded=run,
        )
        hooks.call("run_started", context)


def tell_end(hooks: HookCaller | None, run: Run) -> None:
    """Call ``run_finished`` or ``run_failed``; what they raise is a warning."""
    if hooks is None:
        return
    status = run.status
    if status == "done":
        if hooks.wants("run_finished"):
            from plait.project.hookspecs import RunFinished

            context = RunFinished(run=run.id, pipeline=run.pipeline, seconds=run.seconds, recorded=run)
            hooks.tell("run_finished", context)
    elif hooks.wants("run_failed"):
        from plait.project.hookspecs import RunFailed

        failed = list(run.iter_tasks(state="failed", limit=_MOST_TASKS))
        reason = run.reason or next((task.reason for task in failed if task.reason), "")
        hooks.tell(
            "run_failed",
            RunFailed(
                run=run.id,
                pipeline=run.pipeline,
                seconds=run.seconds,
                status=status,
                reason=reason,
                tasks=tuple(task.name for task in failed),
                recorded=run,
            ),
        )
    hooks.doing = (None, None)


class MetricTeller:
    """A listener that tells the hooks of numbers, before another listener, if there is one."""

    def __init__(self, hooks: HookCaller, run: Run, inner: Any) -> None:
        self._hooks = hooks
        self._run = run
        self._inner = inner
        self._graph: Graph | None = None

    def grown(self, graph: Graph) -> None:
        self._graph = graph
        if self._inner is not None:
            self._inner.grown(graph)

    def __getattr__(self, name: str) -> Any:
        # What a listener is told beside numbers goes on as it came.
        return getattr(self._inner, name) if self._inner is not None else _ignore

    def said(self, node: int, path: Path, lines: Sequence[LogLine], metrics: Sequence[Metric]) -> None:
        if metrics:
            from plait.project.hookspecs import LoggedMetric, MetricsLogged

            step = (self._graph or self._run.graph).nodes[node].id
            context = MetricsLogged(
                run=self._run.id,
                pipeline=self._run.pipeline,
                step=step,
                task=task_name(step, path),
                metrics=tuple(LoggedMetric(one.name, one.value, one.at, one.logged_at) for one in metrics),
            )
            self._hooks.tell("metrics_logged", context)
        if self._inner is not None:
            self._inner.said(node, path, lines, metrics)


def _ignore(*_: Any) -> None:
    return


def with_metrics_told(hooks: HookCaller | None, run: Run, listener: Any) -> Any:
    """The listener of a run, with one before it where somebody wants to hear of numbers."""
    if hooks is None or not hooks.wants("metrics_logged"):
        return listener
    return MetricTeller(hooks, run, listener)


def tell_pipeline(habits: Habits, run: Run) -> None:
    """Call what the pipeline itself wants called when a run of it is over; what they raise is a warning."""
    for function in habits.on_success if run.status == "done" else habits.on_failure:
        try:
            function(run)
        except Exception as error:  # noqa: BLE001 - the run is over and recorded, whatever they do
            import warnings

            name = getattr(function, "__qualname__", repr(function))
            warnings.warn(f"{name} of run {run.id} raised {type(error).__name__}: {error}", stacklevel=2)


def retry_teller(
    hooks: HookCaller | None, run_id: str, graph_now: Callable[[], Graph]
) -> Callable[[Report], None] | None:
    """What the loop calls when an attempt will be followed by another; None where nobody wants to know."""
    if hooks is None or not hooks.wants("step_retried"):
        return None
    from plait.project.hookspecs import StepRetried

    def tell(report: Report) -> None:
        graph = graph_now()
        step = graph.nodes[report.node].id
        context = StepRetried(
            run=run_id,
            pipeline=graph.name,
            step=step,
            task=task_name(step, report.path),
            attempt=report.attempt,
            reason=report.error.headline if report.error is not None else "",
        )
        hooks.tell("step_retried", context)

    return tell
