"""Which artifact stores can a stack name, and what can be set on each?

Each class is a type: its fields are the options of ``artifact_store:`` in ``stack.yml``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from msgspec import Struct

from plait.data.access import Access
from plait.data.store import ArtifactStore
from plait.graph.units import read_seconds, read_size
from plait.project.secrets import Secret, reveal

if TYPE_CHECKING:
    from plait.project.project import Project

__all__ = ["S3", "AnyPlace", "Azure", "Gcs", "Local", "Memory", "Sftp", "cache_folder"]


class Local(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A folder of this machine, or one that all machines see."""

    path: str | None = None

    def open(self, project: Project) -> ArtifactStore:
        if self.path is None:
            return ArtifactStore(str(project.home / "artifacts"))
        return ArtifactStore(str(project.root / Path(self.path).expanduser()))


class _Remote(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every store behind a URL takes.

    Attributes:
        url: where the artifacts are.
        cache: a local folder that keeps what was read and written; ``none`` for no cache.
        cache_size: how much of it at most; what was used longest ago goes first.
        retry_for: how long a store is asked again that is down, throttles or breaks connections off.
        parallel: how many transfers at a time.
        options: what else the file system of fsspec takes.
    """

    url: str
    cache: str | None = None
    cache_size: str = "20GiB"
    retry_for: str = "5m"
    parallel: int = 8
    options: dict[str, Any] = {}

    def __post_init__(self) -> None:
        read_size(self.cache_size)
        read_seconds(self.retry_for)
        if self.parallel < 1:
            raise ValueError("parallel must be at least 1")

    def open(self, project: Project) -> ArtifactStore:
        given = reveal({**self.options, **dict(self.storage_options())})
        access = Access(
            options=tuple(sorted(given.items(), key=lambda item: str(item[0]))),
            retry_seconds=read_seconds(self.retry_for),
            parallel=self.parallel,
            cache_bytes=read_size(self.cache_size),
        )
        return ArtifactStore(self.url, self.cache_place(project), access)

    def cache_place(self, project: Project) -> str | None:
        if self.cache is None:
            return str(cache_folder())
        return None if self.cache == "none" else str(project.root / Path(self.cache).expanduser())

    def storage_options(self) -> Iterator[tuple[str, Any]]:
        return iter(())


class S3(_Remote, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A bucket of S3, or of what speaks its language (``endpoint_url``); credentials as AWS finds them, or given."""

    integration: ClassVar[str] = "s3"
    schemes: ClassVar[tuple[str, ...]] = ("s3", "s3a")

    key: Secret | None = None
    secret: Secret | None = None
    token: Secret | None = None
    profile: str | None = None
    endpoint_url: str | None = None
    region: str | None = None
    anon: bool = False

    def storage_options(self) -> Iterator[tuple[str, Any]]:
        for name in ("key", "secret", "token", "profile", "endpoint_url"):
            if getattr(self, name) is not None:
                yield name, getattr(self, name)
        if self.anon:
            yield "anon", True
        if self.region is not None:
            yield "client_kwargs", {**self.options.get("client_kwargs", {}), "region_name": self.region}


class Gcs(_Remote, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A bucket of Google Cloud Storage; credentials as Google finds them, or a ``token`` (a file)."""

    integration: ClassVar[str] = "gcs"
    schemes: ClassVar[tuple[str, ...]] = ("gs", "gcs")

    project: str | None = None
    token: Secret | None = None
    endpoint_url: str | None = None

    def storage_options(self) -> Iterator[tuple[str, Any]]:
        for name in ("project", "token", "endpoint_url"):
            if getattr(self, name) is not None:
                yield name, getattr(self, name)


class Azure(_Remote, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A container of Azure Blob Storage, ``abfs://container/prefix``."""

    integration: ClassVar[str] = "azure"
    schemes: ClassVar[tuple[str, ...]] = ("abfs", "abfss", "az")

    account_name: str | None = None
    account_key: Secret | None = None
    connection_string: Secret | None = None
    sas_token: Secret | None = None
    anon: bool | None = None

    def storage_options(self) -> Iterator[tuple[str, Any]]:
        for name in ("account_name", "account_key", "connection_string", "sas_token", "anon"):
            if getattr(self, name) is not None:
                yield name, getattr(self, name)


class Sftp(_Remote, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A folder of another machine that sshd serves, ``sftp://user@host/folder``."""

    integration: ClassVar[str] = "sftp"
    schemes: ClassVar[tuple[str, ...]] = ("sftp", "ssh")

    username: str | None = None
    password: Secret | None = None
    key_filename: str | None = None
    port: int | None = None

    def storage_options(self) -> Iterator[tuple[str, Any]]:
        for name in ("username", "password", "key_filename", "port"):
            if getattr(self, name) is not None:
                yield name, getattr(self, name)


class Memory(_Remote, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The memory of this process: for tests, gone with it."""

    schemes: ClassVar[tuple[str, ...]] = ("memory",)

    def cache_place(self, project: Project) -> str | None:
        return None if self.cache in (None, "none") else str(project.root / self.cache)


class AnyPlace(_Remote, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whatever else fsspec can reach; ``options`` are those of its file system."""


def cache_folder() -> Path:
    """The folder that keeps what was read from stores: one for all of them, since content has one name everywhere."""
    named = os.environ.get("PLAIT_CACHE")
    if named:
        return Path(named).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "plait" / "artifacts"
