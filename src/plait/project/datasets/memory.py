"""How is a value kept in this process alone, or kept there after it was loaded once?"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from plait.errors import CatalogError, did_you_mean
from plait.project.datasets.conversion import kind_of_value
from plait.project.datasets.protocol import Context, Dataset

_MODES = ("assign", "copy", "deepcopy")
_NOTHING = object()


def dataset(context: Context, *, data: Any = _NOTHING, copy_mode: str | None = None) -> Memory:
    if copy_mode is not None and copy_mode not in _MODES:
        raise CatalogError(
            f"{context.name!r} has an unknown copy_mode {copy_mode!r}",
            where=context.where,
            hint=did_you_mean(copy_mode, _MODES),
        )
    memory = Memory(context, copy_mode)
    if data is not _NOTHING:
        memory.save(data)
    return memory


def cached(
    context: Context,
    *,
    dataset: Mapping[str, Any] | str,
    copy_mode: str | None = None,
    versioned: bool = False,
) -> Cached:
    config: dict[str, Any] = {"type": dataset} if isinstance(dataset, str) else dict(dataset)
    if versioned or context.versioned:
        config["versioned"] = True
    if context.build is None:
        raise CatalogError(
            f"{context.name!r} wraps another dataset, which only a catalog can build", where=context.where
        )
    return Cached(context.build(config, context), Memory(context, copy_mode))


class Memory:
    """A value in this process; each reader gets a copy that is its own.

    Args:
        copy_mode: "assign" shares the value, "copy" copies its outside, "deepcopy" all of it. Without one, a
            table is copied by its library and anything else deeply.
    """

    def __init__(self, context: Context, copy_mode: str | None = None) -> None:
        self.context = context
        self.copy_mode = copy_mode
        self._value: Any = _NOTHING

    def load(self) -> Any:
        if self._value is _NOTHING:
            raise CatalogError(
                f"dataset {self.context.name!r} is kept in memory, and nothing was saved to it in "
                "this process",
                where=self.context.where,
                hint="run the step that makes it in the same run, or give the entry a file",
            )
        return self._copied(self._value)

    def save(self, value: Any) -> None:
        self._value = self._copied(value)

    def exists(self) -> bool:
        return self._value is not _NOTHING

    def fingerprint(self) -> None:
        return None

    def release(self) -> None:
        self._value = _NOTHING

    def _copied(self, value: Any) -> Any:
        kind = kind_of_value(value)
        mode = self.copy_mode
        if kind == "polars" and mode != "assign":
            return value.clone()
        if mode == "assign" or (mode is None and kind not in {None, "pandas"}):
            # The other libraries' tables never change in place.
            return value
        if mode == "copy" or kind == "pandas" or type(value).__module__ == "numpy":
            return value.copy() if hasattr(value, "copy") else copy.copy(value)
        return copy.deepcopy(value)


class Cached:
    """Another dataset whose value stays in this process once it was loaded or saved."""

    def __init__(self, inner: Dataset, memory: Memory) -> None:
        self.inner = inner
        self.memory = memory

    def load(self) -> Any:
        if not self.memory.exists():
            self.memory.save(self.inner.load())
        return self.memory.load()

    def save(self, value: Any) -> Any:
        written = self.inner.save(value)
        self.memory.save(value)
        return written

    def exists(self) -> bool:
        found = getattr(self.inner, "exists", None)
        return self.memory.exists() or bool(found and found())

    def fingerprint(self) -> str | None:
        found = getattr(self.inner, "fingerprint", None)
        return found() if found else None

    def versions(self) -> list[str]:
        found = getattr(self.inner, "versions", None)
        return found() if found else []

    def release(self) -> None:
        self.memory.release()
        found = getattr(self.inner, "release", None)
        if found:
            found()
