"""Does a mapping fit a class with named fields: a dataclass, struct, named tuple, typed dict or model?"""

from __future__ import annotations

import typing
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from plait.errors import did_you_mean, nearest
from plait.project.secrets import reveal

if TYPE_CHECKING:
    from plait.project.types import Walk

__all__ = ["convert_pydantic", "convert_record"]

Path = tuple[Any, ...]


class Field(NamedTuple):
    """A field as it is written in YAML, as it is passed to the class, and whether it may be left out."""

    key: str
    attribute: str
    annotation: Any
    required: bool


def convert_record(walk: Walk, value: Any, cls: Any, path: Path) -> Any:
    """An instance of ``cls`` from a mapping; a value of a class that has no named fields passes through."""
    base = typing.get_origin(cls) or cls
    if not isinstance(base, type) or (not _is_typed_dict(base) and isinstance(value, base)):
        return value
    if _is_pydantic(base):
        return convert_pydantic(walk, value, cls, path)
    fields = _fields(base)
    if fields is None:
        return value
    if _is_named_tuple(base) and isinstance(value, (list, tuple)):
        return _from_row(walk, value, base, fields, path)
    if not isinstance(value, Mapping):
        return walk.mismatch(path, cls, value)
    made = _read_fields(walk, value, fields, path, f"{base.__name__} has no field")
    if made is None:
        return _bad()
    return _build(walk, base, made, path)


def _bad() -> Any:
    from plait.project.types import BAD

    return BAD


def _build(walk: Walk, cls: Any, made: dict[str, Any], path: Path) -> Any:
    try:
        return cls(**made)
    except (TypeError, ValueError, AssertionError, ArithmeticError) as error:
        # The class's own check, in __post_init__ or __init__.
        return walk.wrong(path, f"{cls.__name__} refuses it: {error}")


def _read_fields(walk: Walk, value: Mapping[Any, Any], fields: list[Field], path: Path, unknown: str) -> Any:
    known = {field.key: field for field in fields}
    before = len(walk.violations)
    made = {}
    for key, inner in value.items():
        if key in known:
            made[known[key].attribute] = walk.convert(inner, known[key].annotation, (*path, key))
        else:
            walk.wrong((*path, key), f"{unknown} {key!r}", did_you_mean(str(key), known))
    misspelt = {match for key in value if key not in known for match in nearest(str(key), known, 1)}
    for field in fields:
        # A misspelt key is one mistake, said once.
        if field.required and field.key not in value and field.key not in misspelt:
            walk.wrong((*path, field.key), "is missing")
    return made if len(walk.violations) == before else None


def _from_row(walk: Walk, value: Any, cls: Any, fields: list[Field], path: Path) -> Any:
    least = sum(field.required for field in fields)
    if not least <= len(value) <= len(fields):
        names = ", ".join(field.key for field in fields)
        return walk.wrong(path, f"expected {len(fields)} values ({names}), got {len(value)}")
    before = len(walk.violations)
    items = [
        walk.convert(item, field.annotation, (*path, i))
        for i, (item, field) in enumerate(zip(value, fields, strict=False))
    ]
    return cls(*items) if len(walk.violations) == before else _bad()


def _is_typed_dict(cls: Any) -> bool:
    return typing.is_typeddict(cls)


def _is_named_tuple(cls: type) -> bool:
    return issubclass(cls, tuple) and hasattr(cls, "_fields")


def _is_pydantic(cls: Any) -> bool:
    return (
        hasattr(cls, "model_validate") or hasattr(cls, "__pydantic_validator__") or _home(cls) == "pydantic"
    )


def _home(cls: Any) -> str:
    return str(getattr(cls, "__module__", "")).partition(".")[0]


def _fields(cls: Any) -> list[Field] | None:
    """The fields of a class that says them; None for any other class."""
    if _is_typed_dict(cls):
        return [Field(name, name, kind, name in cls.__required_keys__) for name, kind in _hints(cls).items()]
    if _is_named_tuple(cls):
        hints = _hints(cls)
        return [
            Field(name, name, hints.get(name, Any), name not in cls._field_defaults) for name in cls._fields
        ]
    if hasattr(cls, "__struct_fields__"):
        return _struct_fields(cls)
    if hasattr(cls, "__dataclass_fields__"):
        return _dataclass_fields(cls)
    return None


def _struct_fields(cls: Any) -> list[Field]:
    import msgspec

    hints = _hints(cls)
    return [
        Field(one.encode_name, one.name, hints.get(one.name, one.type), one.required)
        for one in msgspec.structs.fields(cls)
    ]


def _dataclass_fields(cls: Any) -> list[Field]:
    import dataclasses

    hints = _hints(cls)
    return [
        Field(
            one.name,
            one.name,
            hints.get(one.name, Any),
            one.default is dataclasses.MISSING and one.default_factory is dataclasses.MISSING,
        )
        for one in dataclasses.fields(cls)
        if one.init
    ]


def _hints(cls: Any) -> dict[str, Any]:
    try:
        return typing.get_type_hints(cls, include_extras=True)
    except (NameError, TypeError, AttributeError):
        # One name that cannot be found must not take the others with it.
        return {name: _hint(cls, kind) for one in reversed(cls.__mro__) for name, kind in _own(one).items()}


def _own(cls: Any) -> dict[str, Any]:
    import inspect

    return inspect.get_annotations(cls)


