"""How is a table read from and written to CSV?

``load_args`` and ``save_args`` belong to the library that ``as:`` names; without it to pandas, or to polars
or pyarrow where pandas is not installed. That library decides what a number or a missing value is, whatever
kind of table the step asks for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plait.errors import CatalogError
from plait.project.datasets.conversion import convert_table, installed_kind, kind_of_value, need
from plait.project.datasets.files import FileDataset, file_dataset
from plait.project.datasets.protocol import Context
from plait.project.datasets.storage import Source

_READERS = ("pandas", "polars", "pyarrow")


def dataset(
    context: Context,
    *,
    filepath: str,
    load_args: Mapping[str, Any] | None = None,
    save_args: Mapping[str, Any] | None = None,
    credentials: Mapping[str, Any] | None = None,
    fs_args: Mapping[str, Any] | None = None,
) -> FileDataset:
    kind = {"polars-lazy": "polars"}.get(context.kind or "", context.kind)
    format_ = Csv(dict(load_args or {}), dict(save_args or {}), kind if kind in _READERS else None)
    return file_dataset(context, format_, filepath=filepath, credentials=credentials, fs_args=fs_args)


@dataclass(frozen=True)
class Csv:
    load_args: dict[str, Any] = field(default_factory=dict)
    save_args: dict[str, Any] = field(default_factory=dict)
    library: str | None = None

    def read(self, source: Source, wanted: str | None) -> Any:
        library = self.library or installed_kind(*_READERS) or "pandas"
        with source.local() as path:
            if library == "pandas":
                return self._read_pandas(path, wanted)
            if library == "polars":
                return need("polars", "csv").read_csv(path, **self.load_args)
            return _read_pyarrow(path, self.load_args)

    def _read_pandas(self, path: Path, wanted: str | None) -> Any:
        pandas = need("pandas", "csv")
        arguments = dict(self.load_args)
        arguments.pop("storage_options", None)
        if wanted not in {None, "pandas"} and not {"dtype", "dtype_backend"} & arguments.keys():
            # On the way to another library: whole numbers stay whole beside missing values.
            arguments["dtype_backend"] = "pyarrow"
        return pandas.read_csv(path, **arguments)

    def write(self, value: Any, path: Path) -> None:
        kind = kind_of_value(value)
        if kind is None and not hasattr(value, "__arrow_c_stream__"):
            raise CatalogError(
                f"a {type(value).__name__} is no table, so it cannot be saved as csv",
                hint="return a table (pandas, polars, pyarrow, …), or use another type such as "
                "json or pickle",
            )
        library = self.library or installed_kind(*_READERS) or "pandas"
        if library == "pandas":
            table_for_pandas(value).to_csv(path, **{"index": False, **self.save_args})
        elif library == "polars":
            convert_table(value, "polars").write_csv(path, **self.save_args)
        else:
            _write_pyarrow(convert_table(value, "pyarrow"), path, self.save_args)


def table_for_pandas(value: Any) -> Any:
    """A pandas frame to write out; whole numbers of other libraries stay whole beside missing values."""
    if kind_of_value(value) == "pandas":
        return value
    pandas = need("pandas", "this type")
    return convert_table(value, "pyarrow").to_pandas(types_mapper=pandas.ArrowDtype)


def _read_pyarrow(path: Path, arguments: Mapping[str, Any]) -> Any:
    reader = need("pyarrow.csv", "csv")
    groups = {"read_options": reader.ReadOptions, "parse_options": reader.ParseOptions}
    groups["convert_options"] = reader.ConvertOptions
    options = {name: make() for name, make in groups.items()}
    for key, value in arguments.items():
        owner = next((option for option in options.values() if hasattr(option, key)), None)
        if owner is None:
            raise TypeError(f"pyarrow.csv has no option {key!r}")
        setattr(owner, key, value)
    return reader.read_csv(path, **options)


def _write_pyarrow(table: Any, path: Path, arguments: Mapping[str, Any]) -> None:
    writer = need("pyarrow.csv", "csv")
    with (
        need("pyarrow", "csv").CompressedOutputStream(str(path), "gzip")
        if path.suffix == ".gz"
        else path.open("wb") as out
    ):
        writer.write_csv(table, out, writer.WriteOptions(**arguments))
