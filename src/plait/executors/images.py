"""Which image do a project's tasks run in? One with its packages, at the versions that are here, and this plait.

The code of the project is not in it: that travels with each run, so an image is built anew only when packages change.
"""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, cast

from msgspec import Struct

from plait._version import __version__
from plait.errors import ConfError, PlaitError

if TYPE_CHECKING:
    from plait.project.project import Project

__all__ = [
    "DEFAULT_BASE",
    "DockerImages",
    "DockerProgram",
    "ImageBuilder",
    "Packages",
    "build_image",
    "builder_of",
    "packages_of",
    "say",
]

DEFAULT_BASE = f"python:{sys.version_info[0]}.{sys.version_info[1]}-slim"
_NAME = re.compile(r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[([^\]]*)\])?(.*)$", re.DOTALL)
_KEPT = ("__pycache__", "static", "*.pyc")  # of plait itself, what a worker has no use for
_BUILD_SECONDS = 1800

Docker = Callable[..., str]
"""Runs ``docker …`` and answers with what it said."""


class DockerProgram:
    """The program ``docker``, for one engine: called with words, it answers with what it says.

    Args:
        host: the engine; the one that ``docker`` finds by itself if left out.
    """

    def __init__(self, host: str | None = None) -> None:
        self.host = host

    def __call__(self, *words: str) -> str:
        """Run ``docker …``.

        Raises:
            ConfError: there is no such program here.
            PlaitError: it failed; the message has its words.
        """
        host = ["--host", self.host] if self.host else []
        try:
            done = subprocess.run(
                ["docker", *host, *words],
                capture_output=True,
                text=True,
                timeout=_BUILD_SECONDS,
                check=False,
            )
        except FileNotFoundError:
            raise ConfError(
                "whoever makes or runs containers needs the program docker, which is not on this machine",
                hint="install Docker or Podman's docker command",
            ) from None
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise PlaitError(
                f"docker {words[0]}: {said[-1] if said else f'status {done.returncode}'}",
                hint="is the engine running? docker info; one elsewhere is named: host: ssh://ana@node2",
            )
        return done.stdout.strip()


