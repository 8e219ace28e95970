"""How are polars frames and series stored? By column, in one form however it was chunked or sliced."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from plait.data.serializer import Codec, Raw, Unsuited

_SIMPLE = frozenset({
    *(f"{sign}Int{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64, 128)),
    *("Float16", "Float32", "Float64", "Boolean", "String", "Binary", "Date", "Time", "Null", "Object"),
})  # fmt: skip


def dtype_state(dtype: Any) -> Any:
    """A dtype in built-in types."""
    name = dtype.__name__ if isinstance(dtype, type) else type(dtype).__name__
    if name in _SIMPLE:
        return name
    if name == "Datetime":
        return [name, dtype.time_unit, dtype.time_zone]
    if name == "Duration":
        return [name, dtype.time_unit]
    if name == "Decimal":
        return [name, dtype.precision, dtype.scale]
    if name == "Enum":
        return [name, dtype.categories.to_list()]
    if name == "List":
        return [name, dtype_state(dtype.inner)]
    if name == "Array":
        return [name, dtype_state(dtype.inner), dtype.size]
    if name == "Struct":
        return [name, [[field.name, dtype_state(field.dtype)] for field in dtype.fields]]
    if name == "Categorical" and str(dtype) == "Categorical":
        return name
    raise Unsuited


def dtype_of(state: Any) -> Any:
    import polars as pl

    if isinstance(state, str):
        return getattr(pl, state)() if state != "Object" else pl.Object
    name, *held = state
    if name in ("List", "Array"):
        return getattr(pl, name)(dtype_of(held[0]), *held[1:])
    if name == "Struct":
        return pl.Struct([pl.Field(field, dtype_of(inner)) for field, inner in held[0]])
    return getattr(pl, name)(*held)


def _plain(dtype: Any) -> bool:
    """Whether NumPy can hold the physical values of a column."""
    import polars as pl

    wide = [getattr(pl, name) for name in ("Int128", "UInt128") if hasattr(pl, name)]
    numbers = dtype.is_integer() or dtype.is_float() or dtype.is_temporal() or dtype == pl.Boolean
    return bool(numbers) and dtype not in wide


def _column_dump(series: Any) -> list[Any]:
    """What stands in a slot that is null is no content; categories are kept as what they stand for."""
    import numpy as np
    import polars as pl

    dtype = series.dtype
    kind = [series.name, dtype_state(dtype)]
    mask = np.packbits(series.is_null().to_numpy()) if series.null_count() else None
    if _plain(dtype):
        physical = series.to_physical()
        if mask is not None:
            physical = physical.fill_null(False if dtype == pl.Boolean else 0)
        return ["plain", *kind, physical.to_numpy(), mask]
    if isinstance(dtype, (pl.String, pl.Categorical, pl.Enum)):
        texts = series.cast(pl.String).fill_null("")
        offsets: Any = np.zeros(len(texts) + 1, "<i8")
        np.cumsum(texts.str.len_bytes().to_numpy(), out=offsets[1:])
        run = texts.str.join("").item() if len(texts) else ""
        return ["text", *kind, offsets, mask, Raw(run.encode())]
    return ["list", *kind, series.to_list()]


def _column_load(state: list[Any]) -> Any:
    import polars as pl

    form, name, described, *held = state
    dtype = dtype_of(described)
    if form == "list":
        return pl.Series(name, held[0], dtype=dtype)
    series = pl.Series(name, held[0]) if form == "plain" else _texts(name, held[0], held[2])
    if held[1] is not None:
        series = _blanked(series, held[1])
    return series if series.dtype == dtype else series.cast(dtype)


def _blanked(series: Any, mask: Any) -> Any:
    import numpy as np
    import polars as pl

    absent = pl.Series("absent", np.unpackbits(mask, count=len(series)).astype(bool))
    frame = pl.DataFrame([series.alias("value"), absent])
    kept = frame.select(pl.when(pl.col("absent")).then(None).otherwise(pl.col("value")).alias(series.name))
    return kept.to_series()


def _texts(name: str, offsets: Any, data: Any) -> Any:
    from importlib.util import find_spec

    import polars as pl

    if find_spec("pyarrow") is not None:
        import pyarrow as pa

        from plait.data.serializers.arrow import texts_load

        return pl.Series(name, pl.from_arrow(texts_load(offsets, data, None, pa.large_string())))
    whole, bounds = bytes(data), offsets.tolist()
    texts = [whole[start:end].decode() for start, end in pairwise(bounds)]
    return pl.Series(name, texts, dtype=pl.String)


def _frame_load(state: list[Any]) -> Any:
    import polars as pl

    return pl.DataFrame([_column_load(column) for column in state])


def _frame_describe(value: Any) -> dict[str, Any]:
    shown = [[name[:30], str(dtype)[:20]] for name, dtype in list(value.schema.items())[:20]]
    return {"shape": list(value.shape), "columns": shown}


FRAME = Codec(
    "polars.frame",
    lambda value: [_column_dump(column) for column in value.get_columns()],
    _frame_load,
    _frame_describe,
    embeds=True,
    stored=True,
)
SERIES = Codec(
    "polars.series",
    _column_dump,
    _column_load,
    lambda value: {"shape": [len(value)], "dtype": str(value.dtype)[:100], "name": value.name[:100]},
    embeds=True,
    stored=True,
)
