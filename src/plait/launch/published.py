"""Is what an earlier task saved in the catalog still what is there? If not, its result is no substitute for a run."""

from __future__ import annotations

from typing import Any, NamedTuple

from plait.graph.model import Graph, Path
from plait.project.project import Project
from plait.project.references import chunk_part
from plait.record.computations import Found
from plait.record.database import Database
from plait.record.paths import to_key

__all__ = ["Published"]


class _Write(NamedTuple):
    """Who saved what, and when."""

    task: tuple[int, int, bytes, int]
    content: str | None
    written_at: float


class Published:
    """What was saved last in the datasets that a graph's outputs are saved to.

    A result is found again by code and inputs, but a file holds what was saved last: perhaps by a run with other
    parameters, in another environment, or it was deleted.
    """

    def __init__(self, database: Database, graph: Graph, project: Project, saves: frozenset[str]) -> None:
        self._database = database
        self._graph = graph
        self._project = project
        self._saves = saves
        self._last: dict[str, dict[str | None, _Write]] = {}

    def latest(self, name: str) -> tuple[int, float] | None:
        """Which run, by its number, saved a dataset last where it is now, and when; None when none did."""
        rows = self._rows(name).values()
        last = max(rows, key=lambda row: row.written_at, default=None)
        return (last.task[0], last.written_at) if last else None

    def grow(self, graph: Graph) -> None:
        self._graph = graph

    def fault(self, node: int, path: Path, found: Found) -> str | None:
        """Why a recorded result is not what the datasets of a task hold; None when it is, or when it has none."""
        part = "-".join(map(str, path)) if path else None
        for name in self._graph.nodes[node].outputs:
            if name not in self._saves:
                continue
            own = self._own(found, name)
            if own is None:
                return f"its result was not saved in the dataset {name!r}"
            last = self._rows(name).get(part)
            if last is None:
                return f"the dataset {name!r} is in another place now"
            if last.task != own.task and (own.content is None or last.content != own.content):
                return f"the dataset {name!r} holds another result now"
            if self._is_missing(name, part):
                return f"the dataset {name!r} is gone"
            if last.content is not None and self._project.catalog.holds(name, last.content, part) is False:
                return f"the dataset {name!r} was changed by something else"
        return None

    def _own(self, found: Found, name: str) -> _Write | None:
        task = (found.run, found.node, to_key(found.path), found.attempt)
        row = self._database.row(
            "SELECT content, written_at FROM dataset_write"
            " WHERE run = ? AND node = ? AND path = ? AND attempt = ? AND dataset = ?",
            (*task, name),
        )
        return _Write(task, *row) if row else None

    def _rows(self, name: str) -> dict[str | None, _Write]:
        """What was saved last in each part of a dataset, where it is now."""
        if name not in self._last:
            base = self._place(name)
            found: dict[str | None, _Write] = {}
            rows = self._database.rows(
                "SELECT part, place, run, node, path, attempt, content, written_at FROM dataset_write"
                " WHERE dataset = ? ORDER BY written_at",
                (name,),
            )
            for part, place, *task, content, written_at in rows:
                if base is None or place is None or place == base or place.startswith(f"{base}/"):
                    found[part] = _Write(tuple(task), content, written_at)
            self._last[name] = found
        return self._last[name]

    def _place(self, name: str) -> str | None:
        dataset = self._project.catalog.dataset(name)
        place: Any = getattr(dataset, "place", None)
        shown = getattr(place, "shown", None)
        return str(shown) if shown is not None else self._project.catalog.entry(name).place

    def _is_missing(self, name: str, part: str | None) -> bool:
        if part is None:
            return self._project.catalog.knows_missing(name)
        dataset = self._project.catalog.dataset(name)
        asked = [getattr(dataset.part(one), "exists", None) for one in (part, chunk_part(part, 0))]
        return all(callable(ask) and ask() is False for ask in asked)
