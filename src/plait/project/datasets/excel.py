"""How is a table, or a workbook of tables by sheet name, kept in an Excel file?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plait.project.datasets.conversion import need
from plait.project.datasets.csv import table_for_pandas
from plait.project.datasets.files import FileDataset, file_dataset
from plait.project.datasets.protocol import Context
from plait.project.datasets.storage import Source


def dataset(
    context: Context,
    *,
    filepath: str,
    engine: str = "openpyxl",
    load_args: Mapping[str, Any] | None = None,
    save_args: Mapping[str, Any] | None = None,
    credentials: Mapping[str, Any] | None = None,
    fs_args: Mapping[str, Any] | None = None,
) -> FileDataset:
    format_ = Excel(engine, dict(load_args or {}), dict(save_args or {}))
    return file_dataset(context, format_, filepath=filepath, credentials=credentials, fs_args=fs_args)


@dataclass(frozen=True)
class Excel:
    engine: str = "openpyxl"
    load_args: dict[str, Any] = field(default_factory=dict)
    save_args: dict[str, Any] = field(default_factory=dict)

    def read(self, source: Source, wanted: str | None) -> Any:
        pandas = need("pandas", "excel")
        arguments = {"engine": self.engine, **self.load_args}
        if arguments["engine"] == "openpyxl":
            need("openpyxl", "excel")
        if wanted not in {None, "pandas"} and not {"dtype", "dtype_backend"} & arguments.keys():
            arguments["dtype_backend"] = "pyarrow"
        with source.local() as path:
            return pandas.read_excel(path, **arguments)

    def write(self, value: Any, path: Path) -> None:
        pandas = need("pandas", "excel")
        arguments = dict(self.save_args)
        writer_args = {"engine": arguments.pop("engine", self.engine), **arguments.pop("writer", {})}
        if writer_args["engine"] == "openpyxl":
            need("openpyxl", "excel")
        single = arguments.pop("sheet_name", "Sheet1")
        sheets = value if isinstance(value, Mapping) else {single: value}
        with pandas.ExcelWriter(path, **writer_args) as writer:
            for name, table in sheets.items():
                frame = table_for_pandas(table)
                frame.to_excel(writer, sheet_name=str(name), **{"index": False, **arguments})
