"""How do runs differ? Parameters, metrics, environment, code and data beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from plait.errors import ParameterError
from plait.record.filters import reach_or_none
from plait.record.runrows import RunRow, flat, rows_of, shorten
from plait.record.store import RecordStore
from plait.record.views import Run

__all__ = ["Comparison", "Point", "Points", "Row", "compare_runs", "find_runs", "points_of"]

MOST_RUNS = 500
_MOST_ROWS = 500
_FACTS = (
    "python",
    "platform",
    "plait",
    "host",
    "user",
    "env",
    "stack",
    "git_branch",
    "git_commit",
    "git_dirty",
)


class Row(Struct, frozen=True):
    """One thing that runs can differ in, with its value in each of them in order."""

    name: str
    differs: bool
    values: list[Any]


class Comparison(Struct, frozen=True):
    """Runs beside each other; of a block with too many rows ``cut`` tells how many are left out."""

    runs: list[RunRow]
    params: list[Row]
    metrics: list[Row]
    environment: list[Row]
    code: list[Row]
    datasets: list[Row]
    cut: dict[str, int]


class Point(Struct, frozen=True):
    run: str
    x: Any
    y: Any
    color: Any = None


class Points(Struct, frozen=True):
    items: list[Point]


def find_runs(store: RecordStore, names: Sequence[str], least: int = 1) -> list[Run]:
    """Some runs by their ids.

    Raises:
        ParameterError: there are too few, or too many.
    """
    if not least <= len(names) <= MOST_RUNS:
        raise ParameterError(
            f"{least} to {MOST_RUNS} runs can be looked at together, and {len(names)} were named"
        )
    return store.runs_named(list(dict.fromkeys(names)))


def compare_runs(store: RecordStore, names: Sequence[str]) -> Comparison:
    """What is the same in some runs, and what is not.

    Raises:
        RecordError: one of them is not there.
    """
    runs = find_runs(store, names, 2)
    cut: dict[str, int] = {}
    keys = [run.key for run in runs]
    found = {
        "params": _rows([dict(flat(run.params)) for run in runs]),
        "metrics": _rows(_metrics(store, keys)),
        "environment": _rows(_facts(runs)) + _packages(store, runs),
        "code": _rows(_codes(store, keys)),
        "datasets": _rows(_datasets(store, keys)),
    }
    for block, rows in found.items():
        if len(rows) > _MOST_ROWS:
            rows.sort(key=lambda row: not row.differs)
            cut[block] = len(rows) - _MOST_ROWS
            del rows[_MOST_ROWS:]
    return Comparison(rows_of(store, runs), **found, cut=cut)


def _rows(columns: Sequence[dict[str, Any]], of_run: Sequence[int] | None = None) -> list[Row]:
    """A row for each name in some columns; ``of_run`` tells for each run which column is its, if not each has one."""
    names = list(dict.fromkeys(name for column in columns for name in column))
    rows = []
    for name in names:
        values = [column.get(name) for column in columns]
        texts = {msgspec.json.encode(value, enc_hook=str) for value in values}
        shown = [shorten(value) for value in values]
        rows.append(
            Row(name, len(texts) > 1, shown if of_run is None else [shown[column] for column in of_run])
        )
    return rows


def _grouped(keys: Sequence[int], found: Any) -> list[dict[str, Any]]:
    by_run: dict[int, dict[str, Any]] = {key: {} for key in keys}
    for key, name, value in found:
        by_run[key][name] = value
    return [by_run[key] for key in keys]


def _marks(values: Sequence[Any]) -> str:
    return ", ".join("?" * len(values))


def _metrics(store: RecordStore, keys: Sequence[int]) -> list[dict[str, Any]]:
    rows = store.database.execute(
        f"SELECT run, name, last FROM measure WHERE run IN ({_marks(keys)}) ORDER BY name LIMIT 200000", keys
    )
    return _grouped(keys, rows)


def _facts(runs: Sequence[Run]) -> list[dict[str, Any]]:
    return [
        {
            "executor": run.executor,
            **{name: run.facts[name] for name in _FACTS if run.facts.get(name) is not None},
        }
        for run in runs
    ]


def _packages(store: RecordStore, runs: Sequence[Run]) -> list[Row]:
    """Hundreds of packages by hundreds of runs, of which most have the same: what is the same is looked at once."""
    digests = list(dict.fromkeys(run.packages_digest for run in runs))
    known: dict[str, dict[str, str]] = {
        digest: msgspec.json.decode(body)
        for digest, body in store.database.rows(
            f"SELECT hash, body FROM document WHERE hash IN ({_marks(digests)})", digests
        )
    }
    columns = [{f"package {k}": v for k, v in known.get(digest, {}).items()} for digest in digests]
    return _rows(columns, [digests.index(run.packages_digest) for run in runs])


def _codes(store: RecordStore, keys: Sequence[int]) -> list[dict[str, Any]]:
    rows = store.database.execute(
        f"SELECT run, id, closure FROM node WHERE run IN ({_marks(keys)}) AND closure IS NOT NULL"
        f" UNION ALL SELECT recoded.run, node.id, recoded.closure FROM recoded JOIN node ON node.run = recoded.run"
        f" AND node.node = recoded.node WHERE recoded.run IN ({_marks(keys)})",
        (*keys, *keys),
    )
    return _grouped(keys, ((key, name, digest[:12]) for key, name, digest in rows))


def _datasets(store: RecordStore, keys: Sequence[int]) -> list[dict[str, Any]]:
    found = _grouped(
        keys,
        (
            (key, f"in: {name}", artifact[:12])
            for key, name, artifact in store.database.execute(
                f"SELECT run, name, artifact FROM input WHERE run IN ({_marks(keys)}) AND origin = 'catalog'"
                " ORDER BY name",
                keys,
            )
        ),
    )
    written = store.database.execute(
        "SELECT run, dataset, MAX(COALESCE(version, content)) FROM dataset_write"
        f" WHERE run IN ({_marks(keys)}) GROUP BY run, dataset ORDER BY dataset",
        keys,
    )
    for column, more in zip(
        found, _grouped(keys, ((key, f"out: {name}", value) for key, name, value in written)), strict=True
    ):
        column.update(more)
    return found


def points_of(store: RecordStore, names: Sequence[str], x: str, y: str, color: str | None = None) -> Points:
    """Two values of each run, and a third to colour by: ``param:NAME``, ``metric:NAME``, ``seconds`` or ``started``."""
    runs = find_runs(store, names)
    columns = [_column(store, runs, name) for name in (x, y, *((color,) if color else ()))]
    return Points(
        [
            Point(run.id, columns[0][at], columns[1][at], columns[2][at] if color else None)
            for at, run in enumerate(runs)
        ]
    )


def _column(store: RecordStore, runs: Sequence[Run], name: str) -> list[Any]:
    kind, _, inside = name.partition(":")
    if kind == "param":
        return [shorten(reach_or_none(run.params, inside)) for run in runs]
    if kind == "metric":
        keys = [run.key for run in runs]
        last = dict(
            store.database.rows(
                f"SELECT run, last FROM measure WHERE name = ? AND run IN ({_marks(keys)})", (inside, *keys)
            )
        )
        return [last.get(run.key) for run in runs]
    if kind == "seconds":
        return [run.seconds for run in runs]
    if kind == "started":
        return [run.started_at.timestamp() for run in runs]
    if kind in ("pipeline", "status", "user", "executor", "host"):
        return [getattr(run, kind) for run in runs]
    raise ParameterError(f"runs have no {name!r}", hint="param:NAME, metric:NAME, seconds or started")
