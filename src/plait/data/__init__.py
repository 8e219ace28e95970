"""What flows between steps? Values, addressed by their content, each stored once."""

from plait.data.artifact import Artifact, Part
from plait.data.registry import REGISTRY, Registry, register
from plait.data.serializer import Codec, Raw, Serializer, Unsuited
from plait.data.store import ArtifactStore

__all__ = [
    "REGISTRY",
    "Artifact",
    "ArtifactStore",
    "Codec",
    "Part",
    "Raw",
    "Registry",
    "Serializer",
    "Unsuited",
    "register",
]
