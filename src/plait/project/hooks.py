"""Who wants to be called at which moment? Hooks of the project and of plugins, in a defined order."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType, ModuleType
from typing import Any, TypeVar, overload

from plait.errors import HookError, did_you_mean
from plait.project.plugins import Plugin

__all__ = ["HookCaller", "hook", "load_hooks"]

Function = TypeVar("Function", bound=Callable[..., Any])

# The mark under which pluggy looks for implementations of the project called "plait".
_MARK = "plait_impl"


@overload
def hook(function: Function, /) -> Function: ...
@overload
def hook(*, first: bool = False, last: bool = False) -> Callable[[Function], Function]: ...


def hook(function: Any = None, /, *, first: bool = False, last: bool = False) -> Any:
    """Mark a function to be called at the moment that it is named after: ``def step_finished(context): …``.

    Args:
        first: before all others that do not ask for it; ``last`` after them.

    The moments and their contexts are in ``plait.project.hookspecs``.
    """

    def mark(marked: Any) -> Any:
        options = {"tryfirst": first, "trylast": last, "specname": None}
        setattr(marked, _MARK, {**options, "wrapper": False, "hookwrapper": False, "optionalhook": False})
        return marked

    return mark if function is None else mark(function)


class HookCaller:
    """Calls the hooks of one project in this process.

    Attributes:
        doing: the run and the task in which what is called now happens.
    """

    def __init__(self, manager: Any) -> None:
        self._manager = manager
        self.doing: tuple[str | None, str | None] = (None, None)
        self._wanted = {
            name: tuple(
                (one.plugin_name, one.function, one.argnames) for one in reversed(caller.get_hookimpls())
            )
            for name, caller in vars(manager.hook).items()
            if not name.startswith("_")
        }

    def __repr__(self) -> str:
        return f"<hooks {', '.join(name for name, wanted in self._wanted.items() if wanted)}>"

    def wants(self, name: str) -> bool:
        """Whether anybody is to be called at this moment: else its context need not be made."""
        return bool(self._wanted.get(name))

    def call(self, name: str, context: Any) -> None:
        """Call everybody in turn.

        Raises:
            HookError: one of them raised; those after it are not called.
        """
        for plugin, function, arguments in self._wanted.get(name, ()):
            try:
                function(context) if arguments else function()
            except (Exception, SystemExit) as error:
                raise _raised(name, plugin, function, error) from error

    def tell(self, name: str, context: Any) -> None:
        """Call everybody in turn; what one of them raises is a warning in the log, and the others are called."""
        for plugin, function, arguments in self._wanted.get(name, ()):
            try:
                function(context) if arguments else function()
            except (Exception, SystemExit) as error:  # noqa: BLE001 - a hook must not take results along
                said = _raised(name, plugin, function, error)
                logging.getLogger("plait.hooks").warning("%s (%s)", said.what, said.where)


def _raised(name: str, plugin: str, function: Any, error: BaseException) -> HookError:
    text = str(error).strip().splitlines()
    said = f"{type(error).__name__}: {text[0]}" if text else type(error).__name__
    return HookError(f"hook {name} of {plugin} raised {said}", where=_place(function, error))


def _place(function: Any, error: BaseException | None = None) -> str | None:
    """The line of the hook's own file that raised, else that of its definition."""
    code = getattr(function, "__code__", None)
    if code is None:
        return None
    line, trace = code.co_firstlineno, error.__traceback__ if error is not None else None
    while trace is not None:
        if trace.tb_frame.f_code is code:
            line = trace.tb_lineno
        trace = trace.tb_next
    return f"{code.co_filename}:{line}"


def load_hooks(
    plugins: Iterable[Plugin], own: str | None, components: Mapping[str, Any] = MappingProxyType({})
) -> HookCaller | None:
    """What calls the hooks of plugins and of the project's own module; None, and nothing imported, without any.

    The plugins are called by the name of their entry points, the components of the stack, by what they are called,
    after them, the project's own hooks last.

    Raises:
        HookError: a plugin cannot be imported, or a hook has no such name or takes something that there is not.
    """
    chosen = [one for one in plugins if one.group == "plait.plugins"]
    if not chosen and own is None and not components:
        return None
    import pluggy

    from plait.project.hookspecs import Hooks

    manager = pluggy.PluginManager("plait")
    _mark_specs(Hooks)
    manager.add_hookspecs(Hooks)
    # Pluggy calls what was registered last first.
    if own is not None:
        _register(manager, _import(own, own), f"the project's own {own}")
    for title, component in reversed(list(components.items())):
        _register(manager, component, title)
    for one in sorted(chosen, key=lambda one: one.name, reverse=True):
        title = f"plugin {one.name!r} ({one.distribution})"
        _register(manager, _import(one.value, title), title)
    return HookCaller(manager)


def _mark_specs(specs: type) -> None:
    import pluggy

    mark = pluggy.HookspecMarker("plait")
    for name, function in vars(specs).items():
        if not name.startswith("_"):
            mark(function)


def _import(value: str, title: str) -> Any:
    module, _, attribute = value.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in attribute.split(".") if attribute else ():
            found = getattr(found, part)
    except Exception as error:
        text = str(error).strip().splitlines()
        raise HookError(
            f"{title} cannot be imported: {type(error).__name__}: {text[0] if text else ''}", where=value
        ) from error
    return found() if isinstance(found, type) else found


def _register(manager: Any, plugin: Any, title: str) -> None:
    from pluggy import PluginValidationError

    from plait.project.hookspecs import SPECS

    for name in dir(plugin):
        function = getattr(plugin, name, None)
        options = getattr(function, _MARK, None) if not isinstance(function, ModuleType) else None
        if not isinstance(options, dict):
            continue
        if (options.get("specname") or name) not in SPECS:
            raise HookError(
                f"{title} has a hook {name!r}, and there is no such moment",
                where=_place(function),
                hint=did_you_mean(name, SPECS),
            )
        if options.get("hookwrapper") or options.get("wrapper"):
            raise HookError(
                f"hook {name} of {title} wraps others, and hooks only look on", where=_place(function)
            )
    try:
        manager.register(plugin, name=title)
    except (PluginValidationError, ValueError) as error:
        raise HookError(
            f"{title} has a hook that cannot be called: {str(error).strip().splitlines()[-1]}",
            hint="a hook takes one argument: def step_finished(context)",
        ) from error
