"""Which stack does a project run on, and what is answered to one that is written wrong?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from plait.errors import ConfError
from plait.project.project import Project
from plait.project.stack import stack_names

FLOW = """
from plait import log, pipeline, step

@step
def count(n: int):
    log(half=n / 2)
    return list(range(n))

@pipeline
def flow(n: int = 3000):
    return count(n)
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("PLAIT_HOME", "PLAIT_ENV", "PLAIT_STACK"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "pyproject.toml").write_text('[tool.plait]\npackage = "shop"\n')
    (tmp_path / "src/shop").mkdir(parents=True)
    (tmp_path / "src/shop/__init__.py").touch()
    (tmp_path / "flow.py").write_text(FLOW)
    for env in ("base", "prod"):
        (tmp_path / "conf" / env).mkdir(parents=True)
    return tmp_path


def write(project: Path, name: str, text: str) -> None:
    (project / name).write_text(text)


def shown(project: Path, env: str | None = None, stack: str | None = None) -> dict[str, Any]:
    return {one.kind: (one.type, one.options) for one in Project(project, env, stack=stack).stack}


def refused(project: Path, env: str | None = None, stack: str | None = None) -> ConfError:
    with pytest.raises(ConfError) as caught:
        [one.settings() for one in Project(project, env, stack=stack).stack]
    return caught.value


def test_without_a_word_it_is_processes_a_folder_and_a_file(project: Path) -> None:
    assert shown(project) == {
        "executor": ("processes", {}),
        "artifact_store": ("local", {}),
        "record_store": ("sqlite", {}),
    }
    assert not Project(project).stack.named


def test_an_environment_says_its_stack_and_replaces_what_base_says_component_by_component(
    project: Path,
) -> None:
    write(project, "conf/base/stack.yml", "executor: {type: processes, workers: 3}\nartifact_store: ./kept\n")
    write(project, "conf/prod/stack.yml", "executor: inline\n")
    assert shown(project)["executor"] == ("processes", {"workers": 3})
    assert shown(project, "prod") == {
        "executor": ("inline", {}),
        "artifact_store": ("local", {"path": "./kept"}),
        "record_store": ("sqlite", {}),
    }


def test_pyproject_stands_below_the_conf(project: Path) -> None:
    with (project / "pyproject.toml").open("a") as file:
        file.write(
            '[tool.plait.stack]\nexecutor = "inline"\nartifact_store = { path = "a", type = "local" }\n'
        )
    write(project, "conf/prod/stack.yml", "executor: {type: processes, workers: 2}\n")
    assert shown(project)["executor"] == ("inline", {})
    assert shown(project, "prod")["executor"] == ("processes", {"workers": 2})
    assert shown(project, "prod")["artifact_store"] == ("local", {"path": "a"})


def test_another_stack_is_taken_whole_and_leaves_the_data_where_it_is(project: Path) -> None:
    write(project, "conf/base/stack.yml", "artifact_store: ./kept\n")
    write(project, "conf/base/stacks.yml", "small:\n  executor: inline\n_template: {}\n")
    write(project, "conf/prod/stack.yml", "executor: {type: processes, workers: 7}\n")
    write(project, "conf/base/parameters.yml", "n: 1\n")
    write(project, "conf/prod/parameters.yml", "n: 2\n")
    small = Project(project, stack="small")
    assert (small.stack.executor.type, small.stack.artifact_store.options, small.params.all()) == (
        "inline",
        {},
        {"n": 1},
    )
    prod = Project(project, stack="prod")
    assert (prod.stack.name, prod.stack.executor.options, prod.params.all()) == (
        "prod",
        {"workers": 7},
        {"n": 1},
    )
    assert shown(project, "prod", "default")["executor"] == ("processes", {})
    assert [one.name for one in stack_names(Project(project).conf)] == ["default", "prod", "local", "small"]


def test_the_stack_travels_to_other_processes_by_its_name(project: Path) -> None:
    write(project, "conf/base/stacks.yml", "small:\n  executor: inline\n")
    assert Project.of(Project(project, stack="small").spec).stack.executor.type == "inline"


def test_a_url_is_the_short_form_of_the_type_that_reads_it(project: Path) -> None:
    for url, type_ in {
        "s3://bucket/a": "s3",
        "gs://bucket": "gcs",
        "abfs://container/a": "azure",
        "sftp://me@host/a": "sftp",
        "memory://a": "memory",
        "hdfs://host/a": "fsspec",
    }.items():
        write(project, "conf/base/stack.yml", f"artifact_store: {url}\n")
        assert shown(project)["artifact_store"] == (type_, {"url": url})
        write(project, "conf/base/stack.yml", f"artifact_store: {{url: {url}, parallel: 3}}\n")
        assert shown(project)["artifact_store"] == (type_, {"url": url, "parallel": 3})


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ("executer: inline", "a stack has no 'executer'", "did you mean 'executor'?"),
        ("executor: inlin", "there is no executor of type 'inlin'", "did you mean 'inline'?"),
        ("executor: {type: processes, worker: 3}", "has no option 'worker'", "did you mean 'workers'?"),
        ("executor: {type: processes, workers: many}", "workers: expected `int | null`, got `str`", None),
        ("executor: {type: processes, workers: 0}", "workers: expected `int` >= 1", None),
        ("executor: {workers: 3}", "names no type", "type: one of inline, "),
        ("executor: 3", "neither a type nor", None),
        ("artifact_store: {type: s3}", "needs 'url'", "url: …"),
        ("artifact_store: {type: s3, url: 's3://b', retry_for: soon}", "'soon' is not a duration", None),
        ("artifact_store: {type: s3, url: 's3://b', cache_size: big}", "'big' is not a size", None),
        ("executor: [inline, processes]", "a stack has one executor", None),
        ("- inline", "", None),
    ],
)
def test_what_is_written_wrong_names_its_line_and_what_is_near(
    project: Path, text: str, what: str, hint: str | None
) -> None:
    write(project, "conf/base/stack.yml", f"# comment\n{text}\n")
    error = refused(project)
    assert what in error.what
    assert error.where is not None
    assert error.where.endswith("conf/base/stack.yml:2")
    if hint is not None:
        assert error.hint is not None
        assert error.hint.startswith(hint)


