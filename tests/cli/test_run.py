"""Does a run from the command line say what happens, while it happens and at its end?"""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys

import pytest

from .conftest import environment, finish, start

FLOW = """
import logging, os, time
from plait import step, pipeline, each, log

@step
def load(n: int) -> list[int]:
    print("loading", n)
    return list(range(n))

@step
def fit(x: int, alpha: float = 0.5) -> float:
    logging.getLogger("fit").warning("x is %s", x)
    log(loss=x * alpha, score=1 / (x + 1))
    return x * alpha

@step
def best(values: list[float]) -> dict:
    return {"best": max(values), "count": len(values)}

@pipeline
def flow(n: int = 3):
    return best(fit(each(load(n))))
"""

# It stands at a gate until the test opens it: a file.
WAITING = """
import os, time
from plait import step, pipeline, each

@step
def items() -> list[int]:
    return list(range(30))

@step
def wait(x: int) -> int:
    print("waiting", flush=True)
    deadline = time.monotonic() + 40
    while not os.path.exists("gate") and time.monotonic() < deadline:
        time.sleep(0.02)
    return x

@step
def total(xs: list[int]) -> int:
    return sum(xs)

@pipeline
def waiting():
    return total(wait(each(items())))
"""


@pytest.fixture
def flow(write):
    return write("flow.py", FLOW)


def test_the_summary_goes_to_stdout_and_progress_to_stderr(flow):
    answer = finish("run", "flow.py", "--workers", "1", cwd=flow.parent)
    assert answer.status == 0, answer.err
    for said in (
        "flow",
        "done",
        "3/3",
        "fit[2]",
        "loss",
        "1.0000",
        "best   1.0",
        "plait show",
        "plait logs",
    ):
        assert said in answer.out
    assert "\x1b" not in answer.out + answer.err
    lines = answer.err.splitlines()
    assert "load │ loading 3" in lines
    assert any(line.startswith("✓ load") for line in lines)
    assert "▸ fit: 3 tasks" in lines
    assert "fit[1] │ warning fit: x is 1" in lines
    assert any(line.startswith("✓ fit  3/3") for line in lines)


def test_inline_and_processes_give_the_same_metrics(flow, monkeypatch):
    tables = []
    for executor in ("inline", "processes"):
        monkeypatch.setenv("PLAIT_HOME", str(flow.parent / executor))
        answer = finish("run", "flow.py", "--executor", executor, cwd=flow.parent)
        assert answer.status == 0, answer.err
        tables.append(answer.out[answer.out.index("metrics") : answer.out.index("→ plait")])
    assert tables[0] == tables[1]


def test_json_is_one_event_per_line_and_nothing_else(flow, monkeypatch):
    for executor in ("inline", "processes"):
        monkeypatch.setenv("PLAIT_HOME", str(flow.parent / executor))
        answer = finish("run", "flow.py", "n=2", "--json", "--executor", executor, cwd=flow.parent)
        assert answer.status == 0
        assert answer.err == ""
        events = [json.loads(line) for line in answer.out.splitlines()]
        kinds = [event["event"] for event in events]
        assert kinds[0] == "run_started"
        assert kinds[-1] == "run_ended"
        assert events[-1]["status"] == "done"
        assert events[0]["run"] == events[-1]["run"]
        assert events[0]["params"] == {"n": 2}
        ended = {event["task"]: event for event in events if event["event"] == "task_ended"}
        assert set(ended) == {"load", "fit[0]", "fit[1]", "best"}
        assert all(event["state"] == "done" and event["seconds"] >= 0 for event in ended.values())
        assert kinds.count("task_started") == 4
        said = [(event["task"], event["text"]) for event in events if event["event"] == "line"]
        assert ("load", "loading 2") in said
        metrics = {
            (event["task"], event["name"]): event["value"] for event in events if event["event"] == "metric"
        }
        assert metrics["fit[1]", "loss"] == 0.5


def test_json_tells_the_rounds_of_a_loop(write):
    file = write(
        "loop.py",
        """
        from plait import pipeline, repeat, step

        @step
        def half(x: float) -> float:
            return x / 2

        @pipeline
        def halving(x: float = 1.0):
            return repeat(half, x, limit=3)
        """,
    )
    answer = finish("run", "loop.py", "--json", "--executor", "inline", cwd=file.parent)
    assert answer.status == 0, answer.err
    events = [json.loads(line) for line in answer.out.splitlines()]
    assert [one["task"] for one in events if one["event"] == "task_ended" and "half" in one["task"]] == [
        "half[0]",
        "half[1]",
        "half[2]",
    ]


