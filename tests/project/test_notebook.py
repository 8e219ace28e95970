"""Does a notebook have its project at hand, and the code as it is now?"""

import os
import sys

import pytest

from plait.project.new import make_project

pytest.importorskip("IPython")


@pytest.fixture
def project(tmp_path):
    root = make_project(tmp_path / "noted").root
    yield root
    for name in [name for name in sys.modules if name.split(".")[0] == "noted"]:
        del sys.modules[name]


@pytest.fixture
def notebook(project, monkeypatch):
    """A shell as a notebook has it, in the folder of the notebooks, with the extension loaded."""
    from IPython.core.interactiveshell import InteractiveShell

    monkeypatch.chdir(project / "notebooks")
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delenv("PLAIT_ENV", raising=False)
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "plait")
    yield shell
    shell.run_line_magic("unload_ext", "plait")
    InteractiveShell.clear_instance()


def cell(shell, code):
    """The value of a cell's last line."""
    done = shell.run_cell(code)
    done.raise_error()
    return done.result


def change(file, old, new):
    """Edit a file as one does by hand: a moment later than it was written before."""
    before = file.stat().st_mtime_ns
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    os.utime(file, ns=(before + 2_000_000_000, before + 2_000_000_000))


def test_four_names_are_there(notebook, project):
    assert cell(notebook, "project.root") == project
    assert len(cell(notebook, 'catalog.load("trips")')) == 40
    assert cell(notebook, 'params.get("test_share")') == 0.25
    assert cell(notebook, 'pipelines["training"].name') == "training"
    assert "Trips" not in cell(notebook, "catalog._repr_html_()")


def test_code_that_changed_is_new_in_the_next_cell(notebook, project):
    cell(
        notebook,
        "from noted.trips import predict, distances_are_positive as check\nimport noted.trips as trips",
    )
    assert cell(notebook, 'predict({"base": 1.0, "per_km": 2.0}, 10.0)') == 21.0
    change(project / "src/noted/trips.py", 'return model["base"] +', 'return 100.0 + model["base"] +')
    assert cell(notebook, 'predict({"base": 1.0, "per_km": 2.0}, 10.0)') == 121.0
    assert cell(notebook, "trips.predict is predict")
    assert cell(notebook, "check is trips.distances_are_positive")


def test_a_pipeline_runs_with_the_steps_as_they_are_now(notebook, project):
    first = cell(
        notebook, 'training = pipelines["training"]\nrun = training.run(progress=False)\nrun.result["base"]'
    )
    change(project / "src/noted/trips.py", '"base": minutes - per_km * km', '"base": minutes')
    assert cell(notebook, "training.run(progress=False).result['base']") > first
    assert cell(notebook, 'pipelines["training"].run(progress=False).result["base"]') > first


def test_a_name_that_was_made_by_hand_is_left_alone(notebook, project):
    cell(
        notebook,
        "from noted.trips import predict\nmine = predict({'base': 1.0, 'per_km': 0.0}, 1.0)\nparams = 3",
    )
    change(project / "src/noted/trips.py", "The trips whose time is known.", "Those with a time.")
    assert cell(notebook, "(mine, params)") == (1.0, 3)


def test_code_that_cannot_be_imported_leaves_what_was_there_until_it_is_mended(notebook, project, capsys):
    cell(notebook, "from noted.trips import predict")
    change(project / "src/noted/trips.py", "def predict(", "def predict((")
    assert cell(notebook, 'predict({"base": 1.0, "per_km": 2.0}, 10.0)') == 21.0
    assert "the code of before is still in use: SyntaxError" in capsys.readouterr().err
    change(project / "src/noted/trips.py", "def predict((", "def predict(")
    change(project / "src/noted/trips.py", 'return model["base"] +', 'return 100.0 + model["base"] +')
    assert cell(notebook, 'predict({"base": 1.0, "per_km": 2.0}, 10.0)') == 121.0
    assert cell(notebook, "import noted.trips\nnoted.trips.predict is predict")


def test_conf_that_changed_is_new_in_the_next_cell(notebook, project):
    change(project / "conf/base/parameters.yml", "test_share: 0.25", "test_share: 0.5")
    assert cell(notebook, 'params.get("test_share")') == 0.5
    (project / "conf/local/parameters.yml").write_text("test_share: 0.125\n")
    assert cell(notebook, 'params.get("test_share")') == 0.125


def test_conf_that_is_broken_says_so_and_comes_back(notebook, project, capsys):
    change(project / "conf/base/catalog.yml", "trips:\n", "trips: [\n")
    cell(notebook, "1")
    assert "conf/base/catalog.yml:" in capsys.readouterr().err
    change(project / "conf/base/catalog.yml", "trips: [\n", "trips:\n")
    assert len(cell(notebook, 'catalog.load("trips")')) == 40


def test_after_unloading_nothing_is_reloaded(notebook, project):
    cell(notebook, "from noted.trips import predict")
    notebook.run_line_magic("unload_ext", "plait")
    change(project / "src/noted/trips.py", 'return model["base"] +', 'return 100.0 + model["base"] +')
    assert cell(notebook, 'predict({"base": 1.0, "per_km": 2.0}, 10.0)') == 21.0
    notebook.run_line_magic("load_ext", "plait")


def test_the_environment_is_that_of_the_server(notebook, monkeypatch):
    monkeypatch.setenv("PLAIT_ENV", "prod")
    notebook.run_line_magic("reload_ext", "plait")
    assert cell(notebook, "project.env") == "prod"
    assert cell(notebook, 'catalog.entry("model").place') == "data/prod/models/model.json"


def test_plain_python_has_the_same(project):
    from plait import Project

    found = Project.find(project / "src/noted/pipelines")
    assert found.root == project
    assert len(found.catalog.load("trips")) == 40
    assert found.params.get("strengths") == [0.0, 10.0, 1000.0]
    assert found.pipelines["training"].run(progress=False).status == "done"
    assert Project.find(project, env="prod").env == "prod"
