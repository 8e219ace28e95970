"""How are the row and column labels of pandas stored?"""

from __future__ import annotations

from typing import Any

from plait.data.serializer import Codec, Unsuited


def _dump(value: Any) -> list[Any]:
    import numpy as np
    import pandas as pd

    kind = type(value)
    if kind is pd.RangeIndex:
        return ["range", value.name, [value.start, value.stop, value.step]]
    if kind is pd.MultiIndex:
        codes = [np.asarray(inner) for inner in value.codes]
        return ["multi", list(value.names), list(value.levels), codes]
    array = value.array
    if isinstance(array.dtype, np.dtype):
        array = np.asarray(array)
    freq = getattr(value, "freq", None) if kind in (pd.DatetimeIndex, pd.TimedeltaIndex) else None
    if freq is not None and _offset(freq.freqstr) != freq:  # an offset that its name does not say in full
        raise Unsuited
    return ["array", value.name, array, None if freq is None else freq.freqstr]


def _offset(name: str) -> Any:
    import pandas as pd

    try:
        return pd.tseries.frequencies.to_offset(name)
    except ValueError:
        return None


def _load(state: list[Any]) -> Any:
    import pandas as pd

    if state[0] == "range":
        return pd.RangeIndex(*state[2], name=state[1])
    if state[0] == "multi":
        _, names, levels, codes = state
        return pd.MultiIndex(levels=levels, codes=codes, names=names, verify_integrity=False)
    _, name, array, freq = state
    index = pd.Index(array, dtype=array.dtype, name=name, copy=False)
    if freq is not None:
        index.freq = freq
    return index


def _describe(value: Any) -> dict[str, Any]:
    return {"shape": [len(value)], "dtype": str(value.dtype)[:100], "name": str(value.name)[:100]}


INDEX = Codec("pandas.index", _dump, _load, _describe, immutable=True, embeds=True, stored=True)
