"""Does a step give the same again? It is run once more on what it was given, and the hashes are compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

from msgspec import Struct

from plait.data import Artifact, ArtifactStore
from plait.engine.task import Executor, Job, Report, TaskSpec
from plait.errors import PlaitError, RecordError, did_you_mean
from plait.graph.model import task_name
from plait.graph.pipeline import Definition
from plait.graph.slicing import meanings
from plait.launch.again import part_again, project_again
from plait.launch.asked import keys_of
from plait.launch.differing import where_differing
from plait.record.facts import ErrorInfo
from plait.record.store import RecordStore
from plait.record.tasks import parse_task
from plait.record.views import Run, Task

__all__ = ["OutputCheck", "TaskCheck", "Verified", "run_with_step", "verify"]


class OutputCheck(Struct, frozen=True):
    """One output then and now; ``places`` say where they differ, as far as that can be told."""

    name: str
    same: bool
    recorded: Artifact
    computed: Artifact | None
    places: tuple[str, ...] = ()


class TaskCheck(Struct, frozen=True):
    """One task run again: ``same``, ``different``, or ``failed`` when it raised this time."""

    task: str
    outcome: Literal["same", "different", "failed"]
    outputs: tuple[OutputCheck, ...] = ()
    error: ErrorInfo | None = None


class Verified(Struct, frozen=True):
    """What came of it.

    Args:
        code_changed: the step's code is no longer what it was: a difference may come from there.
        left_out: how many tasks of the step were not run again.
    """

    run: str
    step: str
    tasks: tuple[TaskCheck, ...]
    code_changed: bool
    left_out: int = 0

    @property
    def is_same(self) -> bool:
        return all(task.outcome == "same" for task in self.tasks)


def run_with_step(store: RecordStore, step: str) -> Run:
    """The latest run that has a result of a step.

    Raises:
        RecordError: there is none; the nearest step is named.
    """
    name, _ = parse_task(step)
    row = store.database.row(
        "SELECT MAX(n.run) FROM node n JOIN attempt a ON a.run = n.run AND a.node = n.node"
        " WHERE n.id = ? AND a.state IN ('done', 'cached')",
        (name,),
    )
    if row is None or row[0] is None:
        known = {found[0] for found in store.database.rows("SELECT DISTINCT id FROM node")}
        raise RecordError(f"no run has a result of a step {name!r}", hint=did_you_mean(name, known))
    return store.run_of_key(row[0])


def verify(run: Run, definition: Definition, step: str, *, executor: Executor, limit: int = 100) -> Verified:
    """Run the tasks of a step again on their recorded inputs, with the code as it is now.

    Nothing is recorded, and what comes out stays in the store only until the next collection.

    Args:
        step: a step (all of its tasks, the first ``limit``) or one task: ``fit``, ``fit[3]``.

    Raises:
        RecordError: the run has no such step, or no result of it; or the pipeline no longer calls it so.
    """
    definition = part_again(run, definition)
    node, tasks = _tasks(run, step)
    traced = definition.trace()
    there = traced.graph.find_node(run.graph.nodes[node].id)
    if there is None or traced.graph.nodes[there].args != run.graph.nodes[node].args:
        name = run.graph.nodes[node].id
        if there is None or meanings(traced.graph)[name] != meanings(run.graph)[name]:
            raise RecordError(
                f"the pipeline no longer calls {name} as it did in run {run.id}, so there is nothing to compare",
                hint=f"plait run {run.target}, then verify that run",
            )
    keys = keys_of(traced, run.store)
    chosen = traced.graph.nodes[there].step
    changed = run.closures.get(node) != keys.closure(there).digest
    splits = traced.graph.layout.splits[0]
    outputs = tuple(
        (name, splits.get((there, at), 0)) for at, name in enumerate(traced.graph.nodes[there].outputs)
    )
    specs = [
        TaskSpec(
            node,
            task.path,
            1,
            chosen,
            run.graph.nodes[node].id,
            run.results.arguments(node, task.path),
            outputs,
        )
        for task in tasks[:limit]
    ]
    project = project_again(run, definition)
    job = Job(
        run.id,
        run.pipeline,
        run.store.artifacts_url,
        (),
        run.params,
        project=project.spec if project.has_conf or project.stack.named else None,
    )
    reports = {report.path: report for report in _carry(executor, job, traced.functions, specs)}
    checks = tuple(_check(run, task, reports[task.path]) for task in tasks[:limit])
    return Verified(run.id, run.graph.nodes[node].id, checks, changed, max(0, len(tasks) - limit))


def _tasks(run: Run, step: str) -> tuple[int, list[Task]]:
    name, path = parse_task(step)
    node = run.graph.find_node(name)
    if node is None:
        raise RecordError(
            f"run {run.id} has no step {name!r}", hint=did_you_mean(name, run.graph.layout.by_id)
        )
    if not run.graph.nodes[node].is_step:
        raise RecordError(
            f"{name} is decided by the pipeline itself, from values that are there: there is nothing to run again",
            hint=f"plait why {run.id} {name}",
        )
    single = path or not run.graph.layout.node_axes[node]
    found = [run.task(step)] if single else list(run.iter_tasks(node))
    with_result = [task for task in found if task.state in ("done", "cached")]
    if not with_result:
        raise RecordError(f"run {run.id} has no result of {step}", hint=f"plait show {run.id}")
    return node, with_result


def _carry(executor: Executor, job: Job, functions: Sequence[Any], specs: list[TaskSpec]) -> Iterator[Report]:
    waiting = list(reversed(specs))
    left = len(specs)
    executor.start(job, functions)
    try:
        while left:
            room = min(executor.room(), len(waiting))
            if room > 0:
                executor.submit([waiting.pop() for _ in range(room)])
            for message in executor.wait(1.0):
                if isinstance(message, Report):
                    left -= 1
                    yield message
    except BaseException:
        executor.stop(now=True)
        raise
    executor.stop()


def _check(run: Run, task: Task, report: Report) -> TaskCheck:
    name = task_name(task.id, task.path)
    if report.error is not None:
        return TaskCheck(name, "failed", (), report.error)
    found: list[OutputCheck] = []
    for (output, recorded), computed in zip(task.artifacts.items(), report.artifacts, strict=False):
        same = recorded.id == computed.id
        places = () if same else _places(run.store.artifacts, recorded, computed)
        found.append(OutputCheck(output, same, recorded, computed, places))
    return TaskCheck(name, "same" if all(one.same for one in found) else "different", tuple(found))


def _places(store: ArtifactStore, old: Artifact, new: Artifact) -> tuple[str, ...]:
    try:
        return tuple(where_differing(store.load(old), store.load(new)))
    except PlaitError as error:  # the recorded value is gone: that it differs is known all the same
        return (error.what,)
