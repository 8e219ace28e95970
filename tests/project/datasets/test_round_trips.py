"""Every type of our own gives back what was saved, wherever it lies."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from plait.errors import CatalogError
from plait.project.catalog import Catalog

FRAME = pd.DataFrame(
    {"tail": ["N14228", "N24211", "N619AA"], "seats": [149, 149, 178], "delay": [2.5, -4.0, float("nan")]}
)
FORMATS = {
    "csv": ("csv", "planes.csv", FRAME),
    "zipped csv": ("csv", "planes.csv.gz", FRAME),
    "json": ("json", "model.json", {"alpha": 0.1, "names": ["a", "ü"], "nested": {"deep": None}}),
    "parquet": ("parquet", "planes.parquet", FRAME),
    "feather": ("feather", "planes.feather", FRAME),
    "excel": ("excel", "planes.xlsx", FRAME),
    "pickle": ("pickle", "model.pkl", {"weights": [1.5, 2.5], "labels": {"a", "b"}}),
    "text": ("text", "notes.txt", "erste Zeile\r\nzweite Zeile ü\n"),
    "yaml": ("yaml", "settings.yml", {"b": [1, 2, {"x": "ü"}], "a": None}),
}
# Kept in a database, a table format or a folder rather than in one file.
OTHERS = {
    "duckdb": {"type": "duckdb", "filepath": "data/planes.duckdb", "table": "planes"},
    "sql_table": {"type": "sql_table", "table_name": "planes", "con": "sqlite:///planes.db"},
    "delta": {"type": "delta", "filepath": "data/planes"},
    "iceberg": {
        "type": "iceberg",
        "table": "fleet.planes",
        "catalog": {"type": "sql", "uri": "sqlite:///data/iceberg.db", "warehouse": "data/warehouse"},
    },
    "memory": {"type": "memory"},
    "cached": {"type": "cached", "dataset": {"type": "parquet", "filepath": "data/planes.parquet"}},
}


def same(one, other):
    if isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, other, check_dtype=False)
        return True
    return one == other


def catalog_of(root, **entries):
    return Catalog(entries, root=root)


@pytest.fixture(params=FORMATS)
def file_format(request):
    return FORMATS[request.param]


def test_a_value_comes_back_from_a_local_file(tmp_path, file_format):
    type_, name, value = file_format
    catalog = catalog_of(tmp_path, it={"type": type_, "filepath": f"data/deep/{name}"})
    saved = catalog.save("it", value)
    assert same(value, catalog.load("it"))
    assert saved.place == str(tmp_path / "data/deep" / name)
    assert saved.size == (tmp_path / "data/deep" / name).stat().st_size
    assert [p.name for p in (tmp_path / "data/deep").iterdir()] == [name]


def test_a_value_comes_back_from_memory(tmp_path, file_format, memory_store):
    type_, name, value = file_format
    catalog = catalog_of(tmp_path, it={"type": type_, "filepath": f"memory://data/{name}"})
    saved = catalog.save("it", value)
    assert same(value, catalog.load("it"))
    assert memory_store.exists(f"/data/{name}")
    assert len(saved.content) == 64


def test_a_value_comes_back_from_a_web_server_and_cannot_be_saved_there(tmp_path, file_format, web_server):
    type_, name, value = file_format
    catalog_of(tmp_path, it={"type": type_, "filepath": name}).save("it", value)
    with web_server(tmp_path) as url:
        remote = catalog_of(tmp_path, it={"type": type_, "filepath": f"{url}/{name}"})
        assert same(value, remote.load("it"))
        with pytest.raises(CatalogError, match="can be read but not written"):
            remote.save("it", value)


@pytest.mark.engine
def test_a_value_comes_back_from_s3(tmp_path, file_format, s3):
    type_, name, value = file_format
    catalog = Catalog(
        {"it": {"type": type_, "filepath": f"s3://bucket/{type_}/{name}", "credentials": "store"}},
        root=tmp_path,
        credentials={"store": s3},
    )
    catalog.save("it", value)
    first = catalog.fingerprint("it")
    assert same(value, catalog.load("it"))
    assert first is not None
    assert first == catalog.fingerprint("it")


@pytest.mark.engine
def test_versions_in_s3_are_all_kept_and_the_newest_is_loaded(tmp_path, s3):
    entries = {
        "it": {
            "type": "text",
            "filepath": "s3://bucket/versions/it.txt",
            "credentials": "store",
            "versioned": True,
        }
    }
    catalog = Catalog(entries, root=tmp_path, credentials={"store": s3})
    first, second = catalog.save("it", "one"), catalog.save("it", "two")
    assert catalog.versions("it") == [second.version, first.version]
    assert catalog.load("it") == "two"
    pinned = Catalog(entries, root=tmp_path, credentials={"store": s3}, load_versions={"it": first.version})
    assert pinned.load("it") == "one"


@pytest.mark.engine
def test_another_value_in_s3_has_another_fingerprint(tmp_path, s3):
    catalog = Catalog(
        {"it": {"type": "text", "filepath": "s3://bucket/print/it.txt", "credentials": "store"}},
        root=tmp_path,
        credentials={"store": s3},
    )
    assert catalog.fingerprint("it") is None
    catalog.save("it", "one")
    one = catalog.fingerprint("it")
    catalog.save("it", "two")
    assert catalog.fingerprint("it") not in {one, None}


@pytest.mark.engine
def test_a_failed_save_to_s3_leaves_the_object_that_was_there(tmp_path, s3):
    catalog = Catalog(
        {"it": {"type": "pickle", "filepath": "s3://bucket/failed/it.pkl", "credentials": "store"}},
        root=tmp_path,
        credentials={"store": s3},
    )
    catalog.save("it", [1, 2])
    with pytest.raises(CatalogError, match="'it'"):
        catalog.save("it", ["x" * 100_000, lambda: None])
    assert catalog.load("it") == [1, 2]


@pytest.mark.engine
def test_parts_and_folders_come_back_from_s3(tmp_path, s3):
    entries = {
        "parts": {
            "type": "partitioned",
            "path": "s3://bucket/parts",
            "dataset": "csv",
            "filename_suffix": ".csv",
            "credentials": "store",
            "overwrite": True,
        },
        "folder": {"type": "directory", "path": "s3://bucket/folder", "credentials": "store"},
    }
    catalog = Catalog(entries, root=tmp_path, credentials={"store": s3})
    catalog.save("parts", {"y2013": FRAME, "y2014/q1": FRAME, "old": FRAME})
    catalog.save("parts", {"y2013": FRAME, "y2014/q1": lambda: FRAME})
    loaded = catalog.load("parts")
    assert list(loaded) == ["y2013", "y2014/q1"]
    assert same(FRAME, loaded["y2014/q1"]())
    catalog.save("folder", {"a.txt": "eins", "deep/b.bin": b"\0\1", "gone.txt": "x"})
    catalog.save("folder", {"a.txt": "eins", "deep/b.bin": b"\0\1"})
    copy = catalog.load("folder")
    assert sorted(p.relative_to(copy).as_posix() for p in copy.rglob("*") if p.is_file()) == [
        "a.txt",
        "deep/b.bin",
    ]
    assert (copy / "deep/b.bin").read_bytes() == b"\0\1"
    assert catalog.fingerprint("folder") is not None


@pytest.mark.engine
def test_a_delta_table_comes_back_from_s3(tmp_path, s3):
    catalog = Catalog(
        {"it": {"type": "delta", "filepath": "s3://bucket/delta/planes", "credentials": "store"}},
        root=tmp_path,
        credentials={"store": s3},
    )
    catalog.save("it", FRAME)
    assert same(FRAME, catalog.load("it"))


@pytest.mark.parametrize("name", OTHERS)
def test_a_table_comes_back_from_stores_that_are_not_one_file(tmp_path, name):
    catalog = catalog_of(tmp_path, it=OTHERS[name])
    catalog.save("it", FRAME)
    assert same(FRAME, catalog.load("it"))
    half = FRAME.head(1)
    catalog.save("it", half)
    assert same(half, catalog.load("it"))


@pytest.mark.parametrize(
    "name", ["csv", "parquet", "feather", "excel", *(n for n in OTHERS if n != "cached")]
)
def test_whole_numbers_beside_missing_ones_stay_whole_on_the_way_through_arrow(tmp_path, name):
    entry = OTHERS.get(name) or {"type": name, "filepath": FORMATS[name][1]}
    table = pa.table({"n": pa.array([1, None, 3], pa.int64())})
    catalog = catalog_of(tmp_path, it=entry)
    catalog.save("it", table)
    assert catalog.load("it", "pyarrow").to_pydict() == {"n": [1, None, 3]}


def test_an_image_comes_back(tmp_path):
    import numpy as np
    from PIL import Image

    pixels = np.arange(48, dtype="uint8").reshape(4, 4, 3)
    catalog = catalog_of(tmp_path, it={"type": "image", "filepath": "a.png"})
    catalog.save("it", Image.fromarray(pixels))
    assert np.array_equal(np.asarray(catalog.load("it")), pixels)
    catalog.save("it", pixels[::-1])
    assert np.array_equal(np.asarray(catalog.load("it")), pixels[::-1])


def test_an_image_comes_back_from_memory_and_from_the_web(tmp_path, memory_store, web_server):
    import numpy as np

    pixels = np.arange(48, dtype="uint8").reshape(4, 4, 3)
    catalog = catalog_of(
        tmp_path, m={"type": "image", "filepath": "memory://a.png"}, f={"type": "image", "filepath": "a.png"}
    )
    catalog.save("m", pixels)
    catalog.save("f", pixels)
    assert np.array_equal(np.asarray(catalog.load("m")), pixels)
    with web_server(tmp_path) as url:
        web = catalog_of(tmp_path, it={"type": "image", "filepath": f"{url}/a.png"})
        assert np.array_equal(np.asarray(web.load("it")), pixels)


@pytest.mark.parametrize("path", ["out", "memory://out"])
def test_a_folder_comes_back_whole(tmp_path, memory_store, path):
    catalog = catalog_of(tmp_path, it={"type": "directory", "path": path})
    catalog.save("it", {"a.txt": "eins", "deep/b.bin": b"\0\1"})
    found = catalog.load("it")
    assert isinstance(found, Path)
    assert (found / "a.txt").read_text() == "eins"
    assert (found / "deep/b.bin").read_bytes() == b"\0\1"
    catalog.save("it", {"c.txt": "drei"})
    again = catalog.load("it")
    assert [p.name for p in again.rglob("*") if p.is_file()] == ["c.txt"]


def test_a_workbook_of_several_sheets_comes_back(tmp_path):
    catalog = catalog_of(
        tmp_path, it={"type": "excel", "filepath": "a.xlsx", "load_args": {"sheet_name": None}}
    )
    catalog.save("it", {"one": FRAME, "two": FRAME.head(1)})
    loaded = catalog.load("it")
    assert list(loaded) == ["one", "two"]
    assert same(FRAME.head(1), loaded["two"])


def test_rows_of_json_lines_come_back_and_may_be_a_table(tmp_path):
    catalog = catalog_of(tmp_path, it={"type": "json", "filepath": "a.jsonl", "lines": True})
    catalog.save("it", FRAME.head(2))
    assert (tmp_path / "a.jsonl").read_text().count("\n") == 2
    assert catalog.load("it")[0] == {"tail": "N14228", "seats": 149, "delay": 2.5}
    assert same(FRAME.head(2), catalog.load("it", pd.DataFrame))


def test_the_arguments_of_pandas_csv_are_passed_on(tmp_path):
    entry = {"type": "csv", "filepath": "a.csv", "load_args": {"sep": ";", "decimal": ","}}
    catalog = catalog_of(tmp_path, it={**entry, "save_args": {"sep": ";", "decimal": ",", "index": False}})
    catalog.save("it", FRAME)
    assert (tmp_path / "a.csv").read_text().splitlines()[1] == "N14228;149;2,5"
    assert same(FRAME, catalog.load("it"))


@pytest.mark.parametrize("type_", ["text", "text.TextDataset"])
@pytest.mark.parametrize("path", ["log.txt", "memory:///log.txt"])
def test_an_appending_entry_adds_to_what_is_there(tmp_path, memory_store, path, type_):
    entry = {"type": type_, "filepath": path, "fs_args": {"open_args_save": {"mode": "a"}}}
    catalog = catalog_of(tmp_path, it=entry)
    catalog.save("it", "one\n")
    catalog.save("it", "two\n")
    assert catalog.load("it") == "one\ntwo\n"


def test_a_query_answers_and_changes_its_fingerprint_with_its_data(tmp_path):
    catalog = catalog_of(
        tmp_path,
        planes={"type": "sql_table", "table_name": "planes", "con": "sqlite:///planes.db"},
        big={
            "type": "sql_query",
            "sql": "SELECT tail FROM planes WHERE seats > 150",
            "con": "sqlite:///planes.db",
            "fingerprint_query": "SELECT count(*), max(seats) FROM planes",
        },
    )
    catalog.save("planes", FRAME)
    assert catalog.load("big")["tail"].tolist() == ["N619AA"]
    before = catalog.fingerprint("big")
    assert before == catalog.fingerprint("big")
    catalog.save("planes", FRAME.head(2))
    assert catalog.fingerprint("big") != before
    assert catalog.fingerprint("planes") is None
    with pytest.raises(CatalogError, match="can only be loaded"):
        catalog.save("big", FRAME)


def test_a_save_to_a_database_that_fails_half_way_leaves_the_old_rows(tmp_path):
    catalog = catalog_of(
        tmp_path,
        it={"type": "sql_table", "table_name": "t", "con": "sqlite:///a.db", "save_args": {"chunksize": 1}},
    )
    catalog.save("it", pd.DataFrame({"n": [1, 2]}))
    for bad in (pd.DataFrame({"n": [3, {"no": "such"}]}), pd.DataFrame({"other": [3, {"no": "such"}]})):
        with pytest.raises(CatalogError, match="cannot be saved"):
            catalog.save("it", bad)
        assert catalog.load("it")["n"].tolist() == [1, 2]


def test_a_table_of_a_database_keeps_its_indexes_when_its_rows_are_replaced(tmp_path):
    import sqlite3

    catalog = catalog_of(tmp_path, it={"type": "sql_table", "table_name": "t", "con": "sqlite:///a.db"})
    catalog.save("it", pd.DataFrame({"n": [1, 2]}))
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("CREATE INDEX by_n ON t (n)")
    catalog.save("it", pd.DataFrame({"n": [3]}))
    with sqlite3.connect(tmp_path / "a.db") as connection:
        assert connection.execute("SELECT name FROM sqlite_master WHERE type = 'index'").fetchall() == [
            ("by_n",)
        ]
    assert catalog.load("it")["n"].tolist() == [3]


@pytest.mark.parametrize("name", ["delta", "iceberg"])
def test_table_formats_keep_their_own_versions(tmp_path, name):
    entry = OTHERS[name]
    catalog = catalog_of(tmp_path, it=entry)
    first = catalog.save("it", pd.DataFrame({"n": [1]}))
    print_of_first = catalog.fingerprint("it")
    second = catalog.save("it", pd.DataFrame({"m": [2, 3]}))
    assert catalog.load("it").to_dict("list") == {"m": [2, 3]}
    versions = catalog.versions("it")
    assert {first.version, second.version} <= set(versions)
    assert versions.index(second.version) < versions.index(first.version)
    pinned = Catalog({"it": entry}, root=tmp_path, load_versions={"it": first.version})
    assert pinned.load("it").to_dict("list") == {"n": [1]}
    assert pinned.fingerprint("it") == print_of_first != catalog.fingerprint("it")
    with pytest.raises(CatalogError, match="no version"):
        Catalog({"it": entry}, root=tmp_path, load_versions={"it": "98765"}).load("it")
