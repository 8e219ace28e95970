"""How does a program follow a run? One JSON object per line for everything that happens."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import IO, Any

import msgspec

from plait.errors import PlaitError
from plait.graph.model import Graph, Path, task_name
from plait.record.facts import Advance, ErrorInfo, LogLine, Metric, Usage
from plait.record.views import Run

__all__ = ["EventLines", "error_object"]


class EventLines:
    """A listener that writes events; each is on its line, whole, as soon as it is committed."""

    def __init__(self, run: Run, stream: IO[str]) -> None:
        self._run = run
        self._stream = stream
        self._left = False
        self._graph = run.graph
        self._nodes = run.graph.nodes
        self._encode = msgspec.json.Encoder(enc_hook=str).encode
        self._write(
            event="run_started",
            at=run.started_at.timestamp(),
            run=run.id,
            pipeline=run.pipeline,
            target=run.target,
            executor=run.executor,
            params=run.params,
            steps=[node.id for node in self._nodes],
        )

    def task_started(self, node: int, path: Path, attempt: int) -> None:
        self._write(event="task_started", at=time.time(), **self._task(node, path), attempt=attempt)

    def task_ended(
        self, node: int, path: Path, state: str, usage: Usage, error: ErrorInfo | None, reason: str
    ) -> None:
        ran = usage.started_at > 0
        self._write(
            event="task_ended",
            at=usage.ended_at or time.time(),
            **self._task(node, path),
            state=state,
            seconds=max(0.0, usage.ended_at - usage.started_at) if ran else None,
            cpu_seconds=usage.cpu_seconds if ran else None,
            peak_memory=usage.peak_memory or None,
            worker=usage.worker or None,
            reason=reason or None,
            error=error_object(error),
        )

    def unfolded(self, scope: int, path: Path, items: int) -> None:
        steps = [self._nodes[node].id for node in self._graph.layout.subtree(scope)]
        self._write(event="unfolded", at=time.time(), steps=steps, path=path, items=items)

    def said(self, node: int, path: Path, lines: Sequence[LogLine], metrics: Sequence[Metric]) -> None:
        task = self._task(node, path)
        for line in lines:
            self._write(event="line", at=line.at, **task, stream=line.stream, text=line.text)
        for metric in metrics:
            place = {} if metric.at is None else {"place": metric.at}
            self._write(
                event="metric", at=metric.logged_at, **task, name=metric.name, value=metric.value, **place
            )

    def grown(self, graph: Graph) -> None:
        new = graph.nodes[len(self._nodes) :]
        self._graph, self._nodes = graph, graph.nodes
        if new:
            self._write(event="grown", at=time.time(), steps=[node.id for node in new])

    def advanced(self, node: int, path: Path, advance: Advance) -> None:
        task = self._task(node, path)
        self._write(event="progress", at=advance.said_at, **task, done=advance.done, total=advance.total)

    def interrupted(self) -> None:
        self._write(event="interrupted", at=time.time())

    def close(self) -> None:
        run = self._run
        try:
            run.refresh()
        except PlaitError:  # the store is out of reach; what stands there is all that can be said
            return
        self._write(
            event="run_ended",
            at=time.time(),
            run=run.id,
            status=run.status,
            seconds=run.seconds,
            reason=run.reason,
        )

    def _task(self, node: int, path: Path) -> dict[str, Any]:
        name = self._nodes[node].id
        return {"task": task_name(name, path), "step": name, "path": path}

    def _write(self, **event: Any) -> None:
        if self._left:
            return
        try:
            self._stream.write(self._encode(event).decode() + "\n")
            self._stream.flush()
        except BrokenPipeError:  # the run goes on all the same
            self._left = True


def error_object(error: ErrorInfo | None) -> dict[str, Any] | None:
    """An exception as JSON: type, message, frames (file, line, function, code, origin), notes and cause."""
    if error is None:
        return None
    return {
        "type": error.type,
        "message": error.message,
        "frames": [
            {
                "file": one.file,
                "line": one.line,
                "function": one.function,
                "code": one.code,
                "origin": one.origin,
            }
            for one in error.frames
        ],
        "notes": list(error.notes),
        "cause": error_object(error.cause),
    }
