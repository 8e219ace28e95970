"""Where do the bytes lie, and how do they get there whole or not at all?"""

# A Path costs ten times as much as these calls, and they stand in the way of every value.
# ruff: noqa: PTH100, PTH102, PTH111, PTH112, PTH120
from __future__ import annotations

import contextlib
import errno
import mmap
import os
import sys
import time
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from plait.data.access import Access
from plait.data.artifact import Part
from plait.data.hashing import blob_id
from plait.data.serializer import Buffer
from plait.errors import StoreError

__all__ = ["Blobs", "LocalBlobs", "altered", "missing", "open_blobs"]

_list = list  # what ``list`` means outside the classes that have a method of that name
_MAP_FROM = 256 * 1024  # bytes from which mapping a file is cheaper than reading it
# A map keeps a file open (before Python 3.13) and uses up one of the process's mappings: most are the user's.
_MOST_MAPS = 10_000 if sys.version_info >= (3, 13) else 200
_REMEMBERED = 100_000
_UNFINISHED = "tmp"  # beside the blobs, so that a rename never crosses file systems
_ASIDE = ".aside"
_CHUNK = 64 * 1024 * 1024


class Blobs(Protocol):
    """A place for bytes under their hash."""

    def put(self, part: Part, data: Buffer) -> None: ...

    def get(self, part: Part) -> Buffer:
        """The bytes, checked against their hash, in a writable buffer that nobody else sees."""

    def put_all(self, blobs: Sequence[tuple[Part, Buffer]]) -> None: ...

    def get_all(self, parts: Sequence[Part]) -> _list[Buffer]: ...

    def claim(self, parts: Sequence[Part]) -> str | None:
        """Say that blobs are in use from now on; what is wrong with the first that is not there, or not whole."""

    def fault(self, part: Part) -> str | None:
        """What is wrong with a blob, as the end of a sentence; None when it is whole."""

    def list(self) -> Iterator[tuple[str, int, float]]: ...

    def delete(self, blob: str) -> None: ...

    def sweep(self, before: float) -> int: ...

    def touch(self, part: Part) -> None:
        """Say that a blob is in use, so that no collector takes it; no harm if it is gone."""

    def reclaim(self, blob: str, since: float) -> int:
        """Remove a blob that was not in use since a time; how many bytes that gave back, 0 if it was in use."""


def open_blobs(url: str, cache: str | os.PathLike[str] | None = None, access: Access | None = None) -> Blobs:
    """The blobs of a folder or of an fsspec URL. Touches neither."""
    if url.startswith("file://"):
        url = url.removeprefix("file://")
    if "://" not in url and "::" not in url:
        return LocalBlobs(url)
    from plait.data.remote import RemoteBlobs

    return RemoteBlobs(url, None if cache is None else os.fspath(cache), access)


def missing(part: Part, place: str) -> StoreError:
    return StoreError(
        f"the artifact store {place} has lost the blob {part.id}",
        hint="run the step that made the value again; it is stored anew under the same name",
    )


def altered(part: Part, place: str, fault: str) -> StoreError:
    return StoreError(
        f"the blob {part.id} in the artifact store {place} {fault}",
        hint="something else wrote to the store, or its disk is failing: delete the blob, then run the step "
        "that made the value again",
    )


