"""The project: its conf, its stack, what goes on, what it takes on the disk."""

from __future__ import annotations

import re
from typing import Annotated, Any

from fastapi import APIRouter, Body

from plait.record.activity import Activity, activity
from plait.record.gc import collect, runs_to_drop
from plait.server.answers import changes, reads
from plait.server.context import At, Context
from plait.server.problems import Refusal
from plait.server.shapes import Disk, Freed, ProjectView

__all__ = ["router"]

router = APIRouter(tags=["project"])
Payload = Annotated[dict[str, Any], Body()]
_AGE = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d|w)")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


@reads(router, "/project", ProjectView)
def project(at: At, env: str | None = None) -> Any:
    described, loading = at.inspector.project(env, wait=0.2)
    if described is None:
        settings = at.settings
        return ProjectView(settings.root.name, str(settings.root), [], env, [], None, [], [], loading)
    return ProjectView(
        described.name,
        described.folder,
        described.environments,
        described.env,
        described.conf,
        described.stack,
        described.stack_parts,
        described.problems,
        loading,
    )


@reads(router, "/project/disk", Disk)
def disk(at: At) -> Any:
    return at.measure.look()


@reads(router, "/project/activity", Activity)
def what_goes_on(at: At) -> Any:
    with at.store() as store:
        return activity(store)


@changes(router, "POST", "/project/gc/preview", Freed)
def would_free(at: At, said: Payload) -> Any:
    return _collect(at, said, dry_run=True)


@changes(router, "POST", "/project/gc", Freed)
def free(at: At, said: Payload) -> Any:
    return _collect(at, said, dry_run=False)


def _collect(at: Context, said: dict[str, Any], *, dry_run: bool) -> Freed:
    keep_last = said.get("keep_last")
    if keep_last is not None and (not isinstance(keep_last, int) or keep_last < 0):
        raise Refusal(400, "invalid", "keep_last is a number of runs")
    with at.store() as store:
        drop = runs_to_drop(store, keep=_seconds(said.get("keep")), keep_last=keep_last)
        found = collect(store, drop, dry_run=dry_run)
    return Freed(
        len(found.runs), found.bytes, found.blobs, found.leftover_bytes, found.young_bytes, found.dry_run
    )


def _seconds(text: Any) -> float | None:
    if text in (None, ""):
        return None
    found = _AGE.fullmatch(str(text).strip())
    if found is None:
        raise Refusal(400, "invalid", f"{text!r} is no age", "write 30d, 12h or 8w")
    return float(found.group(1)) * _UNITS[found.group(2)]
