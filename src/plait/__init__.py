"""plait: pipelines of plain functions, data outside the code, every run recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plait._version import __version__

if TYPE_CHECKING:
    from plait.api import Pipeline, fork, get_run, list_runs, pipeline, resume, wire
    from plait.engine.checkpoints import checkpoint, progress
    from plait.engine.current import current, log
    from plait.engine.futures import Future, as_completed
    from plait.errors import PlaitError, RunFailed, TaskFailed
    from plait.graph.branches import either, otherwise, switch, when
    from plait.graph.loops import repeat
    from plait.graph.model import Graph
    from plait.graph.parameter import param
    from plait.graph.refs import each
    from plait.graph.step import Step, step
    from plait.project.hooks import hook
    from plait.project.project import Project
    from plait.record.views import Run, Task

__all__ = [
    "Future",
    "Graph",
    "Pipeline",
    "PlaitError",
    "Project",
    "Run",
    "RunFailed",
    "Step",
    "Task",
    "TaskFailed",
    "__version__",
    "as_completed",
    "checkpoint",
    "current",
    "each",
    "either",
    "fork",
    "get_run",
    "hook",
    "list_runs",
    "log",
    "otherwise",
    "param",
    "pipeline",
    "progress",
    "repeat",
    "resume",
    "step",
    "switch",
    "when",
    "wire",
]

# Where each public name lives; it is imported when it is first asked for.
_HOMES = {
    "Future": "plait.engine.futures",
    "Graph": "plait.graph.model",
    "Pipeline": "plait.api",
    "PlaitError": "plait.errors",
    "Project": "plait.project.project",
    "Run": "plait.record.views",
    "RunFailed": "plait.errors",
    "Step": "plait.graph.step",
    "Task": "plait.record.views",
    "TaskFailed": "plait.errors",
    "as_completed": "plait.engine.futures",
    "checkpoint": "plait.engine.checkpoints",
    "current": "plait.engine.current",
    "each": "plait.graph.refs",
    "either": "plait.graph.branches",
    "fork": "plait.api",
    "get_run": "plait.api",
    "hook": "plait.project.hooks",
    "list_runs": "plait.api",
    "load_ipython_extension": "plait.notebook",
    "log": "plait.engine.current",
    "otherwise": "plait.graph.branches",
    "param": "plait.graph.parameter",
    "pipeline": "plait.api",
    "progress": "plait.engine.checkpoints",
    "repeat": "plait.graph.loops",
    "resume": "plait.api",
    "step": "plait.graph.step",
    "switch": "plait.graph.branches",
    "unload_ipython_extension": "plait.notebook",
    "when": "plait.graph.branches",
    "wire": "plait.api",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'plait' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
