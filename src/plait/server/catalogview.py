"""What does the catalog say, together with what runs did with it? Shapes of its answers."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from plait.record.lineage import DatasetRead, DatasetWriteRow, LastWrite
from plait.record.taskview import CheckRow
from plait.server.problems import Problem

__all__ = ["CatalogPage", "CatalogRow", "CheckCounts", "DatasetView"]


class CheckCounts(Struct, frozen=True):
    passed: int
    failed: int


class CatalogRow(Struct, frozen=True):
    """A dataset: what the catalog says, who wrote it last and ``freshness`` seconds ago, and who uses it."""

    name: str
    type: str
    place: str | None
    layer: str | None
    versioned: bool
    checks: int
    factory: bool
    where: str | None
    last: LastWrite | None
    freshness: float | None
    readers: list[str]
    writers: list[str]
    status: CheckCounts | None


class CatalogPage(Struct, frozen=True):
    items: list[CatalogRow]
    problems: list[Problem]
    loading: bool


class DatasetView(CatalogRow, frozen=True, kw_only=True):
    """A dataset as it stands in the list, and all else that is known of it."""

    described: dict[str, Any]
    versions: list[str]
    writes: list[DatasetWriteRow]
    reads: list[DatasetRead]
    history: list[CheckRow]
