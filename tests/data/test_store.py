import os
import pickle
import stat
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from plait.data import Artifact, ArtifactStore
from plait.errors import DataError, StoreError

BIG = 300_000


def python(code, *arguments, **options):
    """Run a script in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        **options,
    )


def files(root):
    return sorted(path for path in Path(root).rglob("*") if path.is_file())


def blob(store, part):
    return Path(store.url) / "blobs" / part.id[:2] / part.id[2:]


def test_importing_the_layer_imports_nothing_heavy():
    heavy = "{'fsspec', 'numpy', 'pandas', 'cloudpickle', 'polars', 'pyarrow', 'pydantic'}"
    done = python(f"import sys, plait.data; print(sorted({heavy} & set(sys.modules)))")
    assert done.stdout.strip() == "[]", done.stderr


def test_a_small_value_lives_in_its_artifact_and_never_touches_the_store(store):
    for value in (None, True, 7, 1.5, "text", b"bytes", [1, {"a": (2, 3)}], np.arange(10)):
        artifact = store.save(value)
        assert artifact.head is not None
        assert not artifact.parts
    assert not Path(store.url).exists()


def test_a_large_value_is_a_blob_under_its_hash_and_nothing_else_is_left(store):
    artifact = store.save(np.arange(BIG))
    (part,) = artifact.parts
    assert files(store.url) == [blob(store, part)]
    assert blob(store, part).stat().st_size == part.size == BIG * 8
    assert [(name, size) for name, size, _ in store.blobs()] == [(part.id, part.size)]


def test_a_head_over_four_kibibytes_becomes_a_blob(store):
    artifact = store.save(list(range(3000)))
    assert artifact.head is None
    assert artifact.head_part is not None
    assert store.load(artifact) == list(range(3000))


def test_a_column_that_did_not_change_is_stored_once(store):
    frame = pd.DataFrame({"a": np.random.default_rng(0).random(1_000_000)})
    store.save(frame)
    before = sum(size for _, size, _ in store.blobs())
    frame["b"] = np.arange(1_000_000)
    store.save(frame)
    assert sum(size for _, size, _ in store.blobs()) == before + 8_000_000


def test_the_same_column_is_the_same_blob_in_a_frame_a_dict_and_an_object(store):
    column = np.arange(BIG)
    parts = {
        store.save(value).parts[0]
        for value in (column, pd.DataFrame({"x": column}), {"x": column}, [column], np.asfortranarray(column))
    }
    assert len(parts) == 1


def test_changing_what_was_loaded_changes_neither_the_file_nor_another_load(store):
    value = {
        "array": np.zeros(BIG),
        "frame": pd.DataFrame({"a": np.zeros(BIG), "b": ["x"] * BIG}),
        "list": [1],
    }
    artifact = store.save(value)
    kept = store.load(artifact)
    loaded = store.load(artifact)
    loaded["array"][:] = 1
    loaded["frame"].loc[0, "a"] = 5
    loaded["frame"].loc[:, "b"] = "y"
    loaded["list"].append(2)
    assert store.check(artifact) is None
    for fresh in (kept, store.load(artifact)):
        assert not fresh["array"].any()
        pd.testing.assert_frame_equal(fresh["frame"], value["frame"])
        assert fresh["list"] == [1]


def test_a_value_is_not_kept_changing_it_after_saving_changes_nothing(store):
    small, large = np.zeros(4), np.zeros(BIG)
    artifact = store.save([small, large])
    small[:] = large[:] = 1
    assert not any(array.any() for array in store.load(artifact))


def test_what_was_loaded_outlives_its_blob(store):
    artifact = store.save(np.arange(BIG))
    loaded = store.load(artifact)
    for part in artifact.parts:
        store.delete(part.id)
        store.delete(part.id)
    assert (loaded == np.arange(BIG)).all()
    assert not list(store.blobs())


def test_a_blob_that_exists_is_not_written_again_but_shows_that_it_is_in_use(store):
    value = np.arange(BIG)
    path = blob(store, store.save(value).parts[0])
    os.utime(path, (1000, 1000))
    inode = path.stat().st_ino
    store.save(value)
    assert path.stat().st_ino == inode
    assert time.time() - path.stat().st_mtime < 60
    assert next(store.blobs())[2] == path.stat().st_mtime


def test_a_blob_that_was_cut_off_is_mended_by_saving_the_value_again(store):
    value = np.arange(BIG)
    artifact = store.save(value)
    os.truncate(blob(store, artifact.parts[0]), 100)
    assert store.check(artifact) is not None
    store.save(value)
    assert store.check(artifact) is None


def test_a_truncated_blob_is_seen_and_a_load_says_so(store):
    artifact = store.save(np.arange(BIG))
    store.load(artifact)
    os.truncate(blob(store, artifact.parts[0]), 100)
    assert "100 bytes long instead of 2400000" in store.check(artifact)
    with pytest.raises(StoreError, match="100 bytes long"):
        store.load(artifact)


@pytest.mark.parametrize("value", [np.arange(BIG), list(range(3000))], ids=["part", "head"])
def test_an_altered_blob_is_seen_and_a_load_says_so(store, value):
    artifact = store.save(value)
    store.load(artifact)
    path = blob(store, artifact.head_part or artifact.parts[0])
    data = bytearray(path.read_bytes())
    data[1000] ^= 1
    path.write_bytes(data)
    with pytest.raises(StoreError, match="altered") as caught:
        store.load(artifact)
    assert caught.value.hint
    assert "altered" in store.check(artifact)


def test_a_lost_blob_is_seen_and_a_load_says_what_to_do(store):
    artifact = store.save(np.arange(BIG))
    blob(store, artifact.parts[0]).unlink()
    assert "lost the blob" in store.check(artifact)
    with pytest.raises(StoreError) as caught:
        store.load(artifact)
    assert "run the step that made the value again" in str(caught.value)
    assert store.url in str(caught.value)


def test_an_altered_record_is_seen(store):
    artifact = store.save(1)
    forged = Artifact(artifact.id, artifact.format, artifact.type, artifact.size, store.save(2).head)
    assert "does not match its own id" in store.check(forged)


def test_a_full_disk_is_a_clear_error_and_leaves_nothing(tmp_path):
    pytest.importorskip("resource")
    done = python(
        """
        import resource, sys
        import numpy as np
        from plait.data import ArtifactStore
        from plait.errors import StoreError
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
        store = ArtifactStore(sys.argv[1])
        kept = store.save(np.arange(20_000))
        try:
            store.save(np.arange(300_000))
        except StoreError as error:
            print(error)
        assert store.check(kept) is None
        """,
        tmp_path / "store",
    )
    assert str(tmp_path / "store") in done.stdout, done.stderr
    assert "File too large" in done.stdout
    assert "free space" in done.stdout
    assert [path.stat().st_size for path in files(tmp_path)] == [160_000]


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_a_folder_that_may_not_be_written_is_a_clear_error(tmp_path):
    root = tmp_path / "store"
    root.mkdir()
    root.chmod(0o555)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.getuid() and not folder.stat().st_mode & stat.S_IXOTH:
            folder.chmod(folder.stat().st_mode | stat.S_IXOTH | stat.S_IROTH)
    done = python(
        """
        import os, sys
        import numpy as np
        from plait.data import ArtifactStore
        from plait.errors import StoreError
        if os.getuid() == 0:
            os.setgid(65534); os.setuid(65534)
        try:
            ArtifactStore(sys.argv[1]).save(np.arange(300_000))
        except StoreError as error:
            print(error)
        """,
        root,
    )
    assert f"cannot write to the artifact store {root}: Permission denied" in done.stdout, done.stderr
    assert "make the folder writable" in done.stdout
    root.chmod(0o755)
    assert files(root) == []


def test_a_file_where_the_store_should_be_is_a_clear_error(tmp_path):
    (tmp_path / "store").write_text("in the way")
    store = ArtifactStore(tmp_path / "store")
    assert store.load(store.save(3)) == 3
    with pytest.raises(StoreError, match="cannot write") as caught:
        store.save(np.arange(BIG))
    assert "a file stands where" in caught.value.hint
    with pytest.raises(StoreError, match="cannot read"):
        list(store.blobs())


def test_processes_that_save_the_same_value_at_once_all_succeed(tmp_path):
    code = """
        import sys, numpy as np
        from plait.data import ArtifactStore
        store = ArtifactStore(sys.argv[1])
        print("ready", flush=True)
        sys.stdin.readline()
        ids = [store.save([np.full(50_000, number), np.arange(100_000)]).id for number in range(20)]
        print(*ids)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "store")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    writers = [subprocess.Popen(command, **pipes) for _ in range(3)]
    try:
        for writer in writers:
            assert writer.stdout.readline() == "ready\n"
        for writer in writers:
            writer.stdin.write("go\n")
            writer.stdin.flush()
        told = {writer.communicate(timeout=60)[0] for writer in writers}
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
    assert len(told) == 1
    store = ArtifactStore(tmp_path / "store")
    assert len(list(store.blobs())) == 21
    assert len(files(tmp_path)) == 21
    for number in range(20):
        assert store.check(store.save([np.full(50_000, number), np.arange(100_000)])) is None


