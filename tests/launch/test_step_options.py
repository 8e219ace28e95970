"""Do conf and command line decide how steps run, and is what cannot be done refused before anything runs?"""

from __future__ import annotations

from pathlib import Path

import pytest

from plait import get_run, list_runs, pipeline, step
from plait.errors import DefinitionError, ParameterError
from tests.cli.conftest import Answer, finish

FLOW = """
from plait import step, pipeline

@step(tags=["slow"])
def fit(x: int = 1) -> int:
    return x

@pipeline
def training():
    return fit()
"""


def project(folder: Path) -> Path:
    (folder / "conf/base").mkdir(parents=True)
    (folder / "conf/prod").mkdir()
    (folder / "conf/base/parameters.yml").write_text("{}\n")
    (folder / "flow.py").write_text(FLOW)
    return folder


def run(folder: Path, *words: str) -> Answer:
    return finish("run", "flow.py", "-q", "--executor", "inline", *words, cwd=folder)


def options_of(folder: Path, run_id: str):
    graph = get_run(run_id.strip(), home=folder / ".plait").graph
    return graph.options(0)


def test_an_environment_says_how_steps_run_and_the_command_line_has_the_last_word(tmp_path: Path) -> None:
    folder = project(tmp_path)
    (folder / "conf/base/steps.yml").write_text("tag:slow: {retries: 1}\n")
    (folder / "conf/prod/steps.yml").write_text("fit:\n  retries: 4\n  owner: ana\n")
    code, first, err = run(folder)
    assert (code, options_of(folder, first).retries) == (0, 1), err
    _, second, _ = run(folder, "--env", "prod")
    assert options_of(folder, second).retries == 4
    _, third, _ = run(folder, "--env", "prod", "--set", "fit.retries=0")
    assert (options_of(folder, third).retries, options_of(folder, third).owner) == (0, "ana")


def test_a_tag_that_an_environment_gives_selects_the_step_too(tmp_path: Path) -> None:
    folder = project(tmp_path)
    (folder / "conf/base/steps.yml").write_text("fit: {tags: [heavy]}\n")
    code, ran, err = run(folder, "--tag", "heavy")
    assert code == 0, err
    assert get_run(ran.strip(), home=folder / ".plait").graph.find_node("fit") is not None
    assert finish("show", "flow.py", "--tag", "heavy", cwd=folder).status == 0
    code, _, err = run(folder, "--tag", "heavi")
    assert (code, "did you mean 'heavy'?" in err) == (2, True)


def test_a_wrong_option_in_steps_yml_names_its_file_and_line(tmp_path: Path) -> None:
    folder = project(tmp_path)
    (folder / "conf/base/steps.yml").write_text("fit:\n  memory: 4 apples\n")
    code, _, err = run(folder)
    assert code == 2
    assert "conf/base/steps.yml:1" in err
    assert "'4 apples' is not a size" in err
    assert not (folder / ".plait/records.db").exists()


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("fit", "sets no option of a step"),
        ("fti.memory=1GB", "did you mean 'fit'"),
        ("fit.memry=1GB", "did you mean 'memory'"),
    ],
)
def test_a_wrong_setting_is_refused_with_what_was_meant(tmp_path: Path, setting: str, said: str) -> None:
    code, _, err = run(project(tmp_path), "--set", setting)
    assert code == 2
    assert said in err


def test_what_the_executor_cannot_do_is_an_error_before_the_run(home: Path) -> None:
    @step(nodes=4)
    def gang() -> int:
        return 1

    @pipeline
    def flow():
        return gang()

    with pytest.raises(ParameterError, match="gang asks for nodes=4, which the executor 'inline' cannot do"):
        flow.run()
    assert list_runs(home=home) == [] if (home / "records.db").exists() else True


def test_asking_for_more_than_there_is_is_an_error_before_the_run(home: Path) -> None:
    @step
    def wide() -> int:
        return 1

    @pipeline
    def flow():
        return wide()

    with pytest.raises(ParameterError, match=r"wide asks for cpus=4096, and there is \d+ in all"):
        flow.run(step_options={"wide": {"cpus": 4096}})
    with pytest.raises(DefinitionError, match="did you mean 'wide'"):
        flow.run(step_options={"wid": {"cpus": 1}})
    assert flow.run(step_options={"wide": {"cpus": 1}}).result == 1
