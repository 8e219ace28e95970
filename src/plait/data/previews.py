"""What does a value look like, for somebody who will not load it?

Every preview is JSON-able and bounded, whatever the size of the value: ``kind`` says how it is to be shown.
"""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

from plait.data.names import type_name

__all__ = ["cell", "preview"]

_COLUMNS = 50
_CELL = 200  # characters of one cell
_TEXT = 10_000  # characters of a text
_DEPTH = 4
_SIDE = 800  # pixels of a picture's longer side
_PLOTLY_BYTES = 2_000_000
_EXACT = 2**53  # JavaScript's numbers are exact up to here


def preview(value: Any, rows: int = 20) -> dict[str, Any]:
    """A picture of a value as a dict that JSON can say.

    Kinds: ``table`` (columns with types, the first rows, shape), ``array`` (shape, dtype, least, greatest,
    mean, first values), ``image`` (PNG in base64), ``plotly`` (its JSON), ``text``, ``scalar``, ``tree``
    (items with previews of their own), ``estimator`` (class, parameters) and ``object`` (its repr).

    Args:
        value: anything; it is not changed. A value whose own methods fail is shown as what went wrong.
        rows: how many rows, items or values are shown at most.
    """
    return _preview(value, rows, 0)


def _preview(value: Any, rows: int, depth: int) -> dict[str, Any]:
    try:
        return {"type": type_name(type(value)), **_shown(value, rows, depth)}
    except Exception as error:  # noqa: BLE001 - somebody's __repr__ must not take a page down
        return {
            "type": type_name(type(value)),
            "kind": "object",
            "text": f"no preview: {type(error).__name__}: {error}"[:_CELL],
        }


def _shown(value: Any, rows: int, depth: int) -> dict[str, Any]:
    if value is None or isinstance(value, (bool, int, float)):
        return {"kind": "scalar", "value": cell(value)}
    if isinstance(value, (str, bytes, bytearray)):
        most = _CELL if depth else _TEXT
        text = value if isinstance(value, str) else repr(bytes(value[:most]))
        return {"kind": "text", "text": _sound(text[:most]), "length": len(value)}
    for base in type(value).__mro__:
        show = _KNOWN.get(f"{base.__module__.partition('.')[0]}.{base.__qualname__}")
        if show is not None:
            return show(value, rows)
    if isinstance(value, (dict, list, tuple, set, frozenset)) or hasattr(value, "__dataclass_fields__"):
        return _tree(value, rows, depth)
    return {"kind": "object", "text": _sound(repr(value))[: _CELL if depth else _TEXT]}


