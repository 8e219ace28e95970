"""How are the small types of the standard library stored?"""

from __future__ import annotations

import array
import collections
import dataclasses
import decimal
import enum
import fractions
import pathlib
import re
import types
import uuid
from typing import Any

from plait.data.names import reference, resolve
from plait.data.serializer import Codec, Raw, Unsuited
from plait.errors import DataError


def _named(value: Any) -> str:
    """The class of a value by reference; a class that no import finds travels in a pickle with its code."""
    found = reference(type(value))
    if found is None:
        raise Unsuited
    return found


def _length(value: Any) -> dict[str, Any]:
    return {"length": len(value)}


COMPLEX = Codec(
    "complex",
    lambda value: [value.real, value.imag],
    lambda state: complex(state[0], state[1]),
    immutable=True,
)
BYTEARRAY = Codec("bytearray", Raw, bytearray, _length)
RANGE = Codec(
    "range",
    lambda value: [value.start, value.stop, value.step],
    lambda state: range(*state),
    _length,
    immutable=True,
)
SLICE = Codec(
    "slice",
    lambda value: [value.start, value.stop, value.step],
    lambda state: slice(*state),
    immutable=True,
)
ELLIPSIS = Codec("ellipsis", lambda value: None, lambda state: ..., immutable=True)
NOT_IMPLEMENTED = Codec("notimplemented", lambda value: None, lambda state: NotImplemented, immutable=True)
DEQUE = Codec(
    "deque",
    lambda value: [value.maxlen, list(value)],
    lambda state: collections.deque(state[1], state[0]),
    _length,
)
ORDERED_DICT = Codec("ordereddict", dict, collections.OrderedDict, _length)
DEFAULT_DICT = Codec(
    "defaultdict",
    lambda value: [value.default_factory, dict(value)],
    lambda state: collections.defaultdict(*state),
    _length,
)
COUNTER = Codec("counter", dict, collections.Counter, _length)
NAMESPACE = Codec("namespace", vars, lambda state: types.SimpleNamespace(**state))
PATTERN = Codec(
    "pattern",
    lambda value: [value.pattern, value.flags],
    lambda state: re.compile(state[0], state[1]),
    immutable=True,
)
UUID = Codec("uuid", lambda value: value.bytes, lambda state: uuid.UUID(bytes=state), immutable=True)
DECIMAL = Codec("decimal", str, decimal.Decimal, immutable=True)
FRACTION = Codec(
    "fraction",
    lambda value: [value.numerator, value.denominator],
    lambda state: fractions.Fraction(*state),
    immutable=True,
)


def _array_dump(value: array.array[Any]) -> list[Any]:
    # "u" has the width of a C type: as text it means the same everywhere.
    if value.typecode in ("u", "w"):
        return [value.typecode, value.tounicode()]
    return [value.typecode, value.itemsize, Raw(value) if len(value) else b""]


def _array_load(state: list[Any]) -> array.array[Any]:
    if len(state) == 2:
        return array.array(state[0], state[1])
    loaded = array.array(state[0])
    if loaded.itemsize != state[1]:
        raise DataError(
            f"an array of type {state[0]!r} was stored with {state[1]} bytes an item; here it has "
            f"{loaded.itemsize}",
            hint="run the step that made the value again on this machine",
        )
    loaded.frombytes(state[2])
    return loaded


ARRAY = Codec(
    "array", _array_dump, _array_load, lambda value: {"length": len(value), "typecode": value.typecode}
)


def _path_dump(value: pathlib.PurePath) -> list[str]:
    concrete = isinstance(value, pathlib.Path)
    return ["Path" if concrete else type(value).__name__, str(value)]


def _path_load(state: list[str]) -> pathlib.PurePath:
    loaded: pathlib.PurePath = getattr(pathlib, state[0])(state[1])
    return loaded


PATH = Codec("path", _path_dump, _path_load, immutable=True)


def _enum_dump(value: enum.Enum) -> list[Any]:
    if type(value).__members__.get(value.name or "") is value:
        return [_named(value), value.name, value.value]
    if isinstance(value, enum.Flag):  # a combination has no name of its own
        return [_named(value), None, value.value]
    raise Unsuited


def _enum_load(state: list[Any]) -> Any:
    cls = resolve(state[0])
    return cls(state[2]) if state[1] is None or state[1] not in cls.__members__ else cls[state[1]]


ENUM = Codec("enum", _enum_dump, _enum_load, immutable=True)


def _tuple_dump(value: Any) -> list[Any]:
    if getattr(value, "__dict__", None) or "__reduce__" in vars(type(value)):
        raise Unsuited
    return [_named(value), list(value)]


NAMED_TUPLE = Codec(
    "namedtuple",
    _tuple_dump,
    lambda state: tuple.__new__(resolve(state[0]), state[1]),
    lambda value: {"fields": list(value._fields)},
    immutable=True,
)


_OWN_PICKLING = (
    "__reduce__",
    "__reduce_ex__",
    "__setstate__",
    "__getstate__",
    "__getnewargs__",
    "__getnewargs_ex__",
)


def _takes_care_of_itself(cls: type) -> bool:
    """Whether a class says itself how it is pickled; a frozen dataclass with slots says what we do anyway."""
    for name in _OWN_PICKLING:
        found = getattr(cls, name, None)
        if found is not getattr(object, name, None) and not getattr(found, "__qualname__", "").startswith(
            "_dataclass_"
        ):
            return True
    return getattr(cls, "__new__", None) is not object.__new__


def attributes(value: Any) -> dict[str, Any]:
    """Everything that an instance holds, in ``__dict__`` and in slots."""
    held = dict(getattr(value, "__dict__", None) or {})
    for cls in reversed(type(value).__mro__):
        slots = cls.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            inner = (
                f"_{cls.__name__.lstrip('_')}{name}"
                if name.startswith("__") and not name.endswith("__")
                else name
            )
            if name not in ("__dict__", "__weakref__") and hasattr(value, inner):
                held[inner] = getattr(value, inner)
    return held


def _dataclass_dump(value: Any) -> list[Any]:
    if _takes_care_of_itself(type(value)):
        raise Unsuited
    return [_named(value), attributes(value)]


def _dataclass_load(state: list[Any]) -> Any:
    cls = resolve(state[0])
    loaded = object.__new__(cls)
    for name, held in state[1].items():
        object.__setattr__(loaded, name, held)
    return loaded


DATACLASS = Codec(
    "dataclass",
    _dataclass_dump,
    _dataclass_load,
    lambda value: {"fields": [field.name for field in dataclasses.fields(value)][:20]},
)
