"""Logs: ranges of lines, search, what is loud, and what comes next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from msgspec import Struct

from plait.errors import ParameterError, did_you_mean
from plait.record.items import find_step
from plait.record.loglines import Found, LogPage, LogScope, NextLine, next_loud, read_lines, search_lines
from plait.record.store import RecordStore
from plait.server.answers import reads
from plait.server.context import At, Context

__all__ = ["router"]

router = APIRouter(tags=["logs"])
_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}
First = Annotated[int, Query(alias="from", ge=0)]


def _level(name: str | None) -> int:
    if not name:
        return 0
    if name.isdecimal():
        return int(name)
    if name.lower() not in _LEVELS:
        raise ParameterError(f"there is no level {name!r}", hint=did_you_mean(name, _LEVELS))
    return _LEVELS[name.lower()]


class Whose(Struct, frozen=True):
    """Whose lines are asked for: the run's, a step's, a task's latest attempt's or another one's."""

    run: str
    task: str | None = None
    step: str | None = None
    attempt: int | None = None


def _whose(run: str, task: str | None = None, step: str | None = None, attempt: int | None = None) -> Whose:
    return Whose(run, task, step, attempt)


Asked = Annotated[Any, Depends(_whose)]


def scope_of(store: RecordStore, whose: Whose) -> LogScope:
    """What that is in the records.

    Raises:
        RecordError: there is no such run, step or task.
    """
    found, task, attempt = store.run(whose.run), whose.task, whose.attempt
    if not task:
        return LogScope(found, find_step(found, whose.step), None) if whose.step else LogScope(found)
    one = found.task(task)
    return LogScope(found, one.node, one.path, one.attempt if attempt is None else attempt)


@reads(router, "/runs/{run}/logs", LogPage)
def lines(
    at: At,
    whose: Asked,
    first: First = 0,
    limit: Annotated[int, Query(ge=1, le=2000)] = 500,
    level: str | None = None,
) -> Any:
    with at.store() as store:
        return read_lines(scope_of(store, whose), first, limit, _level(level))


@reads(router, "/runs/{run}/logs/search", Found)
def search(
    at: At,
    whose: Asked,
    q: Annotated[str, Query(min_length=1, max_length=1000)],
    case: bool = False,
    regex: bool = False,
    level: str | None = None,
    first: First = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Any:
    with at.store() as store:
        scope = scope_of(store, whose)
        return search_lines(scope, q, case=case, regex=regex, level=_level(level), first=first, limit=limit)


@reads(router, "/runs/{run}/logs/next", NextLine)
def loud(
    at: At,
    whose: Asked,
    first: First = 0,
    level: str = "error",
    back: bool = False,
) -> Any:
    with at.store() as store:
        return next_loud(scope_of(store, whose), first, _level(level), back=back)


@router.get("/runs/{run}/logs/follow", response_class=StreamingResponse, summary="New lines as events")
async def follow(at: At, whose: Asked, first: First = 0) -> StreamingResponse:
    def scope(store: RecordStore) -> LogScope:
        return scope_of(store, whose)

    return StreamingResponse(at.watcher.lines(scope, first), media_type="text/event-stream")


@router.get("/runs/{run}/logs/download", response_class=StreamingResponse, summary="All lines as text")
def download(at: At, whose: Asked) -> StreamingResponse:
    with at.store() as store:
        name = scope_of(store, whose).run.id  # what is not there is said before the file begins
    headers = {"Content-Disposition": f'attachment; filename="{name}.log"'}
    return StreamingResponse(_text(at, whose), media_type="text/plain; charset=utf-8", headers=headers)


def _text(at: Context, whose: Whose) -> Iterator[str]:
    first: int | None = 0
    while first is not None:
        with at.store() as store:
            page = read_lines(scope_of(store, whose), first, 2000)
        yield "".join(f"{line.text}\n" for line in page.lines)
        first = page.next
