"""How does a table of one library become a table of another, without copying where the libraries allow?

A value is recognised by the qualified name of its type, so looking never imports a library. Arrow is the
common ground: polars, pyarrow, DuckDB and Ibis share its buffers; pandas gets its own copy, because a frame
over borrowed buffers could not be written to.
"""

from __future__ import annotations

import sys
import types
import typing
from collections.abc import Callable
from importlib import util
from typing import Any

from plait.errors import CatalogError, did_you_mean

__all__ = ["KINDS", "convert_table", "installed_kind", "kind_of", "kind_of_value", "to_arrow"]

# kind -> (module, qualified names of its types); the first name is the one that conversion makes.
KINDS: dict[str, tuple[str, tuple[str, ...]]] = {
    "pandas": ("pandas", ("DataFrame",)),
    "polars": ("polars", ("DataFrame",)),
    "polars-lazy": ("polars", ("LazyFrame",)),
    "pyarrow": ("pyarrow", ("Table",)),
    "duckdb": ("duckdb", ("DuckDBPyRelation",)),
    "ibis": ("ibis", ("Table",)),
    "spark": ("pyspark", ("DataFrame",)),
}
_SPELLINGS = {
    "pd": "pandas", "pd.dataframe": "pandas", "pandas.dataframe": "pandas",
    "pl": "polars", "pl.dataframe": "polars", "polars.dataframe": "polars",
    "pl.lazyframe": "polars-lazy", "polars.lazyframe": "polars-lazy", "lazy": "polars-lazy",
    "pa": "pyarrow", "pa.table": "pyarrow", "pyarrow.table": "pyarrow", "arrow": "pyarrow",
    "duckdb.duckdbpyrelation": "duckdb", "duckdbpyrelation": "duckdb", "relation": "duckdb",
    "ibis.table": "ibis", "ibis.expr.types.table": "ibis", "ir.table": "ibis",
    "pyspark": "spark", "pyspark.sql.dataframe": "spark", "spark.dataframe": "spark",
    "path": "path", "pathlib.path": "path", "list": "list",
}  # fmt: skip
_PACKAGES = {"spark": "pyspark", "ibis": "ibis-framework[duckdb]", "polars-lazy": "polars"}


def kind_of(wanted: Any) -> str | None:
    """The kind of table that an annotation or an ``as:`` names; None when it names none.

    Raises:
        CatalogError: a string names no kind.
    """
    if wanted is None:
        return None
    if isinstance(wanted, str):
        folded = wanted.strip().casefold()
        found = folded if folded in KINDS else _SPELLINGS.get(folded)
        if found is None:
            raise CatalogError(
                f"no kind of table is called {wanted!r}", hint=did_you_mean(wanted, [*KINDS, "path"])
            )
        return found
    if isinstance(wanted, type):
        return _kind_of_class(wanted)
    return _kind_of_generic(wanted)


def _kind_of_generic(wanted: Any) -> str | None:
    """Through ``Annotated``, ``X | None`` and subscripted types such as ``DataFrame[Schema]``."""
    origin = typing.get_origin(wanted)
    if origin is typing.Annotated:
        return kind_of(typing.get_args(wanted)[0])
    if origin in (typing.Union, types.UnionType):
        kinds = {kind_of(one) for one in typing.get_args(wanted) if one is not type(None)}
        return kinds.pop() if len(kinds) == 1 else None
    return _kind_of_class(origin) if isinstance(origin, type) else None


def kind_of_value(value: Any) -> str | None:
    """The kind of table that a value is, None when it is something else."""
    kind = _kind_of_class(type(value))
    return kind if kind in KINDS else None


def _kind_of_class(cls: type) -> str | None:
    for base in cls.__mro__:
        package = base.__module__.partition(".")[0]
        if base is list:
            return "list"
        if package == "pathlib":
            return "path"
        for kind, (module, names) in KINDS.items():
            if base.__name__ in names and (package == module or package == "_" + module):
                return kind
    return None


