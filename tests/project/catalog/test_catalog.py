"""The catalog resolves names, says clearly what is wrong, and costs next to nothing until it is used."""

import subprocess
import sys
import textwrap
import traceback
from pathlib import Path

import pandas as pd
import pytest

from plait.errors import CatalogError
from plait.project.catalog import Catalog, base_name


@pytest.fixture
def memory_files():
    import fsspec

    fsspec.filesystem("memory").store.clear()
    yield
    fsspec.filesystem("memory").store.clear()


SECRET = "hunter2-very-secret"


def catalog(root, entries, **more):
    return Catalog(entries, root=root, **more)


def lines(*known):
    """An origin that knows the lines of these keys."""
    return lambda key: f"conf/base/catalog.yml:{known.index(key) + 1}" if key in known else None


def test_names_that_start_with_an_underscore_are_not_datasets(tmp_path):
    found = catalog(tmp_path, {"_csv": {"type": "csv"}, "_anything": 3, "a": {"type": "memory"}})
    assert found.names() == ["a"]
    assert "_csv" not in found


def test_one_data_in_two_formats_is_two_entries_of_one_base_name(tmp_path):
    found = catalog(
        tmp_path,
        {
            "cars@table": {"type": "csv", "filepath": "cars.csv"},
            "cars@text": {"type": "text", "filepath": "cars.csv"},
        },
    )
    found.save("cars@table", pd.DataFrame({"n": [1]}))
    assert found.load("cars@text") == "n\n1\n"
    assert base_name("cars@text") == base_name("cars@table") == "cars"
    with pytest.raises(CatalogError) as caught:
        found.load("cars")
    assert "cars@table, cars@text" in caught.value.hint


def test_the_layer_is_read_from_where_kedro_writes_it(tmp_path):
    found = catalog(
        tmp_path,
        {
            "a": {"type": "memory", "metadata": {"kedro-viz": {"layer": "raw"}}},
            "b": {"type": "memory", "layer": "model"},
            "c": {"type": "memory"},
        },
    )
    assert [found.describe(name)["layer"] for name in "abc"] == ["raw", "model", None]


def test_an_unknown_name_gets_the_nearest_ones_and_the_environment(tmp_path):
    with pytest.raises(CatalogError, match="environment 'prod' has no dataset 'flihgts'") as caught:
        catalog(tmp_path, {"flights": {"type": "memory"}}, env="prod").load("flihgts")
    assert "'flights'" in caught.value.hint


def test_a_missing_file_is_told_with_entry_path_environment_line_and_nearest_file(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "companies.csv").write_text("n\n1\n")
    for type_ in ("csv", "pandas.CSVDataset"):
        found = catalog(
            tmp_path,
            {"companies": {"type": type_, "filepath": "data/compnies.csv"}},
            env="prod",
            origin=lines("companies"),
        )
        with pytest.raises(CatalogError) as caught:
            found.load("companies")
        assert "'companies'" in caught.value.what
        assert str(tmp_path / "data" / "compnies.csv") in caught.value.what
        assert "'prod'" in caught.value.what
        assert caught.value.where == "conf/base/catalog.yml:1"
        assert "'companies.csv'" in caught.value.hint


def test_none_is_not_saved(tmp_path):
    found = catalog(tmp_path, {"a": {"type": "json", "filepath": "a.json"}})
    found.save("a", [1])
    with pytest.raises(CatalogError, match="given None to save") as caught:
        found.save("a", None)
    assert "return" in caught.value.hint
    assert found.load("a") == [1]


def test_a_wrong_credentials_key_names_the_nearest_one(tmp_path):
    found = catalog(
        tmp_path,
        {"a": {"type": "csv", "filepath": "s3://b/a.csv", "credentials": "dev_s4"}},
        credentials={"dev_s3": {"key": "x"}},
        origin=lines("a", "a.credentials"),
    )
    with pytest.raises(CatalogError, match="'dev_s4'") as caught:
        found.load("a")
    assert caught.value.where == "conf/base/catalog.yml:2"
    assert "'dev_s3'" in caught.value.hint


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("data/a.csv", "is text"),
        (None, "is empty"),
        ([1], "is a list"),
        ({"typ": "csv"}, "has no type"),
        ({"type": 3}, "is a number"),
    ],
)
def test_one_wrong_entry_of_five_thousand_is_found_with_its_file_and_line(tmp_path, config, message):
    entries = {f"d{i}": {"type": "csv", "filepath": f"data/{i}.csv"} for i in range(5000)}
    entries["d3217"] = config
    with pytest.raises(CatalogError, match=message) as caught:
        catalog(tmp_path, entries, origin=lines("d3217"))
    assert "'d3217'" in caught.value.what
    assert caught.value.where == "conf/base/catalog.yml:1"


