"""Equal values, equal ids; different values, different ids."""

import datetime as dt
import decimal
import math
import os
import subprocess
import sys
import textwrap
import uuid
import zoneinfo
from collections import Counter, OrderedDict, deque
from fractions import Fraction
from itertools import combinations
from pathlib import PurePosixPath

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plait.data import ArtifactStore

from . import samples

ATOMS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=-(2**70), max_value=2**70),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=()), max_size=8),
    st.binary(max_size=8),
)
LEAVES = ATOMS | st.one_of(
    st.complex_numbers(allow_nan=False),
    st.datetimes(timezones=st.none() | st.timezones()),
    st.dates(),
    st.times(),
    st.timedeltas(),
    st.decimals(allow_nan=False),
    st.fractions(),
    st.uuids(),
    st.sampled_from([..., samples.Color.RED, samples.Level.LOW, range(3), PurePosixPath("a/b")]),
)
KEYS = st.one_of(ATOMS, st.tuples(ATOMS, ATOMS), st.frozensets(ATOMS, max_size=3))
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(KEYS, inner, max_size=4),
        st.sets(KEYS, max_size=4),
        st.frozensets(KEYS, max_size=4),
        st.builds(samples.Point, inner, inner),
        st.builds(samples.Config, st.text(max_size=3), inner),
        st.builds(deque, st.lists(inner, max_size=3)),
        st.builds(bytearray, st.binary(max_size=4)),
    ),
    max_leaves=12,
)
RELAXED = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150
)


def said(value):
    """What a value is, to the last bit and the last type: two values are the same if this is."""
    kind = type(value).__name__
    if isinstance(value, float):
        return kind, math.copysign(1, value), value.hex()
    if isinstance(value, complex):
        return kind, said(value.real), said(value.imag)
    if isinstance(value, dict):
        return kind, [(said(key), said(held)) for key, held in value.items()]
    if isinstance(value, (set, frozenset)):
        return kind, sorted(map(repr, map(said, value)))
    if isinstance(value, (list, tuple, deque)):
        return kind, [said(item) for item in value]
    if isinstance(value, samples.Config):
        return kind, said(vars(value))
    if isinstance(value, dt.datetime):
        return kind, value.replace(tzinfo=None).isoformat(), value.fold, str(value.tzinfo)
    return kind, repr(value)


@RELAXED
@given(VALUES)
def test_a_value_loads_as_it_was_and_keeps_its_id(store, value):
    artifact = store.save(value)
    loaded = store.load(artifact)
    assert said(loaded) == said(value)
    assert store.save(loaded).id == artifact.id


@RELAXED
@given(VALUES, VALUES)
def test_ids_are_equal_exactly_when_the_values_are(store, one, other):
    assert (store.save(one).id == store.save(other).id) == (said(one) == said(other))


@RELAXED
@given(st.lists(KEYS, max_size=6), st.randoms())
def test_the_order_in_which_a_set_was_filled_is_no_content(store, items, random):
    one = set(items)
    kept = list(one)
    random.shuffle(kept)
    other = set(range(1000))
    other.clear()
    other.update(kept)
    assert store.save(one).id == store.save(other).id


