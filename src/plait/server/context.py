"""What does a route work with? The records, the settings, and what else the server keeps."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Request

from plait.record.store import RecordStore
from plait.record.views import Run
from plait.server.connections import Connections
from plait.server.settings import Settings

if TYPE_CHECKING:
    from plait.server.disk import Measure
    from plait.server.inspector import Inspector
    from plait.server.launches import Launches
    from plait.server.previewer import Previewer
    from plait.server.watcher import Watcher

__all__ = ["At", "Context"]


class Context:
    """One server's own things; made once."""

    def __init__(self, settings: Settings, api: str) -> None:
        from plait.server.disk import Measure
        from plait.server.inspector import Inspector
        from plait.server.launches import Launches
        from plait.server.previewer import Previewer
        from plait.server.watcher import Watcher

        self.settings = settings
        self.api = api
        self.connections = Connections(settings.open_store)
        self.inspector: Inspector = Inspector(settings)
        self.launches: Launches = Launches(settings)
        self.previewer: Previewer = Previewer(settings)
        # Apart, so that a large file on its way keeps nobody from looking at other values.
        self.downloads: Previewer = Previewer(settings)
        self.measure: Measure = Measure(settings, self.connections)
        self.watcher: Watcher = Watcher(self.connections, self.inspector)

    @contextlib.contextmanager
    def store(self) -> Iterator[RecordStore]:
        with self.connections.borrow() as store:
            yield store

    @contextlib.contextmanager
    def run(self, run_id: str) -> Iterator[Run]:
        """A run by its id or a unique beginning of it."""
        with self.connections.borrow() as store:
            yield store.run(run_id)

    def close(self) -> None:
        self.watcher.close()
        self.previewer.close()
        self.downloads.close()
        self.connections.close()


async def _context(request: Request) -> Any:
    return request.app.state.context


At = Annotated[Context, Depends(_context)]
