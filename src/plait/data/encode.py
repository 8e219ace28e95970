"""How does one value become a format, a head and buffers, and which serializer takes it?"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import Any, NamedTuple

from plait.data import tree
from plait.data.names import type_name
from plait.data.registry import Registry
from plait.data.serializer import Buffer, Serializer, Unsuited

__all__ = ["Payload", "decode", "encode", "scalar_head", "scalar_value"]

_CONTAINERS = frozenset({list, tuple, dict, set, frozenset})
_FLOAT = Struct("<d")
_META_BYTES = 1024
_PICKLED = "stored as a pickle: it can only be read where the class's module can be imported"
_SHARED = "stored as one pickle, because a part of it is referred to from more than one place"


class Payload(NamedTuple):
    """A value on its way into the store."""

    format: str
    type: str
    head: bytes
    buffers: Sequence[Buffer]
    meta: dict[str, Any]


class _Failed(Exception):
    """Pickling some part of the value went wrong; which one is found out from the whole."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(str(cause))
        self.cause = cause


def encode(value: Any, registry: Registry, name: str = "result") -> Payload:
    """The payload of any value.

    Args:
        value: what to store; it is not changed, and not kept.
        registry: the serializers.
        name: what an error calls the value.

    Raises:
        DataError: the value, or something inside it, cannot be stored; says which and what to do.
    """
    try:
        return _encode(value, registry)
    except _Failed as failed:
        from plait.data.culprit import refusal

        raise refusal(value, name, failed.cause) from failed.cause


def _encode(value: Any, registry: Registry) -> Payload:
    kind = type(value)
    if kind in tree.ATOMS:
        return _scalar(value)
    shared = False
    try:
        if kind in _CONTAINERS:
            leaf = _Leaf()
            head, buffers = tree.dump(value, registry, leaf)
            return Payload("tree", kind.__name__, head, buffers, {"length": len(value), **leaf.note()})
        serializer = registry.for_type(kind)
        if serializer is not None:
            return _by(serializer, value, registry)
    except (tree.Shared, RecursionError):
        shared = True
    except (Unsuited, tree.Crowded):
        pass
    try:
        head, buffers = tree.dump(_Leaf()(value)[1], registry, _Leaf())
    except RecursionError as error:
        raise _Failed(error) from error
    return Payload("pickle", type_name(kind), head, buffers, {"note": _SHARED if shared else _PICKLED})


def _by(serializer: Serializer, value: Any, registry: Registry) -> Payload:
    leaf = _Leaf()
    head, buffers = tree.dump_state(serializer, value, registry, leaf)
    describe = getattr(serializer, "describe", None)
    meta = _short(describe(value)) if describe is not None else {}
    return Payload(serializer.name, type_name(type(value)), head, buffers, {**leaf.note(), **meta})


class _Leaf:
    """Pickles what has no serializer of its own, and remembers what it was."""

    def __init__(self) -> None:
        self._types: dict[str, None] = {}

    def __call__(self, value: Any) -> tuple[str, Any]:
        from plait.data.serializers import pickle

        self._types[type_name(type(value))] = None
        try:
            return "pickle", pickle.dump(value)
        except RecursionError:
            raise
        except Exception as error:
            raise _Failed(error) from error

    def note(self) -> dict[str, Any]:
        if not self._types:
            return {}
        names = ", ".join(sorted(self._types)[:3])[:100]
        return {
            "note": f"holds a pickle ({names}): it can only be read where its class's module can be imported"
        }


def _short(meta: dict[str, Any]) -> dict[str, Any]:
    """Meta stands in every row of a list: what is too long loses its longest entries."""
    import msgspec

    while meta and len(msgspec.json.encode(meta)) > _META_BYTES:
        longest = max(meta, key=lambda key: len(msgspec.json.encode(meta[key])))
        meta = {key: held for key, held in meta.items() if key != longest}
    return meta


def decode(format: str, head: Buffer, buffers: Sequence[Buffer], registry: Registry) -> Any:  # noqa: A002
    """The value of a payload; ``buffers`` are its own from now on."""
    if format == "scalar":
        return scalar_value(bytes(head), buffers)
    if format == "tree":
        return tree.load(head, buffers, registry)
    return tree.load_state(registry.by_name(format), head, buffers, registry)


def scalar_head(value: Any, kind: type) -> bytes:
    """The head of a None, bool, int, float, text or bytes. Every type has a mark of its own."""
    if kind is int:
        body: bytes = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
        return b"i" + body
    if kind is float:
        return b"f" + _FLOAT.pack(value)
    if kind is str:
        text: bytes = value.encode("utf-8", "surrogatepass")
        return b"s" + text
    if kind is bytes:
        return b"b" + bytes(value)
    if kind is bool:
        return b"1" if value else b"0"
    return b"n"


def scalar_value(head: bytes, buffers: Sequence[Buffer] = ()) -> Any:
    mark = head[0]
    if mark == 105:  # i
        return int.from_bytes(head[1:], "little", signed=True)
    if mark == 102:  # f
        return _FLOAT.unpack_from(head, 1)[0]
    if mark == 115:  # s
        return str(buffers[0] if buffers else head[1:], "utf-8", "surrogatepass")
    if mark == 98:  # b
        return bytes(buffers[0]) if buffers else head[1:]
    return True if mark == 49 else False if mark == 48 else None


_SMALL_TEXT = 2048


def _scalar(value: Any) -> Payload:
    kind = type(value)
    name = "None" if value is None else kind.__name__
    if kind in (str, bytes) and len(value) > _SMALL_TEXT:
        data = value if kind is bytes else value.encode("utf-8", "surrogatepass")
        return Payload("scalar", name, b"s" if kind is str else b"b", [data], {"length": len(value)})
    return Payload("scalar", name, scalar_head(value, kind), (), {})
