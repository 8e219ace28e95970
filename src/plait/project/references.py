"""How does an input name what must not be copied? By reference: a dataset where it is, a secret by its name."""

from __future__ import annotations

import os
from typing import Any

import blake3
import msgspec

from plait.data import Artifact, ArtifactStore
from plait.errors import CatalogError
from plait.project.project import Project

__all__ = [
    "DATASET",
    "PARAMETER",
    "chunk_part",
    "dataset_artifact",
    "load_reference",
    "parameter_artifact",
    "refreshed",
]

DATASET = "dataset"
PARAMETER = "parameter"


def dataset_artifact(project: Project, name: str, part: str | None = None) -> Artifact:
    """A dataset of the catalog as the input of a run; its id is that of its content, where that can be told.

    Raises:
        CatalogError: it cannot be reached.
    """
    catalog = project.catalog
    entry = catalog.entry(name)
    known = _fingerprint(project, name, part)
    # What cannot be told apart from its next version is never the same twice.
    content = known if known is not None else f"unknown {os.urandom(16).hex()}"
    identity = blake3.blake3(f"dataset\0{content}\0{part or ''}".encode()).hexdigest(32)
    named = {"dataset": name, "part": part, "fingerprint": known}
    return Artifact(identity, DATASET, entry.type, 0, msgspec.json.encode(named), None, (), named)


def _fingerprint(project: Project, name: str, part: str | None) -> str | None:
    if part is None:
        return project.catalog.fingerprint(name)
    ask = getattr(project.catalog.dataset(name).part(part), "fingerprint", None)
    known: str | None = ask() if ask else None
    return known


def refreshed(project: Project, store: ArtifactStore, artifact: Artifact) -> Artifact:
    """An input of an earlier run as its data is now; the same one where nothing has changed or nothing can be told."""
    items = store.items(artifact)
    if items is not None:
        fresh = [refreshed(project, store, one) for one in items]
        return artifact if fresh == items else store.gather(fresh)
    if artifact.format != DATASET:
        return artifact
    named = msgspec.json.decode(artifact.head or b"{}")
    if named["fingerprint"] is None:
        return artifact
    made = dataset_artifact(project, named["dataset"], named["part"])
    return artifact if made.id == artifact.id else made


def parameter_artifact(name: str) -> Artifact:
    """A parameter with a secret in it: its value is read where it is used and is not in any key."""
    identity = blake3.blake3(f"parameter\0{name}".encode()).hexdigest(32)
    named = {"parameter": name}
    return Artifact(identity, PARAMETER, "secret", 0, msgspec.json.encode(named), None, (), named)


def load_reference(project: Project | None, artifact: Artifact, wanted: Any = None) -> Any:
    """The value that a reference stands for.

    Args:
        wanted: the annotation of the parameter that receives it: a dataset arrives as that kind of table.

    Raises:
        CatalogError: it cannot be loaded.
    """
    # The head says it, not ``meta``: that is for people, and is left out of a list of artifacts.
    named = msgspec.json.decode(artifact.head or b"{}")
    if project is None:
        raise CatalogError(f"{named} is read in its project, and there is none here")
    if artifact.format == PARAMETER:
        annotation = Any if wanted is None else wanted
        return project.params.get(named["parameter"], annotation=annotation)
    name, part = named["dataset"], named["part"]
    value = _load(project, name, part, wanted)
    # The result will be found under the content that was there when the run began.
    if named["fingerprint"] is not None and _fingerprint(project, name, part) != named["fingerprint"]:
        raise CatalogError(
            f"the data of {name!r} has changed since the run began, so what is read now is not what it was started on",
            where=project.catalog.entry(name).where,
            hint="plait resume goes on with the data as it is now, and repeats nothing that is done",
        )
    return value


def _load(project: Project, name: str, part: str | None, wanted: Any) -> Any:
    if part is not None:
        return project.catalog.load_part(name, part)
    from plait.project.datasets.conversion import KINDS, kind_of

    try:
        kind = kind_of(wanted) if wanted is not None else None
    except CatalogError:
        kind = None  # an annotation that is no kind of table says nothing here
    return project.catalog.load(name, kind if kind in KINDS else None)


def chunk_part(own: str | None, at: int) -> str:
    """The part of a dataset that a chunk of a generator step is saved as.

    Args:
        own: the part of the task, where the step is mapped.
    """
    return f"{own}-{at:05d}" if own else f"{at:05d}"
