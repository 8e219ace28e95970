"""What does a name in the code lead to, here and now?"""

from __future__ import annotations

import builtins
import importlib
import sys
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from plait.engine.closure.facts import Reference
from plait.engine.closure.origin import FOREIGN, PLAIT, STDLIB, USER
from plait.engine.closure.tokens import word
from plait.engine.closure.values import constant_token, value_token
from plait.engine.closure.walk import Place, Walk

__all__ = ["describe_namespace", "reference_token"]

_MISSING = object()
_QUERYING = ("duckdb", "pandasql", "polars", "sqldf")
# What these return depends on names that only the running program knows.
_SEE_ALL = {
    "builtins": ("eval", "exec", "globals", "locals", "vars", "__import__", "compile"),
    "importlib": ("import_module", "reload"),
    "sys": ("modules", "_getframe"),
    "inspect": ("currentframe", "stack"),
    "runpy": ("run_module", "run_path"),
    "gc": ("get_objects", "get_referrers"),
}
_START_PROGRAMS = {
    "subprocess": ("run", "Popen", "call", "check_call", "check_output", "getoutput", "getstatusoutput"),
    "os": ("system", "popen"),
}
_CALLS = (FunctionType, BuiltinFunctionType, type)
_CALL_NAMES = frozenset(
    name for table in (_SEE_ALL, _START_PROGRAMS) for members in table.values() for name in members
)
_NAMES = ("__name__", "__qualname__", "__module__")
_NOTEBOOK = frozenset({"In", "Out", "get_ipython", "exit", "quit", "open"})


def reference_token(
    walk: Walk, reference: Reference, function: FunctionType, cells: dict[str, Any], place: Place
) -> str | None:
    """The token of what ``reference`` leads to when ``function`` follows it; None where nothing is read."""
    if reference.kind == "import":
        return _import(walk, reference, function, place)
    if reference.kind == "query":
        return _queried(walk, reference, function)
    if reference.kind == "cell":
        return _cell(walk, reference, function, cells, place)
    names = function.__globals__
    value = names.get(reference.name, _MISSING)
    if value is _MISSING:
        value = _builtins(names).get(reference.name, _MISSING)
    return _found(walk, value, reference, function, place, names)


def _builtins(names: dict[str, Any]) -> dict[str, Any]:
    found = names.get("__builtins__", builtins)
    return found.__dict__ if isinstance(found, ModuleType) else found


def _found(
    walk: Walk, value: Any, reference: Reference, function: FunctionType, place: Place, names: dict[str, Any]
) -> str | None:
    if value is _MISSING:
        return "missing"
    if isinstance(value, ModuleType):
        return _in_module(walk, value, reference.attributes, reference, function, place)
    if reference.name == "__file__":
        walk.note(
            f"{place.name} uses __file__: files found by it are not in the key; name them with uses=[…]"
        )
        return "file of the module"
    module = str(names.get("__name__"))
    at = Place(walk.relative(module, reference.name), f"{module}:{reference.name}")
    return _named(walk, value, reference.attributes, reference, function, place, at)


def _named(
    walk: Walk,
    value: Any,
    rest: tuple[str, ...],
    reference: Reference,
    function: FunctionType,
    place: Place,
    at: Place,
) -> str | None:
    """The token of a value that was found under the name ``at`` and from which ``rest`` is looked up."""
    special = _special(walk, value, reference, function, place)
    if special is not None:
        return special
    if rest[:1] == ("__doc__",) and isinstance(value, type | FunctionType):
        return f"doc {value_token(walk, value.__doc__, at)} {value_token(walk, value, at)}"
    if rest and rest[0] in _NAMES and isinstance(value, type | FunctionType):
        return f"called {value_token(walk, getattr(value, rest[0]), at)} {value_token(walk, value, at)}"
    if rest[:1] == ("__subclasses__",) and isinstance(value, type):
        tokens = sorted(value_token(walk, cls, at) for cls in _subclasses(value))
        return " ".join(["subclasses", value_token(walk, value, at), *tokens])
    return constant_token(walk, value, at)


def _subclasses(cls: type) -> list[type]:
    found: list[type] = []
    for child in type.__subclasses__(cls):
        found.append(child)
        found.extend(_subclasses(child))
    return found


