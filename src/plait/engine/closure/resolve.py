"""What does a name in the code lead to, here and now?"""

from __future__ import annotations

import builtins
import sys
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

from plait.engine.closure.constants import constant_token
from plait.engine.closure.facts import Reference
from plait.engine.closure.imports import MISSING, absolute_name, attribute_of, is_installed, load
from plait.engine.closure.origin import PLAIT, STDLIB, USER
from plait.engine.closure.special import SPECIAL_MODULES, sees_all, starts_program
from plait.engine.closure.values import value_token
from plait.engine.closure.walk import Place, Walk

__all__ = ["Asker", "reference_token"]

# Packages whose query texts name variables of the code around them.
_QUERYING = ("duckdb", "pandasql", "polars")
_OWN_NAMES = ("__name__", "__qualname__", "__module__")


class Asker(NamedTuple):
    """Whose names are followed.

    Args:
        walk: the walk that goes on.
        code: the code in which the names stand.
        names: its globals.
        cells: the variables that it closes over.
        place: how it is called in digests and for people.
    """

    walk: Walk
    code: CodeType
    names: dict[str, Any]
    cells: dict[str, Any]
    place: Place


def reference_token(asker: Asker, reference: Reference) -> str | None:
    """The token of what ``reference`` leads to; None where nothing is read."""
    if reference.kind == "global":
        return _global(asker, reference)
    if reference.kind == "import":
        return _import(asker, reference)
    if reference.kind == "query":
        return _queried(asker, reference)
    return _cell(asker, reference)


def _global(asker: Asker, reference: Reference) -> str | None:
    walk, names, name = asker.walk, asker.names, reference.name
    value = names.get(name, MISSING)
    if value is MISSING:
        value = _builtins(names).get(name, MISSING)
        if value is MISSING:
            return "missing"
        if type(value) in (BuiltinFunctionType, type) and sees_all(value) is None:
            return f"builtin {value.__module__}:{value.__name__}"
    if isinstance(value, ModuleType):
        return _in_module(asker, reference, value, reference.attributes)
    if name == "__file__":
        files = "files found by it are not in the key; name them with uses=[…]"
        walk.note(f"{asker.place.name} uses __file__: {files}")
        return "file of the module"
    return _found(asker, reference, value, reference.attributes, _place(walk, names, name))


def _builtins(names: dict[str, Any]) -> dict[str, Any]:
    found = names.get("__builtins__", builtins)
    return found.__dict__ if isinstance(found, ModuleType) else found


def _place(walk: Walk, names: dict[str, Any], name: str) -> Place:
    module = str(names.get("__name__"))
    return Place(walk.relative(module, name), f"{module}:{name}")


def _found(asker: Asker, reference: Reference, value: Any, rest: tuple[str, ...], at: Place) -> str:
    """The token of a value that has the name ``at`` and from which ``rest`` is looked up."""
    special = _special(asker, reference, value)
    if special is not None:
        return special
    token = constant_token(asker.walk, value, at)
    if not rest or not isinstance(value, type | FunctionType):
        return token
    if rest[0] == "__doc__" or rest[0] in _OWN_NAMES:
        return f"{rest[0]} {value_token(asker.walk, getattr(value, rest[0]), at)} {token}"
    if rest[0] == "__subclasses__" and isinstance(value, type):
        children = sorted(value_token(asker.walk, cls, at) for cls in _descendants(value))
        return " ".join(["subclasses", token, *children])
    return token


def _descendants(cls: type) -> list[type]:
    found: list[type] = []
    children: list[type] = type.__subclasses__(cls)
    for child in children:
        found.extend((child, *_descendants(child)))
    return found


def _special(asker: Asker, reference: Reference, value: Any) -> str | None:
    """Functions by which code reaches for names that are not written in it."""
    walk, user = asker.walk, asker.place.name
    call = sees_all(value)
    if call is not None:
        named = reference.argument
        if call == "importlib.import_module()" and named and not named.startswith("."):
            return _imported_by_text(asker, named)
        return "sees all " + walk.meet_namespace(asker.names, f"{user} uses {call}")
    call = starts_program(value)
    if call is not None:
        advice = "the program it starts is not in the key; name its files with uses=[…]"
        walk.note(f"{user} uses {call}: {advice}")
    return None


