"""Does lineage go through the run that wrote a dataset, whatever ran since?"""

from __future__ import annotations

from pathlib import Path

from plait.project.new import make_project
from plait.record.lineage import lineage
from plait.record.store import RecordStore
from tests.ui.project import plait


def test_a_later_run_that_failed_hides_nothing_of_what_was_read_and_written(tmp_path: Path) -> None:
    root = make_project(tmp_path / "trips").root
    assert plait(root, "run", "training", "--executor", "inline", "-q").returncode == 0
    assert plait(root, "run", "training", "test_share=7.5", "--executor", "inline", "-q").returncode == 1
    store = RecordStore(root / ".plait")
    failed, done = store.runs(limit=2)
    assert (failed.status, done.status) == ("failed", "done")
    found = lineage(store, dataset="model")
    store.database.close()
    assert {node.run for node in found.nodes if node.kind == "run"} == {done.id}
    edges = {(edge.source, edge.target) for edge in found.edges}
    assert ("dataset:trips", f"run:{done.id}") in edges
    assert (f"run:{done.id}", "dataset:model") in edges
