"""What goes with a run whose tasks run on other machines? Its code, its conf as it was read, the way to the store."""

from __future__ import annotations

from plait.data import ArtifactStore
from plait.engine.task import Abroad
from plait.executors.packing import pack
from plait.graph.model import Graph
from plait.project.project import Project

__all__ = ["make_abroad"]


def make_abroad(graph: Graph, project: Project, store: ArtifactStore) -> Abroad:
    """Put the code into the store, and collect the rest.

    Raises:
        ConfError: a secret that a step asks for is not there, or the code is too large.
        StoreError: nothing can be stored.
    """
    asked = (graph.options(node).secrets for node in range(len(graph.nodes)))
    secrets = dict.fromkeys(said for one in asked for said in one)
    return Abroad(pack(store, project), project.spec_for_elsewhere(secrets), store.access)
