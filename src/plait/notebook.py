"""What does a notebook get from its project? ``%load_ext plait``: four names, and code and conf that stay fresh."""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Iterable, Iterator
from importlib.util import cache_from_source
from pathlib import Path
from types import ModuleType
from typing import Any

from plait.errors import PlaitError
from plait.project.project import Project

__all__ = ["load_ipython_extension", "unload_ipython_extension"]

_NAMES = ("project", "catalog", "params", "pipelines")
_SESSION = "__plait_session__"
_INSTALLED = ("site-packages", "dist-packages", ".venv")


def load_ipython_extension(shell: Any) -> None:
    """``%load_ext plait``: ``project``, ``catalog``, ``params`` and ``pipelines`` of the project around the notebook.

    Before each cell, code of the project that has changed is imported anew, and names that came from it mean what
    they mean now; an object that was made by the old code stays what it is. Conf that has changed is read anew.
    """
    unload_ipython_extension(shell)
    session = _Session(shell.user_ns)
    session.give()
    shell.user_ns_hidden[_SESSION] = session
    shell.events.register("pre_run_cell", session.refresh)
    shell.events.register("post_run_cell", session.note)


def unload_ipython_extension(shell: Any) -> None:
    """``%unload_ext plait``: nothing is reloaded any more; the names stay."""
    session = shell.user_ns_hidden.pop(_SESSION, None)
    if session is not None:
        shell.events.unregister("pre_run_cell", session.refresh)
        shell.events.unregister("post_run_cell", session.note)


class _Session:
    """One notebook's project: what its files were like when they were last read."""

    def __init__(self, names: dict[str, Any]) -> None:
        self._names = names
        self._given: dict[str, Any] = {}
        self._project = Project.find()
        self._project.make_importable()
        self._code = _states(self._code_files())
        self._conf = _states(_files(self._project.conf_folder))

    def give(self) -> None:
        """Put the four names into the notebook, except where the user has made them mean something else."""
        fresh = Project.find(self._project.root)
        for name in _NAMES:
            try:
                value = fresh if name == "project" else getattr(fresh, name)
            except PlaitError as error:
                _say(str(error))
                continue
            if name not in self._names or name not in self._given or self._names[name] is self._given[name]:
                self._names[name] = self._given[name] = value
        self._project = fresh

    def refresh(self, _info: Any = None) -> None:
        """Before a cell: what has changed is read anew."""
        code = _states(self._code_files())
        changed = [file for file, state in self._code.items() if file in code and code[file] != state]
        conf = _states(_files(self._project.conf_folder))
        if changed:
            _forget_compiled(changed)
            self._reload()
        if changed or conf != self._conf:
            self._code, self._conf = code, conf
            self.give()

    def note(self, _result: Any = None) -> None:
        """After a cell: what it imported is as its file is now."""
        for file, state in _states(self._code_files()).items():
            self._code.setdefault(file, state)

    def _code_files(self) -> Iterator[Path]:
        for module in self._modules().values():
            yield Path(str(module.__file__))

    def _modules(self) -> dict[str, ModuleType]:
        """The modules of the project that are imported now."""
        root = self._project.root.resolve()
        found = {}
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None)
            if not file or name in ("__main__", "plait") or name.startswith("plait."):
                continue
            path = Path(file)
            if path.is_relative_to(root) and not any(part in _INSTALLED for part in path.parts):
                found[name] = module
        return found

    def _reload(self) -> None:
        """Import every module of the project anew; all of them as before, where one cannot be."""
        old = self._modules()
        importlib.invalidate_caches()
        for name in old:
            del sys.modules[name]
        try:
            new = {name: importlib.import_module(name) for name in old}
        except Exception as error:  # noqa: BLE001 - whatever the user's half-written module raises
            for name in self._modules():
                del sys.modules[name]
            sys.modules.update(old)
            _attach(old)
            _say(f"the code of before is still in use: {type(error).__name__}: {error}")
            return
        self._rebind(old, new)

    def _rebind(self, old: dict[str, ModuleType], new: dict[str, ModuleType]) -> None:
        """Names of the notebook that came from the project's code: what they are called there now."""
        places: dict[int, tuple[ModuleType, str | None]] = {}
        for name, module in old.items():
            fresh = new[name]
            places[id(module)] = (fresh, None)
            for attribute, value in vars(module).items():
                own = getattr(value, "__module__", None) == name
                known = not own and id(value) in places
                if attribute in vars(fresh) and not known and not attribute.startswith("__"):
                    places[id(value)] = (fresh, attribute)
        for name, value in list(self._names.items()):
            if id(value) in places and not name.startswith("_") and not _is_common(value):
                fresh, place = places[id(value)]
                self._names[name] = fresh if place is None else vars(fresh)[place]


def _forget_compiled(files: Iterable[Path]) -> None:
    """Python takes a compiled module for the newest one when second and size agree, which a quick edit does."""
    for file in files:
        with contextlib.suppress(OSError, NotImplementedError, ValueError):
            Path(cache_from_source(str(file))).unlink()


def _is_common(value: Any) -> bool:
    """Whether a value is one that Python keeps a single copy of, so that where it came from cannot be told."""
    return value is None or isinstance(value, (bool, int, str, bytes, float))


def _attach(modules: dict[str, ModuleType]) -> None:
    """Make modules attributes of their packages again."""
    for name, module in modules.items():
        parent, _, child = name.rpartition(".")
        if parent in modules:
            setattr(modules[parent], child, module)


def _files(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file()] if folder.is_dir() else []


def _states(files: Any) -> dict[Path, tuple[int, int]]:
    found = {}
    for file in files:
        try:
            status = file.stat()
        except OSError:
            continue
        found[file] = (status.st_mtime_ns, status.st_size)
    return found


def _say(text: str) -> None:
    sys.stderr.write(f"plait: {text}\n")
