"""How is any Python value kept as a pickle, by the standard library or one of its relatives?"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plait.errors import CatalogError, did_you_mean
from plait.project.datasets.conversion import need
from plait.project.datasets.files import FileDataset, file_dataset
from plait.project.datasets.protocol import Context
from plait.project.datasets.storage import Source

_BACKENDS = ("pickle", "cloudpickle", "joblib", "dill", "compress_pickle")


def dataset(
    context: Context,
    *,
    filepath: str,
    backend: str = "pickle",
    load_args: Mapping[str, Any] | None = None,
    save_args: Mapping[str, Any] | None = None,
    credentials: Mapping[str, Any] | None = None,
    fs_args: Mapping[str, Any] | None = None,
) -> FileDataset:
    if backend not in _BACKENDS:
        raise CatalogError(
            f"{context.name!r} has an unknown pickle backend {backend!r}",
            where=context.where,
            hint=did_you_mean(backend, _BACKENDS),
        )
    format_ = Pickle(backend, dict(load_args or {}), dict(save_args or {}))
    return file_dataset(context, format_, filepath=filepath, credentials=credentials, fs_args=fs_args)


@dataclass(frozen=True)
class Pickle:
    backend: str = "pickle"
    load_args: dict[str, Any] = field(default_factory=dict)
    save_args: dict[str, Any] = field(default_factory=dict)

    def _module(self) -> Any:
        return (
            importlib.import_module("pickle")
            if self.backend == "pickle"
            else need(self.backend, "this pickle")
        )

    def read(self, source: Source, wanted: str | None) -> Any:
        with source.local() as path, path.open("rb") as handle:
            return self._module().load(handle, **self.load_args)

    def write(self, value: Any, path: Path) -> None:
        with path.open("wb") as handle:
            self._module().dump(value, handle, **self.save_args)
