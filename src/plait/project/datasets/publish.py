"""How does new data take the place of the old, whole or not at all?

Everything is first written beside its place under a name that readers ignore, forced to the disk, and only
then moved over the old data in one step. A crash before that step leaves the old data as it was.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from plait.data.remote import make_folder
from plait.errors import CatalogError
from plait.project.datasets.fingerprints import hash_local
from plait.project.datasets.protocol import Written
from plait.project.datasets.storage import OBJECT_STORES, READ_ONLY, UNFINISHED, Place

__all__ = ["publish", "recover_folder", "replace_local"]

_LEFTOVER_SECONDS = 24 * 3600


def publish(place: Place, write: Callable[[Path], None], *, version: str | None = None) -> Written:
    """Let ``write`` fill a path beside ``place``, then put what it wrote in place.

    What else ``write`` leaves in the same folder goes along: some formats are a main file with companions.

    Raises:
        CatalogError: the place cannot be written, or ``write`` wrote nothing.
    """
    if place.protocol in READ_ONLY:
        raise CatalogError(
            f"{place.dataset!r} lies on {place.protocol}://, which can be read but not written: "
            f"{place.shown}",
            where=place.where,
            hint="save under another entry, with a filepath on this machine or in an object store",
        )
    with _stage(place) as folder:
        staged = folder / place.name
        write(staged)
        if not staged.exists():
            raise CatalogError(
                f"saving {place.dataset!r} wrote nothing to {staged.name!r}",
                where=place.where,
                hint="its type must write to the filepath that it is constructed with",
            )
        content = hash_local(staged)
        size = _size(staged)
        others = sorted(item for item in folder.iterdir() if item != staged)
        for item in [*others, staged]:
            _put(place, item)
    return Written(place=place.shown, content=content, version=version, size=size)


def _put(place: Place, item: Path) -> None:
    if not place.is_local:
        _upload(place, item)
        return
    target = Path(place.url)
    replace_local(item, target if item.name == target.name else target.with_name(item.name), place)


@contextlib.contextmanager
def _stage(place: Place) -> Iterator[Path]:
    """A fresh folder to write in: on the same file system for local places."""
    if not place.is_local:
        with tempfile.TemporaryDirectory(prefix="plait-") as folder:
            yield Path(folder)
        return
    parent = _real(Path(place.url)).parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise _in_the_way(place, error) from error
    _sweep(parent, place.name)
    stage = parent / f".{place.name}.{secrets.token_hex(6)}.saving"
    stage.mkdir()
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _in_the_way(place: Place, error: OSError) -> CatalogError:
    return CatalogError(
        f"{place.dataset!r} cannot be saved to {place.shown}: a file lies where a folder has to be ({error})",
        where=place.where,
        hint="a dataset that was saved without `versioned: true` before: move its file away, or "
        "into a version's folder",
    )


def _sweep(parent: Path, name: str) -> None:
    """Remove what saves of this dataset left behind when they were killed, a day or more ago."""
    for left in parent.glob(f".{_escaped(name)}.*.saving"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _LEFTOVER_SECONDS:
                shutil.rmtree(left, ignore_errors=True)


def _escaped(name: str) -> str:
    import glob

    return glob.escape(name)


def _real(target: Path) -> Path:
    """What a symbolic link points to: the link stays, its file is replaced."""
    return target.resolve() if target.is_symlink() else target


def replace_local(staged: Path, target: Path, place: Place | None = None) -> None:
    """Move a finished file or folder over ``target`` in one step, durably."""
    target = _real(target)
    _sync(staged)
    if staged.is_dir():
        _swap_folder(staged, target)
    else:
        if target.is_dir():
            what = f"{place.dataset!r}" if place else "the dataset"
            raise CatalogError(
                f"{what} cannot be saved to the file {target}: a folder of that name is there",
                where=place.where if place else None,
                hint="a folder of versions? then the entry needs `versioned: true`; otherwise move "
                "the folder away",
            )
        if target.exists():
            with contextlib.suppress(OSError):
                shutil.copymode(target, staged)
        os.replace(staged, target)
    _sync_folder(target.parent)


def _swap_folder(staged: Path, target: Path) -> None:
    if not target.exists():
        staged.rename(target)
    elif _exchange(staged, target):
        shutil.rmtree(staged, ignore_errors=True)
    else:
        aside = target.with_name(f".{target.name}.replaced")
        shutil.rmtree(aside, ignore_errors=True)
        target.rename(aside)
        staged.rename(target)
        shutil.rmtree(aside, ignore_errors=True)


def recover_folder(target: Path) -> None:
    """Bring a folder back that a crash caught between the two renames of a swap without an exchange."""
    aside = target.with_name(f".{target.name}.replaced")
    if not target.exists() and aside.exists():
        with contextlib.suppress(OSError):
            aside.rename(target)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two names in one step, where the system can."""
    try:
        library = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "linux":
            at_cwd, exchange = -100, 2
            code = library.renameat2(at_cwd, os.fsencode(one), at_cwd, os.fsencode(other), exchange)
        elif sys.platform == "darwin":
            swap = 2
            code = library.renamex_np(os.fsencode(one), os.fsencode(other), swap)
        else:
            return False
    except (AttributeError, OSError, TypeError):
        return False
    if code == 0:
        return True
    number = ctypes.get_errno()
    if number in {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM}:
        return False
    raise OSError(number, os.strerror(number), str(other))


def _sync(path: Path) -> None:
    """Force a file, or every file of a folder, to the disk."""
    if path.is_dir():
        for inside in path.iterdir():
            _sync(inside)
        _sync_folder(path)
        return
    with path.open("rb+" if sys.platform == "win32" else "rb") as handle:
        os.fsync(handle.fileno())


def _sync_folder(folder: Path) -> None:
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _size(path: Path) -> int:
    if path.is_dir():
        return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return path.stat().st_size


def _upload(place: Place, item: Path) -> None:
    target = place.path if item.name == place.name else f"{place.path.rpartition('/')[0]}/{item.name}"
    if item.is_dir():
        _upload_folder(place, item, target)
    else:
        _upload_file(place, item, target)
    place.forget_listings()


def _upload_file(place: Place, item: Path, target: str) -> None:
    fs = place.fs
    if place.protocol in OBJECT_STORES:
        fs.put_file(str(item), target)
        return
    parent = str(PurePosixPath(target).parent)
    make_folder(fs, parent)
    temporary = f"{parent}/.{PurePosixPath(target).name}.{secrets.token_hex(6)}.saving"
    try:
        fs.put_file(str(item), temporary)
        fs.mv(temporary, target)
    except BaseException:
        with contextlib.suppress(Exception):
            fs.rm_file(temporary)
        raise


def _upload_folder(place: Place, item: Path, target: str) -> None:
    """Put a folder's files up one by one, behind a mark that says it is not finished.

    A remote store cannot swap folders: readers are turned away while the mark is there, and only a versioned
    dataset keeps its old data readable meanwhile.
    """
    fs = place.fs
    mark = f"{target}/{UNFINISHED}"
    make_folder(fs, target)
    fs.pipe_file(mark, b"")
    names = [file.relative_to(item).as_posix() for file in sorted(item.rglob("*")) if file.is_file()]
    for name in names:
        _upload_file(place, item / name, f"{target}/{name}")
    for stale in set(place.files() if target == place.path else []) - set(names):
        fs.rm_file(f"{target}/{stale}")
    fs.rm_file(mark)
