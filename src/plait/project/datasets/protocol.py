"""What must a dataset be able to do, and what is it told about its entry?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

if TYPE_CHECKING:
    from plait.project.datasets.fingerprints import Memo
    from plait.project.datasets.storage import Source

__all__ = ["Context", "Dataset", "Format", "Written"]


class Written(msgspec.Struct, frozen=True):
    """What one save left behind."""

    place: str
    content: str | None = None
    version: str | None = None
    size: int | None = None


class Dataset(Protocol):
    """Anything that can be loaded and saved: these two methods make a class usable as a ``type``.

    A dataset may also have the following; what is missing is taken as "cannot say":

    * ``exists() -> bool``
    * ``fingerprint() -> str | None``: what a cache keys the data by, None when it cannot be known
    * ``holds(content: str) -> bool | None``: whether what is there is what a save answered with this ``content``
    * ``versions() -> list[str]``, newest first
    * ``release() -> None``: let go of connections and temporary files
    * ``load_as(wanted: str) -> Any``: load straight into a kind of table (see ``conversion.KINDS``)
    * ``confirm() -> None``: what was loaded has been dealt with
    * ``parts() -> list[str]`` and ``part(key) -> Dataset``: the elements of a dataset of many files
    """

    def load(self) -> Any: ...

    def save(self, value: Any, /) -> Any: ...


class Format(Protocol):
    """How one value becomes one file, or one folder, and back."""

    def read(self, source: Source, wanted: str | None) -> Any:
        """The value in ``source``; as ``wanted`` where that is cheaper than converting afterwards."""

    def write(self, value: Any, path: Path) -> None:
        """Write the value to a local path that does not exist yet."""


@dataclass(frozen=True, slots=True)
class Context:
    """What the catalog tells a dataset about the entry that it stands for."""

    name: str
    root: Path
    env: str = "local"
    where: str | None = None
    memo: Memo | None = None
    versioned: bool = False
    load_version: str | None = None
    save_version: str | None = None
    kind: str | None = None
    type_name: str = "its type"
    build: Callable[[Mapping[str, Any], Context], Any] | None = field(default=None, repr=False)

    def __reduce__(self) -> tuple[Any, ...]:
        """Without the way back to the catalog, which knows every credential."""
        names = [one.name for one in fields(self)]
        return Context, tuple(None if name == "build" else getattr(self, name) for name in names)

    def nested(self, name: str) -> Context:
        """The context of a dataset inside this one, which has no versions of its own."""
        return replace(self, name=name, versioned=False, load_version=None, save_version=None)
