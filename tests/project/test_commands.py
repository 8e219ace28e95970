"""Do the commands that look at a project say what is there, where it is written, and what is nearest to a typo?"""

import json

import pytest


@pytest.fixture
def project(write, tmp_path):
    write("pyproject.toml", '[tool.plait]\npackage = "looked_at"\ndefault = "selling"\n')
    write("src/looked_at/__init__.py", "")
    write(
        "src/looked_at/checks.py",
        "def positive(rows):\n    return [at for at, row in enumerate(rows) if row['price'] <= 0]\n",
    )
    write("src/looked_at/pipelines/__init__.py", "")
    write(
        "src/looked_at/pipelines/selling.py",
        '''
        from plait import pipeline, step
        @step
        def total(sales, tax): return sum(row["price"] for row in sales) * (1 + tax)
        @pipeline
        def selling(sales, tax: float):
            """What was sold."""
            return total(sales, tax)
        ''',
    )
    write(
        "conf/base/catalog.yml",
        """
        _raw: &raw
          layer: raw
        sales:
          <<: *raw
          type: json
          filepath: ${globals:folder}/sales.json
          checks: [looked_at.checks.positive]
        model:
          type: json
          filepath: ${globals:folder}/model.json
          versioned: true
        cloud:
          type: csv
          filepath: s3://bucket/cloud.csv
          credentials: store
        "{name}_table":
          type: csv
          filepath: data/{name}.csv
        """,
    )
    write("conf/base/globals.yml", "folder: data\n")
    write(
        "conf/base/parameters.yml",
        "tax: 0.19\nmodel:\n  alpha: 0.1\n  deep: {wide: true, narrow: null}\nurl: https://x.org/${secret:env:SHOP_TOKEN}\n",
    )
    write("conf/prod/parameters.yml", "model:\n  alpha: 0.5\n")
    write("conf/local/credentials.yml", "store:\n  key: AKIA\n  secret: very-secret-value\n")
    write("data/sales.json", json.dumps([{"item": "a", "price": 1.5}, {"item": "b", "price": 22.25}]))
    return tmp_path


@pytest.fixture(autouse=True)
def _token(monkeypatch):
    monkeypatch.setenv("SHOP_TOKEN", "token-4711")


def test_the_catalog_is_listed_with_places_resolved(plait, project):
    said = plait("catalog", "list", cwd=project / "src")
    lines = said.out.splitlines()
    assert lines[0].split() == ["name", "type", "place", "layer"]
    assert any(line.split() == ["sales", "json", "data/sales.json", "raw", "1", "check"] for line in lines)
    assert any(line.split() == ["model", "json", "data/model.json", "versioned"] for line in lines)
    assert lines[-2:] == ["factories", lines[-1]]
    assert lines[-1].startswith("{name}_table")


def test_a_list_is_narrowed_by_layer_and_type(plait, project):
    names = [one["name"] for one in plait("catalog", "list", "--layer", "raw", "--json", cwd=project).json]
    assert names == ["sales"]
    names = [one["name"] for one in plait("catalog", "list", "--type", "csv", "--json", cwd=project).json]
    assert names == ["cloud", "{name}_table"]
    said = plait("catalog", "list", "--layer", "row", cwd=project)
    assert (said.status, "'raw'" in said.err) == (1, True)


def test_a_dataset_is_described_without_its_secrets(plait, project):
    said = plait("catalog", "describe", "cloud", cwd=project)
    assert "conf/base/catalog.yml" in said.out
    assert "s3://bucket/cloud.csv" in said.out
    for form in ((), ("--json",)):
        shown = plait("catalog", "describe", "cloud", *form, cwd=project).out
        assert "very-secret" not in shown
        assert "AKIA" not in shown
    assert plait("catalog", "describe", "any_table", "--json", cwd=project).json["pattern"] == "{name}_table"


