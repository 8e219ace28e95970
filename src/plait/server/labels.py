"""Which element of a map is a task about, in the words that the command line has for it?"""

from __future__ import annotations

from plait.graph.model import Path
from plait.record.views import Run

__all__ = ["label"]


def label(run: Run, node: int, path: Path) -> str | None:
    """``kind=linear, C=1.0``; None where the element is no parameter of the run."""
    from plait.display.elements import element_text

    return (element_text(run, node, path) or None) if path else None
