"""How is it said in an answer that something is wrong? One shape for all, with what to do where that can be told."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from msgspec import Struct
from starlette.exceptions import HTTPException

from plait.errors import (
    ConfError,
    DataError,
    DefinitionError,
    ParameterError,
    PlaitError,
    RecordError,
    StoreError,
    TargetError,
)

__all__ = [
    "Answer",
    "ParameterProblem",
    "Problem",
    "Refusal",
    "answer_error",
    "error_answer",
    "problem_of",
    "problems_of",
]


class Problem(Struct, frozen=True):
    """What is wrong: ``code`` for programs, ``message`` and ``hint`` for people, ``where`` in their files."""

    code: str
    message: str
    hint: str | None = None
    where: str | None = None


class ParameterProblem(Problem, frozen=True):
    """What is wrong with one parameter: ``name`` is its own, or None where it is not one's alone."""

    name: str | None = None


class Answer(Struct, frozen=True):
    error: Problem


class Refusal(Exception):
    """A request that is not done, with the status that says so."""

    def __init__(self, status: int, code: str, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.problem = Problem(code, message, hint)


def error_answer(status: int, problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        msgspec.json.encode(Answer(problem)), status, headers, media_type="application/json; charset=utf-8"
    )


def problem_of(error: Exception) -> tuple[int, Problem]:
    """The status and the words for an exception."""
    if isinstance(error, Refusal):
        return error.status, error.problem
    if isinstance(error, PlaitError):
        status, code = _code(error)
        return status, Problem(code, error.what, error.hint, error.where)
    if isinstance(error, RequestValidationError):
        first = error.errors()[0] if error.errors() else {}
        place = ".".join(str(part) for part in first.get("loc", ()) if part not in ("query", "path", "body"))
        return 422, Problem(
            "invalid", f"{place}: {first.get('msg', 'is wrong')}" if place else "the request is wrong"
        )
    if isinstance(error, HTTPException):
        code = {404: "not_found", 405: "invalid", 413: "too_large"}.get(error.status_code, "invalid")
        return error.status_code, Problem(code, str(error.detail))
    return 500, Problem(
        "internal",
        f"plait failed to answer: {type(error).__name__}: {error}",
        "what happened in full was printed where plait ui runs",
    )


def problems_of(error: Exception) -> list[ParameterProblem]:
    """What is wrong, one by one for each parameter that an exception speaks of."""
    said = [
        ParameterProblem("invalid", f"{name}: {problem}", hint, where, name)
        for name, problem, where, hint in (error.violations if isinstance(error, ParameterError) else ())
    ]
    return said or [ParameterProblem(*msgspec.structs.astuple(problem_of(error)[1]))]


def _code(error: PlaitError) -> tuple[int, str]:
    text = error.what
    if isinstance(error, RecordError):
        if "locked" in text or "busy" in text:
            return 503, "busy"
        if "cannot be used" in text or "newer plait" in text or getattr(error, "nothing", False):
            return 503, "store"
        if "deleted" in text:
            return 410, "gone"
        if "has no " in text or text.startswith(("there is no ", "no run")):
            return 404, "not_found"
        if "several" in text:
            return 400, "invalid"
        return 409, "conflict"
    if isinstance(error, StoreError):
        return 410, "gone"
    if isinstance(error, ParameterError | TargetError | ConfError | DefinitionError | DataError):
        return 400, "invalid"
    return 400, "invalid"


async def answer_error(_request: Request, error: Exception) -> Response:
    status, problem = problem_of(error)
    return error_answer(status, problem)
