"""What do the columns of a table hold? Pages of rows, and a few facts a column, of any kind of table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from plait.data.previews import cell
from plait.errors import ParameterError, did_you_mean

__all__ = ["column_facts", "table_page"]

_MOST_COLUMNS = 500
_SAMPLE = 1_000_000  # rows looked at for the facts of a column
_BINS = 30
_TOP = 10


def _frame(value: Any) -> Any:
    """A value as a pandas frame, without a copy where that can be.

    Raises:
        ParameterError: it is no table.
    """
    import pandas as pd

    if isinstance(value, pd.DataFrame):
        return value
    if isinstance(value, pd.Series | pd.Index):
        return value.to_frame(name=value.name if value.name is not None else "value")
    if isinstance(value, list) and value and all(isinstance(row, dict) for row in value[:50]):
        return pd.DataFrame(value)
    if hasattr(value, "to_pandas"):
        made = value.to_pandas()
        return made if isinstance(made, pd.DataFrame) else made.to_frame(name="value")
    if type(value).__module__.partition(".")[0] == "numpy" and getattr(value, "ndim", 0) in (1, 2):
        return pd.DataFrame(value)
    raise ParameterError(f"a {type(value).__name__} is no table")


def table_page(
    value: Any,
    offset: int = 0,
    limit: int = 100,
    sort: str | None = None,
    desc: bool = False,
    columns: Sequence[str] = (),
) -> dict[str, Any]:
    """Rows of a table, sorted by a column if asked to.

    Raises:
        ParameterError: it is no table, or has no such column.
    """
    frame = _frame(value)
    names = [str(name) for name in frame.columns]
    for name in (*columns, *((sort,) if sort else ())):
        if name not in names:
            raise ParameterError(f"the table has no column {name!r}", hint=did_you_mean(name, names))
    total = len(frame)
    if sort:
        order = frame.iloc[:, names.index(sort)].reset_index(drop=True)
        try:
            places = order.sort_values(ascending=not desc, kind="stable").index
        except TypeError:  # numbers beside texts
            places = order.astype(str).sort_values(ascending=not desc, kind="stable").index
        chosen = frame.iloc[places[offset : offset + limit]]
    else:
        chosen = frame.iloc[offset : offset + limit]
    places = [names.index(name) for name in columns] if columns else range(min(len(names), _MOST_COLUMNS))
    cells = [[cell(item) for item in chosen.iloc[:, at].tolist()] for at in places]
    return {
        "columns": [{"name": names[at], "type": str(frame.dtypes.iloc[at])} for at in places],
        "rows": [list(row) for row in zip(*cells, strict=True)] if cells else [],
        "index": [cell(label) for label in chosen.index.tolist()],
        "offset": offset,
        "total": total,
    }


def column_facts(value: Any) -> dict[str, Any]:
    """For each column how much is missing, the range, the usual, and how it is spread.

    Raises:
        ParameterError: it is no table.
    """
    frame = _frame(value)
    total = len(frame)
    sampled = None
    if total > _SAMPLE:
        frame, sampled = frame.iloc[:: math.ceil(total / _SAMPLE)], _SAMPLE
    found = [_facts(str(name), frame.iloc[:, at]) for at, name in enumerate(frame.columns[:_MOST_COLUMNS])]
    return {"rows": total, "columns": found, "sampled": sampled}


def _facts(name: str, column: Any) -> dict[str, Any]:
    import numpy as np
    import pandas as pd

    found: dict[str, Any] = {
        "name": name, "type": str(column.dtype), "missing": int(column.isna().sum()), "distinct": None,
        "least": None, "greatest": None, "mean": None, "std": None, "top": None, "histogram": None,
    }  # fmt: skip
    known = column.dropna()
    if known.empty:
        return found
    kind = pd.api.types
    if kind.is_bool_dtype(column.dtype):
        counts = known.value_counts()
        found.update(distinct=len(counts), top=[[cell(one), int(n)] for one, n in counts.items()])
    elif kind.is_numeric_dtype(column.dtype) and not kind.is_complex_dtype(column.dtype):
        numbers = known.to_numpy(dtype=float)
        finite = numbers[np.isfinite(numbers)]
        found["distinct"] = int(known.nunique())
        if finite.size:
            low, high = float(finite.min()), float(finite.max())
            found.update(least=low, greatest=high, mean=float(finite.mean()), std=float(finite.std()))
            counts, edges = np.histogram(finite, bins=min(_BINS, max(1, found["distinct"])))
            found["histogram"] = {"edges": edges.tolist(), "counts": counts.tolist()}
    elif kind.is_datetime64_any_dtype(column.dtype):
        found.update(least=str(known.min()), greatest=str(known.max()), distinct=int(known.nunique()))
        ticks = known.astype("int64").to_numpy()
        counts, edges = np.histogram(ticks, bins=_BINS)
        labels = pd.to_datetime(edges.astype("int64"), unit=_unit(column.dtype)).astype(str)
        found["histogram"] = {"edges": labels.tolist(), "counts": counts.tolist()}
    else:
        try:
            counts = known.value_counts()
        except TypeError:  # lists and dicts cannot be counted as they are
            counts = known.map(repr).value_counts()
        found["distinct"] = len(counts)
        found["top"] = [[cell(one), int(n)] for one, n in counts.head(_TOP).items()]
    return found


def _unit(dtype: Any) -> str:
    return str(getattr(dtype, "unit", None) or str(dtype).partition("[")[2].partition("]")[0] or "ns")
