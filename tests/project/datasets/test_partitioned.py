"""Many files behind one name: lazy, safe, and only the new ones for those who ask."""

import pickle

import pandas as pd
import pytest

from plait.errors import CatalogError
from plait.project.catalog import Catalog

PARTS = {"type": "partitioned", "path": "parts", "dataset": {"type": "csv"}, "filename_suffix": ".csv"}


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


def catalog(root, entry, **more):
    return Catalog({"it": entry}, root=root, **more)


def frame(n):
    return pd.DataFrame({"n": [n]})


def test_parts_are_loaded_only_when_called(tmp_path):
    found = catalog(tmp_path, PARTS)
    found.save("it", {"b": frame(2), "a": frame(1), "deep/c": frame(3)})
    parts = found.load("it")
    assert list(parts) == ["a", "b", "deep/c"]
    (tmp_path / "parts" / "a.csv").write_text("n\n9\n")
    assert parts["a"]()["n"].tolist() == [9]


def test_the_list_form_is_the_elements(tmp_path):
    found = catalog(tmp_path, PARTS)
    found.save("it", {"a": frame(1), "b": frame(2)})
    elements = found.load("it", list)
    assert [part.key for part in elements] == ["a", "b"]
    assert pickle.loads(pickle.dumps(elements[1])).load()["n"].tolist() == [2]
    dataset = found.dataset("it")
    assert dataset.parts() == ["a", "b"]
    assert dataset.part("b").load()["n"].tolist() == [2]
    assert dataset.part("a").fingerprint() != dataset.part("b").fingerprint()
    assert isinstance(catalog(tmp_path, {**PARTS, "as": "list"}).load("it"), list)


def test_a_save_adds_and_replaces_parts_or_replaces_all(tmp_path):
    found = catalog(tmp_path, PARTS)
    found.save("it", {"a": frame(1), "b": frame(2)})
    untouched = (tmp_path / "parts" / "a.csv").stat().st_ino
    found.save("it", {"b": frame(3), "c": lambda: frame(4)})
    assert {key: part()["n"][0] for key, part in found.load("it").items()} == {"a": 1, "b": 3, "c": 4}
    assert (tmp_path / "parts" / "a.csv").stat().st_ino == untouched
    catalog(tmp_path, {**PARTS, "overwrite": True}).save("it", {"z": frame(5)})
    assert list(found.load("it")) == ["z"]


def test_a_part_that_cannot_be_saved_leaves_all_parts_as_they_were(tmp_path):
    found = catalog(tmp_path, PARTS)
    found.save("it", {"a": frame(1), "b": frame(2)})
    with pytest.raises(CatalogError):
        found.save("it", {"a": frame(9), "b": object()})
    assert {key: part()["n"][0] for key, part in found.load("it").items()} == {"a": 1, "b": 2}
    assert names(tmp_path) == ["parts"]


@pytest.mark.parametrize("key", ["../x", "/x", "a/../../x", "", "a//b", "s3://x"])
def test_a_part_cannot_lie_outside_the_folder(tmp_path, key):
    found = catalog(tmp_path, PARTS)
    with pytest.raises(CatalogError, match="lead out"):
        found.save("it", {key: frame(1)})
    with pytest.raises(CatalogError, match="lead out"):
        found.dataset("it").part(key)


def test_ten_thousand_parts_cost_nothing_until_they_are_loaded(tmp_path):
    import time

    (tmp_path / "parts").mkdir()
    for number in range(10_000):
        (tmp_path / "parts" / f"{number}.csv").touch()
    found = catalog(tmp_path, PARTS)
    started = time.process_time()
    assert len(found.load("it")) == 10_000
    assert time.process_time() - started < 2


def test_no_parts_and_no_folder_are_told(tmp_path):
    found = catalog(tmp_path, PARTS)
    with pytest.raises(CatalogError, match="does not exist"):
        found.load("it")
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "a.txt").write_text("x")
    with pytest.raises(CatalogError, match="no parts") as caught:
        found.load("it")
    assert "filename_suffix" in caught.value.hint


