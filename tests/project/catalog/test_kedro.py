"""Kedro's types work by name, are saved as safely as ours, and either tool reads what the other wrote."""

import logging
import subprocess
import sys
import textwrap
import warnings

import pandas as pd
import polars as pl
import pytest

from plait.errors import CatalogError
from plait.project.catalog import Catalog
from plait.project.catalog.kedro import TYPES, install_command

pytest.importorskip("kedro_datasets")

FRAME = pd.DataFrame({"n": [1, 2], "s": ["a", "b"]})


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


def catalog(root, entry, **more):
    return Catalog({"it": entry}, root=root, **more)


def kedros(root, entry, load_version=None):
    """The same entry as Kedro's own catalog understands it."""
    from kedro.io import DataCatalog

    entry = {**entry, "filepath": f"{root}/{entry['filepath']}"}
    return DataCatalog.from_config(
        {"it": entry}, load_versions={"it": load_version} if load_version else None
    )


@pytest.fixture(autouse=True)
def quiet():
    logging.getLogger("kedro").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


POLARS = pl.DataFrame({"n": [1]})
SEMI = {"sep": ";"}
ENTRIES = [
    ({"type": "pandas.CSVDataset", "filepath": "a.csv", "save_args": SEMI, "load_args": SEMI}, FRAME),
    ({"type": "pandas.ParquetDataset", "filepath": "a.parquet"}, FRAME),
    ({"type": "pandas.ExcelDataset", "filepath": "a.xlsx", "load_args": {"engine": "openpyxl"}}, FRAME),
    ({"type": "pandas.JSONDataset", "filepath": "a.json"}, FRAME),
    ({"type": "pandas.FeatherDataset", "filepath": "a.feather"}, FRAME),
    ({"type": "polars.EagerPolarsDataset", "file_format": "parquet", "filepath": "a.pq"}, POLARS),
    ({"type": "pickle.PickleDataset", "filepath": "a.pkl"}, {"x": [1]}),
    ({"type": "json.JSONDataset", "filepath": "a.json", "save_args": {"indent": 2}}, {"x": [1]}),
    ({"type": "yaml.YAMLDataset", "filepath": "a.yml"}, {"x": [1]}),
    ({"type": "text.TextDataset", "filepath": "a.txt"}, "x"),
    ({"type": "kedro_datasets.pandas.CSVDataset", "filepath": "a.csv"}, FRAME),
    ({"type": "kedro_datasets.pandas.csv_dataset.CSVDataset", "filepath": "a.csv"}, FRAME),
]  # fmt: skip


def same(one, other):
    if isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, other, check_dtype=False)
        return True
    return one.equals(other) if isinstance(one, pl.DataFrame) else one == other


@pytest.mark.parametrize("versioned", [False, True])
@pytest.mark.parametrize(("entry", "value"), ENTRIES, ids=[entry["type"] for entry, _ in ENTRIES])
def test_what_plait_saves_kedro_loads_and_the_other_way_round(tmp_path, entry, value, versioned):
    entry = {**entry, "versioned": versioned}
    ours = catalog(tmp_path, entry)
    saved = ours.save("it", value)
    assert saved.content
    assert same(value, ours.load("it"))
    assert same(value, kedros(tmp_path, entry).load("it"))
    if versioned:
        assert (tmp_path / entry["filepath"] / saved.version / entry["filepath"]).is_file()
    theirs = kedros(tmp_path, entry)
    theirs.save("it", value)
    assert same(value, ours.load("it"))
    assert len(ours.versions("it")) == (2 if versioned else 0)
    if versioned:
        assert same(value, kedros(tmp_path, entry, saved.version).load("it"))


def test_our_types_read_the_versions_of_kedros_and_the_other_way_round(tmp_path):
    ours = {"type": "csv", "filepath": "a.csv", "versioned": True}
    theirs = {**ours, "type": "pandas.CSVDataset"}
    kedros(tmp_path, theirs).save("it", FRAME)
    found = catalog(tmp_path, ours)
    assert same(FRAME, found.load("it"))
    found.save("it", FRAME.head(1))
    assert same(FRAME.head(1), kedros(tmp_path, theirs).load("it"))


def test_a_save_of_kedros_that_fails_half_way_leaves_the_old_file(tmp_path):
    found = catalog(tmp_path, {"type": "pickle.PickleDataset", "filepath": "a.pkl"})
    found.save("it", [1])
    with pytest.raises(CatalogError, match="'it'"):
        found.save("it", [b"x" * 10_000_000, lambda: None])
    assert found.load("it") == [1]
    assert names(tmp_path) == ["a.pkl"]


def test_an_appending_entry_of_kedros_appends(tmp_path):
    entry = {"type": "text.TextDataset", "filepath": "a.txt", "fs_args": {"open_args_save": {"mode": "a"}}}
    found = catalog(tmp_path, entry)
    found.save("it", "one ")
    found.save("it", "two")
    assert found.load("it") == "one two"


def test_figures_are_saved_as_one_file_or_as_a_folder(tmp_path):
    import matplotlib

    matplotlib.use("agg")
    from matplotlib.figure import Figure

    found = catalog(
        tmp_path, {"type": "matplotlib.MatplotlibDataset", "filepath": "out/a.png", "versioned": True}
    )
    saved = found.save("it", Figure())
    assert (tmp_path / "out/a.png" / saved.version / "a.png").is_file()
    folder = catalog(tmp_path, {"type": "matplotlib.MatplotlibDataset", "filepath": "out/plots"})
    folder.save("it", {"x.png": Figure(), "y.png": Figure()})
    assert names(tmp_path / "out/plots") == ["x.png", "y.png"]


