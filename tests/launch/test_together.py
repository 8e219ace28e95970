"""One computation at a time per key: whoever comes second waits for the result."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

import pytest

from tests.programs import Folder

SLOW = """
@step
def slow(n: int):
    ran("slow")
    while not os.path.exists("go"):
        pass
    return n * 10
@step
def after(x):
    ran("after")
    return x + 1
@pipeline
def flow(n: int = 3):
    return after(slow(n))
"""


def wait_for(condition: Callable[[], object], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


@pytest.mark.parametrize("executor", ["inline", "processes"])
def test_two_processes_compute_once(folder: Folder, executor: str) -> None:
    folder.write(SLOW)
    first = folder.start("run", "flow.py", "-q", "--executor", executor)
    wait_for(lambda: folder.count("slow"))
    second = folder.start("run", "flow.py", "-q", "--executor", executor)
    wait_for(lambda: len(folder.store.runs()) == 2)
    (folder.path / "go").touch()
    ids = [process.communicate(timeout=60)[0].strip() for process in (first, second)]
    assert [folder.store.run(name).result for name in ids] == [31, 31]
    assert folder.count("slow") == 1
    assert folder.count("after") == 1
    waited = folder.store.run(ids[1])
    assert waited.task("slow").state == "cached"
    assert waited.task("slow").source == ids[0]


def test_when_the_first_is_killed_the_second_computes(folder: Folder) -> None:
    folder.write(SLOW)
    first = folder.start("run", "flow.py", "-q", "--executor", "inline")
    wait_for(lambda: folder.count("slow"))
    second = folder.start("run", "flow.py", "-q", "--executor", "inline")
    wait_for(lambda: len(folder.store.runs()) == 2)
    assert folder.count("slow") == 1
    first.send_signal(signal.SIGKILL)
    first.communicate(timeout=60)
    wait_for(lambda: folder.count("slow") == 2)
    (folder.path / "go").touch()
    out, _ = second.communicate(timeout=60)
    assert folder.store.run(out.strip()).result == 31


def test_when_the_first_fails_the_second_tries_itself(folder: Folder) -> None:
    folder.write(
        SLOW.replace(
            "return n * 10",
            "if os.path.exists('go') and _first():\n        raise ValueError('no')\n    return n * 10",
        )
        + """
def _first():
    try:
        os.mkdir("mark")
    except FileExistsError:
        return False
    return True
"""
    )
    first = folder.start("run", "flow.py", "-q", "--executor", "inline")
    wait_for(lambda: folder.count("slow"))
    second = folder.start("run", "flow.py", "-q", "--executor", "inline")
    wait_for(lambda: len(folder.store.runs()) == 2)
    (folder.path / "go").touch()
    first.communicate(timeout=60)
    out, _ = second.communicate(timeout=60)
    assert first.returncode == 1
    assert folder.store.run(out.strip()).result == 31
    assert folder.count("slow") == 2


def test_within_a_run_equal_tasks_compute_once_even_when_the_cache_is_not_asked(folder: Folder) -> None:
    folder.write(
        """
        @step
        def double(x):
            ran("double")
            return 2 * x
        @pipeline
        def flow(xs: list[int] = [1, 1, 2, 2]):
            return double(each(xs))
        """
    )
    assert folder.run().result == [2, 2, 4, 4]
    assert folder.count("double") == 2
    folder.run(no_cache=True)
    assert folder.count("double") == 4
    folder.run(refresh=("double",))
    assert folder.count("double") == 6


def test_two_people_with_one_store_hit_each_other(
    folder: Folder, tmp_path_factory: pytest.TempPathFactory
) -> None:
    mine, yours = Folder(tmp_path_factory.mktemp("mine")), Folder(tmp_path_factory.mktemp("yours"))
    text = SLOW.replace('    while not os.path.exists("go"):\n        pass\n', "")
    for one in (mine, yours):
        one.write(text)
        # Their own helpers write to their own folders; the step itself is the same.
        one.edit(str(one.path / "ran.txt"), str(folder.path / "ran.txt"))
    for one in (mine, yours):
        process_environment = {**one.environment, "PLAIT_HOME": str(folder.home)}
        import subprocess
        import sys

        subprocess.run(
            [sys.executable, "-m", "plait", "run", "flow.py", "-q", "--executor", "inline"],
            cwd=one.path,
            env=process_environment,
            check=True,
            timeout=60,
        )
    assert folder.count("slow") == folder.count("after") == 1
    first, second = reversed(folder.store.runs())
    assert second.task("slow").source == first.id