def test_rows_are_previewed_as_a_table(plait, project):
    said = plait("catalog", "preview", "sales", "-n", 1, cwd=project)
    assert said.out.splitlines() == ["item  price", "a       1.5", "2 rows, 2 columns"]
    shown = plait("catalog", "preview", "sales", "--json", cwd=project).json
    assert shown["rows"] == [["a", 1.5], ["b", 22.25]]


def test_no_line_of_a_wide_table_is_longer_than_the_screen(plait, project, write, monkeypatch):
    write("data/sales.json", json.dumps([{f"column_{at}": "x" * at for at in range(40)}]))
    said = plait("catalog", "preview", "sales", cwd=project)
    assert max(map(len, said.out.splitlines())) <= 100
    assert "not shown: " in said.out


def test_versions_are_listed_newest_first(plait, project):
    from plait import Project

    assert "no version was saved yet" in plait("catalog", "versions", "model", cwd=project).out
    saved = [Project.find(project).catalog.save("model", {"at": at}).version for at in range(2)]
    assert plait("catalog", "versions", "model", "--json", cwd=project).json == saved[::-1]
    assert plait("catalog", "versions", "model", cwd=project).out.startswith(f"{saved[1]}  loaded")
    old = plait("catalog", "preview", "model", "--load-version", saved[0], cwd=project)
    assert old.out.split() == ["at", "0"]
    assert "versioned: true" in plait("catalog", "versions", "sales", cwd=project).out


def test_a_right_catalog_is_said_to_be_right(plait, project):
    said = plait("catalog", "check", cwd=project)
    assert said.status == 0, said.err
    assert said.out.splitlines() == ["✓ sales: positive passed", "✓ 4 entries are right"]


def test_data_that_fails_a_check_is_told_with_its_rows(plait, project, write):
    write("data/sales.json", json.dumps([{"price": 1}, {"price": -1}]))
    said = plait("catalog", "check", "sales", cwd=project)
    assert said.status == 1
    assert "rows 1" in said.out


def test_every_wrong_entry_is_told_with_its_line(plait, project, write):
    write(
        "conf/prod/catalog.yml",
        "a: {type: cvs, filepath: x}\nb: {type: csv, filpath: x}\nc: {type: csv, filepath: s3://x, credentials: stor}\n",
    )
    said = plait("catalog", "check", "--env", "prod", cwd=project)
    assert said.status == 1
    for word in ("'cvs'", "'filpath'", "'stor'", "conf/prod/catalog.yml:1", "conf/prod/catalog.yml:3"):
        assert word in said.out
    problems = plait("catalog", "check", "--env", "prod", "--json", cwd=project).json["problems"]
    assert len(problems) == 3
    assert all(one["hint"] for one in problems)


@pytest.mark.parametrize(
    ("typed", "nearest"),
    [
        (["catalog", "describe", "sale"], "'sales'"),
        (["catalog", "preview", "modle"], "'model'"),
        (["catalog", "lst"], "plait catalog list"),
        (["params", "model.alhpa"], "'model.alpha'"),
        (["conf", "show", "catalog.salse"], "'catalog.sales'"),
        (["params", "--env", "prd"], "'prod'"),
        (["catalog", "list", "--jsno"], "--json"),
    ],
)
def test_a_typo_is_answered_with_the_nearest(plait, project, typed, nearest):
    said = plait(*typed, cwd=project)
    assert said.status in (1, 2)
    assert nearest in said.err
    assert not said.out


def test_parameters_are_shown_with_the_line_that_sets_them(plait, project):
    assert plait("params", "model.alpha", cwd=project).out.split() == [
        "model.alpha",
        "0.1",
        "conf/base/parameters.yml:3",
    ]
    assert plait("params", "model.alpha", "--env", "prod", cwd=project).out.split()[1:] == [
        "0.5",
        "conf/prod/parameters.yml:2",
    ]
    group = plait("params", "model", "--json", cwd=project).json
    assert [one["name"] for one in group] == ["model.alpha", "model.deep.wide", "model.deep.narrow"]
    assert [line.split()[1] for line in plait("params", "model.deep", cwd=project).out.splitlines()] == [
        "true",
        "null",
    ]


