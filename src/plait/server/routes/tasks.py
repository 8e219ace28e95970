"""Tasks: what one did, with which code, and why."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from plait.record.tasks import first_task
from plait.record.taskview import TaskCode, TaskView, task_code, task_view
from plait.server.answers import reads
from plait.server.context import At
from plait.server.whyview import WhyView, why_view

__all__ = ["router"]

router = APIRouter(tags=["tasks"])


@reads(router, "/runs/{run}/tasks/{task}", TaskView)
def one_task(at: At, run: str, task: str, attempt: int | None = None) -> Any:
    with at.run(run) as found:
        return task_view(found, task, attempt)


@reads(router, "/runs/{run}/tasks/{task}/code", TaskCode)
def code(at: At, run: str, task: str) -> Any:
    with at.run(run) as found:
        return task_code(found, task)


@reads(router, "/runs/{run}/tasks/{task}/why", WhyView)
def why(at: At, run: str, task: str) -> Any:
    with at.run(run) as found:
        return why_view(first_task(found, task))