def test_what_a_killed_writer_left_is_no_blob_and_is_swept(store):
    store.save(np.arange(BIG))
    left = Path(store.url) / "tmp" / "123-abc"
    left.write_bytes(b"half")
    assert len(list(store.blobs())) == 1
    assert store.sweep(left.stat().st_mtime - 10) == 0
    assert store.sweep(left.stat().st_mtime + 10) == 1
    assert not left.exists()


def test_many_large_values_do_not_use_up_the_files_a_process_may_open(tmp_path):
    pytest.importorskip("resource")
    done = python(
        """
        import resource, sys, numpy as np
        from plait.data import ArtifactStore
        store = ArtifactStore(sys.argv[1])
        artifact = store.save([np.full(40_000, number) for number in range(400)])
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))
        loaded = store.load(artifact)
        assert all((array == number).all() for number, array in enumerate(loaded))
        print(sum(array[0] for array in loaded))
        """,
        tmp_path / "store",
    )
    assert done.stdout.strip() == str(sum(range(400))), done.stderr


def test_gathered_artifacts_load_as_the_nested_list_of_their_values(store):
    frame = pd.DataFrame({"a": np.arange(BIG)})
    items = [[store.save(1), store.save("a")], [], [store.save(frame)]]
    artifact = store.gather(items)
    loaded = store.load(artifact)
    assert loaded[:2] == [[1, "a"], []]
    pd.testing.assert_frame_equal(loaded[2][0], frame)
    assert artifact.format == "gathered"
    assert artifact.type == "list"
    assert artifact.meta["length"] == 3
    assert store.check(artifact) is None
    assert [[item.id for item in inner] for inner in store.items(artifact)] == [
        [item.id for item in inner] for inner in items
    ]


