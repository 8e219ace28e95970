"""How is a picture kept: a PIL image, an array of pixels, or a figure?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plait.errors import CatalogError
from plait.project.datasets.conversion import need
from plait.project.datasets.files import FileDataset, file_dataset
from plait.project.datasets.protocol import Context
from plait.project.datasets.storage import Source


def dataset(
    context: Context,
    *,
    filepath: str,
    save_args: Mapping[str, Any] | None = None,
    credentials: Mapping[str, Any] | None = None,
    fs_args: Mapping[str, Any] | None = None,
) -> FileDataset:
    """Loads a PIL image; saves a PIL image, a numpy array of pixels, or anything with ``savefig``."""
    format_ = Image(dict(save_args or {}))
    return file_dataset(context, format_, filepath=filepath, credentials=credentials, fs_args=fs_args)


@dataclass(frozen=True)
class Image:
    save_args: dict[str, Any] = field(default_factory=dict)

    def read(self, source: Source, wanted: str | None) -> Any:
        pillow = need("PIL.Image", "image", "pillow")
        with source.local() as path, pillow.open(path) as image:
            image.load()
            return image.copy()

    def write(self, value: Any, path: Path) -> None:
        if hasattr(value, "savefig"):
            value.savefig(path, **self.save_args)
            return
        if not hasattr(value, "save"):
            if not hasattr(value, "__array_interface__"):
                raise CatalogError(
                    f"a {type(value).__name__} is no picture", hint="return a PIL image, an array or a figure"
                )
            value = need("PIL.Image", "image", "pillow").fromarray(value)
        value.save(path, **self.save_args)
