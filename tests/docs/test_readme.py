"""The README is followed word by word, in a new environment that has plait and nothing else."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(heading):
    """The blocks of a section: their kinds and texts."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    section = text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return BLOCK.findall(section)


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    """Types what a reader would, in a folder and an environment of their own."""
    root = tmp_path_factory.mktemp("reader")
    place = root / "env"
    uv = [sys.executable, "-m", "uv", "--quiet"]
    subprocess.run([*uv, "venv", "--seed", "--python", sys.executable, place], check=True)
    binaries = place / ("Scripts" if os.name == "nt" else "bin")
    subprocess.run([*uv, "pip", "install", "--python", binaries / "python", ROOT], check=True)
    folder = root / "work"
    folder.mkdir()
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PLAIT", "PYTHON", "VIRTUAL"))
    }
    environment = kept | {"PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1"}

    def type_(script, cwd=folder, status=0):
        done = subprocess.run(
            ["bash", "-c", f"set -e\n{script}"],
            cwd=cwd,
            env=environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=300,
        )
        assert done.returncode == status, f"{script}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    type_.folder = folder
    return type_


@pytest.mark.engine_slow
def test_ten_lines_are_enough(reader):
    (_, program), (_, script) = blocks("Ten lines")[:2]
    (reader.folder / "training.py").write_text(program)
    said = reader(script)
    assert "training" in said
    assert said.startswith("2.0\n")  # what the program prints


@pytest.mark.engine_slow
def test_the_section_on_projects_can_be_followed(reader):
    found = blocks("A project")
    assert [kind for kind, _ in found] == ["sh", "yaml", "sh", "python"]
    (_, begin), (_, entries), (_, look), (_, program) = found
    said = reader(begin)
    assert "passed" in said
    project = reader.folder / "bikes"
    # The excerpt of the catalog is the catalog's.
    shown = yaml.safe_load(entries)
    catalog = yaml.safe_load((project / "conf/base/catalog.yml").read_text())
    assert {name: {key: catalog[name][key] for key in entry} for name, entry in shown.items()} == shown
    lines = look.splitlines()
    notebook = [line for line in lines if line.startswith("plait notebook")]
    assert notebook
    assert "needs jupyterlab" in notebook[0]
    assert "pip install jupyterlab" in reader("plait notebook", project, status=2)
    said = reader("\n".join(line for line in lines if line not in notebook), project)
    for word in ("trips", "model", "test_share", "training", ".whl"):
        assert word in said
    assert list(project.glob("dist/*.whl"))
    reader(f"python - <<'END'\n{program}\nassert run.status == 'done'\nassert len(trips)\nEND", project)
