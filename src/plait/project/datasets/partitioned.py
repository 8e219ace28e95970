"""How are many files one dataset: by name, loaded when needed, all or only the new ones?"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from plait.errors import CatalogError, did_you_mean
from plait.project.datasets.directory import checked_part, refuse_unfinished
from plait.project.datasets.files import FileDataset
from plait.project.datasets.fingerprints import hash_text, visible_files
from plait.project.datasets.protocol import Context, Written
from plait.project.datasets.storage import Place, Source, place_of

__all__ = ["Incremental", "Part", "Partitioned", "dataset", "incremental", "link_all"]

_CHECKPOINT = "CHECKPOINT"
_COMPARISONS: dict[str, Callable[[str, str], bool]] = {
    "operator.gt": lambda key, done: key > done,
    "operator.ge": lambda key, done: key >= done,
    "operator.lt": lambda key, done: key < done,
    "operator.le": lambda key, done: key <= done,
    "operator.ne": lambda key, done: key != done,
}


def dataset(
    context: Context,
    *,
    path: str,
    dataset: str | Mapping[str, Any],
    filename_suffix: str = "",
    filepath_arg: str = "filepath",
    overwrite: bool = False,
    save_lazily: bool = True,
    credentials: Mapping[str, Any] | None = None,
    load_args: Mapping[str, Any] | None = None,
    fs_args: Mapping[str, Any] | None = None,
) -> Partitioned:
    """Loads a dict of part name to lazy part, or with ``as: list`` a list of parts; saves a dict of values.

    * ``load_args``: which files count: ``maxdepth`` limits how deep folders are looked into.
    * ``overwrite``: a save replaces all parts, rather than adding and replacing those it has.
    * ``save_lazily``: call values that are functions at the moment they are written.
    """
    place = place_of(
        path,
        root=context.root,
        credentials=credentials,
        fs_args=fs_args,
        dataset=context.name,
        env=context.env,
        where=context.where,
    )
    config: dict[str, Any] = {"type": dataset} if isinstance(dataset, str) else dict(dataset)
    for key, value in (("credentials", credentials), ("fs_args", fs_args)):
        if value and key not in config:
            config[key] = value
    depth = (load_args or {}).get("maxdepth")
    parts = Parts(context, config, filename_suffix, filepath_arg, int(depth) if depth else None)
    return Partitioned(place, parts, overwrite=overwrite, lazily=save_lazily)


class Part:
    """One part of a dataset of many: its name, and its value when called or loaded.

    A part may travel to another process. Credentials do not travel with it.
    """

    def __init__(self, key: str, make: Callable[[], Any], kind: str | None = None) -> None:
        self.key = key
        self.kind = kind
        self._make: Callable[[], Any] | None = make
        self._made: Any = None

    @property
    def dataset(self) -> Any:
        """The dataset of this part alone, made when it is first needed."""
        if self._made is None and self._make is not None:
            self._made = self._make()
        return self._made

    def __getstate__(self) -> dict[str, Any]:
        return {"key": self.key, "kind": self.kind, "_made": self.dataset, "_make": None}

    def __call__(self) -> Any:
        return self.load()

    def load(self) -> Any:
        from plait.project.datasets.conversion import KINDS, convert_table, kind_of_value

        value = self.dataset.load()
        return convert_table(value, self.kind) if self.kind in KINDS and kind_of_value(value) else value

    def __repr__(self) -> str:
        return f"Part({self.key!r})"


@dataclass(frozen=True)
class Parts:
    """How the files of a folder are named, listed and opened as datasets."""

    context: Context
    config: Mapping[str, Any]
    suffix: str = ""
    argument: str = "filepath"
    depth: int | None = None

    @property
    def nested_versions(self) -> bool:
        return bool(self.config.get("versioned"))

    def keys(self, place: Place) -> list[str]:
        """The parts' names, sorted."""
        found = set()
        for name in place.files():
            parts = name.split("/")
            if self.nested_versions:
                if len(parts) < 3 or parts[-1] != parts[-3]:
                    continue
                parts = parts[:-2]
            if self.depth is not None and len(parts) > self.depth:
                continue
            path = "/".join(parts)
            if path.endswith(self.suffix) and path != _CHECKPOINT:
                found.add(path[: len(path) - len(self.suffix)])
        return sorted(found - {""})

    def dataset(self, place: Place, key: str) -> Any:
        """The dataset of one part in a folder."""
        if self.context.build is None:
            raise CatalogError(f"{self.context.name!r} has parts, which only a catalog can build")
        at = place.child(*(checked_part(key) + self.suffix).split("/"))
        config = {**self.config, self.argument: at.url}
        if place.is_local:
            config.pop("credentials", None)
        return self.context.build(config, self.context)


