"""What is a class called, by its users and by an import?"""

from __future__ import annotations

import importlib
import sys
from typing import Any

from plait.errors import DataError

__all__ = ["reference", "resolve", "type_name"]


def type_name(cls: type) -> str:
    """The shortest public name under which a class can be reached: ``pandas.DataFrame``, ``int``."""
    module, name = cls.__module__, cls.__qualname__
    if module in ("builtins", "__main__"):
        return name
    if "." not in name:
        steps = module.split(".")
        for length in range(1, len(steps)):
            public = ".".join(steps[:length])
            loaded = sys.modules.get(public)
            if loaded is not None and vars(loaded).get(name) is cls:
                return f"{public}.{name}"
    return f"{module}.{name}"


def reference(cls: Any) -> str | None:
    """``module:name`` when an import finds this very class there, in any process; else None."""
    module, name = getattr(cls, "__module__", None), getattr(cls, "__qualname__", "")
    if not module or module in ("__main__", "__mp_main__") or "<" in name:
        return None
    return f"{module}:{name}" if _walk(sys.modules.get(module), name) is cls else None


def resolve(ref: str) -> Any:
    """The class that ``reference`` named; DataError when the code that defined it is not there any more."""
    module, _, name = ref.partition(":")
    try:
        found = _walk(importlib.import_module(module), name)
    except ImportError as error:
        raise DataError(
            f"the class {name} of a stored value cannot be imported from {module}: {error}",
            hint=f"make the module {module} importable again, or run the step that made the value again",
        ) from error
    if found is None:
        raise DataError(
            f"the module {module} no longer defines {name}, which a stored value is an instance of",
            hint="bring the class back under its name, or run the step that made the value again",
        )
    return found


def _walk(start: Any, name: str) -> Any:
    for step in name.split("."):
        if start is None:
            return None
        start = getattr(start, step, None)
    return start
