"""Does a step run in a Python of its own, and in which?"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plait.graph.options import Options

if TYPE_CHECKING:
    from plait.project.environments import Request

__all__ = ["own_environment", "request_of"]


def own_environment(options: Options) -> bool:
    """Whether a step runs in a Python environment of its own."""
    return bool(options.python or options.packages or options.requirements)


def request_of(
    options: Options, function: Callable[..., Any], step: str = "", where: str | None = None
) -> Request | None:
    """What a step asks for; None where it runs in the Python of everyone."""
    if not own_environment(options):
        return None
    from plait.project.environments import Request

    file = None
    if options.requirements:
        code = getattr(inspect.unwrap(function), "__code__", None)
        file = Path(code.co_filename if code is not None else "").parent / options.requirements
    return Request(options.python, options.packages, file, step, where or None)
