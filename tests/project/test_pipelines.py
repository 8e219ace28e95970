"""What does a project tell of itself, and is nothing imported that is not asked for?"""

import subprocess
import sys
import time
from pathlib import Path

import pytest

import plait
from plait import Project
from plait.errors import ConfError, TargetError
from plait.project.discover import project_at

SOURCE = Path(plait.__file__).parents[1]
PIPELINE = """
from plait import pipeline, step

@step
def one(): return 1

@pipeline
def {name}(): return one()
"""


@pytest.fixture
def shop(write, tmp_path, monkeypatch):
    """A project with four modules of pipelines, of which one is broken and one says that it was imported."""
    before, path = set(sys.modules), list(sys.path)
    write("pyproject.toml", '[tool.plait]\npackage = "shop_of_pipelines"\n')
    base = "src/shop_of_pipelines"
    write(f"{base}/__init__.py", "")
    write(f"{base}/pipelines/__init__.py", "")
    write(f"{base}/pipelines/sales.py", PIPELINE.format(name="sales"))
    write(f"{base}/pipelines/stock.py", PIPELINE.format(name="counting"))
    write(f"{base}/pipelines/broken.py", "import there_is_no_such_module\n")
    write(
        f"{base}/pipelines/slow.py",
        "import pathlib\npathlib.Path(__file__ + '.imported').touch()\n" + PIPELINE.format(name="slow"),
    )
    yield tmp_path
    sys.path[:] = path
    for name in set(sys.modules) - before:
        if name.startswith("shop_of_pipelines"):
            del sys.modules[name]


def slow_was_imported(root):
    return (root / "src/shop_of_pipelines/pipelines/slow.py.imported").exists()


def test_one_pipeline_is_found_by_its_module_and_no_other_is_imported(shop):
    project = Project.find(shop)
    assert project.package == "shop_of_pipelines"
    assert project.pipelines["sales"].name == "sales"
    assert not slow_was_imported(shop)


def test_one_that_is_called_otherwise_than_its_module_is_found_by_reading_before_importing(shop):
    assert Project.find(shop).pipelines["counting"].name == "counting"
    assert not slow_was_imported(shop)


def test_a_module_of_one_pipeline_is_a_name_for_it(shop):
    assert Project.find(shop).pipelines["stock"].name == "counting"


def test_all_are_listed_and_what_is_broken_is_kept_apart(shop):
    pipelines = Project.find(shop).pipelines
    assert sorted(pipelines) == ["counting", "sales", "slow"]
    assert len(pipelines.broken) == 1
    assert "there_is_no_such_module" in pipelines.broken[0].what


def test_the_broken_one_says_what_is_wrong_when_it_is_asked_for(shop):
    with pytest.raises(TargetError, match="there_is_no_such_module"):
        Project.find(shop).pipelines["broken"]


def test_an_unknown_name_is_answered_with_the_nearest_as_a_mapping_does(shop):
    (shop / "src/shop_of_pipelines/pipelines/broken.py").unlink()
    pipelines = Project.find(shop).pipelines
    with pytest.raises(TargetError) as raised:
        pipelines["sale"]
    assert "'sales'" in str(raised.value.hint)
    assert "sale" not in pipelines
    assert pipelines.get("sale") is None


def test_a_package_of_files_has_the_pipelines_of_its_pipeline_py(shop, write):
    write("src/shop_of_pipelines/pipelines/returns/__init__.py", "")
    write("src/shop_of_pipelines/pipelines/returns/pipeline.py", PIPELINE.format(name="returns"))
    assert Project.find(shop).pipelines["returns"].name == "returns"


@pytest.mark.parametrize("folder", [".", "src", "src/shop_of_pipelines/pipelines"])
def test_a_command_works_from_any_folder_of_the_project_beside_what_is_broken(shop, shell, folder):
    said = shell("-m", "plait", "run", "sales", "--executor", "inline", "-q", cwd=shop / folder)
    assert said.status == 0, said.err
    assert not slow_was_imported(shop)
    assert (shop / ".plait").is_dir()


def test_a_module_that_never_ends_keeps_no_other_from_running(shop, write, shell):
    write("src/shop_of_pipelines/pipelines/endless.py", "import time\ntime.sleep(600)\n")
    started = time.monotonic()
    said = shell("-m", "plait", "run", "counting", "--executor", "inline", "-q", cwd=shop)
    assert said.status == 0, said.err
    assert time.monotonic() - started < 120


def test_nothing_is_read_before_it_is_asked_for(tmp_path):
    code = "import sys; from plait import Project; Project.find(sys.argv[1]); print('yaml' in sys.modules, 'plait.project.conf' in sys.modules, 'fsspec' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], env={"PYTHONPATH": str(SOURCE), "PATH": ""}, capture_output=True, text=True, check=True
    )  # fmt: skip
    assert done.stdout.split() == ["False"] * 3


def test_a_folder_without_a_project_has_no_pipelines(tmp_path):
    project = Project.find(tmp_path)
    assert (project.package, list(project.pipelines)) == (None, [])
    with pytest.raises(TargetError, match="no project here"):
        project.pipelines["x"]


def test_what_pyproject_says_is_checked(write, tmp_path):
    write("pyproject.toml", "[tool.plait]\npackage = 3\n")
    with pytest.raises(ConfError, match="does not say which package"):
        project_at(tmp_path)


def test_a_project_and_its_pipelines_show_themselves_with_every_sign_escaped(shop, write):
    write("conf/base/parameters.yml", "alpha: '<script>'\n")
    write("conf/base/catalog.yml", '"<b>":\n  type: csv\n  filepath: "<i>.csv"\n')
    project = Project.find(shop)
    for shown in (project, project.pipelines, project.params, project.catalog):
        html = shown._repr_html_()
        assert "<script>" not in html
        assert '<b>":' not in html
        assert "<i>.csv" not in html
        assert len(html) < 5000
    assert "&lt;script&gt;" in project.params._repr_html_()
    assert "&lt;b&gt;" in project.catalog._repr_html_()
    assert "counting" in project.pipelines._repr_html_()
    assert "there_is_no_such_module" in project.pipelines._repr_html_()
    assert repr(project.pipelines) == "<pipelines: sales, slow, counting>"
