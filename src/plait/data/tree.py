"""How does any nesting of values become one small document and a list of buffers, and back?

The document is msgpack. None, bool, int, float, str and bytes stand for themselves; every other value is an
array whose first item says what follows. Buffers are written and read in the order of a depth-first walk,
so nothing numbers them. The order of a dict's keys is content, for a step can observe it; the order of a
set is not.
"""

from __future__ import annotations

import datetime
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from plait.data.registry import Registry
from plait.data.serializer import Buffer, Raw, Serializer, Unsuited

__all__ = ["ATOMS", "Crowded", "Shared", "dump", "dump_state", "load", "load_state"]

_encode = msgspec.msgpack.encode
_decode = msgspec.msgpack.decode

ATOMS = frozenset({type(None), bool, int, float, str, bytes})
_TEXT = frozenset({str, bytes})
# Sharing these harms nobody.
_FIXED = (type, types.FunctionType, types.BuiltinFunctionType, types.ModuleType, datetime.tzinfo)
# These are part of the format: to change them is to change the ids of the values they concern.
_LONG_LIST = 1024  # items from which a list of atoms is a buffer of its own
_LONG_TEXT = 64 * 1024  # length from which a text or bytes is
_MOST_PICKLES = 64  # parts without a serializer, from which the whole is one pickle
_FEW = 16

Leaf = Callable[[Any], tuple[str, Any]]
"""What a value without a serializer becomes: a serializer's name and its state; raises Unsuited to refuse."""


class Shared(Exception):
    """One mutable value is reached twice: a tree cannot say so, a pickle can."""


class Crowded(Exception):
    """So many parts have no serializer that one pickle of the whole is the better form."""


def dump(value: Any, registry: Registry, leaf: Leaf) -> tuple[bytes, list[Buffer]]:
    """The document and the buffers of a value. Raises Shared, RecursionError, and what ``leaf`` raises."""
    return _dump(lambda writer: writer.node(value), registry, leaf)


def dump_state(
    serializer: Serializer, value: Any, registry: Registry, leaf: Leaf
) -> tuple[bytes, list[Buffer]]:
    """The same for a value that is stored under its serializer's own name."""
    return _dump(lambda writer: writer.state(serializer, value), registry, leaf)


def _dump(write: Callable[[_Writer], Any], registry: Registry, leaf: Leaf) -> tuple[bytes, list[Buffer]]:
    try:
        writer = _Writer(registry, leaf, careful=False)
        return _encode(write(writer)), writer.buffers
    except (UnicodeEncodeError, OverflowError):
        # A number beyond 64 bits or half of a surrogate pair somewhere: ask msgpack container by container.
        writer = _Writer(registry, leaf, careful=True)
        return _encode(write(writer)), writer.buffers


def load(head: Buffer, buffers: Sequence[Buffer], registry: Registry) -> Any:
    return _Reader(registry, buffers).value(_decode(head))


def load_state(serializer: Serializer, head: Buffer, buffers: Sequence[Buffer], registry: Registry) -> Any:
    return serializer.load(load(head, buffers, registry))


