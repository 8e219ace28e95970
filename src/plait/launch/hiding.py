"""What must not be seen of a project? Its secrets, in whatever is raised or recorded on this side of a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import msgspec

from plait.errors import PlaitError
from plait.graph.model import Graph
from plait.project.project import Project
from plait.project.secrets import Masker

__all__ = ["Hider", "hidden", "hidden_graph", "hiding"]

S = TypeVar("S", bound=msgspec.Struct)


@contextmanager
def hiding(project: Project) -> Iterator[None]:
    """What is raised inside says no secret, nor does what caused it."""
    try:
        yield
    except Exception as error:
        masker = _masker(project)
        if masker is not None:
            masker.clean(error)
        raise


def _masker(project: Project) -> Masker | None:
    try:
        return project.masker()
    except PlaitError:  # the conf itself is broken, and that is what is being told
        return None


class Hider:
    """Hides the secrets of a project that are known by now: steps of a dynamic pipeline name theirs as they come."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._known = -1
        self._masker: Masker | None = None

    def _now(self) -> Masker | None:
        known = self._project.secrets_named
        if known != self._known:
            self._masker, self._known = self._project.masker(), known
        return self._masker

    def mask(self, text: Any) -> Any:
        masker = self._now()
        return text if masker is None else masker.mask(text)

    def is_in(self, data: bytes | bytearray | memoryview) -> bool:
        masker = self._now()
        return masker is not None and masker.is_in(data)

    def struct(self, record: Any) -> Any:
        masker = self._now()
        return record if masker is None else masker.struct(record)


def hidden(masker: Masker | None, value: Any) -> Any:
    """JSON-able data as it is recorded."""
    return value if masker is None else masker.texts(value)


def hidden_graph(masker: Masker | None, graph: Graph) -> Graph:
    """A graph as it is recorded: a secret that stands in the code as a default or a constant is masked."""
    if masker is None:
        return graph
    text = graph.to_json()
    if masker.mask(text) == text:
        return graph
    return Graph.from_json(msgspec.json.encode(masker.texts(msgspec.json.decode(text))))
