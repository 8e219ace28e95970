"""What is inside an object, as far as it says?"""

from __future__ import annotations

import copyreg
import functools
from typing import Any

__all__ = ["is_data", "reduced_of", "says_what_it_wraps", "vars_of"]

# Values that are data through and through: a content hash of them is enough, no code hides in them.
_DATA = {
    "numpy": {"ndarray"},
    "pandas": {
        "DataFrame",
        "Series",
        "Index",
        "RangeIndex",
        "DatetimeIndex",
        "MultiIndex",
        "CategoricalIndex",
    },
    "polars": {"DataFrame", "Series"},
    "pyarrow": {"Table", "RecordBatch", "ChunkedArray"},
}


def says_what_it_wraps(value: Any) -> bool:
    """Whether ``__wrapped__`` is really there: some objects answer to every name."""
    own = getattr(value, "__dict__", None)
    return hasattr(type(value), "__wrapped__") or (isinstance(own, dict) and "__wrapped__" in own)


def vars_of(value: Any) -> dict[str, Any]:
    """The attributes of an instance, without those that a ``cached_property`` worked out."""
    own = getattr(value, "__dict__", None)
    if type(own) is not dict:
        return {}
    return {k: v for k, v in own.items() if not _is_worked_out(type(value), k)}


def is_data(value: Any) -> bool:
    """Whether a content hash of ``value`` says all: no functions or classes hide in it."""
    if type(value).__name__ == "ndarray" and value.dtype.hasobject:
        return False
    return any(
        base.__name__ in _DATA.get(base.__module__.partition(".")[0], ()) for base in type(value).__mro__
    )


def reduced_of(value: Any) -> str | tuple[Any, ...]:
    """What pickle would write of ``value``: a global name, or maker, arguments, state, items and pairs.

    Raises:
        Exception: whatever the value raises that cannot be written, or its ``__reduce__``.
    """
    registered = copyreg.dispatch_table.get(type(value))
    reduced = value.__reduce_ex__(4) if registered is None else registered(value)
    if isinstance(reduced, str):
        return reduced
    make, arguments, state, items, pairs = (*reduced, None, None, None)[:5]
    if isinstance(state, dict):
        kept = {k: v for k, v in state.items() if not (type(k) is str and _is_worked_out(type(value), k))}
        state = kept or None
    return make, arguments, state, items, pairs


def _is_worked_out(kind: type, name: str) -> bool:
    for base in kind.__mro__:
        if name in base.__dict__:
            return isinstance(base.__dict__[name], functools.cached_property)
    return False
