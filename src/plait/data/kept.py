"""What of a store behind a URL is kept on this machine? What was read and written lately, up to a size."""

from __future__ import annotations

import contextlib
import os

from plait.data.artifact import Part
from plait.data.blobs import LocalBlobs
from plait.data.serializer import Buffer
from plait.errors import StoreError

__all__ = ["KeptBlobs"]

_LEAVES = 0.9  # of the size, when something has to go
_LOOKS_EVERY = 0.05  # of the size, in bytes that were added


class KeptBlobs:
    """A folder of blobs that may be lost at any time: nothing waits for the disk, and no failure of it matters.

    One folder serves all stores and processes, since equal names are equal bytes; each blob is checked against its
    name when it is read.
    """

    def __init__(self, root: str | os.PathLike[str], most: int) -> None:
        self._local = LocalBlobs(os.fspath(root), durable=False)
        self._most = most
        self._added = most  # so that the first process that adds something looks
        self._used: set[str] = set()

    def get(self, part: Part) -> Buffer | None:
        """The bytes, or None if they are not here whole."""
        try:
            found = self._local.get(part)
        except StoreError:
            with contextlib.suppress(StoreError):
                self._local.delete(part.id)
            return None
        if part.id not in self._used:
            self._used.add(part.id)
            self._local.touch(part)
        return found

    def put(self, part: Part, data: Buffer) -> None:
        if part.size > self._most:
            return
        with contextlib.suppress(StoreError):
            self._local.put(part, data)
            self._added += part.size
            if self._added > self._most * _LOOKS_EVERY:
                self._added = 0
                self._make_room()

    def delete(self, blob: str) -> None:
        with contextlib.suppress(StoreError):
            self._local.delete(blob)

    def _make_room(self) -> None:
        """What was used longest ago goes first."""
        known = sorted(self._local.list(), key=lambda one: one[2])
        total = sum(size for _, size, _ in known)
        if total <= self._most:
            return
        for blob, size, _ in known:
            if total <= self._most * _LEAVES:
                return
            self._local.delete(blob)
            total -= size
