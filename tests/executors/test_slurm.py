"""Does a Slurm cluster end tasks in its own ways, and is each of them named?"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from executors import promised as steps

from plait import each, get_run, pipeline
from plait.engine.task import Gang, TaskSpec
from plait.errors import PlaitError
from plait.executors.remote import encode_spec
from plait.executors.slurm_commands import Slurm as Commands
from plait.executors.slurm_commands import limit_words
from plait.executors.slurm_node import with_peers
from tests.services import wait_until
from tests.services.slurm import Slurm, slurm_cluster

on_cluster = pytest.mark.engine_slow


@pytest.fixture(scope="module")
def cluster() -> Iterator[Slurm]:
    with slurm_cluster() as one:
        yield one


@pytest.fixture
def run(cluster: Slurm, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    for name, value in cluster.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PLAIT_CODE", str(tmp_path / "code"))

    def start(function: Any, options: dict[str, Any] | None = None, **params: Any) -> Any:
        given = {"type": "slurm", "python": sys.executable, "look_every": "0.3s", **(options or {})}
        return pipeline(function).run(
            executor={"folder": str(tmp_path / "jobs"), **given},
            raise_on_failure=False,
            progress=False,
            **params,
        )

    return start


def beside(work: Callable[[], Any]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


@on_cluster
def test_a_map_is_an_array(run: Callable[..., Any], cluster: Slurm) -> None:
    def p() -> Any:
        return steps.square(each([1, 2, 3]))

    made = run(p)
    assert made.result == [1, 4, 9]
    jobs: list[list[str]] = []

    def accounted() -> bool:
        said = cluster("sacct", "-X", "-n", "-P", "--format=JobID,JobName,State").splitlines()
        jobs[:] = [line.split("|") for line in said if f"|plait.{made.id}." in line]
        return len(jobs) == 3

    wait_until(accounted, what="the accounting")
    assert {name for _, name, _ in jobs} == {f"plait.{made.id}.square"}
    assert sorted(job.partition("_")[2] for job, _, _ in jobs) == ["0", "1", "2"]
    assert len({job.partition("_")[0] for job, _, _ in jobs}) == 1


@on_cluster
def test_the_limit_of_a_partition_is_named(run: Callable[..., Any], tmp_path: Path) -> None:
    def p(folder: str) -> Any:
        return steps.long(folder, 1)

    made = run(p, {"partition": "short", "time": "1s"}, folder=str(tmp_path))
    error = made.task("long").error
    assert error.kinds[0] == "WorkerLost"
    assert "TIMEOUT" in error.message
    assert "on n1" in error.message


@on_cluster
def test_a_node_that_is_lost_costs_a_try(run: Callable[..., Any], cluster: Slurm, tmp_path: Path) -> None:
    def p(folder: str) -> Any:
        return steps.be_killed_once(folder)

    lost: list[str] = []

    def lose() -> None:
        wait_until((tmp_path / "pid").exists)
        lost.append(cluster("squeue", "-h", "-t", "R", "-o", "%N").split()[0])
        cluster.kill_node(lost[0])

    losing = beside(lose)
    made = run(p, folder=str(tmp_path))
    losing.join()
    assert made.result == 2, made.reason
    first, second = made.task("be_killed_once").attempts
    assert (first.state, second.state) == ("retried", "done")
    assert "NODE_FAIL" in first.error.message
    cluster.start_node(lost[0])


@on_cluster
def test_a_job_that_an_administrator_cancels_says_so(
    run: Callable[..., Any], cluster: Slurm, tmp_path: Path
) -> None:
    def p(folder: str) -> Any:
        return steps.long(folder, 1)

    def end() -> None:
        wait_until((tmp_path / "began-1").exists)
        cluster("scancel", *cluster("squeue", "-h", "-o", "%i").split())

    ending = beside(end)
    made = run(p, folder=str(tmp_path))
    ending.join()
    assert "CANCELLED" in made.task("long").error.message


@on_cluster
def test_what_slurm_itself_ends_for_its_memory_is_out_of_memory(
    run: Callable[..., Any], cluster: Slurm
) -> None:
    if not cluster.minds_memory:
        pytest.skip("Slurm minds memory by cgroups, which cannot be written here")

    def p() -> Any:
        return steps.hold.with_(memory=None)(800)

    made = run(p, {"sbatch": ["--mem=300M"]})
    error = made.task("hold").error
    assert error.type == "OutOfMemory", error
    assert "MemoryError" in error.kinds


@on_cluster
def test_a_wrong_partition_is_an_error_before_the_run_in_slurms_words(
    run: Callable[..., Any], home: Path
) -> None:
    def p() -> Any:
        return steps.give(1)

    with pytest.raises(PlaitError, match=r"sbatch: .*[Ii]nvalid partition"):
        run(p, {"partition": "nowhere"})
    assert not (home / "records.db").exists()


@on_cluster
def test_a_folder_that_cannot_be_written_is_an_error_before_the_run(
    run: Callable[..., Any], home: Path
) -> None:
    def p() -> Any:
        return steps.give(1)

    with pytest.raises(PlaitError, match="the folder that the nodes share cannot be written"):
        run(p, {"folder": "/proc/plait"})
    assert not (home / "records.db").exists()


@on_cluster
def test_a_controller_that_is_away_for_a_while_is_waited_for(
    run: Callable[..., Any], cluster: Slurm, tmp_path: Path
) -> None:
    def p(folder: str) -> Any:
        return steps.square(each([steps.tell_and_wait(folder), 2]))

    runs: list[Any] = []
    running = beside(lambda: runs.append(run(p, folder=str(tmp_path))))
    wait_until(lambda: list((tmp_path / "jobs").glob("*/answers/*")))
    cluster.stop_controller()
    (tmp_path / "go").touch()  # what runs ends without it, and what comes then cannot be submitted
    wait_until(lambda: list((tmp_path / "jobs").glob("*/tasks/2.0")))
    time.sleep(12)
    cluster.start_controller()  # in this thread: a server ends with the one that starts it
    running.join()
    (made,) = runs
    assert made.result == [1, 4], made.reason
    assert {len(task.attempts) for task in made.tasks} == {1}
    warned = [line.text for task in made.tasks for line in task.logs() if line.stream == "WARNING"]
    assert any("Unable to contact slurm controller" in text for text in warned), warned


@on_cluster
def test_what_a_controller_takes_without_an_answer_is_not_submitted_again(
    run: Callable[..., Any], cluster: Slurm, tmp_path: Path
) -> None:
    def p(folder: str) -> Any:
        first = steps.tell_and_wait(folder)
        return [steps.square(first), steps.add([first, 2])]

    def submitting() -> bool:
        words = [one.cmdline() for one in psutil.Process().children(recursive=True)]
        return any(one[:2] == ["sbatch", "--parsable"] for one in words)

    def be_slow() -> None:
        wait_until(lambda: list((tmp_path / "jobs").glob("*/answers/*")))
        cluster.controller.send_signal(signal.SIGSTOP)
        (tmp_path / "go").touch()
        wait_until(submitting)
        wait_until(
            lambda: not submitting()
        )  # it has given up, and what it asked for is in the controller's ears
        cluster.controller.send_signal(signal.SIGCONT)

    slowing = beside(be_slow)
    made = run(p, folder=str(tmp_path))
    slowing.join()
    assert made.result == [1, 3], made.reason
    assert {len(task.attempts) for task in made.tasks} == {1}
    said = cluster("squeue", "-h", "--array", "--states=all", "-o", "%i %j").splitlines()
    assert len([line for line in said if f"plait.{made.id}." in line]) == 3, said


@on_cluster
def test_no_plait_on_the_nodes_is_said(run: Callable[..., Any], tmp_path: Path) -> None:
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    bare.chmod(0o755)

    def p() -> Any:
        return steps.give(1)

    made = run(p, {"python": str(bare)})
    assert "there is no plait for" in made.task("give").error.message
    assert "pip install plait==" in made.task("give").error.message


@on_cluster
def test_only_the_user_may_read_what_tasks_need_and_nothing_is_left(
    run: Callable[..., Any], tmp_path: Path
) -> None:
    seen: list[Any] = []

    def p(folder: str) -> Any:
        return steps.tell_and_wait(folder)

    def look() -> None:
        wait_until(lambda: list((tmp_path / "jobs").glob("*/answers/*")))
        (folder,) = (tmp_path / "jobs").iterdir()
        seen.extend(one.stat().st_mode & 0o077 for one in (folder, folder / "job", *folder.glob("tasks/*")))
        (tmp_path / "go").touch()

    looking = beside(look)
    made = run(p, folder=str(tmp_path))
    looking.join()
    assert made.result == 1
    assert len(seen) == 3
    assert set(seen) == {0}
    assert list((tmp_path / "jobs").iterdir()) == []


@on_cluster
def test_the_check_of_a_stack_runs_a_task_there(
    cluster: Slurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in cluster.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PLAIT_CODE", str(tmp_path / "code"))
    conf = tmp_path / "conf" / "base"
    conf.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text("[tool.plait]\n")
    (conf / "stack.yml").write_text(
        f"executor: {{type: slurm, python: {sys.executable}, look_every: 0.3s}}\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "plait", "stack", "check"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "ran a task on" in done.stdout


DRIVER = """
import sys
sys.path.insert(0, {tests!r})
from executors import promised as steps
from plait import pipeline

