"""Which runs are there, of thousands? Pages of rows by filter and order, groups, and what there is to choose from."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from plait.errors import ParameterError
from plait.record.annotations import Annotations, annotations_of
from plait.record.filters import Filter, Term, reach_or_none, read_filter
from plait.record.progress import Counts, run_counts
from plait.record.store import RecordStore
from plait.record.views import RUN_COLUMNS, Run

__all__ = [
    "ColumnChoice",
    "Columns",
    "Git",
    "Query",
    "RecentRun",
    "RunGroup",
    "RunGroups",
    "RunPage",
    "RunRow",
    "columns_to_choose",
    "group_runs",
    "live_row",
    "recent_runs",
    "rows_of",
    "run_page",
    "run_rows",
]

_MOST_SCANNED = 20_000  # runs looked at for one page
_BATCH, _MOST_AT_ONCE = 500, 4_000  # runs that are asked for at once, twice as many each time
_SPARK = 24
_MOST_DIFFERING = 6
_ALIKE = 20  # latest runs of a pipeline among which parameters differ
_RECENT = 30
_params = msgspec.json.Decoder(dict[str, Any])


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


class Query(Struct, frozen=True):
    """How a filter was understood."""

    terms: tuple[Term, ...]


class RunPage(Struct, frozen=True):
    """A page of runs; ``total`` is None where counting them all would cost more than the page."""

    items: list[RunRow]
    next: str | None
    total: int | None
    query: Query
    searched: int


class RecentRun(Struct, frozen=True):
    id: str
    status: str
    seconds: float
    started_at: float


class RunGroup(Struct, frozen=True):
    """The runs of one pipeline."""

    pipeline: str
    counts: dict[str, int]
    runs: int
    last: RunRow
    recent: list[RecentRun]


class RunGroups(Struct, frozen=True):
    items: list[RunGroup]
    query: Query


class ColumnChoice(Struct, frozen=True):
    name: str
    pipelines: list[str]
    numeric: bool


class Columns(Struct, frozen=True):
    """What columns, tags and people there are, for choosing and completing."""

    params: list[ColumnChoice]
    metrics: list[ColumnChoice]
    tags: list[str]
    users: list[str]
    pipelines: list[str]
    statuses: list[str]


def run_page(
    store: RecordStore,
    *,
    q: str = "",
    sort: str = "started",
    cursor: str | None = None,
    limit: int = 50,
    columns: Sequence[str] = (),
    spark: Sequence[str] = (),
) -> RunPage:
    """The runs that a filter takes, in an order, a page at a time.

    Args:
        sort: ``started`` (newest first), ``seconds``, ``metric:NAME``, ``param:NAME`` (least first), and with a ``-``
            before it the other way round.

    Raises:
        ParameterError: there is no such order, or the cursor is not one of ours.
    """
    found = read_filter(q)
    backwards, key = sort.startswith("-"), sort.removeprefix("-")
    if key == "started":
        keys, following, searched, complete = _by_start(store, found, cursor, limit, newest=not backwards)
    elif key == "seconds" or key.startswith(("metric:", "param:")):
        keys, following, searched, complete = _by_value(store, found, key, cursor, limit, backwards=backwards)
    else:
        raise ParameterError(
            f"runs cannot be sorted by {key!r}", hint="started, seconds, metric:NAME or param:NAME"
        )
    total = _total(store, found) if found.is_plain else complete
    rows = run_rows(store, keys, columns=columns, spark=spark)
    return RunPage(rows, following, total, Query(found.terms), searched)


def _total(store: RecordStore, found: Filter) -> int:
    row = store.database.row(f"SELECT COUNT(*) FROM run WHERE {found.where}", found.values)
    assert row is not None
    return int(row[0])


class _Candidate(NamedTuple):
    """What of a run a filter looks at: thousands are looked at for a page."""

    key: int
    began: float
    status: str | None
    params: str
    facts: str


def _by_start(
    store: RecordStore, found: Filter, cursor: str | None, limit: int, *, newest: bool
) -> tuple[list[int], str | None, int, int | None]:
    than, order = ("<", "DESC") if newest else (">", "ASC")
    keys: list[int] = []
    place = _place(cursor) if cursor else None
    searched, batch = 0, _BATCH
    while True:
        where, values = found.where, list(found.values)
        if place is not None:
            where += f" AND (started_at {than} ? OR (started_at = ? AND key {than} ?))"
            values += [place[0], place[0], place[1]]
        batch = limit + 1 - len(keys) if found.is_plain else min(2 * batch, _MOST_AT_ONCE)
        runs = _scan(store, found, where, values, f"started_at {order}, key {order}", batch)
        searched += len(runs)
        for run in _taken(store, found, runs):
            if len(keys) == limit:
                return keys, _cursor(place), searched, None
            keys.append(run.key)
            place = (run.began, run.key)
        if len(runs) < batch:
            complete = len(keys) if cursor is None else None
            return keys, None, searched, complete
        place = (runs[-1].began, runs[-1].key)
        if searched >= _MOST_SCANNED:
            return keys, _cursor(place), searched, None


def _by_value(
    store: RecordStore, found: Filter, key: str, cursor: str | None, limit: int, *, backwards: bool
) -> tuple[list[int], str | None, int, int | None]:
    name = key.partition(":")[2]
    if key.startswith("metric:") and found.is_plain:
        return _by_metric(store, found, name, cursor, limit, backwards=backwards)
    runs = _scan(
        store, found, found.where, list(found.values), "started_at DESC, key DESC", _MOST_SCANNED,
        params=key.startswith("param:"),
    )  # fmt: skip
    chosen = runs if found.is_plain else list(_taken(store, found, runs))
    by_run: dict[int, Any] = {}
    if key.startswith("metric:"):
        by_run = dict(store.database.rows("SELECT run, last FROM measure WHERE name = ?", (name,)))
    elif key.startswith("param:"):
        by_run = {run.key: reach_or_none(_params.decode(run.params), name) for run in chosen}
    else:
        now = time.time()
        by_run = {
            run: (ended or now) - started
            for run, started, ended in store.database.rows("SELECT key, started_at, ended_at FROM run")
        }
    sign = -1.0 if backwards else 1.0

    def rank(run: _Candidate) -> tuple[int, float, str]:
        value = by_run.get(run.key)
        if value is None or value != value:
            return (2, 0.0, "")
        if isinstance(value, (int, float)):
            return (0, sign * value, "")
        return (1, 0.0, str(value))

    chosen.sort(key=rank)
    start = _offset(cursor)
    page = chosen[start : start + limit]
    following = f"o{start + limit}" if start + limit < len(chosen) else None
    return [run.key for run in page], following, len(runs), len(chosen)


def _by_metric(
    store: RecordStore, found: Filter, name: str, cursor: str | None, limit: int, *, backwards: bool
) -> tuple[list[int], str | None, int, int | None]:
    """By the index of a metric's last values; behind them the runs without one, the newest first."""
    database, start = store.database, _offset(cursor)
    order = "DESC" if backwards else "ASC"
    measured = f"FROM measure JOIN run ON run.key = measure.run WHERE name = ? AND last IS NOT NULL AND {found.where}"
    keys = [
        row[0]
        for row in database.rows(
            f"SELECT run.key {measured} ORDER BY last {order}, started_at DESC, key DESC"
            f" LIMIT {limit + 1} OFFSET {start}",
            (name, *found.values),
        )
    ]
    if len(keys) <= limit:
        row = database.row(f"SELECT COUNT(*) {measured}", (name, *found.values))
        keys += [
            row[0]
            for row in database.rows(
                f"SELECT key FROM run WHERE {found.where} AND NOT EXISTS (SELECT 1 FROM measure"
                " WHERE measure.run = run.key AND name = ? AND last IS NOT NULL)"
                f" ORDER BY started_at DESC, key DESC LIMIT {limit + 1 - len(keys)}"
                f" OFFSET {max(0, start - (row[0] if row else 0))}",
                (*found.values, name),
            )
        ]
    following = f"o{start + limit}" if len(keys) > limit else None
    return keys[:limit], following, len(keys), None


