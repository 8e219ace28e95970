"""Does a pipeline that cannot work get a clear answer, and does nothing get lost that was recorded?"""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from .conftest import environment, finish

HEADER = "from plait import step, pipeline, each\n"


@pytest.fixture
def run(plait, write, request):
    """Write a pipeline's file and run it."""
    names = iter(range(10))

    def run(text, *arguments):
        name = f"bad_{abs(hash(request.node.name)) % 10**8}_{next(names)}.py"
        file = write(name, text)
        file.write_text(HEADER + file.read_text())
        return plait("run", name, *arguments)

    return run


def test_a_pipeline_that_returns_nothing(run):
    answer = run("@step\ndef one(): return 1\n@pipeline\ndef flow():\n    one()\n")
    assert answer.status == 2
    assert "pipeline 'flow' returns nothing" in answer.err
    assert "return one" in answer.err


def test_a_pipeline_that_calls_no_step(run):
    answer = run("@pipeline\ndef flow(x=1):\n    return x\n")
    assert answer.status == 2
    assert "calls no step" in answer.err


def test_a_pipeline_whose_body_raises_shows_its_line(run):
    answer = run("@step\ndef one(): return 1\n@pipeline\ndef flow():\n    return one(missing_name)\n")
    assert answer.status == 2
    assert "NameError" in answer.err
    assert "return one(missing_name)" in answer.err
    assert "tracing.py" not in answer.err


def test_two_outputs_of_one_name(run):
    answer = run(
        '@step(outputs=["a"])\ndef one(): return 1\n@step(outputs=["a"])\ndef two(): return 1\n'
        "@pipeline\ndef flow():\n    return [one(), two()]\n"
    )
    assert answer.status == 2
    assert "two outputs are named 'a'" in answer.err
    assert "named('a_2')" in answer.err


@pytest.mark.parametrize(
    ("returned", "said"), [("1, 2, 3", "returned 3 values"), ("7", "returned one value of type int")]
)
def test_more_or_fewer_values_than_declared(run, returned, said):
    answer = run(
        f'@step(outputs=["a", "b"])\ndef one(): return {returned}\n@pipeline\ndef flow():\n    return one()\n'
    )
    assert answer.status == 1
    assert "declares 2 outputs (a, b)" in answer.out
    assert said in answer.out
    assert "plait.errors" not in answer.out


def test_lists_of_unequal_length_side_by_side(run):
    text = "@step\ndef add(x, y): return x + y\n@pipeline\ndef flow(xs=[1, 2], ys=[1, 2, 3]):\n    return add(each(xs), each(ys))\n"
    answer = run(text)
    assert answer.status == 2
    assert "equal length" in answer.err
    assert "2" in answer.err
    assert "3" in answer.err


def test_lists_of_unequal_length_that_steps_return(run):
    text = (
        "@step\ndef make(n): return list(range(n))\n@step\ndef add(x, y): return x + y\n"
        "@pipeline\ndef flow():\n    return add(each(make(2)), each(make(3)))\n"
    )
    answer = run(text)
    assert answer.status == 1
    assert "equal length" in answer.out


def test_each_over_something_that_is_no_list(run):
    text = "@step\ndef one(x): return x\n@pipeline\ndef flow(xs=5):\n    return one(each(xs))\n"
    answer = run(text)
    assert answer.status == 2
    assert "it must be a list, not int: 5" in answer.err
    assert "xs=[…]" in answer.err


def test_each_over_a_result_that_is_no_list(run):
    text = "@step\ndef make(): return 5\n@step\ndef one(x): return x\n@pipeline\ndef flow():\n    return one(each(make()))\n"
    answer = run(text)
    assert answer.status == 1
    assert "returned int: 5" in answer.out
    assert "return a list" in answer.out


def test_each_over_an_empty_list_is_fine(run):
    text = (
        "@step\ndef make(): return []\n@step\ndef one(x): return x\n@step\ndef count(xs): return len(xs)\n"
        "@pipeline\ndef flow():\n    return count(one(each(make())))\n"
    )
    answer = run(text)
    assert answer.status == 0
    assert "0/0" in answer.out
    assert "result  0" in answer.out


def test_a_value_that_cannot_be_stored_says_which_and_where(run):
    text = "import threading\n@step\ndef one(): return {'lock': threading.Lock()}\n@pipeline\ndef flow():\n    return one()\n"
    answer = run(text)
    assert answer.status == 1
    assert "lock" in answer.out
    assert "cannot be stored" in answer.out


