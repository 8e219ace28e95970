"""Runs beside each other."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from plait.record.codediff import CodeDiff, code_diff
from plait.record.compare import Comparison, Points, compare_runs, points_of
from plait.server.answers import reads
from plait.server.context import At
from plait.server.routes.runs import words

__all__ = ["router"]

router = APIRouter(tags=["compare"])
Runs = Annotated[str, Query(max_length=20_000)]


@reads(router, "/compare", Comparison)
def compare(at: At, runs: Runs) -> Any:
    with at.store() as store:
        return compare_runs(store, words(runs))


@reads(router, "/compare/code", CodeDiff)
def code(at: At, left: str, right: str, step: str | None = None) -> Any:
    with at.store() as store:
        return code_diff(store.run(left), store.run(right), step)


@reads(router, "/compare/points", Points)
def points(at: At, runs: Runs, x: str, y: str, color: str | None = None) -> Any:
    with at.store() as store:
        return points_of(store, words(runs), x, y, color)
