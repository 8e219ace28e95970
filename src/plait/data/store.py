"""How is a value put away under the name of its content, and got back?"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from plait.data.access import Access
from plait.data.artifact import Artifact, Part
from plait.data.blobs import Blobs, open_blobs
from plait.data.encode import decode, encode, scalar_head, scalar_value
from plait.data.framing import HEAD_LIMIT, frame, unframe
from plait.data.hashing import artifact_id, blob_id
from plait.data.registry import REGISTRY
from plait.data.serializer import Buffer
from plait.errors import DataError, SecretFound, StoreError

__all__ = ["ArtifactStore"]

_SMALL = frozenset({type(None), bool, int, float, str, bytes})
_SHORT = 1024  # a text of that length surely fits in a head; a longer one is looked at in full
_GATHERED = "gathered"
_MOST_LISTS = 8


REFERENCES = frozenset({"dataset", "parameter"})  # formats of artifacts that only name where a value is


class ArtifactStore:
    """Values by content: equal values are stored once, and each load gives a value of its own.

    Args:
        url: a folder, or a URL that fsspec knows, such as ``s3://bucket/prefix`` or ``memory://store``.
            Nothing is created before the first value that does not fit in its artifact.
        cache: for a URL, a local folder that keeps what was read from it and written to it.
        access: for a URL, how it is reached.
    """

    def __init__(
        self,
        url: str | os.PathLike[str],
        cache: str | os.PathLike[str] | None = None,
        access: Access | None = None,
    ) -> None:
        self.url = os.fspath(url)
        self._cache = cache
        self._access = access
        self._opened: Blobs | None = None
        self._lists: dict[str, tuple[Any, list[Artifact]]] = {}
        self._scalars: dict[str, list[Any]] = {}

    read_reference: Callable[[Artifact], Any] | None = None
    """Reads what an artifact only refers to, such as a dataset; set by whoever knows the project."""

    forbidden: Callable[[Buffer], bool] | None = None
    """Says of bytes whether they must not be stored, such as a secret's."""

    def __repr__(self) -> str:
        return f"ArtifactStore({self.url!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.url, self._cache, self._access)

    @property
    def access(self) -> Access | None:
        """How it is reached, where it is behind a URL."""
        return self._access

    @property
    def _blobs(self) -> Blobs:
        if self._opened is None:
            self._opened = open_blobs(self.url, self._cache, self._access)
        return self._opened

    def save(self, value: Any, name: str = "result") -> Artifact:
        """Store a value. It is on the disk when this returns; the value itself is neither changed nor kept.

        Equal values get equal ids: same type, same content, down to dtypes, key types, the sign of zero, a
        time's ``fold``, and the order of a dict's keys (a step can observe it); not the order of a set, nor
        how an array lies in memory, nor which equal immutable objects are one and the same. One list that
        is reached twice is not two equal lists, for a change to it shows twice. A NaN is kept bit by bit.

        Args:
            value: anything; what has no serializer of its own is pickled.
            name: what an error calls the value.

        Raises:
            DataError: something in the value cannot be stored; says where it is and what to do.
            StoreError: the store cannot be written; says why and what to do. Nothing is left half-written.
        """
        kind = type(value)
        if kind in _SMALL and ((kind is not str and kind is not bytes) or len(value) <= _SHORT):
            head = b"\0" + scalar_head(value, kind)
            if len(head) <= HEAD_LIMIT:
                self._refuse_forbidden(name, (head,))
                name = "None" if value is None else kind.__name__
                return Artifact(artifact_id("scalar", head, None, ()), "scalar", name, len(head), head)
        payload = encode(value, REGISTRY, name)
        self._refuse_forbidden(name, (payload.head, *payload.buffers))
        framed, large = frame(payload.head, payload.buffers)
        return self._keep(payload.format, payload.type, framed, large, payload.meta)

    def _refuse_forbidden(self, name: str, data: Iterable[Buffer]) -> None:
        if self.forbidden is not None and any(map(self.forbidden, data)):
            raise SecretFound(
                f"{name} holds a secret of this project, which must not be stored",
                hint="hand on what was made with the secret; who needs the secret itself takes it as a parameter",
            )

    def _keep(
        self,
        format: str,  # noqa: A002
        type: str,  # noqa: A002
        framed: bytes,
        large: list[Buffer],
        meta: dict[str, Any],
    ) -> Artifact:
        parts = tuple(Part(blob_id(data), len(data)) for data in large)
        if parts:
            self._blobs.put_all(list(zip(parts, large, strict=True)))
        size = len(framed) + sum(part.size for part in parts)
        ids = [part.id for part in parts]
        if len(framed) <= HEAD_LIMIT:
            name = artifact_id(format, framed, None, ids)
            return Artifact(name, format, type, size, framed, None, parts, meta)
        head_part = Part(blob_id(framed), len(framed))
        self._blobs.put(head_part, framed)
        name = artifact_id(format, b"", head_part.id, ids)
        return Artifact(name, format, type, size, None, head_part, parts, meta)

    @staticmethod
    def identify(value: Any, name: str = "value") -> str:
        """The id that ``save`` would give a value; nothing is stored."""
        payload = encode(value, REGISTRY, name)
        framed, large = frame(payload.head, payload.buffers)
        ids = [blob_id(data) for data in large]
        if len(framed) <= HEAD_LIMIT:
            return artifact_id(payload.format, framed, None, ids)
        return artifact_id(payload.format, b"", blob_id(framed), ids)

    def load(self, artifact: Artifact) -> Any:
        """The value, a fresh one each time: change it freely, neither the store nor another load sees it.

        Large buffers are mapped, not read: an array or a column takes memory only where it is touched.

        Raises:
            StoreError: a blob is gone or was altered, or the store cannot be reached.
            DataError: what reads the value (a plugin, the class's module) is not here.
        """
        head = artifact.head
        if head is not None and artifact.format == "scalar" and head[0] == 0:
            return scalar_value(head[1:])
        if artifact.format == _GATHERED:
            return self._load_gathered(artifact)
        if artifact.format in REFERENCES:
            if self.read_reference is None:
                raise DataError(f"{artifact.type} is a reference to {artifact.meta}, which is not read here")
            return self.read_reference(artifact)
        framed = self._head(artifact)
        body, buffers = unframe(framed, self._blobs.get_all(artifact.parts) if artifact.parts else [])
        return decode(artifact.format, body, buffers, REGISTRY)

    def _head(self, artifact: Artifact) -> Buffer:
        if artifact.head is not None:
            return artifact.head
        if artifact.head_part is None:
            raise StoreError(
                f"the artifact {artifact.id} says neither what its head is nor where",
                hint="its record was cut off: run the step that made the value again",
            )
        return self._blobs.get(artifact.head_part)

    def gather(self, items: list[Any]) -> Artifact:
        """One artifact for a (nested) list of artifacts: it loads as the list of their values.

        It holds the artifacts themselves, so it loads on its own; their blobs are not written again. Costs
        about a microsecond per item.
        """
        flat: list[Artifact] = []
        shape = _flatten(items, flat)
        # Without ``meta``: the same content has the same id, whatever is told about it.
        bare = [(a.id, a.format, a.type, a.size, a.head, a.head_part, a.parts) for a in flat]
        framed, _ = frame(msgspec.msgpack.encode((shape, bare)), ())
        meta = {"length": len(items), "bytes": sum(artifact.size for artifact in flat)}
        return self._keep(_GATHERED, "list", framed, [], meta)

    def _gathered(self, artifact: Artifact) -> tuple[Any, list[Artifact]]:
        known = self._lists.get(artifact.id)
        if known is None:
            body, _ = unframe(self._head(artifact), ())
            known = msgspec.msgpack.decode(body, type=tuple[Any, list[Artifact]])
            if len(self._lists) >= _MOST_LISTS:  # one that many tasks get is asked for again at once
                self._lists.clear()
                self._scalars.clear()
            self._lists[artifact.id] = known
        return known

    def _load_gathered(self, artifact: Artifact) -> list[Any]:
        shape, flat = self._gathered(artifact)
        values = self._scalars.get(artifact.id)
        if values is None:
            values = [self.load(item) for item in flat]
            if all(item.format == "scalar" and not item.parts for item in flat):  # nobody can change those
                self._scalars[artifact.id] = values
        return list(values) if shape is None else _nest(shape, iter(values))

    def items(self, artifact: Artifact) -> list[Any] | None:
        """The (nested) list of artifacts that ``gather`` made one of; None for any other artifact."""
        if artifact.format != _GATHERED:
            return None
        shape, flat = self._gathered(artifact)
        return flat if shape is None else _nest(shape, iter(flat))

    def references(self, artifact: Artifact) -> Iterator[str]:
        """The ids of all blobs that an artifact needs, gathered ones included: what a collector must keep."""
        for part in self.parts(artifact):
            yield part.id

    def parts(self, artifact: Artifact) -> Iterator[Part]:
        """All blobs that an artifact needs, gathered ones included."""
        yield from _own_parts(artifact)
        if artifact.format == _GATHERED:
            for item in self._gathered(artifact)[1]:
                yield from self.parts(item)

    def read_blob(self, part: Part) -> Buffer:
        """The bytes of a blob, checked against its name.

        Raises:
            StoreError: it is gone or was altered, or the store cannot be reached.
        """
        return self._blobs.get(part)

    def write_blob(self, part: Part, data: Buffer) -> None:
        """Store the bytes of a blob under its name, which is theirs.

        Raises:
            StoreError: the store cannot be written.
        """
        self._blobs.put(part, data)

    def blob_fault(self, part: Part) -> str | None:
        """None when a blob is there and its bytes match its name; else what is wrong, in one sentence."""
        return self._blobs.fault(part)

    def check(self, artifact: Artifact) -> str | None:
        """None when every blob is there and matches its hash; else what is wrong, in one sentence."""
        for part in _own_parts(artifact):
            fault = self._blobs.fault(part)
            if fault is not None:
                return fault
        head_id = None if artifact.head_part is None else artifact.head_part.id
        ids = [part.id for part in artifact.parts]
        if artifact_id(artifact.format, artifact.head or b"", head_id, ids) != artifact.id:
            return f"the record of the artifact {artifact.id} was altered: it does not match its own id"
        if artifact.format == _GATHERED:
            for item in self._gathered(artifact)[1]:
                fault = self.check(item)
                if fault is not None:
                    return fault
        return None

    def claim(self, artifact: Artifact) -> str | None:
        """Say that an artifact is in use from now on, and look whether it is there; what is wrong, in one sentence.

        In a folder its bytes are read and checked; behind a URL their presence and size, the bytes when it is loaded.
        """
        fault = self._blobs.claim(list(_own_parts(artifact)))
        if fault is not None:
            return fault
        head_id = None if artifact.head_part is None else artifact.head_part.id
        ids = [part.id for part in artifact.parts]
        if artifact_id(artifact.format, artifact.head or b"", head_id, ids) != artifact.id:
            return f"the record of the artifact {artifact.id} was altered: it does not match its own id"
        if artifact.format == _GATHERED:
            # All of them at once: a list of many is as quick to look for as one.
            inside = [part for item in self._leaves(artifact) for part in _own_parts(item)]
            return self._blobs.claim(inside) if inside else None
        return None

    def _leaves(self, artifact: Artifact) -> Iterator[Artifact]:
        for item in self._gathered(artifact)[1]:
            yield item
            if item.format == _GATHERED:
                yield from self._leaves(item)

    def discard(self, artifact: Artifact) -> None:
        """Remove those blobs of an artifact that are damaged, so that saving the value again heals the store."""
        for part in _own_parts(artifact):
            if self._blobs.fault(part) is not None:
                self._blobs.delete(part.id)
        if artifact.format == _GATHERED and self.check(artifact) is not None and not self._damaged(artifact):
            for item in self._gathered(artifact)[1]:
                self.discard(item)

    def _damaged(self, artifact: Artifact) -> bool:
        return any(self._blobs.fault(part) is not None for part in _own_parts(artifact))

    def blobs(self) -> Iterator[tuple[str, int, float]]:
        """Id, size in bytes and time of last use (seconds since 1970) of every blob in the store."""
        return self._blobs.list()

    def delete(self, blob_id: str) -> None:
        """Remove a blob; no harm if it is gone already. Values that were loaded from it stay as they are."""
        self._blobs.delete(blob_id)

    def touch(self, artifact: Artifact) -> None:
        """Say that an artifact is in use from now on, so that a collector that runs just now leaves its blobs."""
        for part in _own_parts(artifact):
            self._blobs.touch(part)
        if artifact.format == _GATHERED and not self._damaged(artifact):
            for item in self._gathered(artifact)[1]:
                self.touch(item)

    def reclaim(self, blob_id: str, since: float) -> int:
        """Remove a blob unless somebody has used it since a time; how many bytes that gave back."""
        return self._blobs.reclaim(blob_id, since)

    def sweep(self, before: float) -> int:
        """Remove what killed writers left half-written before a time (seconds since 1970); how many files."""
        return self._blobs.sweep(before)


def _own_parts(artifact: Artifact) -> Iterator[Part]:
    if artifact.head_part is not None:
        yield artifact.head_part
    yield from artifact.parts


def _flatten(items: list[Any], flat: list[Artifact]) -> Any:
    """Collect the artifacts; the shape is None for a flat list, else a list of zeros and such lists."""
    if all(type(item) is Artifact for item in items):
        flat.extend(items)
        return None
    return _shape(items, flat)


def _shape(items: list[Any], flat: list[Artifact]) -> list[Any]:
    shape: list[Any] = []
    for item in items:
        if isinstance(item, Artifact):
            flat.append(item)
            shape.append(0)
        elif isinstance(item, list):
            shape.append(_shape(item, flat))
        else:
            raise DataError(
                f"gather takes artifacts and lists of them, and got a {type(item).__name__}",
                hint="save the value first",
            )
    return shape


def _nest(shape: list[Any], values: Iterator[Any]) -> list[Any]:
    return [next(values) if inner == 0 else _nest(inner, values) for inner in shape]
