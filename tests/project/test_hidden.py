"""A secret stays where it belongs: nothing that a run leaves behind or says holds it."""

import base64
import os
import subprocess
import sys
import urllib.parse
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
SECRET = 'hun"ter/2 + größe:9'
TOKEN = "tok-4711-abcdefgh"
FLOW = """
import base64, logging, os, sys, urllib.parse
import numpy as np
from plait import log, pipeline, step

@step
def speak(password, token):
    plain = password.reveal()
    print("print", plain, password)
    print(base64.b64encode(plain.encode()).decode(), urllib.parse.quote(plain), repr(plain), file=sys.stderr)
    logging.getLogger("x").warning("logged %s", token.reveal())
    if os.environ.get("DIE"):
        os.write(1, f"raw {token.reveal()}\\n".encode())
    log(f"preview {plain}", name="note")
    log(np.array([token.reveal()]), name="array")
    log({"deep": [plain]}, name=token.reveal())
    return len(plain)

@step
def give_back(token, n):
    return {"key": np.array([token.reveal()])}

@step
def fail(token, n):
    error = ValueError(f"cannot reach https://me:{token.reveal()}@host", token.reveal())
    error.add_note(token.reveal())
    raise error from KeyError(token.reveal())

@step
def die(token, n):
    if os.environ.get("DIE"):
        os.write(2, f"last words {token.reveal()}\\n".encode())
        os._exit(3)

@pipeline
def flow(password, token, url="x"):
    n = speak(password, token)
    give_back(token, n)
    fail(token, n)
    return die(token, n)
"""


def forms():
    for value in (SECRET, TOKEN):
        yield value.encode()
        yield base64.b64encode(value.encode())
        yield urllib.parse.quote(value).encode()
        yield repr(value)[1:-1].encode()
        yield value.encode("utf-32-le")


@pytest.fixture
def project(tmp_path):
    for name, text in {
        "pyproject.toml": '[tool.plait]\npackage = "shop"\n',
        "conf/base/parameters.yml": "password: ${secret:env:SHOP_PASSWORD}\n",
        "conf/local/credentials.yml": f"shop:\n  token: {TOKEN}\n  user: admin\n",
        "conf/base/parameters_more.yml": "token: ${secret:shop.token}\n",
        "src/shop/__init__.py": "",
        "src/shop/pipelines/__init__.py": "",
        "src/shop/pipelines/flow.py": FLOW,
    }.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path


def plait(project, *arguments, **more):
    environment = {name: value for name, value in os.environ.items() if name != "PLAIT_HOME"}
    environment |= {"PYTHONPATH": str(SOURCE), "SHOP_PASSWORD": SECRET, **more}
    command = [sys.executable, *([] if arguments[0] == "-c" else ["-m", "plait"]), *arguments]
    done = subprocess.run(command, cwd=project, env=environment, capture_output=True, timeout=60)
    return done.stdout + done.stderr


def assert_hidden(said):
    for form in forms():
        assert form not in said, f"{form!r} is in {said[max(0, said.find(form) - 200) :][:500]!r}"


@pytest.mark.parametrize("executor", ["inline", "processes"])
@pytest.mark.parametrize("how", [[], ["--json"]])
def test_nothing_that_a_run_says_or_leaves_behind_holds_a_secret(project, executor, how):
    more = {"DIE": "1"} if executor == "processes" else {}
    said = plait(project, "run", "flow", "--executor", executor, *how, **more)
    assert b"***" in said or how == ["-q"]
    assert_hidden(said)
    for command in (
        ["show"],
        ["show", "--json"],
        ["logs", "latest"],
        ["plan", "flow"],
        ["plan", "flow", "--json"],
        ["runs"],
    ):
        assert_hidden(plait(project, *command))
    files = [file for file in (project / ".plait").rglob("*") if file.is_file()]
    assert files
    for file in files:
        assert_hidden(file.read_bytes())


def test_a_run_that_keeps_secrets_still_says_everything_else(project):
    said = plait(project, "run", "flow", "--executor", "processes", DIE="1").decode()
    assert "cannot reach https://me:***@host" in said
    logs = plait(project, "logs", "latest").decode()
    assert "logged ***" in logs
    assert "raw ***" in logs
    assert "last words ***" in logs


def test_a_result_that_holds_a_secret_is_refused_by_name(project):
    said = plait(project, "run", "flow", "--executor", "inline").decode()
    assert "holds a secret of this project" in said


def test_exceptions_from_python_hold_no_secret(project):
    program = (
        "import sys, traceback; sys.path.insert(0, 'src')\n"
        "from shop.pipelines.flow import flow\n"
        "try: flow.run(executor='inline')\n"
        "except Exception as error: traceback.print_exception(error)\n"
    )
    said = plait(project, "-c", program)
    assert b"RunFailed" in said
    assert_hidden(said)


def test_conf_show_masks(project):
    said = plait(project, "conf", "show")
    assert b"***" in said
    assert_hidden(said)


def test_an_argument_that_holds_a_secret_is_refused_with_what_to_write(project):
    said = plait(project, "run", "flow", f"url=https://{TOKEN}@x/")
    assert b"url holds a secret of this project" in said
    assert b"${secret:" in said
    assert_hidden(said)
    for file in (project / ".plait").rglob("*"):
        assert not file.is_file() or TOKEN.encode() not in file.read_bytes()


@pytest.mark.parametrize("how", ["resume", "fork"])
def test_what_a_resumed_or_forked_run_says_before_its_first_task_holds_no_secret(project, how):
    """The pipeline's own module sees the secret and raises it while the pipeline is described again."""
    assert_hidden(plait(project, "run", "flow", "--executor", "inline"))
    flow = project / "src/shop/pipelines/flow.py"
    leak = f'    if os.environ.get("LEAK"): raise ValueError("{TOKEN} is no good")\n    n = speak('
    flow.write_text(flow.read_text().replace("    n = speak(", leak))
    program = (
        "import sys, traceback; sys.path.insert(0, 'src')\n"
        "import plait\n"
        "try: plait.resume() if HOW == 'resume' else plait.fork('latest', at='speak')\n"
        "except Exception as error: traceback.print_exception(error)\n"
    ).replace("HOW", repr(how))
    said = plait(project, "-c", program, LEAK="1")
    assert b"*** is no good" in said
    # The line of the program itself is printed by Python, from the file.
    assert_hidden(b"\n".join(line for line in said.splitlines() if b"raise ValueError(" not in line))
