"""What is known of a stored value without loading it?"""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["Artifact", "Part"]


class Part(msgspec.Struct, frozen=True, array_like=True):
    """One stored buffer, a blob: ``id`` is the hash of its bytes in hex, ``size`` their number."""

    id: str
    size: int


class Artifact(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """A value that was stored, small enough for a row or a message whatever the size of the value.

    Attributes:
        id: the content address; equal values have equal ids, on every machine and in every process.
        format: the name of the serializer that wrote it and that reads it.
        type: the Python type as its users call it, such as ``int`` or ``pandas.DataFrame``.
        size: bytes of the head and of all parts.
        head: the small bytes, None when they are a blob of their own (``head_part``).
        head_part: where the head is when it does not fit here.
        parts: the large buffers in the order in which the serializer wrote them.
        meta: JSON-able facts for a list of values (shape, columns, length, note), never the data.
    """

    id: str
    format: str
    type: str
    size: int
    head: bytes | None = None
    head_part: Part | None = None
    parts: tuple[Part, ...] = ()
    meta: dict[str, Any] = {}
