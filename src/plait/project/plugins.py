"""Which installed packages add to plait? Their entry points, found without importing any of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from msgspec import Struct

__all__ = ["GROUPS", "LazyPlugins", "Plugin", "find_plugins"]

# Hooks, types of datasets, types of a stack's components. (Templates are looked for by ``plait new`` alone.)
GROUPS = (
    "plait.plugins",
    "plait.datasets",
    "plait.executors",
    "plait.artifact_stores",
    "plait.record_stores",
    "plait.trackers",
    "plait.alerters",
    "plait.model_registries",
    "plait.secrets",
    "plait.image_builders",
)


class Plugin(Struct, frozen=True, array_like=True):
    """One entry point: its name, what it names (``module`` or ``module:attribute``), and who brought it."""

    group: str
    name: str
    value: str
    distribution: str


class LazyPlugins:
    """Plugins that are looked for when somebody goes through them: that takes a while where much is installed."""

    def __init__(self, find: Callable[[], Sequence[Plugin]]) -> None:
        self._find = find

    def __iter__(self) -> Iterator[Plugin]:
        return iter(self._find())


def find_plugins(path: Sequence[str] | None = None) -> tuple[Plugin, ...]:
    """The entry points of plait's groups, by group and name; the first distribution on the path has a name.

    The lists are read as files: ``importlib.metadata`` alone takes longer to import than this takes.
    """
    found: dict[tuple[str, str], Plugin] = {}
    seen: set[str] = set()
    for entry in sys.path if path is None else path:
        try:
            names = os.listdir(entry or ".")  # noqa: PTH208 - names are all that is needed
        except OSError:
            continue
        for name in sorted(names):
            if not name.endswith((".dist-info", ".egg-info")):
                continue
            distribution = name.rpartition(".")[0].partition("-")[0].replace("_", "-").lower()
            if distribution in seen:
                continue
            seen.add(distribution)
            for one in _read(Path(entry or ".", name, "entry_points.txt"), distribution):
                found.setdefault((one.group, one.name), one)
    return tuple(found[key] for key in sorted(found))


def _read(file: Path, distribution: str) -> Iterator[Plugin]:
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    if "[plait." not in text:
        return
    group = ""
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("["):
            group = line.strip("[]").strip()
        elif group in GROUPS and "=" in line and not line.startswith(("#", ";")):
            name, _, value = line.partition("=")
            yield Plugin(group, name.strip(), value.partition("[")[0].strip(), distribution)
