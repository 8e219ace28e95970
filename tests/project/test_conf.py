from __future__ import annotations

import json
import subprocess
import sys

import pytest

from plait.errors import ConfError
from plait.project.conf import Conf
from plait.project.secrets import Secret, reveal


@pytest.fixture
def three(folder):
    folder.write("base/parameters.yml", "a: base\nb: base\nc: base\nm: {x: 1, y: 1, l: [1, 2]}\n")
    folder.write("local/parameters.yml", "b: local\nc: local\nm: {y: 2}\n")
    folder.write("prod/parameters.yml", "c: prod\nm: {l: [9]}\n")
    return folder


def test_later_environments_override_earlier_ones_key_by_key(three):
    assert three.read("prod").environments == ["base", "local", "prod"]
    assert three.read("prod").get("parameters") == {
        "a": "base",
        "b": "local",
        "c": "prod",
        "m": {"x": 1, "y": 2, "l": [9]},
    }


def test_without_an_environment_it_is_base_and_local(three):
    assert three.read().environments == ["base", "local"]
    assert three.read().get("parameters")["c"] == "local"


def test_the_base_can_be_read_alone(three):
    assert three.read("base").get("parameters")["b"] == "base"


def test_local_can_be_left_out_as_kedro_does(three):
    conf = three.read("prod", local_with_env=False)
    assert conf.environments == ["base", "prod"]
    assert conf.get("parameters")["b"] == "base"
    assert three.read(local_with_env=False).environments == ["base", "local"]


def test_the_environment_comes_from_the_variable_and_the_argument_wins(three):
    assert three.read(environ={"PLAIT_ENV": "prod"}).env == "prod"
    assert three.read("base", environ={"PLAIT_ENV": "prod"}).env == "base"


def test_a_kind_can_replace_top_level_keys_as_a_whole(three):
    assert three.read("prod", replace=["parameters"]).get("parameters")["m"] == {"l": [9]}


@pytest.mark.parametrize("name", ["prd", "Prod"])
def test_an_unknown_environment_names_the_nearest(three, name):
    with pytest.raises(ConfError, match=f"no environment '{name}'") as caught:
        three.read(name)
    assert "did you mean 'prod'?" in caught.value.hint


@pytest.mark.parametrize("name", ["..", "../conf/prod", "/"])
def test_an_environment_is_a_folder_inside_conf(three, name):
    with pytest.raises(ConfError, match="no environment"):
        three.read(name)


def test_an_environment_may_be_in_a_folder_of_several(three):
    three.write("team/prod/parameters.yml", "c: team\n")
    assert three.read("team/prod").get("parameters")["c"] == "team"


def test_every_value_says_where_it_comes_from(three):
    conf = three.read("prod", "m.z=3")
    assert {
        key: conf.origin("parameters", key) for key in ["a", "b", "c", "m.x", "m.y", "m.l", "m.z", "no"]
    } == {
        "a": "conf/base/parameters.yml:1",
        "b": "conf/local/parameters.yml:1",
        "c": "conf/prod/parameters.yml:1",
        "m.x": "conf/base/parameters.yml:4",
        "m.y": "conf/local/parameters.yml:3",
        "m.l": "conf/prod/parameters.yml:2",
        "m.z": "command line",
        "no": None,
    }


def test_no_conf_at_all_is_an_empty_one(tmp_path):
    for conf in (Conf(None, environ={}), Conf(tmp_path / "conf", environ={})):
        assert conf.get("parameters") == conf.get("catalog") == {}
        assert conf.show() == []
        assert not conf.masker()


@pytest.mark.parametrize(
    "name",
    [
        "catalog.yml",
        "catalog_raw.yaml",
        "catalog.json",
        "catalog/raw.yml",
        "catalogs/deep/er/raw.yml",
        "team/catalog_x.yml",
        "a/b/catalog.yml",
    ],
)
def test_a_file_of_a_kind_is_found_by_its_name_or_its_folders(folder, name):
    folder.write(f"base/{name}", json.dumps({"cars": {"type": "csv"}}))
    assert folder.read().get("catalog") == {"cars": {"type": "csv"}}


