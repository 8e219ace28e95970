"""What is the name of these bytes, and of this value?"""

from __future__ import annotations

from collections.abc import Sequence

from blake3 import blake3

from plait.data.serializer import Buffer

__all__ = ["ID_BYTES", "artifact_id", "blob_id"]

# 160 bits: among 10^12 blobs two share a name by chance with a probability below 10^-24, and 40 letters
# instead of 64 make rows, messages and pages a third shorter. Forging a pair costs 2^80 hashes; whoever can
# write to the store has cheaper ways to do harm. `b3sum --length 20 FILE` prints the same, so any blob can
# be checked by hand.
ID_BYTES = 20


def blob_id(data: Buffer) -> str:
    return blake3(data).hexdigest(length=ID_BYTES)


def artifact_id(format: str, head: bytes, head_id: str | None, part_ids: Sequence[str]) -> str:  # noqa: A002
    """The content address of a value: its serializer, its head (by hash where it is a blob), its parts.

    Every piece is delimited, so no two different sequences of pieces read the same.
    """
    if head_id is not None:
        head = b"blob:" + head_id.encode()
    text = b"%s\0%d:%s%s" % (format.encode(), len(head), head, "".join(part_ids).encode())
    return blake3(text).hexdigest(length=ID_BYTES)
