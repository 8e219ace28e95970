"""How is a whole folder of files one dataset?"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plait.errors import CatalogError
from plait.project.datasets.files import FileDataset, file_dataset
from plait.project.datasets.protocol import Context
from plait.project.datasets.storage import UNFINISHED, Copies, Place, Source

__all__ = ["Folder", "checked_part", "dataset", "refuse_unfinished"]


def dataset(
    context: Context,
    *,
    path: str | None = None,
    filepath: str | None = None,
    credentials: Mapping[str, Any] | None = None,
    fs_args: Mapping[str, Any] | None = None,
) -> FileDataset:
    """Loads the folder's path (of a copy on this machine, if it is remote).

    Saves the content of a folder given by its path, or a mapping of file names to bytes, text or paths.
    """
    where = path or filepath
    if not where:
        raise CatalogError(f"{context.name!r} lacks 'path', which directory needs", where=context.where)
    folder = Folder()
    made = file_dataset(context, folder, filepath=where, credentials=credentials, fs_args=fs_args)
    made.copies = folder.copies
    return made


@dataclass(frozen=True)
class Folder:
    copies: Copies = field(default_factory=Copies)

    def read(self, source: Source, wanted: str | None) -> Path:
        if source.path is not None:
            return source.path
        refuse_unfinished(source.place)
        return self.copies.of(source.place)

    def write(self, value: Any, path: Path) -> None:
        if isinstance(value, (str, Path)):
            if not Path(value).is_dir():
                raise CatalogError(f"{value} is no folder that could be saved")
            shutil.copytree(value, path)
            return
        if not isinstance(value, Mapping):
            raise CatalogError(
                f"a {type(value).__name__} is no folder",
                hint="return the path of one, or a mapping of file names to bytes, text or paths",
            )
        path.mkdir()
        for name, content in value.items():
            target = path / checked_part(str(name))
            target.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, bytes):
                target.write_bytes(content)
            elif isinstance(content, str):
                target.write_text(content, encoding="utf-8")
            else:
                shutil.copy2(content, target)


def checked_part(name: str) -> str:
    """The name of a file inside a folder, if that is where it leads.

    Raises:
        CatalogError: it leads elsewhere.
    """
    parts = name.replace("\\", "/").split("/")
    if (
        not name
        or "" in parts
        or "." in parts
        or ".." in parts
        or "://" in name
        or "\0" in name
        or parts[0].endswith(":")
    ):
        raise CatalogError(
            f"{name!r} cannot be the name of a file in a folder: it would lead out of it",
            hint="use a relative name without '.' and '..'",
        )
    return "/".join(parts)


def refuse_unfinished(place: Place) -> None:
    """Do not read a remote folder whose last save was cut off, or is under way.

    Raises:
        CatalogError: the mark of an unfinished save lies in it.
    """
    if place.fs.exists(f"{place.path.rstrip('/')}/{UNFINISHED}"):
        raise CatalogError(
            f"the folder of {place.dataset!r} is being saved, or its last save was cut off: {place.shown}",
            where=place.where,
            hint="save it again; with `versioned: true` the version before stays readable",
        )