def _scan(
    store: RecordStore,
    found: Filter,
    where: str,
    values: list[Any],
    order: str,
    limit: int,
    *,
    params: bool = False,
) -> list[_Candidate]:
    """What a filter looks at; what it does not need, such as the long facts of each run, is not read."""
    columns = (
        "key, started_at, status",
        "params" if found.conditions or params else "''",
        "facts" if found.environments else "''",
    )
    sql = f"SELECT {', '.join(columns)} FROM run WHERE {where} ORDER BY {order} LIMIT {int(limit)}"
    return [_Candidate(*row) for row in store.database.rows(sql, values)]


def _taken(store: RecordStore, found: Filter, runs: list[_Candidate]) -> Iterable[_Candidate]:
    if found.is_plain:
        yield from runs
        return
    metrics: dict[int, dict[str, float | None]] = {}
    nothing: dict[str, float | None] = {}
    names = found.metric_names
    if names and runs:
        low, high = min(run.key for run in runs), max(run.key for run in runs)
        marks = ", ".join("?" * len(names))
        for run, name, last in store.database.rows(
            f"SELECT run, name, last FROM measure WHERE name IN ({marks}) AND run BETWEEN ? AND ?",
            (*names, low, high),
        ):
            metrics.setdefault(run, {})[name] = last
    any_status = found.statuses is None and not found.not_statuses
    for one in runs:
        if not any_status and not found.takes_status(one.status or store.run_of_key(one.key).status):
            continue
        env = msgspec.json.decode(one.facts).get("env") if found.environments else None
        params = _params.decode(one.params) if found.conditions else {}
        if found.takes(params, metrics.get(one.key, nothing), env):
            yield one


