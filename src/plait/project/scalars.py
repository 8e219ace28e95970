"""How is one plain value read as a number, a text, a date, a duration, a path or a choice?"""

from __future__ import annotations

import datetime as dt
import enum
import re
import typing
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path, PosixPath, PurePath, PurePosixPath, WindowsPath
from typing import Any

from plait.errors import did_you_mean
from plait.project.secrets import Secret

__all__ = ["SCALARS", "convert_choice", "read_duration"]

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_DURATION = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(ms|min|s|m|h|d|w)")


def _int(value: Any, text: str | None) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise TypeError
    if isinstance(value, float):
        if not value.is_integer():
            raise ValueError
        return int(value)
    if isinstance(value, str) and text is None:
        raise TypeError
    return int(value)


def _float(value: Any, text: str | None) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise TypeError
    if isinstance(value, str) and text is None:
        raise TypeError
    return float(value)


def _bool(value: Any, text: str | None) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and text is not None and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise TypeError


def _str(value: Any, text: str | None) -> str:
    if isinstance(value, str):
        return value
    if text is not None and isinstance(value, (bool, int, float)):
        # `version=1.10` is a number to YAML; the step wants what was typed.
        return text.strip()
    raise TypeError


def _secret(value: Any, text: str | None) -> Secret:
    return Secret(_str(value, text))


def _path(value: Any, text: str | None) -> Path:
    return value if isinstance(value, Path) else Path(_str(value, text))


def _pure_path(value: Any, text: str | None) -> PurePath:
    return value if isinstance(value, PurePath) else PurePath(_str(value, text))


def _bytes(value: Any, text: str | None) -> bytes:
    return value if isinstance(value, bytes) else _str(value, text).encode()


def _datetime(value: Any, text: str | None) -> dt.datetime:
    return value if isinstance(value, dt.datetime) else dt.datetime.fromisoformat(_str(value, text))


def _date(value: Any, text: str | None) -> dt.date:
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    return dt.date.fromisoformat(_str(value, text))


def _time(value: Any, text: str | None) -> dt.time:
    return value if isinstance(value, dt.time) else dt.time.fromisoformat(_str(value, text))


def _timedelta(value: Any, _text: str | None) -> dt.timedelta:
    if isinstance(value, dt.timedelta):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return dt.timedelta(seconds=value)
    if isinstance(value, str):
        return read_duration(value)
    raise TypeError


def read_duration(text: str) -> dt.timedelta:
    """``20m``, ``1h30m``, ``2.5s``, ``1d``, ISO 8601 (``PT20M``), or a number of seconds.

    Raises:
        ValueError: the text is none of these.
    """
    text = text.strip()
    if text.startswith(("P", "-P")):
        import msgspec

        return msgspec.convert(text, dt.timedelta)
    seconds, end = 0.0, 0
    while found := _DURATION.match(text, end):
        seconds += float(found[1]) * _UNITS[found[2]]
        end = found.end()
    return dt.timedelta(seconds=seconds if end and end == len(text) else float(text))


def _decimal(value: Any, text: str | None) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, (Decimal, int, float, str)):
        raise TypeError
    # What was typed has the digits that a float may have lost.
    return value if isinstance(value, Decimal) else Decimal((text or str(value)).strip())


def _uuid(value: Any, text: str | None) -> Any:
    import uuid

    return value if isinstance(value, uuid.UUID) else uuid.UUID(_str(value, text))


def _complex(value: Any, text: str | None) -> complex:
    if isinstance(value, bool) or (isinstance(value, str) and text is None):
        raise TypeError
    return complex(value)


SCALARS: dict[Any, Callable[[Any, str | None], Any]] = {
    int: _int,
    float: _float,
    complex: _complex,
    bool: _bool,
    str: _str,
    bytes: _bytes,
    Secret: _secret,
    Path: _path,
    PosixPath: _path,
    WindowsPath: _path,
    PurePath: _pure_path,
    PurePosixPath: _pure_path,
    dt.datetime: _datetime,
    dt.date: _date,
    dt.time: _time,
    dt.timedelta: _timedelta,
    Decimal: _decimal,
}


def convert_choice(
    value: Any, annotation: Any, text: str | None
) -> tuple[Any, str | None, str | None] | None:
    """A member of a ``Literal`` or an ``Enum`` (by value or name), as (made, problem, hint).

    None for any other type.
    """
    if typing.get_origin(annotation) is typing.Literal:
        options = {option: option for option in typing.get_args(annotation)}
        names: dict[str, Any] = {}
    elif isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        if isinstance(value, annotation):
            return value, None, None
        options = {member.value: member for member in annotation if _hashable(member.value)}
        names = dict(annotation.__members__)
    else:
        return None
    for wanted in (value, text):
        for option, made in options.items():
            # True == 1 in Python, and a choice of numbers has no truth in it.
            if type(option) is type(wanted) and option == wanted:
                return made, None, None
        if isinstance(wanted, str) and wanted in names:
            return names[wanted], None, None
    from plait.project.types import show

    said = ", ".join(repr(option.value if isinstance(option, enum.Enum) else option) for option in options)
    known = [option for option in (*options, *names) if isinstance(option, str)]
    hint = did_you_mean(value, known) if isinstance(value, str) else None
    return None, f"expected one of {said}, got {show(value)}", hint if hint and "did you" in hint else None


def _hashable(value: Any) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True
