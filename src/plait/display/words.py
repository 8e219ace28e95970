"""How are states, times, sizes and values said in few characters?"""

from __future__ import annotations

import datetime
import math
from typing import Any

from plait.display.text import Text, clean

__all__ = [
    "ago",
    "bytes_text",
    "clock",
    "column_of_numbers",
    "mark",
    "number",
    "seconds",
    "shorten",
    "state",
    "value_text",
]

_MARKS = {
    "done": "✓",
    "cached": "≡",
    "failed": "✗",
    "running": "▸",
    "skipped": "○",
    "cancelled": "■",
    "crashed": "✗",
    "lost": "✗",
    "retried": "↻",
    "waiting": "·",
}


def mark(name: str) -> Text:
    """The sign of a state, in its colour; the word stands beside it wherever colour alone would have to speak."""
    return Text(_MARKS.get(name, "·"), name)


def state(name: str) -> Text:
    """A state as a sign and a word."""
    return mark(name).add(" ").add(name, name)


def seconds(value: float | None) -> str:
    """A duration: ``3 ms``, ``1.24 s``, ``12.3 s``, ``3 min 20 s``, ``2 h 05 min``."""
    if value is None:
        return ""
    if value < 0.9995:
        return f"{round(value * 1000)} ms"
    if value < 9.995:
        return f"{value:.2f} s"
    if value < 59.95:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def clock(value: float) -> str:
    """A duration that goes on: whole seconds, ``0:07``, ``12:30``, ``1:02:03``."""
    whole = int(value)
    minutes = f"{whole // 60 % 60}:{whole % 60:02d}"
    return f"{whole // 3600}:{minutes:0>5}" if whole >= 3600 else minutes


def bytes_text(size: float) -> str:
    """A size: ``812 B``, ``4.1 kB``, ``1.3 GB``; a thousand to the next unit."""
    if size < 1000:
        return f"{int(size)} B"
    for unit in ("kB", "MB", "GB", "TB", "PB"):
        size /= 1000
        if size < 999.5 or unit == "PB":
            break
    return f"{size:.1f} {unit}" if size < 99.95 else f"{size:.0f} {unit}"


def ago(moment: datetime.datetime, now: datetime.datetime | None = None) -> str:
    """When something was: ``just now``, ``5 min ago``, ``yesterday 14:02``, then the date."""
    now = now or datetime.datetime.now().astimezone()
    passed = (now - moment).total_seconds()
    if passed < -60:
        return moment.strftime("%Y-%m-%d %H:%M")
    if passed < 10:
        return "just now"
    if passed < 60:
        return f"{int(passed)} s ago"
    if passed < 3600:
        return f"{int(passed // 60)} min ago"
    days = (now.date() - moment.date()).days
    if days == 0:
        return f"{int(passed // 3600)} h ago"
    if days == 1:
        return f"yesterday {moment:%H:%M}"
    if days < 7:
        return f"{moment:%a %H:%M}"
    return f"{moment:%Y-%m-%d}"


def number(value: float) -> str:
    """A single number: up to five significant digits, whole ones as they are."""
    return column_of_numbers([value])[0]


def column_of_numbers(values: list[float | None]) -> list[str]:
    """Numbers of one column, all with the same decimals, so that they can be compared by looking."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    if all(value.is_integer() and abs(value) < 1e15 for value in map(float, known)):
        return [_special(value) or f"{value:,.0f}".replace(",", "\u202f") for value in values]
    largest = max(abs(value) for value in known)
    smallest = min((abs(value) for value in known if value), default=1.0)
    if largest >= 1e7 or smallest < 1e-4:
        return [_special(value) or f"{value:.4g}" for value in values]
    decimals = 4
    for limit in (10, 100, 1000, 10000):
        if largest >= limit:
            decimals -= 1
    while decimals < 7 and round(smallest, decimals) < 10 ** (1 - decimals):
        decimals += 1
    return [_special(value) or f"{value:.{decimals}f}" for value in values]


def _special(value: float | None) -> str | None:
    if value is None:
        return "-"
    return None if math.isfinite(value) else str(value)


def shorten(text: str, width: int) -> str:
    """One line of at most so many cells."""
    return Text(clean(text)).cut(width).plain


def value_text(value: Any, width: int = 60) -> str:
    """A parameter or a result as one line: small things whole, long ones from their beginning."""
    if isinstance(value, str):
        return shorten(
            value if value and value.isprintable() and value.strip() == value else repr(value), width
        )
    if isinstance(value, float):
        return shorten(repr(value), width)
    if isinstance(value, list | tuple) and len(value) > 3:
        whole = _repr(value)
        return whole if len(whole) <= width else f"[{len(value)} items]"
    return shorten(_repr(value), width)


def _repr(value: Any) -> str:
    try:
        return repr(value)
    except Exception as error:  # noqa: BLE001 - a user's __repr__ may raise anything
        return f"<{type(value).__name__}: its repr raised {type(error).__name__}>"
