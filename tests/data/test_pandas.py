import subprocess
import sys
import textwrap

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from . import samples

TIMES = pd.date_range("2020-03-29", periods=3, freq="h")
OBJECTS = pd.Series(
    ["x", None, 1, 2.5, np.nan, pd.NA, pd.NaT, [1, {"a": 2}], (1, 2), pd.Timestamp("2020")], dtype=object
)
MULTI = pd.MultiIndex.from_tuples([(1, "a"), (1, "b"), (2, "a")], names=["n", None])


def sparse(values, kind="integer", **more):
    return pd.arrays.SparseArray(values, kind=kind, **more)


COLUMNS = {
    **{kind: np.array([0, 1, 2]).astype(kind) for kind in "?bBhHiIlLfdFD"},
    "object": OBJECTS,
    "texts": pd.Series(["a", "é", "x" * 10], dtype=object),
    "str": pd.Series(["a", None, "é"]),
    "string_python": pd.array(["a", None, "é"], dtype="string[python]"),
    "string_pyarrow": pd.array(["a", None, "é"], dtype="string[pyarrow]"),
    "str_python": pd.array(["a", None, ""], dtype=pd.StringDtype("python", na_value=np.nan)),
    "no_texts": pd.array([None, None], dtype="string"),
    "categories": pd.Categorical(["b", "a", None], categories=["b", "a", "unused"], ordered=True),
    "category_numbers": pd.Categorical([3, 1, 3]),
    "category_intervals": pd.cut(pd.Series([1, 5, 9]), 3),
    **{kind: pd.array([1, None, 3], dtype=kind) for kind in ("Int8", "UInt64", "Float32", "Float64")},
    "boolean": pd.array([True, None, False], dtype="boolean"),
    "dates": TIMES,
    "seconds": TIMES.as_unit("s"),
    "berlin": TIMES.tz_localize("Europe/Berlin", nonexistent="NaT"),
    "utc": TIMES.tz_localize("UTC"),
    "offset": TIMES.tz_localize("+02:00"),
    "fold": pd.date_range("2020-10-25", periods=5, freq="h", tz="Europe/Berlin"),
    "spans": pd.to_timedelta([1, None, 3], unit="s"),
    "periods": pd.PeriodIndex(["2020-01", None], freq="M"),
    "quarters": pd.period_range("2020", periods=2, freq="Q-FEB"),
    "intervals": pd.arrays.IntervalArray.from_breaks([0, 1, 2], closed="left"),
    "time_intervals": pd.interval_range(pd.Timestamp("2020"), periods=2),
    "sparse": sparse([0, 0, 1]),
    "sparse_nan": sparse([np.nan, 1, np.nan], kind="block"),
    "sparse_fill": sparse([5, 5, 1], fill_value=5),
    "arrow_int": pd.array([1, None], dtype="int64[pyarrow]"),
    "arrow_list": pd.array([[1], None], dtype=pd.ArrowDtype(pa.list_(pa.int64()))),
    "arrow_text": pd.array(["a", None], dtype=pd.ArrowDtype(pa.string())),
    "arrow_time": pd.array([1, None], dtype=pd.ArrowDtype(pa.timestamp("us", "UTC"))),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_of_every_dtype_comes_back(again, name):
    series = pd.Series(COLUMNS[name], name="column")
    frame = pd.DataFrame({"before": np.arange(len(series)), "column": series})
    for value in (frame, frame[:0], frame[1:], pd.concat([frame, frame])):
        artifact, loaded = again(value)
        assert artifact.format == "pandas.frame"
        assert ("note" in artifact.meta) == (name == "object" and len(value) > len(series))
        pd.testing.assert_frame_equal(loaded, value, check_freq=True, check_column_type=True)
    artifact, loaded = again(series)
    assert artifact.format == "pandas.series"
    pd.testing.assert_series_equal(loaded, series)
    again(series.array)


INDEXES = [
    pd.RangeIndex(3), pd.RangeIndex(1, 7, 2, name="r"), pd.Index([1, 2, 3]), pd.Index([1.5, 2, 3],
    name="f"), pd.Index(["a", "b", "c"]), pd.Index(["a", "b", None], dtype=object, name=("t", 1)),
    pd.Index([1, "a", None], dtype=object), TIMES, TIMES.tz_localize("UTC"), pd.DatetimeIndex(["2020",
    "2021", None]), pd.timedelta_range(0, periods=3), pd.period_range("2020", periods=3, freq="D"),
    pd.interval_range(0, 3), pd.CategoricalIndex(["a", "b", "a"]), MULTI, MULTI[:0], MULTI.set_names(["x",
    "y"]), pd.MultiIndex.from_product([TIMES[:1], pd.Categorical(["p", "q", "r"])]), pd.Index([True, False,
    True]), pd.Index(pd.array([1, None, 2], dtype="Int64")), pd.Index([pd.Timestamp("2020"), 1, "x"],
    dtype=object), pd.date_range("2020", periods=3, freq="W-TUE"), pd.date_range("2020", periods=3,
    freq=pd.offsets.BusinessHour(start="10:00")),
]  # fmt: skip


@pytest.mark.parametrize(
    "index", INDEXES, ids=[f"{place}-{type(index).__name__}" for place, index in enumerate(INDEXES)]
)
def test_labels_of_every_kind_come_back(again, index):
    _, loaded = again(index)
    pd.testing.assert_index_equal(loaded, index, exact=True)
    assert getattr(loaded, "freq", None) == getattr(index, "freq", None)
    frame = pd.DataFrame({"a": np.arange(len(index))}, index=index)
    _, loaded = again(frame)
    pd.testing.assert_frame_equal(loaded, frame, check_freq=True)
    _, loaded = again(frame.T)
    pd.testing.assert_frame_equal(loaded, frame.T, check_column_type=True)


FRAMES = {
    "empty": pd.DataFrame(),
    "no rows": pd.DataFrame({"a": np.array([], "f4"), "b": pd.Series([], dtype="str")}),
    "no columns": pd.DataFrame(index=[1, 2]),
    "duplicates": pd.DataFrame(np.arange(6).reshape(2, 3), columns=["a", "b", "a"]),
    "mixed names": pd.DataFrame([[1, 2, 3]], columns=[1, "a", None]),
    "wide": pd.DataFrame(np.arange(600.0).reshape(2, 300)),
    "column levels": pd.DataFrame(np.zeros((2, 3)), columns=MULTI),
}


@pytest.mark.parametrize("name", FRAMES)
def test_frames_of_every_shape_come_back(again, name):
    artifact, loaded = again(FRAMES[name])
    assert artifact.format == "pandas.frame"
    pd.testing.assert_frame_equal(loaded, FRAMES[name], check_column_type=True)


def test_a_column_of_objects_is_a_pickle_and_the_others_are_not(store, again):
    numbers = np.arange(20_000)
    things = pd.Series([samples.Thing(number=place % 7) for place in range(20_000)], dtype=object)
    artifact, loaded = again(pd.DataFrame({"numbers": numbers, "things": things}))
    assert artifact.format == "pandas.frame"
    assert store.save(numbers).parts[0] in artifact.parts
    assert loaded["things"].iloc[8].number == 1


def test_attributes_and_flags_come_back_and_are_content(store, again):
    frame = pd.DataFrame({"a": [1]})
    marked = frame.copy()
    marked.attrs["source"] = {"name": "x", "rows": [1, 2]}
    strict = frame.set_flags(allows_duplicate_labels=False)
    assert again(marked)[1].attrs == marked.attrs
    assert again(strict)[1].flags.allows_duplicate_labels is False
    assert len({store.save(value).id for value in (frame, marked, strict)}) == 3


def test_a_subclass_comes_back_as_its_class(again):
    artifact, loaded = again(SubFrame({"a": np.arange(3)}))
    assert artifact.format == "pickle"
    assert loaded["a"].tolist() == [0, 1, 2]


class SubFrame(pd.DataFrame):
    @property
    def _constructor(self):
        return SubFrame


def test_a_wide_frame_that_was_loaded_takes_another_column_without_a_warning(store, recwarn):
    loaded = store.load(store.save(pd.DataFrame(np.zeros((3, 150)))))
    loaded["new"] = 1
    assert not recwarn.list


def test_a_loaded_frame_is_worked_on_like_any_other(store):
    frame = pd.DataFrame({"a": np.arange(100_000), "b": np.arange(100_000.0), "c": ["x", "y"] * 50_000})
    loaded = store.load(store.save(frame))
    loaded.loc[loaded["a"] > 5, "b"] = 0
    loaded["a"] += 1
    loaded = loaded.drop(columns="c").assign(d=1)
    assert loaded["b"].sum() == 15
    assert loaded["a"].iloc[-1] == 100_000
    loaded.insert(0, "first", 0)
    loaded = loaded.sort_values("a", ascending=False)
    assert loaded.iloc[0].tolist() == [0, 100_000, 0, 1]


def test_meta_is_enough_for_a_list_and_stays_small(store):
    meta = store.save(pd.DataFrame({"a": [1], "b": ["x"]})).meta
    assert meta == {"shape": [1, 2], "columns": [["a", "int64"], ["b", "str"]]}
    wide = store.save(
        pd.DataFrame(np.zeros((1, 500)), columns=["n" * 100 + str(place) for place in range(500)])
    )
    assert wide.meta["shape"] == [1, 500]
    assert len(msgspec.json.encode(wide.meta)) <= 1100
    assert store.save(pd.DataFrame({"a": [1]})).type == "pandas.DataFrame"


def test_scalars_come_back(again):
    for value in (
        pd.Timestamp("2020-01-01 01:02:03.123456789"),
        pd.Timestamp("2020", tz="Europe/Berlin"),
        pd.Timestamp("2020-10-25 01:30", tz="UTC").tz_convert("Europe/Berlin"),
        pd.Timestamp("2020").as_unit("s"),
        pd.Timedelta(5, "us"),
        pd.Period("2020", "Q"),
        pd.Interval(0, 1.5, "both"),
        pd.Interval(pd.Timestamp("2020"), pd.Timestamp("2021")),
    ):
        artifact, loaded = again(value)
        assert loaded == value
        assert artifact.format.startswith("pandas.")
        assert getattr(loaded, "unit", None) == getattr(value, "unit", None)
        assert getattr(loaded, "fold", None) == getattr(value, "fold", None)
    assert again(pd.NA)[1] is pd.NA
    assert again(pd.NaT)[1] is pd.NaT


def test_whether_pyarrow_is_installed_changes_no_id_of_numpys_dtypes(tmp_path):
    code = """
        import sys
        if sys.argv[2] == "without":
            sys.modules["pyarrow"] = None
        import numpy as np, pandas as pd
        from plait.data import ArtifactStore
        store = ArtifactStore(sys.argv[1])
        columns = {kind: np.arange(20_000).astype(kind) for kind in ("i8", "f4", "?", "M8[us]", "c16")}
        columns["object"] = pd.Series(["a", None, 3] * 6666 + [1, 2], dtype=object)
        columns["category"] = pd.Categorical([1, 2] * 10_000)
        columns["Int64"] = pd.array([1, None] * 10_000, dtype="Int64")
        columns["python"] = pd.array(["a", None] * 10_000, dtype="string[python]")
        for name, column in columns.items():
            artifact = store.save(pd.Series(column, name=name))
            store.load(artifact)
            print(name, artifact.id)
    """
    told = [
        subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code), str(tmp_path), which],
            capture_output=True, text=True, timeout=120, check=True,
        ).stdout
        for which in ("with", "without")
    ]  # fmt: skip
    assert told[0].count("\n") == 9
    assert told[0] == told[1]


def test_texts_are_the_same_bytes_in_either_storage(store):
    parts = {
        store.save(pd.array(["word", None] * 20_000, dtype=pd.StringDtype(kind, na_value=na))).parts
        for kind in ("python", "pyarrow")
        for na in (np.nan, pd.NA)
    }
    assert len(parts) == 1
