"""On what does it run? One file per executor, all behind the protocol ``plait.engine.task.Executor``."""

from __future__ import annotations

from plait.engine.task import Executor
from plait.errors import ParameterError, did_you_mean

__all__ = ["EXECUTORS", "make_executor"]

EXECUTORS = ("inline", "processes")


def make_executor(name: str, *, workers: int | None = None) -> Executor:
    """The executor of a name.

    Raises:
        ParameterError: there is none of that name.
    """
    if name == "inline":
        from plait.executors.inline import InlineExecutor

        return InlineExecutor()
    if name == "processes":
        from plait.executors.processes import ProcessExecutor

        return ProcessExecutor(workers)
    raise ParameterError(f"there is no executor {name!r}", hint=did_you_mean(name, EXECUTORS))
