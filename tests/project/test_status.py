"""Which datasets are up to date, why are the others not, and who made what is there?"""

import datetime
import os

import pytest

from plait.record.store import RecordStore


@pytest.fixture
def project(write, tmp_path):
    write("pyproject.toml", '[tool.plait]\npackage = "stated"\n')
    write("src/stated/__init__.py", "")
    write("src/stated/pipelines/__init__.py", "")
    write(
        "src/stated/pipelines/reports.py",
        """
        from plait import each, pipeline, step
        @step
        def clean(raw: list):
            return sorted(raw)
        @step
        def model(clean, alpha: float):
            return {"sum": sum(clean), "alpha": alpha}
        @step
        def parts(one):
            return {"one": one}
        @step
        def score(model):
            return model["sum"] + model["alpha"]
        @pipeline
        def reports(raw, alpha, numbers: list[int] = [1, 2]):
            parts(each(numbers))
            return score(model(clean(raw), alpha))
        """,
    )
    write("data/raw.json", "[3, 1, 2]")
    write("conf/base/parameters.yml", "alpha: 0.5\n")
    write(
        "conf/base/catalog.yml",
        """
        raw: {type: json, filepath: data/raw.json}
        clean: {type: json, filepath: data/clean.json}
        model: {type: json, filepath: data/model.json}
        parts: {type: partitioned, path: data/parts, dataset: json, filename_suffix: .json}
        """,
    )
    write("conf/prod/catalog.yml", "model: {filepath: data/prod.json}\n")
    return tmp_path


@pytest.fixture
def plait(shell, project):
    def plait(*typed):
        return shell("-m", "plait", *typed, cwd=project)

    return plait


@pytest.fixture
def run(plait, project):
    def run(*typed):
        said = plait("run", "--executor", "inline", "-q", *typed)
        assert said.status == 0, said.err
        return RecordStore(project / ".plait").run().id

    return run


def status(plait, *typed):
    said = plait("status", "--json", *typed)
    assert said.status == 0, said.err
    (pipeline,) = said.json
    assert pipeline["problem"] is None
    return {one["output"]: one for one in pipeline["outputs"]}


def states(plait, *typed):
    return {name: one["state"] for name, one in status(plait, *typed).items()}


def test_each_dataset_says_when_it_was_made_and_by_which_run(project, plait, run):
    assert set(states(plait).values()) == {"never made"}
    first = run()
    found = status(plait)
    assert list(found) == ["parts", "clean", "model", "score"], "datasets, then what else is made last"
    assert {one["state"] for one in found.values()} == {"up to date"}
    assert {one["run"] for one in found.values()} == {first}
    assert found["model"]["place"] == "data/model.json"
    made_at = datetime.datetime.fromisoformat(found["model"]["made_at"]).timestamp()
    assert abs(made_at - (project / "data/model.json").stat().st_mtime) < 1
    second = run("alpha=0.7")
    found = status(plait)
    assert {name: one["run"] for name, one in found.items()} == {
        "parts": first,
        "clean": first,
        "model": second,
        "score": second,
    }
    assert plait("status", "--check").status == 0


def test_data_conf_and_code_that_changed_are_named(project, plait, run, write):
    run()
    write("data/raw.json", "[3, 1, 2, 5]")
    found = status(plait)
    assert {name: one["state"] for name, one in found.items()} == {
        "parts": "up to date",
        "clean": "stale",
        "model": "stale",
        "score": "stale",
    }
    assert found["model"]["why"].startswith("clean: ")
    assert "raw" in found["model"]["why"]
    run()
    write("conf/base/parameters.yml", "alpha: 0.9\n")
    found = status(plait)
    assert found["clean"]["state"] == "up to date"
    assert found["model"]["why"] == "model: alpha 0.5 → 0.9"
    run()
    code = project / "src/stated/pipelines/reports.py"
    code.write_text(code.read_text().replace("sorted(raw)", "sorted(raw, reverse=True)"))
    assert status(plait)["model"]["why"] == "clean: clean changed"
    assert plait("status", "--check").status == 2


def test_what_was_typed_for_the_last_run_still_counts(project, plait, run):
    run("alpha=2.0", "numbers=[7]")
    assert set(states(plait).values()) == {"up to date"}


def test_a_dataset_that_is_gone_or_was_changed_by_hand_is_stale_and_made_anew(project, plait, run, write):
    run()
    before = (project / "data/model.json").read_text()
    write("data/model.json", '{"sum": 0}')
    os.unlink(project / "data/parts/1.json")
    found = status(plait)
    assert found["model"]["why"] == "model: the dataset 'model' was changed by something else"
    assert found["parts"]["why"] == "parts[1]: the dataset 'parts' is gone"
    assert found["clean"]["state"] == "up to date"
    run()
    assert (project / "data/model.json").read_text() == before
    assert set(states(plait).values()) == {"up to date"}


def test_each_environment_has_its_own_status(project, plait, run):
    run()
    assert states(plait, "--env", "prod")["model"] == "never made"
    second = run("--env", "prod")
    found = status(plait, "--env", "prod")
    assert found["model"]["state"] == "up to date"
    assert (found["model"]["place"], found["model"]["run"]) == ("data/prod.json", second)
    assert "there is no environment 'prdo'" in str(plait("status", "--env", "prdo"))
