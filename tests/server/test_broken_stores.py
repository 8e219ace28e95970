"""Records that are locked, removed, upgraded or damaged under a server that goes on."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from plait.record.schema import VERSION
from plait.record.store import RecordStore
from tests.server.conftest import FLOW, Server, plait


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    folder = tmp_path_factory.mktemp("broken")
    (folder / "flow.py").write_text(FLOW)
    run = plait(folder, "run", "flow.py:flow", "--executor", "inline", "-q").strip()
    server = Server(folder)
    yield server, run
    server.close()


def _database(server: Server) -> Path:
    return server.folder / ".plait" / "records.db"


def test_while_somebody_writes_for_long_reading_goes_on_and_changing_says_that_it_is_busy(
    place: tuple[Server, str],
) -> None:
    server, run = place
    writer = sqlite3.connect(_database(server), isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    try:
        assert server.get(f"/runs/{run}")["id"] == run
        answer = server.send("PUT", f"/runs/{run}/tags", {"add": ["x"]})
        assert (answer.status, answer.code) == (503, "busy")
    finally:
        writer.execute("ROLLBACK")
        writer.close()
    assert server.send("PUT", f"/runs/{run}/tags", {"add": ["x"]}).json == {"tags": ["x"]}


def test_a_store_that_a_newer_plait_has_upgraded_is_left_alone_until_the_server_is_started_again(
    place: tuple[Server, str],
) -> None:
    server, _ = place
    server.get("/runs")
    other = sqlite3.connect(_database(server))
    other.execute(f"PRAGMA user_version = {VERSION + 1}")
    other.commit()
    try:
        answer = server.ask("/api/v1/runs")
        assert (answer.status, answer.code) == (503, "store")
        assert "newer plait" in answer.json["error"]["message"]
        said = server.events("/events", lambda name, _: name == "problem")
        assert said[-1][1]["error"]["code"] == "store"
    finally:
        other.execute(f"PRAGMA user_version = {VERSION}")
        other.commit()
        other.close()
    assert server.get("/runs")["total"] == 1


def test_a_value_whose_blob_is_gone_is_named_and_everything_else_is_there(place: tuple[Server, str]) -> None:
    server, run = place
    store = RecordStore(server.folder / ".plait")
    artifact = store.run(run).task("cube").artifacts["cube"]
    for blob in store.artifacts.references(artifact):
        store.artifacts.delete(blob)
    store.database.close()
    preview = server.get(f"/artifacts/{artifact.id}/preview", run=run, task="cube")
    assert preview["kind"] == "gone"
    assert "run the step" in preview["hint"]
    page = server.ask(f"/api/v1/artifacts/{artifact.id}/download?run={run}&task=cube")
    assert (page.status, page.code) == (410, "gone")
    assert server.get(f"/runs/{run}/tasks/cube")["state"] == "done"


def test_records_that_were_removed_are_missed_and_new_ones_are_found(place: tuple[Server, str]) -> None:
    server, _ = place
    server.get("/runs")
    shutil.rmtree(server.folder / ".plait")
    answer = server.ask("/api/v1/runs")
    assert (answer.status, answer.code) == (503, "store")
    assert answer.json["error"]["hint"] == "start one: plait run TARGET"
    again = plait(server.folder, "run", "flow.py:flow", "count=2", "--executor", "inline", "-q").strip()
    assert [row["id"] for row in server.get("/runs")["items"]] == [again]
