"""A table arrives as the kind that is asked for: the same rows, and where possible the same memory."""

import subprocess
import sys
import textwrap
from datetime import date
from pathlib import Path
from typing import Annotated

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.errors import CatalogError
from plait.project.catalog import Catalog
from plait.project.datasets.conversion import convert_table, kind_of, kind_of_value, to_arrow

KINDS = ["pandas", "polars", "polars-lazy", "pyarrow", "duckdb", "ibis"]
CELLS = st.fixed_dictionaries(
    {
        "i": st.lists(st.none() | st.integers(-(2**40), 2**40), min_size=3, max_size=3),
        "f": st.lists(st.none() | st.floats(allow_nan=False, width=32), min_size=3, max_size=3),
        "s": st.lists(st.none() | st.text("aü\u4e2d", max_size=4), min_size=3, max_size=3),
        "b": st.lists(st.booleans(), min_size=3, max_size=3),
        "d": st.lists(st.dates(date(1700, 1, 1), date(2199, 12, 31)), min_size=3, max_size=3),
    }
)
TYPES = {"i": pa.int64(), "f": pa.float64(), "s": pa.string(), "b": pa.bool_(), "d": pa.date32()}


@settings(max_examples=25, deadline=None)
@given(CELLS, st.sampled_from([k for k in KINDS if k != "pandas"]), st.sampled_from(KINDS))
def test_a_table_is_the_same_after_any_two_conversions(cells, first, second):
    table = pa.table({name: pa.array(values, TYPES[name]) for name, values in cells.items()})
    there = convert_table(convert_table(table, first), second)
    assert kind_of_value(there) == second
    if second != "pandas":
        assert to_arrow(there).to_pydict() == table.to_pydict()
    else:
        assert there["s"].tolist() == [None if v is None else v for v in cells["s"]] or there[
            "s"
        ].isna().tolist() == [v is None for v in cells["s"]]
        assert len(there) == 3


def test_arrow_polars_and_duckdb_share_the_same_memory():
    table = pa.table({"x": pa.array(range(1000), pa.int64())})
    address = table["x"].chunk(0).buffers()[1].address
    frame = convert_table(table, "polars")
    assert frame["x"].to_arrow().buffers()[1].address == address
    assert convert_table(frame, "pyarrow")["x"].chunk(0).buffers()[1].address == address


def test_a_pandas_frame_from_anywhere_can_be_written_to():
    frame = convert_table(pl.DataFrame({"x": [1, 2], "y": [1.0, 2.0]}), "pandas")
    frame.loc[0, "x"] = 7
    frame["y"] += 1
    assert frame.to_dict("list") == {"x": [7, 2], "y": [2.0, 3.0]}


def test_a_named_index_becomes_a_column_and_row_labels_are_dropped():
    named = pd.DataFrame({"x": [1, 2]}, index=pd.Index(["a", "b"], name="key"))
    assert convert_table(named, "polars").columns == ["key", "x"]
    filtered = pd.DataFrame({"x": [1, 2, 3]}).query("x != 2")
    assert convert_table(filtered, "polars").to_dict(as_series=False) == {"x": [1, 3]}


@pytest.mark.parametrize(
    ("wanted", "kind"),
    [
        (pd.DataFrame, "pandas"),
        (pl.DataFrame, "polars"),
        (pl.LazyFrame, "polars-lazy"),
        (pa.Table, "pyarrow"),
        (duckdb.DuckDBPyRelation, "duckdb"),
        (Annotated[pl.DataFrame, "note"], "polars"),
        (pd.DataFrame | None, "pandas"),
        (pd.DataFrame | pl.DataFrame, None),
        (Path, "path"),
        (list, "list"),
        (list[int], "list"),
        (dict, None),
        (int, None),
        (None, None),
        ("pl.DataFrame", "polars"),
        ("pandas", "pandas"),
        ("Ibis", "ibis"),
        ("spark", "spark"),
    ],
)
def test_an_annotation_names_a_kind(wanted, kind):
    assert kind_of(wanted) == kind


def test_a_kind_that_does_not_exist_is_told_with_the_nearest():
    with pytest.raises(CatalogError, match="'plars'") as caught:
        kind_of("plars")
    assert "'polars'" in caught.value.hint


