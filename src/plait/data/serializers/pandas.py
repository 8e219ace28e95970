"""How are pandas frames, series and scalars stored? By column: one that did not change costs nothing."""

from __future__ import annotations

from typing import Any

from plait.data.serializer import Codec, Unsuited

_MANY = 100  # from here pandas itself warns of a frame in as many pieces as columns
_SHOWN = 20


def held(column: Any) -> Any:
    """The array behind a series or an index: NumPy's own where the dtype is NumPy's."""
    import numpy as np

    return column.to_numpy() if isinstance(column.dtype, np.dtype) else column.array


def _flags(value: Any) -> list[Any]:
    return [dict(value.attrs), value.flags.allows_duplicate_labels]


def _flagged(value: Any, flags: list[Any]) -> Any:
    value.attrs.update(flags[0])
    if not flags[1]:
        value.flags.allows_duplicate_labels = False
    return value


# What pandas itself keeps in a table; ``_typ`` comes with one that was unpickled.
_OWN = frozenset({"_mgr", "_attrs", "_flags", "_item_cache", "_name", "_cacher", "_typ"})


def _frame_dump(value: Any) -> list[Any]:
    if vars(value).keys() - _OWN:
        raise Unsuited
    columns = [held(value.iloc[:, position]) for position in range(value.shape[1])]
    return [value.columns, value.index, columns, _flags(value)]


def _frame_load(state: list[Any]) -> Any:
    import pandas as pd

    columns, index, arrays, flags = state
    series = {
        position: pd.Series(array, index=index, dtype=array.dtype, copy=False)
        for position, array in enumerate(arrays)
    }
    frame = pd.DataFrame(series, index=index, copy=len(arrays) > _MANY)
    frame.columns = columns
    return _flagged(frame, flags)


def _frame_describe(value: Any) -> dict[str, Any]:
    names = list(zip(value.columns[:_SHOWN], value.dtypes.iloc[:_SHOWN], strict=True))
    shown = [[str(name)[:30], str(dtype)[:20]] for name, dtype in names]
    return {"shape": list(value.shape), "columns": shown}


def _series_dump(value: Any) -> list[Any]:
    if vars(value).keys() - _OWN:
        raise Unsuited
    return [value.name, value.index, held(value), _flags(value)]


def _series_load(state: list[Any]) -> Any:
    import pandas as pd

    name, index, array, flags = state
    return _flagged(pd.Series(array, index=index, dtype=array.dtype, name=name, copy=False), flags)


FRAME = Codec("pandas.frame", _frame_dump, _frame_load, _frame_describe, embeds=True, stored=True)
SERIES = Codec(
    "pandas.series",
    _series_dump,
    _series_load,
    lambda value: {"shape": [len(value)], "dtype": str(value.dtype)[:100], "name": str(value.name)[:100]},
    embeds=True,
    stored=True,
)


def _timestamp_dump(value: Any) -> list[Any]:
    return [value.asm8.view("i8").item(), value.unit, value.tz, value.fold]


def _timestamp_load(state: list[Any]) -> Any:
    import numpy as np
    import pandas as pd

    ticks, unit, zone, fold = state
    loaded = pd.Timestamp(np.datetime64(ticks, unit))
    if zone is not None:
        loaded = loaded.tz_localize("UTC").tz_convert(zone)
    return loaded if loaded.fold == fold else loaded.replace(fold=fold)


def _timedelta_load(state: list[Any]) -> Any:
    import numpy as np
    import pandas as pd

    return pd.Timedelta(np.timedelta64(state[0], state[1]))


def _period_load(state: list[Any]) -> Any:
    import pandas as pd

    return pd.Period(ordinal=state[0], freq=state[1])


def _interval_load(state: list[Any]) -> Any:
    import pandas as pd

    return pd.Interval(*state)


def _na(state: Any) -> Any:
    import pandas as pd

    return pd.NA


def _nat(state: Any) -> Any:
    import pandas as pd

    return pd.NaT


TIMESTAMP = Codec("pandas.timestamp", _timestamp_dump, _timestamp_load, immutable=True)
TIMEDELTA = Codec(
    "pandas.timedelta",
    lambda value: [value.asm8.view("i8").item(), value.unit],
    _timedelta_load,
    immutable=True,
)
PERIOD = Codec("pandas.period", lambda value: [value.ordinal, value.freqstr], _period_load, immutable=True)
INTERVAL = Codec(
    "pandas.interval", lambda value: [value.left, value.right, value.closed], _interval_load, immutable=True
)
NA = Codec("pandas.na", lambda value: None, _na, immutable=True)
NAT = Codec("pandas.nat", lambda value: None, _nat, immutable=True)
