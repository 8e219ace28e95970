"""How is a value of any other class stored, with the same bytes for the same content?

Plain pickling writes which objects are shared *by identity*: two equal texts are one object in one process
and two in the next. Here what is immutable is compared by value, sets are written in the order of their
content, arrays and frames are stored as they are outside a pickle, and functions and classes that no import
finds travel with their code.
"""

from __future__ import annotations

import importlib
import io
import pickle
import types
from typing import Any

from plait.data import tree
from plait.data.registry import REGISTRY
from plait.data.serializer import Codec, Raw, Unsuited
from plait.data.serializers.classes import by_content

__all__ = ["PICKLE", "dump", "load"]

_PROTOCOL = 5
_BUILTIN = frozenset(
    {
        type(None),
        bool,
        int,
        float,
        str,
        bytes,
        bytearray,
        list,
        tuple,
        dict,
        set,
        frozenset,
        pickle.PickleBuffer,
    }
)

_FLAT = frozenset({type(None), bool, int, float, str, bytes})
_SKELETONS = ("_make_skeleton_class", "_make_skeleton_enum")
_CODE = object()
# Libraries whose objects hold addresses and counters of their process, and who knows how to leave these out.
_AMENDED = {
    "matplotlib": "plait.data.serializers.figures",
    "sklearn": "plait.data.serializers.estimators",
}


def dump(value: Any) -> list[Raw]:
    """The pickle and its out-of-band buffers, each as a buffer. Raises what pickling the value raises."""
    file = io.BytesIO()
    pickler = _Pickler(file)
    pickler.dump(value)
    return [Raw(file.getbuffer()), *(Raw(view) for view in pickler.views)]


def load(state: list[memoryview]) -> Any:
    return pickle.loads(state[0], buffers=state[1:])


PICKLE = Codec("pickle", dump, load)


def _no_leaf(value: Any) -> tuple[str, Any]:
    raise Unsuited


def _embedded(name: str, document: bytes, *buffers: Any) -> Any:
    """What a pickle calls for a value that has a serializer of its own."""
    serializer = REGISTRY.by_name(name)
    return tree.load_state(serializer, document, buffers, REGISTRY)


_Base: Any = pickle._Pickler  # type: ignore[attr-defined,unused-ignore]


class _Pickler(_Base):  # type: ignore[misc]
    """The standard library's pickler in Python: the one in C does not let go of identity."""

    def __init__(self, file: io.BytesIO) -> None:
        import cloudpickle

        super().__init__(file, protocol=_PROTOCOL, buffer_callback=lambda view: None)
        self.views: list[memoryview] = []
        self._texts: dict[type, dict[Any, int]] = {str: {}, bytes: {}}
        self._ways: dict[type, Any] = {}
        self._code = cloudpickle.Pickler(io.BytesIO(), protocol=_PROTOCOL)
        self.dispatch_table = self._code.dispatch_table

    def save(self, obj: Any, save_persistent_id: bool = True) -> Any:
        kind = type(obj)
        if kind in _FLAT:
            self.framer.commit_frame()
            return self.dispatch[kind](self, obj)
        if kind not in _BUILTIN and id(obj) not in self.memo:
            way = self._way(kind)
            if way is not None and getattr(way, "immutable", False):
                reduced = self._reduced(obj, way)
                if reduced is NotImplemented:
                    reduced = obj.__reduce_ex__(_PROTOCOL)
                if isinstance(reduced, tuple):
                    # Saved without being remembered: the next equal one is written the same way.
                    return self.save_reduce(*reduced)
        return _Base.save(self, obj, save_persistent_id)

    def reducer_override(self, obj: Any) -> Any:
        kind = type(obj)
        way = None if kind in _BUILTIN else self._way(kind)
        return NotImplemented if way is None else self._reduced(obj, way)

    def _way(self, kind: type) -> Any:
        """What is special about a type: its serializer, who amends its pickles, or that it is code; None."""
        try:
            return self._ways[kind]
        except KeyError:
            serializer = REGISTRY.for_type(kind)
            way: Any = None
            if getattr(serializer, "embeds", False) or getattr(serializer, "immutable", False):
                way = serializer
            elif issubclass(kind, (type, types.FunctionType)):
                way = _CODE
            else:
                way = _AMENDED.get(kind.__module__.partition(".")[0])
            self._ways[kind] = way
            return way

    def _reduced(self, obj: Any, way: Any) -> Any:
        if way is _CODE:
            reduced = self._code.reducer_override(obj)
            if isinstance(reduced, tuple) and reduced[0].__name__ in _SKELETONS:
                return by_content(obj, reduced)
            return reduced
        if isinstance(way, str):
            return importlib.import_module(way).amended(obj)
        if not getattr(way, "embeds", False):
            return NotImplemented
        try:
            document, buffers = tree.dump_state(way, obj, REGISTRY, _no_leaf)
        except (Unsuited, tree.Shared, RecursionError):
            return NotImplemented
        return _embedded, (way.name, document, *map(pickle.PickleBuffer, buffers))

    def _save_text(self, obj: Any) -> None:
        texts = self._texts[type(obj)]
        known = texts.get(obj)
        if known is not None:
            self.write(self.get(known))
            return
        _Base.dispatch[type(obj)](self, obj)
        entry = self.memo.get(id(obj))
        if entry is not None:
            texts[obj] = entry[0]

    def _save_tuple(self, obj: tuple[Any, ...]) -> None:
        size = len(obj)
        if size > 3:
            self.write(pickle.MARK)
        for item in obj:
            self.save(item)
        self.write(_TUPLE_ENDS[size] if size <= 3 else pickle.TUPLE)

    def _save_set(self, obj: set[Any]) -> None:
        self.write(pickle.EMPTY_SET)
        self.memoize(obj)
        self.write(pickle.MARK)
        for item in _in_order(obj):
            self.save(item)
        self.write(pickle.ADDITEMS)

    def _save_frozenset(self, obj: frozenset[Any]) -> None:
        self.write(pickle.MARK)
        for item in _in_order(obj):
            self.save(item)
        self.write(pickle.FROZENSET)

    def _save_buffer(self, obj: pickle.PickleBuffer) -> None:
        # Whether the sender's buffer is read-only is no part of the value; the receiver's is always its own.
        self.views.append(obj.raw())
        self.write(pickle.NEXT_BUFFER)

    dispatch = {  # noqa: RUF012
        **_Base.dispatch,
        str: _save_text,
        bytes: _save_text,
        tuple: _save_tuple,
        set: _save_set,
        frozenset: _save_frozenset,
        pickle.PickleBuffer: _save_buffer,
    }


_TUPLE_ENDS = (pickle.EMPTY_TUPLE, pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3)


def _in_order(items: Any) -> list[Any]:
    """The items of a set by content; each is pickled alone to be compared."""
    kinds = set(map(type, items))
    if len(kinds) == 1 and kinds <= {int, str, bytes}:
        return sorted(items)
    return [item for _, item in sorted(((_alone(item), item) for item in items), key=lambda pair: pair[0])]


def _alone(item: Any) -> tuple[bytes, ...]:
    return tuple(bytes(raw.data) for raw in dump(item))
