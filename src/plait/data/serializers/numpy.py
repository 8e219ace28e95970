"""How are NumPy arrays, scalars and dtypes stored? Their bytes in C order, mapped when loaded."""

from __future__ import annotations

from typing import Any

from plait.data.names import reference, resolve
from plait.data.serializer import Codec, Raw, Unsuited

_CLASSES = ("recarray", "matrix")


def dtype_state(dtype: Any) -> Any:
    """A dtype in built-in types: equal dtypes, equal states."""
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        return ["sub", dtype_state(base), list(shape)]
    if dtype.fields is not None:
        titles = [
            field[2] if len(field) == 3 else None for field in (dtype.fields[name] for name in dtype.names)
        ]
        return [
            "fields",
            list(dtype.names),
            [dtype_state(dtype.fields[name][0]) for name in dtype.names],
            [dtype.fields[name][1] for name in dtype.names],
            titles if any(title is not None for title in titles) else None,
            dtype.itemsize,
            dtype.isalignedstruct,
            None if dtype.type.__name__ == "void" else reference(dtype.type),
        ]
    if dtype.kind == "T":
        return _text_state(dtype)
    if type(dtype).__module__.partition(".")[0] != "numpy":  # a library's own dtype, such as bfloat16
        raise Unsuited
    text: str = dtype.str
    return text


def _text_state(dtype: Any) -> Any:
    marker = ["missing", dtype.na_object] if hasattr(dtype, "na_object") else []
    return ["text", dtype.coerce, *marker]


def dtype_of(state: Any) -> Any:
    import numpy as np

    if isinstance(state, str):
        return np.dtype(state)
    if state[0] == "sub":
        return np.dtype((dtype_of(state[1]), tuple(state[2])))
    if state[0] == "text":
        extra = {"na_object": state[3]} if len(state) > 2 else {}
        return np.dtypes.StringDType(coerce=state[1], **extra)
    _, names, formats, offsets, titles, itemsize, aligned, kind = state
    fields = {"names": names, "formats": [dtype_of(inner) for inner in formats], "offsets": offsets}
    if titles is not None:
        fields["titles"] = titles
    dtype = np.dtype({**fields, "itemsize": itemsize}, align=aligned)
    return dtype if kind is None else np.dtype((resolve(kind), dtype))


def clean(array: Any) -> Any:
    """The array in C order, with zeros where its dtype has bytes that belong to no value (padding)."""
    import numpy as np

    dtype = array.dtype
    if dtype.fields is not None and _padded(dtype):
        tidy = np.zeros(array.shape, dtype)
        for name in dtype.names:
            tidy[name] = clean(np.asarray(array[name]))
        return tidy
    array = np.asarray(array)
    if not array.flags.c_contiguous:
        array = array.copy(order="C")
    if dtype.kind in "fc" and dtype.itemsize not in (2, 4, 8) and dtype.char in "gG":
        return _tidy_long(array)
    return array


def _padded(dtype: Any) -> bool:
    if dtype.subdtype is not None:
        return _padded(dtype.subdtype[0])
    if dtype.fields is None:
        return dtype.char in "gG"
    kinds = [dtype.fields[name][0] for name in dtype.names]
    return sum(kind.itemsize for kind in kinds) != dtype.itemsize or any(map(_padded, kinds))


def _tidy_long(array: Any) -> Any:
    """x86 keeps the 10 bytes of an extended float in 16: the other 6 hold whatever was there before."""
    import numpy as np

    if np.finfo(np.longdouble).nmant != 63 or not array.size:
        return array
    width = np.dtype(np.longdouble).itemsize
    tidy = array.copy()
    tidy.reshape(-1).view(np.uint8).reshape(-1, width)[:, 10:] = 0
    return tidy


def raw(array: Any) -> Raw:
    """The bytes of a clean array without objects in it."""
    import numpy as np

    if not array.nbytes:
        return Raw(b"")
    return Raw(memoryview(array.reshape(-1).view(np.uint8)))


def _dump(value: Any) -> list[Any]:
    name = type(value).__name__
    kind = name if name in _CLASSES else None
    dtype = value.dtype
    if dtype.hasobject:
        if dtype.kind == "O":
            return [kind, "O", list(value.shape), value.ravel().tolist()]
        if dtype.kind == "T":
            return [kind, dtype_state(dtype), list(value.shape), value.ravel().tolist()]
        raise Unsuited
    return [kind, dtype_state(dtype), list(value.shape), raw(clean(value))]


def _load(state: list[Any]) -> Any:
    import numpy as np

    kind, description, shape, content = state
    dtype = dtype_of(description)
    if isinstance(content, list):
        array = np.empty(len(content), dtype=dtype)
        if dtype.kind == "O":
            array[:] = np.fromiter(content, dtype=object, count=len(content))
        else:
            array[:] = content
        array = array.reshape(shape)
    elif not len(content):
        array = np.zeros(shape, dtype)
    else:
        array = np.frombuffer(content, dtype=dtype).reshape(shape)
    return array if kind is None else array.view(getattr(np, kind))


def describe(value: Any) -> dict[str, Any]:
    return {"shape": list(value.shape), "dtype": str(value.dtype)[:100]}


ARRAY = Codec("numpy.array", _dump, _load, describe, embeds=True)


def _masked_dump(value: Any) -> list[Any]:
    import numpy as np

    mask = None if value.mask is np.ma.nomask else np.asarray(value.mask)
    fill = None if value._fill_value is None else np.asarray(value._fill_value)
    return [np.asarray(value.data), mask, fill, value.hardmask]


def _masked_load(state: list[Any]) -> Any:
    import numpy as np

    data, mask, fill, hard = state
    loaded = np.ma.MaskedArray(data, mask=np.ma.nomask if mask is None else mask, hard_mask=hard)
    if fill is not None:
        loaded.set_fill_value(fill)
    return loaded


MASKED = Codec("numpy.masked", _masked_dump, _masked_load, describe, stored=True)


def _scalar_dump(value: Any) -> list[Any]:
    import numpy as np

    if type(value).__module__.partition(".")[0] != "numpy" or value.dtype.hasobject:
        raise Unsuited
    if type(value).__name__ == "record":
        return [dtype_state(np.dtype((np.record, value.dtype))), raw(clean(np.asarray(value)))]
    return [dtype_state(value.dtype), clean(np.asarray(value)).tobytes()]


def _scalar_load(state: list[Any]) -> Any:
    import numpy as np

    dtype = dtype_of(state[0])
    if not len(state[1]):
        return np.zeros((), dtype)[()]
    return np.frombuffer(bytearray(state[1]), dtype=dtype)[0]


SCALAR = Codec(
    "numpy.scalar",
    _scalar_dump,
    _scalar_load,
    lambda value: {"dtype": str(value.dtype)[:100]},
    immutable=True,
)

DTYPE = Codec("numpy.dtype", dtype_state, dtype_of, immutable=True)