def test_a_gathered_artifact_needs_the_blobs_of_what_it_gathers(store):
    inner = store.save(np.arange(BIG))
    outer = store.gather([store.gather([inner]), store.save(1)])
    assert set(store.references(outer)) == {part.id for part in inner.parts}
    store.delete(inner.parts[0].id)
    assert "lost the blob" in store.check(outer)


def test_gathering_depends_on_the_shape_and_the_order(store):
    one, two = store.save(1), store.save(2)
    shapes = [[one, two], [two, one], [[one, two]], [[one], [two]], [one, [two]], [[one], two], [], [[]]]
    assert len({store.gather(shape).id for shape in shapes}) == len(shapes)
    for shape in shapes:
        assert store.gather(shape).id == store.gather(shape).id


def test_a_hundred_thousand_items_are_gathered(store):
    artifacts = [store.save(number) for number in range(100_000)]
    started = time.process_time()
    gathered = store.gather(artifacts)
    spent = time.process_time() - started
    assert gathered.head is None
    assert len(gathered.meta) < 5
    assert store.load(gathered) == list(range(100_000))
    assert spent < 2  # a linear cost of microseconds per item, with room for a busy machine


def test_gather_refuses_what_is_no_artifact(store):
    with pytest.raises(DataError, match="got a int"):
        store.gather([store.save(1), 2])


