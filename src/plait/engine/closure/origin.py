"""Whose code is this: the user's, a package's, Python's or plait's, and which version of which package?"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

__all__ = ["FOREIGN", "PLAIT", "STDLIB", "USER", "Origin", "Origins"]

Origin = Literal["user", "foreign", "stdlib", "plait"]
USER: Origin = "user"
FOREIGN: Origin = "foreign"
STDLIB: Origin = "stdlib"
PLAIT: Origin = "plait"

_SITES = ("site-packages", "dist-packages")
# Where the distribution is called otherwise than the module: only the order of search, each guess is checked.
_GUESSES = {
    "PIL": "pillow",
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "cv2": "opencv_python",
    "dateutil": "python_dateutil",
    "skimage": "scikit_image",
    "sklearn": "scikit_learn",
    "yaml": "pyyaml",
}


class Origins:
    """Answers for one process; what was found once is remembered.

    Args:
        first_party: decides for modules that have a file of their own; by default everything that was not
            installed into a ``site-packages`` and does not belong to Python is the user's.
    """

    def __init__(self, first_party: Callable[[ModuleType], bool] | None = None) -> None:
        self._first_party = first_party or _packaged()
        self._modules: dict[str, tuple[ModuleType, Origin]] = {}
        self._globals: dict[int, tuple[dict[str, Any], Origin]] = {}
        self._versions: dict[str, tuple[str, str]] = {}
        self._stdlib = os.path.realpath(os.path.dirname(os.__file__)) + os.sep  # noqa: PTH120
        self._installed: dict[Path, list[Path]] = {}

    def of_module(self, module: ModuleType) -> Origin:
        name = module.__name__
        known = self._modules.get(name)
        if known is None or known[0] is not module:
            known = self._modules[name] = (module, self._decide(module))
        return known[1]

    def of_globals(self, names: dict[str, Any]) -> Origin:
        """Whose is a function with these globals? A namespace that is no module's belongs to the user."""
        known = self._globals.get(id(names))
        if known is None:
            module = sys.modules.get(str(names.get("__name__")))
            origin = USER
            if module is not None and getattr(module, "__dict__", None) is names:
                origin = self.of_module(module)
            elif isinstance(names.get("__file__"), str):
                origin = self._of_file(names["__file__"])
            known = self._globals[id(names)] = (names, origin)
        return known[1]

    def of_name(self, name: str | None) -> Origin:
        """Whose is the module called ``name``, without importing more of it than is there already."""
        module = sys.modules.get(name or "")
        if module is not None:
            return self.of_module(module)
        top = (name or "").partition(".")[0]
        if top == "plait":
            return PLAIT
        if top in sys.stdlib_module_names or top in sys.builtin_module_names:
            return STDLIB
        if top in sys.modules and top != name:
            return self.of_module(sys.modules[top])
        file = _file_of_spec(_spec(top)) if top else None
        return self._of_file(file) if file else USER

    def _decide(self, module: ModuleType) -> Origin:
        top = module.__name__.partition(".")[0]
        if top == "plait":
            return PLAIT
        file = module_file(module)
        if file is None:
            builtin = top in sys.builtin_module_names or top in sys.stdlib_module_names
            return STDLIB if builtin and top != "__main__" else USER
        if self._first_party is not None:
            return USER if self._first_party(module) else self._of_file(file, otherwise=FOREIGN)
        return self._of_file(file)

    def _of_file(self, file: str, otherwise: Origin = USER) -> Origin:
        if file == "frozen":
            return STDLIB
        if site_of(file) is not None:
            return FOREIGN
        if os.path.realpath(file).startswith(self._stdlib):
            return STDLIB
        return otherwise

    def distribution(self, dotted: str) -> tuple[str, str] | None:
        """The distribution that a module, or a name in it, comes from, and its version.

        Without metadata the module's own ``__version__`` stands for it, else a digest of its file. A
        namespace that several distributions share is nobody's: None.
        """
        top = dotted.partition(".")[0]
        owner = top if top in self._versions else _owner(dotted)
        if owner is None:
            return None
        known = self._versions.get(owner)
        if known is None:
            known = self._versions[owner] = self._look_up(top, owner)
        return known

    def _look_up(self, top: str, name: str) -> tuple[str, str]:
        module = sys.modules.get(name)
        file = module_file(module) if module is not None else _file_of_spec(_spec(name))
        site = site_of(file) if file else None
        if file and site:
            relative = Path(file).relative_to(site).as_posix()
            for info in self._candidates(site, top):
                if _provides(info, top, relative):
                    return _name_and_version(info)
        version = getattr(module, "__version__", None)
        if isinstance(version, str):
            return top, version
        return top, _file_version(file)

    def _candidates(self, site: Path, top: str) -> Iterator[Path]:
        if site not in self._installed:
            names = sorted(os.listdir(site))  # noqa: PTH208
            self._installed[site] = [site / n for n in names if n.endswith((".dist-info", ".egg-info"))]
        infos = self._installed[site]
        wanted = {_normal(top), _normal(_GUESSES.get(top, top))}
        likely = [info for info in infos if _normal(info.name.partition("-")[0]) in wanted]
        yield from likely
        yield from (info for info in infos if info not in likely)