DIFFERENT = [
    None, False, True, 0, 1, -1, 0.0, -0.0, 1.0, float("inf"), 1 + 0j, "1", b"1", bytearray(b"1"), "", b"",
    2**63, -(2**63), 2**64, 2**80, [], (), {}, set(), frozenset(), [1], (1,), {1}, frozenset({1}), [1.0],
    [True], ["1"], [None], [[]], [[1]], [(1,)], {1: 2}, {True: 2}, {1.0: 2}, {"1": 2}, {b"1": 2}, {1: 2.0},
    {(1,): 2}, {"a": 1, "b": 2}, {"b": 2, "a": 1}, {None: 1}, OrderedDict(), Counter(), deque(),
    deque(maxlen=3), deque([1]), range(3), range(0, 3, 2), slice(3), ..., NotImplemented, dt.date(2020, 1,
    1), dt.datetime(2020, 1, 1), dt.datetime(2020, 1, 1, tzinfo=dt.UTC), dt.time(1), dt.time(1, fold=1),
    dt.datetime(2020, 1, 1, tzinfo=zoneinfo.ZoneInfo("UTC")), dt.datetime(2020, 1, 1,
    tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")), dt.datetime(2020, 10, 25, 2,
    tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")), dt.datetime(2020, 10, 25, 2, fold=1,
    tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")), dt.timedelta(1), dt.UTC, decimal.Decimal(1),
    decimal.Decimal("1.0"), decimal.Decimal("-0"), Fraction(1), uuid.UUID(int=1), PurePosixPath("1"),
    samples.Color.RED, samples.Level.LOW, samples.Right.READ, samples.Right.READ | samples.Right.WRITE,
    samples.Point(1), (1, None), samples.Pair(1, None), samples.Config("a"), samples.MyDict(),
    samples.MyInt(1), samples.MyList(), "\ud800", "\udfff", "é", "e\u0301", np.int64(1), np.int32(1),
    np.float64(1), np.bool_(True), np.str_("1"), np.bytes_(b"1"), np.datetime64("2020-01-01"),
    np.datetime64("2020-01-01", "s"), np.array(1), np.array([1]), np.array([[1]]), np.array([1.0]),
    np.array([1], dtype=">i8"), np.array([1], dtype="u8"), np.array([], dtype="i8"), np.array([],
    dtype="f8"), np.zeros((0, 3)), np.zeros((3, 0)), np.array(["1"]), np.array([1], dtype=object),
    np.array(["1"], dtype=object), np.array([0.0]), np.array([-0.0]), np.ma.array([1]), np.ma.array([1],
    mask=[True]), np.dtype("i8"), np.arange(6).reshape(2, 3), np.arange(6).reshape(3, 2), np.arange(6),
    pd.Series([1]), pd.Series([1], name="a"), pd.Series([1], index=[1]), pd.Series([1],
    index=pd.Index([0])), pd.Series([1.0]), pd.Series([1], dtype="Int64"), pd.Series([True]),
    pd.Series(["1"]), pd.Series(["1"], dtype=object), pd.Index([1]), pd.RangeIndex(1), pd.Series(["1"],
    dtype="category"), pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]}), pd.DataFrame({"a": [1], "b":
    [2]}), pd.DataFrame({"b": [2], "a": [1]}), pd.DataFrame(), pd.DataFrame({"a": []}),
    pd.DataFrame(index=[1]), pd.Timestamp("2020"), pd.Timestamp("2020", tz="UTC"), pd.NaT, pd.NA,
    pd.Timedelta(1), pd.Period("2020"), pd.Period("2020", "M"), pd.Interval(0, 1), pd.Interval(0, 1,
    "both"), int, len, samples.Thing(), samples.Thing(a=1), samples.Thing(a=1.0), samples.Thing(a="1"),
]  # fmt: skip


def test_values_that_a_step_can_tell_apart_have_different_ids(store):
    ids = [(store.save(value).id, store.save([value]).id) for value in DIFFERENT]
    for one, other in combinations(range(len(DIFFERENT)), 2):
        assert ids[one][0] != ids[other][0], (DIFFERENT[one], DIFFERENT[other])
        assert ids[one][1] != ids[other][1], (DIFFERENT[one], DIFFERENT[other])


SCRIPT = """
    import sys, warnings
    warnings.simplefilter("ignore")
    import numpy as np, pandas as pd, datetime as dt
    from plait.data import ArtifactStore

    class Local:
        limit = 3
        def __init__(self, **held):
            self.__dict__.update(held)
        def total(self):
            return {"a", "b", "c", str(self.limit)}

    def text(*pieces):
        return "".join(pieces)

    store = ArtifactStore(sys.argv[1])
    words = [text("wo", "rd", str(number % 7)) for number in range(50)]
    rng = np.random.default_rng(0)
    rows = rng.random((200, 4))
    frame = pd.DataFrame(rows, columns=list("abcd")).assign(word=(words * 4))
    shared = text("sha", "red") if len(sys.argv) > 2 else "shared"
    values = [
        set(words), frozenset([*words, 1, None, (1, "a")]), {"set": {1.5, "x", None}},
        frame, frame.groupby("word").sum(),
        Local(one=shared, other=text("sha", "red"), words=set(words), table=frame, day=dt.date(2020, 1, 1)),
        Local, Local().total, lambda number: {"p", "q", "r"} | {number}, {Local: 1},
        [Local(a=1), {"b": Local(a=(1, "x"))}],
        slice(1, 2), Exception("x", {"s", "t"}), range(3), {"k": {frozenset({"a", "b"}), frozenset({"c"})}},
    ]
    try:
        from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingRegressor
        from sklearn.ensemble import RandomForestClassifier
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
        target = rows[:, 0] > 0.5
        values += [
            make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, target),
            RandomForestClassifier(5, random_state=0).fit(rows, target),
            GradientBoostingRegressor(n_estimators=5, random_state=0).fit(rows, rows[:, 1]),
            HistGradientBoostingRegressor(max_iter=5, random_state=0).fit(rows, rows[:, 1]),
            TfidfVectorizer().fit(words), TfidfVectorizer().fit_transform(words),
        ]
    except ImportError:
        pass
    for value in values:
        print(store.save(value).id, type(value).__name__)
"""


