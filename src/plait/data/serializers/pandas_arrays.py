"""How are the columns stored that pandas does not keep in a plain NumPy array? As the arrays that they are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from plait.data.serializer import Codec, Raw, Unsuited


def _class(array: Any) -> str:
    # A library's own array, or a subclass, is not ours to take apart.
    if type(array).__module__.partition(".")[0] != "pandas":
        raise Unsuited
    return type(array).__name__


def _dump(array: Any) -> list[Any]:
    name = _class(array)
    line = _KINDS.get(name)
    if line is None:
        raise Unsuited
    return [name, *line[0](array)]


def _load(state: list[Any]) -> Any:
    return _KINDS[state[0]][1](*state[1:])


def _masked_dump(array: Any) -> list[Any]:
    """What lies under the mask is left over from computing, not content: zeros."""
    data, mask = array._data, array._mask
    if mask.any() and data[mask].any():
        data = data.copy()
        data[mask] = 0
    return [data, mask]


def _masked_load(kind: str) -> Callable[..., Any]:
    def load(data: Any, mask: Any) -> Any:
        import pandas as pd

        return getattr(pd.arrays, kind)(data, mask)

    return load


def _categorical_dump(array: Any) -> list[Any]:
    import numpy as np

    return [np.asarray(array.codes), array.categories, array.ordered]


def _categorical_load(codes: Any, categories: Any, ordered: bool) -> Any:
    import pandas as pd

    return pd.Categorical.from_codes(codes, dtype=pd.CategoricalDtype(categories, ordered))


def _datetime_dump(array: Any) -> list[Any]:
    return [array.asi8, array.unit, array.tz]


def _datetime_load(ticks: Any, unit: str, zone: Any) -> Any:
    import pandas as pd

    utc = pd.DatetimeIndex(ticks.view(f"M8[{unit}]"), copy=False)
    return (utc if zone is None else utc.tz_localize("UTC").tz_convert(zone)).array


def _timedelta_load(ticks: Any, unit: str) -> Any:
    import pandas as pd

    return pd.TimedeltaIndex(ticks.view(f"m8[{unit}]"), copy=False).array


def _period_load(ordinals: Any, freq: str) -> Any:
    import pandas as pd

    return pd.arrays.PeriodArray(ordinals, dtype=pd.PeriodDtype(freq))


def _interval_load(left: Any, right: Any, closed: str) -> Any:
    import pandas as pd

    return pd.arrays.IntervalArray.from_arrays(left, right, closed=closed)


def _sparse_dump(array: Any) -> list[Any]:
    index = array.sp_index
    return [array.sp_values, index.to_int_index().indices, index.length, array.fill_value, array.kind]


def _sparse_load(values: Any, indices: Any, length: int, fill: Any, kind: str) -> Any:
    import pandas as pd
    from pandas._libs.sparse import IntIndex

    index = IntIndex(length, indices, check_integrity=False)
    if kind == "block":
        index = index.to_block_index()
    return pd.arrays.SparseArray(
        values, sparse_index=index, fill_value=fill, dtype=pd.SparseDtype(values.dtype, fill)
    )


def _text_dump(array: Any) -> list[Any]:
    """Texts as one run of UTF-8 with offsets, whatever pandas keeps them in: its storage is a setting beside them."""
    import numpy as np
    import pandas as pd

    dtype = array.dtype
    missing = "nan" if dtype.na_value is not pd.NA else "NA"
    if dtype.storage == "pyarrow":
        offsets, data, absent = _arrow_texts(array)
    else:
        offsets, data, absent = _python_texts(array)
    mask = np.packbits(absent) if absent is not None and absent.any() else None
    return [
        dtype.storage,
        missing,
        Raw(memoryview(offsets).cast("B")) if len(offsets) > 1 else b"",
        Raw(data),
        mask,
    ]


def _python_texts(array: Any) -> tuple[Any, Any, Any]:
    import numpy as np

    absent = np.asarray(array.isna())
    texts = [
        b"" if gone else text.encode("utf-8", "surrogatepass")
        for text, gone in zip(array, absent, strict=True)
    ]
    offsets = np.zeros(len(texts) + 1, "<i8")
    np.cumsum(np.fromiter(map(len, texts), "<i8", len(texts)), out=offsets[1:])
    return offsets, b"".join(texts), absent


def _arrow_texts(array: Any) -> tuple[Any, Any, Any]:
    import numpy as np
    import pyarrow as pa

    chunks = pa.chunked_array(array.__arrow_array__())
    texts = chunks.cast(pa.large_string()).combine_chunks()
    if isinstance(texts, pa.ChunkedArray):
        texts = pa.concat_arrays(texts.chunks) if texts.num_chunks else pa.array([], pa.large_string())
    absent = None
    if texts.null_count:
        absent = texts.is_null().to_numpy(zero_copy_only=False)
        texts = texts.fill_null("")
    size = len(texts)
    _, places, data = texts.buffers()
    if not size or data is None:
        return np.zeros(size + 1, "<i8"), b"", absent
    offsets = np.frombuffer(places, "<i8")[texts.offset : texts.offset + size + 1]
    first, last = int(offsets[0]), int(offsets[-1])
    return (offsets - first if first else offsets), memoryview(data)[first:last], absent


def _text_load(storage: str, missing: str, offsets: Any, data: Any, mask: Any) -> Any:
    import numpy as np
    import pandas as pd

    places = np.frombuffer(offsets, "<i8") if len(offsets) else np.zeros(1, "<i8")
    absent = None if mask is None else np.unpackbits(mask, count=len(places) - 1).astype(bool)
    na_value = np.nan if missing == "nan" else pd.NA
    if storage == "pyarrow" and _has_arrow():
        dtype = _text_dtype("pyarrow", na_value)
        return dtype.__from_arrow__(_arrow_array(places, data, absent))
    whole = bytes(data)
    bounds = places.tolist()
    texts = np.empty(len(bounds) - 1, dtype=object)
    for place, (start, end) in enumerate(zip(bounds, bounds[1:], strict=False)):
        texts[place] = whole[start:end].decode("utf-8", "surrogatepass")
    if absent is not None:
        texts[absent] = na_value
    return pd.array(texts, dtype=_text_dtype("python", na_value))


def _arrow_array(places: Any, data: Any, absent: Any) -> Any:
    import numpy as np
    import pyarrow as pa

    valid = None if absent is None else pa.py_buffer(np.packbits(~absent, bitorder="little"))
    buffers = [valid, pa.py_buffer(places), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.large_string(), len(places) - 1, buffers)


def _has_arrow() -> bool:
    from importlib.util import find_spec

    return find_spec("pyarrow") is not None


def _text_dtype(storage: str, na_value: Any) -> Any:
    import pandas as pd

    if na_value is pd.NA:
        return pd.StringDtype(storage)
    try:
        return pd.StringDtype(storage, na_value=na_value)
    except TypeError:  # pandas 2.1 and 2.2 call it by another name
        return pd.StringDtype("pyarrow_numpy")


_Line = tuple[Callable[[Any], list[Any]], Callable[..., Any]]
_TEXT: _Line = (_text_dump, _text_load)
_KINDS: dict[str, _Line] = {
    **{
        kind: (_masked_dump, _masked_load(kind)) for kind in ("IntegerArray", "FloatingArray", "BooleanArray")
    },
    "Categorical": (_categorical_dump, _categorical_load),
    "DatetimeArray": (_datetime_dump, _datetime_load),
    "TimedeltaArray": (lambda array: [array.asi8, array.unit], _timedelta_load),
    "PeriodArray": (lambda array: [array.asi8, array.freqstr], _period_load),
    "IntervalArray": (lambda array: [array.left, array.right, array.closed], _interval_load),
    "SparseArray": (_sparse_dump, _sparse_load),
    "StringArray": _TEXT,
    "StringArrayNumpySemantics": _TEXT,
    "ArrowStringArray": _TEXT,
    "ArrowStringArrayNumpySemantics": _TEXT,
    "ArrowExtensionArray": (
        lambda array: [array.__arrow_array__()],
        lambda chunks: _arrow_load(chunks),
    ),
}


def _arrow_load(chunks: Any) -> Any:
    import pandas as pd

    return pd.arrays.ArrowExtensionArray(chunks)


ARRAY = Codec(
    "pandas.array",
    _dump,
    _load,
    lambda value: {"shape": [len(value)], "dtype": str(value.dtype)[:100]},
    stored=True,
)