def _special(
    walk: Walk, value: Any, reference: Reference, function: FunctionType, place: Place
) -> str | None:
    """Functions by which code reaches for names that are not written in it."""
    call = _by_identity(value, _SEE_ALL)
    if call is not None:
        if (
            call == "importlib.import_module"
            and reference.argument
            and not reference.argument.startswith(".")
        ):
            return _imported_by_name(walk, reference.argument, place)
        return "sees all " + walk.meet_namespace(function.__globals__, f"{place.name} uses {_shown(call)}")
    call = _by_identity(value, _START_PROGRAMS)
    if call is not None:
        walk.note(
            f"{place.name} uses {_shown(call)}: the program it starts is not in the key; name its files with uses=[…]"
        )
    return None


def _shown(call: str) -> str:
    name = call.removeprefix("builtins.")
    return name if name == "sys.modules" else f"{name}()"


def _by_identity(value: Any, table: dict[str, tuple[str, ...]]) -> str | None:
    if type(value) not in _CALLS:
        return "sys.modules" if value is sys.modules and "sys" in table else None
    name = value.__name__
    if name not in _CALL_NAMES:
        return None
    for module, members in table.items():
        if name in members:
            for member in members:
                if getattr(sys.modules.get(module), member, _MISSING) is value:
                    return f"{module}.{member}"
    return None


def _imported_by_name(walk: Walk, name: str, place: Place) -> str:
    module = _load(walk, name)
    if module is None:
        return "missing " + word(name)
    if walk.walker.origins.of_module(module) != USER:
        return walk.by_reference(name, "")
    return walk.meet_namespace(module.__dict__, f"{place.name} imports {name} by its name")


def _cell(
    walk: Walk, reference: Reference, function: FunctionType, cells: dict[str, Any], place: Place
) -> str | None:
    try:
        held = cells[reference.name].cell_contents
    except KeyError:
        return None
    except ValueError:
        return "empty"
    if isinstance(held, ModuleType):
        return _in_module(walk, held, reference.attributes, reference, function, place)
    at = place.inside(f"[{reference.name}]")
    return _named(walk, held, reference.attributes, reference, function, place, at)


def _queried(walk: Walk, reference: Reference, function: FunctionType) -> str | None:
    """A word in a text that names a global variable: query engines look it up in the code around them."""
    names = function.__globals__
    value = names.get(reference.name, _MISSING)
    if value is _MISSING or isinstance(value, ModuleType):
        return None
    if not reference.attributes and not _queries(names):
        return None
    module = str(names.get("__name__"))
    return constant_token(
        walk, value, Place(walk.relative(module, reference.name), f"{module}:{reference.name}")
    )


def _queries(names: dict[str, Any]) -> bool:
    return any(
        str(getattr(value, "__name__" if isinstance(value, ModuleType) else "__module__", "")).partition(".")[
            0
        ]
        in _QUERYING
        for value in list(names.values())
        if isinstance(value, ModuleType | type) or callable(value)
    )


def _import(walk: Walk, reference: Reference, function: FunctionType, place: Place) -> str | None:
    name = _absolute(reference, function.__globals__)
    if name is None:
        return "missing"
    origin = walk.walker.origins.of_name(name)
    if origin == PLAIT:
        return "plait"
    if origin != USER:
        if not _installed(name):
            return "missing"
        module = sys.modules.get(name)
        if module is None:
            return walk.by_reference(name, ".".join(reference.attributes))
    else:
        module = _load(walk, name, place)
    if module is None:
        return "missing"
    return _in_module(walk, module, reference.attributes, reference, function, place)


def _absolute(reference: Reference, names: dict[str, Any]) -> str | None:
    if not reference.level:
        return reference.name
    spec = names.get("__spec__")
    package = names.get("__package__") or getattr(spec, "parent", None)
    if package is None:
        package = str(names.get("__name__"))
        package = package if "__path__" in names else package.rpartition(".")[0]
    parts = str(package).split(".")
    if not package or reference.level > len(parts):
        return None
    base = ".".join(parts[: len(parts) - reference.level + 1])
    return f"{base}.{reference.name}" if reference.name else base


def _installed(name: str) -> bool:
    from importlib.util import find_spec

    top = name.partition(".")[0]
    if top in sys.modules:
        return True
    try:
        return find_spec(top) is not None
    except (ImportError, ValueError):
        return False


