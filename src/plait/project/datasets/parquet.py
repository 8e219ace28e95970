"""How is a table read from and written to Parquet and Feather, by whichever library the step asks for?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plait.errors import CatalogError
from plait.project.datasets.conversion import convert_table, installed_kind, kind_of_value, need
from plait.project.datasets.files import FileDataset, file_dataset
from plait.project.datasets.protocol import Context
from plait.project.datasets.storage import Source

_LIBRARIES = ("pandas", "polars", "pyarrow")


def dataset(
    context: Context,
    *,
    filepath: str,
    load_args: Mapping[str, Any] | None = None,
    save_args: Mapping[str, Any] | None = None,
    credentials: Mapping[str, Any] | None = None,
    fs_args: Mapping[str, Any] | None = None,
) -> FileDataset:
    format_ = Columnar("parquet", dict(load_args or {}), dict(save_args or {}), context.kind)
    return file_dataset(context, format_, filepath=filepath, credentials=credentials, fs_args=fs_args)


def feather(
    context: Context,
    *,
    filepath: str,
    load_args: Mapping[str, Any] | None = None,
    save_args: Mapping[str, Any] | None = None,
    credentials: Mapping[str, Any] | None = None,
    fs_args: Mapping[str, Any] | None = None,
) -> FileDataset:
    format_ = Columnar("feather", dict(load_args or {}), dict(save_args or {}), context.kind)
    return file_dataset(context, format_, filepath=filepath, credentials=credentials, fs_args=fs_args)


@dataclass(frozen=True)
class Columnar:
    """A file whose column types are its own, so any library may read it and means the same table."""

    name: str
    load_args: dict[str, Any] = field(default_factory=dict)
    save_args: dict[str, Any] = field(default_factory=dict)
    kind: str | None = None

    @property
    def library(self) -> str:
        """Whose spelling ``load_args`` and ``save_args`` have."""
        return self.kind or installed_kind(*_LIBRARIES) or "pyarrow"

    def read(self, source: Source, wanted: str | None) -> Any:
        library = self.library if self.load_args else (wanted or self.library)
        if source.path is None:
            library = library if library in _LIBRARIES else "pyarrow"
        reader = _READERS[self.name].get(library) or _READERS[self.name]["pyarrow"]
        if source.path is not None:
            return reader(source.path, self.load_args)
        if source.place.is_folder():
            with source.local() as folder:
                return reader(folder, self.load_args)
        with source.open() as handle:
            return reader(handle, self.load_args)

    def write(self, value: Any, path: Path) -> None:
        kind = kind_of_value(value)
        if kind is None and not hasattr(value, "__arrow_c_stream__"):
            raise CatalogError(
                f"a {type(value).__name__} is no table, so it cannot be saved as {self.name}",
                hint="return a table (pandas, polars, pyarrow, …), or use another type such as "
                "json or pickle",
            )
        library = self.library if self.save_args else (kind or "pyarrow")
        library = {"polars-lazy": "polars"}.get(library, library)
        library = library if library in _LIBRARIES else "pyarrow"
        _WRITERS[self.name][library](convert_table(value, library), path, self.save_args)


Reader = Callable[[Any, Mapping[str, Any]], Any]
Writer = Callable[[Any, Path, Mapping[str, Any]], None]


def _arrow_parquet(source: Any, arguments: Mapping[str, Any]) -> Any:
    parquet = need("pyarrow.parquet", "parquet")
    memory = {"memory_map": True} if isinstance(source, Path) and "memory_map" not in arguments else {}
    return parquet.read_table(source, **memory, **arguments)


def _arrow_feather(source: Any, arguments: Mapping[str, Any]) -> Any:
    return need("pyarrow.feather", "feather").read_table(source, **arguments)


def _lazily(name: str) -> Reader:
    def read(source: Any, arguments: Mapping[str, Any]) -> Any:
        polars = need("polars", "a lazy frame")
        if not isinstance(source, Path):
            return getattr(polars, f"read_{name}")(source, **arguments).lazy()
        return getattr(polars, f"scan_{name}")(source, **arguments)

    return read


def _duckdb_parquet(source: Any, arguments: Mapping[str, Any]) -> Any:
    return need("duckdb", "a DuckDB relation").read_parquet(str(source), **arguments)


def _spark_parquet(source: Any, arguments: Mapping[str, Any]) -> Any:
    session = need("pyspark.sql", "a Spark frame", "pyspark").SparkSession.builder.getOrCreate()
    return session.read.parquet(str(source), **arguments)


def _pandas_feather(source: Any, arguments: Mapping[str, Any]) -> Any:
    return need("pandas", "feather").read_feather(source, **arguments)


_READERS: dict[str, dict[str, Reader]] = {
    "parquet": {
        "pandas": lambda source, arguments: need("pandas", "parquet").read_parquet(source, **arguments),
        "polars": lambda source, arguments: need("polars", "parquet").read_parquet(source, **arguments),
        "polars-lazy": _lazily("parquet"),
        "pyarrow": _arrow_parquet,
        "duckdb": _duckdb_parquet,
        "spark": _spark_parquet,
    },
    "feather": {
        "pandas": _pandas_feather,
        "polars": lambda source, arguments: need("polars", "feather").read_ipc(source, **arguments),
        "polars-lazy": _lazily("ipc"),
        "pyarrow": _arrow_feather,
    },
}


def _write_pandas_feather(table: Any, path: Path, arguments: Mapping[str, Any]) -> None:
    table.to_feather(path, **arguments)


_WRITERS: dict[str, dict[str, Writer]] = {
    "parquet": {
        "pandas": lambda table, path, arguments: table.to_parquet(path, **arguments),
        "polars": lambda table, path, arguments: table.write_parquet(path, **arguments),
        "pyarrow": lambda table, path, arguments: need("pyarrow.parquet", "parquet").write_table(
            table, path, **arguments
        ),
    },
    "feather": {
        "pandas": _write_pandas_feather,
        "polars": lambda table, path, arguments: table.write_ipc(path, **arguments),
        "pyarrow": lambda table, path, arguments: need("pyarrow.feather", "feather").write_feather(
            table, path, **arguments
        ),
    },
}