def test_kedros_types_work_on_memory_and_a_step_may_ask_for_another_kind(tmp_path):
    import fsspec

    fsspec.filesystem("memory").store.clear()
    found = catalog(tmp_path, {"type": "pandas.CSVDataset", "filepath": "memory://a.csv", "versioned": True})
    first = found.save("it", FRAME)
    found.save("it", pl.DataFrame({"n": [3]}).to_pandas())
    assert found.load("it", "polars").to_dict(as_series=False) == {"n": [3]}
    assert found.versions("it")[1] == first.version
    assert found.fingerprint("it") is not None


def test_a_database_of_kedros_types_is_found_from_the_root(tmp_path):
    pytest.importorskip("sqlalchemy")
    found = Catalog(
        {
            "t": {
                "type": "pandas.SQLTableDataset",
                "table_name": "t",
                "credentials": "db",
                "save_args": {"if_exists": "replace"},
            },
            "q": {
                "type": "pandas.SQLQueryDataset",
                "sql": "select n from t where n > 1",
                "credentials": "db",
            },
        },
        root=tmp_path,
        credentials={"db": {"con": f"sqlite:///{tmp_path}/a.db"}},
    )
    found.save("t", FRAME)
    assert found.load("q")["n"].tolist() == [2]
    assert found.fingerprint("q") is None


def test_a_dataset_class_of_a_kedro_project_works_with_versions(tmp_path, monkeypatch):
    (tmp_path / "own_kedro.py").write_text(
        """
from pathlib import PurePosixPath
import fsspec
from kedro.io import AbstractVersionedDataset
from kedro.io.core import get_filepath_str, get_protocol_and_path

class Shout(AbstractVersionedDataset):
    def __init__(self, filepath, version=None, metadata=None):
        protocol, path = get_protocol_and_path(filepath)
        self._fs = fsspec.filesystem(protocol)
        super().__init__(PurePosixPath(path), version, self._fs.exists, self._fs.glob)
    def load(self):
        with self._fs.open(str(self._get_load_path()), "r") as f: return f.read()
    def save(self, data):
        with self._fs.open(str(self._get_save_path()), "w") as f: f.write(data.upper())
    def _describe(self): return {}
"""
    )
    monkeypatch.syspath_prepend(tmp_path)
    entry = {"type": "own_kedro.Shout", "filepath": "a.txt", "versioned": True, "metadata": {"x": 1}}
    found = catalog(tmp_path, entry)
    found.save("it", "hi")
    assert found.load("it") == "HI"
    (tmp_path / "a.txt" / "2099-01-01T00.00.00.000Z").mkdir()
    assert found.load("it") == "HI"
    sys.modules.pop("own_kedro")


def test_cached_datasets_of_kedro_need_no_kedro(tmp_path):
    found = catalog(tmp_path, {"type": "CachedDataset", "dataset": {"type": "text", "filepath": "a.txt"}})
    found.save("it", "one")
    (tmp_path / "a.txt").write_text("two")
    assert found.load("it") == "one"
    found.release()
    assert found.load("it") == "two"


@pytest.mark.parametrize(
    ("missing", "hint"),
    [
        ("kedro_datasets", "pip install kedro 'kedro-datasets[pandas-csvdataset]'"),
        ("kedro", "pip install kedro"),
    ],
)
def test_without_the_package_the_command_that_installs_it_is_told(tmp_path, missing, hint):
    program = textwrap.dedent(f"""
        import sys
        sys.path[:0] = {[p for p in sys.path if p]!r}
        from importlib import util
        from pathlib import Path
        find = util.find_spec
        util.find_spec = lambda name, *more: None if name == {missing!r} else find(name, *more)
        from plait.project.catalog import Catalog
        entries = {{"m": {{"type": "MemoryDataset"}},
                    "c": {{"type": "pandas.CSVDataset", "filepath": "a.csv"}}}}
        catalog = Catalog(entries, root=Path({str(tmp_path)!r}))
        catalog.save("m", 1)
        try:
            catalog.load("c")
        except Exception as error:
            print(type(error).__name__, error.hint)
    """)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"CatalogError {hint}"


def test_every_known_type_has_an_install_command_with_its_own_extra():
    from importlib import metadata

    extras = set(metadata.metadata("kedro-datasets").get_all("Provides-Extra"))
    for type_ in TYPES:
        named = install_command(type_).partition("[")[2].partition("]")[0]
        assert not named or named in extras, type_


def test_a_type_whose_own_libraries_are_missing_says_what_to_install(tmp_path):
    with pytest.raises(CatalogError) as caught:
        catalog(tmp_path, {"type": "biosequence.BioSequenceDataset", "filepath": "a"}).load("it")
    assert caught.value.hint == "pip install kedro 'kedro-datasets[biosequence-biosequencedataset]' Bio"


def test_a_type_that_kedro_has_dropped_gets_its_successor(tmp_path):
    with pytest.raises(CatalogError) as caught:
        catalog(tmp_path, {"type": "tracking.MetricsDataset", "filepath": "a.json"}).load("it")
    assert "json.JSONDataset" in caught.value.hint


def test_a_spark_dataset_is_left_to_spark(tmp_path):
    found = catalog(
        tmp_path, {"type": "spark.SparkDataset", "filepath": "a.parquet", "file_format": "parquet"}
    )
    assert found.describe("it")["type"] == "spark.SparkDataset"
    if __import__("importlib.util").util.find_spec("pyspark") is None:
        with pytest.raises(CatalogError) as caught:
            found.load("it")
        assert "kedro-datasets[spark-sparkdataset]" in caught.value.hint