def installed_kind(*kinds: str) -> str | None:
    """The first of these kinds whose library is installed; nothing is imported to find out."""
    for kind in kinds:
        module = KINDS[kind][0]
        if module in sys.modules or util.find_spec(module) is not None:
            return kind
    return None


def need(module: str, why: str, package: str | None = None) -> Any:
    """The imported module, or an error that says what to install.

    Raises:
        CatalogError: it is not installed.
    """
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as error:
        if util.find_spec(module.partition(".")[0]) is not None and error.name not in {module, None}:
            raise CatalogError(
                f"{why} needs {error.name}, which is not installed", hint=f"pip install {error.name}"
            ) from error
        name = package or module.partition(".")[0]
        raise CatalogError(
            f"{why} needs {name}, which is not installed", hint=f"pip install '{name}'"
        ) from error


def convert_table(value: Any, wanted: str) -> Any:
    """The same table as another library's; the value itself when it is of that kind already.

    Rows and columns stay. A pandas index is kept as columns when its levels have names, otherwise it is row
    labels and is dropped.

    Raises:
        CatalogError: the value is no table, or a library is missing.
    """
    kind = kind_of_value(value)
    if kind == wanted:
        return value
    if kind is None and not hasattr(value, "__arrow_c_stream__"):
        raise CatalogError(f"a {type(value).__name__} is no table, so it cannot become {wanted}")
    direct = _DIRECT.get((kind, wanted))
    if direct is not None:
        return direct(value)
    make = _FROM_ARROW.get(wanted)
    if make is None:
        raise CatalogError(f"no kind of table is called {wanted!r}", hint=did_you_mean(wanted, KINDS))
    return make(to_arrow(value))


def to_arrow(value: Any) -> Any:
    """Any table as a ``pyarrow.Table``."""
    pa = need("pyarrow", "turning one library's table into another's")
    kind = kind_of_value(value)
    if kind == "pandas":
        named = any(name is not None for name in value.index.names)
        frame = value.reset_index() if named else value
        return pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    reader = _TO_ARROW.get(kind or "")
    if reader is not None:
        return reader(value)
    return value if kind == "pyarrow" else pa.table(value)


def _spark_to_arrow(value: Any) -> Any:
    if hasattr(value, "toArrow"):
        return value.toArrow()
    return to_arrow(value.toPandas())


def _to_pandas(table: Any) -> Any:
    need("pandas", "this value")
    return table.to_pandas()


def _to_spark(table: Any) -> Any:
    session = need("pyspark.sql", "this value", "pyspark").SparkSession.builder.getOrCreate()
    try:
        return session.createDataFrame(table)
    except TypeError:
        return session.createDataFrame(_to_pandas(table))


_TO_ARROW: dict[str, Callable[[Any], Any]] = {
    "polars": lambda value: value.to_arrow(),
    "polars-lazy": lambda value: value.collect().to_arrow(),
    "duckdb": lambda value: value.to_arrow_table(),
    "ibis": lambda value: value.to_pyarrow(),
    "spark": _spark_to_arrow,
}
_FROM_ARROW: dict[str, Callable[[Any], Any]] = {
    "pyarrow": lambda table: table,
    "pandas": _to_pandas,
    "polars": lambda table: need("polars", "this value").from_arrow(table),
    "polars-lazy": lambda table: need("polars", "this value").from_arrow(table).lazy(),
    "duckdb": lambda table: need("duckdb", "this value").from_arrow(table),
    "ibis": lambda table: need("ibis", "this value", "ibis-framework[duckdb]").memtable(table),
    "spark": _to_spark,
}
# Ways that need no Arrow in between.
_DIRECT: dict[tuple[str | None, str], Callable[[Any], Any]] = {
    ("polars", "polars-lazy"): lambda value: value.lazy(),
    ("polars-lazy", "polars"): lambda value: value.collect(),
    ("spark", "pandas"): lambda value: value.toPandas(),
}
