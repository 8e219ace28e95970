"""polars and Arrow."""

import datetime as dt
import decimal

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal, assert_series_equal

POLARS = pl.DataFrame(
    {
        "int": [1, None, 3],
        "float": [1.5, float("nan"), None],
        "text": ["a", None, "üx"],
        "flag": [True, None, False],
        "day": [dt.date(2020, 1, 1), None, dt.date(1, 1, 1)],
        "moment": [dt.datetime(2020, 1, 1)] * 3,
        "span": [dt.timedelta(1), None, dt.timedelta(2)],
        "clock": [dt.time(1), None, dt.time(2)],
        "bytes": [b"x", None, b""],
        "list": [[1, None], [], None],
        "struct": [{"x": 1, "y": "a"}, {"x": None, "y": "b"}, {"x": 2, "y": None}],
    }
).with_columns(
    category=pl.col("text").cast(pl.Categorical),
    enum=pl.col("text").cast(pl.Enum(["üx", "a"])),
    zone=pl.col("moment").dt.replace_time_zone("Europe/Berlin"),
    milli=pl.col("moment").cast(pl.Datetime("ms")),
    decimal=pl.col("int").cast(pl.Decimal(10, 2)),
    small=pl.col("int").cast(pl.Int8),
    wide=pl.col("int").cast(pl.Int128),
    single=pl.col("float").cast(pl.Float32),
    nothing=pl.lit(None),
    array=pl.lit([1, 2]).cast(pl.Array(pl.Int64, 2)),
)
ARROW = pa.table(
    {
        "int": pa.array([1, None, 3], pa.int16()),
        "float": pa.array([1.5, None, 2], pa.float32()),
        "text": ["a", None, "ü"],
        "large": pa.array(["a", None, "c"], pa.large_string()),
        "view": pa.array(["a", None, "b"], pa.string_view()),
        "flag": [True, None, False],
        "list": [[1], None, []],
        "struct": [{"x": 1}, None, {"x": 2}],
        "dictionary": pa.array(["a", "b", None]).dictionary_encode(),
        "moment": pa.array([1, 2, None], pa.timestamp("us", "UTC")),
        "day": pa.array([1, 2, None], pa.date32()),
        "decimal": pa.array([decimal.Decimal("1.2"), None, decimal.Decimal(3)], pa.decimal128(10, 2)),
        "bytes": [b"a", None, b""],
        "fixed": pa.array([b"ab", None, b"cd"], pa.binary(2)),
        "nothing": pa.nulls(3),
        "map": pa.array([[("a", 1)], None, []], pa.map_(pa.string(), pa.int8())),
    }
)


@pytest.mark.parametrize("name", POLARS.columns)
def test_a_polars_column_of_every_dtype_comes_back(again, name):
    column = POLARS[name]
    for value in (
        column,
        column[:0],
        column[1:2],
        column.filter(column.is_not_null()),
        pl.concat([column, column]),
    ):
        artifact, loaded = again(value)
        assert artifact.format == "polars.series"
        assert "note" not in artifact.meta
        assert_series_equal(loaded, value)


def test_a_polars_frame_comes_back_however_it_was_cut_and_chunked(store, again):
    artifact, loaded = again(POLARS)
    assert_frame_equal(loaded, POLARS)
    assert artifact.type == "polars.DataFrame"
    pieces = pl.concat([POLARS[:1], POLARS[1:2], POLARS[2:]], rechunk=False)
    assert pieces.n_chunks() == 3
    assert store.save(pieces).id == artifact.id
    assert store.save(pl.concat([POLARS, POLARS])[3:]).id == artifact.id
    again(pl.DataFrame())
    again(POLARS.clear())


def test_what_stands_in_an_empty_slot_of_polars_is_no_content(store):
    one = pl.Series("a", [1, None, 3])
    other = pl.DataFrame({"a": [1, 99, 3]}).select(pl.when(pl.col("a") < 50).then(pl.col("a")))["a"]
    assert store.save(one).id == store.save(other).id


def test_a_polars_column_that_did_not_change_is_stored_once(store):
    frame = pl.DataFrame({"a": np.arange(100_000), "b": ["text"] * 100_000})
    before = set(store.save(frame).parts)
    after = set(store.save(frame.with_columns(c=pl.col("a") * 2)).parts)
    assert before < after
    assert len(after - before) == 1


@pytest.mark.parametrize("name", ARROW.column_names)
def test_an_arrow_column_of_every_type_comes_back(again, name):
    column = ARROW[name]
    for value in (
        column,
        column[:0],
        column[1:2],
        column.combine_chunks(),
        column.combine_chunks()[1:],
        column[0:0],
    ):
        _, loaded = again(value)
        assert loaded.type == value.type
        assert loaded.equals(value)
        loaded.validate(full=True)


def test_an_arrow_table_comes_back_however_it_was_cut_and_chunked(store, again):
    table = ARROW.replace_schema_metadata({"key": "value"})
    artifact, loaded = again(table)
    assert loaded.equals(table, check_metadata=True)
    assert artifact.type == "pyarrow.Table"
    assert store.save(pa.concat_tables([table[:1], table[1:]])).id == artifact.id
    assert store.save(pa.concat_tables([table, table])[3:]).id == artifact.id
    assert store.save(ARROW).id != artifact.id
    again(table[:0])
    again(table.to_batches()[0])
    again(pa.table({}))


def test_a_loaded_arrow_table_is_safe_from_its_file(store):
    table = pa.table({"a": np.arange(300_000), "b": ["text"] * 300_000})
    artifact = store.save(table)
    loaded = store.load(artifact)
    for part in artifact.parts:
        store.delete(part.id)
    assert loaded.equals(table)
    loaded.validate(full=True)
