"""Does every executor keep the same promises?"""

from __future__ import annotations

import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from executors import promised as steps
from executors.adapters import ADAPTERS, Adapter, Engine
from executors.promises import promise, shown

from plait import each, either, get_run, list_runs, otherwise, pipeline, when
from plait.errors import ParameterError
from plait.launch.cancel import cancel

OTHER_THAN = {"inline": "processes"}
"""What the rest of a run is on, where some steps name an executor; ``inline`` for the others."""


class RunIt:
    """Runs pipelines on one executor.

    Attributes:
        options: of every step that says ``run_it.step(…)``, as the promise needs them on this executor.
    """

    def __init__(self, adapter: Adapter, engine: Engine, note: Callable[[str], None]) -> None:
        self.adapter = adapter
        self.engine = engine
        self.options: dict[str, Any] = {}
        self._note = note

    def __call__(self, function: Callable[..., Any], executor: str | None = None, **params: Any) -> Any:
        return pipeline(function).run(
            executor=executor, raise_on_failure=False, progress=False, step_options={}, **params
        )

    def step(self, one: Any) -> Any:
        return one.with_(**self.options) if self.options else one

    def note(self, way: Any) -> None:
        self._note(shown(way))

    def recorded(self) -> list[Any]:
        return list_runs() if Path(os.environ["PLAIT_HOME"], "records.db").exists() else []


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Adapter], Engine]]:
    """The engines of these tests, each started when the first of them needs it."""
    with ExitStack() as running:
        known: dict[str, Engine] = {}

        def engine(adapter: Adapter) -> Engine:
            if adapter.name not in known:
                folder = tmp_path_factory.mktemp(adapter.name)
                os.environ["PLAIT_CODE"] = str(tmp_path_factory.getbasetemp() / "code")
                known[adapter.name] = running.enter_context(adapter.start(folder))
            return known[adapter.name]

        yield engine
        os.environ.pop("PLAIT_CODE", None)


@pytest.fixture(
    params=[
        pytest.param(one, id=one.name, marks=[pytest.mark.engine_slow] if one.is_slow else [])
        for one in ADAPTERS
    ]
)
def run_it(
    request: pytest.FixtureRequest,
    engines: Callable[[Adapter], Engine],
    home: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> RunIt:
    adapter: Adapter = request.param
    engine = engines(adapter)
    conf = tmp_path / "conf" / "base"
    conf.mkdir(parents=True)
    (conf / "stack.yml").write_text(yaml.safe_dump({"executor": engine.options}))
    monkeypatch.setenv("PLAIT_CONF", str(conf.parent))
    for name, value in engine.environ.items():
        monkeypatch.setenv(name, value)
    name = request.function.__name__

    def note(outcome: str) -> None:
        record_property("promise", json.dumps([name, adapter.name, outcome]))

    return RunIt(adapter, engine, note)


def texts(run: Any, task: str) -> list[str]:
    return [line.text for line in run.task(task).logs()]


def until(ready: Callable[[], Any], seconds: float = 60.0) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = ready()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds:.0f} s")


def has_stopped(folder: Path) -> bool:
    """Whether a task is over, or what it has started, that writes to a file as long as it lives."""
    beats = folder / "beats"
    size = beats.stat().st_size if beats.exists() else 0
    time.sleep(0.5)
    return size == (beats.stat().st_size if beats.exists() else 0)


