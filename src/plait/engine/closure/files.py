"""Which files does a function read by itself? Those that a constant names, where the code calls something that reads.

A file counts by its content, so that an edit of it is seen as an edit of the code would be. What a path is put together
from, or given as an argument, is not seen here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePath
from types import CodeType, FunctionType

from plait.engine.closure.tokens import digest, word
from plait.engine.closure.walk import Place, Walk
from plait.record.closures import Component

__all__ = ["file_tokens"]

_READERS = frozenset({"open", "load", "loadtxt", "genfromtxt", "fromfile", "imread", "memmap"})
_READING = ("read_", "scan_", "load_")
_WRITING = frozenset({"w", "wb", "wt", "a", "ab", "at", "x", "xb", "xt", "w+", "w+b", "wb+"})
_LONGEST = 255
_MOST_BYTES = (
    256 * 1024 * 1024
)  # above it a file counts by size and time: hashing it would hold up every plan


def file_tokens(walk: Walk, function: FunctionType, place: Place) -> list[str]:
    """A token for each file that the code of a function names and seems to read."""
    code = function.__code__
    names: set[str] = set()
    constants: set[str] = set()
    for inner in _inside(code):
        names.update(inner.co_names)
        constants.update(one for one in inner.co_consts if isinstance(one, str))
    readers = {name for name in names if name in _READERS or name.startswith(_READING)}
    if not readers or (readers == {"open"} and not constants.isdisjoint(_WRITING)):
        return []
    known: set[str | PurePath] = {*constants}
    for name in names:
        value = None if name.startswith("__") else function.__globals__.get(name)
        if isinstance(value, str | PurePath):
            known.add(value)
    tokens = []
    for named in sorted(known, key=str):
        found = _file(named)
        if found is not None:
            shown = str(named)
            hashed = _digest(walk, found)
            walk.add(f"file {shown}", Component(shown, "file", hashed, "", str(found)))
            walk.note(f"{place.name} seems to read {shown!r}: its content is in the key")
            tokens.append(f"file {word(shown)} {hashed}")
    return tokens


def _inside(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _inside(constant)


def _file(named: str | PurePath) -> Path | None:
    text = os.fspath(named)
    if not 2 < len(text) <= _LONGEST or not ("." in text or "/" in text) or "\n" in text or "\0" in text:
        return None
    path = Path(text)
    try:
        return path if path.is_file() else None
    except (OSError, ValueError):
        return None


def _digest(walk: Walk, path: Path) -> str:
    try:
        stat = path.stat()
        if stat.st_size > _MOST_BYTES:
            return digest(word(f"{stat.st_size} {stat.st_mtime_ns}"))
        return digest(word(walk.walker.file_digest(path)))
    except OSError:
        return digest("unreadable")
