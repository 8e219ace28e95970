"""The example of a search that decides as it goes runs, and goes on from the cache with more patience."""

import shutil
from pathlib import Path

from tests.programs import Folder

SEARCH = Path(__file__).parents[2] / "examples" / "search" / "search.py"


def test_the_search_halves_its_candidates_until_little_is_gained(folder: Folder) -> None:
    shutil.copy(SEARCH, folder.path)
    status, _, err = folder.plait("run", "search.py", "--executor", "inline", "--quiet")
    assert status == 0, err
    run = folder.store.run()
    assert run.result["loss"] < 0.05
    assert run.counts()[run.graph.layout.by_id["train"]].total >= 31
    status, _, err = folder.plait("run", "search.py", "patience=0.0005", "--executor", "inline", "--quiet")
    assert status == 0, err
    states = [task.state for task in folder.store.run().iter_tasks() if task.id == "train"]
    assert states[:31] == ["cached"] * 31
    assert states[-1] == "done"