def test_ids_are_the_same_in_every_process_whatever_the_hash_seed(tmp_path):
    told = []
    for seed, extra in (("0", []), ("1", ["x"]), ("12345", [])):
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(SCRIPT), str(tmp_path / "store"), *extra],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            timeout=300,
            check=True,
        )
        told.append(done.stdout.splitlines())
    assert len(told[0]) >= 15
    assert told[0] == told[1]
    assert told[0] == told[2]


def test_interning_and_sharing_of_what_is_immutable_is_no_content(store):
    def fresh(text):
        return "".join(list(text))

    day = dt.date(2020, 1, 1)
    pair = (1, "two")
    one = samples.Thing(a="same text", b="same text", c=day, d=day, e=pair, f=pair, g=b"xy", h=np.dtype("f8"))
    other = samples.Thing(
        a=fresh("same text"), b=fresh("same text"), c=dt.date(2020, 1, 1), d=dt.date(2020, 1, 1),
        e=(1, fresh("two")), f=(1, fresh("two")), g=bytes(bytearray(b"xy")), h=np.dtype([("a", "f8")])["a"],
    )  # fmt: skip
    assert store.save(one).id == store.save(other).id
    assert store.save([one, other]).id == store.save([other, one]).id


def test_how_an_array_lies_in_memory_is_no_content(store):
    array = np.arange(24.0).reshape(4, 6)
    wide = np.zeros((4, 12))
    wide[:, ::2] = array
    kept = array.copy()
    kept.flags.writeable = False
    same = {
        store.save(value).id
        for value in (array, np.asfortranarray(array), wide[:, ::2], kept, array.T.copy().T)
    }
    assert len(same) == 1
    frames = {
        store.save(pd.DataFrame(value)).id for value in (array, np.asfortranarray(array), wide[:, ::2], kept)
    }
    assert len(frames) == 1
    inside = {
        store.save(samples.Thing(a=value)).id
        for value in (array, np.asfortranarray(array), wide[:, ::2], kept)
    }
    assert len(inside) == 1


def test_what_lies_in_the_padding_of_a_record_is_no_content(store):
    dtype = np.dtype([("a", "i1"), ("b", "f8"), ("c", [("d", "i2"), ("e", "f8")])], align=True)
    one, other = np.zeros(3, dtype), np.frombuffer(bytearray(b"\xff" * dtype.itemsize * 3), dtype)
    for array in (one, other):
        array["a"], array["b"], array["c"]["d"], array["c"]["e"] = 1, 2.0, 3, 4.0
    assert one.tobytes() != other.tobytes()
    assert store.save(one).id == store.save(other).id
    assert store.save(samples.Thing(a=one)).id == store.save(samples.Thing(a=other)).id


def test_what_lies_under_the_mask_of_a_nullable_column_is_no_content(store):
    one = pd.array([1, None, 3], dtype="Int64")
    other = pd.array([1, 99, 3], dtype="Int64")
    other[1] = pd.NA
    assert store.save(pd.Series(one)).id == store.save(pd.Series(other)).id


def test_a_columns_id_is_the_same_however_the_frame_came_about(store):
    frame = pd.DataFrame({"a": np.arange(5), "b": np.arange(5.0), "c": list("abcde")})
    grown = pd.DataFrame({"a": np.arange(5)})
    grown["b"] = np.arange(5.0)
    grown["c"] = list("abcde")
    cut = pd.concat([frame, frame]).iloc[:5]
    joined = pd.concat([frame[:2], frame[2:]])
    joined.index = pd.RangeIndex(5)
    cut.index = pd.RangeIndex(5)
    assert len({store.save(value).id for value in (frame, grown, cut, joined, frame.copy())}) == 1


@pytest.mark.parametrize("kind", ["python", "pyarrow"])
def test_texts_cut_from_a_longer_column_have_the_id_of_those_typed_in(store, kind):
    long = pd.Series(["zero", "one", None, "drei", "four"], dtype=pd.StringDtype(kind, na_value=np.nan))
    short = pd.Series(["one", None, "drei"], dtype=long.dtype)
    assert store.save(long[1:4].reset_index(drop=True)).id == store.save(short).id


def test_reading_ids_needs_no_store(tmp_path):
    one, other = ArtifactStore(tmp_path / "a"), ArtifactStore(tmp_path / "b")
    for value in (1, [1, 2], {"a": np.arange(50_000)}, "x" * 100_000):
        assert one.save(value) == other.save(value)