def test_several_wrong_entries_are_told_at_once(tmp_path):
    with pytest.raises(CatalogError) as caught:
        catalog(tmp_path, {"a": 1, "b": {"type": "memory"}, "c": {}}, origin=lines("a", "b", "c"))
    assert "'a'" in caught.value.what
    assert "'c'" in caught.value.what
    assert "catalog.yml:3" in caught.value.what


def test_all_that_is_wrong_can_be_asked_for_without_importing_any_type(tmp_path):
    entries = {f"d{i}": {"type": "csv", "filepath": f"data/{i}.csv"} for i in range(1000)}
    entries["misspelt"] = {"type": "cvs", "filepath": "a"}
    entries["argument"] = {"type": "csv", "filpath": "a"}
    entries["kedro"] = {"type": "pandas.CSVDatset", "filepath": "a"}
    entries["key"] = {"type": "text", "filepath": "a", "credentials": "nobody"}
    entries["check"] = {"type": "text", "filepath": "a", "checks": [{"chek": "x"}]}
    entries["kind"] = {"type": "csv", "filepath": "a", "as": "pandsa"}
    entries["{n}_raw"] = {"type": "cvs", "filepath": "{n}"}
    found = catalog(tmp_path, entries, load_versions={"nowhere": "1"}).problems()
    named = "\n".join(str(problem) for problem in found)
    for name in ("misspelt", "argument", "kedro", "key", "check", "pandsa", "{n}_raw", "nowhere"):
        assert name in named
    assert len(found) == 8


def test_an_argument_that_the_type_does_not_take_is_named_with_the_nearest(tmp_path):
    for type_ in ("csv", "pandas.CSVDataset"):
        found = catalog(tmp_path, {"a": {"type": type_, "filepath": "a.csv", "load_arg": {}}})
        with pytest.raises(CatalogError, match="'load_arg'") as caught:
            found.load("a")
        assert "'load_args'" in caught.value.hint
    with pytest.raises(CatalogError, match="lacks 'filepath'"):
        catalog(tmp_path, {"a": {"type": "csv"}}).load("a")


def test_secrets_are_in_no_description_no_error_and_no_pickle(tmp_path, monkeypatch):
    import pickle

    (tmp_path / "own_leaky.py").write_text(
        "class Leaky:\n"
        "    def __init__(self, credentials): self.key = credentials['key']\n"
        "    def load(self): raise ValueError('no entry with ' + self.key)\n"
        "    def save(self, value): pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    entries = {
        "s3": {"type": "csv", "filepath": "s3://bucket/a.csv", "credentials": "store"},
        "inline": {
            "type": "csv",
            "filepath": "s3://b/a.csv",
            "credentials": {"key": SECRET, "deep": {"x": SECRET}},
        },
        "url": {"type": "csv", "filepath": f"https://me:{SECRET}@example.invalid/a.csv?token={SECRET}"},
        "sql": {"type": "sql_query", "sql": "select 1", "con": f"postgresql+nodriver://me:{SECRET}@db/x"},
        "bad": {"type": "sql_table", "table_name": "t", "credentials": "db"},
        "leaky": {"type": "own_leaky.Leaky", "credentials": "store"},
        "parts": {
            "type": "partitioned",
            "path": "s3://bucket/parts",
            "dataset": "csv",
            "credentials": "store",
        },
    }
    found = catalog(
        tmp_path,
        entries,
        credentials={"store": {"key": SECRET}, "db": {"con": f"sqlite:////no/such/{SECRET}/folder.db"}},
    )
    for name in entries:
        assert SECRET not in repr(found.describe(name))
        assert SECRET not in repr(found.dataset(name))
    for name in ("sql", "bad", "leaky"):
        with pytest.raises(CatalogError) as caught:
            found.load(name)
        assert SECRET not in str(caught.value)
        assert SECRET not in "".join(traceback.format_exception(caught.value))
    part = found.dataset("parts").part("a.csv")
    assert SECRET.encode() not in pickle.dumps(part)
    with pytest.raises(CatalogError, match="do not travel"):
        pickle.loads(pickle.dumps(part)).load()
    assert found.describe("s3")["arguments"]["credentials"] == "store"


