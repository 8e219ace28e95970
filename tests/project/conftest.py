"""What do the tests of projects share? A conf folder to fill file by file, and commands to type."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from plait.cli.main import main
from plait.project.conf import Conf
from plait.project.parameters import overrides

SOURCE = Path(__file__).parents[2] / "src"


class Folder:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.conf = root / "conf"

    def write(self, name: str, text: str) -> Path:
        path = self.conf / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        return path

    def read(self, env=None, *assignments, environ=None, **options) -> Conf:
        runtime = overrides(assignments)
        return Conf(self.conf, env, runtime=runtime, environ=environ or {}, **options)


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


@dataclass
class Said:
    """What a command printed, and the status that it left with."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def plait(monkeypatch, capsys):
    """Type a command in a folder, in this process; the modules that it imported are forgotten afterwards."""
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("PLAIT_ENV", raising=False)

    def type_(*arguments: object, cwd: Path) -> Said:
        monkeypatch.chdir(cwd)
        with pytest.raises(SystemExit) as left:
            main([str(one) for one in arguments])
        said = capsys.readouterr()
        return Said(left.value.code or 0, said.out, said.err)

    path, modules = list(sys.path), set(sys.modules)
    yield type_
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        file = getattr(sys.modules[name], "__file__", None)
        if file is not None and Path(file).is_relative_to(tempfile.gettempdir()):
            del sys.modules[name]


@pytest.fixture(scope="session")
def shell():
    """Type a command in a folder, in a process of its own."""

    def type_(*arguments: object, cwd: Path, python: str = sys.executable, **variables: str) -> Said:
        environment = {
            **os.environ,
            "NO_COLOR": "1",
            "COLUMNS": "100",
            "PYTHONPATH": str(SOURCE),
            **variables,
        }
        environment.pop("PLAIT_ENV", None) if "PLAIT_ENV" not in variables else None
        typed = [python, *map(str, arguments)]
        done = subprocess.run(typed, cwd=cwd, env=environment, capture_output=True, text=True, timeout=300)
        return Said(done.returncode, done.stdout, done.stderr)

    return type_


@pytest.fixture
def write(tmp_path):
    """Write a file below the test's folder, its folders too."""

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        return path

    return write
