"""Every type of our own gives back what was saved in every kind of place that can hold it, and says so where none can."""

import contextlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from plait.errors import CatalogError
from plait.project.catalog import Catalog
from plait.project.catalog.types import NATIVE

FRAME = pd.DataFrame({"tail": ["N14228", "N24211"], "seats": [149, 178], "delay": [2.5, float("nan")]})
PIXELS = np.arange(48, dtype="uint8").reshape(4, 4, 3)
PARTS = {"y2013": FRAME, "deep/y2014": FRAME.head(1)}

# A type, its entry with {base} for the place, and a value.
ENTRIES = {
    "csv": ({"filepath": "{base}/a.csv"}, FRAME),
    "json": ({"filepath": "{base}/a.json"}, {"alpha": 0.1, "names": ["ü"], "none": None}),
    "parquet": ({"filepath": "{base}/a.parquet"}, FRAME),
    "feather": ({"filepath": "{base}/a.feather"}, FRAME),
    "excel": ({"filepath": "{base}/a.xlsx"}, FRAME),
    "pickle": ({"filepath": "{base}/a.pkl"}, {"weights": [1.5], "labels": {"a"}}),
    "text": ({"filepath": "{base}/a.txt"}, "erste Zeile\nzweite ü\n"),
    "yaml": ({"filepath": "{base}/a.yml"}, {"b": [1, {"x": "ü"}], "a": None}),
    "image": ({"filepath": "{base}/a.png"}, PIXELS),
    "directory": ({"path": "{base}/folder"}, {"a.txt": "eins", "deep/b.bin": b"\0\1"}),
    "partitioned": ({"path": "{base}/parts", "dataset": "csv", "filename_suffix": ".csv"}, PARTS),
    "incremental": ({"path": "{base}/new", "dataset": "csv", "filename_suffix": ".csv"}, PARTS),
    "delta": ({"filepath": "{base}/delta"}, FRAME),
    "iceberg": (
        {
            "table": "fleet.planes",
            "catalog": {"type": "sql", "uri": "sqlite:///iceberg.db", "warehouse": "{base}/warehouse"},
        },
        FRAME,
    ),
    "cached": ({"dataset": {"type": "parquet", "filepath": "{base}/b.parquet"}}, FRAME),
    "duckdb": ({"filepath": "planes.duckdb", "table": "planes"}, FRAME),
    "sql_table": ({"table_name": "planes", "con": "sqlite:///planes.db"}, FRAME),
    "sql_query": ({"sql": "SELECT * FROM planes", "con": "sqlite:///planes.db"}, FRAME),
    "memory": ({}, FRAME),
}
# In a database, or in the process itself: where a path or a URL leads makes no difference.
NO_PLACE = {"duckdb", "sql_table", "sql_query", "memory"}
# A table format writes by itself what a place of another process's memory, or one that cannot be written, cannot have.
ELSEWHERE = {("delta", "memory"), ("iceberg", "memory"), ("delta", "http")}


def test_no_type_is_left_out():
    assert set(ENTRIES) == set(NATIVE)


def same(one, other):
    if isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, other, check_dtype=False)
        return True
    if isinstance(one, np.ndarray):
        return np.array_equal(one, np.asarray(other))
    if isinstance(other, Path):
        files = {file.relative_to(other).as_posix(): file for file in other.rglob("*") if file.is_file()}
        assert set(files) == set(one)
        return all(
            files[name].read_bytes() == (text if isinstance(text, bytes) else text.encode())
            for name, text in one.items()
        )
    if isinstance(one, dict) and any(isinstance(value, pd.DataFrame) for value in one.values()):
        assert set(one) == set(other)
        return all(
            same(value, part() if callable(part := other[name]) else part) for name, value in one.items()
        )
    return one == other


def entry_of(type_, base):
    def filled(value):
        if isinstance(value, dict):
            return {key: filled(inner) for key, inner in value.items()}
        return value.replace("{base}", base) if isinstance(value, str) else value

    return {"type": type_, **filled(ENTRIES[type_][0])}


def catalog_of(root, type_, base, credentials=None):
    entry = entry_of(type_, base)
    if credentials:
        (entry["dataset"] if type_ == "cached" else entry)["credentials"] = "store"
    return Catalog({"it": entry}, root=root, credentials={"store": credentials or {}})


def round_trip(catalog, type_):
    value = ENTRIES[type_][1]
    if type_ == "sql_query":
        writer = Catalog({"it": entry_of("sql_table", "")}, root=catalog.root)
        writer.save("it", value)
    else:
        catalog.save("it", value)
    return same(value, catalog.load("it"))


@pytest.mark.parametrize("type_", ENTRIES)
def test_in_a_folder(tmp_path, type_):
    (tmp_path / "data").mkdir()
    assert round_trip(catalog_of(tmp_path, type_, "data"), type_)


@pytest.mark.parametrize("type_", [one for one in ENTRIES if one not in NO_PLACE])
def test_in_memory(tmp_path, memory_store, type_):
    catalog = catalog_of(tmp_path, type_, "memory://data")
    if (type_, "memory") in ELSEWHERE:
        with pytest.raises(CatalogError, match="'it'"):
            round_trip(catalog, type_)
        return
    assert round_trip(catalog, type_)


# The database of an Iceberg catalog says where its tables are, so a web server is no other place for them.
@pytest.mark.parametrize("type_", [one for one in ENTRIES if one not in {*NO_PLACE, "iceberg"}])
def test_over_http(tmp_path, web_server, type_):
    (tmp_path / "data").mkdir()
    with contextlib.suppress(CatalogError):
        catalog_of(tmp_path, type_, "data").save("it", ENTRIES[type_][1])
    with web_server(tmp_path / "data") as url:
        catalog = catalog_of(tmp_path, type_, url)
        if (type_, "http") in ELSEWHERE:
            with pytest.raises(CatalogError, match="'it'"):
                catalog.load("it")
            return
        assert same(ENTRIES[type_][1], catalog.load("it"))
        with pytest.raises(CatalogError, match="can be read but not written"):
            catalog.save("it", ENTRIES[type_][1])


@pytest.mark.engine
@pytest.mark.parametrize("type_", [one for one in ENTRIES if one not in NO_PLACE])
def test_on_an_s3_server(tmp_path, s3, type_):
    catalog = catalog_of(tmp_path, type_, f"s3://bucket/everywhere/{type_}", s3)
    assert round_trip(catalog, type_)
