"""Which functions reach for names that are not written in the code?"""

from __future__ import annotations

import sys
from types import BuiltinFunctionType, FunctionType
from typing import Any

__all__ = ["SPECIAL_MODULES", "sees_all", "starts_program"]

_SEE_ALL = {
    "builtins": ("eval", "exec", "globals", "locals", "vars", "__import__", "compile"),
    "importlib": ("import_module", "reload"),
    "sys": ("_getframe",),
    "inspect": ("currentframe", "stack"),
    "runpy": ("run_module", "run_path"),
    "gc": ("get_objects", "get_referrers"),
}
_START_PROGRAMS = {
    "subprocess": ("run", "Popen", "call", "check_call", "check_output", "getoutput", "getstatusoutput"),
    "os": ("system", "popen"),
}
SPECIAL_MODULES = frozenset(_SEE_ALL) | frozenset(_START_PROGRAMS)
_KINDS = (FunctionType, BuiltinFunctionType, type)


def _by_name(table: dict[str, tuple[str, ...]]) -> dict[str, list[str]]:
    modules: dict[str, list[str]] = {}
    for module, names in table.items():
        for name in names:
            modules.setdefault(name, []).append(module)
    return modules


_SEE_ALL_BY_NAME = _by_name(_SEE_ALL)
_START_BY_NAME = _by_name(_START_PROGRAMS)


def sees_all(value: Any) -> str | None:
    """How ``value`` is known if what it does depends on names that only the running program knows."""
    if value is sys.modules:
        return "sys.modules"
    return _spoken(value, _SEE_ALL_BY_NAME)


def starts_program(value: Any) -> str | None:
    """How ``value`` is known if it runs another program."""
    return _spoken(value, _START_BY_NAME)


def _spoken(value: Any, table: dict[str, list[str]]) -> str | None:
    if type(value) not in _KINDS:
        return None
    name = value.__name__
    for module in table.get(name, ()):
        if getattr(sys.modules.get(module), name, None) is value:
            return f"{name}()" if module == "builtins" else f"{module}.{name}()"
    return None
