"""How does a struct become an answer, and a schema? One declaration of each shape for both."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any

import msgspec
from fastapi import APIRouter
from fastapi.responses import Response

from plait.errors import PlaitError
from plait.server.problems import Refusal, error_answer, problem_of

__all__ = ["Json", "changes", "reads", "shapes"]

_log = logging.getLogger("plait.server")
_SHAPES: dict[str, Any] = {}
_TYPE = "application/json; charset=utf-8"


class Json(Response):
    """A struct as JSON; what JSON lacks (NaN, infinity) is null."""

    media_type = "application/json"

    def __init__(self, value: Any, status: int = 200) -> None:
        super().__init__(msgspec.json.encode(value, enc_hook=str), status, media_type=_TYPE)


def shapes() -> list[Any]:
    """Every type that an answer can have, for the document of the API."""
    return list(_SHAPES.values())


def _answering(
    router: APIRouter, method: str, path: str, shape: Any, status: int, **options: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    _SHAPES[shape.__name__] = shape
    reference = {"$ref": f"#/components/schemas/{shape.__name__}"}

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def answer(*args: Any, **kwargs: Any) -> Response:
            try:
                found = function(*args, **kwargs)
            except (PlaitError, Refusal):
                raise
            except Exception as error:  # noqa: BLE001 - a mistake of ours: one line for who asked, all of it here
                _log.error("%s %s could not be answered", method, path, exc_info=error)
                return error_answer(*problem_of(error))
            return found if isinstance(found, Response) else Json(found, status)

        answer.__annotations__ = {**function.__annotations__, "return": Response}
        router.add_api_route(
            path,
            answer,
            methods=[method],
            response_model=None,
            status_code=status,
            responses={
                status: {
                    "description": (shape.__doc__ or "").strip().partition("\n")[0],
                    "content": {"application/json": {"schema": reference}},
                }
            },
            **options,
        )
        return function

    return register


def reads(router: APIRouter, path: str, shape: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function that answers a GET with a shape."""
    return _answering(router, "GET", path, shape, 200)


def changes(
    router: APIRouter, method: str, path: str, shape: Any, *, status: int = 200
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function that changes something."""
    return _answering(router, method, path, shape, status)
