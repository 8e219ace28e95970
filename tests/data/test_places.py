"""Does a store behind a URL keep what a folder keeps? On real servers, and while they are ill."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pytest

from plait.data import ArtifactStore
from plait.data.access import Access
from plait.data.hashing import blob_id
from plait.data.patience import kind_of
from plait.data.remote import make_folder
from plait.errors import StoreError
from tests.services import Faulty, azure_server, free_port, gcs_server, ssh_server

BIG = 300_000


class Place(NamedTuple):
    url: str
    options: tuple[tuple[str, Any], ...]

    def store(self, cache: Path | None = None, **how: Any) -> ArtifactStore:
        return ArtifactStore(self.url, cache, Access(self.options, **how))

    @property
    def fs(self) -> Any:
        from fsspec.core import url_to_fs

        return url_to_fs(self.url, **dict(self.options), skip_instance_cache=True)


S3_OPTIONS = (("key", "testing"), ("secret", "testing"))


@pytest.fixture(scope="session")
def s3_place(s3: str) -> Place:
    return Place(f"s3://bucket/p{os.getpid()}", (*S3_OPTIONS, ("endpoint_url", s3)))


@pytest.fixture(scope="session")
def gcs_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    os.environ["GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT"] = "false"
    with gcs_server(tmp_path_factory.mktemp("gcs")) as endpoint:
        place = Place("gs://bucket/p", (("endpoint_url", endpoint), ("token", "anon"), ("project", "test")))
        place.fs[0].mkdir("bucket")
        yield place


@pytest.fixture(scope="session")
def sftp_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("ssh")
    with ssh_server(folder) as server:
        options = (("port", server.port), ("username", server.user), ("key_filename", str(server.key)))
        yield Place(f"sftp://127.0.0.1{folder}/store", options)


@pytest.fixture(scope="session")
def azure_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with azure_server(tmp_path_factory.mktemp("azure")) as connection:
        place = Place("abfs://box/p", (("connection_string", connection),))
        place.fs[0].mkdir("box")
        yield place


@pytest.fixture(scope="session")
def memory_place() -> Place:
    return Place("memory://places", ())


PLACES = ["memory", "s3", "gcs", "sftp", pytest.param("azure", marks=pytest.mark.engine_slow)]


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    found: Place = request.getfixturevalue(f"{request.param}_place")
    yield found
    fs, root = found.fs
    if fs.exists(root):
        fs.rm(root, recursive=True)


@pytest.fixture
def faulty(s3: str) -> Iterator[Faulty]:
    before = Faulty(s3)
    yield before
    before.close()


def behind(faulty: Faulty) -> Place:
    return Place(f"s3://bucket/f{time.time_ns()}", (*S3_OPTIONS, ("endpoint_url", faulty.url)))


def test_a_value_comes_back_the_same_and_is_stored_once(place: Place) -> None:
    store = place.store()
    value = {"a": np.arange(BIG), "b": list(range(3000)), "c": np.arange(BIG)}
    artifact = store.save(value)
    assert store.save(value) == artifact
    loaded = place.store().load(artifact)
    assert (loaded["a"] == value["a"]).all()
    assert loaded["b"] == value["b"]
    loaded["a"][0] = 9
    assert loaded["c"][0] == 0
    assert (store.load(artifact)["a"] == value["a"]).all()
    listed = {name: size for name, size, _ in store.blobs()}
    assert listed == {part.id: part.size for part in (*artifact.parts, artifact.head_part) if part}
    assert all(time.time() - used < 300 for _, _, used in store.blobs())
    assert store.check(artifact) is None
    fs, root = place.fs
    found = fs.find(root)
    assert len(found) == len(listed), found


def test_what_is_lost_or_altered_is_seen(place: Place) -> None:
    store = place.store()
    one, two, three = (store.save(np.full(BIG, number)) for number in range(3))
    fs, root = place.fs
    path = {
        artifact.id: f"{root}/blobs/{artifact.parts[0].id[:2]}/{artifact.parts[0].id[2:]}"
        for artifact in (one, two, three)
    }
    fs.pipe_file(path[two.id], b"short")
    fs.pipe_file(path[three.id], bytes(BIG * 8))
    store.delete(one.parts[0].id)
    store.delete(one.parts[0].id)
    fresh = place.store()
    assert "lost the blob" in (fresh.claim(one) or "")
    assert "5 bytes long" in (fresh.claim(two) or "")
    assert fresh.claim(three) is None  # its bytes are looked at when it is loaded
    assert "altered" in (fresh.check(three) or "")
    for artifact, what in ((one, "lost the blob"), (two, "bytes long"), (three, "altered")):
        with pytest.raises(StoreError, match=what) as caught:
            fresh.load(artifact)
        assert place.url in caught.value.what
    fresh.discard(two)
    assert (place.store().load(store.save(np.full(BIG, 1))) == 1).all()


def test_a_collector_spares_what_was_used_lately(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    store = place.store()
    artifact = store.save(np.arange(BIG))
    blob = artifact.parts[0].id
    now = time.time()
    assert store.reclaim(blob, now + 10) == 0
    monkeypatch.setattr("plait.data.remote.time.time", lambda: now + 3 * 86400)
    later = place.store()
    assert later.claim(artifact) is None  # used again: it is old, and now it is not
    assert place.store().claim(artifact) is None
    monkeypatch.setattr("plait.data.remote.time.time", lambda: now + 2.5 * 86400)
    assert later.reclaim(blob, now + 2.5 * 86400) > 0
    assert list(later.blobs()) == []
    fs, root = place.fs
    assert [path for path in (fs.find(root) if fs.exists(root) else []) if not path.endswith("/")] == []


def test_many_writers_of_one_value_all_succeed(place: Place) -> None:
    value, ids, failed = [np.full(40_000, number) for number in range(6)], set(), []

    def save() -> None:
        try:
            ids.add(place.store().save(value).id)
        except Exception as error:
            failed.append(error)

    writers = [threading.Thread(target=save) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert failed == []
    assert len(ids) == 1
    assert len(list(place.store().blobs())) == 6


def test_a_folder_that_another_writer_makes_in_between_is_no_failure(
    sftp_place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    (fs, root), (other, _) = sftp_place.fs, sftp_place.fs
    looks_for = fs.exists

    def exists(path: str) -> bool:
        there = looks_for(path)
        if not there and not path.endswith("last"):
            other.makedirs(path, exist_ok=True)
        return bool(there)

    monkeypatch.setattr(fs, "exists", exists)
    with pytest.raises(OSError, match="Failure"):
        fs.makedirs(f"{root}/once/last", exist_ok=True)
    make_folder(fs, f"{root}/a/b/last")
    assert fs.isdir(f"{root}/a/b/last")
    fs.pipe_file(f"{root}/file", b"")
    with pytest.raises(FileNotFoundError):
        make_folder(fs, f"{root}/file/below")


def test_a_large_value_travels_in_several_pieces_at_a_time(s3_place: Place) -> None:
    value = np.random.default_rng(0).integers(0, 255, 70_000_000, dtype=np.uint8)
    artifact = s3_place.store().save(value)
    loaded = s3_place.store(parallel=4).load(artifact)
    assert (loaded == value).all()
    assert (s3_place.store(parallel=1).load(artifact)[-5:] == value[-5:]).all()


def test_what_was_read_or_written_is_kept_here_and_no_request_is_made_for_it(
    faulty: Faulty, tmp_path: Path
) -> None:
    place = behind(faulty)
    artifact = place.store(tmp_path / "kept").save({"a": np.arange(BIG), "b": np.arange(BIG) + 1})
    faulty.seen.clear()
    assert place.store(tmp_path / "kept").load(artifact)["a"][5] == 5
    assert faulty.seen == []
    assert place.store(tmp_path / "other").load(artifact)["b"][5] == 6
    assert sum(one.startswith("GET") for one in faulty.seen) == 2
    faulty.seen.clear()
    assert place.store(tmp_path / "other").load(artifact)["a"][5] == 5
    assert faulty.seen == []


def test_what_is_kept_here_has_an_end_and_heals(memory_place: Place, tmp_path: Path) -> None:
    store = memory_place.store(tmp_path, cache_bytes=1_000_000)
    artifacts = [store.save(np.full(40_000, number)) for number in range(8)]  # of 320 kB
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in kept) <= 1_000_000
    newest = artifacts[-1].parts[0].id
    assert any(path.name == newest[2:] for path in kept)
    for path in kept:
        path.write_bytes(b"spoilt")
    for number, artifact in enumerate(artifacts):
        assert (memory_place.store(tmp_path, cache_bytes=1_000_000).load(artifact) == number).all()


@pytest.mark.parametrize("mode", ["503", "429", "500", "break"])
def test_a_store_that_is_ill_for_a_while_is_waited_for(faulty: Faulty, mode: str) -> None:
    place = behind(faulty)
    store = place.store(retry_seconds=60)
    first = store.save(np.arange(BIG))
    faulty.ill(mode, 3.0)
    second = store.save(np.arange(BIG) + 1)
    assert faulty.refused > 0
    faulty.refused = 0
    faulty.ill(mode, 3.0)
    assert (place.store(retry_seconds=60).load(first) == np.arange(BIG)).all() if mode != "break" else True
    assert (store.load(second) == np.arange(BIG) + 1).all()
    assert faulty.refused > 0


@pytest.mark.engine_slow
def test_a_store_that_answers_503_for_a_minute_is_waited_for(faulty: Faulty) -> None:
    place = behind(faulty)
    faulty.ill("503", 60.0)
    began = time.monotonic()
    artifact = place.store(retry_seconds=300).save(np.arange(BIG))
    assert time.monotonic() - began > 55
    assert (place.store().load(artifact) == np.arange(BIG)).all()


def test_a_store_that_stays_ill_is_a_clear_error_in_time(faulty: Faulty) -> None:
    faulty.mode = "503"
    place = behind(faulty)
    with pytest.raises(StoreError) as caught:
        place.store(retry_seconds=1).save(np.arange(BIG))
    assert f"cannot write to the artifact store {place.url}" in caught.value.what
    assert caught.value.hint


def test_a_bucket_that_is_not_there_is_said(s3_place: Place, s3: str) -> None:
    place = Place("s3://nowhere/x", s3_place.options)
    with pytest.raises(
        StoreError, match="the bucket 'nowhere' of the artifact store s3://nowhere/x is not there"
    ) as caught:
        place.store().save(np.arange(BIG))
    assert "make it, or name another one" in (caught.value.hint or "")
    artifact = s3_place.store().save(np.arange(BIG))
    with pytest.raises(StoreError, match="the bucket 'nowhere'"):
        place.store().load(artifact)


def test_missing_credentials_are_said(s3: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(StoreError, match="cannot write to") as caught:
        Place("s3://bucket/x", (("endpoint_url", s3),)).store().save(np.arange(BIG))
    assert "give credentials" in (caught.value.hint or "")


def test_an_address_where_nobody_is_is_said_soon(tmp_path: Path) -> None:
    options = (
        *S3_OPTIONS,
        ("endpoint_url", f"http://127.0.0.1:{free_port()}"),
        ("config_kwargs", {"retries": {"max_attempts": 0}}),
    )
    began = time.monotonic()
    with pytest.raises(StoreError, match="cannot write to") as caught:
        Place("s3://bucket/x", options).store(retry_seconds=600).save(np.arange(BIG))
    assert time.monotonic() - began < 60
    assert "check that it can be reached" in (caught.value.hint or "")


def test_a_wrong_key_over_ssh_is_said(sftp_place: Place, tmp_path: Path) -> None:
    import subprocess

    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "other")], check=True)
    options = dict(sftp_place.options) | {
        "key_filename": str(tmp_path / "other"),
        "allow_agent": False,
        "look_for_keys": False,
    }
    with pytest.raises(StoreError, match="cannot") as caught:
        Place(sftp_place.url, tuple(options.items())).store().save(np.arange(BIG))
    assert "check the credentials" in (caught.value.hint or "")


def test_options_with_secrets_are_not_shown(s3_place: Place) -> None:
    assert "testing" not in repr(s3_place.store()._access) + repr(s3_place.store())


def test_errors_are_told_apart() -> None:
    class WithStatus(Exception):
        status = 503

    class Botocore(Exception):
        response: ClassVar = {"Error": {"Code": "SlowDown"}, "ResponseMetadata": {"HTTPStatusCode": 400}}

    class ReadTimeoutError(Exception):
        pass

    wrapped = OSError("told in other words")
    wrapped.__cause__ = WithStatus()
    assert [kind_of(one) for one in (WithStatus(), Botocore(), wrapped)] == ["busy"] * 3
    assert [kind_of(one) for one in (ReadTimeoutError(), ConnectionResetError(), EOFError())] == [
        "broken"
    ] * 3
    assert [kind_of(one) for one in (PermissionError(), FileNotFoundError(), ValueError())] == ["lasting"] * 3


def test_a_blob_has_the_name_of_its_bytes_everywhere(place: Place) -> None:
    store = place.store()
    (part,) = store.save(np.arange(BIG)).parts
    fs, root = place.fs
    assert blob_id(fs.cat_file(f"{root}/blobs/{part.id[:2]}/{part.id[2:]}")) == part.id