def _imported_by_text(asker: Asker, name: str) -> str:
    walk, user = asker.walk, asker.place.name
    if walk.walker.origins.of_name(name) != USER:
        return walk.by_reference(name, "") if is_installed(name) else "missing"
    module = load(walk, name, user)
    if module is None:
        return "missing"
    return walk.meet_namespace(module.__dict__, f"{user} imports {name} by a text")


def _cell(asker: Asker, reference: Reference) -> str | None:
    try:
        held = asker.cells[reference.name].cell_contents
    except KeyError:
        return None
    except ValueError:
        return "empty"
    if isinstance(held, ModuleType):
        return _in_module(asker, reference, held, reference.attributes)
    at = asker.place.inside(f"[{reference.name}]")
    return _found(asker, reference, held, reference.attributes, at)


def _queried(asker: Asker, reference: Reference) -> str | None:
    """A word in a text that names a global variable: query engines look it up in the code around them."""
    names = asker.names
    value = names.get(reference.name, MISSING)
    if value is MISSING or isinstance(value, ModuleType):
        return None
    if not reference.attributes and not _queries(asker):
        return None
    return constant_token(asker.walk, value, _place(asker.walk, names, reference.name))


def _queries(asker: Asker) -> bool:
    """Whether the code, or its module, uses a package that finds tables by the names of variables."""
    imports = [r for r in asker.walk.walker.facts(asker.code).references if r.kind == "import"]
    return any(reference.name.startswith(_QUERYING) for reference in imports) or any(
        str(getattr(value, "__name__" if isinstance(value, ModuleType) else "__module__", "")).startswith(
            _QUERYING
        )
        for value in list(asker.names.values())
        if isinstance(value, ModuleType) or callable(value)
    )


def _import(asker: Asker, reference: Reference) -> str | None:
    walk = asker.walk
    name = absolute_name(reference.name, reference.level, asker.names)
    if name is None:
        return "missing"
    origin = walk.walker.origins.of_name(name)
    if origin == PLAIT:
        return "plait"
    module = sys.modules.get(name)
    if module is None and (origin == USER or (origin == STDLIB and name in SPECIAL_MODULES)):
        module = load(walk, name, asker.place.name)
    if module is not None:
        return _in_module(asker, reference, module, reference.attributes)
    if origin == USER or not is_installed(name):
        return "missing"
    return walk.by_reference(name, ".".join(reference.attributes))


def _in_module(asker: Asker, reference: Reference, module: ModuleType, rest: tuple[str, ...]) -> str | None:
    """Follow ``rest`` from ``module`` to what is not a module."""
    walk, user = asker.walk, asker.place.name
    origin = walk.walker.origins.of_module(module)
    if origin == PLAIT:
        return "plait"
    if origin != USER:
        return _in_package(asker, reference, module, rest)
    if not rest and reference.written:
        return None
    if not rest or rest[0] == "__dict__":
        why = f"{user} uses the module {module.__name__} as a value"
        return walk.meet_namespace(module.__dict__, why)
    value = attribute_of(walk, module, rest[0], user)
    if value is MISSING:
        return f"missing {rest[0]}"
    if isinstance(value, ModuleType):
        return _in_module(asker, reference, value, rest[1:])
    at = _place(walk, module.__dict__, rest[0])
    token = _found(asker, reference, value, rest[1:], at)
    if rest[0] not in module.__dict__ and "__getattr__" in module.__dict__:
        token = f"{token} by {value_token(walk, module.__dict__['__getattr__'], at)}"
    return token


def _in_package(asker: Asker, reference: Reference, module: ModuleType, rest: tuple[str, ...]) -> str:
    """A package's version covers what it defines; something of the user's that hangs in it is walked."""
    known = asker.walk.in_packages.get((id(module), rest))
    if known is not None:
        return known
    token = asker.walk.by_reference(module.__name__, ".".join(rest))
    value: Any = module
    for name in rest:
        if not isinstance(value, ModuleType):
            break
        value = value.__dict__.get(name)
    special = _special(asker, reference, value)
    if special is not None:
        return f"{token} {special}"
    origins = asker.walk.walker.origins
    if (isinstance(value, FunctionType) and origins.of_globals(value.__globals__) == USER) or (
        isinstance(value, type) and origins.of_name(value.__module__) == USER
    ):
        token = f"{token} {value_token(asker.walk, value, asker.place)}"
    if starts_program(value) is None:
        asker.walk.in_packages[id(module), rest] = token
    return token
