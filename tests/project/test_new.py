"""Does a project that was just made work at once: runs, tests, style, notebook?"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from plait.errors import ParameterError, TargetError
from plait.project.new import find_templates, make_project, package_name

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def made(tmp_path_factory, shell):
    root = tmp_path_factory.mktemp("new") / "bike-trips"
    said = shell("-m", "plait", "new", root, cwd=root.parent)
    assert said.status == 0, said.err
    assert "plait run" in said.out
    return root


def test_a_new_project_runs_from_any_folder_of_it_and_saves_what_its_catalog_names(made, shell):
    said = shell("-m", "plait", "run", "test_share=0.5", cwd=made / "src" / "bike_trips")
    assert said.status == 0, said.err
    report = json.loads((made / "data/reports/report.json").read_text())
    assert len(report["tried"]) == 3
    again = shell("-m", "plait", "run", "test_share=0.5", cwd=made)
    assert "cached" in again.out


def test_a_new_project_runs_in_its_other_environment(made, shell):
    assert shell("-m", "plait", "run", "--env", "prod", cwd=made).status == 0
    assert (made / "data/prod/reports/report.json").is_file()


def test_the_tests_of_a_new_project_pass(made, shell):
    said = shell("-m", "pytest", "-p", "no:cacheprovider", cwd=made)
    assert said.status == 0, said.out
    assert "passed" in said.out


@pytest.mark.parametrize("template", ["minimal", "flights"])
@pytest.mark.parametrize("name", ["a", "zebra-crossing-counts"])
def test_a_new_project_has_no_fault_of_style(tmp_path, shell, template, name):
    make_project(tmp_path / "it", template=template, name=name)
    said = shell("-m", "ruff", "check", "--no-cache", cwd=tmp_path / "it")
    assert said.status == 0, said.out


def test_the_notebook_of_a_new_project_runs(made, monkeypatch):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    book = nbformat.read(made / "notebooks/explore.ipynb", as_version=4)
    where = {"metadata": {"path": str(made / "notebooks")}}
    nbclient.NotebookClient(book, timeout=120, resources=where, kernel_name="python3").execute()
    shown = [
        output["data"].get("text/html", "")
        for cell in book.cells
        for output in cell.get("outputs", [])
        if "data" in output
    ]
    assert "data/raw/trips.jsonl" in shown[0]
    assert "evaluate" in shown[-1]


def test_what_is_private_or_made_by_runs_is_kept_out_of_version_control(made):
    git = ["git", "-c", "init.defaultBranch=main"]
    subprocess.run([*git, "init", "-q"], cwd=made, check=True)
    (made / "conf/local/credentials.yml").write_text("key: secret\n")
    (made / ".plait").mkdir(exist_ok=True)
    (made / ".plait/records.db").touch()
    (made / "data/models").mkdir(exist_ok=True)
    (made / "data/models/x.json").touch()
    subprocess.run([*git, "add", "-A"], cwd=made, check=True)
    kept = subprocess.run(
        [*git, "ls-files"], cwd=made, check=True, capture_output=True, text=True
    ).stdout.split()
    assert {
        "conf/local/.gitkeep",
        "data/raw/trips.jsonl",
        ".github/workflows/test.yml",
        "src/bike_trips/trips.py",
    } <= set(kept)
    assert not [file for file in kept if file.startswith((".plait", "data/models", "conf/local/cred"))]


def test_the_flights_template_is_the_example_with_another_name(tmp_path, shell):
    made = make_project(tmp_path / "zephyr", template="flights")
    example = ROOT / "examples/flights"
    listed = subprocess.run(
        ["git", "ls-files"], cwd=example, capture_output=True, text=True, check=False
    ).stdout.split()
    if not listed:
        pytest.skip("this is no checkout")
    renamed = {name: name.replace("src/flights/", "src/zephyr/") for name in listed}
    there = {str(file.relative_to(made.root)) for file in made.root.rglob("*") if file.is_file()}
    assert there == set(renamed.values())
    for name, new in renamed.items():
        text = (made.root / new).read_text(encoding="utf-8")
        assert text.replace("zephyr", "flights") == (example / name).read_text(encoding="utf-8")
        assert "from flights" not in text
    assert "def clean(flights: pd.DataFrame" in (made.root / "src/zephyr/cleaning.py").read_text()
    assert "zephyr.checks.one_row_per" in (made.root / "conf/base/catalog.yml").read_text()
    said = shell("-m", "plait", "catalog", "check", "weather", cwd=made.root)
    assert said.out == "✓ weather: one_row_per passed\n", said.err


def test_a_wheel_of_plait_holds_the_templates_and_nothing_that_was_left_in_them(tmp_path):
    import zipfile

    build = "import hatchling.build as build, sys; build.build_wheel(sys.argv[1])"
    left = ROOT / "examples/flights/data/left-behind.txt"
    left.write_text("made by a run")
    try:
        subprocess.run(
            [sys.executable, "-c", build, str(tmp_path)], cwd=ROOT, check=True, capture_output=True
        )
    finally:
        left.unlink()
    wheel = next(tmp_path.glob("*.whl"))
    prefix = "plait/project/templates/"
    names = [
        name.removeprefix(prefix) for name in zipfile.ZipFile(wheel).namelist() if name.startswith(prefix)
    ]
    for template, folder in (
        ("flights", ROOT / "examples/flights"),
        ("minimal", ROOT / "src/plait/project/templates/minimal"),
    ):
        listed = subprocess.run(
            ["git", "ls-files"], cwd=folder, capture_output=True, text=True, check=False
        ).stdout.split()
        shipped = sorted(
            name.removeprefix(f"{template}/") for name in names if name.startswith(f"{template}/")
        )
        assert not listed or shipped == sorted(listed)
    assert not [name for name in names if "left-behind" in name]


def test_a_template_of_a_plugin_is_found_by_its_entry_point_without_importing_it(tmp_path, monkeypatch):
    template = tmp_path / "site/house_style/templates/service"
    make_project(template, name="service")
    (tmp_path / "site/house_style/__init__.py").write_text("raise ImportError('imported')")
    info = tmp_path / "site/house_style-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: house-style\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[plait.templates]\nservice = house_style.templates.service\n")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert find_templates()["service"].source == "house-style"
    made = make_project(tmp_path / "mine", template="service")
    assert (made.root / "src/mine/trips.py").is_file()
    assert "mine.trips.distances" in (made.root / "conf/base/catalog.yml").read_text()


def test_the_templates_are_listed(plait, tmp_path):
    assert plait("new", "--list", cwd=tmp_path).out.splitlines()[0].startswith("minimal  ")
    assert [one["name"] for one in plait("new", "--list", "--json", cwd=tmp_path).json][:2] == [
        "minimal",
        "flights",
    ]
    made = plait("new", tmp_path / "x", "--json", cwd=tmp_path).json
    assert (made["name"], made["package"]) == ("x", "x")


def test_nothing_is_written_over(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "there/mine.txt").write_text("mine")
    with pytest.raises(TargetError, match=r"there already and holds mine\.txt"):
        make_project(tmp_path / "there")
    with pytest.raises(TargetError, match="is a file"):
        make_project(tmp_path / "there/mine.txt")
    assert sorted(file.name for file in tmp_path.rglob("*")) == ["mine.txt", "there"]


def test_an_empty_folder_may_be_there(tmp_path):
    (tmp_path / "empty").mkdir()
    assert make_project(tmp_path / "empty").files > 10


def test_an_unknown_template_is_answered_with_the_nearest(tmp_path):
    with pytest.raises(TargetError) as raised:
        make_project(tmp_path / "x", template="flight")
    assert "'flights'" in str(raised.value.hint)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("2024-sales", "my_2024_sales"),
        ("class", "my_class"),
        ("json", "my_json"),
        ("plait", "my_plait"),
        ("zoë's trips", "zoe_s_trips"),
        ("…", "my_project"),
    ],
)
def test_a_name_that_is_no_package_is_answered_with_one_that_is(tmp_path, name, suggestion):
    with pytest.raises(ParameterError) as raised:
        make_project(tmp_path / "x", name=name)
    assert str(raised.value.hint).endswith(f"--name {suggestion}")
    assert package_name(suggestion) == suggestion
    assert not list(tmp_path.iterdir())


def test_a_project_is_not_called_as_a_package_that_it_needs(tmp_path):
    with pytest.raises(ParameterError, match="taken"):
        make_project(tmp_path / "pandas", template="flights")
