"""What does a whole module mean, when code can reach any name in it?"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from plait.engine.closure.constants import constant_token
from plait.engine.closure.origin import USER
from plait.engine.closure.walk import SELF, Place, Walk

__all__ = ["namespace_tokens"]

_NOTEBOOK = frozenset({"In", "Out", "exit", "get_ipython", "open", "quit"})


def namespace_tokens(walk: Walk, names: dict[str, Any]) -> list[str]:
    """Everything that a module defines, and all that it imports from other modules of the user's."""
    module = str(names.get("__name__"))
    notebook = "get_ipython" in names
    tokens = []
    for name in sorted(key for key in names if isinstance(key, str)):
        if (name.startswith("__") and name.endswith("__")) or (notebook and _is_of_notebook(name)):
            continue
        value = names[name]
        if not isinstance(value, ModuleType):
            at = Place(walk.relative(module, name), f"{module}:{name}")
            token = constant_token(walk, value, at)
        elif walk.walker.origins.of_module(value) == USER:
            token = walk.meet_namespace(value.__dict__, "")
        else:
            token = walk.by_reference(value.__name__, "")
        tokens.append("self" if token == SELF else f"{name} {token}")
    return sorted(tokens)


def _is_of_notebook(name: str) -> bool:
    """What IPython keeps beside the user's own names, such as ``_``, ``_12``, ``_i3`` and ``_oh``."""
    return name in _NOTEBOOK or (name.startswith("_") and not name.strip("_0123456789hdoi"))