def test_a_value_that_is_no_table_cannot_become_one():
    with pytest.raises(CatalogError, match="is no table"):
        convert_table([1, 2], "pandas")


def test_looking_at_a_value_imports_nothing():
    program = textwrap.dedent(f"""
        import sys
        sys.path[:0] = {[p for p in sys.path if p]!r}
        from plait.project.datasets.conversion import kind_of, kind_of_value, installed_kind
        assert kind_of_value([1]) is None and kind_of("spark") == "spark" and installed_kind("pandas")
        heavy = ("pandas", "polars", "pyarrow", "duckdb", "ibis", "pyspark", "numpy")
        print([module for module in heavy if module in sys.modules])
    """)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("type_", ["csv", "parquet", "feather", "pandas.CSVDataset"])
def test_one_dataset_arrives_as_each_step_asks(tmp_path, type_):
    entry = {"type": type_, "filepath": "a.data"}
    catalog = Catalog({"a": entry, "p": {**entry, "as": "polars"}}, root=tmp_path)
    catalog.save("a", pd.DataFrame({"x": [1, 2], "s": ["NA", "b"]}))
    rows = catalog.load("a", "pyarrow").to_pylist()
    for kind in KINDS:
        value = catalog.load("a", kind)
        assert kind_of_value(value) == kind
        assert to_arrow(value).to_pylist() == rows
    assert isinstance(catalog.load("p"), pl.DataFrame)
    assert isinstance(catalog.load("p", pd.DataFrame), pd.DataFrame)
    assert catalog.load("a", Path) == tmp_path / "a.data" if type_ == "csv" else True


def test_what_is_not_a_table_comes_as_it_is_whatever_is_asked_for(tmp_path):
    catalog = Catalog({"a": {"type": "pickle", "filepath": "a.pkl"}}, root=tmp_path)
    catalog.save("a", {"x": 1})
    assert catalog.load("a", pd.DataFrame) == {"x": 1}


@pytest.mark.parametrize("hidden", [["pandas"], ["pandas", "polars"], ["pandas", "pyarrow"]])
def test_tables_are_read_and_written_without_pandas(tmp_path, hidden):
    program = textwrap.dedent(f"""
        import sys
        sys.path[:0] = {[p for p in sys.path if p]!r}
        from importlib import util
        from pathlib import Path
        find = util.find_spec
        util.find_spec = lambda name, *more: None if name in {hidden!r} else find(name, *more)
        for name in {hidden!r}:
            sys.modules[name] = None
        for name in {hidden!r}:
            del sys.modules[name]
        class Hide:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] in {hidden!r}:
                    raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
        sys.meta_path.insert(0, Hide())
        from plait.project.catalog import Catalog
        entries = {{"c": {{"type": "csv", "filepath": "a.csv"}},
                    "p": {{"type": "parquet", "filepath": "a.pq"}}}}
        catalog = Catalog(entries, root=Path({str(tmp_path)!r}))
        if "polars" in {hidden!r}:
            import pyarrow
            value = pyarrow.table({{"x": [1, 2]}})
        else:
            import polars
            value = polars.DataFrame({{"x": [1, 2]}})
        for name in ("c", "p"):
            catalog.save(name, value)
            loaded = catalog.load(name)
            assert type(loaded) is type(value), type(loaded)
            assert [int(str(x)) for x in loaded["x"]] == [1, 2]
    """)
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.engine
def test_a_spark_frame_is_made_and_read(tmp_path):
    sql = pytest.importorskip("pyspark.sql", reason="Spark is tested where it is installed")
    session = sql.SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    session = session.config("spark.driver.host", "127.0.0.1").getOrCreate()
    try:
        entries = {
            "c": {"type": "csv", "filepath": "a.csv"},
            "p": {"type": "parquet", "filepath": "a.parquet"},
        }
        catalog = Catalog(entries, root=tmp_path)
        catalog.save("c", pd.DataFrame({"n": [1, 2]}))
        frame = catalog.load("c", sql.DataFrame)
        assert kind_of_value(frame) == "spark"
        catalog.save("p", frame)
        assert catalog.load("p", "spark").count() == 2
        assert catalog.load("p", "pyarrow").to_pydict() == {"n": [1, 2]}
    finally:
        session.stop()
