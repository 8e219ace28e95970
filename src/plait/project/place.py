"""Where does a piece of code belong? The project around it, or its own folder."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["PACKAGED", "home_at", "home_of", "packaged", "project_root"]

PACKAGED = "PLAIT_PACKAGED"


def packaged() -> tuple[str, Path] | None:
    """The package that runs without its project, as ``python -m`` of what ``plait package`` made, and its folder.

    The folder stands for the project: its ``conf/`` is read, its relative paths are meant. An environment variable
    says it, so that workers know.
    """
    package, at, root = os.environ.get(PACKAGED, "").partition("@")
    return (package, Path(root)) if at else None


def project_root(start: Path) -> Path | None:
    """The nearest folder, from here upwards, whose ``pyproject.toml`` has a ``[tool.plait]`` table."""
    instead = packaged()
    if instead is not None:
        return instead[1]
    folder = start if start.is_dir() else start.parent
    for candidate in (folder, *folder.parents):
        file = candidate / "pyproject.toml"
        try:
            if file.is_file() and "[tool.plait" in file.read_text(encoding="utf-8"):
                return candidate
        except OSError:
            continue
    return None


def home_of(code_file: str) -> tuple[Path, Path]:
    """The root and the ``.plait`` folder of code in a file: beside its project, else beside the file.

    Code without a file (a notebook, an interactive session) belongs to the working directory. ``PLAIT_HOME`` names
    another ``.plait`` folder.
    """
    file = Path(code_file)
    written = file.is_file() and "ipykernel" not in code_file
    start = file.resolve().parent if written else Path.cwd()
    root = project_root(start) or start
    return root, home_at(root)


def home_at(root: Path) -> Path:
    """The ``.plait`` folder of a project or folder."""
    named = os.environ.get("PLAIT_HOME")
    return Path(named) if named else root / ".plait"
