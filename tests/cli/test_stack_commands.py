"""Do ``plait stack`` and ``plait integration`` tell what there is, and reach it?"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.services import Postgres, free_port

PROJECT = '[tool.plait]\npackage = "shop"\n'
STACKS = """
here:
  executor: inline
  artifact_store: ./kept
  record_store: {{type: sqlite, path: runs.db}}
cloud:
  executor: {{type: processes, workers: 1}}
  artifact_store: {{type: s3, url: "s3://{bucket}/check", endpoint_url: "{s3}", key: test-key-1, secret: test-secret-1, cache: none}}
  record_store: {{type: postgresql, url: "postgresql://postgres:pass-word-1@127.0.0.1:{port}/postgres", schema: check}}
"""


@pytest.fixture
def project(folder: Path, write: Callable[[str, str], Path]) -> Path:
    write("pyproject.toml", PROJECT)
    write("src/shop/__init__.py", "")
    (folder / "conf/base").mkdir(parents=True)
    return folder


def stacks(project: Path, **places: Any) -> None:
    (project / "conf/base/stacks.yml").write_text(
        STACKS.format(**{"bucket": "bucket", "s3": "", "port": 1, **places})
    )


def test_the_stacks_are_listed_and_the_one_in_use_is_marked(plait: Any, project: Path) -> None:
    stacks(project)
    listed = json.loads(plait("stack", "list", "--json").out)
    assert [(one["name"], one["current"]) for one in listed] == [
        ("default", True),
        ("here", False),
        ("cloud", False),
    ]
    assert listed[1]["where"] == "conf/base/stacks.yml:2"
    assert "▸ here" in plait("stack", "list", "--stack", "here").out


def test_a_stack_is_shown_with_where_each_component_is_said_and_without_secrets(
    plait: Any, project: Path
) -> None:
    stacks(project)
    told = plait("stack", "show", "cloud")
    assert told.status == 0
    assert "s3://bucket/check" in told.out
    assert "conf/base/stacks.yml:9" in told.out
    as_json = plait("stack", "show", "cloud", "--json")
    assert json.loads(as_json.out)["components"][0] == {
        "kind": "executor",
        "type": "processes",
        "options": {"workers": 1},
        "where": "conf/base/stacks.yml:7",
    }
    for secret in ("test-secret-1", "pass-word-1"):
        assert secret not in told.out + as_json.out


def test_check_reaches_a_bucket_a_database_and_worker_processes(
    plait: Any, project: Path, s3: str, postgres: Postgres
) -> None:
    stacks(project, s3=s3, port=postgres.port)
    found = json.loads(plait("stack", "check", "cloud", "--json").out)
    assert [(one["kind"], one["type"], one["is_well"]) for one in found] == [
        ("executor", "processes", True),
        ("artifact_store", "s3", True),
        ("record_store", "postgresql", True),
    ], found
    assert "ran a task on" in found[0]["said"]
    assert "wrote, read, listed and deleted an object in s3://bucket/check" in found[1]["said"]
    here = plait("stack", "check", "here")
    assert here.status == 0
    assert here.out.count("✓") == 3


def test_check_says_of_each_component_what_failed_and_what_to_do(plait: Any, project: Path, s3: str) -> None:
    stacks(project, bucket="nowhere", s3=s3, port=free_port())
    told = plait("stack", "check", "cloud")
    assert told.status == 1
    assert told.out.count("✓") == 1
    assert "the bucket 'nowhere' of the artifact store s3://nowhere/check is not there" in told.out
    assert "→ make it, or name another one in artifact_store" in told.out
    assert "cannot be reached" in told.out
    assert "→ check host and port in record_store" in told.out
    assert "pass-word-1" not in told.out + told.err


def test_every_type_tells_its_options(plait: Any, project: Path) -> None:
    told = plait("stack", "types")
    for word in ("executor", "processes", "workers", "endpoint_url", "postgresql", "keyring"):
        assert word in told.out
    found = json.loads(plait("stack", "types", "record_store", "--json").out)
    assert found["record_store"]["postgresql"]["options"]["url"] == {"required": True, "default": None}
    wrong = plait("stack", "types", "record_stor")
    assert wrong.status == 2
    assert "did you mean 'record_store'?" in wrong.err


def test_secrets_come_from_where_the_stack_says(
    plait: Any, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "conf/base/parameters.yml").write_text("token: ${secret:stack:TOKEN}\n")
    assert "does not say where secrets are" in plait("params").err
    monkeypatch.setenv("SHOP_TOKEN", "value-of-the-token")
    (project / "more.env").write_text("TOKEN=from-the-file\n")
    from plait.project.project import Project

    for said, value in (
        ("{type: environment, prefix: SHOP_}", "value-of-the-token"),
        ("{type: file, path: more.env}", "from-the-file"),
    ):
        (project / "conf/base/stack.yml").write_text(f"secrets: {said}\n")
        assert Project(project).params.get("token").reveal() == value
        assert "***" in plait("params").out
    (project / "conf/base/stack.yml").write_text("secrets: {type: file, path: '${secret:stack:X}'}\n")
    assert "in a circle" in plait("params").err


def test_integrations_are_the_extras_and_what_is_missing_is_told(plait: Any, folder: Path) -> None:
    found = {one["name"]: one for one in json.loads(plait("integration", "list", "--json").out)}
    assert found["s3"]["installed"]
    assert found["s3"]["packages"][0].startswith("s3fs")
    assert "dev" not in found
    told = plait("integration", "install", "--dry-run", "s3")
    assert sys.executable in told.out
    assert "s3fs>=" in told.out
    wrong = plait("integration", "install", "s33")
    assert wrong.status == 2
    assert "did you mean 's3'?" in wrong.err


def test_a_type_whose_package_is_missing_names_the_command_that_installs_it(
    plait: Any, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stacks(project)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "plait.record.postgres", raising=False)
    told = plait("runs", "--stack", "cloud")
    assert told.status == 2
    assert "the record store 'postgresql' needs packages that are not installed (psycopg)" in told.err
    assert "→ plait integration install postgres" in told.err
