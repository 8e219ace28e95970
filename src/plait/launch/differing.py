"""Where do two values differ? A few sentences: the columns of a table, the cells of an array, the keys of a dict."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

__all__ = ["where_differing"]

_MOST = 8
_DEEP = 6


def where_differing(old: Any, new: Any) -> list[str]:
    """What is different, the first few places of it; ``then → now``."""
    return list(islice(_places(old, new, "", _DEEP), _MOST))


def _places(old: Any, new: Any, at: str, deep: int) -> Iterator[str]:
    if type(old) is not type(new):
        yield _said(at, f"{_kind(old)} → {_kind(new)}")
    elif _is_table(old):
        yield from _tables(old, new, at)
    elif type(old).__module__ == "numpy" and hasattr(old, "dtype"):
        yield from _arrays(old, new, at)
    elif isinstance(old, dict) and deep:
        yield from _dicts(old, new, at, deep)
    elif isinstance(old, list | tuple) and deep:
        yield from _lists(old, new, at, deep)
    elif isinstance(old, set | frozenset):
        yield _said(at, f"without {_short(old - new)}, with {_short(new - old)}")
    elif isinstance(old, str | bytes | int | float | bool | complex | None):
        if repr(old) != repr(new):
            yield _said(at, f"{_short(old)} → {_short(new)}")
    elif hasattr(old, "__dict__") and deep:
        yield from _dicts(vars(old), vars(new), at or _kind(old), deep)


def _said(at: str, text: str) -> str:
    return f"{at}: {text}" if at else text


def _is_table(value: Any) -> bool:
    return type(value).__module__.partition(".")[0] in ("pandas", "polars") and hasattr(value, "columns")


def _tables(old: Any, new: Any, at: str) -> Iterator[str]:
    if old.shape != new.shape:
        yield _said(at, f"{_shape(old)} → {_shape(new)}")
    before, after = [str(name) for name in old.columns], [str(name) for name in new.columns]
    if before != after:
        yield _said(at, f"columns {', '.join(before[:8])} → {', '.join(after[:8])}")
        return
    if len(old) != len(new):
        return
    if hasattr(old, "index") and not old.index.equals(new.index):
        yield _said(at, "the index differs")
    for position, name in enumerate(before):
        one, other = _column(old, position), _column(new, position)
        if str(one.dtype) != str(other.dtype):
            yield _said(at, f"column {name}: {one.dtype} → {other.dtype}")
            continue
        rows = [
            row
            for row, (a, b) in enumerate(zip(one.tolist(), other.tolist(), strict=True))
            if not _alike(a, b)
        ]
        if rows:
            first = (
                f"first in row {rows[0]}: {_short(one.tolist()[rows[0]])} → {_short(other.tolist()[rows[0]])}"
            )
            yield _said(at, f"column {name}: {len(rows)} of {len(old)} rows differ, {first}")


def _column(table: Any, position: int) -> Any:
    return table.iloc[:, position] if hasattr(table, "iloc") else table.to_series(position)


def _shape(value: Any) -> str:
    return " × ".join(map(str, value.shape))


def _arrays(old: Any, new: Any, at: str) -> Iterator[str]:
    if old.shape != new.shape or old.dtype != new.dtype:
        yield _said(at, f"{_shape(old)} {old.dtype} → {_shape(new)} {new.dtype}")
        return
    cells = [
        place
        for place, (a, b) in enumerate(zip(old.ravel().tolist(), new.ravel().tolist(), strict=True))
        if not _alike(a, b)
    ]
    if cells:
        a, b = old.ravel()[cells[0]], new.ravel()[cells[0]]
        yield _said(
            at,
            f"{len(cells)} of {old.size} values differ, the first is {_short(a.item())} → {_short(b.item())}",
        )


def _dicts(old: dict[Any, Any], new: dict[Any, Any], at: str, deep: int) -> Iterator[str]:
    if list(old) != list(new) and set(old) == set(new):
        yield _said(at, "the keys come in another order")
    for key in dict.fromkeys([*old, *new]):
        inside = f"{at}[{key!r}]"
        if key not in old or key not in new:
            yield _said(inside, "is new" if key in new else "is gone")
        else:
            yield from _places(old[key], new[key], inside, deep - 1)


def _lists(old: Any, new: Any, at: str, deep: int) -> Iterator[str]:
    if len(old) != len(new):
        yield _said(at, f"{len(old)} items → {len(new)} items")
        return
    if sorted(map(repr, old)) == sorted(map(repr, new)) and list(map(repr, old)) != list(map(repr, new)):
        yield _said(at, "the same items in another order")
        return
    for position, (a, b) in enumerate(zip(old, new, strict=True)):
        yield from _places(a, b, f"{at}[{position}]", deep - 1)


def _alike(a: Any, b: Any) -> bool:
    return bool(a is b or (repr(a) == repr(b)))


def _kind(value: Any) -> str:
    return type(value).__name__


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
