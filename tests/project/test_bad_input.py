"""What a user types wrong into a project gets a clear answer, and nothing is lost."""

import json

import pytest

FLOW = """
from plait import param, pipeline, step

@step
def clean(flights) -> list:
    return sorted(flights)

@step(outputs=["model"])
def fit(clean, alpha: float):
    return {"alpha": alpha, "total": sum(clean)}

@pipeline
def training(flights, alpha: float):
    return fit(clean(flights), alpha)
"""
CATALOG = """\
flights:
  type: json
  filepath: data/flights.json
model:
  type: json
  filepath: data/model.json
"""


@pytest.fixture
def project(write, tmp_path):
    """A project that ran once with alpha=0.5: its model is there."""
    write("pyproject.toml", '[tool.plait]\npackage = "shop"\n')
    write("conf/base/catalog.yml", CATALOG)
    write("conf/base/parameters.yml", "alpha: 0.5\n")
    write("src/shop/__init__.py", "")
    write("src/shop/pipelines/__init__.py", "")
    write("src/shop/pipelines/training.py", FLOW)
    write("data/flights.json", "[3, 1, 2]")
    return tmp_path


@pytest.fixture
def ran(project, shell):
    """In a process of its own, so that nothing of it stays imported."""
    assert shell("-m", "plait", "run", "--executor", "inline", cwd=project).status == 0
    return project


@pytest.fixture
def refused(ran, plait):
    """A command that must leave with a plain error, and leave everything as it was."""

    def refused(*words, status=2, runs_more=0):
        model, runs = (ran / "data/model.json").read_bytes(), len(plait("runs", "--json", cwd=ran).json)
        said = plait(*(words or ("run", "alpha=0.75")), cwd=ran)
        assert said.status == status, said.err
        assert "Traceback" not in said.err
        assert (ran / "data/model.json").read_bytes() == model
        assert sorted(file.name for file in (ran / "data").iterdir()) == ["flights.json", "model.json"]
        assert len(plait("runs", "--json", cwd=ran).json) == runs + runs_more
        return said.err + said.out

    return refused


def test_broken_yaml_is_told_with_file_line_column_and_the_line(ran, write, refused):
    write(
        "conf/base/catalog.yml", CATALOG + "weather:\n  type: csv\n  filepath: [data/weather.csv\n  x: y: z\n"
    )
    said = refused()
    assert "conf/base/catalog.yml:" in said
    line = next(one for one in said.splitlines() if "catalog.yml:" in one)
    number = int(line.split("catalog.yml:")[1].split(":")[0])
    assert number in (9, 10, 11)
    assert "x: y: z" in said or "filepath: [data/weather.csv" in said
    assert "^" in said or ":" in line.split(f"catalog.yml:{number}")[1]


def test_an_unknown_type_names_the_nearest_and_the_package(ran, write, refused):
    write("conf/base/catalog.yml", CATALOG.replace("type: json", "type: jsn", 1))
    said = refused(status=1)
    assert "'jsn'" in said
    assert "json" in said.replace("jsn", "")
    assert "catalog.yml:2" in said
    write("conf/base/catalog.yml", CATALOG.replace("type: json", "type: plotly.NoSuchDataset", 1))
    said = refused(status=1)
    assert "plotly.NoSuchDataset" in said


def test_a_missing_file_names_entry_path_and_environment(ran, write, refused):
    write("conf/base/catalog.yml", CATALOG.replace("flights.json", "flihgts.json"))
    said = refused(status=1, runs_more=1)
    assert "'flights'" in said
    assert "flihgts.json" in said
    assert "'local'" in said or "environment local" in said


def test_a_wrong_credentials_key_names_the_nearest(ran, write, refused):
    write("conf/local/credentials.yml", "warehouse:\n  key: abcdefgh\n")
    write(
        "conf/base/catalog.yml", CATALOG.replace("flights.json\n", "flights.json\n  credentials: warehuose\n")
    )
    said = refused(status=1)
    assert "warehuose" in said
    assert "'warehouse'" in said
    assert "abcdefgh" not in said


def test_references_in_a_circle_are_told_with_their_way(ran, write, refused):
    write("conf/base/parameters.yml", "alpha: ${beta}\nbeta: ${gamma}\ngamma: ${alpha}\n")
    said = refused("run")
    assert "circle" in said
    assert "alpha" in said
    assert "gamma" in said
    assert "parameters.yml:1" in said


