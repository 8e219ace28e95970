import numpy as np
import pytest

from plait.data.serializers.numpy import dtype_of, dtype_state

from . import samples

RECORD = np.dtype([("a", "i1"), ("b", "f8", (2, 2)), ("c", [("d", "M8[s]"), ("e", "U3")])])
DTYPES = [
    *"?bBhHiIlLefdgFDG", ">i4", ">f8", ">c16", "S3", ">U4", "V5", "M8[D]", "M8[25us]", "m8[ns]", "S0", "U0",
    RECORD, np.dtype(RECORD, align=True), np.dtype({"names": ["x"], "formats": ["i4"], "offsets": [4],
    "itemsize": 12}), np.dtype([(("a title", "a"), "i4")]),
]  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_every_dtype_comes_back_as_it_was(again, dtype):
    dtype = np.dtype(dtype)
    assert dtype_of(dtype_state(dtype)) == dtype
    assert dtype_of(dtype_state(dtype)).isalignedstruct == dtype.isalignedstruct
    array = np.zeros((2, 3), dtype)
    if dtype.kind not in "VSUM" and dtype.names is None:
        array += np.arange(3).astype(dtype)
    for value in (array, array[:0], array[:, ::2], array[0, 0, ...], array[::-1].T):
        artifact, loaded = again(value)
        assert artifact.format == "numpy.array"
        assert loaded.dtype == value.dtype
        np.testing.assert_array_equal(loaded, value)
        assert loaded.flags.writeable
    again(dtype)


@pytest.mark.parametrize("dtype", [item for item in DTYPES if item not in ("S0", "U0")], ids=str)
def test_every_scalar_comes_back_as_it_was(again, dtype):
    scalar = (
        np.ones(1, dtype if dtype != "V5" else "V5")[0]
        if np.dtype(dtype).kind != "V"
        else np.zeros(1, dtype)[0]
    )
    artifact, loaded = again(scalar)
    assert artifact.format == "numpy.scalar"
    assert loaded.dtype == scalar.dtype
    assert loaded == scalar


def test_objects_in_an_array_come_back_one_by_one(again):
    array = np.empty((2, 2), dtype=object)
    array[0, 0], array[0, 1], array[1, 0], array[1, 1] = [1, 2], None, samples.Color.RED, np.arange(3)
    _, loaded = again(array)
    assert loaded[0, 0] == [1, 2]
    assert loaded[1, 0] is samples.Color.RED
    assert (loaded[1, 1] == np.arange(3)).all()
    again(np.array([], dtype=object))
    again(np.array(None, dtype=object))


def test_texts_of_any_length(again):
    if not hasattr(np.dtypes, "StringDType"):
        pytest.skip("NumPy 2")
    for dtype in (
        np.dtypes.StringDType(),
        np.dtypes.StringDType(na_object=None),
        np.dtypes.StringDType(coerce=False),
    ):
        _, loaded = again(np.array(["a", "é" * 50, ""], dtype=dtype))
        assert loaded.dtype == dtype
        assert loaded.tolist() == ["a", "é" * 50, ""]


def test_masks(again):
    values = np.ma.array([1.0, 2.0, 3.0], mask=[False, True, False], fill_value=7)
    _, loaded = again(values)
    assert loaded.mask.tolist() == [False, True, False]
    assert loaded.fill_value == 7
    assert loaded.data.tolist() == [1, 2, 3]
    _, loaded = again(np.ma.array([1, 2]))
    assert loaded.mask is np.ma.nomask
    again(np.ma.array(np.zeros(2, [("a", "i4"), ("b", "f8")]), mask=[(True, False), (False, False)]))


def test_an_array_mapped_from_a_file_loads_as_an_array_of_its_own(store, tmp_path):
    mapped = np.memmap(tmp_path / "data", dtype="f8", mode="w+", shape=(3, 4))
    mapped[:] = 5
    artifact = store.save(mapped)
    assert artifact.id == store.save(np.full((3, 4), 5.0)).id
    assert type(store.load(artifact)) is np.ndarray


def test_record_arrays_and_matrices_come_back_as_such(again):
    _, loaded = again(np.rec.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]))
    assert loaded.a.tolist() == [1]
    again(np.zeros((1, 2)).view(np.matrix))


def test_a_subclass_comes_back_as_its_class(again):
    artifact, loaded = again(np.arange(3).view(Sub))
    assert artifact.format == "pickle"
    assert loaded.tolist() == [0, 1, 2]


class Sub(np.ndarray):
    pass


def test_meta_says_shape_and_dtype(store):
    assert store.save(np.zeros((2, 3))).meta == {"shape": [2, 3], "dtype": "float64"}
    assert store.save(np.zeros((2, 3))).type == "numpy.ndarray"
