"""How much room do the records take? Measured in the background, for a store may have a million blobs."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path

from plait.errors import PlaitError
from plait.server.connections import Connections
from plait.server.settings import Settings
from plait.server.shapes import Disk, Size

__all__ = ["Measure"]

_FRESH_SECONDS = 30.0


class Measure:
    """The last measurement, and the one that goes on."""

    def __init__(self, settings: Settings, connections: Connections) -> None:
        self._settings = settings
        self._connections = connections
        self._lock = threading.Lock()
        self._found: tuple[float, int, int, list[Size]] | None = None
        self._thread: threading.Thread | None = None

    def look(self, wait: float = 0.1) -> Disk:
        with self._lock:
            old = self._found is None or time.time() - self._found[0] > _FRESH_SECONDS
            if old and self._thread is None:
                self._thread = threading.Thread(target=self._measure, daemon=True)
                self._thread.start()
            thread = self._thread
        if thread is not None:
            thread.join(wait)
        with self._lock:
            found, measuring = self._found, self._thread is not None
        home = self._settings.home
        return Disk(
            home=str(home),
            records_bytes=sum(_size(file) for file in home.glob("records.db*")),
            artifacts_bytes=found[1] if found else 0,
            blobs=found[2] if found else 0,
            free_bytes=_free(home),
            by_pipeline=found[3] if found else [],
            measured_at=found[0] if found else None,
            measuring=measuring,
        )

    def _measure(self) -> None:
        try:
            total = count = 0
            with self._connections.borrow() as store:
                for _, size, _ in store.artifacts.blobs():
                    total += size
                    count += 1
                pipelines = [
                    Size(name, int(size or 0))
                    for name, size in store.database.rows(
                        "SELECT run.pipeline, SUM(artifact.size) FROM artifact JOIN run ON run.key = artifact.run"
                        " WHERE artifact.format <> 'gathered' GROUP BY run.pipeline ORDER BY 2 DESC LIMIT 100"
                    )
                ]
            found = (time.time(), total, count, pipelines)
            with self._lock:
                self._found = found
        except (PlaitError, OSError):
            return
        finally:
            with self._lock:
                self._thread = None


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _free(home: Path) -> int | None:
    try:
        return shutil.disk_usage(home).free
    except OSError:
        return None
