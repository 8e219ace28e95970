"""How do the arguments of a run become artifacts, and how are they shown?"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import msgspec

from plait.data import Artifact, ArtifactStore
from plait.errors import ParameterError, SecretFound
from plait.graph.tracing import Traced
from plait.launch.outside import FromCatalog, FromRun, store_recorded
from plait.launch.prepare import (
    FromSecret,
)
from plait.project.project import Project
from plait.project.references import dataset_artifact, parameter_artifact
from plait.record.facts import clean
from plait.record.results import Stored, load_tree

__all__ = ["shown", "store_input", "store_inputs"]


def store_inputs(
    traced: Traced,
    values: Mapping[str, Any],
    store: ArtifactStore,
    project: Project,
    *,
    literals: bool = True,
) -> dict[str, Artifact]:
    """The artifacts of a run's arguments and literals; lists that an ``each`` takes apart item by item."""
    depths = traced.graph.layout.splits[1]
    masker = project.masker()
    if masker is not None:
        store.forbidden = masker.is_in
    everything = {**(traced.literals if literals else {}), **values}
    return {
        name: store_input(store, project, name, value, depths.get(name, 0))
        for name, value in everything.items()
    }


def store_input(store: ArtifactStore, project: Project, name: str, value: Any, depth: int) -> Artifact:
    if depth:
        items = [
            store_input(store, project, f"{name}[{at}]", item, depth - 1) for at, item in enumerate(value)
        ]
        return store.gather(items)
    if isinstance(value, FromCatalog):
        return dataset_artifact(project, value.dataset, value.part)
    if isinstance(value, FromSecret):
        return parameter_artifact(value.parameter)
    if isinstance(value, FromRun):
        recorded: Artifact = store_recorded(store, value.tree)
        return recorded
    try:
        return store.save(value, name)
    except SecretFound as error:
        raise ParameterError(
            error.what,
            hint=f"write {name}: ${{secret:…}} among the parameters, and leave it out where the pipeline is run",
        ) from None


def shown(value: Any, store: ArtifactStore | None = None) -> Any:
    """A parameter as the records and the UI show it: itself where JSON can say it, else what it is."""
    if isinstance(value, FromCatalog):
        return f"<dataset {value.dataset}>"
    if isinstance(value, FromRun):
        tree = value.tree
        is_small = isinstance(tree, Stored) and tree.artifact.head is not None
        return shown(load_tree(store, tree)) if store is not None and is_small else f"<of run {value.run}>"
    if isinstance(value, list) and any(isinstance(item, FromRun | FromCatalog) for item in value):
        return [shown(item, store) for item in value] if len(value) < 1000 else f"<list of {len(value)}>"
    if isinstance(value, FromSecret):
        return "***"
    if isinstance(value, os.PathLike):
        return clean(str(os.fspath(value)))
    try:
        text = msgspec.json.encode(value)
    except (TypeError, ValueError, OverflowError):
        shape = getattr(value, "shape", None)
        return f"<{type(value).__name__}{f' {shape}' if shape is not None else ''}>"
    return (
        msgspec.json.decode(text) if len(text) < 65536 else f"<{type(value).__name__} of {len(text)} bytes>"
    )
