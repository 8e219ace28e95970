"""Who does what only a process can, for an executor whose tasks run in this one? Worker processes beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from plait.engine.task import FunctionRef, Job, function_ref
from plait.errors import DataError

if TYPE_CHECKING:
    from plait.executors.processes import ProcessExecutor

__all__ = ["open_beside"]


def open_beside(workers: int, job: Job, functions: Sequence[Callable[..., Any]]) -> ProcessExecutor:
    """Worker processes for the same run. A step that cannot travel is an error of its own task: others need not."""
    from plait.executors.processes import ProcessExecutor

    opened = ProcessExecutor(workers)
    opened.begin(job, tuple(map(_ref_if_any, functions)))
    return opened


def _ref_if_any(function: Callable[..., Any]) -> FunctionRef:
    name = getattr(function, "__name__", "step")
    try:
        return function_ref(name, function)
    except DataError as error:
        return FunctionRef(name, fault=str(error))
