"""Which files is the interface made of? Those that were built, and for every other address its first page."""

from __future__ import annotations

import mimetypes
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, Response

from plait.server.problems import Refusal

__all__ = ["router"]

router = APIRouter(include_in_schema=False)
_NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>plait</title>
<body><h1>plait</h1><p>The interface is not built here; its API answers under <code>/api/v1</code>.</p>
<p>In a checkout of plait write <code>make ui</code> and load this page again.</p></body></html>"""
mimetypes.add_type("text/javascript", ".js")
mimetypes.add_type("font/woff2", ".woff2")


@router.get("/{path:path}")
def page(request: Request, path: str) -> Response:
    """A built file, else the first page, which finds its own way from the address."""
    if path.startswith("api/"):
        raise Refusal(
            404, "not_found", f"there is no /{path}", "the API is described in /api/v1/openapi.json"
        )
    folder: Path = request.app.state.context.settings.static
    file = _inside(folder, path)
    if file is not None and path != "export.html":
        forever = path.startswith("assets/")
        cache = "public, max-age=31536000, immutable" if forever else "no-cache"
        return FileResponse(file, headers={"Cache-Control": cache})
    if path.startswith("assets/"):
        raise Refusal(404, "not_found", f"there is no /{path}", "plait was upgraded: load the page again")
    index = folder / "index.html"
    if not index.is_file():
        return HTMLResponse(_NOT_BUILT, 200)
    return FileResponse(index, headers={"Cache-Control": "no-cache"})


def _inside(folder: Path, path: str) -> Path | None:
    """A file below a folder; None for anything that is not, however it is written."""
    if not path or "\0" in path or "\\" in path:
        return None
    try:
        found = (folder / path).resolve()
    except (OSError, ValueError):
        return None
    return found if found.is_relative_to(folder.resolve()) and found.is_file() else None
