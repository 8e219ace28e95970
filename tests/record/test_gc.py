"""What nobody needs goes; what anybody needs stays, whoever works at the same time."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from plait.data import ArtifactStore
from plait.errors import RecordError
from plait.executors.inline import InlineExecutor
from plait.launch.going_on import fork
from plait.launch.planning import plan
from plait.record.beginnings import beginning, oldest_beginning
from plait.record.gc import Collected, collect, runs_to_drop
from plait.record.pins import list_pins, pin, unpin
from plait.record.store import RecordStore
from plait.record.views import Run
from plait.record.writer import RunWriter
from tests.programs import Folder

FLOW = """
@step
def make(n: int):
    ran("make")
    log(n=n)
    return bytes(range(256)) * n
@step
def more(data, k: int):
    ran("more")
    return data + bytes(k)
@step
def size(data):
    return len(data)
@pipeline
def flow(n: int = 1000, k: int = 0):
    return size(more(make(n), k))
"""


def wait_for(condition: Callable[[], object], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


def blobs(folder: Folder) -> set[str]:
    return {blob for blob, _, _ in folder.store.artifacts.blobs()}


def drop(folder: Folder, *runs: Run, dry_run: bool = False) -> Collected:
    return collect(folder.store, runs, dry_run=dry_run)


def rows_of(store: RecordStore, run: Run) -> int:
    tables = ("node", "input", "extent", "attempt", "output", "metric", "preview", "log", "recoded")
    count = sum(
        store.database.rows(f"SELECT COUNT(*) FROM {table} WHERE run = ?", (run.key,))[0][0]
        for table in tables
    )
    return int(count)


def assert_whole(store: RecordStore) -> None:
    """Every result of every run can be loaded."""
    for run in store.runs(limit=None):
        for name in run.outputs:
            run[name]


def test_a_deleted_run_takes_its_rows_and_what_only_it_needs(folder: Folder) -> None:
    folder.write(FLOW)
    first, second = folder.run(), folder.run(k=7)
    before = blobs(folder)
    said = drop(folder, second, dry_run=True)
    assert blobs(folder) == before
    assert rows_of(folder.store, second)
    done = drop(folder, second)
    assert (done.bytes, done.blobs) == (said.bytes, said.blobs) == (256_007, 1)
    assert [(step.step, step.bytes) for step in done.runs[0].steps] == [("more", 256_007)]
    assert rows_of(folder.store, second) == 0
    assert len(blobs(folder)) == len(before) - 1
    assert folder.store.run().id == first.id
    assert_whole(folder.store)
    with pytest.raises(RecordError, match="has been deleted"):
        second.refresh()


def test_what_later_runs_took_stays_for_them_and_for_the_cache(folder: Folder) -> None:
    folder.write(FLOW)
    first = folder.run()
    second = folder.run(k=7)  # takes `make` from the first
    made_at = first.task("make").ended_at
    done = drop(folder, first)
    assert done.runs[0].inherited == 1
    assert second.refresh().task("make").state == "cached"
    assert second.task("make").metrics == {"n": 1000.0}
    assert_whole(folder.store)
    third = folder.run(k=8)
    assert folder.count("make") == 1
    assert third.task("make").source == second.id
    assert third.task("make").metrics == {"n": 1000.0}
    row = folder.store.database.row(
        "SELECT ended_at FROM attempt WHERE run = ? AND node = 0 AND attempt > 0", (second.key,)
    )
    assert row == (made_at,), "a result is as old as when it was made, whoever has it now"
    drop(folder, second)  # and again
    assert folder.states(folder.run(k=9))["make"] == "cached"
    drop(folder, *folder.store.runs(limit=None))
    assert blobs(folder) == set()
    assert folder.states(folder.run())["make"] == "done"
    assert folder.count("make") == 2


def test_what_a_fork_took_is_found_when_its_source_is_deleted(folder: Folder) -> None:
    folder.write(FLOW)
    first = folder.run()
    fork(first, folder.pipeline(), ["size"], {}, executor=InlineExecutor(tee=False))
    drop(folder, first)
    assert plan(folder.prepared()).is_done
    assert_whole(folder.store)


def test_old_runs_go_by_age_and_by_number_and_pinned_ones_stay(folder: Folder) -> None:
    folder.write(FLOW)
    runs = [folder.run(k=number) for number in range(4)]
    store = folder.store
    for number, run in enumerate(runs):
        store.database.execute(
            "UPDATE run SET started_at = started_at - ?, ended_at = ended_at - ? WHERE id = ?",
            (86400 * (10 - number), 86400 * (10 - number), run.id),
        )

    def names(**policy: float) -> list[int]:
        chosen = {run.id for run in runs_to_drop(store, **policy)}  # type: ignore[arg-type]
        return [number for number, run in enumerate(runs) if run.id in chosen]

    assert names() == []
    assert names(keep=8.5 * 86400) == [0, 1]
    assert names(keep_last=1) == [0, 1, 2]
    assert names(keep=8.5 * 86400, keep_last=3) == [0]
    pin(store, runs[0].id)
    assert names(keep_last=1) == [1, 2]
    with pytest.raises(RecordError, match="is pinned"):
        drop(folder, runs[0])
    unpin(store, runs[0].id[:5])
    assert names(keep_last=0) == [0, 1, 2, 3]


def test_a_pinned_artifact_outlives_its_run(folder: Folder) -> None:
    folder.write(FLOW)
    run = folder.run()
    artifact = run.task("more").artifacts["more"]
    store = folder.store
    made = pin(store, artifact.id[:10], note="for the paper", user="me")
    assert (made.kind, made.id) == ("artifact", artifact.id)
    drop(folder, run)
    assert store.artifacts.load(artifact) == bytes(range(256)) * 1000
    assert [(one.kind, one.note, one.pinned_by) for one in list_pins(store)] == [
        ("artifact", "for the paper", "me")
    ]
    unpin(store, artifact.id[:10])
    collect(store)
    assert blobs(folder) == set()


def test_wrong_names_of_pins_are_told(folder: Folder) -> None:
    folder.write(FLOW)
    run = folder.run()
    with pytest.raises(RecordError, match="there is no run and no artifact 'nothing1'"):
        pin(folder.store, "nothing1")
    with pytest.raises(RecordError, match="is not pinned"):
        unpin(folder.store, run.id)


def test_blobs_that_belong_to_no_run_go_without_dropping_any(folder: Folder) -> None:
    folder.write(FLOW)
    folder.run()
    kept = blobs(folder)
    folder.store.artifacts.save(bytes(100_000))
    left = folder.home / "artifacts" / "tmp" / "1-abc"
    left.parent.mkdir(exist_ok=True)
    left.write_bytes(b"half")
    os.utime(left, (1, 1))
    done = collect(folder.store)
    assert (done.leftover_bytes, done.leftover_blobs, done.unfinished) == (100_000, 1, 1)
    assert blobs(folder) == kept
    assert not left.exists()
    assert_whole(folder.store)


def test_a_gathered_input_keeps_its_elements(folder: Folder) -> None:
    folder.write(
        """
        @step
        def size(data):
            return len(data)
        @step
        def whole(datas):
            return len(datas)
        @pipeline
        def flow(datas):
            return size(each(datas)), whole(datas)
        """
    )
    run = folder.run(datas=[bytes([number]) * 50_000 for number in range(3)])
    assert len(blobs(folder)) >= 3
    collect(folder.store)
    assert run.task("whole").inputs["datas"][2][:1] == b"\x02"
    assert run.task("size[1]").inputs["data"][:1] == b"\x01"


def test_the_code_that_went_to_other_machines_is_kept_as_long_as_its_run(folder: Folder) -> None:
    folder.write(FLOW)
    run = folder.run()
    artifact = folder.store.artifacts.save(os.urandom(20_000), "code")
    database = folder.store.database
    with database.transaction():
        writer = RunWriter(database, run.key, run.id, time.time())
        writer.code("0123", artifact, 3, 20_000)
        writer._flush()
    drop(folder)
    assert folder.store.artifacts.check(artifact) is None
    assert run.code == [("0123", 3, 20_000)]
    drop(folder, run)
    assert blobs(folder) == set()
    assert database.rows("SELECT * FROM code") == []


def test_a_run_that_goes_on_is_not_deleted_and_loses_nothing(folder: Folder) -> None:
    folder.write(
        FLOW.replace(
            "    return data + bytes(k)",
            "    while not os.path.exists('go'):\n        pass\n    return data + bytes(k)",
        )
    )
    process = folder.start("run", "flow.py", "-q", "--executor", "processes")
    try:
        wait_for(lambda: folder.count("more"))
        running = folder.store.run()
        with pytest.raises(RecordError, match="is going on"):
            drop(folder, running)
        assert runs_to_drop(folder.store, keep_last=0) == []
        collect(folder.store)
    finally:
        (folder.path / "go").touch()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert folder.store.run(out.strip()).result == 256_000


def test_results_of_a_run_that_goes_on_are_kept_before_they_are_recorded(folder: Folder) -> None:
    """A worker has stored a value, and the row that refers to it is yet to come."""
    folder.write(
        FLOW.replace(
            "    return len(data)", "    while not os.path.exists('go'):\n        pass\n    return len(data)"
        )
    )
    process = folder.start("run", "flow.py", "-q", "--executor", "inline")
    try:
        wait_for(lambda: folder.count("more"))
        early = folder.store.artifacts.save(bytes(70_000))  # as a task would just now
        done = collect(folder.store)
        assert done.young_bytes >= 70_000
        assert folder.store.artifacts.check(early) is None
    finally:
        (folder.path / "go").touch()
        process.communicate(timeout=60)
    collect(folder.store)
    assert folder.store.artifacts.check(early) is not None


def test_while_something_goes_on_from_before_the_clock_was_set_back_nothing_is_removed(
    folder: Folder,
) -> None:
    folder.write(FLOW)
    run = folder.run()
    litter = run.store.artifacts.save(bytes(80_000))
    # A run of this very process that began, as the records say, in what is now the future.
    run.store.database.execute(
        "UPDATE run SET status = NULL, ended_at = NULL, pid = ?, process_started = NULL, started_at = started_at + 3600"
        " WHERE key = ?",
        (os.getpid(), run.key),
    )
    assert run.refresh().status == "running"
    done = collect(run.store)
    assert (done.blobs, done.bytes) == (0, 0)
    assert run.store.artifacts.check(litter) is None
    run.store.database.execute("UPDATE run SET status = 'done' WHERE key = ?", (run.key,))
    collect(run.store)
    assert run.store.artifacts.check(litter) is not None


def test_values_of_a_run_that_is_not_recorded_yet_are_kept(folder: Folder) -> None:
    store = RecordStore(folder.home, create=True)
    with beginning(store.database):
        early = store.artifacts.save(bytes(70_000))
        assert collect(store).young_bytes == 70_000
        assert store.artifacts.check(early) is None
    assert oldest_beginning(store.database) is None
    assert collect(store).bytes == 70_000


def test_what_a_killed_beginning_left_is_given_up(folder: Folder) -> None:
    folder.write(
        """
        import time
        class Slow:
            def __reduce__(self):
                ran("stored")
                time.sleep(60)
        @step
        def size(data):
            return 1
        @pipeline
        def flow(a=bytes(90_000), b=Slow()):
            return size([a, b])
        """
    )
    process = folder.start("run", "flow.py", "-q")
    wait_for(lambda: folder.count("stored"))
    store = folder.store
    assert oldest_beginning(store.database) is not None
    assert collect(store).young_bytes == 90_000
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    assert collect(store).bytes == 90_000
    assert oldest_beginning(store.database) is None


def test_a_blob_that_is_used_again_while_it_is_collected_survives(folder: Folder, tmp_path: Path) -> None:
    """Between the list and the removal somebody stores the same value: he finds it, or writes it anew."""
    store = ArtifactStore(tmp_path / "store")
    artifact = store.save(bytes(50_000))
    (blob, size, _), *_ = store.blobs()
    since = time.time()
    assert store.reclaim(blob, since) == size
    assert store.check(artifact) is not None
    artifact = store.save(bytes(50_000))
    assert store.reclaim(blob, since) == 0, "it was stored again after the time that counts"
    assert store.check(artifact) is None
    store.touch(artifact)
    assert store.reclaim(blob, since) == 0


def test_what_a_killed_collector_had_set_aside_comes_back(tmp_path: Path) -> None:
    store = ArtifactStore(tmp_path / "store")
    artifact = store.save(bytes(50_000))
    ((blob, _, _),) = store.blobs()
    (tmp_path / "store" / "tmp").mkdir(exist_ok=True)
    (tmp_path / "store" / "blobs" / blob[:2] / blob[2:]).rename(tmp_path / "store" / "tmp" / f"{blob}.aside")
    assert store.check(artifact) is not None
    store.sweep(time.time() + 10)
    assert store.check(artifact) is None


def test_runs_and_collections_side_by_side_lose_nothing(folder: Folder) -> None:
    folder.write(FLOW)
    stop = threading.Event()
    failures: list[BaseException] = []

    def collecting() -> None:
        own = RecordStore(folder.home)
        while not stop.is_set():
            try:
                with contextlib.suppress(RecordError):  # one of them has just begun to be used
                    collect(own, runs_to_drop(own, keep_last=1))
            except BaseException as error:
                failures.append(error)
                return

    folder.run()
    thread = threading.Thread(target=collecting)
    thread.start()
    try:
        for number in range(25):
            run = folder.run(k=number % 3)
            assert run.status == "done", [task.error for task in run.tasks if task.error]
            assert run.result == 256_000 + number % 3
            assert run["more"][-1:] == (b"\xff" if not number % 3 else b"\0")
    finally:
        stop.set()
        thread.join()
    assert not failures
    assert_whole(folder.store)


def test_unneeded_documents_and_artifacts_go_with_the_last_run(folder: Folder) -> None:
    folder.write(FLOW)
    drop(folder, folder.run())
    database = folder.store.database
    for table in ("document", "artifact", "run", "attempt", "output", "beginning"):
        assert database.rows(f"SELECT COUNT(*) FROM {table}") == [(0,)], table
