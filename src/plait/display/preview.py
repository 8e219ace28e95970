"""How does a value's beginning look at a prompt? Its preview as lines of text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from plait.data.previews import preview
from plait.display.text import Text, clean, columns
from plait.display.words import value_text

__all__ = ["preview_document", "preview_lines"]

_CELL = 40


def preview_document(value: Any, rows: int) -> dict[str, Any]:
    """The preview; rows that are mappings of the same keys make a table."""
    if _is_rows(value):
        names = list(dict.fromkeys(key for row in value[:rows] for key in row))
        return {
            "kind": "table",
            "type": "list",
            "columns": [{"name": str(name), "type": ""} for name in names],
            "rows": [[row.get(name) for name in names] for row in value[:rows]],
            "shape": [len(value), len(names)],
        }
    return preview(value, rows)


def _is_rows(value: Any) -> bool:
    return (
        isinstance(value, list) and bool(value) and all(isinstance(row, dict) and row for row in value[:50])
    )


def preview_lines(found: dict[str, Any], width: int) -> list[Text]:
    """The lines; a wide table shows as many columns as there is room for, and says how many it left out."""
    match found["kind"]:
        case "table":
            return _table_lines(found, width)
        case "tree":
            return _tree_lines(found, width)
        case "text":
            return [Text(clean(line)).cut(width) for line in found["text"].splitlines()[:40]]
        case "scalar":
            return [Text(value_text(found["value"], width))]
    said = {key: inner for key, inner in found.items() if key not in ("kind", "png", "data", "figure")}
    return columns(
        [(Text(key, "dim"), value_text(inner, width)) for key, inner in said.items()],
        width=width,
        shrink=(1,),
        indent=0,
    )


def _table_lines(found: dict[str, Any], width: int) -> list[Text]:
    names = [str(column["name"]) for column in found["columns"]]
    numeric = [_is_numeric(column["type"]) for column in found["columns"]]
    body = _cells(found["rows"], len(names))
    widths = [
        max(len(name), *(len(row[at]) for row in body)) if body else len(name)
        for at, name in enumerate(names)
    ]
    taken, room = 0, width
    for size in widths:
        room -= min(size, _CELL) + 2
        if room < -2:
            break
        taken += 1
    taken = max(1, taken)
    rows: list[Sequence[Text]] = [[Text(name, "dim") for name in names[:taken]]]
    rows += [[Text(clean(cell)).cut(_CELL) for cell in row[:taken]] for row in body]
    right = [at for at in range(taken) if numeric[at] or _looks_numeric(body, at)]
    lines = columns(rows, width=width, right=right, shrink=(taken - 1,), indent=0)
    shape = found.get("shape") or [len(body), len(names)]
    total = shape[0] if shape and shape[0] is not None else None
    said = f"{total:,} rows".replace(",", "\u202f") if isinstance(total, int) else f"{len(body)} rows shown"
    said += f", {shape[1] if len(shape) > 1 else len(names)} columns"
    if taken < len(names):
        said += f"; not shown: {', '.join(names[taken:])}"
    return [*lines, Text(said, "dim").cut(width)]


def _cells(rows: list[list[Any]], count: int) -> list[list[str]]:
    """The cells as text, column by column: numbers of one column have the same decimals."""
    made = []
    for at in range(count):
        values = [row[at] for row in rows]
        if (
            values
            and all(value is None or type(value) in (int, float) for value in values)
            and any(type(value) is float for value in values)
        ):
            made.append(_numbers(values))
        else:
            made.append(["" if value is None else clean(str(value)) for value in values])
    return [list(cells) for cells in zip(*made, strict=True)]


def _numbers(values: list[Any]) -> list[str]:
    """Up to six digits each, with as many decimals as the one that needs most."""
    short = ["" if value is None else f"{value:.6g}" for value in values]
    if not all(text.lstrip("-").replace(".", "", 1).isdigit() or not text for text in short):
        return short
    decimals = max(len(text.partition(".")[2]) for text in short)
    return ["" if value is None else f"{value:.{decimals}f}" for value in values]


def _is_numeric(kind: str) -> bool:
    return str(kind).lower().startswith(("int", "uint", "float", "double", "decimal"))


def _looks_numeric(body: list[list[str]], at: int) -> bool:
    return bool(body) and all(
        row[at].replace(".", "", 1).lstrip("-").isdigit() or not row[at] for row in body
    )


def _tree_lines(found: dict[str, Any], width: int) -> list[Text]:
    rows = [(Text(clean(str(key)), "dim"), _short(inner)) for key, inner in found["items"]]
    left = found["length"] - len(found["items"])
    lines = columns(rows, width=width, shrink=(1, 0), indent=0)
    return [*lines, Text(f"and {left} more", "dim")] if left > 0 else lines


def _short(found: dict[str, Any]) -> str:
    match found["kind"]:
        case "scalar":
            return value_text(found["value"], 200)
        case "text" | "object":
            return clean(str(found["text"]))
        case "tree":
            inside = ", ".join(
                _short(inner) if isinstance(key, int) else f"{key}: {_short(inner)}"
                for key, inner in found["items"]
            )
            more = ", …" if found["length"] > len(found["items"]) else ""
            return f"[{inside}{more}]" if _is_list(found) else f"{{{inside}{more}}}"
    shape = found.get("shape")
    return f"{found['type']}{' ' + ' × '.join(map(str, shape)) if shape else ''}"


def _is_list(found: dict[str, Any]) -> bool:
    return bool(found["items"]) and isinstance(found["items"][0][0], int)