def test_a_step_that_cannot_travel_is_named(write):
    file = write(
        "no_travel-at-all.py",
        HEADER + "import threading\nlock = threading.Lock()\n@step\ndef one():\n    return lock.locked()\n"
        "@pipeline\ndef flow():\n    return one()\n",
    )
    answer = finish("run", file.name, cwd=file.parent)
    assert answer.status == 1
    assert "step 'one' cannot travel to a worker process" in answer.err
    assert "--executor inline" in answer.err
    assert finish("run", file.name, "--executor", "inline", cwd=file.parent).status == 0


RAISING = """
@step
def fit(x: int) -> float:
    print("fitting", x)
    return 1 / x

@step
def other() -> int:
    return 42

@step
def last(xs, y):
    return xs

@pipeline
def flow(xs: list[int] = [1, 0, 2]):
    return last(fit(each(xs)), other())
"""


def test_a_step_that_raises(run, plait):
    answer = run(RAISING)
    assert answer.status == 1
    assert "fit[1]" in answer.out
    assert "ZeroDivisionError: division by zero" in answer.out
    assert "return 1 / x" in answer.out
    assert "work.py" not in answer.out
    assert "skipped: fit[1] failed" in answer.out
    # the other branch finished, and all of it can be read
    document = json.loads(plait("show", "--json").out)
    assert {step["id"]: step["state"] for step in document["steps"]} == {
        "fit": "failed",
        "other": "done",
        "last": "skipped",
    }
    assert document["outputs"]["other"]["type"] == "int"
    logs = plait("logs", "latest", "fit[1]")
    assert logs.out == "fitting 0\n"
    assert "ZeroDivisionError" in logs.err


def test_a_cause_and_notes_are_told(run):
    text = """
@step
def one():
    try:
        {}["rate"]
    except KeyError as error:
        problem = ValueError("no rate given")
        problem.add_note("look into settings.yml")
        raise problem from error

@pipeline
def flow():
    return one()
"""
    answer = run(text)
    assert "ValueError: no rate given" in answer.out
    assert "note: look into settings.yml" in answer.out
    assert "caused by KeyError: 'rate'" in answer.out


def test_records_of_a_newer_plait_are_left_alone(run, plait, folder):
    assert run(RAISING, "xs=[1]").status == 0
    database = sqlite3.connect(folder / ".plait" / "records.db")
    database.execute("PRAGMA user_version=999")
    database.close()
    for command in ("runs", "show", "logs"):
        answer = plait(command)
        assert answer.status == 1
        assert "newer plait" in answer.err
        assert "pip install --upgrade plait" in answer.err
    again = run(RAISING, "xs=[1]")
    assert again.status == 1
    assert "newer plait" in again.err


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX")
def test_a_folder_that_cannot_be_written_says_so(tmp_path):
    # Not below pytest's own folder, which is closed to everyone but its owner.
    folder = Path(tempfile.mkdtemp(prefix="plait-test-"))
    try:
        _refuse_to_write(folder, tmp_path)
    finally:
        (folder / "locked").chmod(0o755)
        shutil.rmtree(folder)


def _refuse_to_write(folder, home):
    folder.chmod(0o755)
    locked = folder / "locked"
    locked.mkdir()
    (locked / "readonly_flow.py").write_text(
        HEADER + "@step\ndef one(): return 1\n@pipeline\ndef flow():\n    return one()\n"
    )
    locked.chmod(0o555)
    # Root may write anywhere, so it becomes nobody; what is imported is imported before that, as Python's own files
    # may be out of nobody's reach.
    code = """
import os, sys
sys.argv[0], sys.dont_write_bytecode = "plait", True
from plait.cli.main import main, run_command
command = ["run", "readonly_flow.py", "--executor", "inline"]
os.environ["PLAIT_HOME"] = sys.argv[1]
assert run_command(command) == 0 and run_command(["show", "nothing.py"]) == 2
del os.environ["PLAIT_HOME"]
if os.geteuid() == 0:
    os.seteuid(65534)
print("now without rights", file=sys.stderr)
main(command)
"""
    process = subprocess.run(
        [sys.executable, "-c", code, str(home)],
        cwd=locked,
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    said = process.stderr.partition("now without rights")[2]
    assert process.returncode == 1, process.stderr
    assert "cannot be used" in said
    assert "PLAIT_HOME" in said
    assert "Traceback" not in said