class Partitioned:
    """A folder of parts. See ``dataset``."""

    def __init__(self, place: Place, parts: Parts, *, overwrite: bool = False, lazily: bool = True) -> None:
        self.place = place
        self._parts = parts
        self._overwrite = overwrite
        self._lazily = lazily
        self._folder = FileDataset(place, _Folder(self), parts.context)

    def load(self) -> Any:
        return self.load_as(None)

    def load_as(self, wanted: str | None) -> Any:
        """A dict of lazy parts; a list of them when ``wanted`` is "list"."""
        return self._folder.load_as(wanted)

    def read(self, place: Place, wanted: str | None) -> Any:
        """The lazy parts of a folder."""
        if not place.is_local:
            refuse_unfinished(place)
        keys = self._parts.keys(place)
        if not keys:
            raise CatalogError(
                f"dataset {place.dataset!r} has no parts: {place.shown} holds no file "
                f"ending in {self._parts.suffix!r} (environment {place.env!r})",
                where=place.where,
                hint="is `filename_suffix` right?" if self._parts.suffix else None,
            )
        parts = [Part(key, partial(self._parts.dataset, place, key), wanted) for key in keys]
        return parts if wanted == "list" else {part.key: part for part in parts}

    def save(self, value: Any) -> Written:
        named = self._checked(value)
        if self.place.is_local or self._parts.context.versioned:
            return self._folder.save(named)
        return self._save_remote(named)

    def _checked(self, value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise CatalogError(
                f"dataset {self.place.dataset!r} is saved as a dict of part names and values, not "
                f"a {type(value).__name__}",
                where=self.place.where,
            )
        return {
            checked_part(str(key)): part for key, part in sorted(value.items(), key=lambda item: str(item[0]))
        }

    def write(self, value: Mapping[str, Any], path: Path) -> None:
        """Fill a fresh folder with the parts, and with the old ones that stay."""
        path.mkdir()
        old = self.place.local
        if not self._overwrite and not self._parts.context.versioned and old is not None and old.is_dir():
            link_all(old, path)
        staged = Place(str(path), "file", {}, self.place.dataset, self.place.env, self.place.where)
        for key, part in value.items():
            if not self._parts.nested_versions:
                # The old file may be linked, and must not be written through.
                (path / (key + self._parts.suffix)).unlink(missing_ok=True)
            self._parts.dataset(staged, key).save(self._materialised(part))

    def _save_remote(self, value: Mapping[str, Any]) -> Written:
        before = set(self._parts.keys(self.place)) if self._overwrite else set()
        for key, part in value.items():
            self._parts.dataset(self.place, key).save(self._materialised(part))
        for stale in before - set(value):
            self.place.fs.rm(f"{self.place.path.rstrip('/')}/{stale}{self._parts.suffix}", recursive=True)
        return Written(place=self.place.shown, content=self.fingerprint())

    def _materialised(self, part: Any) -> Any:
        return part() if callable(part) and self._lazily else part

    def exists(self) -> bool:
        return bool(self.parts()) if not self._parts.context.versioned else self._folder.exists()

    def fingerprint(self) -> str | None:
        return self._folder.fingerprint()

    def versions(self) -> list[str]:
        return self._folder.versions()

    def parts(self) -> list[str]:
        """The parts' names, sorted."""
        return self._parts.keys(self._current())

    def part(self, key: str) -> Any:
        """The dataset of one part.

        Raises:
            CatalogError: the name leads out of the folder.
        """
        return self._parts.dataset(self._current(), key)

    def _current(self) -> Place:
        return self._folder.load_place() if self._parts.context.versioned else self.place


@dataclass(frozen=True)
class _Folder:
    """The parts as the format of a folder, which gives them versions and safe saving."""

    owner: Partitioned

    def read(self, source: Source, wanted: str | None) -> Any:
        return self.owner.read(source.place, wanted)

    def write(self, value: Any, path: Path) -> None:
        self.owner.write(value, path)


def link_all(old: Path, new: Path) -> None:
    """The files of one folder in another that lacks them, without copying where the file system can."""
    for file in visible_files(old):
        target = new / file.relative_to(old)
        if target.exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(file, target)
        except OSError:
            shutil.copy2(file, target)


def incremental(
    context: Context,
    *,
    path: str,
    dataset: str | Mapping[str, Any],
    checkpoint: str | Mapping[str, Any] | None = None,
    filename_suffix: str = "",
    filepath_arg: str = "filepath",
    credentials: Mapping[str, Any] | None = None,
    load_args: Mapping[str, Any] | None = None,
    fs_args: Mapping[str, Any] | None = None,
) -> Incremental:
    """Loads a dict of the values of the parts since the checkpoint; ``confirm`` moves the checkpoint on.

    * ``checkpoint``: the name of the last part that counts as done; or ``force_checkpoint`` for the same,
      ``comparison_func`` (operator.gt and its like) for what counts as new, ``filepath`` for where the
      checkpoint is kept: a file CHECKPOINT beside the parts without it.
    """
    arguments: dict[str, Any] = {
        "path": path,
        "filename_suffix": filename_suffix,
        "filepath_arg": filepath_arg,
        "credentials": credentials,
        "load_args": load_args,
        "fs_args": fs_args,
    }
    whole = _MAKE_PARTS(context, dataset=dataset, **arguments)
    given: dict[str, Any] = (
        {"force_checkpoint": checkpoint} if isinstance(checkpoint, str) else dict(checkpoint or {})
    )
    for key in given:
        if key not in {"force_checkpoint", "comparison_func", "filepath", "credentials", "type"}:
            raise CatalogError(
                f"the checkpoint of {context.name!r} has {key!r}",
                where=context.where,
                hint=did_you_mean(key, ("force_checkpoint", "comparison_func", "filepath")),
            )
    comparison = str(given.get("comparison_func", "operator.gt"))
    if comparison not in _COMPARISONS:
        raise CatalogError(
            f"the checkpoint of {context.name!r} has an unknown comparison_func {comparison!r}",
            where=context.where,
            hint=did_you_mean(comparison, _COMPARISONS),
        )
    file = str(given.get("filepath") or whole.place.child(_CHECKPOINT).url)
    options = given.get("credentials") or credentials
    kept = place_of(
        file,
        root=context.root,
        credentials=options,
        fs_args=fs_args,
        dataset=context.name,
        where=context.where,
    )
    return Incremental(whole, kept, _COMPARISONS[comparison], given.get("force_checkpoint"))


# The argument ``dataset`` of the function below hides the function's own name.
_MAKE_PARTS = dataset


class Incremental:
    """The parts that came since the checkpoint. See ``incremental``."""

    def __init__(
        self,
        whole: Partitioned,
        checkpoint: Place,
        is_new: Callable[[str, str], bool],
        forced: str | None = None,
    ) -> None:
        self.whole = whole
        self._checkpoint = checkpoint
        self._is_new = is_new
        self._forced = forced
        self._loaded: list[str] | None = None

    def load(self) -> Any:
        return self.load_as(None)

    def load_as(self, wanted: str | None) -> Any:
        """A dict of the new parts' values; a list of lazy parts when ``wanted`` is "list"."""
        keys = self.parts()
        self._loaded = keys
        parts = [Part(key, partial(self.whole.part, key), wanted) for key in keys]
        return parts if wanted == "list" else {part.key: part.load() for part in parts}

    def save(self, value: Any) -> Written:
        return self.whole.save(value)

    def exists(self) -> bool:
        return bool(self.parts())

    def checkpoint(self) -> str | None:
        """The name of the last part that was dealt with, None when there is none yet."""
        if self._forced is not None:
            return self._forced
        if not self._checkpoint.exists():
            return None
        from plait.project.datasets.text import read_text

        return read_text(Source(self._checkpoint)).strip() or None

    def parts(self) -> list[str]:
        done = self.checkpoint()
        return [key for key in self.whole.parts() if done is None or self._is_new(key, done)]

    def part(self, key: str) -> Any:
        return self.whole.part(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self.parts())

    def fingerprint(self) -> str | None:
        found: list[str] = []
        for key in self.parts():
            one = self.whole.part(key).fingerprint()
            if one is None:
                return None
            found += [key, one]
        return hash_text("parts", *found)

    def confirm(self) -> None:
        """Move the checkpoint to the last part that ``load`` gave; nothing that came later is skipped."""
        keys = self._loaded if self._loaded is not None else self.parts()
        if not keys:
            return
        from plait.project.datasets.publish import publish
        from plait.project.datasets.text import write_text

        publish(self._checkpoint, lambda path: write_text(keys[-1], path))
        self._loaded = None
