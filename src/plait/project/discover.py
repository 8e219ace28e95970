"""Which pipeline does a TARGET mean? A file, a module, a folder or a name, and only what it needs is imported."""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from msgspec import Struct

from plait.errors import ConfError, PlaitError, TargetError, did_you_mean, nearest
from plait.graph.pipeline import Definition
from plait.project.importing import importing
from plait.project.place import packaged, project_root

__all__ = ["Found", "ProjectFile", "discover", "find_pipeline", "pipeline_names", "project_at"]


class Found(Struct, frozen=True):
    """A pipeline, the project that it belongs to if any, and how to name it again from the same folder."""

    pipeline: Definition
    root: Path | None
    text: str


class ProjectFile(Struct, frozen=True):
    """What ``[tool.plait]`` in a ``pyproject.toml`` says of the code."""

    root: Path
    package: str
    default: str | None
    installed: Path | None = None

    @property
    def source(self) -> Path:
        """The folder that holds the package: ``src/``, the project's own, or where it is installed."""
        if self.installed is not None:
            return self.installed
        inside = self.root / "src"
        return inside if (inside / Path(*self.package.split("."))).is_dir() else self.root

    @property
    def pipelines(self) -> Path:
        return self.source / Path(*self.package.split(".")) / "pipelines"


def find_pipeline(target: str) -> Found:
    """The pipeline that a target means.

    Args:
        target: ``file.py``, ``file.py:name``, ``package.module``, ``package.module:name``, a folder (the default
            pipeline of its project), or the name of a pipeline of the project around the working directory.

    Raises:
        TargetError: it is not there (the nearest is named), is ambiguous, or raises when it is imported.
        ConfError: the project's ``pyproject.toml`` does not add up.
    """
    place, name = _split(target)
    path = Path(place).expanduser()
    try:
        return _find(path, place, name)
    except PermissionError as error:
        raise TargetError(f"{place} cannot be read: {error.strerror}", where=error.filename) from None


def _find(path: Path, place: str, name: str | None) -> Found:
    if place.endswith(".py") or path.is_file():
        return _in_file(path, place, name)
    if os.sep in place or "/" in place or place in (".", ".."):
        return _in_folder(path, place, name)
    return _by_name(place, name)


def project_at(start: Path) -> ProjectFile | None:
    """The project around a folder or file, if any.

    Raises:
        ConfError: its ``[tool.plait]`` table is wrong.
    """
    instead = packaged()
    if instead is not None:
        return _installed(*instead)
    root = project_root(start.resolve())
    if root is None:
        return None
    from plait.project.settings import read_settings

    file, table = root / "pyproject.toml", read_settings(root)
    package, default = table.get("package"), table.get("default")
    if package is None:
        package = _only_package(root)
    if not isinstance(package, str) or not package:
        raise ConfError(
            f"{file} does not say which package the project is",
            where=str(file),
            hint='[tool.plait] package = "name"',
        )
    if default is not None and not isinstance(default, str):
        raise ConfError(
            f"[tool.plait] default is {default!r}, not a name", where=str(file), hint='default = "training"'
        )
    return ProjectFile(root, package, default)


def _installed(package: str, root: Path) -> ProjectFile:
    """A package without its ``pyproject.toml``; its ``__main__`` remembers what that said."""
    top = importlib.import_module(package)
    default = getattr(importlib.import_module(f"{package}.__main__"), "DEFAULT", None)
    folder = Path(str(top.__file__)).parent
    for _ in package.split("."):
        folder = folder.parent
    return ProjectFile(root, package, default, folder)


def pipeline_names(project: ProjectFile) -> list[str]:
    """The modules in which the project's pipelines are, without importing them; for messages."""
    if not project.pipelines.is_dir():
        return []
    return sorted(
        entry.stem
        for entry in project.pipelines.iterdir()
        if entry.stem.isidentifier()
        and not entry.name.startswith("_")
        and (entry.suffix == ".py" or (entry / "__init__.py").is_file())
    )


def _split(target: str) -> tuple[str, str | None]:
    place, colon, name = target.rpartition(":")
    if not colon or not place or not all(part.isidentifier() for part in name.split(".")):
        if colon and place and not name:
            raise TargetError(
                f"{target!r} names no pipeline after the colon", hint=f"write {place}:NAME, or {place}"
            )
        return target, None
    return (target, None) if len(place) == 1 and os.name == "nt" else (place, name)


# By file.


def _in_file(path: Path, place: str, name: str | None) -> Found:
    if not path.is_file():
        raise _no_file(path, place)
    if path.suffix != ".py":
        raise TargetError(
            f"{place} is not a Python file", hint="a target is file.py, package.module, a folder or a name"
        )
    file = path.resolve()
    project = project_at(file)
    module = _import_file(file, project, place)
    return _choose(module, name, place, project)


