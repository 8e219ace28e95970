"""What must one know how to do to store values of a type?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

__all__ = ["Buffer", "Codec", "Raw", "Serializer", "Unsuited"]

Buffer = bytes | bytearray | memoryview


@runtime_checkable
class Serializer(Protocol):
    """Takes values of one type apart into what plait can store already, and puts them together again.

    ``dump`` answers with a state: any nesting of the built-in types, ``Raw`` buffers and other values that
    can be stored. It must be a function of the value's content alone: equal values, equal states. ``load``
    gets an equal state, each ``Raw`` as a writable memoryview that nobody else sees, and may keep it
    without a copy. ``dump`` raises ``Unsuited`` for a value that it cannot represent exactly; that value is
    pickled.

    Three further attributes are looked at when they are there (see ``Codec``).
    """

    @property
    def name(self) -> str: ...

    def dump(self, value: Any) -> Any: ...

    def load(self, state: Any) -> Any: ...


def _nothing(value: Any) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class Codec:
    """A serializer made of functions.

    Attributes:
        describe: JSON-able facts about a value for a list of values.
        immutable: two references to one value are as good as two equal values, so sharing need not be kept.
        embeds: may stand inside a pickle in place of what the type's own pickling would write.
        stored: ``dump`` answers with a library's own objects (a frame's arrays); what these share is the
            library's business and not the user's, and is not kept.
    """

    name: str
    dump: Callable[[Any], Any]
    load: Callable[[Any], Any]
    describe: Callable[[Any], dict[str, Any]] = _nothing
    immutable: bool = False
    embeds: bool = False
    stored: bool = False


class Raw:
    """Bytes to be kept as a buffer of their own: stored once wherever they occur, and mapped when loaded."""

    __slots__ = ("data",)

    def __init__(self, data: Any) -> None:
        view = memoryview(data)
        self.data: memoryview = view if view.format == "B" and view.ndim == 1 else view.cast("B")


class Unsuited(Exception):
    """Raised by a serializer's ``dump``: this value is not one of mine after all; pickle it."""
