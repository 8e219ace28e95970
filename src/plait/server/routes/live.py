"""What this server is, and what has changed since."""

from __future__ import annotations

import getpass
import platform
import socket
import time
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response, StreamingResponse

from plait._version import __version__
from plait.server.answers import changes, reads
from plait.server.context import At
from plait.server.problems import Refusal
from plait.server.shapes import Done, Meta, ProjectFacts

__all__ = ["router"]

router = APIRouter(tags=["live"])
_STREAM = "text/event-stream"


@reads(router, "/meta", Meta)
def meta(at: At) -> Any:
    settings = at.settings
    described, _ = at.inspector.project(wait=0.0)
    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):
        user = ""
    return Meta(
        version=__version__,
        api=at.api,
        project=ProjectFacts(
            name=described.name if described else settings.root.name,
            folder=str(settings.root),
            home=str(settings.home),
            env=described.env if described else settings.env,
            has_project=(settings.root / "pyproject.toml").is_file()
            if described is None
            else described.has_project,
        ),
        read_only=settings.read_only,
        user=user,
        host=socket.gethostname(),
        python=platform.python_version(),
        features=["events", "launch", "export"],
        now=time.time(),
    )


@router.get("/events", response_class=StreamingResponse, summary="Changes of the project's runs as events")
async def events(at: At) -> StreamingResponse:
    return StreamingResponse(at.watcher.project(), media_type=_STREAM)


@router.get("/runs/{run}/events", response_class=StreamingResponse, summary="Changes of a run as events")
async def run_events(at: At, run: str) -> StreamingResponse:
    return StreamingResponse(at.watcher.run(run), media_type=_STREAM)


@changes(router, "POST", "/login", Done)
def login(at: At, said: dict[str, str]) -> Any:
    """Take the token that was printed where the server was started, and keep it in a cookie."""
    import hmac

    import msgspec

    from plait.server.security import keep_token

    token = at.settings.token or ""
    if token and not hmac.compare_digest(str(said.get("token", "")).encode(), token.encode()):
        raise Refusal(
            401, "unauthorized", "that is not the token", "it was printed where plait ui was started"
        )
    answer = Response(msgspec.json.encode(Done(True)), media_type="application/json")
    if token:
        keep_token(answer, token)
    return answer
