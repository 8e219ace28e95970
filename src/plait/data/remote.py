"""How are blobs kept in a place that fsspec can reach: a bucket, another machine, memory?"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any

from plait.data.access import Access
from plait.data.artifact import Part
from plait.data.blobs import LocalBlobs, altered, missing
from plait.data.hashing import blob_id
from plait.data.serializer import Buffer
from plait.errors import StoreError

__all__ = ["RemoteBlobs"]

# Their writes appear whole or not at all; elsewhere a file is written under another name and moved.
_ATOMIC = frozenset({"memory", "s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oss", "oci", "hf"})
# Buckets cannot touch: a blob that is used again is written again when it is this old (seconds), so that a
# collector that spares younger ones (two days are safe) never takes one that a run has just come to rely on.
_STALE = 24 * 3600.0
_UNFINISHED = "tmp"


class RemoteBlobs:
    """Blobs behind an fsspec URL, with an optional local folder that keeps what was read."""

    def __init__(self, url: str, cache: LocalBlobs | None, access: Access | None = None) -> None:
        self.url = url
        self._access = access or Access()
        self._cache = cache
        self._place: tuple[Any, str] | None = None

    def _fs(self) -> tuple[Any, str]:
        if self._place is None:
            try:
                from fsspec.core import url_to_fs

                fs, root = url_to_fs(self.url, **dict(self._access.options))
            except (ImportError, ValueError, OSError) as error:
                raise StoreError(
                    f"the artifact store {self.url} cannot be opened: {error}",
                    hint="check the URL in the stack, and install the package that its protocol needs",
                ) from error
            self._place = fs, root.rstrip("/")
        return self._place

    def _path(self, blob: str) -> str:
        return f"{self._fs()[1]}/blobs/{blob[:2]}/{blob[2:]}"

    def put(self, part: Part, data: Buffer) -> None:
        fs, root = self._fs()
        path = self._path(part.id)

        def write() -> None:
            if self._fresh(fs, path, part):
                return
            if _ATOMIC & set(_protocols(fs)):
                fs.pipe_file(path, bytes(data))
                return
            temporary = f"{root}/{_UNFINISHED}/{secrets.token_hex(12)}"
            try:
                for name in (temporary, path):
                    fs.makedirs(name.rpartition("/")[0], exist_ok=True)
                fs.pipe_file(temporary, bytes(data))
                fs.mv(temporary, path)
            except BaseException:
                with contextlib.suppress(Exception):
                    fs.rm_file(temporary)
                raise

        self._reach("write to", write)

    def _fresh(self, fs: Any, path: str, part: Part) -> bool:
        try:
            info = fs.info(path)
        except FileNotFoundError:
            return False
        return info.get("size") == part.size and time.time() - _modified(info) < _STALE

    def get(self, part: Part) -> Buffer:
        if self._cache is not None:
            with contextlib.suppress(StoreError):
                return self._cache.get(part)
        data = self._fetch(part)
        if self._cache is not None:
            # A cache that is full or read-only is no reason to fail: the bytes are here.
            with contextlib.suppress(StoreError):
                self._cache.delete(part.id)
                self._cache.put(part, data)
                return self._cache.get(part)
        return data

    def _fetch(self, part: Part) -> bytearray:
        fs, _ = self._fs()
        try:
            data = bytearray(self._reach("read from", lambda: fs.cat_file(self._path(part.id))))
        except FileNotFoundError:
            raise missing(part, self.url) from None
        if len(data) != part.size:
            raise altered(part, self.url, f"is {len(data)} bytes long instead of {part.size}")
        if blob_id(data) != part.id:
            raise altered(part, self.url, "was altered: its bytes do not match its name")
        return data

    def fault(self, part: Part) -> str | None:
        try:
            self._fetch(part)
        except StoreError as error:
            return error.what
        return None

    def list(self) -> Iterator[tuple[str, int, float]]:
        fs, root = self._fs()
        try:
            found = self._reach("list", lambda: fs.find(f"{root}/blobs", detail=True))
        except FileNotFoundError:
            return
        for path in sorted(found):
            folder, _, name = path.rpartition("/")
            yield folder.rpartition("/")[2] + name, found[path]["size"], _modified(found[path])

    def delete(self, blob: str) -> None:
        fs, _ = self._fs()
        with contextlib.suppress(FileNotFoundError):
            self._reach("delete from", lambda: fs.rm_file(self._path(blob)))
        if self._cache is not None:
            self._cache.delete(blob)

    def sweep(self, before: float) -> int:
        fs, root = self._fs()
        try:
            found = self._reach("list", lambda: fs.find(f"{root}/{_UNFINISHED}", detail=True))
        except FileNotFoundError:
            return 0
        old = [path for path, info in found.items() if _modified(info) < before]
        for path in old:
            with contextlib.suppress(FileNotFoundError):
                self._reach("delete from", lambda path=path: fs.rm_file(path))  # type: ignore[misc]
        return len(old)

    def touch(self, part: Part) -> None:
        """Nothing to do: what is younger than ``_STALE`` is never reclaimed, what is older is written anew."""

    def reclaim(self, blob: str, since: float) -> int:
        fs, _ = self._fs()
        try:
            info = self._reach("read from", lambda: fs.info(self._path(blob)))
        except FileNotFoundError:
            return 0
        # Twice: a writer that found it fresh a moment ago has as long again to record what it is for.
        if _modified(info) >= min(since, time.time() - 2 * _STALE):
            return 0
        self.delete(blob)
        return int(info.get("size") or 0)

    def _reach(self, verb: str, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except (FileNotFoundError, StoreError):
            raise
        except Exception as error:
            raise StoreError(
                f"cannot {verb} the artifact store {self.url}: {type(error).__name__}: {error}",
                hint="check that it can be reached with these credentials, or name another in the stack",
            ) from error


def _protocols(fs: Any) -> tuple[str, ...]:
    return (fs.protocol,) if isinstance(fs.protocol, str) else tuple(fs.protocol)


def _modified(info: dict[str, Any]) -> float:
    """Seconds since 1970, under whichever name a file system gives it; now when it gives none."""
    for key in ("mtime", "LastModified", "last_modified", "updated", "modified", "created"):
        found: Any = info.get(key)
        if isinstance(found, (int, float)):
            return float(found)
        if hasattr(found, "timestamp"):
            if found.tzinfo is None:
                from datetime import UTC

                found = found.replace(tzinfo=UTC)
            return float(found.timestamp())
        if isinstance(found, str):
            from datetime import datetime

            with contextlib.suppress(ValueError):
                return datetime.fromisoformat(found).timestamp()
    return time.time()
