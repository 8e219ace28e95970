"""How are instances of pydantic models and msgspec structs stored? By their class's name and their fields."""

from __future__ import annotations

from typing import Any

from plait.data.names import reference, resolve
from plait.data.serializer import Codec, Unsuited


def _class(value: Any) -> str:
    found = reference(type(value))
    if found is None:
        raise Unsuited
    return found


def _pydantic_load(state: list[Any]) -> Any:
    cls = resolve(state[0])
    loaded = cls.__new__(cls)
    loaded.__setstate__(state[1])
    return loaded


def _pydantic_describe(value: Any) -> dict[str, Any]:
    return {"fields": list(type(value).model_fields)[:20]}


PYDANTIC = Codec(
    "pydantic", lambda value: [_class(value), value.__getstate__()], _pydantic_load, _pydantic_describe
)


def _struct_dump(value: Any) -> list[Any]:
    if type(value).__reduce__ is not _struct().__reduce__:
        raise Unsuited
    return [_class(value), {name: getattr(value, name) for name in value.__struct_fields__}]


def _struct() -> Any:
    import msgspec

    return msgspec.Struct


STRUCT = Codec(
    "struct",
    _struct_dump,
    lambda state: resolve(state[0])(**state[1]),
    lambda value: {"fields": list(value.__struct_fields__)[:20]},
)