@pipeline
def p(folder: str):
    return steps.be_killed_once(folder)

if __name__ == "__main__":
    p.run(folder={folder!r}, executor={executor!r}, progress=False)
"""


@on_cluster
def test_jobs_of_a_driver_that_was_killed_are_ended_when_the_run_goes_on(
    run: Callable[..., Any], cluster: Slurm, home: Path, tmp_path: Path
) -> None:
    executor = {
        "type": "slurm", "python": sys.executable, "look_every": "0.3s", "folder": str(tmp_path / "jobs"),
    }  # fmt: skip
    script = tmp_path / "driver.py"
    tests = str(Path(__file__).parents[1])
    script.write_text(textwrap.dedent(DRIVER.format(tests=tests, folder=str(tmp_path), executor=executor)))
    driver = subprocess.Popen([sys.executable, str(script)])
    wait_until((tmp_path / "pid").exists)
    left = cluster(
        "squeue", "-h", "-t", "R", "-o", "%i"
    ).split()  # those of tests before may still be completing
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    assert cluster("squeue", "-h", "-t", "R", "-o", "%i").split() == left != []
    from plait import resume

    made = get_run(home=home)
    wait_until(lambda: get_run(home=home).status == "crashed", 90)
    again = resume(made.id, executor=executor, progress=False)
    assert again.result == 2
    first = Path("/proc", (tmp_path / "pid").read_text())
    wait_until(lambda: not first.exists(), what="the end of the first try")
    ended = cluster("sacct", "-X", "-n", "-P", f"--jobs={left[0]}", "--format=State")
    assert ended.startswith("CANCELLED")


def test_resources_in_slurms_words() -> None:
    assert limit_words({"cpus": 0.5}) == ["--cpus-per-task=1"]
    words = limit_words({"cpus": 2.5, "memory": 3 * 2**30 + 1, "seconds": 61})
    assert words == ["--cpus-per-task=3", "--mem=3073M", "--time=2"]


def test_a_task_of_one_node_is_left_as_it_is() -> None:
    spec = TaskSpec(0, (), 1, 0, "a", (), ())
    assert with_peers(encode_spec(spec), {"SLURM_JOB_NODELIST": "n[1-2]"}) == encode_spec(spec)
    known = TaskSpec(0, (), 1, 0, "a", (), (), gang=Gang(0, ("x", "y")))
    assert with_peers(encode_spec(known), {"SLURM_JOB_NODELIST": "n[1-2]"}) == encode_spec(known)


def test_without_slurm_it_is_said_where_to_run(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.path.dirname(sys.executable))
    with pytest.raises(
        PlaitError, match="needs Slurm's command sbatch, which is not on this machine"
    ) as caught:
        Commands().check([])
    assert "login node" in (caught.value.hint or "")