def _hint(cls: Any, annotation: Any) -> Any:
    if not isinstance(annotation, str):
        return annotation
    holder = type(cls.__name__, (), {"__annotations__": {"it": annotation}, "__module__": cls.__module__})
    try:
        return typing.get_type_hints(holder, include_extras=True)["it"]
    except (NameError, TypeError, AttributeError):
        return Any


def convert_pydantic(walk: Walk, value: Any, annotation: Any, path: Path) -> Any:
    """What pydantic makes of it, by the model's own rules.

    A misspelt field is an error unless the model says what to do with extra ones.
    """
    import pydantic

    before = len(walk.violations)
    model = annotation if hasattr(annotation, "model_fields") else None
    if model is not None:
        _unknown_fields(walk, value, model, path)
    try:
        made = pydantic.TypeAdapter(annotation).validate_python(reveal(value))
    except pydantic.ValidationError as error:
        unknown = {one.name for one in walk.violations[before:]}
        for one in error.errors(include_url=False, include_context=False):
            _note(walk, one, _Given(value, model, path, unknown))
        return _bad()
    return made if len(walk.violations) == before else _bad()


class _Given(NamedTuple):
    """What a model was given, where, and which of its keys are known to be misspelt."""

    value: Any
    model: Any
    path: Path
    unknown: set[str]


def _note(walk: Walk, error: Any, given: _Given) -> None:
    from plait.project.origin import dotted
    from plait.project.types import show

    value, model, path, unknown = given
    inside, found = _inside(value, error["loc"])
    whole = (*path, *inside)
    if error["type"] == "missing":
        missing = str(error["loc"][-1])
        parent = dotted((walk.want.name, *path, *error["loc"][:-1]))
        if not any(
            one.rpartition(".")[0] == parent and nearest(one.rpartition(".")[2], [missing]) for one in unknown
        ):
            walk.wrong((*path, *error["loc"]), "is missing")
        return
    if error["type"] == "extra_forbidden":
        key = str(error["loc"][-1])
        known = list(_names(model)) if model is not None and len(error["loc"]) == 1 else []
        walk.wrong(whole, f"there is no field {key!r}", did_you_mean(key, known))
        return
    expected = _PYDANTIC.get(error["type"])
    if expected:
        walk.wrong(whole, f"expected {expected}, got {show(found)}")
        return
    message = error["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    message = message[:1].lower() + message[1:]
    walk.wrong(
        whole,
        message if error["type"] in ("value_error", "assertion_error") else f"{message}, got {show(found)}",
    )


_PYDANTIC = {
    "float_parsing": "float",
    "float_type": "float",
    "int_parsing": "int",
    "int_type": "int",
    "int_from_float": "int",
    "bool_parsing": "bool",
    "bool_type": "bool",
    "string_type": "str",
    "list_type": "list",
    "dict_type": "dict",
    "model_type": "a mapping",
    "dataclass_type": "a mapping",
}


def _inside(value: Any, loc: tuple[Any, ...]) -> tuple[Path, Any]:
    # pydantic's place also names the branch of a union that it tried; only what is in the value is shown.
    path: list[Any] = []
    for part in loc:
        if (isinstance(value, Mapping) and part in value) or (
            isinstance(value, (list, tuple)) and isinstance(part, int) and part < len(value)
        ):
            value = value[part]
        else:
            continue
        path.append(part)
    return tuple(path), value


def _names(model: Any) -> dict[str, Any]:
    by_name = model.model_config.get("populate_by_name") or model.model_config.get("validate_by_name")
    names = {}
    for name, field in model.model_fields.items():
        aliases = [alias for alias in (field.alias, field.validation_alias) if isinstance(alias, str)]
        for known in ([name] if by_name or not aliases else []) + aliases:
            names[known] = field.annotation
    return names


def _unknown_fields(walk: Walk, value: Any, model: Any, path: Path) -> None:
    """A typo in a model that says nothing of extra fields would silently leave a default in place."""
    if not isinstance(value, Mapping):
        return
    names = _names(model)
    free = "extra" in model.model_config or any(
        field.validation_alias is not None and not isinstance(field.validation_alias, str)
        for field in model.model_fields.values()
    )
    for key, inner in value.items():
        if key in names:
            for nested, place in _models_in(names[key], inner, (*path, key)):
                _unknown_fields(walk, place[1], nested, place[0])
        elif not free:
            walk.wrong((*path, key), f"{model.__name__} has no field {key!r}", did_you_mean(str(key), names))


def _models_in(annotation: Any, value: Any, path: Path) -> list[tuple[Any, tuple[Path, Any]]]:
    if hasattr(annotation, "model_fields"):
        return [(annotation, (path, value))]
    args = [arg for arg in typing.get_args(annotation) if arg is not type(None)]
    origin = typing.get_origin(annotation)
    if origin in (list, tuple, set) and isinstance(value, list) and args:
        return [found for i, item in enumerate(value) for found in _models_in(args[0], item, (*path, i))]
    if origin is dict and isinstance(value, Mapping) and len(args) == 2:
        return [found for key, item in value.items() for found in _models_in(args[1], item, (*path, key))]
    # A union of several models is pydantic's to judge: a key may belong to any of them.
    return _models_in(args[0], value, path) if len(args) == 1 and origin is not None else []
