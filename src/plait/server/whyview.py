"""Why did a task run, or not? The same explanation as ``plait why``, as an answer."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from plait.record.views import Task

__all__ = ["WhyDifference", "WhyInput", "WhyTask", "WhyView", "why_view"]


class WhyTask(Struct, frozen=True):
    run: str
    task: str


class WhyDifference(Struct, frozen=True):
    """One component of the key that is not what it was; ``text`` is a diff, or ``old → new``."""

    kind: str
    name: str
    change: str
    text: str = ""
    where: str | None = None
    source: str | None = None
    old: dict[str, Any] | None = None
    new: dict[str, Any] | None = None
    old_run: str | None = None
    new_run: str | None = None


class WhyInput(Struct, frozen=True):
    name: str
    kind: str
    text: str
    source: str | None = None
    run: str | None = None
    artifact: str | None = None
    items: int | None = None


class WhyView(Struct, frozen=True):
    """What the key of a task is made of, and what of that differs from the closest earlier task."""

    run: str
    task: str
    state: str
    decision: str
    key: str | None
    source: str | None
    closest: WhyTask | None
    differences: list[WhyDifference]
    notes: list[str]
    inputs: list[WhyInput]


def why_view(task: Task) -> WhyView:
    from plait.display.why import why_object
    from plait.engine.why import why

    run = task.run
    return msgspec.convert({"run": run.id, **why_object(why(task), run.store.artifacts)}, WhyView)
