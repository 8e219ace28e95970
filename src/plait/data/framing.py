"""Which bytes of a payload stay together, and which are blobs of their own?"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from plait.data.serializer import Buffer
from plait.errors import StoreError

__all__ = ["HEAD_LIMIT", "PART_LIMIT", "frame", "unframe"]

# Both are part of the format: to change them is to change the ids of the values they concern.
HEAD_LIMIT = 4 * 1024  # up to here a head travels with its artifact, in rows and messages
PART_LIMIT = 64 * 1024  # from here a buffer is a blob of its own, so that it is stored once and can be mapped

_BARE = b"\0"
_PACKED = b"\1"


def frame(head: bytes, buffers: Sequence[Buffer]) -> tuple[bytes, list[Buffer]]:
    """One head that holds the small buffers too, and the large buffers in their order."""
    if not buffers:
        return _BARE + head, []
    small: list[Buffer | None] = []
    large: list[Buffer] = []
    for buffer in buffers:
        if len(buffer) < PART_LIMIT:
            small.append(buffer)
        else:
            small.append(None)
            large.append(buffer)
    return _PACKED + msgspec.msgpack.encode((head, small)), large


def unframe(framed: Buffer, large: Sequence[Buffer]) -> tuple[Buffer, list[Buffer]]:
    """The head and all buffers again; each is writable, and nobody else's."""
    mark = bytes(framed[:1])
    if mark == _BARE:
        return memoryview(framed)[1:], []
    if mark != _PACKED:
        raise StoreError(
            "an artifact begins with bytes that this version of plait does not know",
            hint="it was written by a newer plait: upgrade, or run the step that made it again",
        )
    head, small = msgspec.msgpack.decode(memoryview(framed)[1:], type=tuple[bytes, list[bytearray | None]])
    rest = iter(large)
    return head, [next(rest) if buffer is None else buffer for buffer in small]
