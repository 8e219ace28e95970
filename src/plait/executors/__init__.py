"""On what does it run? One file per executor, all behind the protocol ``plait.engine.task.Executor``.

Each file has a type for ``executor:`` in ``stack.yml``: a struct whose fields are its options, with ``open(project)``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from plait.engine.task import Executor
from plait.errors import ParameterError, did_you_mean

if TYPE_CHECKING:
    from plait.project.components import Component
    from plait.project.project import Project

__all__ = ["debugging_executor", "make_executor"]


def debugging_executor(name: str | Mapping[str, Any] | None = None) -> Executor:
    """The executor that opens Python's debugger where a step fails.

    Raises:
        ParameterError: another one than ``inline`` was named.
    """
    if name not in (None, "inline"):
        raise ParameterError(
            f"a debugger needs the steps in this process, and executor {name!r} runs them elsewhere",
            hint="leave the executor out, or say inline",
        )
    from plait.executors.inline import InlineExecutor

    return InlineExecutor(debug=True)


def make_executor(
    name: str | Mapping[str, Any] | None,
    *,
    workers: int | None = None,
    project: Project | None = None,
    default: str = "processes",
) -> Executor:
    """The executor of a name, or that of the project's stack.

    Args:
        name: a type; that of the stack has the options that the stack gives it. A mapping is a type with options, as in
            a stack. None is the stack's own.
        workers: how many workers at most, over what the stack says.
        default: the type where neither a name is given nor a stack says one.

    Raises:
        ParameterError: there is none of that name, or it has no number of workers.
        ConfError: an option in the stack is wrong, or what the type needs is not installed.
    """
    from plait.project.components import Component, read_component, types_of
    from plait.project.plugins import find_plugins

    if isinstance(name, Mapping):
        plugins = project.plugins if project is not None else find_plugins()
        given = read_component("executor", dict(name), plugins, "executor=")
        return _opened(given, workers, project)
    stack = project.stack if project is not None else None
    named = stack.executor if stack is not None and stack.says("executor") else None
    if named is None or name not in (None, named.type):
        chosen = name or default
        types = types_of("executor", project.plugins if project is not None else ())
        if chosen not in types and project is None:
            types = types_of("executor", find_plugins())
        if chosen not in types:
            raise ParameterError(f"there is no executor {chosen!r}", hint=did_you_mean(chosen, types))
        named = Component("executor", chosen, types[chosen])
    return _opened(named, workers, project)


def _opened(named: Component, workers: int | None, project: Project | None) -> Executor:
    if workers is not None and named.type != "inline":
        if "workers" not in named.known:
            raise ParameterError(
                f"the executor {named.type!r} has no number of workers", hint="leave out --workers"
            )
        named = msgspec.structs.replace(named, options={**named.options, "workers": workers})
    made: Executor = named.open(project)
    return made
