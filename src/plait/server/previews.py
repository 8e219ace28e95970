"""What does a look at a value answer? One shape for all kinds of values: ``kind`` says which fields are there."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from plait.record.valuerefs import ValueRef

__all__ = ["Column", "ColumnFact", "ColumnFacts", "Histogram", "Preview", "TablePage"]


class Column(Struct, frozen=True):
    name: Any
    type: str


class Preview(Struct, frozen=True, omit_defaults=True, rename={"class_": "class"}):
    """A picture of a value of bounded size.

    Args:
        kind: ``table``, ``array``, ``image``, ``plotly``, ``text``, ``markdown``, ``html``, ``svg``, ``scalar``,
            ``tree``, ``estimator``, ``object``, ``gathered``, ``dataset``, ``too_large``, ``gone`` or ``failed``.
        shape: rows and columns of a table, the sides of an array.
        png: a picture in base64.
        items: of a tree pairs of key and preview, of a gathered list references to its values.
        url: where a page or drawing is, for a sandboxed frame; ``html`` where a value can be shown as one as well.
        limit: how many bytes are read at most, of what is too large.
    """

    kind: str
    type: str = ""
    columns: list[Column] = []
    rows: list[list[Any]] = []
    index: list[Any] | None = None
    shape: list[int] = []
    dtype: str | None = None
    values: list[Any] = []
    least: Any = None
    greatest: Any = None
    mean: Any = None
    missing: int | None = None
    stored: int | None = None
    png: str | None = None
    width: int | None = None
    height: int | None = None
    figure: dict[str, Any] | None = None
    text: str | None = None
    length: int | None = None
    value: Any = None
    items: list[ValueRef | list[Any]] = []
    class_: str | None = None
    params: dict[str, Any] | None = None
    fitted: Any = None
    url: str | None = None
    html: str | None = None
    size: int | None = None
    limit: int | None = None
    meta: dict[str, Any] | None = None
    message: str | None = None
    hint: str | None = None


class TablePage(Struct, frozen=True):
    columns: list[Column]
    rows: list[list[Any]]
    index: list[Any] | None
    offset: int
    total: int


class Histogram(Struct, frozen=True):
    """How many values lie between neighbouring edges; of times the edges are texts."""

    edges: list[Any]
    counts: list[int]


class ColumnFact(Struct, frozen=True):
    name: str
    type: str
    missing: int
    distinct: int | None
    least: Any
    greatest: Any
    mean: float | None
    std: float | None
    top: list[list[Any]] | None
    histogram: Histogram | None


class ColumnFacts(Struct, frozen=True):
    """Of each column what it holds; ``sampled`` tells how many rows were looked at where not all were."""

    rows: int
    columns: list[ColumnFact]
    sampled: int | None
