"""How does a program read a run? As one JSON object."""

from __future__ import annotations

from typing import Any

from plait.data import Artifact
from plait.display.checks import check_objects
from plait.display.events import error_object
from plait.display.steps import progress_of
from plait.errors import PlaitError
from plait.graph.model import task_name
from plait.record.results import DictArg, ListArg, Plain, Stored, Tree
from plait.record.views import Run

__all__ = ["run_document"]


def run_document(run: Run) -> dict[str, Any]:
    """Everything that is recorded of a run but the lines of its logs and the values themselves."""
    return {
        "id": run.id,
        "pipeline": run.pipeline,
        "target": run.target,
        "status": run.status,
        "reason": run.reason,
        "started_at": run.started_at.isoformat(),
        "ended_at": run.ended_at.isoformat() if run.ended_at else None,
        "seconds": run.seconds,
        "executor": run.executor,
        "facts": run.facts,
        "packages": run.packages,
        "params": [
            {"name": name, "value": value, "origin": run.origins.get(name)}
            for name, value in run.params.items()
        ],
        "steps": _steps(run),
        "tasks": [_task(task) for task in run.iter_tasks()],
        "metrics": [
            {"task": task_name(run.graph.nodes[node].id, path), "values": values}
            for (node, path), values in run.last_metrics().items()
        ],
        "checks": check_objects(run),
        "outputs": {name: _output(run, name) for name in run.outputs},
        "graph": _raw_json(run.graph.to_json()),
    }


def _steps(run: Run) -> list[dict[str, Any]]:
    return [
        {
            "id": node.id,
            "step": run.graph.steps[node.step].name,
            "state": progress.state,
            "mapped": progress.mapped,
            "total": progress.total,
            "counts": progress.counts,
            "seconds": progress.elapsed,
            "longest": progress.longest,
            "progress": _progress(
                (progress.advance.done, progress.advance.total) if progress.advance else None
            ),
            "outputs": list(node.outputs),
        }
        for node, progress in zip(run.graph.nodes, progress_of(run), strict=True)
    ]


def _task(task: Any) -> dict[str, Any]:
    return {
        "task": task.name,
        "state": task.state,
        "attempt": task.attempt,
        "seconds": task.seconds,
        "cpu_seconds": task.cpu_seconds,
        "peak_memory": task.peak_memory,
        "worker": task.worker,
        "reason": task.reason,
        "progress": _progress(task.progress) if task.state == "running" else None,
        "error": error_object(task.error),
    }


def _progress(said: tuple[float, float | None] | None) -> dict[str, float | None] | None:
    """How far a task said that it is."""
    return None if said is None else {"done": said[0], "total": said[1]}


def _output(run: Run, name: str) -> Any:
    try:
        return _tree(run.results.tree(run.output(name)))
    except PlaitError:
        return None


def _tree(tree: Tree) -> Any:
    match tree:
        case Plain(value=value):
            return {"value": value}
        case Stored(artifact=artifact):
            return _artifact(artifact)
        case ListArg(items=items):
            return [_tree(item) for item in items]
        case DictArg(items=pairs):
            return {key: _tree(item) for key, item in pairs}


def _artifact(artifact: Artifact) -> dict[str, Any]:
    return {"artifact": artifact.id, "type": artifact.type, "size": artifact.size, "meta": artifact.meta}


def _raw_json(text: bytes) -> Any:
    import msgspec

    return msgspec.Raw(text)
