"""Where does a dataset's file or folder live, and how is it reached?"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import IO, Any

from plait.errors import CatalogError, did_you_mean
from plait.project.datasets.fingerprints import Memo, hash_local, hash_text, is_unfinished, remote_fingerprint

__all__ = ["UNFINISHED", "Copies", "Place", "Source", "is_remote", "masked_url", "place_of"]

# Stores where a finished upload replaces the object in one step, so that no temporary name is needed.
OBJECT_STORES = frozenset({"s3", "gs", "gcs", "abfs", "abfss", "az", "adl", "oci", "oss", "memory"})
READ_ONLY = frozenset({"http", "https"})
# Lies in a remote folder while it is being written.
UNFINISHED = ".unfinished.saving"

_URL = re.compile(r"^[A-Za-z][A-Za-z0-9+.\-]*(://|::)")
_LOCAL = re.compile(r"^(file|local)://")
_SPELLINGS = {"s3a": "s3", "s3n": "s3"}
_CLIENTS = {"s3": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "abfs": "adlfs", "abfss": "adlfs", "az": "adlfs",
            "adl": "adlfs", "oci": "ocifs", "oss": "ossfs", "http": "aiohttp", "https": "aiohttp",
            "sftp": "paramiko", "ssh": "paramiko", "hdfs": "pyarrow", "smb": "smbprotocol"}  # fmt: skip


def is_remote(filepath: str) -> bool:
    """Whether a filepath names another store than this machine's files."""
    return bool(_URL.match(filepath)) and not _LOCAL.match(filepath)


def masked_url(text: str) -> str:
    """A filepath or connection string as it may be shown: without user, password or query."""
    text = re.sub(r"(?<=://)[^/@\s]*@", "***@", text)
    return re.sub(r"(?<=\?)[^\s'\"]+", "***", text) if "://" in text else text


@dataclass(frozen=True)
class Place:
    """One file or folder: on this machine or behind fsspec.

    Args:
        url: an absolute local path, or a URL with its protocol.
        protocol: "file" or fsspec's name of the store.
        options: what the store's client is opened with, credentials among them.
    """

    url: str
    protocol: str
    options: Mapping[str, Any]
    dataset: str
    env: str = "local"
    where: str | None = None

    def __repr__(self) -> str:
        return f"Place({masked_url(self.url)!r})"

    def __getstate__(self) -> dict[str, Any]:
        """Without the client and its credentials: a place that travels must not carry a secret."""
        hidden = bool(self.options) and not self.is_local
        return {**{key: value for key, value in self.__dict__.items() if key != "_reached"},
                "options": {"__withheld__": True} if hidden else self.options}  # fmt: skip

    @property
    def is_local(self) -> bool:
        return self.protocol == "file"

    @property
    def local(self) -> Path | None:
        """The path on this machine, None for a remote place."""
        return Path(self.url) if self.is_local else None

    @property
    def name(self) -> str:
        """The last part of the path, its suffixes included."""
        return PurePosixPath(self.url.partition("::")[0].split("?")[0].replace("\\", "/")).name

    @property
    def shown(self) -> str:
        return masked_url(self.url)

    def child(self, *parts: str) -> Place:
        """A place inside this folder."""
        first, mark, rest = self.url.partition("::")
        return replace(self, url="/".join([first.rstrip("/"), *parts]) + mark + rest)

    def versioned(self, version: str) -> Place:
        """Where one version of this file lies."""
        return self.child(version, self.name)

    def check_credentials(self) -> None:
        """A place that came from another process has lost its credentials.

        Raises:
            CatalogError: it needs them.
        """
        if "__withheld__" in self.options:
            raise CatalogError(
                f"the credentials of {self.dataset!r} do not travel to another process with its parts",
                where=self.where,
                hint="let the step take the part's value, or load it with catalog.dataset(name).part(key)",
            )

    @cached_property
    def _reached(self) -> tuple[Any, str]:
        from fsspec.core import url_to_fs

        self.check_credentials()
        try:
            fs, path = url_to_fs(self.url, **self.options)
        except ImportError as error:
            client = _CLIENTS.get(self.protocol, self.protocol)
            raise CatalogError(
                f"{self.dataset!r} lies on {self.protocol}://, which needs a client that is not installed",
                where=self.where,
                hint=f"pip install {client}",
            ) from error
        except ValueError as error:
            from fsspec import available_protocols

            raise CatalogError(
                f"{self.dataset!r} has a filepath that no client knows: {self.shown} ({error})",
                where=self.where,
                hint=did_you_mean(self.protocol, available_protocols()),
            ) from error
        return fs, path

    @property
    def fs(self) -> Any:
        """The fsspec file system of a remote place."""
        return self._reached[0]

    @property
    def path(self) -> str:
        """The path as the file system itself spells it."""
        return self._reached[1]

    def forget_listings(self) -> None:
        """Ask the store anew: others may have written since."""
        if not self.is_local:
            self.fs.invalidate_cache()

    def exists(self) -> bool:
        if self.is_local:
            return Path(self.url).exists()
        self.forget_listings()
        return bool(self.fs.exists(self.path))

    def is_folder(self) -> bool:
        return Path(self.url).is_dir() if self.is_local else bool(self.fs.isdir(self.path))

    def files(self) -> list[str]:
        """The paths of all files in this folder, relative to it and sorted; those being saved left out."""
        if self.is_local:
            from plait.project.datasets.fingerprints import visible_files

            base = Path(self.url)
            return [file.relative_to(base).as_posix() for file in visible_files(base)]
        self.forget_listings()
        start = self.path.rstrip("/") + "/"
        try:
            found = self.fs.find(self.path)
        except FileNotFoundError:
            return []
        inside = (path[len(start) :] for path in found if path.startswith(start))
        return sorted(path for path in inside if not any(is_unfinished(part) for part in path.split("/")))

    def folders(self) -> list[str]:
        """The names of the folders directly inside this one, sorted."""
        if self.is_local:
            base = Path(self.url)
            return sorted(f.name for f in base.iterdir() if f.is_dir()) if base.is_dir() else []
        self.forget_listings()
        try:
            listed = self.fs.ls(self.path, detail=True)
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(PurePosixPath(item["name"]).name for item in listed if item["type"] == "directory")

    def fingerprint(self, memo: Memo | None = None) -> str | None:
        """What identifies the content: bytes of local files, the store's own word for remote ones."""
        if self.is_local:
            return hash_local(Path(self.url), memo)
        self.forget_listings()
        if not self.fs.exists(self.path):
            return None
        if not self.fs.isdir(self.path):
            return self._remote(self.path)
        parts: list[str] = []
        for name in self.files():
            found = self._remote(f"{self.path.rstrip('/')}/{name}")
            if found is None:
                return None
            parts += [name, found]
        return hash_text("folder", *parts)

    def _remote(self, path: str) -> str | None:
        if self.protocol == "memory":
            return hash_text(self.fs.cat_file(path))
        return remote_fingerprint(self.fs.info(path))

    def missing(self) -> CatalogError:
        """The error for a file that is not there: which entry, which path, which environment."""
        hint = None
        if self.is_local:
            parent = Path(self.url).parent
            if not parent.is_dir():
                hint = f"the folder {parent} does not exist either"
            else:
                siblings = [file.name for file in parent.iterdir() if not file.name.startswith(".")]
                hint = did_you_mean(self.name, siblings) or f"the folder {parent} is empty"
        return CatalogError(
            f"dataset {self.dataset!r} has no data: {self.shown} does not exist (environment {self.env!r})",
            where=self.where,
            hint=hint,
        )