@pytest.mark.parametrize(
    "name", ["catalog.txt", ".catalog.yml", ".hidden/catalog.yml", "mycatalog.yml", "other/x.yml"]
)
def test_other_files_are_not_of_the_kind(folder, name):
    folder.write(f"base/{name}", "[broken")
    assert folder.read().get("catalog") == {}


def test_only_the_kind_that_is_asked_for_is_read(folder):
    folder.write("base/catalog.yml", "[broken")
    folder.write("base/parameters.yml", "a: 1\n")
    conf = folder.read()
    assert conf.get("parameters") == {"a": 1}
    with pytest.raises(ConfError, match=r"broken YAML in conf/base/catalog\.yml, line 1"):
        conf.get("catalog")


def test_a_project_adds_kinds(folder):
    folder.write("base/mlflow.yml", "uri: x\n")
    assert folder.read(kinds={"mlflow": ["mlflow*"]}).get("mlflow") == {"uri": "x"}
    with pytest.raises(ConfError, match="no kind of conf called 'mlflow'"):
        folder.read().get("mlflow")
    with pytest.raises(ConfError) as caught:
        folder.read().get("catlog")
    assert caught.value.hint == "did you mean 'catalog'?"


def test_one_key_in_two_files_of_an_environment_names_both_files_and_lines(folder):
    folder.write("base/catalog.yml", "a: {type: csv}\ncars:\n  type: csv\n")
    folder.write("base/catalog_more.yml", "\ncars:\n  type: json\na: {type: csv}\n")
    with pytest.raises(ConfError) as caught:
        folder.read().get("catalog")
    assert "2 keys are in two files of the environment 'base'" in caught.value.what
    assert "'cars': conf/base/catalog.yml:2 and conf/base/catalog_more.yml:1" in caught.value.what
    assert "'a': conf/base/catalog.yml:1 and conf/base/catalog_more.yml:3" in caught.value.what


def test_templates_may_be_in_several_files_and_are_not_among_the_values(folder):
    folder.write(
        "base/catalog.yml", "_csv: &c {type: csv}\na:\n  <<: *c\n  filepath: ${_root}/a.csv\n_root: data\n"
    )
    folder.write("base/catalog_b.yml", "_csv: &c {type: csv}\nb:\n  <<: *c\n")
    assert folder.read().get("catalog") == {
        "a": {"type": "csv", "filepath": "data/a.csv"},
        "b": {"type": "csv"},
    }


def test_parameters_keep_names_with_an_underscore_as_kedro_does(folder):
    folder.write("base/parameters.yml", "_x: 1\n")
    assert folder.read().get("parameters") == {"_x": 1}


def test_a_value_that_is_got_is_the_callers_to_change(three):
    conf = three.read()
    conf.get("parameters")["m"]["l"].append(5)
    assert conf.get("parameters")["m"]["l"] == [1, 2]


def test_one_value_is_resolved_without_the_others(folder):
    folder.write(
        "base/catalog.yml", "a: {filepath: '${env:NOT_SET}'}\nb: {filepath: '${_root}/b'}\n_root: data\n"
    )
    conf = folder.read()
    assert reveal(conf.part("catalog", "b.filepath").value) == "data/b"
    assert conf.part("catalog", "c") is None
    with pytest.raises(ConfError, match="NOT_SET"):
        conf.part("catalog", ["a"])


def test_a_key_with_dots_is_found_whole(folder):
    folder.write("base/catalog.yml", "ns.cars: {type: csv}\n'{x}.raw': {type: json}\n")
    conf = folder.read()
    assert conf.origin("catalog", "ns.cars.type") == "conf/base/catalog.yml:1"
    assert conf.part("catalog", "{x}.raw.type").value == "json"


