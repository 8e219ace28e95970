"""What does the server consist of? Routes, one shape for what goes wrong, and a guard before all of them."""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from plait._version import __version__
from plait.errors import PlaitError
from plait.server.answers import Json
from plait.server.context import Context
from plait.server.openapi import document
from plait.server.problems import Refusal, answer_error, error_answer, problem_of
from plait.server.routes import (
    actions,
    artifacts,
    catalog,
    compare,
    live,
    logs,
    pipelines,
    project,
    runs,
    tasks,
)
from plait.server.security import Guard
from plait.server.settings import Settings

__all__ = ["ROUTERS", "make_app"]

ROUTERS = (
    live.router,
    actions.router,
    runs.router,
    tasks.router,
    logs.router,
    artifacts.router,
    compare.router,
    pipelines.router,
    catalog.router,
    project.router,
)
_log = logging.getLogger("plait.server")


def make_app(settings: Settings) -> ASGIApp:
    """The whole server as an ASGI application."""
    described = document(ROUTERS)
    api = hashlib.blake2b(msgspec.json.encode(described), digest_size=6).hexdigest()
    context = Context(settings, api)

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        context.inspector.project(wait=0.0)
        yield
        context.close()

    app = FastAPI(
        title="plait", version=__version__, lifespan=lifespan, openapi_url=None, docs_url=None, redoc_url=None
    )
    app.state.context = context
    for kind in (PlaitError, Refusal, RequestValidationError, HTTPException):
        app.add_exception_handler(kind, answer_error)
    app.add_exception_handler(Exception, _broken)

    @app.get("/api/v1/openapi.json", include_in_schema=False)
    def openapi() -> Any:
        return Json(described)

    for router in ROUTERS:
        app.include_router(router, prefix="/api/v1")
    from plait.server.pages import router as pages

    app.include_router(pages)
    return Guard(app, settings, __version__, api)


async def _broken(_request: Request, error: Exception) -> Response:
    """A mistake of ours: whoever asked is told in a line, and where the server runs it is printed in full."""
    _log.error("an answer failed", exc_info=error)
    return error_answer(*problem_of(error))
