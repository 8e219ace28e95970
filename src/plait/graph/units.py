"""What does ``20m``, ``4GiB`` or ``60/min`` mean? Durations in seconds, sizes in bytes, rates as so many in so long."""

from __future__ import annotations

import re

__all__ = ["read_rate", "read_seconds", "read_size"]

_PART = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([a-zA-Z]*)")
_SECONDS = {
    **dict.fromkeys(("ms", "millisecond", "milliseconds"), 0.001),
    **dict.fromkeys(("", "s", "sec", "second", "seconds"), 1.0),
    **dict.fromkeys(("m", "min", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hour", "hours"), 3600.0),
    **dict.fromkeys(("d", "day", "days"), 86400.0),
    **dict.fromkeys(("w", "week", "weeks"), 604800.0),
}
_BYTES = {
    "": 1,
    "b": 1,
    **{f"{letter}{end}": 1000**power for power, letter in enumerate("kmgtp", 1) for end in ("", "b")},
    **{f"{letter}i{end}": 1024**power for power, letter in enumerate("kmgtp", 1) for end in ("", "b")},
}


def read_seconds(text: str) -> float:
    """``90``, ``20m``, ``1h30m``, ``2.5 s``, ``1 day``.

    Raises:
        ValueError: the text is no duration.
    """
    return _read(text, _SECONDS, "a duration such as 30s, 20m, 1h30m or 2d")


def read_size(text: str) -> int:
    """``4GiB``, ``500 MB``, ``1.5G``: powers of 1000, with an ``i`` of 1024.

    Raises:
        ValueError: the text is no size.
    """
    return int(_read(text, _BYTES, "a size such as 500MB, 4GB or 4GiB"))


def read_rate(text: str) -> tuple[int, float]:
    """``60/min``, ``5/s``, ``100/15min``: how many in how many seconds.

    Raises:
        ValueError: the text is no rate.
    """
    count, slash, period = text.partition("/") if isinstance(text, str) else ("", "", "")
    period = period.strip()
    if not (slash and count.strip().isdecimal() and int(count) and period):
        raise ValueError(f"{text!r} is not a rate such as 5/s, 60/min or 1000/day")
    try:
        return int(count), read_seconds(period if period[0].isdecimal() else f"1{period}")
    except ValueError:
        raise ValueError(f"{text!r} is not a rate such as 5/s, 60/min or 1000/day") from None


def _read(text: str, units: dict[str, float] | dict[str, int], expected: str) -> float:
    total, end = 0.0, 0
    stripped = text.strip()
    while end < len(stripped):
        found = _PART.match(stripped, end)
        unit = units.get(found[2].lower()) if found else None
        if found is None or unit is None:
            raise ValueError(f"{text!r} is not {expected}")
        total += float(found[1]) * unit
        end = found.end()
    if not end:
        raise ValueError(f"{text!r} is not {expected}")
    return total
