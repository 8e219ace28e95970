"""Which tasks decided how long a run took? The chain in which each one waited for the one before."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from plait.graph.model import Path, task_name
from plait.graph.slicing import upstream
from plait.record.bins import BEGIN
from plait.record.paths import from_key, to_key
from plait.record.views import Run

__all__ = ["Critical", "Link", "critical_path"]

_MOST = 200


class Link(Struct, frozen=True):
    task: str
    step: str
    start: float
    end: float


class Critical(Struct, frozen=True):
    """The chain, the first task first; ``seconds`` from its start to its end."""

    items: list[Link]
    seconds: float


def critical_path(run: Run) -> Critical:
    """From the task that ended last back through the one, among those that it could wait for, that ended last.

    Of a mapped step the last task is found by the element that is shared, or, where all are gathered, by its end.
    """
    spans = _spans(run)
    if not spans:
        return Critical([], 0.0)
    node = max(spans, key=lambda one: spans[one][1])
    found: list[Link] = []
    latest = _latest(run)
    path, link = _last(run, node, None, latest)
    while link is not None and len(found) < _MOST:
        found.append(link)
        best: tuple[int, Path, Link] | None = None
        for before in upstream(run.graph, {node}) - {node}:
            if before not in spans or before >= node:
                continue
            where, candidate = _last(run, before, _common(run, node, path, before), latest)
            if (
                candidate is not None
                and candidate.end <= link.start + 0.5
                and (best is None or candidate.end > best[2].end)
            ):
                best = before, where, candidate
        if best is None:
            break
        node, path, link = best
    found.reverse()
    return Critical(found, found[-1].end - found[0].start if found else 0.0)


def _spans(run: Run) -> dict[int, tuple[float, float]]:
    return {
        node: (start, end)
        for node, start, end in run.store.database.rows(
            "SELECT node, MIN(first_start), MAX(last_end) FROM pace WHERE run = ? AND first_start IS NOT NULL"
            " GROUP BY node",
            (run.key,),
        )
    }


def _common(run: Run, node: int, path: Path, before: int) -> Path | None:
    """The element that both are of; None where the one reads all tasks of the other."""
    shared = run.graph.layout.shared_axes(run.graph.nodes[node].scope, before)
    if len(run.graph.layout.node_axes[before]) == shared:
        return path[:shared]
    return None


def _latest(run: Run) -> dict[int, tuple[float, float]]:
    """Of nodes that are summed up, between which moments the task began that ended last."""
    return {
        node: (first, last)
        for node, first, last in run.store.database.rows(
            "SELECT span.node, first_start, last_start FROM span JOIN (SELECT node, MAX(last_end) AS latest FROM span"
            " WHERE run = ? AND state <> 'cached' GROUP BY node) ends ON ends.node = span.node AND latest = last_end"
            " WHERE run = ?",
            (run.key, run.key),
        )
    }


def _last(
    run: Run, node: int, path: Path | None, latest: Mapping[int, tuple[float, float]]
) -> tuple[Path, Link | None]:
    """The task at a path, or the one of a node that ended last."""
    columns = "path, started_at, ended_at"
    if path is not None:
        row = run.store.database.row(
            f"SELECT {columns} FROM attempt WHERE run = ? AND node = ? AND path = ? AND started_at IS NOT NULL"
            " AND ended_at IS NOT NULL ORDER BY attempt DESC LIMIT 1",
            (run.key, node, to_key(path)),
        )
    else:
        where, values = "node = ?", (node, *latest.get(node, ()))
        if node in latest:  # so that of many thousands only those are looked at that began in the same moment
            where = f"{where} AND {BEGIN} BETWEEN ? AND ?"
        row = run.store.database.row(
            f"SELECT {columns} FROM attempt WHERE run = ? AND {where} AND started_at IS NOT NULL"
            " AND ended_at IS NOT NULL ORDER BY ended_at DESC LIMIT 1",
            (run.key, *values),
        )
    if row is None:
        return (), None
    found = from_key(row[0])
    step = run.graph.nodes[node].id
    return found, Link(task_name(step, found), step, row[1], row[2])