class LocalBlobs:
    """Blobs in a folder: ``blobs/ab/cdef…``, and beside them what is being written."""

    def __init__(self, root: str, *, durable: bool = True) -> None:
        self.root = os.path.abspath(os.path.expanduser(root))
        self._durable = durable
        self._maps: weakref.WeakSet[mmap.mmap] = weakref.WeakSet()
        self._whole: dict[str, tuple[int, int]] = {}

    def path(self, blob: str) -> str:
        return f"{self.root}/blobs/{blob[:2]}/{blob[2:]}"

    def put(self, part: Part, data: Buffer) -> None:
        path = self.path(part.id)
        # Whoever stores a value anew has the right bytes in his hands: the one moment to mend what lies there.
        if self._present(path, part) and self._is_whole(path, part):
            return
        try:
            self._write(path, data)
        except OSError as error:
            if os.name == "nt" and self._present(
                path, part
            ):  # another process has just put it there and maps it
                return
            raise self._refused(error) from error

    def _present(self, path: str, part: Part) -> bool:
        """Whether the blob is there; if so a collector learns from its time that it is in use again."""
        try:
            found = os.stat(path)
        except OSError:
            return False
        if found.st_size != part.size:
            return False
        now = time.time_ns()
        try:
            os.utime(path, ns=(now, now))
        except FileNotFoundError:  # a collector was quicker: it is written anew
            return False
        except OSError:  # not ours to touch; a collector that runs as its owner sees the old time
            return True
        if self._whole.get(part.id) == (found.st_ino, found.st_mtime_ns):
            self._whole[part.id] = (found.st_ino, now)
        return True

    def put_all(self, blobs: Sequence[tuple[Part, Buffer]]) -> None:
        for part, data in blobs:
            self.put(part, data)

    def get_all(self, parts: Sequence[Part]) -> _list[Buffer]:
        return [self.get(part) for part in parts]

    def claim(self, parts: Sequence[Part]) -> str | None:
        for part in parts:
            self.touch(part)  # before the look: from here on no collector takes it
            fault = self.fault(part)
            if fault is not None:
                return fault
        return None

    def _is_whole(self, path: str, part: Part) -> bool:
        """Whether a blob's bytes are those of its name; they are read unless this process has read them before."""
        known = self._whole.get(part.id)
        if known is not None:
            with contextlib.suppress(OSError):
                found = os.stat(path)
                if known == (found.st_ino, found.st_mtime_ns):
                    return True
        try:
            self.get(part)
        except StoreError:
            return False
        return True

    def touch(self, part: Part) -> None:
        self._present(self.path(part.id), part)

    def reclaim(self, blob: str, since: float) -> int:
        # Set aside first, looked at then: who touched it before is seen in its time, who comes later finds nothing
        # there and writes it anew.
        path, aside = self.path(blob), f"{self.root}/{_UNFINISHED}/{blob}{_ASIDE}"
        self._whole.pop(blob, None)
        try:
            _make(f"{self.root}/{_UNFINISHED}")
            os.replace(path, aside)
            found = os.stat(aside)
            if found.st_mtime >= since:
                os.replace(aside, path)
                return 0
            os.unlink(aside)
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise StoreError(
                f"cannot delete the blob {blob} in the artifact store {self.root}: {error.strerror or error}",
                hint="make the folder writable for the user who runs this",
            ) from error
        return found.st_size

    def _write(self, path: str, data: Buffer) -> None:
        folder = os.path.dirname(path)
        temporary = f"{self.root}/{_UNFINISHED}/{os.getpid()}-{os.urandom(8).hex()}"
        try:
            file = os.open(temporary, _NEW, 0o666)
        except FileNotFoundError:
            _make(f"{self.root}/{_UNFINISHED}")
            file = os.open(temporary, _NEW, 0o666)
        try:
            try:
                _write_all(file, data)
                if os.utime in os.supports_fd:
                    # A time to the nanosecond instead of the last clock tick: any later change shows in it.
                    now = time.time_ns()
                    os.utime(file, ns=(now, now))
                if self._durable:
                    os.fsync(file)
            finally:
                os.close(file)
            try:
                os.replace(temporary, path)
            except FileNotFoundError:
                _make(folder)
                os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise
        if self._durable:
            _sync_folder(folder)

    def _refused(self, error: OSError) -> StoreError:
        return StoreError(
            f"cannot write to the artifact store {self.root}: {error.strerror or error}", hint=_advice(error)
        )

    def get(self, part: Part) -> Buffer:
        path = self.path(part.id)
        try:
            file = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except FileNotFoundError:
            raise missing(part, self.root) from None
        except OSError as error:
            raise self._unreadable(error) from error
        try:
            found = os.fstat(file)
            if found.st_size != part.size:
                raise altered(part, self.root, f"is {found.st_size} bytes long instead of {part.size}")
            data = self._read(file, part.size)
        except OSError as error:
            raise self._unreadable(error) from error
        finally:
            os.close(file)
        stamp = (found.st_ino, found.st_mtime_ns)
        if self._whole.get(part.id) != stamp:
            if blob_id(data) != part.id:
                raise altered(part, self.root, "was altered: its bytes do not match its name")
            if len(self._whole) >= _REMEMBERED:
                self._whole.clear()
            self._whole[part.id] = stamp
        return data

    def _read(self, file: int, size: int) -> Buffer:
        if size >= _MAP_FROM and len(self._maps) < _MOST_MAPS:
            with contextlib.suppress(OSError):
                if sys.version_info >= (3, 13) and os.name != "nt":
                    mapped = mmap.mmap(file, size, access=mmap.ACCESS_COPY, trackfd=False)
                else:
                    mapped = mmap.mmap(file, size, access=mmap.ACCESS_COPY)
                self._maps.add(mapped)
                return memoryview(mapped)
        data = bytearray(size)
        view, done = memoryview(data), 0
        while done < size:
            count = (
                os.readv(file, [view[done : done + _CHUNK]])
                if hasattr(os, "readv")
                else _read_into(file, view, done)
            )
            if not count:
                raise OSError(errno.EIO, "the file ended early")
            done += count
        return data

    def _unreadable(self, error: OSError) -> StoreError:
        return StoreError(
            f"cannot read from the artifact store {self.root}: {error.strerror or error}",
            hint="check that the folder can be reached and read by the user who runs this",
        )

    def fault(self, part: Part) -> str | None:
        self._whole.pop(part.id, None)
        try:
            self.get(part)
        except StoreError as error:
            return error.what
        return None

    def list(self) -> Iterator[tuple[str, int, float]]:
        try:
            folders = sorted(entry.name for entry in os.scandir(f"{self.root}/blobs") if entry.is_dir())
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._unreadable(error) from error
        for folder in folders:
            for entry in os.scandir(f"{self.root}/blobs/{folder}"):
                with contextlib.suppress(FileNotFoundError):
                    found = entry.stat()
                    yield folder + entry.name, found.st_size, found.st_mtime

    def delete(self, blob: str) -> None:
        self._whole.pop(blob, None)
        try:
            os.unlink(self.path(blob))
        except FileNotFoundError:
            return
        except OSError as error:
            raise StoreError(
                f"cannot delete the blob {blob} in the artifact store {self.root}: {error.strerror or error}",
                hint="make the folder writable for the user who runs this",
            ) from error

    def sweep(self, before: float) -> int:
        """Remove what killed writers left behind before a time (seconds since 1970); how many files.

        What a killed collector had set aside goes back to its place.
        """
        count = 0
        folder = Path(self.root, _UNFINISHED)
        for left in folder.iterdir() if folder.is_dir() else ():
            with contextlib.suppress(OSError):
                if left.name.endswith(_ASIDE):
                    left.replace(self.path(left.name.removesuffix(_ASIDE)))
                    continue
                # A file that has just been made has the time of the kernel's last tick, which is a little ago.
                if left.stat().st_mtime < before - 1.0:
                    left.unlink()
                    count += 1
        return count


_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


def _write_all(file: int, data: Buffer) -> None:
    view = memoryview(data)
    done = 0
    while done < len(view):
        done += os.write(file, view[done : done + _CHUNK])


def _read_into(file: int, view: memoryview, start: int) -> int:
    piece = os.read(file, min(_CHUNK, len(view) - start))
    view[start : start + len(piece)] = piece
    return len(piece)


def _make(folder: str) -> None:
    """A folder with its parents, durable: its own entry is on the disk before anything in it is relied on."""
    if os.path.isdir(folder):
        return
    parent = os.path.dirname(folder)
    if parent != folder:
        _make(parent)
    with contextlib.suppress(FileExistsError):
        os.mkdir(folder)
    _sync_folder(parent)


def _sync_folder(folder: str) -> None:
    if os.name == "nt":
        return
    with contextlib.suppress(OSError):  # some network file systems refuse; the rename itself has succeeded
        file = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(file)
        finally:
            os.close(file)


def _advice(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return (
            "free space there (plait gc removes what no run refers to), or name a larger store in the stack"
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return "make the folder writable for the user who runs this, or name another store in the stack"
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return "a file stands where the store's folder should be: move it, or name another store in the stack"
    return "check that the folder can be reached, or name another store in the stack"
