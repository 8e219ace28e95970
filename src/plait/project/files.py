"""Which files does an environment have, and what do they say together?"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path

from plait.errors import ConfError
from plait.project.origin import Node, Origin, merge

__all__ = ["KINDS", "conf_files", "environment_names", "read_environment"]

KINDS = ("parameters", "catalog", "credentials", "globals", "stack", "stacks", "steps", "logging")
ENDINGS = (".yml", ".yaml", ".json")


def environment_names(folder: Path) -> list[str]:
    """The environments in a conf folder, by name."""
    return sorted(
        path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith((".", "__"))
    )


def conf_files(folder: Path, patterns: Iterable[str]) -> list[Path]:
    """The YAML and JSON files in a folder that fit one of the patterns, by name; hidden ones never."""
    fits = re.compile("|".join(f"(?:{_regex(pattern)})" for pattern in patterns))
    found: list[Path] = []
    for path, folders, files in os.walk(folder, followlinks=True):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        inside = Path(path).relative_to(folder)
        seen = (inside / name for name in files if name.endswith(ENDINGS) and not name.startswith("."))
        found += [file for file in seen if fits.fullmatch(file.as_posix())]
    return [folder / name for name in sorted(found, key=Path.as_posix)]


def _regex(pattern: str) -> str:
    # `**/` is any number of folders, none included; `*` stays inside one name.
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", pattern)
    signs = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(signs.get(part, re.escape(part)) for part in parts)


def read_environment(folder: Path, patterns: Iterable[str], root: Path, *, private: bool = False) -> Node:
    """What the files of one kind in the folder of one environment say together.

    Args:
        folder: the environment's.
        patterns: of the kind.
        root: where the paths in origins and errors start.
        private: whether the files hold secrets, so that no error may show a line of them.

    Raises:
        ConfError: two files say one top-level key, and it is no template (``_`` in front).
    """
    from plait.project.yaml import load_private_yaml, load_yaml

    load = load_private_yaml if private else load_yaml
    whole = Node({}, Origin(folder.relative_to(root).as_posix()))
    first: dict[str, Origin] = {}
    twice: list[str] = []
    for path in conf_files(folder, patterns):
        node = load(path, path.relative_to(root).as_posix())
        for key, value in node.value.items():
            if key in first and not key.startswith("_"):
                twice.append(f"{key!r}: {first[key]} and {value.origin}")
            first.setdefault(key, value.origin)
        whole = merge(whole, node)
    if twice:
        what = f"{len(twice)} keys are" if len(twice) > 1 else "one key is"
        said = "".join(f"\n    {line}" for line in twice[:20])
        more = f"\n    and {len(twice) - 20} more" if len(twice) > 20 else ""
        hint = "keep each key in one file of an environment, or start its name with _ if it is a template"
        where = twice[0].rpartition(" ")[2]
        raise ConfError(
            f"{what} in two files of the environment {folder.name!r}:{said}{more}", where=where, hint=hint
        )
    return whole