def test_conf_is_shown_with_its_origins_and_no_secret(plait, project):
    for typed in (
        ("conf", "show"),
        ("conf", "show", "--json"),
        ("params",),
        ("params", "--json"),
        ("conf", "show", "credentials"),
    ):
        said = plait(*typed, cwd=project)
        assert said.status == 0, said.err
        assert "very-secret" not in said.out
        assert "token-4711" not in said.out
        assert "***" in said.out
    shown = {one["key"]: one for one in plait("conf", "show", "catalog", "--json", cwd=project).json}
    assert shown["sales.filepath"] == {
        "kind": "catalog",
        "key": "sales.filepath",
        "value": "data/sales.json",
        "where": "conf/base/catalog.yml:6",
    }


def test_pipelines_are_listed_and_a_broken_module_is_told(plait, project, write):
    said = plait("pipelines", cwd=project)
    assert said.out.split() == ["selling", "1", "step", "What", "was", "sold.", "default"]
    write("src/looked_at/pipelines/other.py", "import there_is_no_such_module\n")
    said = plait("pipelines", cwd=project)
    assert (said.status, "selling" in said.out, "there_is_no_such_module" in said.err) == (1, True, True)


def test_a_pipeline_is_shown_with_what_the_project_has_for_it(plait, project):
    said = plait("show", "selling", cwd=project)
    assert "= dataset, json" in said.out
    assert "= 0.19, conf/base/parameters.yml:1" in said.out
    assert said.out.rstrip().endswith("→ plait run selling")


def test_where_there_is_no_project_that_is_said(plait, tmp_path):
    for typed in (
        ["catalog", "list"],
        ["params"],
        ["conf", "show"],
        ["pipelines"],
        ["run"],
        ["notebook"],
        ["package"],
    ):
        said = plait(*typed, cwd=tmp_path)
        assert said.status == 2
        assert "no project" in said.err


def test_a_notebook_server_that_is_missing_is_named(plait, project, monkeypatch):
    monkeypatch.setattr("sys.path", [path for path in __import__("sys").path if "site-packages" not in path])
    said = plait("notebook", cwd=project)
    assert (said.status, "pip install jupyterlab" in said.err) == (2, True)


def test_a_notebook_is_opened_in_the_project_with_its_environment(project, write, shell):
    write("servers/jupyterlab/__init__.py", "")
    write(
        "servers/jupyterlab/__main__.py",
        "import os, sys, pathlib\nprint(pathlib.Path.cwd(), os.environ.get('PLAIT_ENV'), *sys.argv[1:])\n",
    )
    write("notebooks/look.ipynb", "{}")
    from pathlib import Path

    import plait

    paths = f"{project / 'servers'}:{Path(plait.__file__).parents[1]}"
    said = shell(
        "-m",
        "plait",
        "notebook",
        "--env",
        "prod",
        "--",
        "--no-browser",
        cwd=project / "src",
        PYTHONPATH=paths,
    )
    assert said.out.split()[:3] == [str(project), "prod", "--no-browser"]
    assert f"--ServerApp.preferred_dir={project / 'notebooks'}" in said.out
    named = shell("-m", "plait", "notebook", "look.ipynb", cwd=project / "notebooks", PYTHONPATH=paths)
    assert named.out.split()[-1] == str(project / "notebooks/look.ipynb")
    wrong = shell("-m", "plait", "notebook", "lok.ipynb", cwd=project / "notebooks", PYTHONPATH=paths)
    assert "'look.ipynb'" in wrong.err
    nowhere = shell("-m", "plait", "notebook", "--env", "prd", cwd=project, PYTHONPATH=paths)
    assert "'prod'" in nowhere.err
