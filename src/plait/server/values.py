"""What is in a stored value? Asked in a process of its own, line by line: a question in, a length and JSON out.

``python -m plait.server.values FOLDER`` speaks of the records that a command in that folder would speak of.
"""

from __future__ import annotations

import base64
import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from plait.data import Artifact, ArtifactStore
from plait.data.previews import preview
from plait.errors import PlaitError, StoreError
from plait.server.tables import column_facts, table_page

__all__ = ["main"]

_MEMORY = 8 * 2**30  # bytes that the process may take for itself
_LONG_TEXT = 1_000_000
_MAPPED = frozenset({"numpy.array"})
_LARGE = 256 * 2**20  # bytes of a value of which no second copy is made


class Question(Struct, frozen=True):
    """What is asked about which value."""

    artifact: bytes
    question: str
    options: dict[str, Any]


class _Last:
    """The value that was asked for last: who looks at a table turns its pages."""

    def __init__(self, store: ArtifactStore) -> None:
        self.store = store
        self.id: str | None = None
        self.value: Any = None

    def load(self, artifact: Artifact) -> Any:
        if self.id != artifact.id or artifact.format == "dataset":
            self.id, self.value = None, None
            self.value = self.store.load(artifact)
            self.id = artifact.id
        return self.value


def main(folder: str) -> None:
    """Answer until nobody asks any more."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _limit_memory()
    last = _Last(_open(Path(folder)))
    decoder = msgspec.json.Decoder(Question)
    for line in sys.stdin.buffer:
        asked = decoder.decode(line)
        try:
            answer = _ANSWERS[asked.question](
                last, msgspec.msgpack.decode(asked.artifact, type=Artifact), **asked.options
            )
        except StoreError as error:
            answer = {"kind": "gone", "message": error.what, "hint": error.hint}
        except PlaitError as error:
            answer = {"kind": "failed", "message": error.what, "hint": error.hint}
        except MemoryError:
            last.id, last.value = None, None
            answer = {
                "kind": "failed",
                "message": "the value does not fit into the memory that previews may take",
            }
        except Exception as error:  # noqa: BLE001 - a value's own code may raise anything
            answer = {"kind": "failed", "message": f"{type(error).__name__}: {error}"[:1000]}
        body = msgspec.json.encode(answer, enc_hook=str)
        out.write(str(len(body)).encode() + b"\n" + body)
        out.flush()


def _limit_memory() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))


def _open(folder: Path) -> ArtifactStore:
    from plait.project.place import project_root
    from plait.record.store import find_records

    store = find_records(folder).artifacts
    root = project_root(folder.resolve())
    if root is not None:
        with contextlib.suppress(PlaitError):
            from plait.project.project import Project
            from plait.project.references import load_reference

            project = Project(root)
            project.make_importable()
            store.read_reference = lambda artifact: load_reference(project, artifact)
    return store


def _preview(last: _Last, artifact: Artifact, rows: int = 50) -> dict[str, Any]:
    from plait.display.preview import preview_document

    if artifact.format == "gathered":
        return _gathered(last.store, artifact, rows)
    value = last.load(artifact)
    text = _text_of(value)
    if text is not None:
        return text
    found = preview_document(value, rows) if isinstance(value, list) else preview(value, rows)
    if found.get("kind") in ("object", "tree") and callable(getattr(value, "_repr_html_", None)):
        found["html"] = True
    return found


def _glance(last: _Last, artifact: Artifact, rows: int = 50) -> dict[str, Any]:
    """The beginning of a value that is too large to be read whole: of an array, which is mapped and not read."""
    if artifact.format not in _MAPPED:
        return {}
    value = last.load(artifact)
    if type(value).__module__ != "numpy" or value.dtype.hasobject:
        return {}
    found = preview(value.flat[:rows], rows)
    for name in ("least", "greatest", "mean", "missing"):
        found.pop(name, None)  # what is known of the beginning alone
    return {**found, "shape": list(value.shape)}


def _gathered(store: ArtifactStore, artifact: Artifact, rows: int) -> dict[str, Any]:
    from plait.record.valuerefs import artifact_ref

    flat: list[Artifact] = []
    pending: list[Any] = list(store.items(artifact) or [])
    count = artifact.meta.get("length", len(pending))
    while pending and len(flat) < rows:
        item = pending.pop(0)
        if isinstance(item, Artifact):
            flat.append(item)
        else:
            pending[:0] = item
    items = [artifact_ref(store, one) for one in flat]
    return {"kind": "gathered", "type": "list", "length": count, "items": items}


def _text_of(value: Any) -> dict[str, Any] | None:
    """What a text is written in: HTML, SVG and Markdown are shown as what they mean."""
    if not isinstance(value, str):
        return None
    kind = text_kind(value)
    if kind is None:
        return None
    return {"kind": kind, "type": "str", "length": len(value), "text": value[:_LONG_TEXT]}


def text_kind(text: str) -> str | None:
    start = text[:2000].lstrip().lower()
    if start.startswith(("<!doctype html", "<html", "<body", "<div", "<table", "<section", "<style")):
        return "html"
    if start.startswith("<svg") or (start.startswith("<?xml") and "<svg" in start):
        return "svg"
    marks = ("# ", "## ", "### ", "- ", "* ", "> ", "```", "| ")
    lines = text[:4000].splitlines()
    if len(lines) > 1 and lines[0].startswith(marks[:3]):
        return "markdown"
    if sum(line.startswith(marks) for line in lines) >= max(3, len(lines) // 4):
        return "markdown"
    return None


def _table(last: _Last, artifact: Artifact, **options: Any) -> Any:
    return table_page(last.load(artifact), **options)


def _columns(last: _Last, artifact: Artifact) -> Any:
    return column_facts(last.load(artifact))


def _page(last: _Last, artifact: Artifact, kind: str = "html") -> dict[str, Any]:
    """A value as a page of its own."""
    value = last.load(artifact)
    if isinstance(value, str) and text_kind(value) in ("html", "svg"):
        return {"html": value}
    base = type(value).__mro__
    if any(one.__module__.startswith("plotly.") and one.__name__ == "BaseFigure" for one in base):
        return {"html": _plotly(value)}
    show = getattr(value, "_repr_html_", None)
    shown = show() if callable(show) else None
    if not isinstance(shown, str):
        return {"kind": "failed", "message": f"a {artifact.type} is not shown as a page"}
    return {"html": f'<!doctype html><meta charset="utf-8">{shown}'}


def _plotly(figure: Any) -> str:
    try:
        from plotly.offline import get_plotlyjs
    except ImportError:
        raise PlaitError("plotly is not installed where plait ui runs", hint="pip install plotly") from None

    drawn = figure.to_json().replace("<", "\\u003c")
    return (
        '<!doctype html><meta charset="utf-8"><style>body{margin:0}#figure{height:100vh}</style>'
        f'<div id="figure"></div><script>{get_plotlyjs()}</script><script>var f={drawn};'
        'Plotly.newPlot("figure",f.data,f.layout,{responsive:true,displaylogo:false})</script>'
    )


def _download(last: _Last, artifact: Artifact, target: str, form: str = "") -> dict[str, Any]:
    """Write a value to a file, piece by piece where it can be; answers with its suffix and its media type."""
    value = last.load(artifact)
    if artifact.size > _LARGE:
        last.id, last.value = None, None  # nobody turns the pages of what is only saved
    with open(target, "wb") as file:
        suffix, media = _write(value, file, form, large=artifact.size > _LARGE)
    return {"suffix": suffix, "media": media}


def _write(value: Any, file: Any, form: str, *, large: bool) -> tuple[str, str]:
    top = type(value).__module__.partition(".")[0]
    if isinstance(value, str):
        for start in range(0, len(value), _LONG_TEXT):
            file.write(value[start : start + _LONG_TEXT].encode("utf-8", "replace"))
        suffix = {"html": "html", "svg": "svg", "markdown": "md"}.get(text_kind(value) or "", "txt")
        # Whatever it is, it is saved and not opened here.
        return suffix, "text/plain; charset=utf-8"
    if isinstance(value, bytes | bytearray):
        file.write(value)
        return "bin", "application/octet-stream"
    if top in ("pandas", "polars", "pyarrow") and (written := _write_table(value, top, file, form)):
        return written, _TABLES[written]
    if top == "numpy" and hasattr(value, "dtype"):
        import numpy as np

        np.save(file, value, allow_pickle=False)
        return "npy", "application/octet-stream"
    if not large:
        if (picture := _png(value)) is not None:
            file.write(picture)
            return "png", "image/png"
        with contextlib.suppress(TypeError, ValueError):
            file.write(msgspec.json.format(msgspec.json.encode(value), indent=2))
            return "json", "application/json"
    import pickle

    file.seek(0)
    file.truncate()
    pickle.dump(value, file, protocol=5)
    return "pickle", "application/octet-stream"


_TABLES = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}


def _write_table(table: Any, library: str, file: Any, form: str) -> str | None:
    """A table as CSV, or as Parquet where that is asked for; None where it is no table."""
    if library == "pyarrow":
        if not hasattr(table, "to_batches") or not hasattr(table, "column_names"):
            return None
        if form == "parquet":
            from pyarrow import parquet

            parquet.write_table(table, file)
            return "parquet"
        from pyarrow import csv

        csv.write_csv(table, file)
        return "csv"
    if library == "polars":
        if not hasattr(table, "write_csv"):
            return None
        if form == "parquet":
            table.write_parquet(file)
            return "parquet"
        table.write_csv(file)
        return "csv"
    if not hasattr(table, "to_csv"):
        return None
    if form == "parquet":
        frame = table.to_frame() if hasattr(table, "to_frame") and not hasattr(table, "columns") else table
        frame.to_parquet(file)
        return "parquet"
    table.to_csv(file, index=False)
    return "csv"


def _png(value: Any) -> bytes | None:
    found = preview(value)
    return base64.b64decode(found["png"]) if found.get("kind") == "image" else None


_ANSWERS: dict[str, Callable[..., Any]] = {
    "preview": _preview,
    "glance": _glance,
    "table": _table,
    "columns": _columns,
    "page": _page,
    "download": _download,
}


if __name__ == "__main__":
    main(sys.argv[1])
