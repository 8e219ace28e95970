"""How are blobs kept in a place that fsspec can reach: a bucket, another machine, memory?"""

from __future__ import annotations

import contextlib
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from plait.data.access import Access
from plait.data.artifact import Part
from plait.data.blobs import altered, missing
from plait.data.hashing import blob_id
from plait.data.kept import KeptBlobs
from plait.data.patience import Patience, status_of
from plait.data.serializer import Buffer
from plait.errors import StoreError

__all__ = ["RemoteBlobs", "make_folder"]

T = TypeVar("T")
S = TypeVar("S")

_BUCKETS = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oss", "oci"})
# Their writes appear whole or not at all; elsewhere a file is written under another name and moved.
_ATOMIC = _BUCKETS | {"memory", "hf"}
# Buckets cannot touch: for a blob that is used again when it is this old (seconds), an empty object under `used/` tells
# when. So a collector that spares younger ones (two days are safe) never takes what a run has just come to rely on.
_STALE = 24 * 3600.0
_UNFINISHED = "tmp"
_USED = "used"
_RANGE = 16 * 1024 * 1024  # bytes of a large blob that one request reads
_EXTRAS = {
    "s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs", "abfs": "azure", "abfss": "azure", "az": "azure",
    "adl": "azure", "sftp": "sftp", "ssh": "sftp", "http": "http", "https": "http",
}  # fmt: skip