def _tree(value: Any, rows: int, depth: int) -> dict[str, Any]:
    pairs: Iterable[tuple[Any, Any]]
    if hasattr(value, "__dataclass_fields__"):
        names = list(value.__dataclass_fields__)
        count, pairs = len(names), [(name, getattr(value, name, None)) for name in names]
    elif isinstance(value, dict):
        count, pairs = len(value), value.items()
    elif isinstance(value, (set, frozenset)):
        count, pairs = len(value), ((None, item) for item in value)
    else:
        count, pairs = (
            len(value),
            zip(getattr(value, "_fields", None) or range(len(value)), value, strict=False),
        )
    if depth >= _DEPTH:
        return {"kind": "object", "text": f"{type(value).__name__} of {count}"}
    inner = max(3, rows // 4)  # a tree of trees must not grow with the power of its depth
    items = [[cell(key), _preview(item, inner, depth + 1)] for key, item in islice(pairs, rows)]
    return {"kind": "tree", "length": count, "items": items}


def cell(value: Any) -> Any:
    """One value as JSON has it: what JSON lacks (NaN, exact large integers, dates) as text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if abs(value) <= _EXACT else _digits(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    text = value if isinstance(value, str) else str(value)
    return _sound(text) if len(text) <= _CELL else _sound(text[: _CELL - 1]) + "…"


def _digits(value: int) -> str:
    bits = value.bit_length()
    return str(value) if bits < 600 else f"an integer of {bits} bits"


def _sound(text: str) -> str:
    """Half of a surrogate pair cannot be sent anywhere."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _pandas_frame(value: Any, rows: int) -> dict[str, Any]:
    head = value.iloc[:rows, :_COLUMNS]
    named = zip(head.columns, head.dtypes, strict=True)
    columns = [{"name": cell(name), "type": str(dtype)} for name, dtype in named]
    cells = [head.iloc[:, place].tolist() for place in range(head.shape[1])]
    labels = [cell(label) for label in head.index.tolist()]
    return _table(columns, cells, labels, list(value.shape))


def _table(
    columns: list[dict[str, Any]], cells: list[list[Any]], labels: Any, shape: list[int]
) -> dict[str, Any]:
    count = len(cells[0]) if cells else 0
    lines = [[cell(column[place]) for column in cells] for place in range(count)]
    return {"kind": "table", "columns": columns, "rows": lines, "index": labels, "shape": shape}


def _pandas_series(value: Any, rows: int) -> dict[str, Any]:
    head = value.iloc[:rows]
    columns = [{"name": cell(value.name), "type": str(value.dtype)}]
    labels = [cell(label) for label in head.index.tolist()]
    return _table(columns, [head.tolist()], labels, [len(value), 1])


def _pandas_index(value: Any, rows: int) -> dict[str, Any]:
    columns = [{"name": cell(value.name), "type": str(value.dtype)}]
    return _table(columns, [value[:rows].tolist()], None, [len(value), 1])


def _polars_frame(value: Any, rows: int) -> dict[str, Any]:
    head = value[:rows, :_COLUMNS]
    columns = [{"name": name, "type": str(dtype)} for name, dtype in head.schema.items()]
    return _table(columns, [column.to_list() for column in head.get_columns()], None, list(value.shape))


def _polars_series(value: Any, rows: int) -> dict[str, Any]:
    columns = [{"name": value.name, "type": str(value.dtype)}]
    return _table(columns, [value[:rows].to_list()], None, [len(value), 1])


def _arrow_table(value: Any, rows: int) -> dict[str, Any]:
    fields = list(value.schema)[:_COLUMNS]
    columns = [{"name": field.name, "type": str(field.type)} for field in fields]
    cells = [value.column(place)[:rows].to_pylist() for place in range(len(fields))]
    return _table(columns, cells, None, [value.num_rows, value.num_columns])


def _arrow_array(value: Any, rows: int) -> dict[str, Any]:
    columns = [{"name": None, "type": str(value.type)}]
    return _table(columns, [value[:rows].to_pylist()], None, [len(value), 1])


def _array(value: Any, rows: int) -> dict[str, Any]:
    import warnings

    import numpy as np

    found: dict[str, Any] = {"kind": "array", "shape": list(value.shape), "dtype": str(value.dtype)}
    found["values"] = [cell(item) for item in value.flat[:rows].tolist()]
    if value.size and value.dtype.kind in "iufb":
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # all missing is no reason to speak up: it is shown
            found.update(least=cell(np.nanmin(value).item()), greatest=cell(np.nanmax(value).item()))
            found["mean"] = cell(float(np.nanmean(value)))
            if value.dtype.kind == "f":
                found["missing"] = int(np.isnan(value).sum())
    return found


def _numpy_scalar(value: Any, rows: int) -> dict[str, Any]:
    return {"kind": "scalar", "value": cell(value.item() if value.dtype.kind in "iufb" else value)}


def _sparse(value: Any, rows: int) -> dict[str, Any]:
    shape, count = list(value.shape), int(value.nnz)
    return {"kind": "array", "shape": shape, "dtype": str(value.dtype), "stored": count, "values": []}


def _image(value: Any, rows: int) -> dict[str, Any]:
    width, height = value.size
    small = value.copy()
    small.thumbnail((_SIDE, _SIDE))
    file = io.BytesIO()
    small = small if small.mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16") else small.convert("RGB")
    small.save(file, format="png")
    return _png(file.getvalue(), width, height)


def _png(data: bytes, width: int, height: int) -> dict[str, Any]:
    return {"kind": "image", "png": base64.b64encode(data).decode(), "width": width, "height": height}


def _matplotlib(value: Any, rows: int) -> dict[str, Any]:
    from plait.data.serializers import pickle
    from plait.data.serializers.figures import picture

    # Drawing changes a figure, so a copy is drawn.
    copy = pickle.load([memoryview(bytearray(raw.data)) for raw in pickle.dump(value)])
    width, height = (int(side * copy.dpi) for side in copy.get_size_inches())
    return _png(picture(copy), width, height)


def _plotly(value: Any, rows: int) -> dict[str, Any]:
    import json

    text = value.to_json()
    if len(text) > _PLOTLY_BYTES:
        return {"kind": "object", "text": f"a plotly figure of {len(text)} bytes: too large for a preview"}
    return {"kind": "plotly", "figure": json.loads(text)}


def _estimator(value: Any, rows: int) -> dict[str, Any]:
    from plait.data.serializers.estimators import describe

    found = describe(value)
    return {
        "kind": "estimator",
        "class": found["class"],
        "params": found["params"],
        "fitted": found["fitted"],
        "text": repr(value)[:_TEXT],
    }


def _fields(value: Any, rows: int) -> dict[str, Any]:
    names = getattr(value, "__struct_fields__", None) or list(type(value).model_fields)
    items = [[name, _preview(getattr(value, name, None), rows, 1)] for name in names[:rows]]
    return {"kind": "tree", "length": len(names), "items": items}


_KNOWN: dict[str, Callable[[Any, int], dict[str, Any]]] = {
    "pandas.DataFrame": _pandas_frame,
    "pandas.Series": _pandas_series,
    "pandas.Index": _pandas_index,
    "polars.DataFrame": _polars_frame,
    "polars.Series": _polars_series,
    "pyarrow.Table": _arrow_table,
    "pyarrow.RecordBatch": _arrow_table,
    "pyarrow.ChunkedArray": _arrow_array,
    "pyarrow.Array": _arrow_array,
    "numpy.ndarray": _array,
    "numpy.generic": _numpy_scalar,
    **{
        f"scipy.{form}_{kind}": _sparse
        for form in ("csr", "csc", "bsr", "coo", "dia")
        for kind in ("matrix", "array")
    },
    "PIL.Image": _image,
    "matplotlib.Figure": _matplotlib,
    "plotly.BaseFigure": _plotly,
    "sklearn.BaseEstimator": _estimator,
    "pydantic.BaseModel": _fields,
    "msgspec.Struct": _fields,
}