def test_the_fingerprint_follows_the_data_and_the_way_it_is_read_and_nothing_else(tmp_path):
    entry = {"type": "csv", "filepath": "a.csv"}
    (tmp_path / "a.csv").write_text("n\n1\n")

    def fingerprint(**more):
        return catalog(tmp_path, {"a": {**entry, **more}}).fingerprint("a")

    first = fingerprint()
    assert fingerprint(metadata={"x": 1}, save_args={"index": True}) == first
    assert fingerprint(load_args={"sep": ";"}) != first
    assert fingerprint(**{"as": "polars"}) != first
    (tmp_path / "b.csv").write_text("n\n1\n")
    assert fingerprint(filepath="b.csv") == first
    (tmp_path / "a.csv").write_text("n\n2\n")
    assert fingerprint() != first


def test_a_version_of_a_dataset_without_versions_is_an_error(tmp_path):
    for entry in ({"type": "text", "filepath": "a.txt"}, {"type": "text.TextDataset", "filepath": "a.txt"}):
        found = catalog(tmp_path, {"a": entry}, load_versions={"a": "2024-01-01T00.00.00.000Z"})
        found.save("a", "x")
        with pytest.raises(CatalogError, match="only its last one"):
            found.load("a")


def test_an_error_of_the_type_itself_carries_the_name_and_the_line(tmp_path):
    found = catalog(tmp_path, {"a": {"type": "text", "filepath": "a.txt"}}, origin=lines("a"))
    with pytest.raises(CatalogError, match="'a' cannot be saved: a int is no text") as caught:
        found.save("a", 3)
    assert caught.value.where == "conf/base/catalog.yml:1"
    misspelt = catalog(tmp_path, {"a": {"type": "text", "filepath": "a.txt", "verisoned": True}})
    with pytest.raises(CatalogError, match="'verisoned'") as caught:
        misspelt.load("a")
    assert "'versioned'" in caught.value.hint


def test_a_path_is_given_to_those_who_ask_for_one_and_lasts(tmp_path, memory_files):
    found = catalog(
        tmp_path,
        {"a": {"type": "text", "filepath": "a.txt"}, "m": {"type": "text", "filepath": "memory://m.txt"}},
    )
    for name in "am":
        found.save(name, "x")
        assert found.load(name, Path).read_text() == "x"
    path = found.load("m", Path)
    found.release()
    assert not path.exists()


def test_versions_are_all_kept_listed_and_pinned(tmp_path):
    entries = {"a": {"type": "json", "filepath": "data/a.json", "versioned": True}}
    found = catalog(tmp_path, entries)
    assert not found.exists("a")
    saved = [found.save("a", number).version for number in range(3)]
    assert found.versions("a") == saved[::-1]
    assert found.load("a") == 2
    assert (tmp_path / "data/a.json" / saved[0] / "a.json").read_text() == "0"
    assert catalog(tmp_path, entries, load_versions={"a": saved[0]}).load("a") == 0
    with pytest.raises(CatalogError, match="no version") as caught:
        catalog(tmp_path, entries, load_versions={"a": "2020-01-01T00.00.00.000Z"}).load("a")
    assert any(version in caught.value.hint for version in saved)


def test_a_version_that_is_there_is_never_changed(tmp_path):
    entries = {"a": {"type": "json", "filepath": "a.json", "versioned": True}}
    version = "2026-01-02T03.04.05.678Z"
    assert catalog(tmp_path, entries, save_version=version).save("a", 1).version == version
    with pytest.raises(CatalogError, match="versions never change"):
        catalog(tmp_path, entries, save_version=version).save("a", 2)
    assert catalog(tmp_path, entries).load("a") == 1


