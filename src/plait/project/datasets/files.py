"""How does a value that lives in one file (or one folder) get versions, safe saving and a fingerprint?"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from plait.errors import CatalogError, did_you_mean
from plait.project.datasets.protocol import Context, Format, Written
from plait.project.datasets.publish import publish, recover_folder
from plait.project.datasets.storage import UNFINISHED, Copies, Place, Source, place_of
from plait.project.datasets.versions import checked_version, new_version, next_version

__all__ = ["FileDataset", "file_dataset", "no_versions"]


class FileDataset:
    """A value in one file or folder, read and written by a format.

    Args:
        append: add the new bytes after the old ones, as ``open_args_save: {mode: a}`` asks.
        carry: give the writer a copy of the old data to change, for classes that may do more than overwrite.
    """

    def __init__(
        self, place: Place, format_: Format, context: Context, *, append: bool = False, carry: bool = False
    ) -> None:
        self.place = place
        self.format = format_
        self.context = context
        self.append = append
        self.carry = carry
        self.copies = Copies()

    def __repr__(self) -> str:
        return f"{type(self.format).__name__}({self.place.shown!r})"

    def load(self) -> Any:
        return self.load_as(None)

    def load_as(self, wanted: str | None) -> Any:
        place = self.load_place()
        if place.is_local:
            recover_folder(Path(place.url))
            if not Path(place.url).exists():
                raise place.missing()
        try:
            if wanted == "path":
                return Path(place.url) if place.is_local else self.copies.of(place)
            return self.format.read(Source(place), wanted)
        except FileNotFoundError as error:
            if place.exists():
                raise
            raise place.missing() from error

    def save(self, value: Any) -> Written:
        write = self.format.write
        if not self.context.versioned:
            return publish(self.place, lambda path: self._write(write, value, path))
        version, place = self._claim()
        return publish(place, lambda path: write(value, path), version=version)

    def exists(self) -> bool:
        if not self.context.versioned:
            return self.place.exists()
        known, pinned = self.versions(), self.context.load_version
        return pinned in known if pinned is not None else bool(known)

    def fingerprint(self) -> str | None:
        if self.context.versioned and not self.context.load_version and not self.versions():
            return None
        return self.load_place().fingerprint(self.context.memo)

    def holds(self, content: str) -> bool | None:
        """None where that cannot be told: a store names content in its own way, a new version hides an old one."""
        if not self.place.is_local or self.context.versioned:
            return None
        found = self.fingerprint()
        return None if found is None else found == content

    def versions(self) -> list[str]:
        """The versions that were saved whole, newest first; none for a dataset without versions."""
        if not self.context.versioned:
            return []
        if self.place.is_local:
            base = Path(self.place.url)
            names = [name for name in self.place.folders() if (base / name / self.place.name).exists()]
        else:
            names = _remote_versions(self.place)
        return sorted(names, reverse=True)

    def release(self) -> None:
        self.copies.remove()
        if not self.place.is_local:
            self.place.forget_listings()

    def load_place(self) -> Place:
        context = self.context
        if not context.versioned:
            if context.load_version is not None:
                raise no_versions(context)
            return self.place
        if context.load_version is not None:
            version = checked_version(context.load_version, dataset=context.name, where=context.where)
            place = self.place.versioned(version)
            if not place.exists():
                known = self.versions()
                raise CatalogError(
                    f"dataset {context.name!r} has no version {version!r} (environment {context.env!r})",
                    where=context.where,
                    hint=did_you_mean(version, known) or "it has no version at all yet",
                )
            return place
        known = self.versions()
        if not known:
            raise self._no_version()
        return self.place.versioned(known[0])

    def _no_version(self) -> CatalogError:
        local = self.place.local
        if local is not None and local.is_file():
            hint = (
                f"{local} is a plain file: drop `versioned: true`, or move it to "
                f"{local}/{new_version()}/{local.name}"
            )
        else:
            hint = "the step that saves it has to run first"
        return CatalogError(
            f"dataset {self.context.name!r} has no version yet: {self.place.shown} (environment "
            f"{self.context.env!r})",
            where=self.context.where,
            hint=hint,
        )

    def _claim(self) -> tuple[str, Place]:
        """A version that nobody else writes, and its place."""
        context = self.context
        given = context.save_version
        version = checked_version(given or new_version(), dataset=context.name, where=context.where)
        while True:
            place = self.place.versioned(version)
            if not self._taken(place):
                return version, place
            if given is not None:
                raise CatalogError(
                    f"version {version!r} of {context.name!r} is there already, and versions never change",
                    where=context.where,
                    hint="save under another version, or leave the version out for a new one",
                )
            version = next_version(version)

    def _taken(self, place: Place) -> bool:
        if self.context.save_version is not None or not place.is_local:
            return place.exists()
        folder = Path(place.url).parent
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir()
        except FileExistsError as error:
            if self.place.local is not None and self.place.local.is_file():
                raise self._no_version() from error
            return True
        except NotADirectoryError as error:
            raise self._no_version() from error
        return False

    def _write(self, write: Any, value: Any, path: Path) -> None:
        if self.carry:
            self._copy_old(path)
        write(value, path)
        if self.append:
            new = path.read_bytes()
            path.unlink()
            self._copy_old(path)
            with path.open("ab") as whole:
                whole.write(new)

    def _copy_old(self, path: Path) -> None:
        """What is there now, as a copy that may be changed; nothing when there is nothing."""
        if not self.place.exists():
            return
        with Source(self.place).local() as old:
            (shutil.copytree if old.is_dir() else shutil.copy2)(old, path)


def no_versions(context: Context) -> CatalogError:
    """The error for a version that is asked of a dataset without any."""
    return CatalogError(
        f"version {context.load_version!r} of {context.name!r} is asked for, but it keeps only its last one",
        where=context.where,
        hint="add `versioned: true` to the entry",
    )


def _remote_versions(place: Place) -> list[str]:
    """The version folders with this file, or with this folder and no mark that it is unfinished."""
    place.forget_listings()
    start = place.path.rstrip("/") + "/"
    try:
        found = place.fs.find(place.path)
    except FileNotFoundError:
        return []
    whole: set[str] = set()
    broken: set[str] = set()
    for path in found:
        parts = path[len(start) :].split("/")
        if len(parts) > 1 and parts[1] == place.name:
            (broken if parts[-1] == UNFINISHED else whole).add(parts[0])
    return list(whole - broken)


def file_dataset(
    context: Context,
    format_: Format,
    *,
    filepath: str,
    credentials: Mapping[str, Any] | None,
    fs_args: Mapping[str, Any] | None,
) -> FileDataset:
    """The dataset of a native format, from the arguments that all of them share."""
    place = place_of(
        filepath,
        root=context.root,
        credentials=credentials,
        fs_args=fs_args,
        dataset=context.name,
        env=context.env,
        where=context.where,
    )
    mode = ((fs_args or {}).get("open_args_save") or {}).get("mode")
    append = str(mode or "").startswith("a")
    return FileDataset(place, format_, context, append=append)