def test_json_tells_a_failure_with_its_frames(write):
    file = write("failing.py", FLOW.replace("return x * alpha", "return x / 0"))
    answer = finish("run", "failing.py", "n=1", "--json", cwd=file.parent)
    assert answer.status == 1
    events = [json.loads(line) for line in answer.out.splitlines()]
    failed = next(event for event in events if event.get("state") == "failed")
    assert failed["error"]["type"] == "ZeroDivisionError"
    assert failed["error"]["frames"][-1]["code"] == "return x / 0"
    assert events[-1]["status"] == "failed"


def test_quiet_says_the_id_alone(flow):
    answer = finish("run", "flow.py", "--quiet", cwd=flow.parent)
    assert answer.status == 0
    assert answer.err == ""
    assert len(answer.out.strip()) == 8
    shown = finish("show", answer.out.strip()[:5], cwd=flow.parent)
    assert shown.status == 0


def test_a_reader_that_leaves_is_no_error(flow):
    assert finish("run", "flow.py", "-q", cwd=flow.parent).status == 0
    process = start("show", "--json", cwd=flow.parent)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(30) == 0


@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_a_run_goes_on_when_nobody_watches_any_more(flow, closed):
    process = start("run", "flow.py", "--json" if closed == "stdout" else "n=2", cwd=flow.parent)
    getattr(process, closed).close()
    process.wait(60)
    for stream in (process.stdout, process.stderr):
        if not stream.closed:
            stream.close()
    assert json.loads(finish("runs", "--json", cwd=flow.parent).out)[0]["status"] == "done"
    assert process.returncode == 0


def test_help_and_version_need_neither_records_nor_rich():
    code = (
        "import sys\nfrom plait.cli.main import run_command\nassert run_command(['--help']) == 0\n"
        "assert run_command(['--version']) == 0\n"
        "heavy = {'rich', 'sqlite3', 'yaml', 'fsspec', 'plait.launch', 'plait.cli.run'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=environment(), capture_output=True)


def until(stream, text):
    """Read lines until one has the text; the lines read."""
    lines = []
    for line in stream:
        lines.append(line)
        if text in line:
            return lines
    raise AssertionError(f"{text!r} was not said: {lines}")


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_ctrl_c_once_finishes_running_tasks_and_keeps_them(write, plait):
    file = write("waiting.py", WAITING)
    process = start("run", "waiting.py", cwd=file.parent)
    until(process.stderr, "│ waiting")
    process.send_signal(signal.SIGINT)
    until(process.stderr, "press Ctrl-C again to end now")
    (file.parent / "gate").touch()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "cancelled" in out
    assert "Traceback" not in err
    document = json.loads(finish("show", "--json", cwd=file.parent).out)
    assert document["status"] == "cancelled"
    counts = next(step["counts"] for step in document["steps"] if step["id"] == "wait")
    assert counts["done"] >= 1
    assert counts["done"] < 30, "what had not begun did not begin"


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
@pytest.mark.parametrize("executor", ["processes", "inline"])
def test_ctrl_c_twice_ends_now(write, executor):
    file = write("waiting.py", WAITING)
    process = start("run", "waiting.py", "--executor", executor, cwd=file.parent)
    until(process.stderr, "│ waiting" if executor == "processes" else "wait: 30 tasks")
    process.send_signal(signal.SIGINT)
    if executor == "processes":
        until(process.stderr, "press Ctrl-C again to end now")
    # An inline step hears the second one only when the first has been taken, and says nothing of it.
    while process.poll() is None:
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.5)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert "cancelled" in out
    assert "Traceback" not in err


def test_logs_follow_a_run_until_it_ends(write):
    file = write("waiting.py", WAITING)
    process = start("run", "waiting.py", "-q", "--workers", "1", cwd=file.parent)
    follower = None
    try:
        while not (file.parent / ".plait" / "records.db").exists():
            assert process.poll() is None
        while finish("logs", "latest", "wait", "--json", cwd=file.parent).out == "":
            assert process.poll() is None
        follower = start("logs", "latest", "wait", "-f", cwd=file.parent)
        assert follower.stdout.readline() == "wait[0] │ waiting\n"
        assert follower.poll() is None
        (file.parent / "gate").touch()
        out, err = follower.communicate(timeout=60)
        assert follower.returncode == 0
        assert len(out.splitlines()) == 29
        assert "done" in err
    finally:
        process.communicate(timeout=60)
    assert process.returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_a_run_that_was_killed_is_told_from_one_that_runs(write):
    file = write("waiting.py", WAITING)
    process = start("run", "waiting.py", cwd=file.parent)
    until(process.stderr, "│ waiting")
    listed = json.loads(finish("runs", "--json", cwd=file.parent).out)
    assert listed[0]["status"] == "running"
    process.kill()
    process.communicate(timeout=60)
    (file.parent / "gate").touch()
    listed = json.loads(finish("runs", "--json", cwd=file.parent).out)
    assert listed[0]["status"] == "crashed"
    shown = finish("show", cwd=file.parent).out
    assert "crashed" in shown
    assert "lost" in shown