def _cursor(place: tuple[float, int] | None) -> str | None:
    return None if place is None else f"{place[0]!r},{place[1]}"


def _place(cursor: str) -> tuple[float, int]:
    moment, _, key = cursor.partition(",")
    try:
        return float(moment), int(key)
    except ValueError:
        raise ParameterError(f"{cursor!r} is no cursor of this list") from None


def _offset(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not cursor.startswith("o") or not cursor[1:].isdecimal():
        raise ParameterError(f"{cursor!r} is no cursor of this list")
    return int(cursor[1:])


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


def group_runs(store: RecordStore, q: str = "") -> RunGroups:
    """The runs that a filter takes, by pipeline, the one that ran last first."""
    found = read_filter(q)
    counts: dict[str, dict[str, int]] = {}
    last: dict[str, int] = {}
    if found.is_plain:
        for pipeline, status, count in store.database.rows(
            f"SELECT pipeline, COALESCE(status, ''), COUNT(*) FROM run WHERE {found.where} GROUP BY 1, 2",
            found.values,
        ):
            counts.setdefault(pipeline, {})[status] = count
        for pipeline, by_status in counts.items():
            row = store.database.row(
                f"SELECT key FROM run WHERE {found.where} AND pipeline = ? ORDER BY started_at DESC LIMIT 1",
                (*found.values, pipeline),
            )
            if row is not None:
                last[pipeline] = row[0]
            if by_status.pop("", 0):
                for going in store.unfinished_runs():
                    if going.pipeline == pipeline:
                        by_status[going.status] = by_status.get(going.status, 0) + 1
    else:
        runs = _scan(store, found, found.where, list(found.values), "started_at DESC", _MOST_SCANNED)
        named = dict(store.database.rows("SELECT key, pipeline FROM run"))
        for run in _taken(store, found, runs):
            by_status = counts.setdefault(named[run.key], {})
            status = run.status or store.run_of_key(run.key).status
            by_status[status] = by_status.get(status, 0) + 1
            last.setdefault(named[run.key], run.key)
    rows = {row.pipeline: row for row in run_rows(store, list(last.values()))}
    groups = [
        RunGroup(name, by_status, sum(by_status.values()), rows[name], recent_runs(store, name))
        for name, by_status in counts.items()
        if name in rows
    ]
    groups.sort(key=lambda group: -group.last.started_at)
    return RunGroups(groups, Query(found.terms))


def columns_to_choose(store: RecordStore) -> Columns:
    """Names of parameters of the latest runs of each pipeline, of metrics, tags, users and pipelines."""
    database = store.database
    pipelines = [row[0] for row in database.rows("SELECT DISTINCT pipeline FROM run ORDER BY 1 LIMIT 500")]
    params: dict[str, tuple[list[str], list[bool]]] = {}
    metrics: dict[str, list[str]] = {}
    for pipeline in pipelines:
        for run in store.runs(limit=5, pipeline=pipeline):
            for name, value in flat(run.params):
                known, numbers = params.setdefault(name, ([], []))
                numbers.append(isinstance(value, int | float) and not isinstance(value, bool))
                if pipeline not in known:
                    known.append(pipeline)
            for (name,) in database.rows("SELECT name FROM measure WHERE run = ? LIMIT 200", (run.key,)):
                if pipeline not in metrics.setdefault(name, []):
                    metrics[name].append(pipeline)
    from plait.record.annotations import tags_in_use
    from plait.record.filters import STATUSES

    return Columns(
        [ColumnChoice(name, known, all(numbers)) for name, (known, numbers) in sorted(params.items())],
        [ColumnChoice(name, known, True) for name, known in sorted(metrics.items())],
        tags_in_use(store),
        [
            row[0]
            for row in database.rows("SELECT DISTINCT user_name FROM run ORDER BY 1 LIMIT 200")
            if row[0]
        ],
        pipelines,
        list(STATUSES),
    )


def flat(params: dict[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    """Parameters by dotted names, those inside mappings as well."""
    for name, value in params.items():
        if isinstance(value, dict) and value and len(value) <= 50:
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