def test_a_stack_that_there_is_not_names_the_nearest(project: Path) -> None:
    write(project, "conf/base/stacks.yml", "small:\n  executor: inline\n")
    error = refused(project, stack="smal")
    assert error.what == "there is no stack 'smal'"
    assert error.hint == "did you mean 'small'?"


def test_a_secret_in_an_option_is_masked_everywhere(
    project: Path, plait: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FROM_ENV", "value-of-env-1")
    write(
        project,
        "conf/base/stack.yml",
        """
artifact_store: {type: s3, url: 's3://b/a', key: plain-key-11, secret: plain-secret-22, token: '${secret:env:FROM_ENV}'}
record_store: {type: sqlite, path: 'recs'}
executor: {type: processes, url: 'postgresql://me:pass-word-33@host/db'}
""",
    )
    secrets = ("plain-key-11", "plain-secret-22", "value-of-env-1", "pass-word-33")
    masker = Project(project).conf.masker()
    assert [masker.mask(one) for one in secrets[1:]] == ["***"] * 3
    write(
        project,
        "conf/base/stack.yml",
        (project / "conf/base/stack.yml").read_text().replace("executor:", "#"),
    )
    all_of_them = Project(project).masker()
    assert all_of_them is not None
    assert all_of_them.mask(" ".join(secrets[:3])) == "*** *** ***"
    told = plait("conf", "show", "stack", cwd=project)
    assert "s3://b/a" in told.out
    for secret in secrets[1:]:
        assert secret not in told.out + told.err
    assert "plain-key-11" not in repr(Project(project).stack.artifact_store.settings())


def test_an_option_that_cannot_be_read_does_not_repeat_the_secret(project: Path) -> None:
    write(
        project, "conf/base/stack.yml", "artifact_store: {type: s3, url: 's3://b', secret: [very-secret]}\n"
    )
    assert "very-secret" not in str(refused(project))


def test_runs_go_where_the_stack_says_and_are_found_there_by_every_command(project: Path, plait: Any) -> None:
    write(
        project,
        "conf/prod/stack.yml",
        "executor: inline\nartifact_store: ./kept\nrecord_store: {type: sqlite, path: recs/runs.db}\n",
    )
    assert plait("run", "flow.py", "--env", "prod", cwd=project).status == 0
    assert not (project / ".plait" / "records.db").exists()
    assert (project / "recs/runs.db").is_file()
    assert list((project / "kept/blobs").rglob("*"))
    assert "flow" in plait("runs", "--env", "prod", cwd=project).out
    assert "flow" in plait("runs", "--stack", "prod", cwd=project).out
    for words in (
        ("show",),
        ("logs",),
        ("gc",),
        ("status", "flow.py"),
        ("plan", "flow.py"),
        ("why", "latest", "count"),
    ):
        assert plait(*words, "--stack", "prod", cwd=project).status == 0, words
    nothing = plait("runs", cwd=project)
    assert nothing.status == 1
    assert "no runs are recorded" in nothing.err
    again = plait("run", "flow.py", "--stack", "prod", "--json", cwd=project)
    assert '"cached"' in again.out


def test_from_python_the_stack_says_the_executor(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import runpy

    write(project, "conf/base/stacks.yml", "many:\n  executor: {type: processes, workers: 1}\n")
    flow = runpy.run_path(str(project / "flow.py"))["flow"]
    assert flow.run(progress=False).executor == "inline"
    assert flow.run(progress=False, stack="many", cache=False).executor == "processes"
    assert flow.run(progress=False, stack="many", executor="inline", cache=False).executor == "inline"


def test_a_type_of_a_plugin_counts_and_one_whose_packages_are_missing_says_what_to_install(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from plait.project.plugins import Plugin

    (project / "src/shop/farm.py").write_text(
        "from msgspec import Struct\n"
        "class Farm(Struct, kw_only=True):\n"
        "    integration = 'farm'\n"
        "    size: int = 1\n"
        "    def open(self, project):\n"
        "        import no_such_farm\n".replace("    integration = 'farm'\n", "")
    )
    monkeypatch.syspath_prepend(str(project / "src"))
    plugin = Plugin("plait.executors", "farm", "shop.farm:Farm", "plait-farm")
    write(project, "conf/base/stack.yml", "executor: {type: farm, size: 4}\n")
    found = Project(project, plugins=(plugin,)).stack.executor
    assert found.settings().size == 4
    with pytest.raises(ConfError, match="needs packages that are not installed") as caught:
        found.open(None)
    assert "no_such_farm" in caught.value.what
