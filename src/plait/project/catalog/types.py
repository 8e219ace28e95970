"""Which class does a ``type:`` mean? Looked up by name; imported only when an entry of that type is used."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Mapping
from importlib import util
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

from plait.errors import CatalogError, did_you_mean, nearest
from plait.project.catalog import kedro

__all__ = ["NATIVE", "find_class", "import_object", "native_builder", "type_problem"]

_HERE = "plait.project.datasets"
# The types of our own, and where each is made.
NATIVE: dict[str, str] = {
    "csv": f"{_HERE}.csv:dataset",
    "json": f"{_HERE}.json:dataset",
    "parquet": f"{_HERE}.parquet:dataset",
    "feather": f"{_HERE}.parquet:feather",
    "excel": f"{_HERE}.excel:dataset",
    "pickle": f"{_HERE}.pickle:dataset",
    "text": f"{_HERE}.text:dataset",
    "yaml": f"{_HERE}.yaml:dataset",
    "image": f"{_HERE}.image:dataset",
    "directory": f"{_HERE}.directory:dataset",
    "delta": f"{_HERE}.delta:dataset",
    "iceberg": f"{_HERE}.iceberg:dataset",
    "sql_table": f"{_HERE}.sql:table",
    "sql_query": f"{_HERE}.sql:query",
    "duckdb": f"{_HERE}.duckdb:dataset",
    "partitioned": f"{_HERE}.partitioned:dataset",
    "incremental": f"{_HERE}.partitioned:incremental",
    "memory": f"{_HERE}.memory:dataset",
    "cached": f"{_HERE}.memory:cached",
}
_DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*(:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*)?")


def native_builder(name: str) -> Any:
    """The function that makes datasets of one of our own types."""
    module, _, function = NATIVE[name].partition(":")
    return getattr(importlib.import_module(module), function)


def native_name(type_: str) -> str | None:
    """The type of our own that a name means; what Kedro keeps in memory is one of ours."""
    if type_ in NATIVE:
        return type_
    return kedro.IN_CORE.get(type_)


def type_problem(
    type_: str, plugins: Mapping[str, str], *, name: str, where: str | None
) -> CatalogError | None:
    """What can be told about a type's name without importing it; None when it may be right."""
    if native_name(type_) or type_ in plugins:
        return None
    if kedro.is_kedro(type_):
        return kedro.problem(type_, name=name, where=where)
    if not _DOTTED.fullmatch(type_):
        return CatalogError(
            f"{type_!r} is no type that {name!r} could have", where=where, hint=_nearest_type(type_, plugins)
        )
    if "." not in type_ and ":" not in type_:
        return CatalogError(
            f"{name!r} has an unknown type {type_!r}", where=where, hint=_nearest_type(type_, plugins)
        )
    return forbidden(type_, name=name, where=where)


def _nearest_type(type_: str, plugins: Mapping[str, str]) -> str | None:
    known = [*NATIVE, *plugins, *kedro.TYPES]
    close = nearest(type_, known) or nearest(type_.removesuffix("Dataset"), known)
    if close:
        return "did you mean " + " or ".join(repr(one) for one in close) + "?"
    return did_you_mean(type_, [*NATIVE, *plugins])


def forbidden(path: str, *, name: str, where: str | None) -> CatalogError | None:
    """A dotted path into Python's own library is refused before anything of it is imported or called."""
    top = re.split(r"[.:]", path, maxsplit=1)[0]
    if top in sys.stdlib_module_names or top == "builtins":
        return _refusal(path, name=name, where=where)
    return None


def _refusal(path: str, *, name: str, where: str | None) -> CatalogError:
    return CatalogError(
        f"{name!r} names {path!r}, which belongs to Python itself and describes no data",
        where=where,
        hint="conf may only name classes with `load` and `save`, or checks of your own",
    )


def find_class(type_: str, plugins: Mapping[str, str], *, name: str, where: str | None) -> type:
    """The class that a type means, imported now.

    Raises:
        CatalogError: there is none, its package is missing, or what is there describes no data.
    """
    problem = type_problem(type_, plugins, name=name, where=where)
    if problem is not None:
        raise problem
    if kedro.is_kedro(type_) and type_ not in plugins:
        return kedro.find_class(type_, name=name, where=where)
    path = plugins.get(type_, type_)
    found = import_object(path, what=f"the type of {name!r}", name=name, where=where)
    if not isinstance(found, type):
        raise CatalogError(
            f"the type of {name!r} is {path!r}, which is a {type(found).__name__} and not a class",
            where=where,
            hint="name a class with `load` and `save`",
        )
    if not callable(getattr(found, "load", None)):
        raise CatalogError(
            f"the type of {name!r} is {path!r}, which has no load",
            where=where,
            hint="a dataset is any class with the methods load() and save(value); one that only reads has no save",
        )
    return found


def import_object(path: str, *, what: str, name: str, where: str | None) -> Any:
    """What a dotted path means: ``package.module.Name`` or ``package.module:Name``.

    Raises:
        CatalogError: it belongs to Python itself, or there is no such thing.
    """
    if not _DOTTED.fullmatch(path):
        raise CatalogError(
            f"{what} is {path!r}, which is no dotted path", where=where, hint="write package.module.Name"
        )
    problem = forbidden(path, name=name, where=where)
    if problem is not None:
        raise problem
    module_path, _, attribute = path.partition(":") if ":" in path else path.rpartition(".")
    if not module_path:
        raise CatalogError(
            f"{what} is {path!r}, which names no module", where=where, hint="write package.module.Name"
        )
    module = _import(module_path, what=what, path=path, where=where)
    found: Any = module
    for part in attribute.split("."):
        if not hasattr(found, part):
            public = [known for known in vars(found) if not known.startswith("_")]
            raise CatalogError(
                f"{what} is {path!r}, but {getattr(found, '__name__', found)} has no {part!r}",
                where=where,
                hint=did_you_mean(part, public),
            )
        found = getattr(found, part)
    if _is_pythons_own(found):
        raise _refusal(path, name=name, where=where)
    return found


def _is_pythons_own(found: Any) -> bool:
    """Whether a function or class that was reached by another module's name is Python's own after all."""
    if not isinstance(found, (type, FunctionType, BuiltinFunctionType, MethodType)):
        return False
    return str(found.__module__).partition(".")[0] in sys.stdlib_module_names


def _import(module: str, *, what: str, path: str, where: str | None) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name or module
        if module == missing or module.startswith(missing + "."):
            top = module.partition(".")[0]
            present = _is_importable(top)
            hint = (
                f"is it spelt right? {top} is there"
                if present
                else f"is it spelt right, and is {top} installed?"
            )
            raise CatalogError(
                f"{what} is {path!r}, but there is no module {missing!r}", where=where, hint=hint
            ) from error
        raise CatalogError(
            f"{what} is {path!r}, which needs {missing}, which is not installed",
            where=where,
            hint=f"pip install {missing}",
        ) from error


def _is_importable(top: str) -> bool:
    try:
        return util.find_spec(top) is not None
    except (ImportError, ValueError):
        return False
