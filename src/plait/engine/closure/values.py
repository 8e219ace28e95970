"""How is any value that code can reach written down, with the functions and classes in it walked as well?"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable
from enum import Enum
from pathlib import Path, PurePath
from types import (
    BuiltinFunctionType,
    FunctionType,
    MappingProxyType,
    MethodType,
    ModuleType,
)
from typing import Any

from plait.engine.closure.inside import is_data, reduced_of, says_what_it_wraps, vars_of
from plait.engine.closure.origin import FOREIGN, PLAIT, USER, module_file
from plait.engine.closure.tokens import bulk, group, scalar, shorten, word
from plait.engine.closure.walk import Place, Walk, module_of, type_name
from plait.record.closures import Component

__all__ = ["value_token"]

_DEEPEST = 100
_CONTAINERS = (list, tuple, dict, set, frozenset)
# Small immutable values: whether two are one object or merely equal is an accident.
_ATOMS = frozenset({"datetime", "decimal", "fractions", "pathlib", "pathlib._local", "re", "uuid"})
_Writer = Callable[[Walk, Any, Place], str]
_VARIABLES = ("TypeVar", "ParamSpec", "TypeVarTuple")


def value_token(walk: Walk, value: Any, place: Place) -> str:
    """The token of ``value``; equal tokens mean equal values, whatever process wrote them.

    Functions, classes and modules in it become pieces of the closure of their own. A value that cannot be
    written down is refused: the closure says so and is not cacheable.
    """
    token = scalar(value)
    if token is not None:
        return token
    write = _WRITERS.get(type(value))
    if write is None:
        write = _writer(value)
    if write in _LEAVES:
        return write(walk, value, place)
    if type(value) in _CONTAINERS:
        token = bulk(value)
        if token is not None:
            return token
    return _once(walk, value, place, write)


def _once(walk: Walk, value: Any, place: Place, write: _Writer) -> str:
    """Write a value down where it is met first, and refer to that place from then on."""
    if id(value) in walk.stack:
        return f"again{len(walk.stack) - walk.stack[id(value)]}"
    if not walk.stack:
        walk.seen = {}
    elif id(value) in walk.seen:
        return f"see{walk.seen[id(value)][0]}"
    if len(walk.stack) > _DEEPEST:
        return walk.refuse(place, value, "it is nested too deeply")
    walk.stack[id(value)] = len(walk.stack)
    if type(value).__module__ not in _ATOMS:
        walk.seen[id(value)] = (len(walk.seen), value)
    try:
        return shorten(write(walk, value, place))
    finally:
        del walk.stack[id(value)]


def _member_tokens(walk: Walk, members: Iterable[Any], place: Place) -> list[str]:
    """The members of a set, each by itself, so that the order in which they come cannot matter."""
    tokens = []
    outer = walk.seen
    for member in sorted(members, key=_rank):
        walk.seen = {}
        tokens.append(value_token(walk, member, place))
    walk.seen = outer
    return sorted(tokens)


def _writer(value: Any) -> _Writer:
    kind = type(value)
    if isinstance(value, type):
        return _class
    if isinstance(value, ModuleType):
        return _module
    if isinstance(value, Enum):
        return _member
    logging = sys.modules.get("logging")  # nobody has a logger as long as it is not there
    if logging is not None and isinstance(value, logging.Logger):
        return _logger
    if isinstance(value, PurePath):
        return _path
    if isinstance(value, set | frozenset):
        return _subset
    if kind.__module__ == "typing" and kind.__name__ in _VARIABLES:
        return _type_variable
    if kind.__module__ == "typing" and kind.__name__ == "TypeAliasType":
        return _alias
    if kind.__module__ == "functools" and kind.__name__ in ("_lru_cache_wrapper", "singledispatchmethod"):
        return _wrapper if kind.__name__ == "_lru_cache_wrapper" else _single_dispatch_method
    return _instance


def _items(walk: Walk, value: Iterable[Any], place: Place) -> list[str]:
    return [value_token(walk, item, place) for item in value]


def _sequence(walk: Walk, value: Any, place: Place) -> str:
    return group(type(value).__name__, _items(walk, value, place))


def _set(walk: Walk, value: Any, place: Place) -> str:
    return group(type(value).__name__, _member_tokens(walk, value, place))


def _subset(walk: Walk, value: Any, place: Place) -> str:
    members = _member_tokens(walk, value, place)
    return group("subset", [_class(walk, type(value), place), *members, _state(walk, vars_of(value), place)])


def _rank(value: Any) -> str:
    """An order for the members of a set that does not change from process to process."""
    named = isinstance(value, type | FunctionType)
    return str(value.__qualname__) if named else scalar(value) or type(value).__qualname__


def _mapping(walk: Walk, value: Any, place: Place) -> str:
    if type(value) is dict and module_of(value) is not None:
        return _namespace(walk, value, place)
    parts = []
    for key, item in value.items():
        parts.append(value_token(walk, key, place))
        parts.append(value_token(walk, item, place))
    return group("dict", parts)


def _namespace(walk: Walk, value: dict[str, Any], place: Place) -> str:
    """The names of a module; packages keep them to find out what an annotation means."""
    name = str(value["__name__"])
    if walk.walker.origins.of_globals(value) != USER:
        return walk.by_reference(name, "__dict__")
    if walk.tolerant:
        return "names"
    return walk.meet_namespace(value, f"{place.name} holds the names of the module {name}")


def _state(walk: Walk, state: Any, place: Place) -> str:
    """The attributes of an instance, by name: the order in which they were set says nothing."""
    if type(state) is not dict or not all(type(key) is str for key in state):
        return value_token(walk, state, place)
    parts = []
    for key in sorted(state):
        parts.append(word(key))
        parts.append(value_token(walk, state[key], place))
    return group("state", parts)


def _function(walk: Walk, value: FunctionType, place: Place) -> str:
    origin = walk.walker.origins.of_globals(value.__globals__)
    if origin == USER:
        return walk.meet_function(value)
    if origin == PLAIT:
        return _plait(walk, value, place)
    return _foreign_function(walk, value, place)


def _foreign_function(walk: Walk, value: FunctionType, place: Place) -> str:
    """A package's function counts by its name; what the user gave to it to hold counts by itself.

    Such as the function that ``contextlib.contextmanager`` or a package's decorator wrapped.
    """
    parts = [walk.by_reference(value.__globals__.get("__name__"), value.__code__.co_qualname)]
    registry = getattr(value, "registry", None)
    if isinstance(registry, MappingProxyType):  # functools.singledispatch: its other variables are caches
        return group("dispatch", [*parts, *sorted(_items(walk, registry.items(), place))])
    if id(value) in walk.stack:
        return "again"
    walk.stack[id(value)] = len(walk.stack)
    walk.tolerant += 1
    try:
        for cell in value.__closure__ or ():
            try:
                parts.append(value_token(walk, cell.cell_contents, place))
            except ValueError:
                parts.append("empty")
        if "__wrapped__" in value.__dict__:
            parts.extend(_wrapped(walk, value.__dict__["__wrapped__"], place))
    finally:
        walk.tolerant -= 1
        del walk.stack[id(value)]
    return group("foreign", parts) if len(parts) > 1 else parts[0]


def _class(walk: Walk, value: type, place: Place) -> str:
    if walk.walker.origins.is_users(value):
        return walk.meet(value, value.__module__, value.__qualname__)
    return walk.by_reference(value.__module__, value.__qualname__)


def _module(walk: Walk, value: ModuleType, place: Place) -> str:
    if walk.walker.origins.of_module(value) == USER:
        return walk.meet_namespace(
            value.__dict__, f"{place.name} uses the module {value.__name__} as a value"
        )
    return walk.by_reference(value.__name__, "")


def _method(walk: Walk, value: MethodType, place: Place) -> str:
    home = sys.modules.get(getattr(value.__func__, "__module__", None) or "")
    if (
        isinstance(home, ModuleType)
        and walk.walker.origins.of_module(home) != USER
        and getattr(home, value.__name__, None) == value  # such as random.randint
    ):
        return walk.by_reference(home.__name__, value.__name__)
    return group("method", _items(walk, (value.__func__, value.__self__), place))


def _builtin(walk: Walk, value: Any, place: Place) -> str:
    owner, name = getattr(value, "__self__", None), value.__name__
    if owner is None or isinstance(owner, ModuleType):
        return _extension(walk, value, place)
    if isinstance(owner, type):
        return walk.by_reference(owner.__module__, f"{owner.__qualname__}.{name}")
    home = sys.modules.get(type(owner).__module__)
    if isinstance(home, ModuleType) and getattr(home, name, None) is value:  # such as random.random
        return walk.by_reference(home.__name__, name)
    return group("method", [word(name), value_token(walk, owner, place)])


def _extension(walk: Walk, value: Any, place: Place) -> str:
    """A function without Python code; the user's own extension module counts by the content of its file."""
    name = getattr(value, "__module__", None)
    module = sys.modules.get(name or "")
    token = walk.by_reference(name, value.__qualname__)
    if module is None or walk.walker.origins.of_module(module) != USER:
        return token
    file = module_file(module) or ""
    if file.endswith(".py") or not Path(file).is_file():
        return token
    hashed = walk.walker.file_digest(Path(file))
    relative = walk.relative(module.__name__, "")
    walk.add(relative, Component(f"{module.__name__}:", "file", hashed, "", file))
    return group("extension", [token, hashed])


