"""Which runs are meant by ``status:failed alpha>0.1 tag:nightly``? Words read into terms, terms asked of runs."""

from __future__ import annotations

import functools
import operator
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from plait.errors import did_you_mean

__all__ = ["Condition", "Filter", "Term", "read_filter"]

STATUSES = ("running", "done", "failed", "cancelled", "crashed")
_KEYS = (
    "status", "pipeline", "user", "tag", "id", "env", "executor", "host", "since", "until", "note", "name", "is",
    "parent", "param", "metric",
)  # fmt: skip
_SPLIT = re.compile(r'(?:[^\s"]|"[^"]*"?)+')
_COMPARISON = re.compile(r"(?:(param|metric):)?([^\s<>=!:]+)(<=|>=|!=|=|<|>)(.*)", re.DOTALL)
_KEYED = re.compile(r"([A-Za-z_]+):(.*)", re.DOTALL)
_AGE = re.compile(r"(\d+(?:\.\d+)?)(s|m|min|h|d|w)")
_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "w": 604800}
_FLAGS = ("pinned", "tagged", "noted", "resumable")
_EXACT = {
    "pipeline": "pipeline",
    "user": "user_name",
    "executor": "executor",
    "host": "host",
    "parent": "parent",
}


class Term(Struct, frozen=True):
    """A word of a filter, how it was understood, and what is wrong with it."""

    text: str
    kind: str
    error: str | None = None


class Condition(Struct, frozen=True):
    """A comparison with a parameter or a metric; ``where`` is ``param``, ``metric``, or empty for either."""

    where: str
    name: str
    op: str
    value: str
    negated: bool = False

    def holds(self, value: Any) -> bool:
        return _compare(value, self.op, self.value) != self.negated


