"""What can be done from the page: start, cancel, resume, run again, tag, note, pin, delete."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.conftest import Server, environment, make_runs


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of its own: what is done here is not undone."""
    return tmp_path_factory.mktemp("actions")


@pytest.fixture(scope="module")
def runs(folder: Path) -> dict[str, str]:
    return make_runs(folder)


@pytest.fixture(scope="module")
def server(folder: Path, runs: dict[str, str]) -> Iterator[Server]:
    made = Server(folder)
    yield made
    made.close()


def _ended(server: Server, launch: dict[str, Any], seconds: float = 120.0) -> dict[str, Any]:
    deadline = time.monotonic() + seconds
    while True:
        found = server.get(f"/launches/{launch['id']}")
        if found["state"] == "ended":
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.2)


def test_the_form_is_checked_planned_and_started(server: Server, runs: dict[str, str]) -> None:
    good = server.send("POST", "/pipelines/flow/check", {"params": {"count": "7", "scale": 3.0}})
    assert good.json == {"ok": True, "errors": []}
    bad = server.send("POST", "/pipelines/flow/check", {"params": {"count": "many"}}).json
    assert not bad["ok"]
    assert "count" in bad["errors"][0]["message"]
    unknown = server.send("POST", "/pipelines/flow/check", {"params": {"cuont": "1"}}).json
    assert "count" in unknown["errors"][0]["hint"]
    plan = server.send("POST", "/pipelines/flow/plan", {"params": {"count": 5}}).json
    assert plan["counts"]["cached"] > 0
    assert plan["pipeline"] == "flow"
    started = server.send(
        "POST",
        "/pipelines/flow/run",
        {
            "params": {"count": 4},
            "executor": "inline",
            "tags": ["by-form"],
            "note": "from the form",
            "name": "form",
        },
    )
    assert started.status == 202
    ended = _ended(server, started.json)
    assert ended["exit"] == 0, ended["output"]
    row = server.get("/runs", q="tag:by-form")["items"][0]
    assert (row["id"], row["name"], row["note"], row["status"]) == (
        ended["run"],
        "form",
        "from the form",
        "done",
    )
    again = server.send("POST", f"/runs/{row['id']}/rerun", {"params": {"scale": 5.0}, "executor": "inline"})
    second = _ended(server, again.json)
    params = {one["name"]: one["value"] for one in server.get(f"/runs/{second['run']}")["params"]}
    assert (params["count"], params["scale"]) == (4, 5.0)


def test_a_run_is_watched_live_and_cancelled(server: Server, runs: dict[str, str]) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "plait", "run", "flow.py:slow", "seconds=90", "-q"],
        cwd=server.folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    seen = server.events(
        "/events",
        lambda name, data: name == "runs" and any(row["pipeline"] == "slow" for row in data["changed"]),
    )
    run = next(
        row["id"]
        for name, data in seen
        if name == "runs"
        for row in data["changed"]
        if row["pipeline"] == "slow"
    )
    seen = server.events(
        f"/runs/{run}/events",
        lambda name, data: name == "run" and any(step["counts"]["running"] for step in data["steps"]),
    )
    ticks = [data["tick"] for name, data in seen if name == "run"]
    assert ticks == sorted(ticks)
    lines = server.events(f"/runs/{run}/logs/follow", lambda name, _: name == "lines")
    assert lines[-1][1]["lines"][0]["text"] == "still here"
    bars = server.get(f"/runs/{run}/timeline")["bars"]
    assert any(bar["state"] == "running" for bar in bars)
    active = server.get("/project/activity")
    assert any(one["run"] == run for one in active["running"])
    refused = server.send("DELETE", f"/runs/{run}")
    assert (refused.status, refused.code) == (409, "conflict")
    cancelled = server.send("POST", f"/runs/{run}/cancel")
    assert cancelled.status == 200
    server.events(f"/runs/{run}/events", lambda name, data: name == "end" and data["status"] == "cancelled")
    assert process.wait(60) != 0
    assert server.send("POST", f"/runs/{run}/cancel").status == 409
    server.send("DELETE", f"/runs/{run}")
    assert server.ask(f"/api/v1/runs/{run}").status == 404


def test_a_failed_run_is_resumed(server: Server, runs: dict[str, str]) -> None:
    resumed = server.send("POST", f"/runs/{runs['failed']}/resume")
    assert resumed.status == 202
    ended = _ended(server, resumed.json)
    assert ended["exit"] == 1
    assert server.get(f"/runs/{runs['failed']}")["status"] == "failed"
    assert server.send("POST", f"/runs/{runs['done']}/resume").status == 409


def test_words_of_people_are_kept_and_checked(server: Server, runs: dict[str, str]) -> None:
    path = f"/runs/{runs['scaled']}"
    assert server.send("PUT", f"{path}/tags", {"add": ["good", "x"], "remove": []}).json == {
        "tags": ["good", "x"]
    }
    assert server.send("PUT", f"{path}/tags", {"remove": ["x"]}).json == {"tags": ["good"]}
    wrong = server.send("PUT", f"{path}/tags", {"add": ["two words"]})
    assert (wrong.status, wrong.json["error"]["hint"]) == (400, "write two-words")
    assert server.send("PUT", f"{path}/tags", {"add": "text"}).status == 400
    assert server.send("PUT", f"{path}/note", {"text": "<b>looked at</b>"}).status == 200
    assert server.send("PUT", f"{path}/name", {"name": "larger"}).status == 200
    assert server.send("PUT", f"{path}/pin", {"pinned": True}).status == 200
    row = server.get("/runs", q="is:pinned")["items"][0]
    assert (row["id"], row["name"], row["note"], row["tags"]) == (
        runs["scaled"],
        "larger",
        "<b>looked at</b>",
        ["good"],
    )
    kept = server.send("DELETE", path)
    assert (kept.status, kept.code) == (409, "conflict")
    bulk = server.send(
        "POST", "/runs/bulk", {"runs": [runs["done"], "nothing0"], "action": "tag", "tags": ["both"]}
    ).json
    assert bulk["done"] == [runs["done"]]
    assert bulk["failed"][0]["run"] == "nothing0"
    assert server.send("POST", "/runs/bulk", {"runs": [], "action": "explode"}).status == 400
    assert server.send("PUT", f"{path}/pin", {"pinned": False}).status == 200


def test_what_collecting_garbage_frees_is_told_before_it_is_done(
    server: Server, runs: dict[str, str]
) -> None:
    found = server.send("POST", "/project/gc/preview", {"keep_last": 1}).json
    assert found["dry_run"]
    assert found["runs"] >= 1
    assert server.get(f"/runs/{runs['done']}")["id"] == runs["done"]
    assert server.send("POST", "/project/gc/preview", {"keep": "soon"}).status == 400
    disk = server.get("/project/disk")
    assert disk["records_bytes"] > 0
