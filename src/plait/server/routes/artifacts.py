"""Artifacts: what is known of a value, what it looks like, and the value as a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response, StreamingResponse
from msgspec import Struct

from plait.data import Artifact
from plait.record.makers import ArtifactView, artifact_view, find_artifact
from plait.server.answers import reads
from plait.server.context import At, Context
from plait.server.previewer import LIMIT
from plait.server.previews import ColumnFacts, Preview, TablePage
from plait.server.problems import Refusal

__all__ = ["router"]

router = APIRouter(tags=["artifacts"])
_PIECE = 2**20
_SANDBOX = (
    "sandbox{scripts}; default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:{inline};"
    " frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
)


class Place(Struct, frozen=True):
    """Where a value was met."""

    run: str | None = None
    task: str | None = None
    output: str | None = None


def _place(run: str | None = None, task: str | None = None, output: str | None = None) -> Place:
    return Place(run, task, output)


At_place = Annotated[Any, Depends(_place)]


def _find(at: Context, artifact: str, place: Place) -> Artifact:
    with at.store() as store:
        return find_artifact(store, artifact, run=place.run, task=place.task, output=place.output)


def _ask(at: Context, artifact: Artifact, question: str, **options: Any) -> dict[str, Any]:
    """The answer as a dict.

    Raises:
        Refusal: the value is too large to be read whole, is gone, or cannot be shown so.
    """
    if artifact.size > LIMIT:
        raise Refusal(
            413,
            "too_large",
            f"the value has {artifact.size} bytes; up to {LIMIT} are read here",
            "load it in Python",
        )
    found: dict[str, Any] = msgspec.json.decode(at.previewer.ask(artifact, question, **options))
    if found.get("kind") == "gone":
        raise Refusal(410, "gone", found["message"], found.get("hint"))
    if found.get("kind") == "failed":
        raise Refusal(400, "invalid", found["message"], found.get("hint"))
    return found


@reads(router, "/artifacts/{artifact}", ArtifactView)
def one_artifact(at: At, artifact: str, place: At_place) -> Any:
    with at.store() as store:
        return artifact_view(store, artifact, run=place.run, task=place.task, output=place.output)


@reads(router, "/artifacts/{artifact}/preview", Preview)
def preview(at: At, artifact: str, place: At_place, rows: Annotated[int, Query(ge=1, le=500)] = 50) -> Any:
    found = _find(at, artifact, place)
    if found.format == "parameter":
        return Preview(kind="text", type="secret", text="a secret, read where it is used")
    if found.size > LIMIT:
        seen = msgspec.json.decode(at.previewer.ask(found, "glance", rows=rows))
        about: dict[str, Any] = {"type": found.type, "size": found.size, "limit": LIMIT, "meta": found.meta}
        return Preview(**{**about, **seen}) if seen.get("values") else Preview(kind="too_large", **about)
    body = at.previewer.ask(found, "preview", rows=rows)
    answer = msgspec.json.decode(body)
    address = f"/api/v1/artifacts/{artifact}"
    query = "&".join(
        f"{name}={_quoted(value)}" for name, value in msgspec.to_builtins(place).items() if value
    )
    page = f"{address}/html" + (f"?{query}" if query else "")
    if answer["kind"] in ("html", "svg"):
        answer["url"] = page
    if answer["kind"] == "plotly" or answer.pop("html", False):
        answer["html"] = page
    return Response(msgspec.json.encode(answer), media_type="application/json; charset=utf-8")


def _quoted(text: str) -> str:
    from urllib.parse import quote

    return quote(text, safe="")


@reads(router, "/artifacts/{artifact}/table", TablePage)
def table(
    at: At,
    artifact: str,
    place: At_place,
    offset: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    sort: str | None = None,
    desc: bool = False,
    columns: str = "",
) -> Any:
    chosen = [one for one in columns.split(",") if one]
    return _ask(
        at, _find(at, artifact, place), "table",
        offset=offset, limit=limit, sort=sort, desc=desc, columns=chosen,
    )  # fmt: skip


@reads(router, "/artifacts/{artifact}/columns", ColumnFacts)
def columns(at: At, artifact: str, place: At_place) -> Any:
    return _ask(at, _find(at, artifact, place), "columns")


@router.get("/artifacts/{artifact}/html", response_class=Response, summary="A value as a page, for a frame")
@router.get("/artifacts/{artifact}/svg", response_class=Response, summary="A drawing, for a frame")
def page(at: At, artifact: str, place: At_place, scripts: bool = False) -> Response:
    """HTML that came from somebody's code: it may reach nothing, and runs its scripts only if asked to."""
    found = _ask(at, _find(at, artifact, place), "page")
    policy = _SANDBOX.format(
        scripts=" allow-scripts" if scripts else "",
        inline="; script-src 'unsafe-inline' 'unsafe-eval'" if scripts else "",
    )
    return Response(
        found["html"],
        media_type="text/html; charset=utf-8",
        headers={"Content-Security-Policy": policy, "Cache-Control": "private, max-age=300"},
    )


@router.get("/artifacts/{artifact}/download", response_class=Response, summary="A value as a file")
def download(
    at: At, artifact: str, place: At_place, form: Annotated[str, Query(alias="format")] = ""
) -> Response:
    file, said = at.downloads.write(_find(at, artifact, place), form)
    if "suffix" not in said:
        file.unlink(missing_ok=True)
        gone = said.get("kind") == "gone"
        raise Refusal(410 if gone else 400, "gone" if gone else "invalid", said["message"], said.get("hint"))
    name = "".join(
        one for one in (place.output or place.task or artifact[:12]) if one.isalnum() or one in "-_.[]"
    )
    headers = {
        "Content-Disposition": f'attachment; filename="{name}.{said["suffix"]}"',
        "Content-Length": str(file.stat().st_size),
    }
    return StreamingResponse(_pieces(file), media_type=said["media"], headers=headers)


def _pieces(file: Path) -> Iterator[bytes]:
    """A file piece by piece; it is gone afterwards, also where nobody listens to the end."""
    try:
        with file.open("rb") as opened:
            while piece := opened.read(_PIECE):
                yield piece
    finally:
        file.unlink(missing_ok=True)