class RemoteBlobs:
    """Blobs behind an fsspec URL, with an optional local folder that keeps what was read and written."""

    def __init__(self, url: str, cache: str | None, access: Access | None = None) -> None:
        self.url = url
        self._access = access or Access()
        self._kept = None if cache is None else KeptBlobs(cache, self._access.cache_bytes)
        self._place: tuple[Any, str] | None = None
        self._opening = threading.RLock()
        self._broken = False
        self._patience = Patience(self._access.retry_seconds, self._renew)
        self._pool: Any = None
        self._used: set[str] = set()

    # The file system.

    def _fs(self) -> tuple[Any, str]:
        with self._opening:
            if self._place is None:
                self._place = self._open()
            return self._place

    def _open(self) -> tuple[Any, str]:
        protocol = self.url.partition("://")[0]
        options = dict(self._access.options)
        if protocol in _BUCKETS:
            options["use_listings_cache"] = False  # others write there too
        if self._broken:
            options["skip_instance_cache"] = True
        try:
            from fsspec.core import url_to_fs

            fs, root = url_to_fs(self.url, **options)
        except ImportError as error:
            extra = _EXTRAS.get(protocol)
            raise StoreError(
                f"the artifact store {self.url} cannot be opened: {error}",
                hint=f"plait integration install {extra}" if extra else "install the package of its protocol",
            ) from error
        except ValueError as error:
            raise StoreError(
                f"the artifact store {self.url} cannot be opened: {error}",
                hint="check the URL and the options of artifact_store in the stack",
            ) from error
        return fs, root.rstrip("/")

    def _renew(self) -> None:
        """The connection broke off: the next request makes another."""
        with self._opening:
            self._place, self._broken = None, True

    def _path(self, blob: str, kind: str = "blobs") -> str:
        return f"{self._fs()[1]}/{kind}/{blob[:2]}/{blob[2:]}"

    def _each(self, work: Callable[[S], T], items: Iterable[S]) -> list[T]:
        """The answers for all items, several at a time where the place can."""
        todo = list(items)
        if len(todo) < 2 or self._access.parallel < 2 or not self._is_parallel():
            return [work(item) for item in todo]
        if self._pool is None:
            from concurrent.futures import ThreadPoolExecutor

            self._pool = ThreadPoolExecutor(self._access.parallel, thread_name_prefix="plait-store")
        futures = [self._pool.submit(work, item) for item in todo]
        try:
            return [future.result() for future in futures]
        except BaseException:
            for future in futures:
                future.cancel()
            raise

    def _is_parallel(self) -> bool:
        return bool(getattr(self._ask("open", self._fs)[0], "async_impl", False))

    # Writing.

    def put(self, part: Part, data: Buffer) -> None:
        self._ask("write to", lambda: self._put(part, data))
        if self._kept is not None:
            self._kept.put(part, data)

    def put_all(self, blobs: Sequence[tuple[Part, Buffer]]) -> None:
        self._each(lambda one: self.put(*one), {part.id: (part, data) for part, data in blobs}.values())

    def _put(self, part: Part, data: Buffer) -> None:
        fs, root = self._fs()
        path = self._path(part.id)
        if self._fresh(fs, path, part):
            return
        if _ATOMIC & set(_protocols(fs)):
            fs.pipe_file(path, data if isinstance(data, bytes) else bytes(data))
            return
        temporary = f"{root}/{_UNFINISHED}/{secrets.token_hex(12)}"
        try:
            for name in (temporary, path):
                make_folder(fs, name.rpartition("/")[0])
            fs.pipe_file(temporary, bytes(data))
            fs.mv(temporary, path)
        except BaseException:
            with contextlib.suppress(Exception):
                fs.rm_file(temporary)
            raise

    def _fresh(self, fs: Any, path: str, part: Part) -> bool:
        try:
            info = fs.info(path)
        except FileNotFoundError:
            return False
        return info.get("size") == part.size and time.time() - _modified(info) < _STALE

    # Reading.

    def get(self, part: Part) -> Buffer:
        if self._kept is not None:
            found = self._kept.get(part)
            if found is not None:
                return found
        data = self._fetch(part)
        if self._kept is not None:
            self._kept.put(part, data)
            return self._kept.get(part) or data
        return data

    def get_all(self, parts: Sequence[Part]) -> list[Buffer]:
        if len(parts) == 1:
            return [self.get(parts[0])]
        # A large blob is read by several requests at a time; they would wait for one another in one pool.
        large = {part.id for part in parts if part.size > 2 * _RANGE}
        found: dict[str, Buffer] = {}
        small = list({part.id: part for part in parts if part.id not in large}.values())
        found.update(zip((part.id for part in small), self._each(self.get, small), strict=True))
        # Each consumer of a blob gets a buffer of its own.
        return [found.pop(part.id) if part.id in found else self.get(part) for part in parts]

    def _fetch(self, part: Part) -> Buffer:
        try:
            data = self._read(part)
        except FileNotFoundError:
            self._check_root()
            raise missing(part, self.url) from None
        if len(data) != part.size:
            raise altered(part, self.url, f"is {len(data)} bytes long instead of {part.size}")
        if blob_id(data) != part.id:
            raise altered(part, self.url, "was altered: its bytes do not match its name")
        return data

    def _read(self, part: Part) -> bytearray:
        if part.size <= 2 * _RANGE or self._access.parallel < 2 or not self._is_parallel():
            return bytearray(self._ask("read from", lambda: self._fs()[0].cat_file(self._path(part.id))))
        data = bytearray(part.size)

        def read(start: int) -> None:
            end = min(start + _RANGE, part.size)
            piece = self._ask(
                "read from", lambda: self._fs()[0].cat_file(self._path(part.id), start=start, end=end)
            )
            if len(piece) != end - start:
                raise altered(part, self.url, f"is less than {part.size} bytes long")
            data[start:end] = piece

        self._each(read, range(0, part.size, _RANGE))
        return data

    def fault(self, part: Part) -> str | None:
        try:
            self._fetch(part)
        except StoreError as error:
            return error.what
        return None

    # Keeping and collecting.

    def touch(self, part: Part) -> None:
        self.claim([part])

    def claim(self, parts: Sequence[Part]) -> str | None:
        """A blob is looked for, not read: its bytes are checked when it is loaded."""
        return next(filter(None, self._each(self._claim, {part.id: part for part in parts}.values())), None)

    def _claim(self, part: Part) -> str | None:
        if part.id in self._used:
            return None
        path, used = self._path(part.id), self._path(part.id, _USED)

        def look() -> dict[str, Any]:
            fs = self._fs()[0]
            info: dict[str, Any] = fs.info(path)
            if time.time() - _modified(info) > _STALE:
                if not _ATOMIC & set(_protocols(fs)):
                    fs.makedirs(used.rpartition("/")[0], exist_ok=True)
                fs.pipe_file(used, b"")
                info = fs.info(path)  # once more: a collector may have been quicker
            return info

        try:
            info = self._ask("read from", look)
        except FileNotFoundError:
            self._check_root()
            return missing(part, self.url).what
        if info.get("size") != part.size:
            return altered(part, self.url, f"is {info.get('size')} bytes long instead of {part.size}").what
        self._used.add(part.id)
        return None

    def list(self) -> Iterator[tuple[str, int, float]]:
        used = {blob: at for blob, _, at in self._listed(_USED)}
        for blob, size, at in self._listed("blobs"):
            yield blob, size, max(at, used.get(blob, 0.0))

    def _listed(self, kind: str) -> Iterator[tuple[str, int, float]]:
        try:
            found = self._ask("list", lambda: self._fs()[0].find(f"{self._fs()[1]}/{kind}", detail=True))
        except FileNotFoundError:
            return
        for path in sorted(found):
            folder, _, name = path.rpartition("/")
            yield folder.rpartition("/")[2] + name, found[path].get("size") or 0, _modified(found[path])

    def delete(self, blob: str) -> None:
        self._used.discard(blob)
        for kind in ("blobs", _USED):
            with contextlib.suppress(FileNotFoundError):
                self._ask("delete from", lambda kind=kind: self._fs()[0].rm_file(self._path(blob, kind)))  # type: ignore[misc]
        if self._kept is not None:
            self._kept.delete(blob)

    def sweep(self, before: float) -> int:
        root = self._fs()[1]
        try:
            found = self._ask("list", lambda: self._fs()[0].find(f"{root}/{_UNFINISHED}", detail=True))
        except FileNotFoundError:
            return 0
        # Its clock is not ours.
        old = [path for path, info in found.items() if _modified(info) < before - _STALE]
        for path in old:
            with contextlib.suppress(FileNotFoundError):
                self._ask("delete from", lambda path=path: self._fs()[0].rm_file(path))  # type: ignore[misc]
        return len(old)

    def reclaim(self, blob: str, since: float) -> int:
        # Twice: a writer that found it fresh a moment ago has as long again to record what it is for.
        limit = min(since, time.time() - 2 * _STALE)
        size = 0
        for kind in ("blobs", _USED):
            try:
                info = self._ask("read from", lambda kind=kind: self._fs()[0].info(self._path(blob, kind)))  # type: ignore[misc]
            except FileNotFoundError:
                if kind == "blobs":
                    return 0
                continue
            if _modified(info) >= limit:
                return 0
            size = size or int(info.get("size") or 0)
        self.delete(blob)
        return size

    # What goes wrong.

    def _ask(self, verb: str, work: Callable[[], T]) -> T:
        """Raises:
        FileNotFoundError: what was asked for is not there.
        StoreError: anything else that did not pass by itself.
        """
        try:
            return self._patience.ask(work)
        except FileNotFoundError:
            if verb == "write to":
                self._check_root()
            raise
        except StoreError:
            raise
        except Exception as error:
            raise StoreError(
                f"cannot {verb} the artifact store {self.url}: {type(error).__name__}: {_text(error)}",
                hint=self._advice(error),
            ) from error

    def _check_root(self) -> None:
        """Raises:
        StoreError: the bucket itself is not there.
        """
        fs, root = self._fs()
        bucket = root.partition("/")[0]
        if not _BUCKETS & set(_protocols(fs)) or not bucket:
            return
        try:
            there = self._patience.ask(lambda: fs.exists(bucket))
        except Exception:  # noqa: BLE001 - it only explains another failure
            return
        if not there:
            raise StoreError(
                f"the bucket {bucket!r} of the artifact store {self.url} is not there",
                hint="make it, or name another one in artifact_store",
            )

    def _advice(self, error: Exception) -> str:
        text, (status, _) = str(error), status_of(error)
        names = {type(one).__name__ for one in (error, error.__cause__, error.__context__) if one is not None}
        if "NoCredentialsError" in names or ("credentials" in text.lower() and status is None):
            return "give credentials: where the service's own tools look for them, or as options of artifact_store"
        if isinstance(error, PermissionError) or status in (401, 403) or names & {"AuthenticationException"}:
            return "check the credentials, and that they may read, write and list there"
        if "bucket" in text.lower() and ("not exist" in text or "not found" in text.lower()):
            return "make the bucket, or name another one in artifact_store"
        if "ContainerNotFound" in text:
            return "make the container, or name another one in artifact_store"
        return "check that it can be reached with these options, or name another in artifact_store"


def _text(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else ""


def _protocols(fs: Any) -> tuple[str, ...]:
    return (fs.protocol,) if isinstance(fs.protocol, str) else tuple(fs.protocol)


def make_folder(fs: Any, folder: str) -> None:
    """Makes a folder and those above it, while other writers may make the same ones.

    Over SFTP each is looked for and then made, and making one that another writer has just made is a failure without
    a name. Whoever fails so finds one folder more than before.
    """
    for left in range(folder.count("/"), -1, -1):
        try:
            fs.makedirs(folder, exist_ok=True)
        except (FileNotFoundError, PermissionError):
            raise
        except OSError:
            if not left:
                raise
        else:
            return


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
