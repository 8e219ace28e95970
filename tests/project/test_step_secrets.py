"""How does a secret of the project reach a step that asks for it, and nobody else?"""

import json

import pytest


@pytest.fixture
def project(write, tmp_path):
    write("pyproject.toml", '[tool.plait]\npackage = "secretive"\n')
    write("src/secretive/__init__.py", "")
    write("src/secretive/pipelines/__init__.py", "")
    write(
        "src/secretive/pipelines/pushing.py",
        """
        import os
        from plait import pipeline, step
        @step(secrets=["db.password", "API=file:secrets.env#API_KEY"])
        def push():
            print("with", os.environ["DB_PASSWORD"], os.environ["API"])
            return len(os.environ["DB_PASSWORD"])
        @step(secrets=["db.password"])
        def leak():
            raise ValueError(os.environ["DB_PASSWORD"])
        @step(secrets=["db.password"])
        def give():
            return {"secret": os.environ["DB_PASSWORD"]}
        @step
        def other(length):
            return os.environ.get("DB_PASSWORD")
        @pipeline
        def pushing():
            return [other(push()), leak(), give()]
        """,
    )
    write("conf/base/credentials.yml", "db: {user: ana, password: correct-horse-battery}\n")
    write("secrets.env", "API_KEY='k-0123456789'\n")
    return tmp_path


@pytest.mark.parametrize("executor", ["inline", "processes"])
def test_a_secret_is_in_its_task_and_in_no_record(project, shell, executor):
    said = shell("-m", "plait", "run", "--executor", executor, "--json", cwd=project)
    assert said.status == 1, said.out + said.err
    events = [json.loads(line) for line in said.out.splitlines()]
    ended = {event["task"]: event for event in events if event["event"] == "task_ended"}
    assert {task: event["state"] for task, event in ended.items()} == {
        "push": "done", "other": "done", "leak": "failed", "give": "failed",
    }  # fmt: skip
    assert [event["text"] for event in events if event["event"] == "line"] == ["with *** ***"]
    assert ended["leak"]["error"]["message"] == "***"
    assert "holds a secret" in ended["give"]["error"]["message"]
    hidden = (b"correct-horse-battery", b"k-0123456789")
    for file in (project / ".plait").rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert not any(secret in content for secret in hidden), file
    assert "correct-horse" not in said.out + said.err


def test_a_secret_that_is_not_there_is_named_with_the_nearest(project, shell):
    said = shell("-m", "plait", "run", "--set", "push.secrets=[db.pasword]", cwd=project)
    assert said.status == 2
    assert "push asks for the secret 'db.pasword'" in said.err
    assert "did you mean 'db.password'?" in said.err
    assert not (project / ".plait").exists()
