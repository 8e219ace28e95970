"""How is a task's path written in a table? As bytes whose order is the order of items."""

from __future__ import annotations

import struct

from plait.graph.model import Path

__all__ = ["from_key", "prefix_range", "to_key"]


def to_key(path: Path) -> bytes:
    return struct.pack(f">{len(path)}I", *path) if path else b""


def from_key(key: bytes) -> Path:
    return struct.unpack(f">{len(key) // 4}I", key) if key else ()


def prefix_range(path: Path) -> tuple[bytes, bytes]:
    """The half-open range of keys of all tasks below a path, the path itself included."""
    key = to_key(path)
    return key, key + b"\xff" * 64
