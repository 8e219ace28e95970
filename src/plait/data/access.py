"""How is a store behind a URL reached: with which options, how patiently, how many transfers at a time?"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

__all__ = ["Access"]


class Access(Struct, frozen=True):
    """What a store behind a URL is opened with.

    Attributes:
        options: what its file system takes, secrets in plain text: for the way between processes alone.
        retry_seconds: how long it is asked again while it is down, throttles or breaks connections off.
        parallel: how many transfers at a time.
        cache_bytes: how much the local cache holds at most.
    """

    options: tuple[tuple[str, Any], ...] = ()
    retry_seconds: float = 300.0
    parallel: int = 8
    cache_bytes: int = 20 * 1024**3

    def __repr__(self) -> str:
        return f"<access with {', '.join(name for name, _ in self.options) or 'no options'}>"
