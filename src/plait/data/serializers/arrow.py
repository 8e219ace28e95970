"""How are Arrow tables and arrays stored? Each column in one form, however it was chunked or sliced."""

from __future__ import annotations

from typing import Any

from plait.data.serializer import Codec, Raw, Unsuited


def column_dump(column: Any) -> list[Any]:
    """A chunked array or an array: what stands in a null slot, or outside the slice, is no content."""
    import pyarrow as pa

    array = _whole(column)
    kind = array.type
    if isinstance(kind, pa.BaseExtensionType):
        return ["extension", column_dump(array.storage)]
    if pa.types.is_boolean(kind):
        return ["bool", *_fixed(array.cast(pa.uint8()), 1)]
    if pa.types.is_primitive(kind) or pa.types.is_decimal(kind):
        return ["fixed", *_fixed(array, kind.bit_width // 8)]
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return ["text", *texts(array)]
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return ["bytes", *texts(array)]
    return ["ipc", _stream(array)]


def column_load(state: list[Any], kind: Any) -> Any:
    import pyarrow as pa

    form = state[0]
    if form == "extension":
        return pa.ExtensionArray.from_storage(kind, column_load(state[1], kind.storage_type))
    if form == "bool":
        return _fixed_load(state[1:], pa.uint8()).cast(pa.bool_())
    if form == "fixed":
        return _fixed_load(state[1:], kind)
    if form in ("text", "bytes"):
        large = pa.large_string() if form == "text" else pa.large_binary()
        loaded = texts_load(state[1], state[2], state[3], large)
        return loaded if kind == large else loaded.cast(kind)
    return pa.ipc.open_stream(pa.py_buffer(state[1])).read_all().column(0).combine_chunks()


def _whole(column: Any) -> Any:
    import pyarrow as pa

    if not isinstance(column, pa.ChunkedArray):
        return column
    if column.num_chunks == 1:
        return column.chunk(0)
    if column.num_chunks == 0:
        return pa.array([], column.type)
    whole = column.combine_chunks()
    if isinstance(
        whole, pa.ChunkedArray
    ):  # texts of more than 2 GiB do not fit one array with 32-bit offsets
        raise Unsuited
    return whole


def _mask(array: Any) -> tuple[Any, Any]:
    """Which slots are null: as it is stored (None where none is), and as booleans."""
    import numpy as np

    if not array.null_count:
        return None, None
    absent = array.is_null().to_numpy(zero_copy_only=False)
    return np.packbits(absent, bitorder="little"), absent


def _valid(mask: Any) -> Any:
    import pyarrow as pa

    return None if mask is None else pa.py_buffer(~mask)


def _fixed(array: Any, width: int) -> list[Any]:
    import numpy as np

    size = len(array)
    mask, absent = _mask(array)
    held = array.buffers()[1]
    if not size or held is None:
        return [size, b"\0" * (size * width), mask]
    start = array.offset * width
    data = np.frombuffer(held, np.uint8)[start : start + size * width]
    if absent is not None:
        data = data.copy()
        data.reshape(size, width)[absent] = 0
    return [size, Raw(memoryview(data)), mask]


def _fixed_load(state: list[Any], kind: Any) -> Any:
    import pyarrow as pa

    size, data, mask = state
    return pa.Array.from_buffers(kind, size, [_valid(mask), pa.py_buffer(data)])


def texts(array: Any) -> list[Any]:
    """Offsets of 64 bits, the bytes, and the mask; the same for texts with 32-bit offsets."""
    import numpy as np
    import pyarrow as pa

    mask, absent = _mask(array)
    if absent is not None:
        array = array.fill_null(
            "" if pa.types.is_string(array.type) or pa.types.is_large_string(array.type) else b""
        )
    size = len(array)
    _, places, data = array.buffers()
    if not size or places is None:
        return [np.zeros(size + 1, "<i8"), b"", mask]
    width = "<i8" if pa.types.is_large_string(array.type) or pa.types.is_large_binary(array.type) else "<i4"
    offsets = np.frombuffer(places, width)[array.offset : array.offset + size + 1].astype("<i8", copy=False)
    first, last = int(offsets[0]), int(offsets[-1])
    run = b"" if data is None else Raw(memoryview(data)[first:last])
    return [offsets - first if first else offsets, run, mask]


def texts_load(offsets: Any, data: Any, mask: Any, kind: Any) -> Any:
    import pyarrow as pa

    buffers = [_valid(mask), pa.py_buffer(memoryview(offsets).cast("B")), pa.py_buffer(data)]
    return pa.Array.from_buffers(kind, len(offsets) - 1, buffers)


def _stream(array: Any) -> Raw:
    """A nested column: taking every row writes it anew, without what slices and nulls leave behind."""
    import numpy as np
    import pyarrow as pa

    try:
        fresh = array.take(pa.array(np.arange(len(array))))
    except pa.ArrowNotImplementedError:  # kinds that Arrow cannot take from yet, such as views of text
        fresh = pa.array(array.to_pylist(), array.type)
    batch = pa.record_batch([fresh], names=[""])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return Raw(sink.getvalue())


def _schema(kind: Any) -> Raw:
    import pyarrow as pa

    return Raw(pa.schema([pa.field("", kind)]).serialize())


def _schema_load(data: Any) -> Any:
    import pyarrow as pa

    return pa.ipc.read_schema(pa.py_buffer(data))


def _table_dump(value: Any) -> list[Any]:
    columns = [column_dump(value.column(place)) for place in range(value.num_columns)]
    return [Raw(value.schema.serialize()), value.num_rows, columns]


def _columns(state: list[Any]) -> tuple[Any, list[Any]]:
    schema = _schema_load(state[0])
    return schema, [column_load(column, field.type) for column, field in zip(state[2], schema, strict=True)]


def _table_load(state: list[Any]) -> Any:
    import pyarrow as pa

    schema, columns = _columns(state)
    return pa.Table.from_arrays(columns, schema=schema)


def _batch_load(state: list[Any]) -> Any:
    import pyarrow as pa

    schema, columns = _columns(state)
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _table_describe(value: Any) -> dict[str, Any]:
    shown = [[field.name[:30], str(field.type)[:20]] for field in list(value.schema)[:20]]
    return {"shape": [value.num_rows, value.num_columns], "columns": shown}


def _array_load(state: list[Any]) -> Any:
    return column_load(state[1], _schema_load(state[0]).field(0).type)


def _chunked_load(state: list[Any]) -> Any:
    import pyarrow as pa

    return pa.chunked_array([_array_load(state)])


def _describe(value: Any) -> dict[str, Any]:
    return {"shape": [len(value)], "dtype": str(value.type)[:100]}


def _dump(value: Any) -> list[Any]:
    return [_schema(value.type), column_dump(value)]


TABLE = Codec("arrow.table", _table_dump, _table_load, _table_describe, embeds=True, stored=True)
BATCH = Codec("arrow.batch", _table_dump, _batch_load, _table_describe, embeds=True, stored=True)
CHUNKED = Codec("arrow.chunked", _dump, _chunked_load, _describe, embeds=True, stored=True)
ARRAY = Codec("arrow.array", _dump, _array_load, _describe, embeds=True, stored=True)
