"""Which version of the code is this? Read from git's own files, without starting a process."""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

__all__ = ["GitState", "git_state"]

_MOST_FILES = 20_000


class GitState(Struct, frozen=True):
    """The commit that is checked out, and whether tracked files differ from it; None where it cannot be told."""

    commit: str
    branch: str | None
    dirty: bool | None


def git_state(start: Path) -> GitState | None:
    """The state of the repository around a folder; None outside of one.

    ``dirty`` speaks of tracked files as they are on disk against the index; a staged change counts by itself only
    when it was not committed, which the index alone does not tell, so a freshly staged file counts as clean.
    """
    for folder in (start, *start.parents):
        mark = folder / ".git"
        if mark.exists():
            try:
                return _read(folder, mark)
            except (OSError, ValueError, struct.error):
                return None
    return None


def _read(root: Path, mark: Path) -> GitState | None:
    git = mark
    if mark.is_file():
        git = (root / mark.read_text().removeprefix("gitdir:").strip()).resolve()
    common_file = git / "commondir"
    common = (git / common_file.read_text().strip()).resolve() if common_file.is_file() else git
    head = (git / "HEAD").read_text().strip()
    if not head.startswith("ref:"):
        return GitState(head, None, _dirty(root, git))
    ref = head.removeprefix("ref:").strip()
    commit = _resolve(git, common, ref)
    return GitState(commit, ref.removeprefix("refs/heads/"), _dirty(root, git)) if commit else None


def _resolve(git: Path, common: Path, ref: str) -> str | None:
    for place in (git, common):
        loose = place / ref
        if loose.is_file():
            return loose.read_text().strip()
    packed = common / "packed-refs"
    if packed.is_file():
        for line in packed.read_text().splitlines():
            if line.endswith(f" {ref}"):
                return line.split(" ", 1)[0]
    return None


def _dirty(root: Path, git: Path) -> bool | None:
    index = git / "index"
    if not index.is_file():
        return None
    body = index.read_bytes()
    signature, version, count = struct.unpack_from(">4sII", body)
    if signature != b"DIRC" or version not in (2, 3) or count > _MOST_FILES:
        return None
    return any(_differs(root, *entry) for entry in _entries(body, count))


def _entries(body: bytes, count: int) -> Iterator[tuple[int, int, int, int, str, bytes]]:
    """Seconds and nanoseconds of the last change, mode, size, hash and path of each tracked file."""
    at = 12
    for _ in range(count):
        fields = struct.unpack_from(">10I20sH", body, at)
        flags = fields[11]
        start = at + 62 + (2 if flags & 0x4000 else 0)
        end = body.index(b"\0", start)
        yield fields[2], fields[3], fields[6], fields[9], fields[10].hex(), body[start:end]
        at += (end - at + 8) // 8 * 8


def _differs(
    root: Path, seconds: int, nanoseconds: int, mode: int, size: int, digest: str, name: bytes
) -> bool:
    if stat.S_IFMT(mode) == 0o160000:  # a submodule
        return False
    path = os.path.join(os.fsencode(root), name)  # noqa: PTH118 - bytes, and thousands of them
    try:
        found = os.lstat(path)
    except OSError:
        return True
    if found.st_size & 0xFFFFFFFF != size:
        return True
    if (int(found.st_mtime) & 0xFFFFFFFF, found.st_mtime_ns % 1_000_000_000) == (seconds, nanoseconds):
        return False
    if stat.S_ISLNK(found.st_mode):
        content = os.fsencode(os.readlink(path))  # noqa: PTH115
    else:
        with open(path, "rb") as file:
            content = file.read()
    import hashlib  # only here: each run would pay for OpenSSL

    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest() != digest
