"""What is a class called that no import finds, such as one in a notebook, so that one class stays one class?

A value of such a class travels with the class's code. Whoever reads it must find the class that is there
already, if it is the same, or ``isinstance`` would tell two readings of one value apart.
"""

from __future__ import annotations

import sys
import types
import weakref
from collections.abc import Iterator
from typing import Any

from blake3 import blake3

__all__ = ["by_content"]

_KNOWN: weakref.WeakValueDictionary[str, type] = weakref.WeakValueDictionary()
_NO_CONTENT = frozenset(
    {
        "__slotnames__",
        "__dict__",
        "__weakref__",
        "__doc__",
        "__firstlineno__",
        "__static_attributes__",
        "_abc_impl",
    }
)


def by_content(cls: type, reduced: tuple[Any, ...]) -> tuple[Any, ...]:
    """What cloudpickle makes of a class, with the class's content in the place of a random number."""
    key = fingerprint(cls)
    _KNOWN.setdefault(key, cls)
    make, arguments, (held, slots), *_ = reduced
    # What copyreg notes in a class the first time an instance is pickled is none of its content.
    state = {name: value for name, value in held.items() if name != "__slotnames__"}, slots
    # The last two arguments are the number and a place for what may come; None means: do not keep track.
    return (
        _made,
        (key, cls.__module__, cls.__qualname__, make, (*arguments[:-2], None, None)),
        state,
        None,
        None,
        _filled,
    )


def fingerprint(cls: type) -> str:
    lines = [f"{cls.__module__}:{cls.__qualname__}", *(base.__qualname__ for base in cls.__mro__[1:])]
    for name, held in sorted(vars(cls).items()):
        if name not in _NO_CONTENT:
            lines.append(f"{name}={_content(held)}")
    return blake3("\0".join(lines).encode("utf-8", "surrogatepass")).hexdigest(length=16)


def _content(held: Any) -> str:
    held = getattr(held, "__func__", held)
    if isinstance(held, property):
        return "/".join(_content(part) for part in (held.fget, held.fset, held.fdel))
    if isinstance(held, types.FunctionType):
        return _code(held.__code__)
    if held is None or isinstance(held, (bool, int, float, str, bytes)):
        return repr(held)
    return type(held).__qualname__


def _code(code: types.CodeType) -> str:
    constants = [
        _code(each) if isinstance(each, types.CodeType) else type(each).__name__ for each in code.co_consts
    ]
    plain = [repr(each) for each in code.co_consts if isinstance(each, (bool, int, float, str, bytes))]
    return repr((code.co_code, code.co_names, constants, plain))


def _made(key: str, module: str, name: str, make: Any, arguments: tuple[Any, ...]) -> type:
    known = _KNOWN.get(key)
    if known is not None:
        return known
    for candidate in _candidates(module, name):
        if fingerprint(candidate) == key:
            _KNOWN[key] = candidate
            return candidate
    made: type = make(*arguments)
    _KNOWN[key] = made
    _UNFINISHED.add(made)
    return made


_UNFINISHED: weakref.WeakSet[type] = weakref.WeakSet()


def _filled(cls: type, state: Any) -> type:
    """Give a class that was just made its content; one that was there before has it."""
    if cls in _UNFINISHED:
        from cloudpickle import cloudpickle

        _UNFINISHED.discard(cls)
        cloudpickle._class_setstate(cls, state)
    return cls


def _candidates(module: str, name: str) -> Iterator[type]:
    """Classes of that name in their module, and among those that came with a function sent by cloudpickle."""
    found: Any = sys.modules.get(module)
    for step in name.split("."):
        found = getattr(found, step, None)
    if isinstance(found, type):
        yield found
    tracked = getattr(sys.modules.get("cloudpickle.cloudpickle"), "_DYNAMIC_CLASS_TRACKER_BY_CLASS", {})
    for cls in list(tracked):
        if cls.__module__ == module and cls.__qualname__ == name:
            yield cls