def test_parts_may_be_of_any_type_and_kedro_reads_the_same_folder(tmp_path):
    pytest.importorskip("kedro_datasets")
    ours = catalog(tmp_path, {**PARTS, "dataset": "pandas.CSVDataset"})
    theirs = catalog(
        tmp_path, {**PARTS, "type": "partitions.PartitionedDataset", "dataset": "pandas.CSVDataset"}
    )
    ours.save("it", {"a": frame(1)})
    theirs.save("it", {"b": frame(2)})
    assert {key: part()["n"][0] for key, part in ours.load("it").items()} == {"a": 1, "b": 2}
    assert {key: part()["n"][0] for key, part in theirs.load("it").items()} == {"a": 1, "b": 2}
    assert theirs.fingerprint("it") is not None


def test_the_fingerprint_is_of_all_parts(tmp_path):
    found = catalog(tmp_path, PARTS)
    found.save("it", {"a": frame(1), "b": frame(2)})
    before = found.fingerprint("it")
    (tmp_path / "parts" / "b.csv").rename(tmp_path / "parts" / "c.csv")
    assert found.fingerprint("it") != before
    (tmp_path / "parts" / "c.csv").rename(tmp_path / "parts" / "b.csv")
    assert found.fingerprint("it") == before


def test_incremental_gives_what_came_since_it_was_confirmed_and_skips_nothing(tmp_path):
    entry = {**PARTS, "type": "incremental"}
    writer = catalog(tmp_path, PARTS)
    writer.save("it", {"2013-01": frame(1), "2013-02": frame(2)})
    found = catalog(tmp_path, entry)
    assert list(found.load("it")) == ["2013-01", "2013-02"]
    writer.save("it", {"2013-03": frame(3)})
    found.confirm("it")
    assert (tmp_path / "parts" / "CHECKPOINT").read_text() == "2013-02"
    again = catalog(tmp_path, entry)
    assert {key: value["n"][0] for key, value in again.load("it").items()} == {"2013-03": 3}
    again.confirm("it")
    assert catalog(tmp_path, entry).load("it") == {}
    assert list(catalog(tmp_path, {**entry, "checkpoint": {"force_checkpoint": ""}}).load("it")) == [
        "2013-01",
        "2013-02",
        "2013-03",
    ]
    assert list(catalog(tmp_path, {**entry, "checkpoint": "2013-01"}).load("it")) == ["2013-02", "2013-03"]


def test_a_checkpoint_of_kedro_is_ours_and_the_other_way_round(tmp_path):
    pytest.importorskip("kedro_datasets")
    writer = catalog(tmp_path, PARTS)
    ours = {**PARTS, "type": "incremental"}
    theirs = {**PARTS, "type": "partitions.IncrementalDataset", "dataset": "pandas.CSVDataset"}
    writer.save("it", {"a": frame(1)})
    one = catalog(tmp_path, ours)
    one.load("it")
    one.confirm("it")
    assert catalog(tmp_path, theirs).load("it") == {}
    writer.save("it", {"b": frame(2)})
    two = catalog(tmp_path, theirs)
    assert list(two.load("it")) == ["b"]
    two.confirm("it")
    assert catalog(tmp_path, ours).load("it") == {}


@pytest.mark.parametrize("type_", ["incremental", "partitions.IncrementalDataset"])
def test_conf_cannot_run_anything_as_a_comparison(tmp_path, type_):
    catalog(tmp_path, PARTS).save("it", {"a": frame(1)})
    entry = {
        **PARTS,
        "type": type_,
        "dataset": "pandas.CSVDataset",
        "checkpoint": {"comparison_func": "subprocess.call"},
    }
    with pytest.raises(CatalogError):
        catalog(tmp_path, entry).load("it")


def test_a_whole_folder_of_parts_has_versions(tmp_path):
    found = catalog(tmp_path, {**PARTS, "versioned": True})
    first = found.save("it", {"a": frame(1)}).version
    found.save("it", {"b": frame(2)})
    assert list(found.load("it")) == ["b"]
    pinned = catalog(tmp_path, {**PARTS, "versioned": True}, load_versions={"it": first})
    assert list(pinned.load("it")) == ["a"]