def beside(work: Callable[[], Any]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


@promise("A map is a task for each element, and nested lists nest; a gathered result is in order.")
def test_maps(run_it: RunIt) -> None:
    def p(n: int) -> Any:
        lists = steps.rows(n)
        squares = steps.square(each(each(lists)))
        return [steps.add(squares), squares]

    run = run_it(p, n=3)
    assert run.status == "done", run.reason
    assert run.result == [6, [[0], [0, 1], [0, 1, 4]]]


@promise("Of a branch one side runs.")
def test_branches(run_it: RunIt) -> None:
    def p(x: int) -> Any:
        found = steps.square(x)
        with when(found > 5):
            large = steps.give("large")
        with otherwise():
            small = steps.give("small")
        return either(large, small)

    run = run_it(p, x=3)
    assert run.result == "large"
    assert {task.name: task.state for task in run.tasks if task.name.startswith("give")} == {
        "give": "done", "give_2": "skipped",
    }  # fmt: skip


@promise("The body of a dynamic pipeline decides with values of tasks.")
def test_dynamic_pipelines(run_it: RunIt) -> None:
    @pipeline(dynamic=True)
    def p(n: int) -> Any:
        found = steps.square(n).result()
        return [steps.give(found + x).result() for x in range(2)]

    run = p.run(n=2, progress=False)
    assert run.result == [4, 5]


@promise("A try that failed is followed by another, after its wait; each has its log.")
def test_retries(run_it: RunIt) -> None:
    def p(x: int) -> Any:
        return steps.third_time(x)

    run = run_it(p, x=1)
    assert run.result == 4
    attempts = run.task("third_time").attempts
    assert [one.state for one in attempts] == ["retried", "retried", "done"]
    assert [[line.text for line in one.logs()] for one in attempts] == [[f"attempt {n}"] for n in (1, 2, 3)]
    assert attempts[1].started_at - attempts[0].ended_at >= 0.15


@promise(
    "`timeout`: a task that runs too long is ended with all that it started, and the line where it was is told."
)
def test_timeouts(run_it: RunIt, tmp_path: Path) -> None:
    def p(folder: str) -> Any:
        return [steps.takes_too_long(folder), steps.give(1)]

    run = run_it(p, folder=str(tmp_path))
    assert [task.state for task in run.tasks] == ["failed", "done"]
    error = run.task("takes_too_long").error
    assert "TimeoutError" in error.kinds
    assert error.message.startswith("timed out: it ran for longer than timeout=1s; it was in stay_here")
    assert has_stopped(tmp_path)


@promise("A run that is cancelled ends what runs, and begins no more.")
def test_cancelling(run_it: RunIt, tmp_path: Path) -> None:
    def p(folder: str) -> Any:
        return steps.long.with_(cpus=1)(folder, each([1, 2, 3, 4, 5, 6, 7, 8]))

    def end_it() -> None:
        until(lambda: list(tmp_path.glob("began-*")) and (tmp_path / "beats").exists())
        cancel(list_runs()[0], by="a test")

    ending = beside(end_it)
    began = time.monotonic()
    run = run_it(p, folder=str(tmp_path))
    ending.join()
    assert time.monotonic() - began < 120
    assert run.status == "cancelled"
    assert run.reason.startswith("cancelled by")
    until(lambda: has_stopped(tmp_path), 20)
    begun = len(list(tmp_path.glob("began-*")))
    time.sleep(0.5)
    assert len(list(tmp_path.glob("began-*"))) == begun


@promise("`memory`: a task that holds more is ended as out of memory, and its next try may hold more.")
def test_memory(run_it: RunIt) -> None:
    def p(megabytes: int) -> Any:
        return steps.hold(megabytes)

    run = run_it(p, megabytes=400)
    assert run.result == 400, run.reason
    first, second = run.task("hold").attempts
    assert (first.state, second.state) == ("retried", "done")
    assert "MemoryError" in first.error.kinds
    assert "memory=200MiB" in first.error.message


@promise("A worker that dies under a task costs a try; what the task had said is there.")
def test_a_worker_that_dies(run_it: RunIt) -> None:
    def p(x: int) -> Any:
        return run_it.step(steps.die_once)(each([x, 2, 3]))

    run = run_it(p, x=1)
    assert run.result == [2, 3, 4], run.reason
    first, second = run.task("die_once[0]").attempts
    assert (first.state, second.state) == ("retried", "done")
    assert first.error.kinds[0] == "WorkerLost"
    assert [line.text for line in first.logs()] == ["last words"]


@promise("A worker that is killed from outside costs a try and nothing else.")
def test_a_worker_that_is_killed(run_it: RunIt, tmp_path: Path) -> None:
    def p(folder: str) -> Any:
        return [run_it.step(steps.be_killed_once)(folder), steps.square(each([1, 2]))]

    def kill() -> None:
        until((tmp_path / "pid").exists)
        run_it.engine.kill(int((tmp_path / "pid").read_text()))

    killing = beside(kill)
    run = run_it(p, folder=str(tmp_path))
    killing.join()
    assert run.result == [2, [1, 4]], run.reason
    assert [one.state for one in run.task("be_killed_once").attempts] == ["retried", "done"]


@promise("What a task prints and logs is kept with it, by stream; its metrics are series.")
def test_logs_and_metrics(run_it: RunIt, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    def p() -> Any:
        return steps.talk(each([0, 1]))

    run = run_it(p)
    for n in (0, 1):
        assert [(line.stream, line.text) for line in run.task(f"talk[{n}]").logs()] == [
            ("out", f"out {n}"),
            ("err", f"err {n}"),
            ("INFO", f"mine: info {n}"),
        ]
    points = sorted((one.task, one.at, one.value) for one in run.metric_points())
    assert points == [("talk[0]", 0, 0.0), ("talk[0]", 1, 0.0), ("talk[1]", 0, 1.0), ("talk[1]", 1, 0.5)]


@promise("Lines, metrics and progress of a task arrive while it runs.")
def test_live(run_it: RunIt, tmp_path: Path) -> None:
    seen: list[Any] = []

    def p(folder: str) -> Any:
        return steps.tell_and_wait(folder)

    def look() -> None:
        def told() -> Any:
            run = next(iter(run_it.recorded()), None)
            task = next(iter(run.tasks), None) if run is not None else None
            if task is None or task.state != "running" or not task.logs():
                return None
            points = [one.value for one in run.metric_points()]
            return (texts(run, task.name), points, task.progress) if points and task.progress else None

        try:
            seen.append(until(told))
        finally:
            (tmp_path / "go").touch()

    looking = beside(look)
    run = run_it(p, folder=str(tmp_path))
    looking.join()
    assert run.result == 1
    assert seen == [(["in the middle"], [0.5], (1, 2))]
    assert texts(run, "tell_and_wait") == ["in the middle"]


@promise("`secrets`: they are there in that task only, and masked wherever it says them.")
def test_secrets(run_it: RunIt, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAIT_TEST_TOKEN", "sesame-open-42")

    def p() -> Any:
        length = steps.use_secret()
        return [length, steps.variable("TOKEN", length), steps.spill_secret()]

    run = run_it(p)
    assert run["use_secret"] == 14
    assert run["variable"] is None
    assert texts(run, "use_secret") == ["the token is ***"]
    assert run.task("spill_secret").error.message == "bad token ***"
    kept = [file.read_bytes() for file in Path(os.environ["PLAIT_HOME"]).rglob("*") if file.is_file()]
    assert not any(b"sesame-open-42" in one for one in kept)


@promise("`env`: variables are there in that task only.")
def test_variables(run_it: RunIt) -> None:
    def p() -> Any:
        found = steps.colour()
        return [found, steps.variable("COLOUR", found)]

    assert run_it(p).result == ["blue", None]
    assert "COLOUR" not in os.environ


@promise("`workdir`: the task works there, and that one only.")
def test_workdir(run_it: RunIt, tmp_path: Path) -> None:
    def p() -> Any:
        there = steps.folder_here.with_(workdir=str(tmp_path))()
        return [there, steps.folder_here(there)]

    there, after = run_it(p).result
    assert there == str(tmp_path)
    assert after != there


@promise("`cpus`: no more tasks at once than there are cores for.")
def test_cores(run_it: RunIt) -> None:
    def p() -> Any:
        return steps.wide(each([1, 2, 3, 4]))

    run = run_it(p)
    assert run.status == "done", run.reason
    times = sorted(run.result)
    for began, _ in times:
        assert 2 * sum(start <= began < end for start, end in times) <= run_it.engine.cores


@promise("`gpus`: they are handed out by name, and never to two tasks at once.")
def test_gpus(run_it: RunIt) -> None:
    def p() -> Any:
        return steps.on_gpu(each([1, 2, 3]))

    run = run_it(p)
    assert run.status == "done", run.reason
    for gpu, machine in {(name, there) for name, _, _, there in run.result}:
        times = sorted((row[1], row[2]) for row in run.result if (row[0], row[3]) == (gpu, machine))
        assert all(before[1] <= after[0] for before, after in pairwise(times))
        assert gpu in ("4", "7", "0", "1")


@promise("`isolated`: a process for the task alone.")
def test_isolated(run_it: RunIt) -> None:
    def p() -> Any:
        return steps.alone(each([1, 2, 3]))

    assert len(set(run_it(p).result)) == 3


@promise("`nodes`: several machines do one task, and know their rank and each other.")
def test_gangs(run_it: RunIt) -> None:
    def p() -> Any:
        return steps.together()

    run = run_it(p)
    assert run.status == "done", run.reason
    rank, peers = run.result
    assert rank == 0
    assert len(peers) == 2
    assert all(peers)
    assert sorted(texts(run, "together")) == ["[1] here", "here"]


@promise("More cores than there are, is an error before the run.")
def test_too_much(run_it: RunIt) -> None:
    def p() -> Any:
        return steps.wide.with_(cpus=4096)(1)

    with pytest.raises(ParameterError, match="wide asks for cpus=4096, and there is"):
        run_it(p)
    assert run_it.recorded() == []


@promise("A value of 200 MB goes from task to task.")
def test_large_values(run_it: RunIt) -> None:
    def p(megabytes: int) -> Any:
        return steps.ends_of(steps.large(megabytes))

    run = run_it(p, megabytes=200)
    assert run.result == [0, 24_999_999, 200_000_000], run.reason


@promise("A step's own error is told with its type, cause, notes, and the user's line.")
def test_errors(run_it: RunIt) -> None:
    def p() -> Any:
        return [steps.fail(7), steps.give(1)]

    run = run_it(p)
    assert [task.state for task in run.tasks] == ["failed", "done"]
    error = run.task("fail").error
    assert error.headline == "ValueError: nothing for 7"
    assert error.notes == ("a note",)
    assert error.cause.headline == "KeyError: 7"
    frame = error.frames[-1]
    lines = Path(steps.__file__).read_text().splitlines()
    assert (frame.function, frame.origin, frame.code) == ("fail", "user", "raise raised from error")
    assert lines[frame.line - 1].strip() == frame.code
    assert Path(frame.file).name == "promised.py"


@promise("What a task has put aside is there for its next try.")
def test_checkpoints(run_it: RunIt, tmp_path: Path) -> None:
    def p(folder: str) -> Any:
        return steps.count_on(folder)

    run = run_it(p, folder=str(tmp_path))
    assert run.result == [0, 1, 2, 3]
    assert [one.logs()[0].text for one in run.task("count_on").attempts] == [
        "begins with []", "begins with [0, 1]",
    ]  # fmt: skip


@promise("A result that was computed there is in the cache for every other executor.")
def test_one_cache(run_it: RunIt) -> None:
    def p() -> Any:
        return steps.add(steps.square(each([1, 2])))

    first = run_it(p)
    assert first.result == 5
    second = run_it(p, executor=OTHER_THAN.get(run_it.adapter.name, "inline"))
    assert second.result == 5
    assert {task.state for task in second.tasks} == {"cached"}


@promise("Steps of one run use several executors: `executor` of a step.")
def test_mixed_executors(run_it: RunIt) -> None:
    main = OTHER_THAN.get(run_it.adapter.name, "inline")

    def p() -> Any:
        rows = steps.rows(2)
        there = steps.square.with_(executor=run_it.adapter.name)(each(steps.add(each(rows))))
        return [there, steps.add(there)]

    run = run_it(p, executor=main)
    assert run.result == [[0, 1], 1], run.reason
    workers = {task.name: task.worker for task in run.tasks}
    assert workers["square[0]"] != workers["add_2"] or run_it.adapter.name == main


@promise(
    "The code travels: nothing but Python and plait is installed there, and the run records which code it was."
)
def test_code_travels(run_it: RunIt) -> None:
    def p() -> Any:
        return steps.where_its_code_is()

    run = run_it(p)
    assert run.status == "done", run.reason
    assert Path(run.result).name == "promised.py"
    assert Path(run.result) != Path(steps.__file__)
    assert get_run(run.id).code
