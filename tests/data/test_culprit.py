import socket
import threading

import numpy as np
import pandas as pd
import pytest

from plait.errors import DataError

from . import samples


def refused(store, value, name="result"):
    with pytest.raises(DataError) as caught:
        store.save(value, name)
    assert caught.value.hint
    return str(caught.value)


def test_the_path_to_what_cannot_be_stored_is_told(store):
    said = refused(store, {"table": pd.DataFrame(), "model": [1, samples.Guarded()]})
    assert "result['model'][1].lock is a _thread.lock, which cannot be stored" in said
    assert "__getstate__" in said


def test_the_name_of_the_output_is_where_the_path_begins(store):
    assert "train.lock is" in refused(store, samples.Guarded(), "train")


def test_generators_files_sockets_and_locks_are_refused_with_advice(store, tmp_path):
    assert "make it a list" in refused(store, (number for number in range(3)))
    with (tmp_path / "file").open("w") as file:
        said = refused(store, [file])
        assert "result[0] is a" in said
        assert "return the file's content, or its path" in said
    with socket.socket() as connection:
        assert "result['s'] is a socket.socket" in refused(store, {"s": connection})
    assert "create it where it is used" in refused(store, threading.RLock())


def test_a_culprit_in_a_closure_a_key_a_cell_or_an_array_is_found(store):
    lock = threading.Lock()
    assert "result → lock is a _thread.lock" in refused(store, lambda: lock)
    assert "is a _thread.lock" in refused(store, {(1, lock): 2})
    assert "result['a'].iloc[1] is a _thread.lock" in refused(store, pd.DataFrame({"a": [1, lock]}))
    assert "result[1] is a _thread.lock" in refused(store, np.array([1, lock], dtype=object))
    assert "result.table.inner is a _thread.lock" in refused(
        store, samples.Config("a", samples.Thing(fine=1, inner=lock))
    )


def test_a_class_whose_own_pickling_fails_is_quoted(store):
    said = refused(store, [Stubborn()])
    assert "result[0] is a" in said
    assert "not today" in said


class Stubborn:
    def __reduce__(self):
        raise ValueError("not today")


def test_a_long_search_ends(store):
    value = [samples.Thing(number=number) for number in range(3000)] + [threading.Lock()]
    assert "cannot be stored" in refused(store, value)