@pytest.fixture
def secretive(folder):
    folder.write(
        "local/credentials.yml",
        """
        db:
          username: me
          password: hunter2-long
          con: postgresql://me:pa55word@host/db
          port: 5432
          pin: 987654
        s3: {key: AKIA1234, client_kwargs: {endpoint_url: "http://host", tokens: [tok-1234]}}
        """,
    )
    folder.write(
        "base/parameters.yml",
        """
        token: ${secret:env:TOKEN}
        url: https://x:${secret:db.password}@host/
        plain: the word hunter2-long in a text
        """,
    )
    return folder.read(environ={"TOKEN": "s3cret-token"})


VALUES = ["hunter2-long", "pa55word", "987654", "AKIA1234", "tok-1234", "s3cret-token"]


def test_conf_show_masks_secrets_and_says_origins(secretive):
    shown = secretive.show()
    text = repr(shown)
    assert not [value for value in VALUES if value in text]
    by_key = {f"{one.kind}.{one.key}": (one.value, one.origin) for one in shown}
    assert by_key["credentials.db.username"] == ("me", "conf/local/credentials.yml:2")
    assert by_key["credentials.db.password"] == ("***", "conf/local/credentials.yml:3")
    assert by_key["credentials.db.port"] == (5432, "conf/local/credentials.yml:5")
    assert by_key["credentials.s3.client_kwargs.endpoint_url"][0] == "http://host"
    assert by_key["credentials.s3.client_kwargs.tokens"][0] == ["***"]
    assert by_key["parameters.url"] == ("***", "conf/base/parameters.yml:2")
    assert by_key["parameters.plain"][0] == "the word *** in a text"


def test_credentials_are_secrets_that_can_be_revealed(secretive):
    db = secretive.get("credentials")["db"]
    assert all(isinstance(db[key], Secret) for key in ("password", "con", "pin"))
    assert reveal(db)["con"] == "postgresql://me:pa55word@host/db"
    assert db["port"] == 5432
    assert db["username"] == "me"


def test_the_masker_knows_every_secret_of_the_conf(secretive):
    secretive.get("parameters")
    masked = secretive.masker().mask(" ".join(VALUES))
    assert masked == " ".join(["***"] * len(VALUES))


def test_a_secret_that_a_resolver_turned_into_another_is_masked_in_both_forms(folder):
    folder.write("base/parameters.yml", "a: ${up:${secret:env:TOKEN}}\n")
    conf = folder.read(environ={"TOKEN": "s3cret-token"}, resolvers={"up": str.upper})
    assert conf.get("parameters")["a"].reveal() == "S3CRET-TOKEN"
    assert conf.masker().mask("s3cret-token S3CRET-TOKEN") == "*** ***"


@pytest.mark.parametrize(
    "line",
    [
        "password: hunter2: x",
        "password: *hunter2",
        "password: !hunter2 x",
        "password: @hunter2",
        "password: [hunter2",
        "- hunter2",
        "password: hunter2${x",
        "password: hunter2${x}\n  x: 4${password}",
        "password: hunter2${nothing.here}",
        "password: hunter2${nothing:x}",
        "password: hunter2${env:NOT_SET}",
        "password: !!int hunter2",
    ],
)
def test_no_error_about_the_credentials_shows_one(folder, line):
    folder.write("local/credentials.yml", f"x: {{a: 1}}\ndb:\n  {line}\n" if line[0] != "-" else line)
    with pytest.raises(ConfError) as caught:
        folder.read().get("credentials")
    assert "hunter2" not in str(caught.value)
    assert caught.value.where.startswith("conf/local/credentials.yml:")


def test_a_credential_that_this_machine_lacks_hinders_no_masking(folder):
    folder.write("base/credentials.yml", "a: {password: '${env:NOT_HERE}'}\nb: {password: hunter2-long}\n")
    conf = folder.read()
    assert conf.masker().mask("hunter2-long") == "***"
    assert conf.part("credentials", "b.password").value.reveal() == "hunter2-long"


