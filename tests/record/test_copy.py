"""Is what was copied to another store all there, the same, and copied once?"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plait.data import ArtifactStore
from plait.errors import RecordError, StoreError
from plait.record.copy import copy_store
from plait.record.gc import collect
from plait.record.pins import list_pins, pin
from plait.record.schema import MIGRATIONS, RUN_TABLES
from plait.record.store import RecordStore
from plait.record.views import Run
from tests.programs import Folder

FLOW = """
import numpy as np
@step
def part(n: int):
    ran("part")
    print("part", n)
    log(value=n, table={"a": [n]})
    return np.full(60_000, n)
@step
def total(parts):
    return int(sum(part[0] for part in parts))
@pipeline
def flow(ns: list[int] = [1, 2, 3]):
    return total(part(each(ns)))
"""


@pytest.fixture
def stores(folder: Folder, tmp_path: Path) -> Callable[[], tuple[RecordStore, RecordStore]]:
    """A store with two runs, and where it is to be copied: each opened anew."""
    folder.write(FLOW)
    folder.run()
    folder.run(ns=[3, 4])

    def open_() -> tuple[RecordStore, RecordStore]:
        return folder.store, RecordStore(tmp_path / "copy" / ".plait", create=True)

    return open_


def told(run: Run) -> Any:
    return (
        run.id,
        run.status,
        run.result,
        run.params,
        run.facts,
        run.packages,
        run.metrics,
        [(task.name, task.state, task.key, task.source, task.ended_at) for task in run.tasks],
        [(line.text, line.at) for line in run.logs()],
        [sorted(task.previews) for task in run.tasks],
        {node: run.closure(node).digest for node in run.closures},
        run.counts(),
    )


def test_runs_are_the_same_in_the_copy(stores: Callable[[], tuple[RecordStore, RecordStore]]) -> None:
    source, target = stores()
    pin(source, source.run().id, note="kept")
    said: list[Any] = []
    found = copy_store(source, target, tell=said.append)
    assert (found.runs, found.there, found.lost, found.going_on) == (2, 0, (), ())
    assert found.bytes == sum(size for _, size, _ in source.artifacts.blobs())
    assert said[-1].runs == said[-1].all_runs == 2
    assert [told(run) for run in target.runs()] == [told(run) for run in source.runs()]
    assert [one.note for one in list_pins(target)] == ["kept"]
    assert {blob: size for blob, size, _ in target.artifacts.blobs()} == {
        blob: size for blob, size, _ in source.artifacts.blobs()
    }


def test_the_copy_is_a_store_like_any_other(
    stores: Callable[[], tuple[RecordStore, RecordStore]], folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = stores()
    copy_store(source, target)
    monkeypatch.setenv("PLAIT_HOME", str(target.home))
    before = folder.count("part")
    again = folder.run()
    assert set(folder.states(again).values()) == {"cached"}
    assert folder.count("part") == before
    assert folder.run(ns=[7]).result == 7
    assert collect(target).blobs == 0
    assert again.refresh().result == 6


def test_a_copy_goes_on_where_it_was_and_takes_what_is_new(
    stores: Callable[[], tuple[RecordStore, RecordStore]], folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = stores()
    written: list[str] = []
    original = ArtifactStore.write_blob

    def fail_at_the_third(self: ArtifactStore, part: Any, data: Any) -> None:
        if len(written) == 2:
            raise StoreError("the network is gone")
        written.append(part.id)
        original(self, part, data)

    monkeypatch.setattr(ArtifactStore, "write_blob", fail_at_the_third)
    with pytest.raises(StoreError, match="the network is gone"):
        copy_store(source, target)
    monkeypatch.setattr(ArtifactStore, "write_blob", original)
    assert target.runs() == []
    source, target = stores()
    assert copy_store(source, target).blobs == len(list(source.artifacts.blobs())) - len(
        [blob for blob in written if blob]
    )
    assert copy_store(source, target).there == 2
    folder.run(ns=[9])
    later = copy_store(source, target)
    assert (later.runs, later.there, later.lost) == (1, 2, ())
    assert {run.id for run in target.runs(limit=None)} == {run.id for run in source.runs(limit=None)}


def test_one_run_can_be_copied_alone(stores: Callable[[], tuple[RecordStore, RecordStore]]) -> None:
    source, target = stores()
    first = source.runs()[-1]
    copy_store(source, target, only=[first.id])
    assert [run.id for run in target.runs()] == [first.id]
    assert target.run().result == 6


def test_a_run_that_went_on_is_copied_anew(folder: Folder, tmp_path: Path) -> None:
    folder.write(
        FLOW.replace("return int(", 'if os.environ.get("FAIL"): raise ValueError("no")\n    return int(')
    )
    target = RecordStore(tmp_path / "copy", create=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FAIL", "1")
        run = folder.run()
    assert run.status == "failed"
    copy_store(folder.store, target)
    assert target.run().status == "failed"
    status, _, err = folder.plait("resume", "--executor", "inline", "--quiet")
    assert status == 0, err
    assert copy_store(folder.store, target).runs == 1
    assert [told(one) for one in target.runs()] == [told(one) for one in folder.store.runs()]


def test_what_was_lost_before_is_told_and_the_rest_is_copied(
    stores: Callable[[], tuple[RecordStore, RecordStore]],
) -> None:
    source, target = stores()
    blobs = sorted(blob for blob, _, _ in source.artifacts.blobs())
    source.artifacts.delete(blobs[0])
    found = copy_store(source, target)
    assert len(found.lost) == 1
    assert blobs[0] in found.lost[0]
    assert found.blobs == len(blobs) - 1
    assert len(target.runs()) == 2


def test_what_the_target_gives_back_otherwise_is_an_error(
    stores: Callable[[], tuple[RecordStore, RecordStore]], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = stores()
    original = ArtifactStore.write_blob
    monkeypatch.setattr(
        ArtifactStore,
        "write_blob",
        lambda self, part, data: original(self, part, bytes(len(data))),
    )
    with pytest.raises(StoreError, match="was altered"):
        copy_store(source, target)
    assert target.runs() == []


def test_a_store_is_not_copied_to_itself(stores: Callable[[], tuple[RecordStore, RecordStore]]) -> None:
    source, _ = stores()
    with pytest.raises(RecordError, match="both are the same store"):
        copy_store(source, source)


@pytest.mark.one_file
def test_every_table_of_a_run_is_copied() -> None:
    import re

    made = " ".join(statement for some in MIGRATIONS for statement in some)
    tables = re.findall(r"CREATE TABLE (\w+) \((.*?)\)\s*(?:WITHOUT|CREATE|INSERT|ALTER|$)", made, re.DOTALL)
    of_runs = {name for name, columns in tables if re.match(r"\s*run INTEGER NOT NULL", columns)}
    assert of_runs == set(RUN_TABLES)


def test_the_command_copies_between_stacks(folder: Folder, tmp_path: Path) -> None:
    (folder.path / "src/p").mkdir(parents=True)
    (folder.path / "src/p/__init__.py").touch()
    (folder.path / "conf/base").mkdir(parents=True)
    (folder.path / "pyproject.toml").write_text('[tool.plait]\npackage = "p"\n')
    (folder.path / "conf/base/stacks.yml").write_text(
        f"other:\n  executor: inline\n  artifact_store: {tmp_path}/other\n"
        f"  record_store: {{type: sqlite, path: {tmp_path}/other.db}}\n"
    )
    folder.write(FLOW)
    assert folder.plait("run", "flow.py", "--executor", "inline", "--quiet")[0] == 0
    status, out, err = folder.plait("store", "copy", "default", "other")
    assert status == 0, err
    assert "copied 1 run and" in out
    status, out, _ = folder.plait("store", "copy", "default", "other", "--json")
    assert json.loads(out)["there"] == 1, out
    status, out, _ = folder.plait("run", "flow.py", "--stack", "other", "--json")
    assert status == 0
    assert out.count('"cached"') >= 4
    status, _, err = folder.plait("store", "copy", "default", "othr")
    assert status == 2
    assert "did you mean 'other'?" in err
