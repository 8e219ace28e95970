"""Two people with their own checkouts and one store find each other's results."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

SOURCE = Path(__file__).parents[2] / "src"
FLOW = """
from pathlib import Path

from plait import each, pipeline, step

from shop.rates import rate

HERE = Path(__file__).parent


@step
def load(n: int):
    return [bytes(20_000 + at) for at in range(n)]


@step
def weigh(data):
    return len(data) * rate()


@step(uses=[HERE / "notes.txt"])
def note():
    return (HERE / "notes.txt").read_text()


@pipeline
def flow(n: int = 4):
    return weigh(each(load(n))), note()
"""


class Person:
    """A checkout in a folder of its own, and commands typed there."""

    def __init__(self, root: Path, stack: str | None, variables: dict[str, str]) -> None:
        self.root = root
        self._variables = variables
        self.write("pyproject.toml", '[tool.plait]\npackage = "shop"\n')
        self.write("src/shop/__init__.py", "")
        self.write("src/shop/rates.py", "def rate():\n    return 2\n")
        self.write("src/shop/notes.txt", "ours")
        self.write("src/shop/pipelines/__init__.py", "")
        self.write("src/shop/flow.py", FLOW)
        if stack is not None:
            self.write("conf/base/stack.yml", stack)

    def write(self, name: str, text: str) -> None:
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text))

    def plait(self, *typed: str) -> Any:
        done = subprocess.run(
            [sys.executable, "-m", "plait", *typed],
            cwd=self.root,
            env={
                **{name: value for name, value in os.environ.items() if not name.startswith("PLAIT_")},
                "PYTHONPATH": str(SOURCE),
                "NO_COLOR": "1",
                **self._variables,
            },
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def run(self) -> dict[str, str]:
        out = self.plait("run", "shop.flow", "--executor", "inline", "--json")
        events = [json.loads(line) for line in out.splitlines()]
        return {one["task"]: one["state"] for one in events if one["event"] == "task_ended"}


@pytest.fixture(params=["one folder", "postgresql and one folder"])
def people(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Person, Person]:
    """Two checkouts at different paths that share records and artifacts."""
    stack, variables = None, {}
    if request.param == "one folder":
        variables["PLAIT_HOME"] = str(tmp_path / "shared")
    else:
        url = request.getfixturevalue("postgres").url
        stack = f"record_store: {{type: postgresql, url: '{url}', schema: shared}}\nartifact_store: {tmp_path / 'blobs'}\n"
    return tuple(  # type: ignore[return-value]
        Person(tmp_path / "homes" / name / "work", stack, variables) for name in ("ada", "grace")
    )


def test_what_one_has_computed_the_other_takes(people: tuple[Person, Person]) -> None:
    ada, grace = people
    assert set(ada.run().values()) == {"done"}
    plan = json.loads(grace.plait("plan", "shop.flow", "--json"))
    assert (plan["done"], plan["counts"]["cached"]) == (True, 6)
    assert set(grace.run().values()) == {"cached"}
    # One of them edits a helper: the other one's results stay, and each finds his own.
    grace.write("src/shop/rates.py", "def rate():\n    return 3\n")
    states = grace.run()
    assert {task: state for task, state in states.items() if not task.startswith("weigh")} == {
        "load": "cached",
        "note": "cached",
    }
    assert states["weigh[0]"] == "done"
    assert set(ada.run().values()) == {"cached"}
    assert set(grace.run().values()) == {"cached"}
    # Who is gone leaves his results.
    shutil.rmtree(ada.root)
    grace.write("src/shop/rates.py", "def rate():\n    return 2\n")
    assert set(grace.run().values()) == {"cached"}
