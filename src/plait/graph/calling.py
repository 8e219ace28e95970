"""Who takes the calls of steps and pipelines, and from which line do they come?"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from types import FrameType

    from plait.graph.pipeline import Definition
    from plait.graph.step import Step

__all__ = ["Caller", "calling", "current_caller", "user_line"]

_active: ContextVar[Caller | None] = ContextVar("plait_caller", default=None)
_OWN = __file__.rpartition("graph")[0]
_LIBRARY = ("site-packages", "dist-packages", "/lib/python", "<frozen", "\\Lib\\")


class Caller(Protocol):
    """Who takes the calls of steps and pipelines: a tracer describes them, a dynamic pipeline's body makes them."""

    def call_step(self, step: Step[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any: ...

    def call_definition(
        self, definition: Definition, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any: ...


def current_caller() -> Caller | None:
    """Who takes calls in this context; None where functions are just functions."""
    return _active.get()


@contextmanager
def calling(caller: Caller | None) -> Iterator[None]:
    """Let somebody take the calls that are made inside."""
    token = _active.set(caller)
    try:
        yield
    finally:
        _active.reset(token)


def user_line() -> str:
    """``path:line`` of the innermost frame that is neither plait's nor a library's."""
    innermost = sys._getframe(1)
    while innermost.f_back is not None and innermost.f_code.co_filename.startswith(_OWN):
        innermost = innermost.f_back
    frame: FrameType | None = innermost
    while frame is not None and any(part in frame.f_code.co_filename for part in _LIBRARY):
        frame = frame.f_back
    frame = frame or innermost
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
