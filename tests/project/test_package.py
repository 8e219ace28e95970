"""Does a packaged project run where there is nothing of the project but its wheel and its conf?"""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

import pytest

from plait.errors import ConfError
from plait.project.new import make_project
from plait.project.package import package_project
from plait.project.project import Project

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def packaged(tmp_path_factory):
    root = make_project(tmp_path_factory.mktemp("package") / "bikes").root
    (root / "conf/local/credentials.yml").write_text("store: {key: do-not-ship}\n")
    (root / "conf/base/credentials.yml").write_text("store: {key: do-not-ship}\n")
    return root, package_project(Project(root), root / "dist")


@pytest.fixture(scope="module")
def elsewhere(packaged, tmp_path_factory):
    """A fresh environment with the two wheels, made without a network, and a folder with conf and data."""
    pytest.importorskip("uv")
    project, made = packaged
    folder = tmp_path_factory.mktemp("elsewhere")
    build = "import hatchling.build as build, sys; build.build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", build, str(folder)], cwd=ROOT, check=True, capture_output=True)
    uv = [sys.executable, "-m", "uv", "--offline", "-q"]
    subprocess.run([*uv, "venv", "--python", sys.executable, "venv"], cwd=folder, check=True)
    python = folder / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    wheels = [str(one) for one in (*folder.glob("plait-*.whl"), made.wheel)]
    subprocess.run(
        [*uv, "pip", "install", "--python", str(python), "--no-deps", *wheels], cwd=folder, check=True
    )
    # What plait itself needs is taken from here, behind what is installed there.
    site = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip
    (Path(site) / "needs.pth").write_text(sysconfig.get_path("purelib"))
    work = folder / "work"
    work.mkdir()
    with tarfile.open(made.conf) as archive:
        archive.extractall(work, filter="data")
    shutil.copytree(project / "data/raw", work / "data/raw")
    return python, work


def test_it_runs_with_python_m_and_saves_where_its_conf_says(elsewhere, shell):
    python, work = elsewhere
    said = shell("-m", "bikes", "test_share=0.5", cwd=work, python=str(python), PYTHONPATH="")
    assert said.status == 0, said.err
    assert "training" in said.out
    assert len(json.loads((work / "data/reports/report.json").read_text())["tried"]) == 3
    assert (work / ".plait/records.db").is_file()
    again = shell("-m", "bikes", "training", "test_share=0.5", cwd=work, python=str(python), PYTHONPATH="")
    assert "cached" in again.out
    other = shell("-m", "bikes", "run", "--env", "prod", cwd=work, python=str(python), PYTHONPATH="")
    assert other.status == 0, other.err
    assert (work / "data/prod/reports/report.json").is_file()


def test_the_other_commands_work_there_too(elsewhere, shell):
    python, work = elsewhere
    for typed, word in [
        (["params"], "strengths"),
        (["catalog", "check"], "✓ trips: distances_are_positive passed"),
        (["pipelines"], "training"),
    ]:
        said = shell("-m", "bikes", *typed, cwd=work, python=str(python), PYTHONPATH="")
        assert said.status == 0, said.err
        assert word in said.out


def test_code_that_changed_without_a_new_version_is_not_taken_for_the_old(elsewhere, shell):
    python, work = elsewhere
    run = ["-m", "bikes", "training", "test_share=0.4"]
    shell(*run, cwd=work, python=str(python), PYTHONPATH="")
    site = shell(
        "-c", "import bikes.trips; print(bikes.trips.__file__)", cwd=work, python=str(python), PYTHONPATH=""
    )
    module = Path(site.out.strip())
    text = module.read_text()
    module.write_text(text.replace("/ (spread + strength)", "/ (spread + strength + 1.0)"))
    try:
        said = shell(*run, cwd=work, python=str(python), PYTHONPATH="")
    finally:
        module.write_text(text)
    lines = [line for line in said.out.splitlines() if " fit " in line]
    assert lines
    assert not any("cached" in line for line in lines)


def test_the_conf_may_be_in_another_folder(elsewhere, shell, tmp_path):
    python, work = elsewhere
    shutil.copytree(work / "data", tmp_path / "data")
    missing = shell("-m", "bikes", cwd=tmp_path, python=str(python), PYTHONPATH="")
    assert missing.status == 2
    assert "there is no conf/ here" in missing.err
    said = shell(
        "-m", "bikes", "--conf", work / "conf", "-q", cwd=tmp_path, python=str(python), PYTHONPATH=""
    )
    assert said.status == 0, said.err
    wrong = shell("-m", "bikes", "--conf", "nowhere", cwd=tmp_path, python=str(python), PYTHONPATH="")
    assert (wrong.status, wrong.err) == (2, "there is no folder nowhere\n")


def test_no_secret_is_shipped(packaged):
    _, made = packaged
    with tarfile.open(made.conf) as archive:
        names = archive.getnames()
    assert "conf/base/catalog.yml" in names
    assert "conf/prod/catalog.yml" in names
    assert not [name for name in names if "credentials" in name or "local" in name]
    wheel = zipfile.ZipFile(made.wheel)
    assert not [name for name in wheel.namelist() if b"do-not-ship" in wheel.read(name)]


def test_a_main_of_the_projects_own_is_left_alone(tmp_path):
    root = make_project(tmp_path / "own").root
    (root / "src/own/__main__.py").write_text("print('mine')\n")
    wheel = zipfile.ZipFile(package_project(Project(root), tmp_path / "out").wheel)
    assert wheel.read("own/__main__.py") == b"print('mine')\n"
    assert len(wheel.namelist()) == len(set(wheel.namelist()))


def test_the_same_project_makes_the_same_wheel(packaged, tmp_path):
    root, made = packaged
    assert package_project(Project(root), tmp_path).wheel.read_bytes() == made.wheel.read_bytes()


def test_a_project_that_cannot_be_built_says_why(tmp_path):
    root = make_project(tmp_path / "broken").root
    project = (root / "pyproject.toml").read_text()
    (root / "pyproject.toml").write_text(project.replace('version = "0.1.0"', 'version = "one"'))
    with pytest.raises(ConfError, match="could not be built"):
        package_project(Project(root), tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_what_is_no_project_cannot_be_packaged(tmp_path):
    with pytest.raises(ConfError, match="no project"):
        package_project(Project(tmp_path), tmp_path / "out")
