"""Where does a piece of code belong? The project around it, or its own folder."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["home_at", "home_of", "project_root"]


def project_root(start: Path) -> Path | None:
    """The nearest folder, from here upwards, whose ``pyproject.toml`` has a ``[tool.plait]`` table."""
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
