"""Can as many runs as a search of parameters makes be laid beside each other?"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.ui.conftest import Server
from tests.ui.project import environment, plait

RUNS = 500
SWEEP = f"""
from plait import log, pipeline, step


@step
def fit(alpha: float, depth: int) -> float:
    for at in range(4):
        log(loss=alpha / (at + 1), at=at)
    return alpha * depth


@pipeline
def sweep(alpha: float = 0.1, depth: int = 3) -> float:
    return fit(alpha, depth)


if __name__ == "__main__":
    for number in range({RUNS}):
        sweep.run(alpha=number / 100, depth=number % 7)
"""


@pytest.fixture(scope="module")
def server(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("sweep")
    (folder / "flow.py").write_text(SWEEP)
    subprocess.run(
        [sys.executable, "flow.py"], cwd=folder, env=environment(), check=True, capture_output=True
    )
    running = Server(folder)
    yield running
    running.close()


def test_five_hundred_runs_are_compared(visit, server):
    ids = [run["id"] for run in json.loads(plait(server.folder, "runs", "--json", "--limit", "1000").stdout)]
    assert len(ids) == RUNS
    page = visit(server)
    page.goto(f"/compare?runs={','.join(ids)}")
    expect(page.get_by_role("heading", name="Compare 500 runs")).to_be_visible()
    table = page.get_by_role("grid", name="Runs and what differs")
    expect(table).to_have_attribute("aria-rowcount", str(1 + RUNS))
    expect(table.get_by_role("columnheader", name="alpha")).to_be_visible()
    assert table.get_by_role("row").count() < 100, "rows out of sight are drawn"
    page.get_by_role("tab", name="Plots").click()
    expect(page.get_by_role("img", name="Parallel coordinates")).to_be_visible()
    page.get_by_role("tab", name="Curves").click()
    expect(page.get_by_role("img", name="loss of the runs")).to_be_visible()
    page.get_by_role("tab", name="Code").click()
    expect(page.get_by_text("All steps ran the same code.")).to_be_visible()


def test_more_than_five_hundred_are_refused_in_words(visit, server):
    page = visit(server)
    page.goto(f"/compare?runs={','.join(f'none{at:04}' for at in range(501))}")
    expect(page.get_by_role("alert")).to_contain_text("500")
