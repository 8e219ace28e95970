"""Hooks are called at their moments, in order, where things happen; and they never cost a result."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLOW = """
from plait import pipeline, step

@step
def load(rows):
    return [{"n": one["n"] + 1} for one in rows]

@step(retries=1)
def shaky(load):
    from plait import current
    if current.attempt == 1:
        raise ValueError("once")
    return len(load)

@pipeline
def flow(rows):
    more = load(rows)
    return shaky(more)
"""
HOOKS = """
import os
from plait import hook
from plait.project.hookspecs import SPECS

def note(name, context):
    with open(os.environ["NOTES"], "a") as file:
        file.write(f"{name} {getattr(context, 'task', None) or getattr(context, 'dataset', None) or ''} {os.getpid()}\\n")

for name in SPECS:
    exec(f"@hook\\ndef {name}(context): note({name!r}, context)")
"""


@pytest.fixture
def project(tmp_path):
    root = tmp_path / "project"
    for name, text in {
        "pyproject.toml": '[tool.plait]\npackage = "shop"\n',
        "conf/base/catalog.yml": "rows:\n  type: json\n  filepath: data/rows.json\n",
        "data/rows.json": '[{"n": 1}, {"n": 2}]',
        "src/shop/__init__.py": "",
        "src/shop/pipelines/__init__.py": "",
        "src/shop/pipelines/flow.py": FLOW,
    }.items():
        write(root, name, text)
    return root


def write(root, name, text):
    file = root / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def plait(project, *arguments, path=(), **more):
    environment = {name: value for name, value in os.environ.items() if name != "PLAIT_HOME"}
    search = os.pathsep.join([str(ROOT / "src"), *map(str, path)])
    environment |= {"PYTHONPATH": search, "NOTES": str(project / "notes"), "COLUMNS": "200", **more}
    done = subprocess.run(
        [sys.executable, "-m", "plait", *arguments],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr


def notes(project):
    return [line.split(" ") for line in (project / "notes").read_text().splitlines()]


@pytest.mark.parametrize("executor", ["inline", "processes"])
def test_each_hook_is_called_at_its_moment_in_its_process(project, executor):
    write(project, "src/shop/hooks.py", HOOKS)
    code, said = plait(project, "run", "flow", "--executor", executor)
    assert code == 0, said
    called = notes(project)
    names = [name for name, _, _ in called if name not in ("project_loaded", "catalog_built")]
    assert names[0] == "run_started"
    assert names[-1] == "run_finished"
    assert [(name, task) for name, task, _ in called if name.startswith("step_")] == [
        ("step_started", "load"), ("step_finished", "load"),
        ("step_started", "shaky"), ("step_failed", "shaky"), ("step_retried", "shaky"),
        ("step_started", "shaky"), ("step_finished", "shaky"),
    ]  # fmt: skip
    assert names.index("before_dataset_loaded") < names.index("after_dataset_loaded")
    driver = next(process for name, _, process in called if name == "run_started")
    steps = {process for name, _, process in called if name == "step_finished"}
    assert (steps == {driver}) == (executor == "inline")


def test_what_a_hook_raises_in_a_step_is_a_line_of_its_log(project):
    write(project, "src/shop/hooks.py", "from plait import hook\n@hook\ndef step_finished(context): 1 / 0\n")
    code, said = plait(project, "run", "flow")
    assert code == 0, said
    logs = plait(project, "logs", "latest")[1]
    assert "hook step_finished of the project's own shop.hooks raised ZeroDivisionError" in logs
    assert "hooks.py:3" in logs


@pytest.mark.parametrize("moment", ["project_loaded", "catalog_built", "run_started"])
def test_what_a_hook_raises_before_the_run_stops_it(project, moment):
    write(project, "src/shop/hooks.py", f"from plait import hook\n@hook\ndef {moment}(context): 1 / 0\n")
    code, said = plait(project, "run", "flow")
    assert code != 0
    assert f"hook {moment} of the project's own shop.hooks raised ZeroDivisionError" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def step_finishd(context): ...", "did you mean 'step_finished'"),
        ("def step_finished(context, more): ...", "a hook takes one argument"),
    ],
)
def test_a_hook_that_could_never_be_called_is_an_error(project, text, said):
    write(project, "src/shop/hooks.py", f"from plait import hook\n@hook\n{text}\n")
    assert said in plait(project, "run", "flow")[1]


def test_without_hooks_pluggy_is_not_imported(project):
    program = (
        "import sys; sys.path.insert(0, 'src'); from shop.pipelines.flow import flow; flow.run();"
        "print('pluggy' in sys.modules, 'importlib.metadata' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "PLAIT_HOME": str(project / "home")}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=project, env=environment, capture_output=True, text=True
    )
    assert done.stdout.split()[-2:-1] == ["False"], done.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The example plugin, installed into a folder of its own."""
    import shutil

    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    folder = tmp_path_factory.mktemp("installed")
    command = [
        uv,
        "pip",
        "install",
        "-q",
        "--no-deps",
        "--target",
        str(folder),
        str(ROOT / "examples" / "plugin"),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return folder


@pytest.mark.parametrize("executor", ["inline", "processes"])
def test_an_installed_plugin_brings_hooks_and_types(project, installed, executor):
    write(
        project,
        "conf/base/catalog_more.yml",
        f"load:\n  type: jsonlines\n  filepath: {project}/data/out.jsonl\n",
    )
    journal = project / "journal"
    code, said = plait(
        project, "run", "flow", "--executor", executor, path=[installed], PLAIT_JOURNAL=str(journal)
    )
    assert code == 0, said
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    assert [(line["event"], line["task"]) for line in lines] == [
        ("finished", "load"), ("failed", "shaky"), ("finished", "shaky")
    ]  # fmt: skip
    assert (project / "data/out.jsonl").read_text().splitlines() == ['{"n": 2}', '{"n": 3}']


def test_a_failed_check_stops_what_depends_on_it_and_leaves_what_was_published(project):
    write(project, "conf/base/catalog_more.yml", "load:\n  type: json\n  filepath: data/load.json\n")
    checks = (
        "from plait.project.catalog import check\n"
        "@check('load')\ndef small(rows): return [i for i, one in enumerate(rows) if one['n'] > 50]\n"
        "@check('rows', severity='warn')\ndef many(rows): return len(rows) > 5 or 'only a few'\n"
    )
    write(project, "src/shop/checks.py", checks)
    assert plait(project, "run", "flow")[0] == 0
    before = (project / "data/load.json").read_bytes()
    assert "many" in plait(project, "show")[1]
    write(project, "data/rows.json", '[{"n": 1}, {"n": 99}]')
    code, _ = plait(project, "run", "flow")
    assert code == 1
    assert (project / "data/load.json").read_bytes() == before
    shown = plait(project, "show")[1]
    assert "load: small" in shown
    assert "rows 1" in shown
    assert "only a few" in shown
    document = json.loads(plait(project, "show", "--json")[1])
    assert [(one["dataset"], one["check"], one["on"], one["passed"]) for one in document["checks"]] == [
        ("rows", "many", "load", False), ("load", "small", "save", False)
    ]  # fmt: skip
    assert "shaky" not in {one["task"] for one in document["tasks"] if one["state"] == "done"}