def test_a_store_travels_to_another_process(store):
    artifact = store.save(np.arange(BIG))
    other = pickle.loads(pickle.dumps(store))
    assert (other.load(artifact) == np.arange(BIG)).all()
    done = python(
        """
        import sys, msgspec
        from plait.data import Artifact, ArtifactStore
        artifact = msgspec.msgpack.decode(bytes.fromhex(sys.argv[2]), type=Artifact)
        print(ArtifactStore(sys.argv[1]).load(artifact).sum())
        """,
        store.url,
        __import__("msgspec").msgpack.encode(artifact).hex(),
    )
    assert done.stdout.strip() == str(sum(range(BIG))), done.stderr


def test_a_format_that_nobody_reads_here_is_named(store):
    artifact = Artifact("x", "numpy.arrays", "x", 1, store.save([1]).head)
    with pytest.raises(DataError, match=r"numpy\.arrays") as caught:
        store.load(artifact)
    assert "numpy.array" in caught.value.hint


@pytest.fixture
def remote():
    import fsspec

    fs = fsspec.filesystem("memory")
    yield ArtifactStore("memory://plait-test")
    if fs.exists("/plait-test"):
        fs.rm("/plait-test", recursive=True)


def test_a_store_behind_a_url_does_what_a_folder_does(remote):
    value = {"a": np.arange(BIG), "b": list(range(3000))}
    artifact = remote.save(value)
    loaded = remote.load(artifact)
    loaded["a"][0] = 7
    assert (remote.load(artifact)["a"] == value["a"]).all()
    assert remote.check(artifact) is None
    assert {name for name, _, _ in remote.blobs()} == set(remote.references(artifact))
    assert all(time.time() - used < 60 for _, _, used in remote.blobs())
    remote.delete(artifact.parts[0].id)
    assert "lost the blob" in remote.check(artifact)
    with pytest.raises(StoreError, match="memory://plait-test"):
        remote.load(artifact)


def test_a_value_has_one_id_in_every_store(remote, store):
    value = [np.arange(BIG), {"a": 1}, "x" * 10_000]
    assert remote.save(value) == store.save(value)


def test_an_altered_blob_behind_a_url_is_seen(remote):
    import fsspec

    artifact = remote.save(np.arange(BIG))
    fs = fsspec.filesystem("memory")
    (path,) = fs.find("/plait-test/blobs")
    fs.pipe_file(path, bytes(BIG * 8))
    assert "altered" in remote.check(artifact)
    with pytest.raises(StoreError, match="altered"):
        remote.load(artifact)


def test_a_cache_keeps_what_was_read_and_mends_itself(remote, tmp_path):
    artifact = remote.save(np.arange(BIG))
    cached = ArtifactStore(remote.url, cache=tmp_path / "cache")
    assert (cached.load(artifact) == np.arange(BIG)).all()
    (kept,) = files(tmp_path / "cache")
    kept.write_bytes(b"spoilt")
    assert (cached.load(artifact) == np.arange(BIG)).all()
    remote.delete(artifact.parts[0].id)
    assert (cached.load(artifact) == np.arange(BIG)).all()


def test_a_url_that_nothing_can_open_is_a_clear_error():
    store = ArtifactStore("nosuch://bucket")
    assert store.load(store.save(1)) == 1
    with pytest.raises(StoreError, match="nosuch://bucket"):
        store.save(np.arange(BIG))


def test_a_url_of_a_local_folder_is_the_folder(tmp_path):
    artifact = ArtifactStore(f"file://{tmp_path}/store").save(np.arange(BIG))
    assert (ArtifactStore(tmp_path / "store").load(artifact) == np.arange(BIG)).all()