def _descriptor(walk: Walk, value: Any, place: Place) -> str:
    owner = value.__objclass__
    return walk.by_reference(owner.__module__, f"{owner.__qualname__}.{value.__name__}")


def _wrapping(walk: Walk, value: Any, place: Place) -> str:
    return group(type(value).__name__, [value_token(walk, value.__func__, place)])


def _property(walk: Walk, value: property, place: Place) -> str:
    return group("property", _items(walk, (value.fget, value.fset, value.fdel), place))


def _cached_property(walk: Walk, value: Any, place: Place) -> str:
    return group("cached_property", [value_token(walk, value.func, place)])


def _partial(walk: Walk, value: Any, place: Place) -> str:
    parts = (value.func, value.args, value.keywords)
    return group(type(value).__name__, [*_items(walk, parts, place), _state(walk, vars_of(value), place)])


def _single_dispatch_method(walk: Walk, value: Any, place: Place) -> str:
    return group("dispatch", _items(walk, (value.func, value.dispatcher), place))


def _member(walk: Walk, value: Enum, place: Place) -> str:
    parts = [
        _class(walk, type(value), place),
        word(str(value._name_)),
        value_token(walk, value._value_, place),
    ]
    return group("member", parts)


def _logger(walk: Walk, value: Any, place: Place) -> str:
    return "logger"  # what is logged, and where, is no part of a result


