"""Which module does an ``import`` in the code mean, and what is in it?"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

from plait.engine.closure.walk import Walk

__all__ = ["MISSING", "absolute_name", "attribute_of", "is_installed", "load"]

MISSING = object()


def absolute_name(name: str, level: int, names: dict[str, Any]) -> str | None:
    """The full name of a module that is imported with ``level`` dots by code with the globals ``names``."""
    if not level:
        return name
    package = names.get("__package__") or getattr(names.get("__spec__"), "parent", None)
    if not package:
        own = str(names.get("__name__"))
        package = own if "__path__" in names else own.rpartition(".")[0]
    parts = str(package).split(".")
    if not package or level > len(parts):
        return None
    base = ".".join(parts[: len(parts) - level + 1])
    return f"{base}.{name}" if name else base


def is_installed(name: str) -> bool:
    """Whether the top package of ``name`` is there, without importing it."""
    from importlib.util import find_spec

    top = name.partition(".")[0]
    if top in sys.modules:
        return True
    try:
        return find_spec(top) is not None
    except (ImportError, ValueError):
        return False


def load(walk: Walk, name: str, user: str) -> ModuleType | None:
    """The module ``name``, imported if need be, as ``user`` would import it anyway; None if it is not there.

    A module that is there and fails takes the cache away: what the code does then cannot be told.
    """
    module = sys.modules.get(name)
    if module is not None:
        return module
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if name == error.name or name.startswith(f"{error.name}."):
            return None
        _note_failure(walk, user, name, error)
    except Exception as error:  # noqa: BLE001  the user's module runs here and may raise anything
        _note_failure(walk, user, name, error)
    return None


def attribute_of(walk: Walk, module: ModuleType, name: str, user: str) -> Any:
    """What ``module.name`` is, submodules and lazy attributes included; ``MISSING`` if there is none."""
    own = module.__dict__
    if name in own:
        return own[name]
    full = f"{module.__name__}.{name}"
    if full in sys.modules:
        return sys.modules[full]
    if "__getattr__" in own:
        try:
            return getattr(module, name)
        except AttributeError:
            return MISSING
        except Exception as error:  # noqa: BLE001  the user's own __getattr__ may raise anything
            _note_failure(walk, user, full, error)
            return MISSING
    if hasattr(module, "__path__"):
        found = load(walk, full, user)
        return MISSING if found is None else found
    return getattr(module, name, MISSING)


def _note_failure(walk: Walk, user: str, name: str, error: Exception) -> None:
    walk.cacheable = False
    raised = f"{type(error).__name__}: {error}"
    walk.note(f"{user} imports {name}, which fails ({raised}): the step is not cached")
