"""What did it look like where a step failed? Python's debugger, at the line of the user's code that failed."""

from __future__ import annotations

import pdb
import sys
import sysconfig
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

__all__ = ["debug"]

_OWN = str(Path(__file__).parents[1])
_LIBRARY = (
    sysconfig.get_path("stdlib"),
    sysconfig.get_path("purelib"),
    sysconfig.get_path("platlib"),
    "<frozen",
)


def debug(error: BaseException, task: str) -> None:
    """Talk to whoever is at the terminal about an exception, until they leave the debugger.

    Args:
        task: the task that raised it.
    """
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename.startswith(_OWN):
        trace = trace.tb_next
    if trace is None:  # raised by plait itself: what a step returned cannot be stored, or such
        return
    captured, sys.stdout = sys.stdout, sys.__stdout__
    try:
        said = f"{task} failed: {type(error).__name__}: {error}"
        debugger = _AtOwnLine(_libraries_below(trace))
        debugger.message(f"\n{said}\nthe debugger is at the line that failed; q leaves it")
        debugger.reset()
        debugger.interaction(None, trace)
    finally:
        sys.stdout = captured


def _libraries_below(trace: TracebackType) -> int:
    """How many frames lie between the innermost line of the user's own code and the one that raised."""
    found = 0
    step: TracebackType | None = trace
    while step is not None:
        file = step.tb_frame.f_code.co_filename
        found = found + 1 if file.startswith(_LIBRARY) or file.startswith(_OWN) else 0
        step = step.tb_next
    return found


class _AtOwnLine(pdb.Pdb):
    """A debugger that begins some frames above the one that raised: in the user's code, not in a library's."""

    def __init__(self, above: int) -> None:
        super().__init__()
        self._above = above

    def setup(self, f: FrameType | None, tb: TracebackType | None) -> Any:
        answer = super().setup(f, tb)
        self.curindex = max(0, self.curindex - self._above)
        self.curframe = self.stack[self.curindex][0]
        self.curframe_locals = self.curframe.f_locals
        return answer
