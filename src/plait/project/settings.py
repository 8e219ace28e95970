"""What does a project's ``pyproject.toml`` say to plait? The table ``[tool.plait]``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from plait.errors import ConfError

__all__ = ["read_settings"]


def read_settings(root: Path) -> dict[str, Any]:
    """The table ``[tool.plait]``; empty when there is none.

    Raises:
        ConfError: the file is not TOML.
    """
    file = root / "pyproject.toml"
    if not file.is_file():
        return {}
    import tomllib

    try:
        tool = tomllib.loads(file.read_text(encoding="utf-8")).get("tool", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfError(f"{file} is not TOML: {error}", where=str(file)) from None
    found = tool.get("plait", {}) if isinstance(tool, dict) else {}
    return found if isinstance(found, dict) else {}
