"""What is there to see of one run as a whole? All of it that has a bounded size."""

from __future__ import annotations

import shlex
from typing import Any

import msgspec
from msgspec import Struct

from plait.graph.model import task_name
from plait.graph.values import Output
from plait.record.curves import MetricSummary, run_metrics
from plait.record.loglines import LogScope, line_count
from plait.record.paths import from_key
from plait.record.recipe import recipe_of, started_from_code
from plait.record.runrows import RunRow, run_rows, shorten
from plait.record.taskview import CheckRow, Package, Written, check_rows, written_in
from plait.record.valuerefs import ValueRef, output_refs
from plait.record.views import Run

__all__ = ["Can", "Checks", "Failure", "Packages", "Param", "RunOutput", "RunView", "packages_of", "run_view"]

_MOST_OUTPUTS = 100
_MOST_FAILURES = 20
_VALUE = 20_000


class Param(Struct, frozen=True):
    name: str
    value: Any
    origin: str | None


class RunOutput(Struct, frozen=True):
    """An output of a run by its name; ``task`` is None where many tasks made it."""

    name: str
    step: str
    task: str | None
    value: ValueRef


class Checks(Struct, frozen=True):
    passed: int
    failed: int
    warned: int
    items: list[CheckRow]


class Failure(Struct, frozen=True):
    """A task that failed; ``where`` is the innermost line of the user's own code."""

    task: str
    reason: str | None
    error_type: str | None
    where: str | None


class Can(Struct, frozen=True):
    """What can be done with a run; ``why_not`` says of the rest why it cannot."""

    cancel: bool
    resume: bool
    rerun: bool
    delete: bool
    why_not: dict[str, str]


class RunView(RunRow, frozen=True, kw_only=True):
    """A run as it stands in lists, and all else that there is of it."""

    target: str
    folder: str | None
    params: list[Param]
    facts: dict[str, Any]
    argv: str
    command: str
    resume_command: str | None
    python: str | None
    plait: str | None
    platform: str | None
    outputs: list[RunOutput]
    metrics: list[MetricSummary]
    checks: Checks
    datasets: list[Written]
    failures: list[Failure]
    children: list[str]
    log_lines: int
    can: Can


class Packages(Struct, frozen=True):
    items: list[Package]


def run_view(run: Run) -> RunView:
    (row,) = run_rows(run.store, [run.key])
    facts, origins = run.facts, run.origins
    resumable = row.status in ("failed", "cancelled", "crashed")
    return RunView(
        **{name: getattr(row, name) for name in RunRow.__struct_fields__},
        target=run.target,
        folder=facts.get("folder"),
        params=[Param(name, shorten(value, _VALUE), origins.get(name)) for name, value in run.params.items()],
        facts=facts,
        argv=shlex.join(map(str, facts.get("argv") or ())),
        command=run_command(run),
        resume_command=f"plait resume {run.id}" if resumable else None,
        python=facts.get("python"),
        plait=facts.get("plait"),
        platform=facts.get("platform"),
        outputs=_outputs(run),
        metrics=run_metrics(run),
        checks=_checks(run),
        datasets=written_in(run),
        failures=failures(run),
        children=[
            child[0]
            for child in run.store.database.rows(
                "SELECT id FROM run WHERE parent = ? ORDER BY started_at DESC LIMIT 20", (run.id,)
            )
        ],
        log_lines=line_count(LogScope(run)),
        can=_can(run, row),
    )


def run_command(run: Run) -> str:
    """What to type to run the same pipeline with the same parameters again."""
    return shlex.join(["plait", *recipe_of(run).words()])


def _can(run: Run, row: RunRow) -> Can:
    why_not: dict[str, str] = {}
    running = row.status == "running"
    if not running:
        why_not["cancel"] = f"it is {row.status}"
    if running:
        why_not["resume"] = "it is running"
    elif row.status == "done":
        why_not["resume"] = "it is done"
    if started_from_code(run):
        said = "it was started from Python, by a pipeline that no file can be asked for"
        why_not.setdefault("resume", said)
        why_not["rerun"] = said
    elif len(run.facts.get("selections") or ()) > 1:
        why_not["rerun"] = "it was of a part of a part of a pipeline, which is chosen in Python"
    if running:
        why_not["delete"] = "it is running"
    elif row.pinned:
        why_not["delete"] = "it is pinned"
    return Can(
        *("cancel" not in why_not, "resume" not in why_not, "rerun" not in why_not, "delete" not in why_not),
        why_not=why_not,
    )


def _outputs(run: Run) -> list[RunOutput]:
    layout = run.graph.layout
    counts = run.counts()
    found = []
    for name, (node, position) in list(layout.by_output.items())[:_MOST_OUTPUTS]:
        step = run.graph.nodes[node].id
        if layout.node_axes[node]:
            made = sum(counts[node].by_state.get(state, 0) for state in ("done", "cached"))
            reference = ValueRef("list", f"a list of {made}", items=made, from_task=step)
            found.append(RunOutput(name, step, None, reference))
            continue
        outputs = output_refs(run, node, ())
        if position < len(outputs):
            found.append(RunOutput(name, step, step, outputs[position].value))
    # What the pipeline returns stands first.
    result = run.graph.result
    chosen = (result.node, result.output) if isinstance(result, Output) else None
    found.sort(key=lambda one: layout.by_output[one.name] != chosen)
    return found


def _checks(run: Run) -> Checks:
    counts = {"passed": 0, "failed": 0, "warned": 0}
    for passed, severity, count in run.store.database.rows(
        "SELECT passed, severity, COUNT(*) FROM data_check WHERE run = ? GROUP BY passed, severity",
        (run.key,),
    ):
        kind = "passed" if passed else "failed" if severity == "error" else "warned"
        counts[kind] += count
    return Checks(**counts, items=check_rows(run))


def failures(run: Run, limit: int = _MOST_FAILURES) -> list[Failure]:
    """The first tasks that failed."""
    rows = run.store.database.rows(
        "SELECT node, path, reason, error FROM attempt WHERE run = ? AND state = 'failed'"
        f" AND state NOT IN ('done', 'cached') ORDER BY node, path LIMIT {int(limit)}",
        (run.key,),
    )
    return [_failure(run, *row) for row in rows]


def _failure(run: Run, node: int, key: bytes, reason: str | None, error: bytes | None) -> Failure:
    from plait.record.facts import ErrorInfo

    name = task_name(run.graph.nodes[node].id, from_key(key))
    if error is None:
        return Failure(name, reason, None, None)
    info = msgspec.msgpack.decode(error, type=ErrorInfo)
    frame = next((frame for frame in reversed(info.frames) if frame.origin == "user"), None)
    return Failure(name, reason or info.headline, info.type, f"{frame.file}:{frame.line}" if frame else None)


def packages_of(run: Run) -> Packages:
    """The distributions that were installed where the run ran."""
    return Packages([Package(name, version) for name, version in run.packages.items()])
