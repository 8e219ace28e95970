"""How does a new project come to be? A template, which is a small project that works, is copied under another name."""

from __future__ import annotations

import keyword
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct

from plait.errors import ParameterError, TargetError, did_you_mean

__all__ = ["Made", "Template", "find_templates", "make_project", "package_name"]

GROUP = "plait.templates"
_HERE = Path(__file__).parent / "templates"
_TEXTS = {".py", ".toml", ".md", ".yml", ".yaml", ".ipynb", ".json", ".cfg", ".txt", ".rst"}
# What working in a template leaves behind is none of it.
_LEFT_BEHIND = {
    ".ipynb_checkpoints", ".mypy_cache", ".plait", ".pytest_cache", ".ruff_cache", ".venv", "__pycache__",
    "build", "dist",
}  # fmt: skip


class Template(Struct, frozen=True):
    """A folder that holds a project.

    Attributes:
        source: the distribution that brought it.
    """

    name: str
    folder: Path
    source: str = "plait"

    @property
    def description(self) -> str:
        return str(_project_table(self.folder).get("description", ""))


class Made(Struct, frozen=True):
    """A project that was just made."""

    root: Path
    name: str
    package: str
    template: str
    files: int


def find_templates() -> dict[str, Template]:
    """Every template by name: plait's own, then those of plugins, in the entry point group ``plait.templates``.

    An entry point names a folder inside a package with dots: ``web = "my_package.templates.web"``. Nothing of the
    package is imported.
    """
    found = {"minimal": Template("minimal", _HERE / "minimal"), "flights": Template("flights", _flights())}
    for name, value, source in _entry_points():
        folder = _folder_of(value)
        if folder is not None:
            found.setdefault(name, Template(name, folder, source))
    return {name: one for name, one in found.items() if (one.folder / "pyproject.toml").is_file()}


def _flights() -> Path:
    """The example is the template: beside the code in a wheel, in ``examples/`` where plait is worked on."""
    inside = _HERE / "flights"
    return inside if inside.is_dir() else Path(__file__).parents[3] / "examples" / "flights"


def _entry_points() -> Iterator[tuple[str, str, str]]:
    from importlib.metadata import entry_points

    for point in entry_points(group=GROUP):
        yield point.name, point.value, point.dist.name if point.dist else ""


def _folder_of(dotted: str) -> Path | None:
    from importlib.util import find_spec

    top, *inside = dotted.replace(":", ".").split(".")
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):
        return None
    for place in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(place, *inside)
        if folder.is_dir():
            return folder
    return None


def make_project(path: Path, *, template: str = "minimal", name: str | None = None) -> Made:
    """Write a project: it is there whole, or not at all.

    Args:
        path: its folder, which must not exist or be empty.
        name: of the project; that of the folder if left out. Its package is called so too, with ``_`` for ``-``.

    Raises:
        TargetError: there is something at the path already, or there is no such template.
        ParameterError: the name cannot be that of a package.
    """
    templates = find_templates()
    if template not in templates:
        raise TargetError(f"there is no template {template!r}", hint=did_you_mean(template, templates))
    chosen = templates[template]
    root = path.absolute()
    _check_free(root, path)
    name = name if name is not None else Path(os.path.normpath(root)).name
    package = package_name(name, chosen, given=path)
    root.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{package}-", dir=root.parent) as scratch:
        whole = Path(scratch) / "project"
        files = _copy(chosen, whole, name, package)
        if root.is_dir():
            root.rmdir()
        whole.rename(root)
    return Made(root, name, package, template, files)


def _check_free(root: Path, path: Path) -> None:
    if root.is_dir():
        inside = sorted(entry.name for entry in root.iterdir())
        if inside:
            shown = ", ".join(inside[:3]) + (f" and {len(inside) - 3} more" if len(inside) > 3 else "")
            raise TargetError(
                f"{path} is there already and holds {shown}", hint="name a folder that is new or empty"
            )
    elif root.exists():
        raise TargetError(f"{path} is a file", hint="name a folder that is new or empty")


