"""How does the server answer without a network? It is asked as a function, for files that are made of its answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.types import ASGIApp

__all__ = ["Asker"]


class Asker:
    """Asks an application, one address after the other.

    Args:
        make: makes the application; called within the loop that it then lives in.
    """

    def __init__(self, make: Callable[[], ASGIApp]) -> None:
        self._loop = asyncio.new_event_loop()
        self._app = make()

    def get(self, path: str) -> tuple[int, bytes]:
        """The status and the body of an answer."""
        return self._loop.run_until_complete(self._ask(path))

    async def _ask(self, path: str) -> tuple[int, bytes]:
        from urllib.parse import unquote

        route, _, query = path.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": unquote(route),
            "raw_path": route.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(b"host", b"localhost")],
            "client": ("127.0.0.1", 0),
            "server": ("127.0.0.1", 0),
        }
        status = 0
        pieces: list[bytes] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            elif message["type"] == "http.response.body":
                pieces.append(message.get("body", b""))

        answered: Awaitable[None] = self._app(scope, receive, send)
        await answered
        return status, b"".join(pieces)

    def close(self) -> None:
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()
