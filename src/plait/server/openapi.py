"""What does the API look like, for programs that are written against it? ``python -m plait.server.openapi``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import msgspec
from fastapi import APIRouter, FastAPI

from plait.server.answers import shapes
from plait.server.problems import Answer
from plait.server.topics import EndEvent, LinesEvent, ProblemEvent, ProjectEvent, RunEvent, RunsEvent

__all__ = ["document"]

_EVENTS = (RunsEvent, ProjectEvent, RunEvent, EndEvent, LinesEvent, ProblemEvent)


def document(routers: Sequence[APIRouter]) -> dict[str, Any]:
    """The OpenAPI document: paths as FastAPI tells them, shapes as the structs say them."""
    app = FastAPI(title="plait", version="1", description="The API of plait ui. Times are epoch seconds.")
    for router in routers:
        app.include_router(router, prefix="/api/v1")
    made: dict[str, Any] = app.openapi()
    _, parts = msgspec.json.schema_components(
        (*shapes(), *_EVENTS, Answer), ref_template="#/components/schemas/{name}"
    )
    schemas = made.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas.update(parts)
    for operations in made["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = {
                "description": "What is wrong.",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Answer"}}},
            }
    made["components"]["schemas"] = dict(sorted(schemas.items()))
    return made


def text() -> str:
    """The document as it is kept beside the interface."""
    from plait.server.app import ROUTERS

    return msgspec.json.format(msgspec.json.encode(document(ROUTERS)), indent=2).decode() + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
