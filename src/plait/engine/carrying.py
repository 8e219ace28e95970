"""How does a function that no module has travel? By value, with the names of the files that its lines are in."""

from __future__ import annotations

import io
from collections import ChainMap
from collections.abc import Callable
from types import CodeType
from typing import Any, ClassVar

import cloudpickle

__all__ = ["pickle_function"]


def pickle_function(function: Callable[..., Any]) -> bytes:
    """The function as bytes that ``pickle.loads`` makes it from."""
    out = io.BytesIO()
    _Pickler(out).dump(function)
    return out.getvalue()


def _code(code: CodeType) -> Any:
    # cloudpickle leaves the file out, and with it the place of every error.
    make, arguments = cloudpickle.Pickler.dispatch_table[CodeType](code)[:2]
    return _in_file, (make, arguments, code.co_filename)


def _in_file(make: Callable[..., CodeType], arguments: tuple[Any, ...], file: str) -> CodeType:
    return make(*arguments).replace(co_filename=file)


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    dispatch_table: ClassVar[Any] = ChainMap({CodeType: _code}, cloudpickle.Pickler.dispatch_table)
