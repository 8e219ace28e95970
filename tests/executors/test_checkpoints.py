"""Does a task go on where an earlier attempt left off, whatever ended that one?"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from executors import asking

from plait import checkpoint, get_run, pipeline, progress
from plait.errors import StepError
from plait.record.gc import collect

EXECUTORS: dict[str, dict[str, Any]] = {
    "inline": {"executor": "inline"},
    "processes": {"executor": "processes", "workers": 2},
}


@pytest.fixture(params=EXECUTORS)
def run_it(request: pytest.FixtureRequest, home: Path) -> Iterator[Callable[..., Any]]:
    def run(function: Callable[..., Any], **params: Any) -> Any:
        return pipeline(function).run(
            **EXECUTORS[request.param], raise_on_failure=False, progress=False, **params
        )

    run.executor = request.param  # type: ignore[attr-defined]
    return run


@pytest.mark.parametrize("how", ["raise", "kill"])
def test_a_retry_begins_with_what_was_saved(run_it: Callable[..., Any], tmp_path: Path, how: str) -> None:
    if how == "kill" and run_it.executor == "inline":  # type: ignore[attr-defined]
        how = "raise"

    def p(folder: str, how: str) -> Any:
        return asking.count_on(folder, how)

    run = run_it(p, folder=str(tmp_path), how=how)
    assert run.result == [0, 1, 2, 3, 4, 5]
    attempts = run.task("count_on").attempts
    assert [one.logs()[0].text for one in attempts] == [
        "begins with []", "begins with [0, 1]", "begins with [0, 1, 2, 3]",
    ]  # fmt: skip
    assert run.task("count_on").progress == (5, 6)
    assert run.store.database.rows("SELECT * FROM checkpoint") == []


def test_a_plain_call_keeps_nothing_and_begins_with_the_default() -> None:
    checkpoint.save(3)
    assert checkpoint.load("default") == "default"
    progress(1, 2)


def test_progress_takes_numbers(run_it: Callable[..., Any]) -> None:
    from plait import step

    @step
    def odd() -> None:
        progress("1/2")  # type: ignore[arg-type]

    def p() -> Any:
        return odd()

    error = run_it(p).task("odd").error
    assert error.type == f"{StepError.__module__}.StepError"
    assert error.message.startswith("progress('1/2', None): both are numbers")


SCRIPT = """
import sys
sys.path.insert(0, {tests!r})
from executors import asking
from plait import pipeline

@pipeline
def flow(folder: str, size: int):
    return asking.count_slowly(folder, size)

if __name__ == "__main__":
    flow.run(folder={folder!r}, size={size}, executor={executor!r}, progress=False)
"""


@pytest.mark.parametrize("executor", ["inline", "processes"])
def test_a_resumed_run_begins_with_what_was_saved_before_the_kill(
    tmp_path: Path, executor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = 20_000  # stored apart, so that the collector could take it away
    tests = str(Path(__file__).parents[1])
    monkeypatch.syspath_prepend(str(tmp_path))
    script = tmp_path / f"flow_{executor}.py"
    script.write_text(
        textwrap.dedent(SCRIPT).format(tests=tests, folder=str(tmp_path), size=size, executor=executor)
    )
    process = subprocess.Popen([sys.executable, str(script)], start_new_session=True)
    deadline = time.monotonic() + 60
    while not (tmp_path / "saved-3").exists():
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)
    time.sleep(0.3)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    monkeypatch.chdir(tmp_path)
    run = get_run("latest")
    task = run.task("count_slowly")
    assert task.progress is not None
    collect(run.store)
    (tmp_path / "go").touch()
    environment = {**os.environ, "PYTHONPATH": tests}
    done = subprocess.run(
        [sys.executable, "-m", "plait", "resume", run.id, "--executor", executor],
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert get_run(run.id).result == 3
    left = run.store.database.rows("SELECT * FROM checkpoint")
    assert left == []
