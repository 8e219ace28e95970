"""How is a command tried? In this process for its messages, in one of its own for signals, pipes and workers."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

SOURCE = Path(__file__).parents[2] / "src"


class Answer(NamedTuple):
    status: int
    out: str
    err: str


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder to stand in; what is imported from it is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PLAIT_HOME", raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        file = getattr(sys.modules[name], "__file__", None)
        if file and Path(file).is_relative_to(tmp_path):
            del sys.modules[name]


@pytest.fixture
def write(folder: Path) -> Callable[[str, str], Path]:
    """Write a file of the user's."""

    def write(name: str, text: str) -> Path:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text))
        return file

    return write


@pytest.fixture
def plait(folder: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """Run a command in this process; steps run inline."""
    from plait.cli.main import run_command

    def plait(*arguments: str) -> Answer:
        chosen = list(arguments)
        if chosen[:1] == ["run"] and "--executor" not in chosen:
            chosen += ["--executor", "inline"]
        status = run_command(chosen)
        told = capsys.readouterr()
        return Answer(status, told.out, told.err)

    return plait


def environment() -> dict[str, str]:
    paths = [str(SOURCE), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def start(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    """A command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "plait", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        **options,
    )


def finish(*arguments: str, **options: Any) -> Answer:
    process = start(*arguments, **options)
    out, err = process.communicate(timeout=60)
    return Answer(process.returncode, out, err)