def _path(walk: Walk, value: PurePath, place: Place) -> str:
    """A path; one inside the step's own project counts from there, as the project may lie anywhere."""
    if value.is_absolute() and walk.project is not None and value.is_relative_to(walk.project):
        advice = "files found by it are not in the key; name them with uses=[…]"
        walk.note(f"{place.name} is a path in the project: {advice}")
        return group("project", [word(value.relative_to(walk.project).as_posix())])
    return group("path", [word(type(value).__name__), word(str(value))])


def _type_variable(walk: Walk, value: Any, place: Place) -> str:
    return word(f"{type(value).__name__} {value.__name__}")


def _alias(walk: Walk, value: Any, place: Place) -> str:
    return group("alias", [word(value.__name__), value_token(walk, value.__value__, place)])


def _wrapper(walk: Walk, value: Any, place: Place) -> str:
    """Something that says what it wraps: the thing inside counts, not the options around it."""
    kind = type(value)
    if kind.__module__ != "functools":
        walk.note(
            f"{place.name} is wrapped by {type_name(value)}: the options of the wrapper are not in the key"
        )
    token = walk.by_reference(kind.__module__, kind.__qualname__)
    return group("wraps", [token, *_wrapped(walk, value.__wrapped__, place)])


def _wrapped(walk: Walk, value: Any, place: Place) -> list[str]:
    """What a package's wrapper wraps; it may have read the annotations, so they count."""
    tokens = [value_token(walk, value, place)]
    if isinstance(value, FunctionType) and value.__annotations__:
        tokens.append(value_token(walk, value.__annotations__, place))
    return tokens


