"""A fingerprint changes when the data does, and files that did not change are not read again."""

import os
import time

import pytest

from plait.project.datasets.fingerprints import Memo, hash_local, remote_fingerprint


def count_reads(monkeypatch):
    from plait.project.datasets import fingerprints

    reads = []
    real = fingerprints.hash_file
    monkeypatch.setattr(fingerprints, "hash_file", lambda path: reads.append(path.name) or real(path))
    monkeypatch.setattr(fingerprints, "_SETTLED_NS", -1)
    return reads


@pytest.mark.parametrize("stored", [True, False])
def test_a_file_is_read_once_until_it_changes(tmp_path, monkeypatch, stored):
    reads = count_reads(monkeypatch)
    memo = Memo(tmp_path / "memo" / "m.sqlite" if stored else None)
    file = tmp_path / "a"
    file.write_text("one")
    first = memo.content(file)
    assert memo.content(file) == first
    assert len(reads) == 1
    if stored:
        assert Memo(memo.path).content(file) == first
        assert len(reads) == 1
    file.write_text("two")
    assert memo.content(file) != first
    assert len(reads) == 2


def test_a_change_that_keeps_size_and_modification_time_is_seen(tmp_path, monkeypatch):
    count_reads(monkeypatch)
    memo = Memo(tmp_path / "m.sqlite")
    file = tmp_path / "a"
    file.write_text("one")
    stat = file.stat()
    first = memo.content(file)
    file.write_text("two")
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert memo.content(file) != first


def test_a_file_that_was_just_written_is_not_remembered(tmp_path):
    memo = Memo(tmp_path / "m.sqlite")
    file = tmp_path / "a"
    file.write_text("one")
    memo.content(file)
    assert not memo.path.exists()


def test_a_memo_that_cannot_be_read_is_done_without(tmp_path, monkeypatch):
    count_reads(monkeypatch)
    (tmp_path / "m.sqlite").write_text("this is no database" * 100)
    file = tmp_path / "a"
    file.write_text("one")
    assert Memo(tmp_path / "m.sqlite").content(file) == Memo().content(file)


def test_a_folder_is_its_files_and_their_names(tmp_path):
    (tmp_path / "d" / "deep").mkdir(parents=True)
    (tmp_path / "d" / "a").write_text("1")
    (tmp_path / "d" / "deep" / "b").write_text("2")
    first = hash_local(tmp_path / "d")
    (tmp_path / "d" / ".x.abc.saving").mkdir()
    (tmp_path / "d" / ".x.abc.saving" / "half").write_text("…")
    assert hash_local(tmp_path / "d") == first
    (tmp_path / "d" / "deep" / "b").rename(tmp_path / "d" / "b")
    assert hash_local(tmp_path / "d") != first
    assert hash_local(tmp_path / "nothing") is None


@pytest.mark.parametrize(
    ("info", "known"),
    [
        ({"ETag": '"abc"', "size": 3}, True),
        ({"generation": 7, "size": 3}, True),
        ({"mtime": time.time(), "size": 3}, True),
        ({"mtime": 5}, False),
        ({"size": 3}, False),
        ({}, False),
    ],
)
def test_what_a_store_says_of_an_object_is_taken_only_when_it_says_enough(info, known):
    assert (remote_fingerprint(info) is not None) == known
