"""How are plain values, or tables, kept as JSON?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plait.project.datasets.conversion import KINDS, convert_table, kind_of_value, need
from plait.project.datasets.files import FileDataset, file_dataset
from plait.project.datasets.protocol import Context
from plait.project.datasets.storage import Source
from plait.project.datasets.text import encoding_of, read_text, write_text


def dataset(
    context: Context,
    *,
    filepath: str,
    lines: bool = False,
    load_args: Mapping[str, Any] | None = None,
    save_args: Mapping[str, Any] | None = None,
    credentials: Mapping[str, Any] | None = None,
    fs_args: Mapping[str, Any] | None = None,
) -> FileDataset:
    """With a table in ``as:``, ``load_args`` and ``save_args`` are those of pandas; else of ``json``."""
    encodings = (encoding_of(fs_args, "load"), encoding_of(fs_args, "save"))
    table = context.kind if context.kind in KINDS else None
    format_ = Json(dict(load_args or {}), dict(save_args or {}), lines, table, encodings)
    return file_dataset(context, format_, filepath=filepath, credentials=credentials, fs_args=fs_args)


@dataclass(frozen=True)
class Json:
    load_args: dict[str, Any] = field(default_factory=dict)
    save_args: dict[str, Any] = field(default_factory=dict)
    lines: bool = False
    table: str | None = None
    encodings: tuple[str, str] = ("utf-8", "utf-8")

    def read(self, source: Source, wanted: str | None) -> Any:
        if self.table is not None and self.load_args:
            with source.local() as path:
                return need("pandas", "json with as:").read_json(path, **self._lined(self.load_args))
        text = read_text(source, self.encodings[0])
        if self.lines:
            value: Any = [json.loads(line) for line in text.splitlines() if line.strip()]
        else:
            value = json.loads(text, **({} if self.table else self.load_args))
        wanted = wanted if wanted in KINDS else self.table
        return value if wanted is None else table_of(value, wanted)

    def write(self, value: Any, path: Path) -> None:
        if self.table is not None and self.save_args:
            convert_table(value, "pandas").to_json(path, **self._lined(self.save_args))
            return
        kind = kind_of_value(value)
        if kind is not None:
            value = rows_of(value)
        arguments = {} if self.table else self.save_args
        if self.lines:
            text = "".join(json.dumps(row, **{"default": _plain, **arguments}) + "\n" for row in value)
        else:
            text = json.dumps(value, **{"default": _plain, **arguments})
        write_text(text, path, self.encodings[1])

    def _lined(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return {"lines": True, "orient": "records", **arguments} if self.lines else arguments


def table_of(value: Any, wanted: str) -> Any:
    """Rows (a list of mappings) or columns (a mapping of lists) as a table."""
    pyarrow = need("pyarrow", "json as a table")
    if isinstance(value, Mapping):
        table = pyarrow.table({str(key): column for key, column in value.items()})
    else:
        table = pyarrow.Table.from_pylist(list(value))
    return convert_table(table, wanted)


def rows_of(table: Any) -> list[dict[str, Any]]:
    """A table as plain rows; what is missing is None."""
    rows: list[dict[str, Any]] = convert_table(table, "pyarrow").to_pylist()
    return rows


def _plain(value: Any) -> Any:
    """What JSON has no word for, where its meaning is plain: numpy's numbers and arrays, dates, paths, records."""
    for method in ("isoformat", "tolist", "item"):
        found = getattr(value, method, None)
        if callable(found):
            return found()
    if isinstance(value, Path):
        return str(value)
    if hasattr(type(value), "__dataclass_fields__"):
        return {name: getattr(value, name) for name in type(value).__dataclass_fields__}
    if hasattr(type(value), "model_dump"):
        return value.model_dump(mode="json")
    if hasattr(type(value), "__struct_fields__"):
        return {name: getattr(value, name) for name in type(value).__struct_fields__}
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"JSON has no form for a {type(value).__name__}")
