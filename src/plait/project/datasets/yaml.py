"""How are plain values kept as YAML? Only plain ones: a file can never make Python run anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plait.project.datasets.conversion import KINDS, kind_of_value
from plait.project.datasets.files import FileDataset, file_dataset
from plait.project.datasets.json import rows_of, table_of
from plait.project.datasets.protocol import Context
from plait.project.datasets.storage import Source
from plait.project.datasets.text import encoding_of, read_text, write_text


def dataset(
    context: Context,
    *,
    filepath: str,
    save_args: Mapping[str, Any] | None = None,
    credentials: Mapping[str, Any] | None = None,
    fs_args: Mapping[str, Any] | None = None,
) -> FileDataset:
    encodings = (encoding_of(fs_args, "load"), encoding_of(fs_args, "save"))
    return file_dataset(
        context,
        Yaml(dict(save_args or {}), encodings),
        filepath=filepath,
        credentials=credentials,
        fs_args=fs_args,
    )


@dataclass(frozen=True)
class Yaml:
    save_args: dict[str, Any] = field(default_factory=dict)
    encodings: tuple[str, str] = ("utf-8", "utf-8")

    def read(self, source: Source, wanted: str | None) -> Any:
        import yaml

        value = yaml.safe_load(read_text(source, self.encodings[0]))
        return table_of(value, wanted) if wanted in KINDS else value

    def write(self, value: Any, path: Path) -> None:
        import yaml

        plain = rows_of(value) if kind_of_value(value) else value
        arguments = {"sort_keys": False, "allow_unicode": True, **self.save_args}
        write_text(yaml.safe_dump(plain, **arguments), path, self.encodings[1])