def _no_file(path: Path, place: str) -> TargetError:
    folder = path.parent
    if path.is_dir():
        return TargetError(f"{place} is a folder, not a file")
    if not folder.is_dir():
        return TargetError(f"there is no file {place}: there is no folder {folder}")
    files = [entry.name for entry in folder.iterdir() if entry.suffix == ".py"]
    close = nearest(path.name, files)
    shown = [str(folder / match) if folder != Path() else match for match in close]
    hint = "did you mean " + " or ".join(shown) + "?" if shown else did_you_mean(path.name, files)
    return TargetError(f"there is no file {place}", hint=hint or f"{folder.resolve()} holds no Python file")


def _import_file(file: Path, project: ProjectFile | None, place: str) -> ModuleType:
    """Import a file as ``python file.py`` would find its neighbours, under a name that other processes find too."""
    root, name = _package_name(file, project)
    if name is not None:
        _search_first(root)
        return _import(name, place)
    stem, folder = file.stem, file.parent
    if _is_free(stem, file):
        _search_first(folder)
        return _import(stem, place)
    # Behind the standard library: a json.py of the user's must not stand in for it where others import it.
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    return _load(file, place)


def _package_name(file: Path, project: ProjectFile | None) -> tuple[Path, str | None]:
    """The folder to search and the dotted name of a file inside a package; None for a file on its own."""
    parts = [] if file.stem == "__init__" else [file.stem]
    folder = file.parent
    while (folder / "__init__.py").is_file():
        parts.insert(0, folder.name)
        folder = folder.parent
    inside = project.source / Path(*project.package.split(".")) if project else None
    if project and inside and file.is_relative_to(inside):
        parts = list(file.relative_to(project.source).with_suffix("").parts)
        folder = project.source
        if parts[-1] == "__init__":
            parts.pop()
    if len(parts) > 1 or file.stem == "__init__":
        return folder, ".".join(parts) if all(part.isidentifier() for part in parts) else None
    return folder, None


def _is_free(stem: str, file: Path) -> bool:
    if not stem.isidentifier() or stem in sys.stdlib_module_names:
        return False
    loaded = sys.modules.get(stem)
    if loaded is None:
        return True
    origin = getattr(loaded, "__file__", None)
    return origin is not None and Path(origin).resolve() == file


def _load(file: Path, place: str) -> ModuleType:
    """A file whose own name is taken: loaded for this process alone, so its functions travel by value."""
    name = f"{''.join(letter if letter.isalnum() else '_' for letter in file.stem)}_of_{file.parent.name or 'root'}"
    while name in sys.modules:
        name += "_"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise TargetError(f"{place} is not a Python file")
    loader = spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # classes are defined by looking their module up
    try:
        _run(lambda: loader.exec_module(module), place)
    finally:
        del sys.modules[name]
    return module


# By folder and by name.


def _in_folder(path: Path, place: str, name: str | None) -> Found:
    if not path.is_dir():
        parent = path.parent
        names = [entry.name for entry in parent.iterdir()] if parent.is_dir() else []
        close = nearest(path.name, names)
        hint = (
            f"did you mean {parent / close[0]}?"
            if close
            else "a target is file.py, package.module, a folder or a name"
        )
        raise TargetError(f"there is no file or folder {place}", hint=hint)
    project = project_at(path)
    if project is None:
        files = [entry.name for entry in sorted(path.iterdir()) if entry.suffix == ".py"]
        hint = (
            f"name a file: {path / files[0]}" if files else "a project has [tool.plait] in its pyproject.toml"
        )
        raise TargetError(f"{place} is no plait project", hint=hint)
    return _of_project(project, name or project.default, place)


def _of_project(project: ProjectFile, name: str | None, place: str) -> Found:
    """A pipeline of a project by name, or its only one."""
    broken: list[TargetError] = []
    found = _until(name, discover(project, name, broken))
    if name is not None and name in found:
        return Found(found[name], project.root, _again(place, name))
    if broken:
        raise broken[0]
    if name is not None:
        raise TargetError(
            f"project {project.package!r} has no pipeline {name!r}",
            where=str(project.root / "pyproject.toml"),
            hint=did_you_mean(name, found) or f"write one in {project.pipelines}/{name}.py",
        )
    if len(found) == 1:
        return Found(next(iter(found.values())), project.root, place)
    if not found:
        raise TargetError(
            f"project {project.package!r} has no pipeline",
            hint=f"write one in {project.pipelines}/training.py",
        )
    raise TargetError(
        f"project {project.package!r} has {len(found)} pipelines: {', '.join(sorted(found))}",
        hint=f'plait run {place}:{min(found)}, or say [tool.plait] default = "{min(found)}"',
    )


