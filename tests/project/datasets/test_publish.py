"""What is saved appears whole or not at all."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from typing import ClassVar

import pytest

from plait.errors import CatalogError
from plait.project.catalog import Catalog
from plait.project.datasets import publish
from plait.project.datasets.storage import place_of


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


def file_place(root, name="it.txt"):
    return place_of(name, root=root, dataset="it")


def test_a_crash_in_the_middle_of_writing_leaves_the_old_file_and_nothing_readable(tmp_path):
    (tmp_path / "it.txt").write_text("old")

    def write(path):
        path.write_text("half")
        raise RuntimeError("disk gone")

    with pytest.raises(RuntimeError):
        publish.publish(file_place(tmp_path), write)
    assert (tmp_path / "it.txt").read_text() == "old"
    assert names(tmp_path) == ["it.txt"]


SAVER = """
import sys, os
from pathlib import Path
sys.path[:0] = {path!r}
from plait.project.catalog import Catalog

class Slow:
    def __getstate__(self):
        print("halfway", flush=True)
        sys.stdin.readline()
        return {{}}

def text():
    return [b"x" * 5_000_000, Slow()]

catalog = Catalog({entries!r}, root=Path({root!r}))
catalog.save("it", {value})
"""


@pytest.mark.parametrize(
    ("type_", "versioned"),
    [
        ("pickle", False),
        ("pickle", True),
        ("pickle.PickleDataset", False),
        ("pickle.PickleDataset", True),
        ("partitioned", False),
        ("partitioned", True),
        ("partitions.PartitionedDataset", False),
    ],
)
def test_kill_9_in_the_middle_of_a_save_leaves_the_old_version_readable(tmp_path, type_, versioned):
    in_parts = type_.startswith("partition")
    if in_parts:
        part = "pickle" if type_ == "partitioned" else "pickle.PickleDataset"
        entry = {"type": type_, "path": "it", "dataset": part, "overwrite": True, "versioned": versioned}
        old, value = {"a": 1, "b": 2}, "{'a': 7, 'b': text()}"
    else:
        entry = {"type": type_, "filepath": "it.pkl", "versioned": versioned}
        old, value = [1, 2], "text()"
    catalog = Catalog({"it": entry}, root=tmp_path)
    catalog.save("it", old)
    program = textwrap.dedent(SAVER).format(
        path=[p for p in sys.path if p], entries={"it": entry}, root=str(tmp_path), value=value
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "halfway\n"
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    process.stdin.close()
    process.stdout.close()
    fresh = Catalog({"it": entry}, root=tmp_path)
    loaded = fresh.load("it")
    assert ({key: part() for key, part in loaded.items()} if in_parts else loaded) == old
    assert len(fresh.versions("it")) == (1 if versioned else 0)
    fresh.save("it", old)
    assert fresh.exists("it")


def test_the_name_of_a_folder_never_leads_nowhere_while_it_is_replaced(tmp_path):
    catalog = Catalog({"it": {"type": "directory", "path": "it"}}, root=tmp_path)
    files = [f"{i}.txt" for i in range(20)]
    catalog.save("it", dict.fromkeys(files, "0"))
    stop = threading.Event()
    seen = []

    def read():
        while not stop.is_set():
            try:
                folder = os.open(tmp_path / "it", os.O_RDONLY)
            except FileNotFoundError:
                seen.append(None)
                continue
            seen.append(folder)
            os.close(folder)

    thread = threading.Thread(target=read)
    thread.start()
    for turn in range(10):
        catalog.save("it", dict.fromkeys(files, str(turn)))
    stop.set()
    thread.join()
    assert len(seen) > 10
    assert None not in seen


def test_a_folder_whose_swap_was_cut_between_two_renames_comes_back(tmp_path):
    catalog = Catalog({"it": {"type": "directory", "path": "it"}}, root=tmp_path)
    catalog.save("it", {"a.txt": "old"})
    (tmp_path / "it").rename(tmp_path / ".it.replaced")
    assert (catalog.load("it") / "a.txt").read_text() == "old"


def test_folders_are_swapped_where_the_system_has_no_exchange(tmp_path, monkeypatch):
    monkeypatch.setattr(publish, "_exchange", lambda one, other: False)
    catalog = Catalog({"it": {"type": "directory", "path": "it"}}, root=tmp_path)
    catalog.save("it", {"a.txt": "old"})
    catalog.save("it", {"b.txt": "new"})
    assert names(tmp_path) == ["it"]
    assert names(tmp_path / "it") == ["b.txt"]


def test_a_symbolic_link_stays_and_its_file_is_replaced(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "disk" / "real.txt").write_text("old")
    (tmp_path / "it.txt").symlink_to(tmp_path / "disk" / "real.txt")
    publish.publish(file_place(tmp_path), lambda path: path.write_text("new"))
    assert (tmp_path / "it.txt").is_symlink()
    assert (tmp_path / "disk" / "real.txt").read_text() == "new"


def test_the_mode_of_a_replaced_file_is_kept(tmp_path):
    (tmp_path / "it.txt").write_text("old")
    (tmp_path / "it.txt").chmod(0o640)
    publish.publish(file_place(tmp_path), lambda path: path.write_text("new"))
    assert (tmp_path / "it.txt").stat().st_mode & 0o777 == 0o640


def test_companion_files_go_along(tmp_path):
    def write(path):
        path.write_text("shapes")
        path.with_suffix(".idx").write_text("index")

    publish.publish(file_place(tmp_path, "map.shp"), write)
    assert names(tmp_path) == ["map.idx", "map.shp"]


def test_a_writer_that_writes_nothing_is_told_so(tmp_path):
    with pytest.raises(CatalogError, match="wrote nothing"):
        publish.publish(file_place(tmp_path), lambda path: None)


def test_what_a_killed_save_left_is_swept_after_a_day_and_not_before(tmp_path):
    stale, fresh = tmp_path / ".it.txt.aa.saving", tmp_path / ".it.txt.bb.saving"
    stale.mkdir()
    fresh.mkdir()
    day = time.time() - 25 * 3600
    os.utime(stale, (day, day))
    publish.publish(file_place(tmp_path), lambda path: path.write_text("x"))
    assert names(tmp_path) == [".it.txt.bb.saving", "it.txt"]


def test_a_file_where_a_folder_of_versions_should_be_is_explained(tmp_path):
    (tmp_path / "it.txt").write_text("old")
    catalog = Catalog({"it": {"type": "text", "filepath": "it.txt", "versioned": True}}, root=tmp_path)
    for work in (lambda: catalog.save("it", "new"), lambda: catalog.load("it")):
        with pytest.raises(CatalogError) as caught:
            work()
        assert "plain file" in caught.value.hint
    assert (tmp_path / "it.txt").read_text() == "old"


def test_a_folder_of_versions_is_not_replaced_by_a_file(tmp_path):
    Catalog({"it": {"type": "text", "filepath": "it.txt", "versioned": True}}, root=tmp_path).save(
        "it", "old"
    )
    with pytest.raises(CatalogError, match="folder of that name") as caught:
        Catalog({"it": {"type": "text", "filepath": "it.txt"}}, root=tmp_path).save("it", "new")
    assert "versioned: true" in caught.value.hint


def test_a_store_that_is_no_object_store_gets_a_temporary_name_first(tmp_path):
    from fsspec.implementations.local import LocalFileSystem
    from fsspec.registry import register_implementation

    class Shared(LocalFileSystem):
        protocol = "shared"
        put_to: ClassVar[list] = []

        def put_file(self, path1, path2, *args, **kwargs):
            self.put_to.append(path2)
            return super().put_file(path1, path2, *args, **kwargs)

    register_implementation("shared", Shared, clobber=True)
    catalog = Catalog({"it": {"type": "text", "filepath": f"shared://{tmp_path}/deep/it.txt"}}, root=tmp_path)
    catalog.save("it", "new")
    assert catalog.load("it") == "new"
    assert all(name.endswith(".saving") for name in Shared.put_to)
    assert names(tmp_path / "deep") == ["it.txt"]
