"""Which runs are there, of thousands? Pages of rows by filter and order."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from plait.errors import ParameterError
from plait.record.filters import Filter, Term, reach_or_none, read_filter
from plait.record.runrows import RunRow, run_rows
from plait.record.store import RecordStore

__all__ = ["MOST_SCANNED", "Query", "RunPage", "run_page", "scan", "taken"]

MOST_SCANNED = 20_000  # runs looked at for one page
_BATCH, _MOST_AT_ONCE = 500, 4_000  # runs that are asked for at once, twice as many each time
_params = msgspec.json.Decoder(dict[str, Any])


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
        runs = scan(store, found, where, values, f"started_at {order}, key {order}", batch)
        searched += len(runs)
        for run in taken(store, found, runs):
            if len(keys) == limit:
                return keys, _cursor(place), searched, None
            keys.append(run.key)
            place = (run.began, run.key)
        if len(runs) < batch:
            complete = len(keys) if cursor is None else None
            return keys, None, searched, complete
        place = (runs[-1].began, runs[-1].key)
        if searched >= MOST_SCANNED:
            return keys, _cursor(place), searched, None


def _by_value(
    store: RecordStore, found: Filter, key: str, cursor: str | None, limit: int, *, backwards: bool
) -> tuple[list[int], str | None, int, int | None]:
    name = key.partition(":")[2]
    if key.startswith("metric:") and found.is_plain:
        return _by_metric(store, found, name, cursor, limit, backwards=backwards)
    runs = scan(
        store, found, found.where, list(found.values), "started_at DESC, key DESC", MOST_SCANNED,
        params=key.startswith("param:"),
    )  # fmt: skip
    chosen = runs if found.is_plain else list(taken(store, found, runs))
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


def scan(
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


def taken(store: RecordStore, found: Filter, runs: list[_Candidate]) -> Iterable[_Candidate]:
    """Those of them that a filter takes; what they logged is asked for all of them at once."""
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
