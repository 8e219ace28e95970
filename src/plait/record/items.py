"""Which tasks does a mapped step have, of many thousands? Pages with the failed first, and one cell per pixel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from plait.errors import ParameterError, RecordError, did_you_mean
from plait.graph.model import Path, task_name
from plait.record.elements import element_text
from plait.record.paths import from_key, to_key
from plait.record.progress import Counts, make_counts
from plait.record.valuerefs import element_labels
from plait.record.views import Run

__all__ = [
    "ATTEMPT_COLUMNS",
    "AttemptRow",
    "Strip",
    "TaskPage",
    "TaskRow",
    "attempt_fields",
    "attempt_rows",
    "find_step",
    "strip",
    "task_fields",
    "task_page",
]

_ORDER = ("failed", "lost", "running", "cancelled", "skipped", "done", "cached")
_LETTERS = {
    "failed": "f", "lost": "l", "cancelled": "x", "running": "r", "waiting": "w", "skipped": "s", "done": "d",
    "cached": "c",
}  # fmt: skip
_WORST = "flxrwsdc"
# Of more tasks only elements that were given are told: a list that was made would be read for a page.
_LABELLED = 20_000
_EXACT = 5_000  # tasks of which each is looked at for a strip
_PROBES = 500  # tasks that are looked at by one question
ATTEMPT_COLUMNS = (
    "path, attempt, state, reason, worker, launched_at, started_at, called_at, ended_at,"
    " cpu_seconds, peak_memory, source"
)
_LATEST = "(state IS NULL OR state <> 'retried')"


class AttemptRow(Struct, frozen=True, kw_only=True):
    """One try of a task; times are epoch seconds, memory is bytes.

    Args:
        queued_at: when it was handed out; ``started_at`` when a worker took it, ``called_at`` when the step's function
            was called, with its inputs loaded.
    """

    attempt: int
    state: str
    reason: str | None
    worker: str | None
    queued_at: float | None
    started_at: float | None
    called_at: float | None
    ended_at: float | None
    seconds: float | None
    cpu_seconds: float | None
    peak_memory: int | None


class TaskRow(AttemptRow, frozen=True, kw_only=True):
    """A task in a list, with its latest attempt; ``source`` is the run that its result was taken from."""

    task: str
    path: Path
    source: str | None
    label: str | None = None


class TaskPage(Struct, frozen=True):
    items: list[TaskRow]
    next: str | None
    total: int | None
    counts: Counts


class Strip(Struct, frozen=True):
    """A letter a cell: cell i stands for the tasks from ``i * per_cell`` on, and shows the worst state among them."""

    items: int | None
    per_cell: int
    cells: str


def find_step(run: Run, name: str) -> int:
    """The number of a node.

    Raises:
        RecordError: there is none of that name; the nearest is named.
    """
    node = run.graph.find_node(name)
    if node is None:
        raise RecordError(
            f"run {run.id} has no step {name!r}", hint=did_you_mean(name, run.graph.layout.by_id)
        )
    return node


def attempt_fields(row: Sequence[Any], *, running: bool) -> dict[str, Any]:
    """A row of ``attempt`` (``ATTEMPT_COLUMNS``) as the fields of an ``AttemptRow``."""
    _, attempt, state, reason, worker, launched, started, called, ended, cpu, memory, _ = row
    return {
        "attempt": attempt,
        "state": state or ("running" if running else "lost"),
        "reason": reason,
        "worker": worker,
        "queued_at": launched,
        "started_at": started,
        "called_at": called,
        "ended_at": ended,
        "seconds": max(0.0, ended - started) if started is not None and ended is not None else None,
        "cpu_seconds": cpu,
        "peak_memory": memory,
    }


def task_fields(run: Run, node: int, row: Sequence[Any], *, running: bool) -> dict[str, Any]:
    """The same as the fields of a ``TaskRow``."""
    path = from_key(row[0])
    name = task_name(run.graph.nodes[node].id, path)
    return {"task": name, "path": path, "source": row[-1], **attempt_fields(row, running=running)}


def attempt_rows(run: Run, node: int, path: Path) -> list[tuple[Any, ...]]:
    """All attempts of a task, the first one first, by ``ATTEMPT_COLUMNS``."""
    return run.store.database.rows(
        f"SELECT {ATTEMPT_COLUMNS} FROM attempt WHERE run = ? AND node = ? AND path = ? ORDER BY attempt",
        (run.key, node, to_key(path)),
    )


def task_page(
    run: Run,
    step: str,
    *,
    sort: str = "state",
    states: Sequence[str] = (),
    cursor: str | None = None,
    offset: int = 0,
    limit: int = 100,
) -> TaskPage:
    """Tasks of a step that began, a page at a time.

    Args:
        sort: ``state`` (failed first, what went well last), ``index``, ``slowest`` or ``latest``.
        states: only those; all if empty.
        offset: how many tasks come before the page, for whoever jumps; ``cursor`` is for whoever goes on.

    Raises:
        ParameterError: there is no such order or state, or the cursor is not one of ours.
    """
    node = find_step(run, step)
    running = run.status == "running"
    counts = make_counts(run.counts()[node], ended=not running)
    for state in states:
        if state not in _ORDER:
            raise ParameterError(f"tasks have no state {state!r}", hint=did_you_mean(state, _ORDER))
    wanted = [state for state in _ORDER if not states or state in states]
    wanted = [state for state in wanted if getattr(counts, state)]
    total = sum(getattr(counts, state) for state in wanted)
    if offset and not cursor and sort in ("state", "index", "slowest", "latest"):
        rows, following = _from(run, node, sort, wanted, counts, states, offset, limit)
    elif sort == "state":
        rows, following = _by_state(run, node, wanted, cursor, limit)
    elif sort == "index":
        rows, following = _by_index(run, node, states and wanted, cursor, limit)
    elif sort in ("slowest", "latest"):
        rows, following = _by_time(run, node, sort, states and wanted, cursor, limit)
    else:
        raise ParameterError(f"tasks cannot be sorted by {sort!r}", hint="state, index, slowest or latest")
    items = [TaskRow(**task_fields(run, node, row, running=running)) for row in rows]
    paths = [item.path for item in items]
    few = (counts.total or 0) <= _LABELLED
    labels = element_labels(run, node, paths) if few else [element_text(run, node, path) for path in paths]
    items = [replace(item, label=label or None) for item, label in zip(items, labels, strict=True)]
    return TaskPage(items, following, total, counts)


def _from(
    run: Run,
    node: int,
    sort: str,
    wanted: Sequence[str],
    counts: Counts,
    states: Sequence[str],
    offset: int,
    limit: int,
) -> tuple[list[tuple[Any, ...]], str | None]:
    """A page somewhere in the middle."""
    if sort in ("slowest", "latest"):
        return _by_time(run, node, sort, states and wanted, f"o{offset}", limit)
    if sort == "index":
        groups = [_of_states(states and wanted)]
        sizes = [sum(getattr(counts, state) for state in wanted)]
    else:
        groups = [_state_condition(state) for state in wanted]
        sizes = [getattr(counts, state) for state in wanted]
    rows: list[tuple[Any, ...]] = []
    for condition, size in zip(groups, sizes, strict=True):
        if offset >= size:
            offset -= size
            continue
        rows += run.store.database.rows(
            f"SELECT {ATTEMPT_COLUMNS} FROM attempt WHERE run = ? AND node = ? AND {condition}"
            f" ORDER BY path LIMIT {limit - len(rows)} OFFSET {offset}",
            (run.key, node),
        )
        offset = 0
        if len(rows) >= limit:
            break
    if len(rows) < limit:
        return rows, None
    last = rows[-1]
    kind = (
        "index" if sort == "index" else last[2] or next(one for one in wanted if one in ("running", "lost"))
    )
    return rows, f"{kind}:{last[0].hex()}"


def _state_condition(state: str) -> str:
    # What has not ended is running, or lost with its process.
    if state in ("running", "lost"):
        return "state IS NULL"
    odd = "" if state in ("done", "cached") else " AND state NOT IN ('done', 'cached')"
    return f"state = '{state}'{odd}"


def _by_state(
    run: Run, node: int, wanted: Sequence[str], cursor: str | None, limit: int
) -> tuple[list[tuple[Any, ...]], str | None]:
    first, after = _read_cursor(cursor)
    rows: list[tuple[Any, ...]] = []
    for state in wanted:
        if first is not None and _ORDER.index(state) < _ORDER.index(first):
            continue
        where = _state_condition(state)
        values: list[Any] = [run.key, node]
        if state == first:
            where, values = f"{where} AND path > ?", [*values, after]
        found = run.store.database.rows(
            f"SELECT {ATTEMPT_COLUMNS} FROM attempt WHERE run = ? AND node = ? AND {where}"
            f" ORDER BY path LIMIT {limit + 1 - len(rows)}",
            values,
        )
        rows += found
        if len(rows) > limit:
            last = rows[limit - 1]
            name = last[2] or next(one for one in wanted if one in ("running", "lost"))
            return rows[:limit], f"{name}:{last[0].hex()}"
    return rows, None


def _by_index(
    run: Run, node: int, wanted: Sequence[str], cursor: str | None, limit: int
) -> tuple[list[tuple[Any, ...]], str | None]:
    where = _of_states(wanted)
    values: list[Any] = [run.key, node]
    if cursor:
        where, values = f"{where} AND path > ?", [*values, _read_cursor(cursor)[1]]
    rows = run.store.database.rows(
        f"SELECT {ATTEMPT_COLUMNS} FROM attempt WHERE run = ? AND node = ? AND {where} ORDER BY path LIMIT {limit + 1}",
        values,
    )
    return rows[:limit], f"index:{rows[limit - 1][0].hex()}" if len(rows) > limit else None


def _by_time(
    run: Run, node: int, sort: str, wanted: Sequence[str], cursor: str | None, limit: int
) -> tuple[list[tuple[Any, ...]], str | None]:
    value = (
        "COALESCE(ended_at - started_at, 0.0)"
        if sort == "slowest"
        else "COALESCE(ended_at, launched_at, 0.0)"
    )
    start = 0
    if cursor:
        if not cursor.startswith("o") or not cursor[1:].isdecimal():
            raise ParameterError(f"{cursor!r} is no cursor of this list")
        start = int(cursor[1:])
    rows = run.store.database.rows(
        f"SELECT {ATTEMPT_COLUMNS} FROM attempt WHERE run = ? AND node = ? AND {_of_states(wanted)}"
        f" ORDER BY {value} DESC, path LIMIT {limit + 1} OFFSET {start}",
        (run.key, node),
    )
    return rows[:limit], f"o{start + limit}" if len(rows) > limit else None


def _of_states(wanted: Sequence[str]) -> str:
    if not wanted:
        return _LATEST
    return f"({' OR '.join(f'({_state_condition(state)})' for state in wanted)})"


def _read_cursor(cursor: str | None) -> tuple[str | None, bytes]:
    if not cursor:
        return None, b""
    state, _, key = cursor.partition(":")
    try:
        if state not in (*_ORDER, "index"):
            raise ValueError(state)
        return state, bytes.fromhex(key)
    except ValueError:
        raise ParameterError(f"{cursor!r} is no cursor of this list") from None


def strip(run: Run, step: str, width: int = 1000) -> Strip:
    """The states of all tasks of a step in at most ``width`` cells.

    Of a very wide map what went wrong is looked at exactly, and of each other cell its first task.
    """
    node = find_step(run, step)
    running = run.status == "running"
    found = run.counts()[node]
    counts = make_counts(found, ended=not running)
    begun = sum(found.by_state.values())
    total = max(found.total or 0, begun)
    if not total:
        return Strip(found.total, 1, "")
    per_cell = -(-total // width)
    cells = -(-total // per_cell)
    axes = run.graph.layout.node_axes[node]
    if len(axes) != 1 or begun <= _EXACT:
        return Strip(found.total, per_cell, _exact(run, node, per_cell, cells, total, running=running))
    letters = _sampled(run, node, per_cell, cells, counts, running=running)
    return Strip(found.total, per_cell, letters)


def _exact(run: Run, node: int, per_cell: int, cells: int, total: int, *, running: bool) -> str:
    """Each task is looked at; of nested maps they stand one after the other as they began."""
    flat = len(run.graph.layout.node_axes[node]) <= 1
    worst: list[str] = ["" for _ in range(cells)]
    rows = run.store.database.execute(
        f"SELECT path, state FROM attempt WHERE run = ? AND node = ? AND {_LATEST} ORDER BY path",
        (run.key, node),
    )
    for seen, (key, state) in enumerate(rows):
        index = int.from_bytes(key, "big") if flat and key else seen
        cell = index // per_cell
        if cell < cells:
            letter = _letter(state, running=running)
            if not worst[cell] or _WORST.index(letter) < _WORST.index(worst[cell]):
                worst[cell] = letter
    return "".join(letter or ("w" if running else "x") for letter in worst)


def _sampled(run: Run, node: int, per_cell: int, cells: int, counts: Counts, *, running: bool) -> str:
    database = run.store.database
    usual = "d" if not counts.cached else "c" if not counts.done else ""
    if counts.total == counts.done + counts.cached and usual:
        return usual * cells
    worst = ["" for _ in range(cells)]
    for key, state in database.execute(
        "SELECT path, state FROM attempt WHERE run = ? AND node = ?"
        " AND state NOT IN ('done', 'cached') AND state <> 'retried'",
        (run.key, node),
    ):
        cell = int.from_bytes(key, "big") // per_cell
        letter = _letter(state, running=running)
        if cell < cells and (not worst[cell] or _WORST.index(letter) < _WORST.index(worst[cell])):
            worst[cell] = letter
    # A look at the first task of each cell; where that has not begun, at the middle one and at the last.
    for share in (0, per_cell // 2, per_cell - 1):
        missing = [cell for cell in range(cells) if not worst[cell]]
        for start in range(0, len(missing), _PROBES):
            some = [to_key((cell * per_cell + share,)) for cell in missing[start : start + _PROBES]]
            for key, state in database.rows(
                f"WITH probe (path) AS (VALUES {', '.join(['(?)'] * len(some))}) SELECT attempt.path, state FROM probe"
                f" JOIN attempt ON run = ? AND node = ? AND attempt.path = probe.path WHERE {_LATEST}",
                (*some, run.key, node),
            ):
                worst[int.from_bytes(key, "big") // per_cell] = _letter(state, running=running)
        if per_cell == 1:
            break
    return "".join(letter or ("w" if running else "x") for letter in worst)


def _letter(state: str | None, *, running: bool) -> str:
    return _LETTERS.get(state or ("running" if running else "lost"), "x")