class DockerImages(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Images by the program ``docker``, brought to a registry where one is named.

    Attributes:
        registry: where clusters pull from: ``registry.acme.com/ml``; nothing is pushed if left out.
        base: the image that they are built on, with the Python of this version; ``python:3.x-slim`` if left out.
        packages: what is installed in them; the dependencies in ``pyproject.toml`` if left out.
        python: the Python in the base.
        host: the engine: ``unix:///…``, ``ssh://ana@node2``; the one of ``docker`` here if left out.
        machine: what containers run on, such as ``x86_64``; what the engine does if left out.
    """

    registry: str | None = None
    base: str = DEFAULT_BASE
    packages: tuple[str, ...] | None = None
    python: str = "python3"
    host: str | None = None
    machine: str | None = None

    def open(self, project: Project | None) -> ImageBuilder:
        return ImageBuilder(self, project.root if project is not None else None)


class ImageBuilder:
    """What makes the image that a project's tasks run in.

    Args:
        root: of the project, whose dependencies go into it.
    """

    def __init__(self, settings: DockerImages, root: Path | None) -> None:
        self._settings = settings
        self._root = root
        self._docker = DockerProgram(settings.host)

    def image(self, say: Callable[[str], None] = lambda _text: None) -> str:
        """The name of the image, built and pushed as far as that is needed.

        Args:
            say: told what takes long.

        Raises:
            PlaitError: it cannot be built or pushed; the message has Docker's words.
        """
        settings = self._settings
        machine = settings.machine or self._docker("info", "--format", "{{.Architecture}}") or "x86_64"
        packages = packages_of(self._root, settings.packages)
        built = build_image(self._docker, settings.base, settings.python, packages, machine, say)
        if settings.registry is None:
            return built
        name, _, tag = built.partition(":")
        whole = f"{settings.registry.rstrip('/')}/{name}:{tag}"
        self._docker("tag", built, whole)
        say(f"docker push {whole}")
        self._docker("push", "--quiet", whole)
        return whole

    def check(self) -> str:
        """For ``plait stack check``: is the engine there, and what would be built?"""
        version = self._docker("version", "--format", "{{.Server.Version}}")
        packages = packages_of(self._root, self._settings.packages)
        base = self._settings.base
        return f"Docker {version} answers; an image would have {len(packages.versions)} packages on {base}"


class Packages:
    """What is to be installed in an image.

    Args:
        wanted: requirements as people write them.
        versions: what they come to here, by name: installed there at the same versions.
    """

    def __init__(self, wanted: Sequence[str], versions: dict[str, str]) -> None:
        self.wanted = tuple(wanted)
        self.versions = versions

    @property
    def key(self) -> str:
        said = "\n".join(
            (*sorted(self.wanted), *(f"{name}=={one}" for name, one in sorted(self.versions.items())))
        )
        return _digest(said, f"{sys.version_info[:2]}")

    def install(self, folder: Path, machine: str) -> None:
        """Put them into a folder, for a machine such as ``x86_64``.

        Raises:
            ConfError: there is no uv, or they cannot be had.
        """
        files = {"wanted": self.wanted, "versions": [f"{name}=={one}" for name, one in self.versions.items()]}
        with tempfile.TemporaryDirectory() as at:
            for name, lines in files.items():
                Path(at, name).write_text("\n".join(lines) + "\n", encoding="utf-8")
            program = shutil.which("uv")
            done = subprocess.run(
                [
                    *([program] if program else [sys.executable, "-m", "uv"]), "pip", "install", "--quiet",
                    "--python", sys.executable, "--target", str(folder), *_platform(machine),
                    "--requirements", f"{at}/wanted", "--constraints", f"{at}/versions",
                ],
                capture_output=True,
                text=True,
                timeout=_BUILD_SECONDS,
                check=False,
            )  # fmt: skip
        if done.returncode:
            if "No module named uv" in done.stderr:
                raise ConfError("building an image needs uv, which is not installed", hint="pip install uv")
            raise ConfError(
                f"the packages of the image cannot be installed: {done.stderr.strip()}",
                hint="name those that steps import: executor: {type: docker, packages: […]}",
            )


def builder_of(project: Project | None) -> Callable[[], ImageBuilder] | None:
    """What opens the ``image_builder`` of a project's stack; None where it names none."""
    component = project.stack.get("image_builder") if project is not None else None
    if component is None:
        return None
    return lambda: cast("ImageBuilder", component.open(project))


def say(text: str) -> None:
    """For people: what takes a while."""
    sys.stderr.write(f"{text} …\n")
    sys.stderr.flush()


def _platform(machine: str) -> list[str]:
    if platform.system() == "Linux":
        return []
    name = "aarch64" if machine in ("aarch64", "arm64") else "x86_64"
    return ["--python-platform", f"{name}-unknown-linux-gnu", "--only-binary", ":all:"]


def packages_of(root: Path | None, named: Sequence[str] | None) -> Packages:
    """What a project needs, and plait itself.

    Args:
        named: requirements; what ``pyproject.toml`` has as dependencies if None.
    """
    wanted = list(named) if named is not None else _dependencies(root)
    own = [line for line in metadata.requires("plait") or () if "extra ==" not in line]
    wanted = [one for one in wanted if _name(one) != "plait"]
    return Packages([*own, *wanted], _closure([*own, *wanted]))


def _dependencies(root: Path | None) -> list[str]:
    file = root / "pyproject.toml" if root is not None else None
    if file is None or not file.is_file():
        return []
    said = tomllib.loads(file.read_text(encoding="utf-8"))
    return [str(one) for one in said.get("project", {}).get("dependencies", ())]


def _name(requirement: str) -> str:
    found = _NAME.match(requirement)
    return re.sub(r"[-_.]+", "-", found[1]).lower() if found else ""


def _closure(requirements: Iterable[str]) -> dict[str, str]:
    """The versions here of what is required, and of what that requires in turn."""
    found: dict[str, str] = {}
    todo = [(one, _extras(one)) for one in requirements]
    while todo:
        said, extras = todo.pop()
        name = _name(said)
        try:
            distribution = metadata.distribution(name)
        except (metadata.PackageNotFoundError, ValueError):
            continue
        is_new = name not in found
        if distribution.read_text("direct_url.json") is None:
            found[name] = distribution.version
        for line in distribution.requires or ():
            extra = re.search(r"extra\s*==\s*['\"]([^'\"]+)['\"]", line)
            if (is_new and extra is None) or (extra is not None and extra[1] in extras):
                todo.append((line, _extras(line)))
    return found


def _extras(requirement: str) -> frozenset[str]:
    found = _NAME.match(requirement)
    return (
        frozenset(one.strip() for one in (found[2] or "").split(",") if one.strip()) if found else frozenset()
    )


def _digest(*parts: str) -> str:
    return blake2b("\0".join(parts).encode(), digest_size=8).hexdigest()


def build_image(
    docker: Docker, base: str, python: str, packages: Packages, machine: str, say: Callable[[str], None]
) -> str:
    """The name of an image with packages and this plait, built as far as it is not there.

    Args:
        python: the one in the base.
        machine: what containers run on, such as ``x86_64``.
        say: told what takes long.

    Raises:
        PlaitError: it cannot be built; the message has Docker's words.
    """
    if not docker("images", "--quiet", base):
        say(f"docker pull {base}")
        docker("pull", "--quiet", base)
    below = docker("image", "inspect", "--format", "{{.Id}}", base)
    layer = f"plait-packages:{_digest(below, packages.key)}"
    if not docker("images", "--quiet", layer):
        say(f"building the image {layer}: {len(packages.versions)} packages on {base}")
        with tempfile.TemporaryDirectory(prefix="plait-image-") as at:
            packages.install(Path(at, "packages"), machine)
            lines = [f"FROM {base}", "COPY packages /opt/plait/packages", _compiled(python, "packages")]
            _build(docker, Path(at), [*lines, "ENV PYTHONPATH=/opt/plait/own:/opt/plait/packages"], layer)
    source = Path(__file__).parents[1]
    own = _digest(__version__, _content(source))
    whole = f"plait:{_digest(layer, own)}"
    if not docker("images", "--quiet", whole):
        with tempfile.TemporaryDirectory(prefix="plait-image-") as at:
            shutil.copytree(source, Path(at, "own", "plait"), ignore=shutil.ignore_patterns(*_KEPT))
            lines = [f"FROM {layer}", "COPY own /opt/plait/own", _compiled(python, "own")]
            _build(docker, Path(at), lines, whole)
    return whole


def _compiled(python: str, folder: str) -> str:
    """Compile modules in the image: a container keeps nothing, so each task would do it for itself."""
    code = (
        f"import compileall, sysconfig; [compileall.compile_dir(one, quiet=2, workers=0)"
        f" for one in ('/opt/plait/{folder}', sysconfig.get_path('stdlib'))]"
    )
    return f'RUN {python} -c "{code}" || true'


def _content(source: Path) -> str:
    """Of plait itself: its version alone would not tell one state of a checkout from another."""
    state = blake2b(digest_size=16)
    for file in sorted(source.rglob("*.py")):
        state.update(file.relative_to(source).as_posix().encode())
        state.update(file.read_bytes())
    return state.hexdigest()


def _build(docker: Docker, folder: Path, lines: Sequence[str], name: str) -> None:
    (folder / "Dockerfile").write_text("\n".join(lines) + "\n", encoding="utf-8")
    try:
        docker(
            "build", "--quiet", "--network", "none", "--tag", name, "--label", "plait.image=yes", str(folder)
        )
    except PlaitError as error:
        raise PlaitError(f"the image {name} cannot be built: {error.what}", hint=error.hint) from None
