"""Small programs, written to files, imported afresh, and asked for the closure of one function."""

from __future__ import annotations

import importlib
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from plait.engine.closure import Closure, closure_of

FILE = re.compile(r"^# file: (\S+)\n", re.MULTILINE)


def files_of(program: str) -> dict[str, str]:
    """``# file: name.py`` starts a file; what stands before the first is ``flow.py``."""
    parts = FILE.split(textwrap.dedent(program).lstrip("\n"))
    files = {"flow.py": parts[0]} if parts[0].strip() else {}
    return files | dict(zip(parts[1::2], parts[2::2], strict=True))


class Programs:
    """Imports programs under the names that they have, one after the other, and forgets them again."""

    def __init__(self, folder: Path) -> None:
        self.home = self.folder = folder
        self.count = 0

    def load(self, program: str, target: str = "flow:step") -> Any:
        self.count += 1
        root = self.folder / f"v{self.count}"
        for name, text in files_of(program).items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.forget()
        sys.path.insert(0, str(root))
        importlib.invalidate_caches()
        module, _, name = target.partition(":")
        found: Any = importlib.import_module(module)
        assert Path(found.__file__).is_relative_to(root)
        for part in name.split("."):
            found = getattr(found, part)
        return found

    def closure(self, program: str, target: str = "flow:step", **options: Any) -> Closure:
        return closure_of(self.load(program, target), **options)

    def forget(self) -> None:
        here = str(self.home)
        sys.path[:] = [p for p in sys.path if not p.startswith(here)]
        for name, module in list(sys.modules.items()):
            paths = [getattr(module, "__file__", None) or "", *map(str, getattr(module, "__path__", ()))]
            if any(p.startswith(here) for p in paths):
                del sys.modules[name]


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Programs]:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    made = Programs(tmp_path / "programs")
    yield made
    made.forget()


@pytest.fixture
def closure(programs: Programs) -> Callable[..., Closure]:
    return programs.closure


def other(program: str, old: str, new: str) -> str:
    """The program after an edit; the fragment must be there, else the test would compare it with itself."""
    program = textwrap.dedent(program)
    assert old in program, f"{old!r} is not in the program"
    return program.replace(old, new)
