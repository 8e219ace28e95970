"""Which Python, with which packages, does a step have for itself? Solved once, kept as a lock, built once by uv."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct

from plait.errors import ParameterError

__all__ = ["Environments", "Request"]

_BIN = "Scripts" if sys.platform == "win32" else "bin"


class Request(Struct, frozen=True):
    """What a step asks for.

    Attributes:
        python: a version, such as ``3.12``; this one's if empty.
        packages: requirements, such as ``xgboost>=3``.
        requirements: a file that lists them.
        step: whose it is, for errors.
    """

    python: str
    packages: tuple[str, ...]
    requirements: Path | None = None
    step: str = ""
    where: str | None = None

    @property
    def version(self) -> str:
        return self.python or f"{sys.version_info[0]}.{sys.version_info[1]}"

    def same_as(self, other: Request) -> bool:
        """Whether two steps ask for the same."""
        asked = (self.version, sorted(self.packages), self.requirements)
        return asked == (other.version, sorted(other.packages), other.requirements)

    def listed(self) -> str:
        """The content of the file.

        Raises:
            ParameterError: it cannot be read.
        """
        if self.requirements is None:
            return ""
        try:
            return self.requirements.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise ParameterError(
                f"{self.step} asks for requirements={str(self.requirements)!r}, which cannot be read: {reason}",
                where=self.where,
                hint="it is named as seen from the step's own file",
            ) from None


class Environments:
    """The environments of one store: ``<digest>.lock`` is what a request came to, ``<digest>/`` a built environment.

    A lock holds names and versions; delete it to have it solved anew.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def lock(self, request: Request) -> str:
        """The Python version and the packages with their versions, one a line; solved if it is not kept yet.

        Raises:
            ParameterError: they cannot be solved (the message has the solver's words), or there is no uv.
        """
        listed = request.listed()
        asked = "\n".join([request.version, *sorted(request.packages), "", listed])
        place = self.folder / f"{hashlib.blake2b(asked.encode(), digest_size=10).hexdigest()}.lock"
        with contextlib.suppress(OSError):
            return place.read_text(encoding="utf-8")
        solved = self._solve(request)
        self.folder.mkdir(parents=True, exist_ok=True)
        _write(place, solved)
        return solved

    def _solve(self, request: Request) -> str:
        wanted = "\n".join(request.packages) + "\n"
        files = ["-"] if request.packages or request.requirements is None else []
        if request.requirements is not None:
            files.append(str(request.requirements.absolute()))
        words = [
            "pip",
            "compile",
            "-q",
            "--no-header",
            "--no-annotate",
            "--no-emit-index-url",
            "--no-emit-find-links",
        ]
        python = _interpreter(request.version)
        done = _uv([*words, "--python", python, "--python-version", request.version, *files], request, wanted)
        if done.returncode:
            raise ParameterError(
                f"the packages of {request.step} cannot be solved:\n{_words(done.stderr)}",
                where=request.where,
            )
        lines = [
            line for line in done.stdout.splitlines() if line.strip() and not line.startswith(("#", "--"))
        ]
        return "\n".join([f"# python {request.version}", *lines]) + "\n"

    def python(self, request: Request, tell: Callable[[str], None] = lambda _line: None) -> Path:
        """The interpreter of the environment; built if it is not there yet, by one process while others wait.

        Args:
            tell: told, line by line, of what takes long.

        Raises:
            ParameterError: it cannot be solved or built.
        """
        lock = self.lock(request)
        digest = hashlib.blake2b(lock.encode(), digest_size=10).hexdigest()
        place = self.folder / digest
        found = place / _BIN / ("python.exe" if sys.platform == "win32" else "python")
        if found.exists():
            return found
        with _alone(self.folder / f"{digest}.busy"):
            if not found.exists():
                self._build(request, lock, place, tell)
        return found

    def _build(self, request: Request, lock: str, place: Path, tell: Callable[[str], None]) -> None:
        started = time.monotonic()
        count = sum(1 for line in lock.splitlines() if re.match(r"\w", line))
        listing = f", {count} package{'' if count == 1 else 's'}" if count else ""
        tell(f"building the environment of {request.step}: Python {request.version}{listing}")
        for left in self.folder.glob(f"{place.name}.*.building"):
            shutil.rmtree(left, ignore_errors=True)  # of a build that was killed
        building = self.folder / f"{place.name}.{secrets.token_hex(4)}.building"
        listed = building.with_suffix(".txt")
        try:
            for words in (
                ["venv", "-q", "--relocatable", "--python", _interpreter(request.version), str(building)],
                ["pip", "install", "-q", "--no-deps", "--python", str(building), "-r", str(listed)],
            ):
                if words[0] == "pip":
                    if not count:
                        continue
                    _write(listed, lock)
                done = _uv(words, request)
                if done.returncode:
                    raise ParameterError(
                        f"the environment of {request.step} cannot be built:\n{_words(done.stderr)}",
                        where=request.where,
                    )
            if place.exists():  # its interpreter is gone
                shutil.rmtree(place)
            building.rename(place)
        finally:
            listed.unlink(missing_ok=True)
            shutil.rmtree(building, ignore_errors=True)
        tell(f"built in {time.monotonic() - started:.1f} s")


def _uv(words: list[str], request: Request, said: str = "") -> subprocess.CompletedProcess[str]:
    program = shutil.which("uv")
    command = [program] if program else [sys.executable, "-m", "uv"]
    environ = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    done = subprocess.run(
        [*command, *words], input=said, capture_output=True, text=True, check=False, env=environ
    )
    if done.returncode and "No module named uv" in done.stderr:
        raise ParameterError(
            f"{request.step} runs in a Python environment of its own, and uv, which builds it, is not installed",
            where=request.where,
            hint="pip install uv",
        )
    return done


def _interpreter(version: str) -> str:
    """An interpreter of a version on this machine; else the version, for uv to find or to get one."""
    wanted = tuple(version.split("."))
    if wanted == tuple(map(str, sys.version_info[: len(wanted)])):
        return sys.executable
    found = shutil.which(f"python{'.'.join(wanted[:2])}")
    if found and len(wanted) == 2 and "shims" not in found:
        return found
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    for folder in sorted(root.glob(f"{version}*"), key=lambda one: _numbers(one.name), reverse=True):
        if (
            _numbers(folder.name)[: len(wanted)] == tuple(map(int, wanted))
            and (folder / "bin/python").exists()
        ):
            return str(folder / "bin/python")
    return version


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text))


def _words(text: str) -> str:
    """What uv says, without what it says of its own doings."""
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    kept = [line for line in lines if not line.lstrip().startswith(("Using ", "warning:", "Creating "))]
    return "\n".join(kept or lines)


def _write(place: Path, text: str) -> None:
    beside = place.with_name(f"{place.name}.{secrets.token_hex(4)}")
    beside.write_text(text, encoding="utf-8")
    beside.replace(place)


@contextlib.contextmanager
def _alone(place: Path) -> Iterator[None]:
    """One process at a time; where files cannot be locked, the last to finish gives way to the first."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with open(place, "w") as file:
        with contextlib.suppress(ImportError, OSError):
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX)
        yield