def package_name(name: str, template: Template | None = None, *, given: Path | None = None) -> str:
    """The name of the package of a project called so.

    Raises:
        ParameterError: there cannot be one; the hint suggests another.
    """
    package = name.strip().lower().replace("-", "_").replace(" ", "_").replace(".", "_")
    taken = {"plait", "tests", "src", "conf", "data", "notebooks"} | _requirements(template)
    why = None
    if not package.isidentifier() or not package.isascii():
        why = "is no name of a Python package"
    elif keyword.iskeyword(package) or keyword.issoftkeyword(package):
        why = "is a word of Python's own"
    elif package in sys.stdlib_module_names:
        why = "is a module of Python's own"
    elif package in taken:
        why = "is taken: another package is called so"
    if why is None:
        return package
    suggestion = _suggest(package, taken)
    place = f"{given} " if given is not None else ""
    raise ParameterError(f"{name!r} {why}", hint=f"plait new {place}--name {suggestion}")


def _suggest(package: str, taken: set[str]) -> str:
    import unicodedata

    plain = unicodedata.normalize("NFKD", package).encode("ascii", "ignore").decode()
    words = re.sub(r"\W+", "_", plain).strip("_")
    if not words:
        return "my_project"
    if words[0].isdigit() or keyword.iskeyword(words) or words in sys.stdlib_module_names or words in taken:
        return f"my_{words}"
    return words


def _requirements(template: Template | None) -> set[str]:
    """The packages that a template needs: one of that name would stand in their place."""
    listed = _project_table(template.folder).get("dependencies", []) if template else []
    return {re.split(r"[^\w.-]", str(one), maxsplit=1)[0].lower().replace("-", "_") for one in listed}


def _project_table(folder: Path) -> dict[str, Any]:
    import tomllib

    table: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8")).get(
        "project", {}
    )
    return table


def _copy(template: Template, root: Path, name: str, package: str) -> int:
    rename = _Renaming(template.folder, name, package)
    count = 0
    for file in _files(template.folder):
        target = root / rename.path(file.relative_to(template.folder))
        target.parent.mkdir(parents=True, exist_ok=True)
        content = file.read_bytes()
        if file.suffix in _TEXTS:
            content = rename.text(content.decode("utf-8"), file.name).encode("utf-8")
        target.write_bytes(content)
        count += 1
    return count


def _files(folder: Path) -> list[Path]:
    """What belongs to a template: not what its own ``.gitignore`` keeps out, nor what work in it left behind."""
    kept = []
    for file in sorted(folder.rglob("*")):
        inside = file.relative_to(folder)
        if not file.is_file() or _LEFT_BEHIND & set(inside.parts) or inside.suffix == ".pyc":
            continue
        private = inside.parts[:2] == ("conf", "local") or inside.parts[0] == "data"
        if private and inside.name != ".gitkeep" and inside.parts[:2] != ("data", "raw"):
            continue
        kept.append(file)
    return kept


class _Renaming:
    """A template's own name, wherever it is the name of the project or package and not a word of the text."""

    def __init__(self, folder: Path, name: str, package: str) -> None:
        import tomllib

        table = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
        self._package = package
        self._old = str(table["tool"]["plait"]["package"])
        self._project = (str(table["project"]["name"]), name)
        inside = sorted({entry.stem for entry in (folder / "src" / self._old).iterdir()} - {"__init__"})
        old = re.escape(self._old)
        modules = "|".join(map(re.escape, inside))
        self._code = re.compile(
            rf"(?<=\bfrom ){old}(?=[. ])|(?<=\bimport ){old}\b|(?<=\bsrc/){old}\b|\b{old}(?=\.(?:{modules})\b)"
        )

    def path(self, inside: Path) -> Path:
        if inside.parts[:2] == ("src", self._old):
            return Path("src", self._package, *inside.parts[2:])
        return inside

    def text(self, text: str, file: str) -> str:
        text = self._code.sub(self._package, text)
        old, new = self._project
        if file == "pyproject.toml":
            text = text.replace(f'name = "{old}"', f'name = "{new}"', 1)
            text = text.replace(f'package = "{self._old}"', f'package = "{self._package}"', 1)
        if file == "README.md":
            text = re.sub(rf"\A# {re.escape(old)}\b", lambda _: f"# {new}", text)
        return text
