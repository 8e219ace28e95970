"""A result is only taken if it is there, whole, and young enough."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from plait.launch.planning import plan
from tests.programs import Folder

BLOBS = """
@step
def make(n: int):
    ran("make")
    return bytes(range(256)) * n
@step
def size(data):
    ran("size")
    return len(data)
@pipeline
def flow(n: int = 1000, k: int = 0):
    return size(make(n)), k
"""


def blobs(folder: Folder) -> list[Path]:
    return [file for file in (folder.home / "artifacts" / "blobs").rglob("*") if file.is_file()]


def truncate(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def alter(file: Path) -> None:
    """Other content of the same size, with the times as they were: what a failing disk does."""
    before = file.stat()
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.chmod(0o600)
    file.write_bytes(data)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("harm", [Path.unlink, truncate, alter])
def test_a_damaged_result_is_computed_again_and_the_store_healed(folder: Folder, harm: object) -> None:
    folder.write(BLOBS)
    folder.run()
    (blob,) = blobs(folder)
    content = blob.read_bytes()
    harm(blob)  # type: ignore[operator]
    said = plan(folder.prepared()).items[0]
    assert said.decision == "run"
    assert said.reason.startswith("its stored result is damaged: ")
    run = folder.run()
    assert run.status == "done"
    assert folder.states(run) == {"make": "done", "size": "cached"}
    assert [file.read_bytes() for file in blobs(folder)] == [content]
    assert folder.states(folder.run()) == {"make": "cached", "size": "cached"}


def test_a_record_without_its_outputs_is_not_a_hit(folder: Folder) -> None:
    folder.write(BLOBS)
    run = folder.run()
    run.store.database.execute("DELETE FROM output WHERE run = ? AND node = 0", (run.key,))
    again = folder.run()
    assert again.status == "done"
    assert again.task("make").decision == "its result has been deleted"


def test_a_result_expires_by_its_age_and_also_when_the_clock_was_set_back(folder: Folder) -> None:
    folder.write(BLOBS.replace("@step\ndef make", '@step(cache="1h")\ndef make'))
    first = folder.run()
    database = first.store.database

    def made(seconds_ago: float) -> None:
        database.execute("UPDATE attempt SET ended_at = ended_at - ? WHERE run = ?", (seconds_ago, first.key))

    assert folder.states(folder.run())["make"] == "cached"
    made(3000)
    assert folder.states(folder.run())["make"] == "cached"
    made(700)
    planned = plan(folder.prepared()).items[0]
    assert (planned.decision, planned.reason) == ("run", "older than 1h")
    made(-3700 - 5000)  # made in the future: the clock has been set back since
    assert plan(folder.prepared()).items[0].reason == "older than 1h"
    assert folder.states(folder.run())["make"] == "done"
    assert folder.states(folder.run())["make"] == "cached"


def test_an_uncached_step_always_runs_and_its_equal_result_stops_there(folder: Folder) -> None:
    folder.write(BLOBS.replace("@step\ndef make", "@step(cache=False)\ndef make"))
    folder.run()
    assert folder.states(folder.run()) == {"make": "done", "size": "cached"}


def test_a_changed_step_with_the_same_result_stops_there(folder: Folder) -> None:
    folder.write(BLOBS)
    folder.run()
    folder.edit("bytes(range(256)) * n", "b''.join(bytes(range(256)) for _ in range(n))")
    assert folder.states(folder.run()) == {"make": "done", "size": "cached"}


def test_a_step_that_changes_its_input_harms_nobody(folder: Folder) -> None:
    folder.write(
        """
        @step
        def make(n: int):
            return list(range(n))
        @step
        def spoil(xs):
            xs.clear()
            return "spoilt"
        @step
        def count(xs, _after):
            return len(xs)
        @pipeline
        def flow(n: int = 5):
            xs = make(n)
            return count(xs, spoil(xs))
        """
    )
    assert folder.run().result == 5
    assert folder.run(refresh=("count",)).result == 5


def test_what_was_made_while_the_cache_was_not_asked_is_found_afterwards(folder: Folder) -> None:
    folder.write(BLOBS)
    folder.run(no_cache=True)
    run = folder.run()
    assert set(folder.states(run).values()) == {"cached"}


def test_the_latest_of_several_results_is_taken(folder: Folder) -> None:
    folder.write("""
        import random
        @step
        def draw(n: int):
            return random.random()
        @pipeline
        def flow(n: int = 5):
            return draw(n)
        """)
    folder.run()
    second = folder.run(refresh=("draw",))
    assert folder.run().result == second.result


@pytest.mark.parametrize("harm", [Path.unlink, truncate, alter])
def test_a_damaged_blob_of_an_uncached_step_is_mended_when_the_step_has_run(
    folder: Folder, harm: object
) -> None:
    folder.write(BLOBS.replace("@step\ndef make", "@step(cache=False)\ndef make"))
    folder.run()
    (blob,) = blobs(folder)
    content = blob.read_bytes()
    harm(blob)  # type: ignore[operator]
    run = folder.run(refresh=("size",))
    assert run.status == "done"
    assert [file.read_bytes() for file in blobs(folder)] == [content]


@pytest.mark.parametrize("harm", [Path.unlink, truncate, alter])
def test_a_damaged_argument_is_mended_by_giving_it_again(folder: Folder, harm: object) -> None:
    folder.write(
        """
        @step
        def size(data):
            return len(data)
        @pipeline
        def flow(data):
            return size(data)
        """
    )
    data = bytes(range(256)) * 100
    folder.run(data=data)
    (blob,) = blobs(folder)
    harm(blob)  # type: ignore[operator]
    run = folder.run(data=data, refresh=("size",))
    assert (run.status, run.result) == ("done", len(data))
