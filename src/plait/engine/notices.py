"""Who watches a run, and when are they told? Of what is committed, and not before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from plait.graph.model import Graph, Path
from plait.record.facts import Advance, ErrorInfo, LogLine, Metric, Usage

__all__ = ["Listener", "Notices"]


class Listener(Protocol):
    """Who watches a run while it goes on; told of what is committed."""

    def task_started(self, node: int, path: Path, attempt: int) -> None: ...

    def task_ended(
        self, node: int, path: Path, state: str, usage: Usage, error: ErrorInfo | None, reason: str
    ) -> None: ...

    def unfolded(self, scope: int, path: Path, items: int) -> None: ...

    def said(self, node: int, path: Path, lines: Sequence[LogLine], metrics: Sequence[Metric]) -> None: ...

    def advanced(self, node: int, path: Path, advance: Advance) -> None: ...

    def interrupted(self) -> None: ...

    def grown(self, graph: Graph) -> None: ...


class Notices:
    """What a listener, where there is one, is to be told after the next commit."""

    def __init__(self, listener: Listener | None) -> None:
        self._listener = listener
        self._later: list[Callable[[Listener], None]] = []

    def add(self, notice: Callable[[Listener], None]) -> None:
        if self._listener is not None:
            self._later.append(notice)

    def tell(self) -> None:
        """What was added is committed now."""
        if self._listener is not None:
            later, self._later = self._later, []
            for notice in later:
                notice(self._listener)