def module_file(module: ModuleType) -> str | None:
    """The file of a module, the folder of a namespace package; None for what lives in memory only."""
    file = getattr(module, "__file__", None)
    if isinstance(file, str):
        return file
    paths = getattr(module, "__path__", None)
    for path in paths or ():
        return str(path)
    return _file_of_spec(getattr(module, "__spec__", None))


def _owner(dotted: str) -> str | None:
    """The first package on the way that has a file, and so belongs to one distribution."""
    parts = dotted.split(".")
    for depth in range(1, len(parts) + 1):
        name = ".".join(parts[:depth])
        module = sys.modules.get(name)
        spec = _spec(name) if module is None else None
        if module is None and spec is None:
            return name if depth == 1 else None
        if getattr(module, "__file__", None) or getattr(spec, "origin", None):
            return name
    return None


def site_of(file: str) -> Path | None:
    """The ``site-packages`` folder that holds ``file``."""
    parts = Path(file).parts
    for index in range(len(parts) - 1, -1, -1):
        if parts[index] in _SITES:
            return Path(*parts[: index + 1])
    return None


def _spec(name: str) -> Any:
    from importlib.util import find_spec

    try:
        return find_spec(name)
    except (ImportError, ValueError, AttributeError):
        return None


def _file_of_spec(spec: Any) -> str | None:
    if spec is None:
        return None
    origin = getattr(spec, "origin", None)
    if origin in ("built-in", "frozen"):
        return "frozen"
    if isinstance(origin, str):
        return origin
    for path in getattr(spec, "submodule_search_locations", None) or ():
        return str(path)
    return None


def _normal(name: str) -> str:
    return name.replace("-", "_").replace(".", "_").casefold()


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _provides(info: Path, top: str, relative: str) -> bool:
    """Whether the distribution with this metadata installed the file ``relative`` to its site."""
    record = _read(info / "RECORD")
    if record:
        lines = record.replace("\\", "/")
        return f"\n{relative}," in f"\n{lines}" or f"\n{relative}/" in f"\n{lines}"
    listed = _read(info / "top_level.txt").split()
    return top in listed


def _name_and_version(info: Path) -> tuple[str, str]:
    stem = info.name.rsplit(".", 1)[0]
    name, _, version = stem.partition("-")
    for line in (_read(info / "METADATA") or _read(info / "PKG-INFO")).splitlines():
        if line.startswith("Name: "):
            name = line[6:].strip()
        elif line.startswith("Version: "):
            version = line[9:].strip()
        elif not line:
            break
    return name, version


def _file_version(file: str | None) -> str:
    if file is None or not Path(file).is_file():
        return "unknown"
    from blake3 import blake3

    return "file:" + blake3(Path(file).read_bytes()).hexdigest()[:16]


def _packaged() -> Callable[[ModuleType], bool] | None:
    """A project that was packaged is the user's code still, though it was installed."""
    from plait.project.place import packaged

    found = packaged()
    if found is None:
        return None
    own = found[0]
    return lambda module: module.__name__ == own or module.__name__.startswith(f"{own}.")
