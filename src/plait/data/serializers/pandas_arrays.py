"""How are columns stored that pandas keeps in arrays of its own? As the arrays that these are made of."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
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
    """Texts as one run of UTF-8 with offsets, whatever keeps them: the storage is a setting beside them."""
    import pandas as pd

    dtype = array.dtype
    missing = "nan" if dtype.na_value is not pd.NA else "NA"
    if dtype.storage.startswith("pyarrow"):
        import pyarrow as pa

        from plait.data.serializers.arrow import texts

        whole = pa.chunked_array(array.__arrow_array__()).cast(pa.large_string()).combine_chunks()
        if isinstance(whole, pa.ChunkedArray):
            whole = pa.concat_arrays(whole.chunks) if whole.num_chunks else pa.array([], pa.large_string())
        return ["pyarrow", missing, *texts(whole)]
    return ["python", missing, *_python_texts(array)]


def _python_texts(array: Any) -> list[Any]:
    import numpy as np

    absent = np.asarray(array.isna())
    texts = [
        b"" if gone else text.encode("utf-8", "surrogatepass")
        for text, gone in zip(array, absent, strict=True)
    ]
    offsets: Any = np.zeros(len(texts) + 1, "<i8")
    np.cumsum(np.fromiter(map(len, texts), "<i8", len(texts)), out=offsets[1:])
    mask = np.packbits(absent, bitorder="little") if absent.any() else None
    return [offsets, Raw(b"".join(texts)), mask]


def _text_load(storage: str, missing: str, offsets: Any, data: Any, mask: Any) -> Any:
    import numpy as np
    import pandas as pd

    na_value = np.nan if missing == "nan" else pd.NA
    if storage == "pyarrow" and _has_arrow():
        import pyarrow as pa

        from plait.data.serializers.arrow import texts_load

        return _text_dtype("pyarrow", na_value).__from_arrow__(
            texts_load(offsets, data, mask, pa.large_string())
        )
    whole = bytes(data)
    texts: Any = np.empty(len(offsets) - 1, dtype=object)
    for place, (start, end) in enumerate(pairwise(offsets.tolist())):
        texts[place] = whole[start:end].decode("utf-8", "surrogatepass")
    if mask is not None:
        texts[np.unpackbits(mask, count=len(texts), bitorder="little").astype(bool)] = na_value
    return pd.array(texts, dtype=_text_dtype("python", na_value))


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


def _arrow_load(chunks: Any) -> Any:
    import pandas as pd

    return pd.arrays.ArrowExtensionArray(chunks)


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
    "ArrowExtensionArray": (lambda array: [array.__arrow_array__()], _arrow_load),
}


ARRAY = Codec(
    "pandas.array",
    _dump,
    _load,
    lambda value: {"shape": [len(value)], "dtype": str(value.dtype)[:100]},
    stored=True,
)
