"""Do the words of a recorded run ask for the same run again?"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from plait.project.secrets import MASK
from plait.record.recipe import Recipe, recipe_of, typed_value
from plait.record.runview import run_command
from tests.programs import Folder
from tests.server.conftest import environment

FLOW = """
@step(tags=["late"])
def first(n: int, name: str = "x"):
    return n
@step(memory="1GiB")
def second(n: int, name: str):
    return (n, name)
@pipeline
def flow(n: int = 3, name: str = "a b", flag: str = "yes"):
    return second(first(n), name)
"""


def plait(folder: Path, *words: str, env: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "plait", *words],
        cwd=folder,
        env={**environment(), **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.one_file
def test_a_run_of_a_part_is_asked_for_again_as_it_was(folder: Folder) -> None:
    folder.write(FLOW)
    env = {"PLAIT_HOME": str(folder.home)}
    target = f"{folder.path / 'flow.py'}:flow"
    common = ("--executor", "inline", "-q")
    plait(folder.path, "run", target, "n=4", "name=it's", "flag='no'", *common, env=env)
    plait(
        folder.path, "run", target, "n=4", "name=it's", "flag='no'", "--from", "second", "--inputs-from", "latest", "--set", "second.retries=2",
        *common, env=env,
    )  # fmt: skip
    asked = folder.store.run("latest")
    recipe = recipe_of(asked)
    words = recipe.words()
    assert words[:2] == ["run", target]
    assert {'name="it\'s"', "--from", "second", "--set", "second.retries=2"} <= set(words)
    plait(folder.path, *words, *common, env=env)
    again = folder.store.run("latest")
    assert again.id != asked.id
    assert again.params == asked.params
    assert again.facts["selections"] == asked.facts["selections"]
    assert [task.name for task in again.tasks] == [task.name for task in asked.tasks] == ["second"]
    assert recipe_of(again) == recipe
    assert run_command(again) == run_command(asked)


@pytest.mark.one_file
def test_what_each_word_stands_for(folder: Folder) -> None:
    recipe = Recipe(
        "training",
        params={"alpha": "0.1", "model": "ridge"},
        env="prod",
        stack="cluster",
        assignments=("model=lasso", "root.path=/data", "alpha.inner=2"),
        params_file="params.yml",
        load_versions={"flights": "v1"},
        step_options=("fit.memory=1GiB",),
        selections=({"only": ["fit[3]"], "tags": ["slow", "late"]},),
        inputs_from="abc",
    )
    assert recipe.words() == [
        "run", "training", "root.path=/data", "alpha=0.1", "model=ridge", "--params-file", "params.yml",
        "--env", "prod", "--stack", "cluster", "--load-version", "flights=v1", "--set", "fit.memory=1GiB",
        "--only", "fit[3]", "--tag", "slow", "--tag", "late", "--inputs-from", "abc",
    ]  # fmt: skip


@pytest.mark.one_file
def test_secrets_and_values_without_a_text_are_left_to_the_conf(folder: Folder) -> None:
    folder.write(FLOW)
    run = folder.run()
    run.__dict__["params"] = {"n": 1, "name": f"user:{MASK}", "flag": "<table 3 x 2>"}
    run.__dict__["origins"] = {"n": "command line", "name": "credentials.yml", "flag": "given"}
    recipe = recipe_of(run)
    assert recipe.params == {"n": "1"}
    assert recipe.hidden == ("name",)


@pytest.mark.one_file
@pytest.mark.parametrize(
    "value",
    ["ridge", "no", "3", "1e5", "~", "a b", "x: y", "", "[1]", 3, 0.1, True, None, [1, "2"], {"a": "null"}],
)
def test_a_typed_value_is_read_as_what_it_was(value: object, folder: Folder) -> None:
    import yaml

    assert yaml.safe_load(typed_value(value)) == value
