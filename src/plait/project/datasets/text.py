"""How is text kept in a file?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plait.errors import CatalogError
from plait.project.datasets.files import FileDataset, file_dataset
from plait.project.datasets.protocol import Context
from plait.project.datasets.storage import Source

__all__ = ["Text", "dataset", "encoding_of", "read_text", "write_text"]


def dataset(
    context: Context,
    *,
    filepath: str,
    encoding: str | None = None,
    credentials: Mapping[str, Any] | None = None,
    fs_args: Mapping[str, Any] | None = None,
) -> FileDataset:
    load, save = encoding_of(fs_args, "load"), encoding_of(fs_args, "save")
    format_ = Text(encoding or load, encoding or save)
    return file_dataset(context, format_, filepath=filepath, credentials=credentials, fs_args=fs_args)


@dataclass(frozen=True)
class Text:
    load_encoding: str = "utf-8"
    save_encoding: str = "utf-8"

    def read(self, source: Source, wanted: str | None) -> str:
        return read_text(source, self.load_encoding)

    def write(self, value: Any, path: Path) -> None:
        if not isinstance(value, str):
            raise CatalogError(
                f"a {type(value).__name__} is no text", hint="return a str, or use another type such as json"
            )
        write_text(value, path, self.save_encoding)


def encoding_of(fs_args: Mapping[str, Any] | None, when: str) -> str:
    """The encoding that ``fs_args`` asks to open files with."""
    opened = (fs_args or {}).get(f"open_args_{when}") or {}
    return str(opened.get("encoding", "utf-8"))


def read_text(source: Source, encoding: str = "utf-8") -> str:
    """A file's text with its line ends as they are; unpacked if its name ends in .gz, .bz2 or .xz."""
    with source.local() as path, _opener(path)(path, "rb") as handle:
        data: bytes = handle.read()
    return data.decode(encoding)


def write_text(text: str, path: Path, encoding: str = "utf-8") -> None:
    """The opposite of ``read_text``."""
    with _opener(path)(path, "wb") as handle:
        handle.write(text.encode(encoding))


def _opener(path: Path) -> Any:
    if path.suffix == ".gz":
        import gzip

        # No time stamp inside: the same text gives the same bytes.
        return lambda name, mode: gzip.GzipFile(name, mode, mtime=0)
    if path.suffix == ".bz2":
        import bz2

        return bz2.open
    if path.suffix == ".xz":
        import lzma

        return lzma.open
    return lambda name, mode: Path(name).open(mode)