def _again(place: str, name: str) -> str:
    return name if place == name else f"{place}:{name}"


def _until(name: str | None, found: Iterator[tuple[str, Definition]]) -> dict[str, Definition]:
    """Pipelines up to the one that is wanted: what comes after it is not imported."""
    taken: dict[str, Definition] = {}
    for at, definition in found:
        taken.setdefault(at, definition)
        if at == name:
            break
    return taken


def discover(
    project: ProjectFile, wanted: str | None, broken: list[TargetError]
) -> Iterator[tuple[str, Definition]]:
    """The pipelines of a project by name, each module imported when its turn comes.

    The module that is called as the wanted one is tried first, and alone; then those whose text has the word.
    Modules that raise are left out, and told in ``broken``: the wanted one may be elsewhere.

    Raises:
        TargetError: there is no folder for pipelines, or the module of the wanted name raises.
    """
    _search_first(project.source)
    base = f"{project.package}.pipelines"
    if not project.pipelines.is_dir():
        raise TargetError(
            f"project {project.package!r} has no folder for pipelines",
            where=str(project.root / "pyproject.toml"),
            hint=f"write one in {project.pipelines}/training.py",
        )
    names = pipeline_names(project)
    if wanted in names:
        own = _inside(f"{base}.{wanted}")
        if wanted in own or len(own) == 1:
            yield str(wanted), own.get(str(wanted)) or next(iter(own.values()))
            return
    for name in _likely_first(project, names, wanted):
        try:
            own = _inside(f"{base}.{name}")
        except TargetError as error:
            broken.append(error)
            continue
        for at, definition in own.items():
            yield at, definition
            if definition.name == wanted and at != wanted:
                yield definition.name, definition


def _inside(name: str) -> dict[str, Definition]:
    """The pipelines of a module; of a package that only holds files, those of its ``pipeline.py``."""
    module = _import(name, name)
    own = _own(module)
    if not own and hasattr(module, "__path__") and importlib.util.find_spec(f"{name}.pipeline") is not None:
        own = _own(_import(f"{name}.pipeline", f"{name}.pipeline"))
    return own


def _likely_first(project: ProjectFile, names: list[str], wanted: str | None) -> list[str]:
    """Those whose text has the wanted word before the others: to read is cheaper than to import."""
    if wanted is None:
        return names
    word = re.compile(rf"\b{re.escape(wanted)}\b")

    def is_silent(name: str) -> bool:
        module = project.pipelines / name
        files = module.rglob("*.py") if module.is_dir() else [module.with_suffix(".py")]
        return not any(word.search(file.read_text(encoding="utf-8", errors="replace")) for file in files)

    return sorted(names, key=is_silent)


def _by_name(place: str, name: str | None) -> Found:
    here = Path.cwd()
    project = project_at(here)
    known: list[str] = []
    broken: list[TargetError] = []
    if project is not None and name is None and place.isidentifier() and project.pipelines.is_dir():
        found = _until(place, discover(project, place, broken))
        if place in found:
            return Found(found[place], project.root, place)
        known = list(found)
    if Path(place).is_dir() and project_root(Path(place).resolve()) not in (
        None,
        project.root if project else None,
    ):
        return _in_folder(Path(place), place, name)
    _search_first(here)
    if project is not None:
        _search_first(project.source)
    if _is_module(place):
        return _choose(_import(place, place), name, place, project)
    raise broken[0] if broken else _no_name(place, known, project)


def _is_module(name: str) -> bool:
    """Whether a dotted name can be imported; its parents are, as Python demands it."""
    if not all(part.isidentifier() for part in name.split(".")):
        return False
    parent = name.rpartition(".")[0]
    if parent:
        if not _is_module(parent):
            return False
        _import(parent, parent)
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError, AttributeError):
        return False
    return spec is not None and spec.origin is not None


def _no_name(place: str, known: list[str], project: ProjectFile | None) -> TargetError:
    files = sorted(entry.name for entry in Path.cwd().glob("*.py"))
    candidates = (
        {name: name for name in known}
        | {Path(file).stem: file for file in files}
        | {file: file for file in files}
    )
    close = list(dict.fromkeys(candidates[match] for match in nearest(place, candidates)))
    if close:
        hint = "did you mean " + " or ".join(close) + "?"
    else:
        hint = (
            did_you_mean(place, [*known, *files]) or "a target is file.py, package.module, a folder or a name"
        )
    whose = f" of project {project.package!r}" if project else ""
    return TargetError(f"there is no pipeline{whose}, file or module {place!r}", hint=hint)


