"""Which element is this task about, in words that a terminal can show?"""

from __future__ import annotations

from plait.display.text import clean
from plait.graph.model import Path
from plait.record import elements
from plait.record.views import Run

__all__ = ["element_text"]


def element_text(run: Run, node: int, path: Path) -> str:
    """What a mapped task was given, as far as it is a parameter of the run; empty where it is not."""
    return clean(elements.element_text(run, node, path))
