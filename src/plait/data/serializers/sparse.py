"""How are SciPy's sparse matrices stored? As the arrays that they are made of."""

from __future__ import annotations

from typing import Any

from plait.data.serializer import Codec

_PIECES = {
    "csr": ("data", "indices", "indptr"),
    "csc": ("data", "indices", "indptr"),
    "bsr": ("data", "indices", "indptr"),
    "dia": ("data", "offsets"),
}


def _dump(value: Any) -> list[Any]:
    name, shape = type(value).__name__, list(value.shape)
    if value.format == "coo":
        coords = value.coords if hasattr(value, "coords") else (value.row, value.col)
        return [name, shape, [value.data, list(coords)]]
    return [name, shape, [getattr(value, piece) for piece in _PIECES[value.format]]]


def _load(state: list[Any]) -> Any:
    from importlib import import_module

    name, shape, pieces = state
    made = (pieces[0], tuple(pieces[1])) if name.startswith("coo") else tuple(pieces)
    return getattr(import_module("scipy.sparse"), name)(made, shape=tuple(shape), copy=False)


def _describe(value: Any) -> dict[str, Any]:
    return {"shape": list(value.shape), "dtype": str(value.dtype), "stored": int(value.nnz)}


SPARSE = Codec("scipy.sparse", _dump, _load, _describe, stored=True)