def test_show_finds_a_kind_a_key_in_a_kind_and_a_parameter(three):
    three.write("base/catalog.yml", "cars: {type: csv, filepath: x}\n")
    conf = three.read()
    assert {one.kind for one in conf.show("parameters")} == {"parameters"}
    assert [one.key for one in conf.show("catalog.cars")] == ["cars.type", "cars.filepath"]
    assert [(one.key, one.value) for one in conf.show("m.x")] == [("m.x", 1)]
    assert [(one.key, one.value) for one in conf.show("params:m.x")] == [("m.x", 1)]
    assert [one.kind for one in conf.show("cars.type")] == ["catalog"]
    with pytest.raises(ConfError, match=r"nothing of 'm\.xx'") as caught:
        conf.show("m.xx")
    assert "'m.x'" in caught.value.hint


def test_a_conf_written_for_kedro_is_read_as_it_is(folder):
    folder.write(
        "base/catalog.yml",
        """
        _csv: &csv
          type: pandas.CSVDataset
          load_args: {sep: ","}
        _base: ${globals:bucket}/01_raw

        companies:
          <<: *csv
          filepath: ${_base}/companies.csv
          metadata:
            kedro-viz:
              layer: raw

        "{namespace}.{name}#csv":
          type: pandas.CSVDataset
          filepath: ${_base}/{namespace}/{name}.csv

        reviews@pandas: {type: pandas.CSVDataset, filepath: "${globals:dirs.raw}/r.csv", credentials: dev_s3}
        shuttles:
          type: pandas.ExcelDataset
          filepath: ${runtime_params:folder, 'data/x'}/s.xlsx
          load_args: ${_load}
        _load: {engine: openpyxl}
        """,
    )
    folder.write("base/globals.yml", "bucket: s3://b\ndirs: {raw: data/raw}\n")
    options = "{test_size: 0.2, rate: 1e-3, seed: '${globals:seed, 3}'}"
    folder.write("base/parameters_data_science.yml", f"model_options: {options}\n")
    folder.write("base/parameters/data.yml", "date: 2024-01-01\nn: ${model_options.seed}\n")
    folder.write(
        "local/credentials.yml", 'dev_s3: {key: "${oc.env:KEY}", secret: "${oc.env:SECRET, none}"}\n'
    )
    folder.write("base/logging.yml", "version: 1\nhandlers: {}\n")
    conf = folder.read(environ={"KEY": "AKIA1234"})
    catalog = conf.get("catalog")
    assert list(catalog) == ["companies", "{namespace}.{name}#csv", "reviews@pandas", "shuttles"]
    assert catalog["companies"] == {
        "type": "pandas.CSVDataset",
        "load_args": {"sep": ","},
        "filepath": "s3://b/01_raw/companies.csv",
        "metadata": {"kedro-viz": {"layer": "raw"}},
    }
    assert catalog["{namespace}.{name}#csv"]["filepath"] == "s3://b/01_raw/{namespace}/{name}.csv"
    assert catalog["reviews@pandas"]["filepath"] == "data/raw/r.csv"
    assert catalog["shuttles"]["filepath"] == "data/x/s.xlsx"
    assert catalog["shuttles"]["load_args"] == {"engine": "openpyxl"}
    assert conf.get("parameters") == {
        "model_options": {"test_size": 0.2, "rate": 0.001, "seed": 3},
        "date": "2024-01-01",
        "n": 3,
    }
    assert reveal(conf.get("credentials")) == {"dev_s3": {"key": "AKIA1234", "secret": "none"}}
    assert conf.get("logging") == {"version": 1, "handlers": {}}


def test_what_a_conf_does_not_use_is_not_imported(folder):
    folder.write("base/parameters.yml", "a: 1\n")
    folder.write("base/catalog.yml", "_root: data\ncars: {filepath: '${_root}/x', type: csv}\n")
    code = (
        "import sys; from pathlib import Path\n"
        "from plait.project.parameters import Parameters; from plait.project.conf import Conf\n"
        "assert 'yaml' not in sys.modules\n"
        "conf = Conf(Path(sys.argv[1])); conf.get('catalog')\n"
        "assert Parameters(conf).get('a', annotation=float) == 1.0\n"
        "heavy = {'omegaconf', 'pydantic', 'pandas', 'numpy', 'fsspec', 'msgspec', 'keyring'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder.conf)], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "[]", done.stderr
