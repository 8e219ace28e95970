"""How does the project's code reach other machines? As one archive per version, unpacked where tasks run."""

from __future__ import annotations

import io
import os
import secrets
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import blake3
import msgspec

from plait.data import ArtifactStore
from plait.engine.closure.origin import USER, Origins, module_file
from plait.engine.task import Code, Job
from plait.errors import ConfError, StoreError
from plait.project.project import Project

__all__ = ["code_folder", "is_same_folder", "mark_folder", "pack", "settled", "unpack"]

_MOST_BYTES = 256 * 2**20
_MOST_BESIDE = 500
_LEFT_OUT = frozenset({"__pycache__", "node_modules", "data", "dist", "build"})
_MARK = "folder-id"
_NOT_HERE = "not-here"
_PRIVATE = "credentials"
_MOMENT = (2020, 1, 1, 0, 0, 0)  # of every file: the same files are the same bytes


def pack(store: ArtifactStore, project: Project) -> Code:
    """Put the code of a project into the store, unless this version of it is there already.

    That is the project's folder, without what is hidden, ``data/``, credentials and ``conf/local``, and every module
    and package of the user's that is loaded from elsewhere.

    Raises:
        ConfError: it is too large to be code.
        StoreError: it cannot be stored.
    """
    roots = _roots(project)
    out, count, size = io.BytesIO(), 0, 0
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number, (root, files) in enumerate(roots.items()):
            for file in sorted(files):
                content = (Path(root) / file).read_bytes()
                count, size = count + 1, size + len(content)
                if size > _MOST_BYTES:
                    raise ConfError(
                        f"the code of {root} is more than {_MOST_BYTES >> 20} MiB, and all of it would travel to"
                        " the machines that run its steps",
                        where=str(Path(root) / file),
                        hint="keep data in data/ or in the catalog; or name what stays here:"
                        ' [tool.plait] code = {exclude = ["models/**"]}',
                    )
                archive.writestr(zipfile.ZipInfo(f"{number}/{file}", _MOMENT), content, zipfile.ZIP_DEFLATED)
    packed = out.getvalue()
    digest = blake3.blake3(packed).hexdigest()[:32]
    return Code(store.save(packed, "code"), tuple(roots), os.getcwd(), digest, count, size)


def _roots(project: Project) -> dict[str, set[str]]:
    """By folder, the files that travel, as seen from there."""
    found: dict[str, set[str]] = {}
    whole = str(project.root) if project.settings or project.has_conf else None
    if whole is not None:
        left_out = project.settings.get("code", {})
        patterns = left_out.get("exclude", ()) if isinstance(left_out, dict) else ()
        found[whole] = set(_files_of_project(Path(whole), project.conf_folder, patterns))
    else:
        # Beside a script may be what its steps import only when they run.
        beside = sorted(project.root.glob("*.py"))[:_MOST_BESIDE]
        found[str(project.root)] = {file.name for file in beside if file.is_file()}
    for folder, file in _loaded(whole):
        found.setdefault(folder, set()).update(file)
    return found


def _files_of_project(root: Path, conf: Path, patterns: Iterable[str]) -> Iterator[str]:
    for path, folders, files in os.walk(root):
        here = Path(path)
        folders[:] = sorted(name for name in folders if not _stays(here / name, conf))
        for name in files:
            file = here / name
            inside = file.relative_to(root)
            if name.startswith((".", _PRIVATE)) or name.endswith((".pyc", ".pyo")) or not file.is_file():
                continue
            if not any(inside.match(pattern) for pattern in patterns):
                yield inside.as_posix()


def _stays(folder: Path, conf: Path) -> bool:
    """Whether a folder of the project stays where it is."""
    if (
        folder.name.startswith((".", _PRIVATE))
        or folder.name in _LEFT_OUT
        or folder.name.endswith(".egg-info")
    ):
        return True
    return folder == conf / "local" or (folder / "pyvenv.cfg").is_file()


