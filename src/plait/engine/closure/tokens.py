"""How is a plain value written down, so that equal text means equal value and equal type?"""

from __future__ import annotations

import marshal
from collections.abc import Iterable
from typing import Any

from blake3 import blake3

__all__ = ["bulk", "digest", "group", "scalar", "shorten", "word"]

_SINGLE = {type(None): "N", type(...): "E", type(NotImplemented): "I"}
_BULK = frozenset({int, float, bool, str, bytes, complex, type(None)})
_LONG = 256


def digest(text: str) -> str:
    """The BLAKE3 digest of a text, hexadecimal."""
    return blake3(text.encode("utf-8", "surrogatepass")).hexdigest()


def word(text: str) -> str:
    """A text with its length in front: no two lists of words read the same."""
    return f"s{len(text)}:{text}"


def group(mark: str, parts: Iterable[str]) -> str:
    """Several tokens as one; long ones are replaced by their digest."""
    return shorten(f"{mark}({','.join(parts)})")


def shorten(token: str) -> str:
    return token if len(token) <= _LONG else "#" + digest(token)


def scalar(value: Any) -> str | None:
    """The token of a number, text, bytes, None or the like; None for everything else.

    ``1``, ``1.0`` and ``True`` differ, as do ``0.0`` and ``-0.0``.
    """
    kind = type(value)
    if kind is str:
        return shorten(word(value))
    if kind is bool:
        return "T" if value else "F"
    if kind is int:
        return f"i{value:x}"
    if kind is float:
        return f"f{value.hex()}"
    if kind is bytes:
        return f"b{value.hex()}" if len(value) < _LONG // 2 else "b#" + blake3(value).hexdigest()
    if kind is complex:
        return f"c{value.real.hex()},{value.imag.hex()}"
    return _SINGLE.get(kind)


def bulk(value: Any) -> str | None:
    """The token of a builtin container of plain values in one go; None if something else is in it."""
    kind = type(value)
    if kind is dict:
        if not (set(map(type, value)) <= _BULK and set(map(type, value.values())) <= _BULK):
            return None
    elif not set(map(type, value)) <= _BULK:
        return None
    # Version 2 neither shares nor interns: the bytes follow from the value alone, sets come sorted.
    return f"{kind.__name__}#" + blake3(marshal.dumps(value, 2)).hexdigest()
