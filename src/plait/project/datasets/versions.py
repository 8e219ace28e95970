"""What is a version called, and which ones are there?

The layout is Kedro's, so either tool reads what the other wrote: ``path/<version>/<last part of path>``,
where a version is a UTC timestamp down to the millisecond, and the greatest name is the newest.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from plait.errors import CatalogError

__all__ = ["checked_version", "new_version", "next_version"]

_FORMAT = "%Y-%m-%dT%H.%M.%S.%f"


def new_version(now: datetime | None = None) -> str:
    """A version for this moment, such as ``2026-03-01T09.30.00.125Z``."""
    return (now or datetime.now(tz=UTC)).strftime(_FORMAT)[:-3] + "Z"


def next_version(version: str) -> str:
    """The version one millisecond later."""
    moment = datetime.strptime(version, _FORMAT + "Z").replace(tzinfo=UTC)
    return new_version(moment + timedelta(milliseconds=1))


def checked_version(version: str, *, dataset: str, where: str | None = None) -> str:
    """The version itself, if it is one path component.

    Raises:
        CatalogError: it could name a place outside the dataset's own folder.
    """
    if (
        not isinstance(version, str)
        or version in {"", ".", ".."}
        or any(mark in version for mark in "/\\\0:*?[]")
    ):
        raise CatalogError(
            f"{version!r} cannot be a version of {dataset!r}: it would lead out of the dataset's own folder",
            where=where,
            hint=f"a version is one name, such as {new_version()}; see `plait catalog versions {dataset}`",
        )
    return version
