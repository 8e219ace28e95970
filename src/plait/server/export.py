"""How is a run shown where no server is? As one file: the interface, and the answers that it would be given."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import msgspec

from plait._version import __version__
from plait.errors import PlaitError
from plait.server.inprocess import Asker
from plait.server.settings import Settings

__all__ = ["export_run"]

_MARK = '<script id="plait-export" type="application/json">null</script>'
_MOST_TASKS = 500
_OF_A_MAP = 20
_MOST_PREVIEWS = 300
_LARGEST_PREVIEW = 500_000
_LARGEST = 100 * 2**20
_LINES = 2_000


def export_run(settings: Settings, run: str) -> str:
    """A page that shows a run and opens without a server.

    Raises:
        PlaitError: the interface is not built here, or there is no such run.
    """
    from plait.server.app import make_app

    template = settings.static / "export.html"
    if not template.is_file():
        raise PlaitError(
            "the interface is not built here, so there is nothing to put the run into",
            hint="in a checkout of plait: make ui",
        )
    page = template.read_text(encoding="utf-8")
    if page.count(_MARK) != 1:
        raise PlaitError(f"{template} has no place for a run", hint="build it again: make ui")
    asker = Asker(lambda: make_app(settings))
    try:
        collected = _Answers(asker)
        collected.collect(run)
    finally:
        asker.close()
    meta = msgspec.json.decode(collected.found["/api/v1/meta"])
    body = msgspec.json.encode(
        {
            "version": __version__,
            "api": meta["api"],
            "run": run,
            "exported_at": time.time(),
            "responses": collected.found,
        }
    ).decode()
    # In a script element only these could end it, or begin a comment; in JSON they can be written otherwise.
    safe = body.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    safe = safe.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return page.replace(_MARK, _MARK.replace("null", safe))


class _Answers:
    def __init__(self, asker: Asker) -> None:
        self._asker = asker
        self.found: dict[str, msgspec.Raw] = {}
        self._size = 0

    def get(self, path: str, *, also: str | None = None, most: int = _LARGEST) -> Any:
        """An answer, kept under its address; what is not answered with 200, or is too large, is left out."""
        status, body = self._asker.get(f"/api/v1{path}")
        if status != 200 or len(body) > most or self._size + len(body) > _LARGEST:
            return None if status != 200 else msgspec.json.decode(body)
        self._size += len(body)
        for address in (path, *((also,) if also else ())):
            self.found.setdefault(f"/api/v1{address}", msgspec.Raw(body))
        return msgspec.json.decode(body)

    def collect(self, run: str) -> None:
        here = f"/runs/{run}"
        self.get("/meta")
        if self.get(here) is None:
            raise PlaitError(f"there is no run {run!r}", hint="plait runs lists them")
        for part in ("/graph", "/steps", "/packages", "/critical", "/metrics"):
            self.get(here + part)
        self.get(f"{here}/timeline?lane=step&limit=2000", also=f"{here}/timeline")
        self.get(f"{here}/timeline?lane=worker&limit=2000")
        self._logs(here)
        for metric in (self.get(f"{here}/metrics") or {"items": []})["items"][:100]:
            self.get(f"{here}/series?metric={quote(metric['name'], safe='')}&points=1000")
        previews = 0
        for task in self._tasks(here):
            address = f"{here}/tasks/{quote(task, safe='')}"
            view = self.get(address)
            if view is None:
                continue
            self.get(f"{address}/code")
            self.get(f"{address}/why")
            if view["log_lines"]:
                self.get(f"{here}/logs?task={quote(task, safe='')}&from=0&limit=500")
            for one in (*view["outputs"], *view["objects"], *view["inputs"]):
                artifact = one["value"]["artifact"]
                bare = f"/artifacts/{artifact}/preview"
                if not artifact or previews >= _MOST_PREVIEWS or f"/api/v1{bare}" in self.found:
                    continue
                place = f"run={run}&task={quote(task, safe='')}"
                self.get(f"{bare}?{place}", also=bare, most=_LARGEST_PREVIEW)
                self.get(f"/artifacts/{artifact}?{place}", also=f"/artifacts/{artifact}")
                previews += 1

    def _logs(self, here: str) -> None:
        first = self.get(f"{here}/logs?from=0&limit={_LINES}", also=f"{here}/logs")
        total = first["total"] if first else 0
        if total > _LINES:
            self.get(f"{here}/logs?from={total - _LINES}&limit={_LINES}")

    def _tasks(self, here: str) -> Iterator[str]:
        """The tasks that the file holds whole: all of steps that are not mapped, of maps those that failed and some."""
        graph = self.get(f"{here}/graph") or {"nodes": []}
        left = _MOST_TASKS
        for node in graph["nodes"]:
            step = f"{here}/steps/{quote(node['id'], safe='')}"
            page = self.get(f"{step}/items?limit=100", also=f"{step}/items")
            self.get(f"{step}/strip?width=1000", also=f"{step}/strip")
            rows = page["items"] if page else []
            failed = [row["task"] for row in rows if row["state"] == "failed"]
            for task in dict.fromkeys([*failed, *(row["task"] for row in rows[:_OF_A_MAP])]):
                if left > 0:
                    left -= 1
                    yield task