class Filter(Struct, frozen=True):
    """What is asked of runs: SQL for what the tables say themselves, and conditions on what lies inside a column."""

    terms: tuple[Term, ...]
    where: str
    values: tuple[Any, ...]
    statuses: frozenset[str] | None = None
    not_statuses: frozenset[str] = frozenset()
    conditions: tuple[Condition, ...] = ()
    environments: tuple[tuple[str, bool], ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether the SQL alone decides."""
        return (
            self.statuses is None and not self.not_statuses and not self.conditions and not self.environments
        )

    def takes_status(self, status: str) -> bool:
        return (self.statuses is None or status in self.statuses) and status not in self.not_statuses

    def takes(self, params: Mapping[str, Any], metrics: Mapping[str, float | None], env: str | None) -> bool:
        for wanted, negated in self.environments:
            if (env == wanted) == negated:
                return False
        for condition in self.conditions:  # noqa: SIM110 - asked of thousands of runs
            if not condition.holds(_look_up(condition, params, metrics)):
                return False
        return True

    @property
    def metric_names(self) -> list[str]:
        """The metrics that the conditions may speak of."""
        return sorted({one.name for one in self.conditions if one.where != "param"})


def read_filter(text: str) -> Filter:
    """The terms of a filter; one that is not understood is left out and carries the reason."""
    terms: list[Term] = []
    sql = _Sql()
    for word in _SPLIT.findall(text):
        negated = word.startswith("-") and len(word) > 1
        body = word[1:] if negated else word
        terms.append(_read(word, body, negated, sql))
    return Filter(
        tuple(terms),
        " AND ".join(sql.where) or "1 = 1",
        tuple(sql.values),
        frozenset(sql.statuses) if sql.statuses is not None else None,
        frozenset(sql.not_statuses),
        tuple(sql.conditions),
        tuple(sql.environments),
    )


class _Sql:
    def __init__(self) -> None:
        self.where: list[str] = []
        self.values: list[Any] = []
        self.statuses: set[str] | None = None
        self.not_statuses: set[str] = set()
        self.conditions: list[Condition] = []
        self.environments: list[tuple[str, bool]] = []

    def add(self, condition: str, values: Sequence[Any], *, negated: bool) -> None:
        self.where.append(f"NOT ({condition})" if negated else f"({condition})")
        self.values.extend(values)


def _read(word: str, body: str, negated: bool, sql: _Sql) -> Term:
    comparison = _COMPARISON.fullmatch(body)
    if comparison is not None and not body.startswith('"'):
        where, name, op, value = comparison.groups()
        sql.conditions.append(Condition(where or "", name, op, _bare(value), negated))
        if not value:
            sql.conditions.pop()
            return Term(word, "comparison", f"{name}{op} is compared with nothing: write {name}{op}0.5")
        return Term(word, "comparison")
    keyed = _KEYED.fullmatch(body)
    if keyed is None or body.startswith('"'):
        _add_word(_bare(body), negated, sql)
        return Term(word, "word")
    key, value = keyed.group(1).lower(), _bare(keyed.group(2))
    if key in ("param", "metric"):
        return Term(word, key, f"write {key}:{value or 'name'}=… or < or >")
    if key not in _KEYS:
        hint = did_you_mean(key, _KEYS)
        return Term(word, "unknown", f"runs have no {key!r}" + (f": {hint}" if hint else ""))
    if not value:
        return Term(word, key, f"{key}: of what? write {key}:VALUE")
    error = _HANDLERS[key](key, value, negated, sql)
    return Term(word, key, error)


def _bare(text: str) -> str:
    return text.replace('"', "")


def _like(text: str) -> str:
    escaped = text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
    return f"%{escaped}%"


def _add_word(text: str, negated: bool, sql: _Sql) -> None:
    like = _like(text.lower())
    sql.add(
        "LOWER(pipeline) LIKE ? ESCAPE '!' OR id LIKE ? ESCAPE '!' OR EXISTS (SELECT 1 FROM annotation"
        " WHERE annotation.run = run.key AND LOWER(value) LIKE ? ESCAPE '!')",
        (like, like[1:], like),
        negated=negated,
    )


def _exact(key: str, value: str, negated: bool, sql: _Sql) -> None:
    """One of some values; ``*`` stands for anything."""
    column, parts, values = _EXACT[key], [], []
    for one in value.split(","):
        if "*" in one:
            parts.append(f"{column} LIKE ? ESCAPE '!'")
            values.append(_like(one)[1:-1].replace("*", "%"))
        else:
            parts.append(f"{column} = ?")
            values.append(one)
    sql.add(f"COALESCE({column}, '') <> '' AND ({' OR '.join(parts)})", values, negated=negated)


def _id(_key: str, value: str, negated: bool, sql: _Sql) -> None:
    parts = [one for one in value.split(",") if one]
    sql.add(
        " OR ".join(["id LIKE ? ESCAPE '!'"] * len(parts)),
        [_like(one)[1:] for one in parts],
        negated=negated,
    )


def _tag(_key: str, value: str, negated: bool, sql: _Sql) -> None:
    tags = value.split(",")
    marks = ", ".join("?" * len(tags))
    sql.add(
        "EXISTS (SELECT 1 FROM annotation WHERE annotation.run = run.key AND kind = 'tag'"
        f" AND value IN ({marks}))",
        tags,
        negated=negated,
    )


def _said(key: str, value: str, negated: bool, sql: _Sql) -> None:
    sql.add(
        "EXISTS (SELECT 1 FROM annotation WHERE annotation.run = run.key AND kind = ?"
        " AND LOWER(value) LIKE ? ESCAPE '!')",
        (key, _like(value.lower())),
        negated=negated,
    )


def _status(_key: str, value: str, negated: bool, sql: _Sql) -> str | None:
    wanted = {one.lower() for one in value.split(",")}
    unknown = sorted(wanted - set(STATUSES))
    if unknown:
        hint = did_you_mean(unknown[0], STATUSES)
        return f"{unknown[0]!r} is no status: {hint or ', '.join(STATUSES)}"
    if negated:
        sql.not_statuses |= wanted
        recorded = sorted(wanted - {"running", "crashed"})
        if recorded:
            marks = ", ".join("?" * len(recorded))
            sql.add(f"status IS NULL OR status NOT IN ({marks})", recorded, negated=False)
        return None
    sql.statuses = wanted if sql.statuses is None else sql.statuses & wanted
    recorded = sorted(wanted - {"running", "crashed"})
    parts = [f"status IN ({', '.join('?' * len(recorded))})"] if recorded else []
    if len(recorded) < len(wanted):
        parts.append("status IS NULL")
    sql.add(" OR ".join(parts), recorded, negated=False)
    return None


def _time(key: str, value: str, negated: bool, sql: _Sql) -> str | None:
    moment = _moment(value)
    if moment is None:
        return f"{value!r} is no time: write {key}:7d, {key}:12h or {key}:2026-01-31"
    sql.add(f"started_at {'>=' if key == 'since' else '<'} ?", (moment,), negated=negated)
    return None


def _moment(value: str) -> float | None:
    import datetime

    age = _AGE.fullmatch(value)
    if age is not None:
        return time.time() - float(age.group(1)) * _UNITS[age.group(2)]
    try:
        return datetime.datetime.fromisoformat(value).astimezone().timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def _env(_key: str, value: str, negated: bool, sql: _Sql) -> None:
    sql.environments.append((value, negated))


def _is(_key: str, value: str, negated: bool, sql: _Sql) -> str | None:
    condition = {
        "pinned": "EXISTS (SELECT 1 FROM pin WHERE pin.kind = 'run' AND pin.id = run.id)",
        "tagged": "EXISTS (SELECT 1 FROM annotation WHERE annotation.run = run.key AND kind = 'tag')",
        "noted": "EXISTS (SELECT 1 FROM annotation WHERE annotation.run = run.key AND kind = 'note')",
        "resumable": "status IS NULL OR status IN ('failed', 'cancelled')",
    }.get(value.lower())
    if condition is None:
        return f"is:{value} is not known: {did_you_mean(value, _FLAGS) or ', '.join(_FLAGS)}"
    sql.add(condition, (), negated=negated)
    return None


_HANDLERS: dict[str, Callable[[str, str, bool, _Sql], str | None]] = {
    **dict.fromkeys(_EXACT, _exact),
    "id": _id,
    "tag": _tag,
    "note": _said,
    "name": _said,
    "status": _status,
    "since": _time,
    "until": _time,
    "env": _env,
    "is": _is,
}

_MISSING = object()
_ORDERS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def reach(value: Any, path: str) -> Any:
    """What stands in a recorded value under a dotted name; a sentinel where nothing does."""
    if isinstance(value, dict) and path in value:
        return value[path]
    for part in path.split("."):
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list | tuple) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return _MISSING
    return value


def reach_or_none(value: Any, path: str) -> Any:
    found = reach(value, path)
    return None if found is _MISSING else found


def _look_up(condition: Condition, params: Mapping[str, Any], metrics: Mapping[str, float | None]) -> Any:
    if condition.where != "metric":
        found = reach(params, condition.name)
        if found is not _MISSING or condition.where == "param":
            return found
    return metrics.get(condition.name, _MISSING)


def _compare(value: Any, op: str, text: str) -> bool:
    if value is _MISSING or value is None:
        return op == "!=" and value is None and text.lower() not in ("null", "none")
    if op in ("=", "!="):
        equal = any(_equal(value, one) for one in text.split(","))
        return equal == (op == "=")
    left, right = _number(value), _asked(text)
    return left is not None and right is not None and _ORDERS[op](left, right)


@functools.lru_cache(maxsize=256)
def _asked(text: str) -> float | None:
    """The number of a filter's text, which thousands of runs are compared with."""
    return _number(text)


def _equal(value: Any, text: str) -> bool:
    if isinstance(value, bool):
        return text.lower() == str(value).lower()
    number = _asked(text)
    if isinstance(value, int | float) and number is not None:
        return float(value) == number
    return str(value) == text


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
