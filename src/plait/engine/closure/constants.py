"""How does a value with a name of its own become a piece that people can look at?"""

from __future__ import annotations

from enum import Enum
from reprlib import Repr
from typing import Any

from plait.engine.closure.tokens import digest
from plait.engine.closure.values import value_token
from plait.engine.closure.walk import Place, Walk
from plait.record.closures import Component

__all__ = ["constant_token"]

_SAID = ("@", "ref ", "plait ", "wraps(")  # tokens that need no piece of their own
_SECRETS = ("password", "passwd", "secret", "token", "api_key", "apikey", "credential")
_PRINTABLE = ("re", "datetime", "decimal", "fractions", "pathlib", "pathlib._local", "uuid")


def constant_token(walk: Walk, value: Any, place: Place) -> str:
    """The token of a value that has a name: it becomes a piece of the closure under that name."""
    known = walk.constants.get(place.relative)
    if known is not None and known[0] is value:
        return known[1]
    token = value_token(walk, value, place)
    if not token.startswith(_SAID):
        hashed = digest(token)
        token = "=" + place.relative
        while token in walk.components and walk.components[token].digest != hashed:
            token += "'"
        hidden = _is_secret(place.name) and not isinstance(value, int | float | None)
        detail = "•••" if hidden else _shown(value)
        walk.add(token, Component(place.name, "constant", hashed, detail))
    walk.constants[place.relative] = (value, token)
    return token


def _is_secret(name: str) -> bool:
    folded = name.rpartition(":")[2].casefold()
    return any(hint in folded for hint in _SECRETS)


class _Hidden:
    """Stands for a value that is not shown."""


_Hidden.__qualname__ = "•••"


class _Short(Repr):
    """Twenty items of a container; objects by their type, as a repr may be slow or hold an address."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlist = self.maxtuple = self.maxdict = self.maxset = self.maxfrozenset = 20
        self.maxstring = self.maxother = 80

    def repr_dict(self, x: dict[Any, Any], level: int) -> str:
        """Values under keys that sound like secrets stay hidden."""
        hidden = {k: _Hidden() if isinstance(k, str) and _is_secret(k) else v for k, v in x.items()}
        return super().repr_dict(hidden, level)

    def repr_instance(self, x: Any, level: int) -> str:
        return str(getattr(x, "__qualname__", None) or type(x).__qualname__)


def _shown(value: Any) -> str:
    """A constant as people would write it, shortened; objects by their type."""
    if type(value) is int and value.bit_length() > 1000:
        return f"an integer of {value.bit_length()} bits"
    if value is None or isinstance(value, int | float | str | bytes | complex | Enum):
        return _cut(repr(value))
    kind = type(value)
    if kind in (list, tuple, dict, set, frozenset):
        return _cut(_Short().repr(value))
    if kind.__module__ in _PRINTABLE:
        return _cut(repr(value))
    shape = getattr(value, "shape", None)
    size = f" {shape}" if isinstance(shape, tuple) else ""
    return f"{kind.__module__}.{kind.__qualname__}{size}"


def _cut(text: str) -> str:
    return text if len(text) <= 200 else text[:199] + "…"