def _only_package(root: Path) -> str | None:
    """The one package of a project that does not name it."""
    for folder in (root / "src", root):
        packages = [entry.parent.parent.name for entry in folder.glob("*/pipelines/__init__.py")]
        if len(packages) == 1:
            return packages[0]
    return None


# What a module holds.


def _choose(module: ModuleType, name: str | None, place: str, project: ProjectFile | None) -> Found:
    root = project.root if project else None
    file = None if place.endswith(".py") else getattr(module, "__file__", None)
    pipelines = _pipelines_of(module)
    if name is not None:
        chosen = pipelines.get(name) or _attribute(module, name)
        if isinstance(chosen, Definition):
            return Found(chosen, root, f"{place}:{name}")
        if chosen is not None:
            what = "a step" if _is_step(chosen) else f"a {type(chosen).__name__}"
            raise TargetError(
                f"{name!r} in {place} is {what}, not a pipeline",
                where=file,
                hint=did_you_mean(name, pipelines) if pipelines else _write_one(module),
            )
        raise TargetError(
            f"{place} has no pipeline {name!r}",
            where=file,
            hint=did_you_mean(name, pipelines) or _write_one(module),
        )
    own = _own(module)
    if len(own) == 1:
        return Found(next(iter(own.values())), root, place)
    if not own:
        raise TargetError(f"{place} has no pipeline", where=file, hint=_write_one(module))
    raise TargetError(
        f"{place} has {len(own)} pipelines: {', '.join(own)}",
        where=file,
        hint=f"name one: {place}:{list(own)[-1]}",
    )


def _pipelines_of(module: ModuleType) -> dict[str, Definition]:
    """The pipelines in a module by the name under which it has them, in the order in which they stand."""
    found: dict[str, Definition] = {}
    seen: set[int] = set()
    for at, value in vars(module).items():
        if isinstance(value, Definition) and not at.startswith("__") and id(value) not in seen:
            seen.add(id(value))
            found[at] = value
    return found


def _own(module: ModuleType) -> dict[str, Definition]:
    """Those that are defined there; if none is, those that it has imported."""
    pipelines = _pipelines_of(module)
    return {at: one for at, one in pipelines.items() if one.module == module.__name__} or pipelines


def _attribute(module: ModuleType, name: str) -> Any:
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part, None)
    return found


def _is_step(value: Any) -> bool:
    from plait.graph.step import Step

    return isinstance(value, Step)


def _write_one(module: ModuleType) -> str:
    steps = [
        at for at, value in vars(module).items() if _is_step(value) and value.spec.module == module.__name__
    ]
    if not steps:
        return "it has no step either: write @step above functions, and a function that calls them under @pipeline"
    shown = ", ".join(steps[:5]) + (f" and {len(steps) - 5} more" if len(steps) > 5 else "")
    has = "the step" if len(steps) == 1 else "the steps"
    return f"it has {has} {shown}: write a function that calls {'it' if len(steps) == 1 else 'them'} under @pipeline"


# Importing.


def _search_first(folder: Path) -> None:
    entry = str(folder)
    if entry in sys.path:
        sys.path.remove(entry)
    sys.path.insert(0, entry)


def _import(name: str, place: str) -> ModuleType:
    made: ModuleType = _run(lambda: importlib.import_module(name), place)
    return made


def _run(load: Any, place: str) -> Any:
    """Import the user's code: whatever it raises becomes a message that names the place.

    Raises:
        TargetError: the cause is the user's own exception, with its frames.
    """
    try:
        with importing(place):
            return load()
    except PlaitError:
        raise
    except SystemExit as error:
        raise TargetError(
            f"{place} called sys.exit({error.code!r}) while it was imported",
            hint='put what is to run as a script under: if __name__ == "__main__":',
        ) from error
    except Exception as error:
        what = str(error).strip().splitlines()
        said = f"{type(error).__name__}: {what[0]}" if what else type(error).__name__
        hint = None
        if isinstance(error, ModuleNotFoundError) and error.name:
            hint = f"install it into this environment, or mend the import: {error.name}"
        raise TargetError(
            f"{place} could not be imported: {said}", where=_last_line(error), hint=hint
        ) from error


def _last_line(error: BaseException) -> str | None:
    """Where in the user's files an exception came from: the innermost frame that is no library's."""
    import sysconfig

    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}:{error.lineno}"
    library = (sysconfig.get_path("stdlib"), "<frozen", str(Path(__file__).parents[1]))
    where, trace = None, error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if not file.startswith(library) and "site-packages" not in file:
            where = f"{file}:{trace.tb_lineno}"
        trace = trace.tb_next
    return where