def _loaded(whole: str | None) -> Iterator[tuple[str, set[str]]]:
    """The user's modules that are loaded from elsewhere than the project: the folder of each, and its files."""
    origins = Origins()
    inside = os.path.join(whole, "") if whole is not None else None  # noqa: PTH118 - a prefix of texts
    for name, module in sorted(sys.modules.items()):
        if "." in name or name == "__mp_main__" or module is None:
            continue
        file = module_file(module)
        if (
            file is None
            or (inside is not None and file.startswith(inside))
            or origins.of_module(module) != USER
        ):
            continue
        place = Path(file)
        if place.name == "__init__.py":
            package = place.parent
            modules = (one.relative_to(package.parent).as_posix() for one in package.rglob("*.py"))
            yield str(package.parent), set(modules)
        elif place.suffix == ".py":
            yield str(place.parent), {place.name}


def mark_folder(home: Path) -> tuple[str, str]:
    """What other machines know a ``.plait`` folder by, where they mount it: a file of it, and what that holds."""
    file = home / _MARK
    try:
        known = file.read_text()
    except OSError:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=home, delete=False) as part:
            part.write(secrets.token_hex(16))
        with suppress(OSError):
            os.link(part.name, file)  # the first one counts
        os.unlink(part.name)
        known = file.read_text()
    return str(file), known


def is_same_folder(mark: tuple[str, str]) -> bool:
    """Whether a folder of another machine is within reach here."""
    file, known = mark
    try:
        return Path(file).read_text() == known
    except OSError:
        return False


def code_folder() -> Path:
    """Where code that came here is unpacked: ``PLAIT_CODE``, else in the user's cache, else where one may write."""
    named = os.environ.get("PLAIT_CODE")
    if named:
        return Path(named)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "plait" / "code"
    with suppress(OSError):
        cache.mkdir(parents=True, exist_ok=True, mode=0o700)
        if os.access(cache, os.W_OK):
            return cache
    own = os.getuid() if hasattr(os, "getuid") else "user"
    return Path(tempfile.gettempdir()) / f"plait-code-{own}"


def unpack(store: ArtifactStore, code: Code) -> Path:
    """The folder with this version of the code, unpacked if it is not there yet.

    Raises:
        StoreError: the store does not have it, as a folder that only the driver's machine has.
    """
    place = code_folder()
    folder = place / code.digest
    if folder.is_dir():
        return folder
    try:
        packed = store.load(code.artifact)
    except StoreError as error:
        raise StoreError(
            f"this machine cannot read the artifact store {store.url}: {error.what}",
            hint="name one that all machines reach, as artifact_store: s3://bucket/prefix in stack.yml,"
            " or a folder that all of them mount",
        ) from None
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(prefix=".part-", dir=place) as part:
        whole = Path(part) / "code"
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            archive.extractall(whole)
        with suppress(OSError):  # another process was faster
            whole.rename(folder)
    return folder


def settled(job: Job, store: ArtifactStore) -> tuple[Job, str]:
    """The job as this machine sees it, its code unpacked, and the folder to work in.

    Raises:
        StoreError: the code cannot be read here.
    """
    if job.abroad is None:
        return job, os.getcwd()
    code, folder = job.abroad.code, unpack(store, job.abroad.code)

    def here(path: str) -> str | None:
        for number, root in enumerate(code.roots):
            if path == root or path.startswith(os.path.join(root, "")):  # noqa: PTH118
                return os.path.normpath(folder / str(number) / os.path.relpath(path, root))
        return None

    entries = [found for entry in job.search_path if (found := here(entry)) is not None]
    entries += [str(folder / str(number)) for number in range(len(code.roots))]
    root = job.abroad.project.root
    # Relative paths of data mean the project's own folder, which has to be the same one and not only called so.
    shared = is_same_folder(job.abroad.home)
    data = root if shared else str(folder / _NOT_HERE)
    project = msgspec.structs.replace(
        job.abroad.project, root=here(root) or root, data_root=data, params_file=None
    )
    found_work = Path(code.folder).is_dir() and (shared or here(code.folder) is None)
    work_in = code.folder if found_work else here(code.folder) or str(folder / "0")
    path = tuple(dict.fromkeys(entry for entry in entries if Path(entry).is_dir()))
    made = msgspec.structs.replace(
        job, search_path=path, project=project, access=job.abroad.access, abroad=None
    )
    return made, work_in