def test_a_value_of_the_wrong_type_is_told_before_anything_runs(ran, write, refused):
    write("conf/base/parameters.yml", "alpha: fast\n")
    said = refused("run")
    assert "alpha: expected float" in said
    assert "parameters.yml:1" in said
    assert "alpha: expected float" in refused("run", "alpha=slow")


def test_a_dataset_written_by_two_steps_is_refused_with_both(ran, write, refused):
    text = FLOW.replace(
        "    return fit(clean(flights), alpha)", "    other(flights)\n    return fit(clean(flights), alpha)"
    )
    text = text.replace(
        "@pipeline", '@step(outputs=["model"])\ndef other(flights):\n    return {}\n\n@pipeline'
    )
    write("src/shop/pipelines/training.py", text)
    said = refused()
    assert "two outputs are named 'model'" in said
    assert "'other'" in said
    assert "'fit'" in said
    assert said.count("training.py:") >= 2
    assert ".named(" in said


def test_a_step_that_returns_nothing_for_a_dataset_leaves_the_old_one(ran, write, refused):
    write(
        "src/shop/pipelines/training.py", FLOW.replace('return {"alpha": alpha, "total": sum(clean)}', "pass")
    )
    said = refused(status=1, runs_more=1)
    assert "dataset 'model' was given None to save" in said
    assert "return" in said


def test_a_name_that_is_parameter_and_dataset_is_refused_with_both_lines(ran, write, refused):
    write("conf/base/parameters.yml", "alpha: 0.5\nflights: 3\n")
    said = refused()
    assert "'flights' is both a parameter" in said
    assert "parameters.yml:2" in said
    assert "catalog.yml:1" in said


@pytest.mark.parametrize("version", ["../../../flights.json", "..", "/etc/passwd"])
def test_a_version_that_climbs_out_of_its_folder_is_refused(project, write, plait, version):
    write("conf/base/catalog.yml", CATALOG + "  versioned: true\n")
    assert plait("run", cwd=project).status == 0
    said = plait("catalog", "preview", "model", "--load-version", f"model={version}", cwd=project)
    assert said.status in (1, 2)
    assert "Traceback" not in said.err
    assert version in said.err
    loaded = plait("run", "--load-version", f"model={version}", "alpha=2", cwd=project)
    assert "root:" not in loaded.out + loaded.err


def test_a_version_of_what_is_no_dataset_is_refused(project, plait, tmp_path_factory):
    said = plait("run", "--load-version", "flight=1", cwd=project)
    assert said.status != 0
    assert "a version is asked for of 'flight', which is not in the catalog" in said.err
    assert "did you mean 'flights'?" in said.err
    alone = tmp_path_factory.mktemp("alone")
    (alone / "one.py").write_text(
        "import plait\n\n@plait.step\ndef s(): return 1\n\n@plait.pipeline\ndef p(): return s()\n"
    )
    said = plait("run", "one.py", "--load-version", "flights=1", cwd=alone)
    assert said.status != 0
    assert "has no conf/, and so no datasets" in said.err


def test_one_typo_among_5000_entries_is_told_with_its_line(ran, write, plait):
    entries = [f"d{at}:\n  type: csv\n  filepath: data/{at}.csv\n" for at in range(5000)]
    entries[3333] = entries[3333].replace("filepath", "filepth")
    write("conf/base/catalog.yml", CATALOG + "".join(entries))
    said = plait("catalog", "check", "d3333", cwd=ran)
    text = said.out + said.err
    assert said.status != 0
    assert "'filepath'" in text
    assert f"catalog.yml:{6 + 3333 * 3 + 1}" in text or f"catalog.yml:{6 + 3333 * 3 + 3}" in text
    # What does not use the entry is not disturbed by it.
    assert plait("run", "alpha=0.75", cwd=ran).status == 0
    assert json.loads((ran / "data/model.json").read_text())["alpha"] == 0.75


@pytest.mark.parametrize(
    "text",
    [
        "alpha: !!python/object/apply:os.system ['touch ran']\n",
        "alpha: !!python/name:os.system\n",
        "alpha: !!python/object/new:os.system ['touch ran']\n",
    ],
)
def test_yaml_executes_nothing(ran, write, refused, text):
    write("conf/base/parameters.yml", text)
    said = refused("run")
    assert "parameters.yml:1" in said
    assert not (ran / "ran").exists()
