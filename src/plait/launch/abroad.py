"""What goes with a run whose tasks run on other machines? Its code, its conf as it was read, the way to the store."""

from __future__ import annotations

from collections.abc import Iterable

from plait.data import ArtifactStore
from plait.engine.task import Abroad
from plait.executors.packing import mark_folder, pack
from plait.graph.model import Graph
from plait.project.project import Project

__all__ = ["make_abroad", "pack_abroad"]


def make_abroad(graph: Graph, project: Project, store: ArtifactStore) -> Abroad:
    """What the tasks of a graph need; see ``pack_abroad``."""
    asked = (graph.options(node).secrets for node in range(len(graph.nodes)))
    return pack_abroad(project, store, dict.fromkeys(said for one in asked for said in one))


def pack_abroad(project: Project, store: ArtifactStore, secrets: Iterable[str] = ()) -> Abroad:
    """Put the code into the store, and collect the rest.

    Args:
        secrets: those that steps ask for.

    Raises:
        ConfError: a secret that a step asks for is not there, or the code is too large.
        StoreError: nothing can be stored.
    """
    return Abroad(
        pack(store, project), project.spec_for_elsewhere(secrets), mark_folder(project.home), store.access
    )