@dataclass(frozen=True)
class Source:
    """A place as a reader sees it."""

    place: Place

    @property
    def path(self) -> Path | None:
        return self.place.local

    @property
    def name(self) -> str:
        return self.place.name

    def open(self) -> IO[bytes]:
        """The bytes, as a file that can seek."""
        if self.place.is_local:
            return Path(self.place.url).open("rb")
        handle: IO[bytes] = self.place.fs.open(self.place.path, "rb")
        return handle

    @contextlib.contextmanager
    def local(self) -> Iterator[Path]:
        """A path on this machine: the file itself, or a copy for as long as the block lasts."""
        if self.place.is_local:
            yield Path(self.place.url)
            return
        from tempfile import TemporaryDirectory

        with TemporaryDirectory(prefix="plait-") as folder:
            target = Path(folder, self.name or "data")
            self.place.fs.get(self.place.path, str(target), recursive=self.place.is_folder())
            yield target


class Copies:
    """Copies of remote data on this machine, for those who ask for a path; kept as long as the process."""

    def __init__(self) -> None:
        self._folders: list[str] = []

    def of(self, place: Place) -> Path:
        """A fresh copy of a remote file or folder."""
        import atexit
        import shutil
        from tempfile import mkdtemp

        folder = mkdtemp(prefix="plait-")
        self._folders.append(folder)
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        target = Path(folder, place.name or "data")
        if place.is_folder():
            # File by file: a web server's listing, for one, has no folders that could be copied as such.
            above = place.path.rstrip("/") + "/"
            target.mkdir()
            for name in place.fs.find(place.path):
                inside = target / name.removeprefix(above)
                inside.parent.mkdir(parents=True, exist_ok=True)
                place.fs.get_file(name, str(inside))
        else:
            place.fs.get_file(place.path, str(target))
        return target

    def remove(self) -> None:
        """Delete them now."""
        import shutil

        for folder in self._folders:
            shutil.rmtree(folder, ignore_errors=True)
        self._folders.clear()


def place_of(
    filepath: str | Path,
    *,
    root: Path,
    credentials: Mapping[str, Any] | None = None,
    fs_args: Mapping[str, Any] | None = None,
    dataset: str = "",
    env: str = "local",
    where: str | None = None,
) -> Place:
    """The place that a ``filepath`` means; relative ones start at the project's root."""
    filepath = str(filepath)
    if not is_remote(filepath):
        local = Path(_LOCAL.sub("", filepath)).expanduser()
        return Place(str(root / local), "file", {}, dataset, env, where)
    if credentials is not None and not isinstance(credentials, Mapping):
        raise CatalogError(
            f"the credentials of {dataset!r} are {type(credentials).__name__}, not names and values",
            where=where,
            hint="write the options of the store's client below the key, such as key: and secret:",
        )
    options = {**(credentials or {}), **(fs_args or {})}
    for key in ("open_args_load", "open_args_save"):
        options.pop(key, None)
    written = re.split(r"://|::", filepath, maxsplit=1)[0]
    protocol = _SPELLINGS.get(written, written)
    return Place(protocol + filepath[len(written) :], protocol, options, dataset, env, where)
