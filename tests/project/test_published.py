"""After a run, do its datasets hold what that run says, though results were taken from earlier ones?"""

import json

import pytest


@pytest.fixture
def project(write, tmp_path):
    write("pyproject.toml", '[tool.plait]\npackage = "publishing"\n')
    write("src/publishing/__init__.py", "")
    write("src/publishing/pipelines/__init__.py", "")
    write(
        "src/publishing/pipelines/doubling.py",
        """
        from plait import each, pipeline, step
        @step
        def doubled(number): return {"doubled": 2 * number}
        @step
        def several(one): return {"one": one}
        @step
        def kept(doubled): return {"kept": doubled["doubled"]}
        @pipeline
        def doubling(number, numbers: list[int] = [1, 2]):
            several(each(numbers))
            return kept(doubled(number))
        """,
    )
    write("conf/base/parameters.yml", "number: 1\n")
    write(
        "conf/base/catalog.yml",
        """
        doubled: {type: json, filepath: data/doubled.json}
        kept: {type: json, filepath: data/kept.json, versioned: true}
        several: {type: partitioned, path: data/several, dataset: json, filename_suffix: .json}
        """,
    )
    write("conf/prod/catalog.yml", "doubled: {filepath: data/prod.json}\n")
    return tmp_path


@pytest.fixture
def run(shell, project):
    def run(*typed):
        said = shell("-m", "plait", "run", "--executor", "inline", "--json", *typed, cwd=project)
        assert said.status == 0, said.out + said.err
        events = [json.loads(line) for line in said.out.splitlines()]
        return {
            event["task"] for event in events if event["event"] == "task_ended" and event["state"] == "done"
        }

    return run


def content(project, name="doubled"):
    return json.loads((project / f"data/{name}.json").read_text())["doubled"]


def test_a_second_run_takes_everything_as_it_is(project, run):
    assert len(run()) == 4
    assert run() == set()
    assert content(project) == 2


def test_a_dataset_that_was_deleted_is_made_again(project, run):
    run()
    (project / "data/doubled.json").unlink()
    assert run() == {"doubled"}
    assert content(project) == 2
    (project / "data/several/1.json").unlink()
    assert run() == {"several[1]"}


def test_going_back_to_an_earlier_setting_brings_its_result_back(project, run):
    from plait import Project

    run("number=1")
    run("number=2")
    assert content(project) == 4
    assert run("number=1") == {"doubled", "kept"}
    assert content(project) == 2
    assert Project.find(project).catalog.load("kept") == {"kept": 2}
    assert run("number=1") == set()


def test_another_environment_has_its_own_copy(project, run):
    run()
    assert run("--env", "prod") == {"doubled"}
    assert content(project, "prod") == 2
    assert run("--env", "prod") == set()
    assert run() == set()


def test_the_plan_says_why(project, run, shell):
    from plait import Project
    from plait.launch.planning import plan
    from plait.launch.prepare import prepare

    run()
    (project / "data/doubled.json").unlink()
    here = Project.find(project)
    found = plan(prepare(here.pipelines["doubling"], {}, here))
    assert "the dataset 'doubled' is gone" in repr(found)