class _Writer:
    def __init__(self, registry: Registry, leaf: Leaf, *, careful: bool) -> None:
        self.buffers: list[Buffer] = []
        self._registry = registry
        self._leaf = leaf
        self._careful = careful
        self._seen: set[int] = set()
        self._alive: list[Any] = []  # states are made on the way: an id must not be given out twice
        self._pickles = 0
        self._stored = 0  # how deep inside a library's own objects

    def node(self, value: Any) -> Any:
        kind = type(value)
        if kind in ATOMS:
            return self._atom(value, kind)
        write = _CONTAINERS.get(kind)
        if write is not None:
            return write(self, value)
        if kind is Raw:
            self.buffers.append(value.data)
            return ["r"]
        return self._object(value, kind)

    def _atom(self, value: Any, kind: type) -> Any:
        if kind in _TEXT:
            if len(value) >= _LONG_TEXT:
                self.buffers.append(value if kind is bytes else value.encode("utf-8", "surrogatepass"))
                return ["B"] if kind is bytes else ["U"]
            if self._careful and not _encodable(value):
                return ["u", value.encode("utf-8", "surrogatepass")]
        elif self._careful and kind is int and not _encodable(value):
            return ["i", value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)]
        return value

    def _object(self, value: Any, kind: type) -> Any:
        serializer = self._registry.for_type(kind)
        if serializer is None:
            return self._pickled(value)
        if not getattr(serializer, "immutable", False) and not self._stored:
            self.once(value)
        pickles = self._pickles
        try:
            return ["o", serializer.name, self.state(serializer, value)]
        except Unsuited:
            return self._pickled(value, known=True)
        except (Shared, Crowded):
            if not self._stored:
                raise
            # A column of objects: the column is a pickle then, not the whole table.
            self._pickles = pickles
            return self._pickled(value, known=True)

    def _pickled(self, value: Any, *, known: bool = False) -> Any:
        if not known and not self._stored and not isinstance(value, _FIXED):
            self.once(value)
        self._pickles += 1
        if self._pickles > _MOST_PICKLES:
            raise Crowded
        name, state = self._leaf(value)
        self._alive.append(state)
        return ["o", name, self.node(state)]

    def state(self, serializer: Serializer, value: Any) -> Any:
        """The node of what a serializer makes of a value; nothing is left behind when that is Unsuited."""
        mark = len(self.buffers)
        stored = getattr(serializer, "stored", False)
        self._stored += stored
        try:
            state = serializer.dump(value)
            self._alive.append(state)
            return self.node(state)
        except (Unsuited, Shared, Crowded):
            del self.buffers[mark:]
            raise
        finally:
            self._stored -= stored

    def once(self, value: Any) -> None:
        key = id(value)
        if key in self._seen:
            raise Shared
        self._seen.add(key)

    def plain(self, values: Any) -> bool:
        """Whether msgpack can write all of these as they are."""
        if not ATOMS.issuperset(map(type, values)):
            return False
        if len(values) < _FEW:
            for item in values:
                if type(item) in _TEXT and len(item) >= _LONG_TEXT:
                    return False
        elif _TEXT & set(map(type, values)) and max(map(_length, values)) >= _LONG_TEXT:
            return False
        return not self._careful or _encodable(values if isinstance(values, list) else list(values))

    def items(self, tag: str, values: list[Any]) -> Any:
        """The node of a sequence: a capital tag when its items stand for themselves."""
        if not self.plain(values):
            return [tag, [self.node(item) for item in values]]
        if len(values) < _LONG_LIST:
            return [tag.upper(), values]
        self.buffers.append(_encode(values))
        return [tag.upper()]

    def mapping(self, value: dict[Any, Any]) -> Any:
        self.once(value)
        if len(value) < _LONG_LIST and self.plain(value):
            if self.plain(value.values()):
                return ["D", value]
            return ["d", ["L", list(value)], ["l", [self.node(item) for item in value.values()]]]
        return ["d", self.items("l", list(value)), self.items("l", list(value.values()))]

    def sets(self, tag: str, value: Any) -> Any:
        kinds = set(map(type, value))
        if len(kinds) == 1 and kinds <= {int, str, bytes}:
            return self.items(tag, sorted(value))
        if self.plain(value):
            return self.items(tag, sorted(value, key=_encode))
        each: list[tuple[bytes, list[Buffer]]] = []
        for item in value:
            document, buffers = dump(item, self._registry, self._leaf)
            each.append((document, buffers))
        each.sort(key=lambda pair: (pair[0], [bytes(buffer) for buffer in pair[1]]))
        for _, buffers in each:
            self.buffers.extend(buffers)
        return [tag, [_decode(document) for document, _ in each]]


def _length(item: Any) -> int:
    return len(item) if type(item) in _TEXT else 0


def _encodable(value: Any) -> bool:
    try:
        _encode(value)
    except (UnicodeEncodeError, OverflowError):
        return False
    return True


def _write_list(writer: _Writer, value: list[Any]) -> Any:
    writer.once(value)
    return writer.items("l", value)


def _write_set(writer: _Writer, value: set[Any]) -> Any:
    writer.once(value)
    return writer.sets("s", value)


_CONTAINERS: dict[type, Callable[[_Writer, Any], Any]] = {
    list: _write_list,
    tuple: lambda writer, value: writer.items("t", list(value)),
    dict: lambda writer, value: writer.mapping(value),
    set: _write_set,
    frozenset: lambda writer, value: writer.sets("f", value),
}


class _Reader:
    def __init__(self, registry: Registry, buffers: Sequence[Buffer]) -> None:
        self._registry = registry
        self._buffers: Iterator[Buffer] = iter(buffers)

    def value(self, node: Any) -> Any:
        if type(node) is not list:
            return node
        tag = node[0]
        if tag in _PLAIN:
            return _PLAIN[tag](node[1] if len(node) > 1 else _decode(next(self._buffers)))
        if tag in _NESTED:
            return _NESTED[tag]([self.value(item) for item in node[1]])
        if tag == "d":
            keys = self.value(node[1])
            return dict(zip(keys, self.value(node[2]), strict=True))
        if tag == "o":
            return self._registry.by_name(node[1]).load(self.value(node[2]))
        return self._special(tag, node)

    def _special(self, tag: str, node: list[Any]) -> Any:
        if tag == "r":
            return memoryview(next(self._buffers))
        if tag == "B":
            return bytes(next(self._buffers))
        if tag == "U":
            return str(next(self._buffers), "utf-8", "surrogatepass")
        if tag == "u":
            return str(node[1], "utf-8", "surrogatepass")
        if tag == "i":
            return int.from_bytes(node[1], "little", signed=True)
        raise ValueError(f"a stored document has the unknown mark {tag!r}")


def _same(items: Any) -> Any:
    return items


_PLAIN: dict[str, Callable[[Any], Any]] = {
    "L": _same,
    "T": tuple,
    "S": set,
    "F": frozenset,
    "D": _same,
}
_NESTED: dict[str, Callable[[Any], Any]] = {"l": _same, "t": tuple, "s": set, "f": frozenset}