def _plait(walk: Walk, value: Any, place: Place) -> str:
    """Nothing of plait itself is walked; a step counts by the function in it."""
    if says_what_it_wraps(value):
        return value_token(walk, value.__wrapped__, place)
    name = getattr(value, "__qualname__", None) or type(value).__qualname__
    if name == "Current":
        walk.cacheable = False
        walk.note(f"{place.name} is plait's `current`, which differs from run to run: the step is not cached")
    return "plait " + word(str(name))


def _instance(walk: Walk, value: Any, place: Place) -> str:
    kind = type(value)
    origin = walk.walker.origins.of_name(kind.__module__)
    if origin == PLAIT and (says_what_it_wraps(value) or kind.__name__ == "Current"):
        return _plait(walk, value, place)
    if origin != USER and says_what_it_wraps(value):
        return _wrapper(walk, value, place)
    if is_data(value):
        hashed = _hashed(walk, value)
        if hashed is not None:
            return group("data", [_class(walk, kind, place), hashed])
    if origin == FOREIGN:
        walk.package(kind.__module__)
    try:
        reduced = reduced_of(value)
    except Exception as error:  # noqa: BLE001  a user's __reduce__ may raise anything, and all of it means no
        return _irreducible(walk, value, place, error)
    if isinstance(reduced, str):
        return _global_name(walk, value, reduced, place)
    return _from_reduced(walk, value, reduced, place)


def _hashed(walk: Walk, value: Any) -> str | None:
    hash_value = walk.walker.hash_value
    if hash_value is None:
        return None
    try:
        hashed = hash_value(value)
    except Exception:  # noqa: BLE001  what cannot be hashed is refused with a sentence, whatever was raised
        return None
    return None if hashed is None else "hash " + word(hashed)


def _from_reduced(walk: Walk, value: Any, reduced: Any, place: Place) -> str:
    make, arguments, state, items, pairs = reduced
    before = walk.tolerant
    walk.tolerant = 0 if walk.walker.origins.is_users(type(value)) else before + 1
    try:
        parts = [
            value_token(walk, make, place),
            value_token(walk, arguments, place),
            _state(walk, state, place),
            group("items", _items(walk, items or (), place)),
            group("pairs", _items(walk, pairs or (), place)),
        ]
    finally:
        walk.tolerant = before
    return group("made", [_class(walk, type(value), place), *parts])


def _global_name(walk: Walk, value: Any, name: str, place: Place) -> str:
    """Some objects are known by their name in a module; if that is true, the name is enough."""
    home = getattr(value, "__module__", None) or type(value).__module__
    for module in (sys.modules.get(home), sys.modules.get("__main__")):
        found: Any = module
        for part in name.split("."):
            found = getattr(found, part, None)
        if found is value and module is not None:
            return _found_by_name(walk, value, module, name, place)
    return _irreducible(walk, value, place, None)


def _found_by_name(walk: Walk, value: Any, module: ModuleType, name: str, place: Place) -> str:
    token = walk.by_reference(module.__name__, name)
    if walk.walker.origins.of_module(module) != USER:
        return token
    if callable(value) and not hasattr(value, "__dict__"):
        return _extension(walk, value, place)
    return group("named", [token, _class(walk, type(value), place), _state(walk, vars_of(value), place)])


def _irreducible(walk: Walk, value: Any, place: Place, error: Exception | None) -> str:
    hashed = _hashed(walk, value)
    if hashed is not None:
        return group("hashed", [_class(walk, type(value), place), hashed])
    return walk.refuse(place, value)


_LEAVES: frozenset[Any] = frozenset(
    {_function, _class, _module, _logger, _path, _type_variable, _builtin, _descriptor}
)
_WRITERS: dict[type, _Writer] = {
    list: _sequence,
    tuple: _sequence,
    set: _set,
    frozenset: _set,
    dict: _mapping,
    MappingProxyType: _mapping,
    FunctionType: _function,
    MethodType: _method,
    BuiltinFunctionType: _builtin,
    type("".__add__): _builtin,
    type(int.__add__): _descriptor,
    type(str.join): _descriptor,
    type(dict.__dict__["fromkeys"]): _descriptor,
    type(FunctionType.__code__): _descriptor,
    type(FunctionType.__globals__): _descriptor,
    classmethod: _wrapping,
    staticmethod: _wrapping,
    property: _property,
    functools.cached_property: _cached_property,
    functools.partial: _partial,
    functools.partialmethod: _partial,
}
