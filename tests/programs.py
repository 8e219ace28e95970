"""A folder with a user's programs: edited, run in this process or in others, and asked for their records."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
import types
from pathlib import Path
from typing import Any

from plait.api import Pipeline
from plait.executors.inline import InlineExecutor
from plait.launch.orders import CachePolicy, Orders
from plait.launch.prepare import Given, Prepared, prepare
from plait.launch.start import execute
from plait.record.store import RecordStore
from plait.record.views import Run

SOURCE = Path(__file__).parents[1] / "src"


class Folder:
    """A user's folder.

    ``count(name)`` tells how often a step ran that calls ``ran(name)``: whatever the records say of it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.modules: list[str] = []

    @property
    def home(self) -> Path:
        return self.path / ".plait"

    @property
    def store(self) -> RecordStore:
        return RecordStore(self.home)

    def write(self, text: str, name: str = "flow.py") -> Path:
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(_HEAD.format(ran=str(self.path / "ran.txt")) + textwrap.dedent(text))
        return file

    def edit(self, old: str, new: str, name: str = "flow.py") -> None:
        file = self.path / name
        text = file.read_text()
        assert old in text, f"{old!r} is not in {name}"
        file.write_text(text.replace(old, new))

    def count(self, name: str) -> int:
        file = self.path / "ran.txt"
        return (
            len(re.findall(rf"^{re.escape(name)}$", file.read_text(), re.MULTILINE)) if file.exists() else 0
        )

    # In this process.

    def load(self, name: str = "flow.py") -> types.ModuleType:
        """The file as a module, afresh, whatever was imported before."""
        file = self.path / name
        module = types.ModuleType(file.stem)
        module.__file__ = str(file)
        sys.modules[file.stem] = module
        self.modules.append(file.stem)
        exec(compile(file.read_text(), str(file), "exec"), module.__dict__)
        return module

    def pipeline(self, name: str = "flow.py") -> Pipeline[Any, Any]:
        import linecache

        linecache.checkcache()
        found = [one for one in vars(self.load(name)).values() if isinstance(one, Pipeline)]
        return found[-1]

    def prepared(self, **params: Any) -> Prepared:
        return prepare(self.pipeline(), {name: Given(value) for name, value in params.items()})

    def run(self, *, no_cache: bool = False, refresh: tuple[str, ...] = (), **params: Any) -> Run:
        return execute(
            self.prepared(**params),
            executor=InlineExecutor(tee=False),
            orders=Orders(CachePolicy(not no_cache, refresh)),
        )

    def states(self, run: Run) -> dict[str, str]:
        return {task.name: task.state for task in run.tasks}

    # In other processes.

    @property
    def environment(self) -> dict[str, str]:
        return {
            **{name: value for name, value in os.environ.items() if name != "PLAIT_HOME"},
            "PYTHONPATH": str(SOURCE),
            "PYTHONDONTWRITEBYTECODE": "1",
            "NO_COLOR": "1",
            "COLUMNS": "100",
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "plait", *arguments],
            cwd=self.path,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def plait(self, *arguments: str) -> tuple[int, str, str]:
        """A command in a process of its own: its status and what it said on both streams."""
        process = self.start(*arguments)
        out, err = process.communicate(timeout=180)
        return process.returncode, out, err

    def forget(self) -> None:
        for name in self.modules:
            sys.modules.pop(name, None)


_HEAD = """\
import os

from plait import each, log, pipeline, step


def _note(name):
    with open({ran!r}, "a") as file:
        file.write(name + "\\n")


def ran(name):
    _note(name)


"""
