"""On what does it run? One file per executor, all behind the protocol ``plait.engine.task.Executor``."""

from __future__ import annotations

from plait.engine.task import Executor
from plait.errors import ParameterError, did_you_mean

__all__ = ["EXECUTORS", "make_executor"]

EXECUTORS = ("inline", "processes")


def make_executor(name: str, *, workers: int | None = None, debug: bool = False) -> Executor:
    """The executor of a name.

    Args:
        debug: whether Python's debugger is opened where a step fails.

    Raises:
        ParameterError: there is none of that name, or no terminal where its steps run.
    """
    if name == "inline":
        from plait.executors.inline import InlineExecutor

        return InlineExecutor(debug=debug)
    if debug:
        raise ParameterError(
            f"a debugger needs the steps in this process, and executor {name!r} runs them elsewhere",
            hint="leave the executor out, or say inline",
        )
    if name == "processes":
        from plait.executors.processes import ProcessExecutor

        return ProcessExecutor(workers)
    raise ParameterError(f"there is no executor {name!r}", hint=did_you_mean(name, EXECUTORS))
