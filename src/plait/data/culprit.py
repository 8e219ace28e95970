"""Which part of a value is it that cannot be stored, and what should its owner do?"""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

from plait.data.names import type_name
from plait.errors import DataError

__all__ = ["find", "refusal"]

_MOST = 2000  # objects looked at: a search must not take longer than a user's patience

_ADVICE = {
    "generator": "a step returns values that can be kept: make it a list",
    "async_generator": "a step returns values that can be kept: make it a list",
    "coroutine": "await it in the step and return what it gives",
    "lock": "create it where it is used, or leave it out in the class's __getstate__",
    "RLock": "create it where it is used, or leave it out in the class's __getstate__",
    "socket": "open connections in the step that uses them, and return what was read",
    "SSLContext": "open connections in the step that uses them, and return what was read",
    "Connection": "open connections in the step that uses them, and return what was read",
    "module": "import it in the step that uses it",
}
_FILES = ("TextIOWrapper", "BufferedReader", "BufferedWriter", "BufferedRandom", "FileIO")


def refusal(value: Any, name: str, cause: Exception) -> DataError:
    """The error for a value that cannot be stored."""
    if isinstance(cause, RecursionError):
        return DataError(
            f"{name} is nested too deeply to be stored: it refers to itself through hundreds of levels",
            hint="store it as something flatter, such as a table of nodes and edges",
        )
    path, part = find(value, name)
    kind = type(part).__name__
    advice = _ADVICE.get(kind)
    if advice is None and kind in _FILES:
        advice = "return the file's content, or its path"
    what = f"{path} is a {type_name(type(part))}, which cannot be stored"
    if advice is None:
        advice = "leave it out of what is returned, or say in the class's __reduce__ how it is pickled"
        what += f": {str(cause) or type(cause).__name__}"
    return DataError(what, hint=advice)


def find(value: Any, name: str) -> tuple[str, Any]:
    """The innermost part of a value that cannot be stored, and how to write the way to it."""
    visited: set[int] = set()
    path, part = name, value
    while True:
        visited.add(id(part))
        for step, inner in _inside(part):
            if len(visited) > _MOST:
                return path, part
            if id(inner) not in visited and not storable(inner):
                path, part = path + step, inner
                break
            visited.add(id(inner))
        else:
            return path, part


def storable(value: Any) -> bool:
    from plait.data.serializers.pickle import dump

    try:
        dump(value)
    except RecursionError:
        return True
    except Exception:  # noqa: BLE001 - whatever a class's own pickling raises
        return False
    return True


def _inside(value: Any) -> Iterator[tuple[str, Any]]:
    """What a value consists of, with the code that leads to it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield f"[{_shown(key)}]", inner
        for key in value:
            yield f".keys() → {_shown(key)}", key
    elif isinstance(value, (list, tuple)):
        names = getattr(value, "_fields", None)
        for index, inner in enumerate(value):
            yield (f".{names[index]}" if names else f"[{index}]"), inner
    elif isinstance(value, (set, frozenset)):
        for inner in value:
            yield f" → {_shown(inner)}", inner
    elif not isinstance(value, type):
        yield from _held(value)


def _held(value: Any) -> Iterator[tuple[str, Any]]:
    kind = f"{type(value).__module__.partition('.')[0]}.{type(value).__name__}"
    if kind == "pandas.DataFrame":
        for place, column in enumerate(value.columns):
            yield f"[{_shown(column)}]", value.iloc[:, place]
    elif kind in ("pandas.Series", "numpy.ndarray") and str(value.dtype) == "object":
        flat = value if kind == "numpy.ndarray" else value.to_numpy()
        way = ".flat" if flat.ndim > 1 else "" if kind == "numpy.ndarray" else ".iloc"
        for index, inner in enumerate(flat.ravel().tolist()):
            yield f"{way}[{index}]", inner
    else:
        yield from _attributes(value)


def _attributes(value: Any) -> Iterator[tuple[str, Any]]:
    from plait.data.serializers.builtins import attributes

    for attribute, inner in attributes(value).items():
        yield f".{attribute}", inner
    if getattr(value, "__closure__", None):
        for free, cell in zip(value.__code__.co_freevars, value.__closure__, strict=True):
            yield f" → {free}", cell.cell_contents
    bound = getattr(value, "__self__", None)
    if bound is not None and not isinstance(bound, type(pickle)):
        yield ".__self__", bound


def _shown(key: Any) -> str:
    text = repr(key)
    return text if len(text) <= 40 else text[:39] + "…"
