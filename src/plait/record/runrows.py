"""How does a run look in a list? A row with its state, its people's words, and the values of some columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from plait.record.annotations import Annotations, annotations_of
from plait.record.filters import reach_or_none
from plait.record.progress import Counts, run_counts
from plait.record.store import RecordStore
from plait.record.views import RUN_COLUMNS, Run

__all__ = ["Git", "RecentRun", "RunRow", "flat", "live_row", "recent_runs", "rows_of", "run_rows", "shorten"]

_SPARK = 24
_MOST_DIFFERING = 6
_ALIKE = 20  # latest runs of a pipeline among which parameters differ
_RECENT = 30


class Git(Struct, frozen=True):
    commit: str | None
    branch: str | None
    dirty: bool | None


class RunRow(Struct, frozen=True):
    """A run in a list. ``seconds`` of a running one are those so far; times are epoch seconds."""

    id: str
    name: str | None
    pipeline: str
    status: str
    reason: str | None
    started_at: float
    ended_at: float | None
    seconds: float
    executor: str
    user: str
    host: str
    env: str | None
    parent: str | None
    tags: tuple[str, ...]
    note: str
    pinned: bool
    counts: Counts | None
    git: Git | None
    values: dict[str, Any] = {}
    spark: dict[str, list[float | None]] = {}
    differing: dict[str, Any] = {}


class RecentRun(Struct, frozen=True):
    id: str
    status: str
    seconds: float
    started_at: float


def run_rows(
    store: RecordStore, keys: Sequence[int], *, columns: Sequence[str] = (), spark: Sequence[str] = ()
) -> list[RunRow]:
    """The rows of some runs by their numbers, in that order; one that is gone is left out."""
    if not keys:
        return []
    found = {
        row[0]: Run(store, row)
        for row in store.database.rows(f"SELECT {RUN_COLUMNS} FROM run WHERE key IN ({_marks(keys)})", keys)
    }
    return rows_of(store, [found[key] for key in keys if key in found], columns=columns, spark=spark)


def rows_of(
    store: RecordStore, runs: Sequence[Run], *, columns: Sequence[str] = (), spark: Sequence[str] = ()
) -> list[RunRow]:
    """The rows of some runs that are there already, in that order."""
    if not runs:
        return []
    keys = [run.key for run in runs]
    said = annotations_of(store, keys)
    pins = {
        row[0]
        for row in store.database.rows(
            f"SELECT id FROM pin WHERE kind = 'run' AND id IN ({_marks(runs)})", [run.id for run in runs]
        )
    }
    wanted = [name.removeprefix("metric:") for name in columns if name.startswith("metric:")]
    measured = _measures(store, keys, wanted)
    differing = {name: _differing(store, name) for name in {run.pipeline for run in runs}}
    curves = {
        run.key: {
            name: sparkline(store, run.key, name.removeprefix("metric:"))
            for name in spark
            if name.startswith("metric:")
        }
        for run in runs
    }
    return [
        _row(
            store,
            run,
            said.get(run.key, Annotations()),
            run.id in pins,
            _values(run, columns, measured.get(run.key, {})),
            curves[run.key],
            differing[run.pipeline],
        )
        for run in runs
    ]


def _marks(values: Sequence[Any]) -> str:
    return ", ".join("?" * len(values))


def _row(
    store: RecordStore,
    run: Run,
    said: Annotations,
    pinned: bool,
    values: dict[str, Any],
    spark: dict[str, list[float | None]],
    differing: list[str],
) -> RunRow:
    status, facts = run.status, run.facts
    commit = facts.get("git_commit")
    return RunRow(
        id=run.id,
        name=said.name or None,
        pipeline=run.pipeline,
        status=status,
        reason=run.reason,
        started_at=run.began,
        ended_at=run.ended_at.timestamp() if run.ended_at else None,
        seconds=run.seconds,
        executor=run.executor,
        user=run.user,
        host=run.host,
        env=facts.get("env"),
        parent=run.parent,
        tags=said.tags,
        note=said.note,
        pinned=pinned,
        counts=run_counts(run) if status == "running" else None,
        git=Git(commit, facts.get("git_branch"), facts.get("git_dirty")) if commit else None,
        values=values,
        spark={name: curve for name, curve in spark.items() if curve},
        differing={name: shorten(run.params[name]) for name in differing if name in run.params},
    )


def live_row(row: RunRow, run: Run, counts: Counts | None) -> RunRow:
    """A row of a run as it is now; what people say of it, and what it began with, is as it was."""
    return msgspec.structs.replace(
        row,
        status=run.status,
        reason=run.reason,
        ended_at=run.ended_at.timestamp() if run.ended_at else None,
        seconds=run.seconds,
        counts=counts,
    )


def _values(run: Run, columns: Sequence[str], measured: dict[str, float | None]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for column in columns:
        kind, _, name = column.partition(":")
        if kind == "param":
            found[column] = shorten(reach_or_none(run.params, name))
        elif kind == "metric":
            found[column] = measured.get(name)
    return found


def shorten(value: Any, most: int = 200) -> Any:
    """A recorded value as a cell can hold it: long texts are cut, large collections told as text."""
    if isinstance(value, str):
        return value if len(value) <= most else value[: most - 1] + "…"
    if isinstance(value, dict | list | tuple):
        text = msgspec.json.encode(value, enc_hook=str).decode()
        return value if len(text) <= most else text[: most - 1] + "…"
    return value


def _measures(
    store: RecordStore, runs: Sequence[int], names: Sequence[str]
) -> dict[int, dict[str, float | None]]:
    if not names or not runs:
        return {}
    found: dict[int, dict[str, float | None]] = {}
    for run, name, last in store.database.rows(
        f"SELECT run, name, last FROM measure WHERE run IN ({', '.join('?' * len(runs))})"
        f" AND name IN ({', '.join('?' * len(names))})",
        (*runs, *names),
    ):
        found.setdefault(run, {})[name] = last
    return found


def sparkline(store: RecordStore, run: int, name: str) -> list[float | None]:
    """The course of a metric in at most 24 numbers: of the first task that logged it."""
    blocks = store.database.rows(
        "SELECT node, path, attempt, block, points, last FROM series WHERE run = ? AND name = ?"
        " ORDER BY node, path, attempt, block LIMIT 4096",
        (run, name),
    )
    mine = [row for row in blocks if row[:3] == blocks[0][:3]]
    if not mine:
        return []
    if len(mine) > 1:
        lasts = [row[5] for row in mine]
        return (
            [lasts[at * (len(lasts) - 1) // (_SPARK - 1)] for at in range(min(_SPARK, len(lasts)))]
            if len(lasts) > _SPARK
            else lasts
        )
    count = mine[0][4]
    if count < 2:
        # One number a task: the course over the tasks.
        lasts = [row[5] for row in blocks[:4096]]
        if len(lasts) < 2:
            return []
        return (
            lasts
            if len(lasts) <= _SPARK
            else [lasts[at * (len(lasts) - 1) // (_SPARK - 1)] for at in range(_SPARK)]
        )
    positions = sorted({at * (count - 1) // (_SPARK - 1) for at in range(_SPARK)})
    values = dict(
        store.database.rows(
            "SELECT position, value FROM metric WHERE run = ? AND node = ? AND path = ? AND attempt = ?"
            f" AND name = ? AND position IN ({', '.join(map(str, positions))})",
            (run, *mine[0][:3], name),
        )
    )
    return [values.get(at) for at in positions]


def _differing(store: RecordStore, pipeline: str) -> list[str]:
    """The parameters that are not the same in all of the latest runs of a pipeline."""
    seen: dict[str, set[bytes]] = {}
    for (params,) in store.database.rows(
        f"SELECT params FROM run WHERE pipeline = ? ORDER BY started_at DESC LIMIT {_ALIKE}", (pipeline,)
    ):
        for name, value in msgspec.json.decode(params, type=dict[str, msgspec.Raw]).items():
            seen.setdefault(name, set()).add(bytes(value))
    return [name for name, values in seen.items() if len(values) > 1][:_MOST_DIFFERING]


def recent_runs(store: RecordStore, pipeline: str, limit: int = _RECENT) -> list[RecentRun]:
    """The latest runs of a pipeline, newest first."""
    return [
        RecentRun(run.id, run.status, run.seconds, run.started_at.timestamp())
        for run in store.runs(limit=limit, pipeline=pipeline)
    ]


def flat(params: dict[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    """Parameters by dotted names, those inside mappings as well."""
    for name, value in params.items():
        if isinstance(value, dict) and value and len(value) <= 50:
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
