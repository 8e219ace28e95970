"""Has this data changed? The content of local files, and what a store itself says about remote ones."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

__all__ = ["Memo", "hash_file", "hash_local", "hash_text", "remote_fingerprint", "visible_files"]

# A file changed this recently may change again without its time stamp showing it: clocks tick coarsely.
_SETTLED_NS = 2_000_000_000
# What stores call the identity of an object's content, the most exact first.
_CONTENT_KEYS = (
    "ETag",
    "etag",
    "e_tag",
    "md5Hash",
    "content_md5",
    "Content-MD5",
    "crc32c",
    "checksum",
    "Digest",
)
_VERSION_KEYS = ("VersionId", "version_id", "versionId", "generation")
_TIME_KEYS = (
    "LastModified",
    "last_modified",
    "Last-Modified",
    "mtime",
    "updated",
    "modified",
    "timeModified",
)
_TABLE = (
    "CREATE TABLE IF NOT EXISTS files (path TEXT PRIMARY KEY, size INTEGER, mtime INTEGER, ctime INTEGER,"
    " inode INTEGER, content TEXT) WITHOUT ROWID"
)


class Memo:
    """Content hashes of local files, remembered by size, times and inode.

    Args:
        path: an SQLite file, created on first use and shared by any number of processes. None remembers
            within this object alone. A memo that cannot be read or written is done without.
        paranoid: believe no stamp: a file can be changed without any of them showing it, where a disk is shared
            or a clock is set. What is found is remembered all the same.
    """

    def __init__(self, path: Path | None = None, *, paranoid: bool = False) -> None:
        self.path = path
        self.paranoid = paranoid
        self._known: dict[str, tuple[tuple[int, ...], str]] = {}

    def content(self, path: Path) -> str:
        """The content hash of a file, from the memo when the file has not been touched since."""
        return self.contents([path])[0]

    def contents(self, paths: list[Path]) -> list[str]:
        """The content hashes of many files, in their order."""
        stats = [path.stat() for path in paths]
        stamps = [(s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino) for s in stats]
        names = [str(path) for path in paths]
        remembered = {} if self.paranoid else self._recall(names)
        fresh: dict[str, tuple[tuple[int, ...], str]] = {}
        hashes = []
        for name, path, stamp in zip(names, paths, stamps, strict=True):
            known = remembered.get(name)
            if known is None or known[0] != stamp:
                known = (stamp, hash_file(path))
                if time.time_ns() - max(stamp[1], stamp[2]) > _SETTLED_NS:
                    fresh[name] = known
            hashes.append(known[1])
        if fresh:
            self._remember(fresh)
        return hashes

    def _recall(self, names: list[str]) -> Mapping[str, tuple[tuple[int, ...], str]]:
        if self.path is None or not self.path.exists():
            return self._known
        import sqlite3
        from contextlib import closing

        found: dict[str, tuple[tuple[int, ...], str]] = {}
        try:
            with closing(sqlite3.connect(self.path, timeout=5)) as connection:
                for name in names:
                    row = connection.execute(
                        "SELECT size, mtime, ctime, inode, content FROM files WHERE path = ?", (name,)
                    ).fetchone()
                    if row:
                        found[name] = (tuple(row[:4]), row[4])
        except sqlite3.Error:
            return {}
        return found

    def _remember(self, fresh: Mapping[str, tuple[tuple[int, ...], str]]) -> None:
        if self.path is None:
            self._known.update(fresh)
            return
        import sqlite3
        from contextlib import closing

        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=5)) as connection, connection:
                connection.execute(_TABLE)
                connection.executemany(
                    "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?)",
                    [(name, *stamp, content) for name, (stamp, content) in fresh.items()],
                )
        except (sqlite3.Error, OSError):
            return


def hash_file(path: Path) -> str:
    """The BLAKE3 hash of a file's bytes, in hex."""
    from blake3 import blake3

    return blake3(max_threads=blake3.AUTO).update_mmap(path).hexdigest()


def hash_text(*parts: str | bytes) -> str:
    """One hash of several strings, each kept apart from its neighbours."""
    from blake3 import blake3

    hasher = blake3()
    for part in parts:
        data = part.encode("utf-8", "surrogatepass") if isinstance(part, str) else part
        hasher.update(len(data).to_bytes(8, "little"))
        hasher.update(data)
    return hasher.hexdigest()


def hash_local(path: Path, memo: Memo | None = None) -> str | None:
    """The content hash of a file, or of a folder's files by their names; None when nothing is there."""
    memo = memo or Memo()
    if path.is_file():
        return memo.content(path)
    if not path.is_dir():
        return None
    files = list(visible_files(path))
    names = [file.relative_to(path).as_posix() for file in files]
    contents = memo.contents(files)
    return hash_text("folder", *(part for pair in zip(names, contents, strict=True) for part in pair))


def visible_files(folder: Path) -> Iterator[Path]:
    """Every file under a folder, sorted by name, without what a save is just writing."""
    found: list[Path] = []
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not is_unfinished(name)]
        found.extend(Path(parent, name) for name in files if not is_unfinished(name))
    yield from sorted(found, key=lambda file: file.relative_to(folder).as_posix())


def is_unfinished(name: str) -> bool:
    """Whether a file or folder of this name is one that a save has not published yet."""
    return name.startswith(".") and name.endswith((".saving", ".replaced"))


def remote_fingerprint(info: Mapping[str, Any]) -> str | None:
    """What a store says about an object's content, from fsspec's ``info``; None when it says too little."""
    for label, keys in (("content", _CONTENT_KEYS), ("version", _VERSION_KEYS)):
        for key in keys:
            if info.get(key):
                return f"{label}:{info[key]}:{info.get('size')}"
    for key in _TIME_KEYS:
        if info.get(key) and info.get("size") is not None:
            return f"time:{info[key]}:{info['size']}"
    return None