@pytest.mark.parametrize("version", ["..", "../../etc", "a/b", "", ".", "a\\b", "*"])
def test_a_version_cannot_lead_out_of_its_folder(tmp_path, version):
    entries = {"a": {"type": "json", "filepath": "a.json", "versioned": True}}
    found = catalog(tmp_path, entries)
    found.save("a", 1)
    with pytest.raises(CatalogError, match="lead out"):
        catalog(tmp_path, entries, save_version=version or "..").save("a", 2)
    if version:
        with pytest.raises(CatalogError, match="lead out"):
            catalog(tmp_path, entries, load_versions={"a": version}).load("a")


def test_a_new_version_skips_the_ones_that_others_claimed_in_the_same_moment(tmp_path, monkeypatch):
    from plait.project.datasets import files

    monkeypatch.setattr(files, "new_version", lambda: "2026-01-01T00.00.00.999Z")
    entries = {"a": {"type": "json", "filepath": "a.json", "versioned": True}}
    found = catalog(tmp_path, entries)
    assert [found.save("a", n).version for n in range(3)] == [
        "2026-01-01T00.00.00.999Z",
        "2026-01-01T00.00.01.000Z",
        "2026-01-01T00.00.01.001Z",
    ]


def test_a_dataset_in_memory_gives_each_reader_its_own_copy(tmp_path):
    found = catalog(
        tmp_path,
        {"a": {"type": "MemoryDataset"}, "b": {"type": "kedro.io.MemoryDataset", "copy_mode": "assign"}},
    )
    value = {"x": [1]}
    found.save("a", value)
    found.load("a")["x"].append(2)
    assert found.load("a") == {"x": [1]}
    found.save("b", value)
    assert found.load("b") is value


def test_a_thousand_entries_cost_little_and_import_nothing_heavy(tmp_path):
    program = textwrap.dedent(f"""
        import sys, time
        sys.path[:0] = {[p for p in sys.path if p]!r}
        from pathlib import Path
        from plait.project.catalog import Catalog
        csv = {{"type": "csv", "metadata": {{"layer": "raw"}}}}
        entries = {{f"d{{i}}": {{**csv, "filepath": f"data/{{i}}.csv"}} for i in range(1000)}}
        made = {{"type": "csv", "filepath": "{{name}}.csv"}}
        entries.update({{"{{name}}_" + str(i): made for i in range(20)}})
        best = 1.0
        for _ in range(5):
            started = time.process_time()
            catalog = Catalog(entries, root=Path({str(tmp_path)!r}))
            catalog.entry("d500"), catalog.entry("x_7"), catalog.describe("d1")
            best = min(best, time.process_time() - started)
        heavy = ("pandas", "polars", "pyarrow", "numpy", "fsspec", "yaml", "omegaconf", "kedro", "sqlalchemy",
                 "duckdb", "blake3", "plait.project.datasets.csv", "plait.project.datasets.parquet",
                 "plait.project.datasets.sql", "plait.project.datasets.delta")
        print(best, [module for module in heavy if module in sys.modules])
    """)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    best, rest = done.stdout.split(" ", 1)
    assert float(best) < 0.1  # 5 ms where nothing else runs
    assert rest.strip() == "[]"


def test_only_the_type_that_is_used_is_imported(tmp_path):
    (tmp_path / "a.txt").write_text("x")
    program = textwrap.dedent(f"""
        import sys
        sys.path[:0] = {[p for p in sys.path if p]!r}
        from pathlib import Path
        from plait.project.catalog import Catalog
        entries = {{"a": {{"type": "text", "filepath": "a.txt"}},
                    "b": {{"type": "pandas.CSVDataset", "filepath": "b.csv"}},
                    "c": {{"type": "nowhere.at.All"}}, "d": {{"type": "csv", "filepath": "d.csv"}}}}
        catalog = Catalog(entries, root=Path({str(tmp_path)!r}))
        assert catalog.load("a") == "x"
        assert "b" in catalog and catalog.describe("b")["type"] == "pandas.CSVDataset"
        heavy = ("pandas", "kedro", "kedro_datasets", "fsspec", "numpy", "pyarrow")
        print([module for module in heavy if module in sys.modules])
    """)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
