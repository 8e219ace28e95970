"""Where does a peer live? In an environment of its own below `.bench/venvs`, made on first use."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

from benchmarks.peer import PLAIT, Peer

CHECKOUT = Path(__file__).resolve().parents[1]
BENCH = CHECKOUT / ".bench"
BIN = "Scripts" if sys.platform == "win32" else "bin"


class NotInstalledError(Exception):
    """A peer that cannot be installed; the text says why in one line."""


@dataclass(frozen=True, slots=True)
class Venv:
    path: Path

    @property
    def python(self) -> Path:
        return self.path / BIN / "python"

    def program(self, name: str) -> str:
        return str(self.path / BIN / name)

    @property
    def packages(self) -> Path:
        if sys.platform == "win32":
            return self.path / "Lib" / "site-packages"
        return next((self.path / "lib").glob("python*/site-packages"))

    def versions(self) -> dict[str, str]:
        found = distributions(path=[str(self.packages)])
        return {one.metadata["Name"].lower(): one.version for one in found}


def installer_settings() -> dict[str, str]:
    """What uv is told by variables: where packages come from, and whom to trust."""
    return {name: value for name, value in os.environ.items() if name.startswith(("UV_", "SSL_CERT_"))}


def uv(*words: str) -> None:
    """Run uv and raise NotInstalledError with its last words when it fails."""
    done = subprocess.run([sys.executable, "-m", "uv", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotInstalledError(reason(done.stderr) or f"uv ended with {done.returncode}")


def reason(words: str) -> str:
    """The line of an installer's long answer that names the error, without the places on this machine."""
    lines = [line.strip(" │├╰─▶×╭") for line in words.splitlines() if line.strip()]
    named = [line for line in lines if "rror:" in line or "because" in line.lower()]
    return (named or lines or [""])[-1][:200]


def make(path: Path, requirements: tuple[str, ...]) -> Venv:
    """A new virtual environment at `path` with `requirements`, compiled to bytecode as pip does it."""
    shutil.rmtree(path, ignore_errors=True)
    uv("venv", "--quiet", "--python", sys.executable, str(path))
    venv = Venv(path)
    install(venv, requirements)
    return venv


def install(venv: Venv, requirements: tuple[str, ...]) -> None:
    """Install `requirements`; `.` is this checkout as it is now, never an earlier build of it."""
    if not requirements:
        return
    named = [str(CHECKOUT) if one == "." else one for one in requirements]
    fresh = ["--reinstall-package", PLAIT] if "." in requirements else []
    uv("pip", "install", "--quiet", "--compile-bytecode", *fresh, "--python", str(venv.python), *named)


def venv_of(peer: Peer) -> Venv:
    """The peer's environment, made when it is missing was made from other requirements,
    or for another Python.

    plait is installed anew at every call, since the checkout may have changed.
    """
    venv = Venv(BENCH / "venvs" / peer.name)
    wanted = [sys.version, *peer.install, *peer.also]
    made_from = venv.path / "made-from.json"
    if not made_from.exists() or json.loads(made_from.read_text()) != wanted:
        print(f"installing {peer.name} …", file=sys.stderr, flush=True)
        make(venv.path, (*peer.install, *peer.also))
        made_from.write_text(json.dumps(wanted))
    elif "." in peer.install:
        install(venv, peer.install)
    return venv
