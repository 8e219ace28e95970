"""What else can plait work with, and what has to be installed for it? The extras of plait's own distribution."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata

from msgspec import Struct

from plait.errors import ParameterError, TargetError, did_you_mean

__all__ = ["Integration", "install", "integrations"]

# Extras for those who work on plait itself.
_OWN = frozenset({"dev", "engines", "demo"})
_REQUIREMENT = re.compile(r"^\s*([A-Za-z0-9._-]+)\s*(?:\[([^]]*)\])?\s*([^;]*)")


class Integration(Struct, frozen=True):
    """An extra of plait: its packages as an installer takes them, and those that are not here."""

    name: str
    packages: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def is_installed(self) -> bool:
        return not self.missing


def integrations() -> list[Integration]:
    """All of them, by name.

    Raises:
        TargetError: plait runs from a folder and was never installed, so nothing says what they are.
    """
    found: dict[str, list[str]] = {}
    try:
        required = metadata.requires("plait") or []
    except metadata.PackageNotFoundError:
        raise TargetError(
            "plait is not installed here, so what its integrations need is not known",
            hint="pip install plait",
        ) from None
    for line in required:
        extra = re.search(r"""extra\s*==\s*['"]([^'"]+)['"]""", line)
        if extra is not None and extra[1] not in _OWN:
            found.setdefault(extra[1], []).append(line.partition(";")[0].strip())
    return [
        Integration(name, tuple(packages), tuple(_missing(packages)))
        for name, packages in sorted(found.items())
    ]


def _missing(packages: list[str]) -> Iterator[str]:
    for package in packages:
        match = _REQUIREMENT.match(package)
        if match is None:
            continue
        try:
            have = metadata.version(match[1])
        except metadata.PackageNotFoundError:
            yield package
            continue
        least = re.search(r">=\s*([0-9.]+)", match[3])
        if least is not None and _numbers(have) < _numbers(least[1]):
            yield package


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("+")[0])[:4])


def install(name: str, *, dry_run: bool = False) -> list[str]:
    """Install what an integration needs into the environment that this process runs in; answers with the command.

    Raises:
        ParameterError: there is no integration of that name.
        TargetError: the installer failed; what it said is on the terminal.
    """
    known = {one.name: one for one in integrations()}
    if name not in known:
        raise ParameterError(f"there is no integration {name!r}", hint=did_you_mean(name, known))
    command = [*_installer(), *known[name].packages]
    if not dry_run:
        try:
            done = subprocess.run(command, check=False).returncode
        except OSError as error:
            raise TargetError(f"{command[0]} cannot be run: {error}") from error
        if done:
            raise TargetError(
                f"{name} was not installed: {command[0]} left with {done}",
                hint="what it said is above; the command was: " + " ".join(map(_quoted, command)),
            )
    return command


def _installer() -> list[str]:
    import importlib.util
    import shutil

    if importlib.util.find_spec("uv") is not None:
        return [sys.executable, "-m", "uv", "pip", "install", "--python", sys.executable]
    if uv := shutil.which("uv"):
        return [uv, "pip", "install", "--python", sys.executable]
    return [sys.executable, "-m", "pip", "install"]


def _quoted(word: str) -> str:
    import shlex

    return shlex.quote(word)
