"""How does a project travel? As a wheel that ``python -m`` runs, and its conf in an archive beside it."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from base64 import urlsafe_b64encode
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

from msgspec import Struct

from plait.errors import ConfError
from plait.project.discover import ProjectFile
from plait.project.project import Project

__all__ = ["Packaged", "package_project"]

_MAIN = '''"""Runs the pipelines of this package: python -m {package} [TARGET] [NAME=VALUE]…"""

DEFAULT = {default!r}

if __name__ == "__main__":
    from plait.cli.packaged import main

    main({package!r}, default=DEFAULT, conf={conf!r})
'''


class Packaged(Struct, frozen=True):
    """What was made."""

    wheel: Path
    conf: Path | None
    package: str


def package_project(project: Project, out: Path) -> Packaged:
    """Build the wheel of a project, with a ``__main__`` that runs its pipelines, and an archive of its conf.

    ``conf/local`` and credentials stay where they are. A ``__main__.py`` of the project's own is left alone.

    Raises:
        ConfError: the project has no package, or cannot be built; the last lines of the build say why.
    """
    file = project.file
    if file is None:
        raise ConfError(f"{project.root} is no project, so it cannot be packaged", hint="plait new PATH")
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="plait-package-") as scratch:
        built = _build(project.root, Path(scratch))
        whole = Path(scratch) / "whole.whl"
        _with_main(built, whole, file, conf=project.has_conf)
        wheel = out / built.name
        os.replace(_copied(whole, out), wheel)
    conf = _archive(project, out, wheel) if project.has_conf else None
    return Packaged(wheel, conf, file.package)


def _copied(file: Path, folder: Path) -> Path:
    """The same file in a folder of perhaps another disk, under a name that nobody takes for a whole one."""
    import shutil

    part = folder / f".{file.name}.part"
    shutil.copyfile(file, part)
    return part


def _build(root: Path, out: Path) -> Path:
    """The wheel as the project's own build backend makes it: with what is installed here, else as pip does it."""
    backend = _backend(root)
    if find_spec(backend.partition(":")[0].partition(".")[0]) is not None:
        module, _, attribute = backend.partition(":")
        code = (
            f"import sys, importlib; found = importlib.import_module({module!r})\n"
            f"for part in {attribute!r}.split('.'): found = getattr(found, part) if part else found\n"
            "found.build_wheel(sys.argv[1])"
        )
        command = [sys.executable, "-c", code, str(out)]
    elif find_spec("uv") is not None:
        command = [sys.executable, "-m", "uv", "build", "--wheel", "--out-dir", str(out), str(root)]
    else:
        command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "-w", str(out), str(root)]
    done = subprocess.run(
        command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    wheels = sorted(out.glob("*.whl"))
    if done.returncode or not wheels:
        said = "\n".join(done.stdout.strip().splitlines()[-6:])
        raise ConfError(f"the wheel could not be built:\n{said}", where=str(root / "pyproject.toml"))
    return wheels[0]


def _backend(root: Path) -> str:
    import tomllib

    table = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    return str(table.get("build-system", {}).get("build-backend", "setuptools.build_meta"))


def _with_main(built: Path, target: Path, file: ProjectFile, *, conf: bool) -> None:
    """The wheel with the generated ``__main__`` and its line in ``RECORD``."""
    place = f"{file.package.replace('.', '/')}/__main__.py"
    body = _MAIN.format(package=file.package, default=file.default, conf=conf).encode()
    with (
        zipfile.ZipFile(built) as old,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        names = old.namelist()
        if not any(name.startswith(f"{file.package.replace('.', '/')}/") for name in names):
            raise ConfError(
                f"the wheel {built.name} does not hold the package {file.package!r}",
                where=str(file.root / "pyproject.toml"),
                hint=f'with hatchling: [tool.hatch.build.targets.wheel] packages = ["src/{file.package}"]',
            )
        own = place in names
        for info in old.infolist():
            content = old.read(info)
            if info.filename.endswith(".dist-info/RECORD") and not own:
                digest = urlsafe_b64encode(sha256(body).digest()).rstrip(b"=").decode()
                content = f"{place},sha256={digest},{len(body)}\n".encode() + content
            new.writestr(info, content)
        if not own:
            new.writestr(zipfile.ZipInfo(place, date_time=(2020, 1, 1, 0, 0, 0)), body, zipfile.ZIP_DEFLATED)


def _archive(project: Project, out: Path, wheel: Path) -> Path:
    name, version = wheel.name.split("-")[:2]
    archive = out / f"{name}-{version}-conf.tar.gz"
    part = out / f".{archive.name}.part"
    with tarfile.open(part, "w:gz") as tar:
        for file in sorted(project.conf_folder.rglob("*")):
            inside = file.relative_to(project.conf_folder)
            if file.is_file() and not _is_private(inside):
                tar.add(file, arcname=str(Path("conf") / inside))
    os.replace(part, archive)
    return archive


def _is_private(inside: Path) -> bool:
    return inside.parts[0] == "local" or any(part.startswith(("credentials", ".")) for part in inside.parts)
