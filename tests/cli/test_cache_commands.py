"""What the commands around the cache print, as text and as JSON, and how they leave."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.programs import Folder

FLOW = """
RATE = 2
def helper(x):
    return x * RATE
@step
def load(n: int):
    return list(range(n))
@step
def double(x, alpha):
    return helper(x) * alpha
@step(cache=False)
def total(xs):
    return bytes(int(sum(xs)) + 10_000)
@pipeline
def training(n: int = 3, alpha: float = 1.0):
    return total(double(each(load(n)), alpha))
"""


@pytest.fixture
def ran(tmp_path: Path) -> Iterator[Folder]:
    made = Folder(tmp_path)
    made.write(FLOW)
    assert made.plait("run", "flow.py", "-q", "--executor", "inline")[0] == 0
    yield made
    made.forget()


def read(folder: Folder, *arguments: str) -> Any:
    status, out, err = folder.plait(*arguments, "--json")
    assert status in (0, 2), err
    return json.loads(out)


def test_plan_folds_mapped_steps_and_says_what_changed(ran: Folder) -> None:
    ran.edit("RATE = 2", "RATE = 3")
    status, out, err = ran.plait("plan", "flow.py", "alpha=2.0")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("training  3 to run, 1 cached, 1 not known yet  at least about ")
    assert [line.split("←")[0].split() for line in lines[2:5]] == [
        ["≡", "load", "cached", "run", ran.store.run().id],
        ["▸", "double", "3", "of", "3", "RATE", "2", "→", "3,", "alpha", "1.0", "→", "2.0"],
        ["?", "total", "waits", "for", "double[0]"],
    ]
    assert "  constant RATE  2 → 3  ⇒ double" in lines
    assert "  parameter alpha  1.0 → 2.0  ⇒ double" in lines


def test_plan_check_leaves_with_2_when_there_is_work(ran: Folder) -> None:
    assert ran.plait("plan", "flow.py", "--check")[0] == 2  # `total` is never cached
    ran.edit("@step(cache=False)", "@step")
    assert ran.plait("plan", "flow.py", "--check")[0] == 2
    assert ran.plait("run", "flow.py", "-q", "--executor", "inline")[0] == 0
    status, out, _ = ran.plait("plan", "flow.py", "--check")
    assert status == 0
    assert out.startswith("training  nothing to do: 5 tasks cached")
    assert ran.plait("plan", "flow.py", "--check", "--refresh", "load")[0] == 2
    assert ran.plait("plan", "flow.py", "--check", "--no-cache")[0] == 2
    assert ran.plait("plan", "flow.py", "n=4")[0] == 0


def test_plan_as_json_has_every_task(ran: Folder) -> None:
    found = read(ran, "plan", "flow.py", "alpha=2.0")
    assert [(item["task"], item["decision"]) for item in found["items"]] == [
        ("load", "cached"),
        ("double[0]", "run"),
        ("double[1]", "run"),
        ("double[2]", "run"),
        ("total", "unknown"),
    ]
    assert found["counts"] == {"cached": 1, "run": 3, "unknown": 1, "skipped": 0}
    (change,) = found["items"][1]["differences"]
    assert (change["name"], change["old"]["text"], change["new"]["text"]) == ("alpha", "1.0", "2.0")


def test_run_obeys_no_cache_and_refresh(ran: Folder) -> None:
    def states(*options: str) -> set[str]:
        status, out, err = ran.plait("run", "flow.py", "-q", "--executor", "inline", *options)
        assert status == 0, err
        run = ran.store.run(out.strip())
        return {name for name, state in ran.states(run).items() if state == "done"}

    assert states() == {"total"}
    assert states("--refresh", "load") == {"load", "total"}
    assert states("--no-cache") == {"load", "double[0]", "double[1]", "double[2]", "total"}
    status, _, err = ran.plait("run", "flow.py", "--refresh", "lod", "-q", "--executor", "inline")
    assert status == 1
    assert err == "pipeline 'training' has no step 'lod'\n  → did you mean 'load'?\n"


def test_why_tells_a_task_from_the_closest_earlier_one(ran: Folder) -> None:
    ran.plait("run", "flow.py", "alpha=2.0", "-q", "--executor", "inline")
    status, out, _ = ran.plait("why", "latest", "double[1]")
    assert status == 0
    assert "what changed\n  parameter alpha  1.0 → 2.0\n" in out
    status, out, _ = ran.plait("why", "latest", "load")
    assert "≡ load of run" in out
    assert "same code, same inputs" in out
    _, out, _ = ran.plait("why", "latest", "total")
    assert "the step says cache=False: it is never looked up" in out
    found = read(ran, "why", "latest", "double")
    assert found["task"] == "double[0]"
    assert [one["name"] for one in found["differences"]] == ["alpha"]
    status, _, err = ran.plait("why", "latest", "doubel")
    assert status == 1
    assert "did you mean 'double'?" in err


def test_verify_leaves_with_1_when_something_differs(ran: Folder) -> None:
    assert ran.plait("verify", "double")[0] == 0
    ran.edit("return list(range(n))", "return [os.getpid()] * n")
    ran.plait("run", "flow.py", "-q", "--executor", "inline")
    status, out, _ = ran.plait("verify", "load")
    assert status == 1
    assert "gave something else this time" in out
    assert "→ seed it" in out
    assert read_status(ran, 1, "verify", "load")["tasks"][0]["outcome"] == "different"


def read_status(folder: Folder, status: int, *arguments: str) -> Any:
    found, out, err = folder.plait(*arguments, "--json")
    assert found == status, err
    return json.loads(out)


def test_status_tells_what_is_stale(ran: Folder) -> None:
    ran.edit("@step(cache=False)", "@step")
    ran.plait("run", "flow.py", "-q", "--executor", "inline")
    status, out, _ = ran.plait("status", "flow.py", "--check")
    assert (status, out.splitlines()[0]) == (0, "training  up to date")
    ran.edit("RATE = 2", "RATE = 3")
    status, out, _ = ran.plait("status", "--check")
    assert status == 2
    assert "double[0]: RATE 2 → 3" in out
    (found,) = read(ran, "status")
    assert [(one["output"], one["state"]) for one in found["outputs"]] == [("total", "stale")]


def test_gc_pin_and_delete_say_what_they_free(ran: Folder) -> None:
    ran.plait("run", "flow.py", "n=9", "-q", "--executor", "inline")
    kept, old = (run.id for run in ran.store.runs())
    status, out, _ = ran.plait("pin", old, "--note", "the first")
    assert (status, out) == (0, f"pinned run {old}\n")
    assert [one["id"] for one in read(ran, "pin")] == [old]
    assert read(ran, "gc", "--keep-last", "1", "-n")["runs"] == []
    assert ran.plait("unpin", old)[0] == 0
    assert ran.plait("pin")[1] == "nothing is pinned\n"
    found = read(ran, "gc", "--keep-last", "1", "--dry-run")
    assert [run["id"] for run in found["runs"]] == [old]
    assert [step["step"] for step in found["runs"][0]["steps"]] == ["total"]
    assert found["bytes"] > 10_000
    status, out, _ = ran.plait("gc", "--keep-last", "1")
    assert status == 0
    assert f"run {old} training" in out
    assert "freed 10.0 kB in 1 blob: 1 run" in out
    assert [run.id for run in ran.store.runs()] == [kept]
    assert "freed 10.1 kB in 1 blob: 1 run" in ran.plait("delete", "latest")[1]
    assert ran.store.runs() == []
    status, _, err = ran.plait("gc", "--keep", "soon")
    assert status == 2
    assert err == "--keep: 'soon' is not a duration such as 30s, 20m, 1h30m or 2d\n"


def test_fork_and_resume_tell_what_they_take(ran: Folder) -> None:
    source = ran.store.run().id
    status, out, err = ran.plait("fork", source, "--at", "double", "alpha=3.0", "--executor", "inline")
    assert status == 0, err
    assert "double  3/3" in out
    assert ran.store.run().parent == source
    status, _, err = ran.plait("fork", source, "--at", "double", "n=9", "--executor", "inline")
    assert status == 2
    assert "n changes load, which comes before" in err
    status, _, err = ran.plait("fork", source, "--at", "dubble", "--executor", "inline")
    assert "did you mean 'double'?" in err
    status, _, err = ran.plait("fork", "nonsense", "--at", "double")
    assert status == 1
    assert "there is no run 'nonsense'" in err


def test_a_fork_changes_inside_a_parameter_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    folder.write(
        """
        @step
        def fit(model: dict):
            return model
        @pipeline
        def training(model: dict = {"depth": 1, "wide": False}):
            return fit(model)
        """
    )
    folder.plait("run", "flow.py", "model.depth=5", "-q", "--executor", "inline")
    status, out, err = folder.plait(
        "fork", "latest", "--at", "fit", "model.wide=true", "-q", "--executor", "inline"
    )
    assert status == 0, err
    assert folder.store.run(out.strip()).result == {"depth": 5, "wide": True}


@pytest.mark.parametrize(
    "command", ["plan", "resume", "fork", "why", "verify", "status", "gc", "pin", "unpin", "delete"]
)
def test_every_command_has_help_and_json(tmp_path: Path, command: str) -> None:
    status, out, _ = Folder(tmp_path).plait(command, "--help")
    assert status == 0
    assert "--json" in out
    assert command in Folder(tmp_path).plait("--help")[1]
