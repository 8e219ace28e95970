"""Is there all that the steps ask for? What is missing is an error before the run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from plait.engine.environment import request_of
from plait.engine.fleet import Fleet
from plait.engine.honours import refuse_what_cannot_be
from plait.engine.keys import Keys
from plait.errors import ConfError, ParameterError
from plait.graph.model import Graph
from plait.graph.options import Options
from plait.graph.tracing import Traced
from plait.project.project import Project
from plait.record.store import RecordStore

__all__ = ["environments_folder", "keys_of", "locks_of", "refuse_what_is_missing"]


def refuse_what_is_missing(graph: Graph, fleet: Fleet, project: Project) -> None:
    """Look for what the executors, the machine and the project have to have.

    Raises:
        ParameterError: an executor cannot do what a step asks for, there is not enough of it, or a folder is missing.
        ConfError: a secret is missing.
    """
    refuse_what_cannot_be(graph, fleet)
    seen: set[int] = set()
    for index, node in enumerate(graph.nodes):
        options = graph.options(index)
        if not node.is_step or id(options) in seen:
            continue
        seen.add(id(options))
        _look_for_secrets(node.id, node.where, options, project)
        _look_for_workdir(node.id, node.where, options, project.root)


def _look_for_secrets(name: str, where: str, options: Options, project: Project) -> None:
    for said in options.secrets:
        try:
            project.step_secret(said)
        except ConfError as error:
            raise ConfError(
                f"{name} asks for the secret {said!r}: {error.what}", where=where, hint=error.hint
            ) from None


def _look_for_workdir(name: str, where: str, options: Options, root: Path) -> None:
    if options.workdir and not (folder := root / options.workdir).is_dir():
        raise ParameterError(
            f"{name} asks for workdir={options.workdir!r}, and there is no folder {folder}",
            where=where,
            hint=f"mkdir -p {folder}",
        )


def environments_folder(records: RecordStore) -> Path:
    """Where the Python environments of steps are kept, and what was solved for them."""
    return records.home / "environments"


def keys_of(traced: Traced, records: RecordStore) -> Keys:
    """What computes the cache keys of a graph; the environments that steps have for themselves are solved for it.

    Raises:
        ParameterError: the packages of one cannot be solved.
    """
    locks = locks_of(traced.graph, traced.functions, records)
    return Keys(traced.graph, traced.functions, traced.uses, records.artifacts, locks=locks)


def locks_of(graph: Graph, functions: Sequence[Any], records: RecordStore, first: int = 0) -> dict[int, str]:
    """What is in the environments that steps have for themselves, solved anew where need be; from a node on.

    Raises:
        ParameterError: the packages of one cannot be solved.
    """
    locks: dict[int, str] = {}
    for index, node in enumerate(graph.nodes):
        if not node.is_step or index < first:
            continue
        request = request_of(graph.options(index), functions[node.step], node.id, node.where)
        if request is not None:
            from plait.project.environments import Environments

            locks[index] = Environments(environments_folder(records)).lock(request)
    return locks