def _load(walk: Walk, name: str, place: Place | None = None) -> ModuleType | None:
    """The module ``name``, imported if need be, as the code that is walked would import it anyway."""
    module = sys.modules.get(name)
    if module is not None:
        return module
    try:
        return importlib.import_module(name)
    except Exception as error:  # noqa: BLE001  the user's module runs here and may raise anything
        if place is not None and not (isinstance(error, ModuleNotFoundError) and error.name == name):
            walk.cacheable = False
            walk.note(
                f"{place.name} imports {name}, which fails ({type(error).__name__}: {error}): the step is not cached"
            )
        return None


def _in_module(
    walk: Walk,
    module: ModuleType,
    rest: tuple[str, ...],
    reference: Reference,
    function: FunctionType,
    place: Place,
) -> str | None:
    """Follow ``rest`` from ``module`` to what is not a module."""
    origin = walk.walker.origins.of_module(module)
    if origin == PLAIT:
        return "plait"
    if origin in (FOREIGN, STDLIB):
        return _in_package(walk, module, rest, reference, function, place)
    if not rest:
        if reference.written:
            return None
        why = f"{place.name} uses the module {module.__name__} as a value"
        return walk.meet_namespace(module.__dict__, why)
    value = _attribute(walk, module, rest[0], place)
    if value is _MISSING:
        return "missing " + rest[0]
    if isinstance(value, ModuleType):
        return _in_module(walk, value, rest[1:], reference, function, place)
    if rest[0] == "__dict__":
        why = f"{place.name} uses the module {module.__name__} as a value"
        return walk.meet_namespace(module.__dict__, why)
    at = Place(walk.relative(module.__name__, rest[0]), f"{module.__name__}:{rest[0]}")
    token = _named(walk, value, rest[1:], reference, function, place, at)
    if rest[0] not in module.__dict__ and "__getattr__" in module.__dict__:
        token = f"{token} by {value_token(walk, module.__dict__['__getattr__'], at)}"
    return token


def _in_package(
    walk: Walk,
    module: ModuleType,
    rest: tuple[str, ...],
    reference: Reference,
    function: FunctionType,
    place: Place,
) -> str:
    """A package's version covers what it defines; something of the user's that hangs in it is walked."""
    token = walk.by_reference(module.__name__, ".".join(rest))
    value: Any = module
    for name in rest:
        if not isinstance(value, ModuleType):
            break
        value = value.__dict__.get(name)
    special = _special(walk, value, reference, function, place)
    if special is not None:
        return f"{token} {special}"
    if isinstance(value, FunctionType | type):
        return f"{token} {value_token(walk, value, place)}"
    return token


def _attribute(walk: Walk, module: ModuleType, name: str, place: Place) -> Any:
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
            return _MISSING
        except Exception as error:  # noqa: BLE001  the user's own __getattr__ may raise anything
            walk.cacheable = False
            raised = f"{type(error).__name__}: {error}"
            walk.note(f"{place.name} uses {full}, which fails ({raised}): the step is not cached")
            return _MISSING
    if hasattr(module, "__path__"):
        found = _load(walk, full)
        return _MISSING if found is None else found
    return getattr(module, name, _MISSING)


def describe_namespace(walk: Walk, names: dict[str, Any], place: Place) -> list[str]:
    """Everything that a module defines, and what it imports from other modules of the user's."""
    module = str(names.get("__name__"))
    notebook = "get_ipython" in names
    tokens = []
    for name in sorted(key for key in names if isinstance(key, str)):
        if (name.startswith("__") and name.endswith("__")) or (notebook and _is_notebook_noise(name)):
            continue
        value = names[name]
        if isinstance(value, ModuleType):
            if walk.walker.origins.of_module(value) == USER:
                token = walk.meet_namespace(value.__dict__, "")
            else:
                token = walk.by_reference(value.__name__, "")
        else:
            token = constant_token(walk, value, Place(walk.relative(module, name), f"{module}:{name}"))
        tokens.append("self" if token == "@.:<step>" else f"{name} {token}")
    return sorted(tokens)


def _is_notebook_noise(name: str) -> bool:
    return name in _NOTEBOOK or name.strip("_0123456789hdoi") == ""
