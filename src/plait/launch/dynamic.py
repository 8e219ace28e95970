"""How does the body of a dynamic pipeline come to run beside the loop? What it gets, who hears it, what it may call."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from plait.data import Artifact, ArtifactStore
from plait.data.store import REFERENCES
from plait.engine.body import Body
from plait.engine.current import TaskContext
from plait.engine.dynamic import Dynamic
from plait.engine.fleet import Fleet
from plait.engine.keys import Keys
from plait.engine.task import Executor, StepSecret
from plait.errors import RecordError
from plait.executors.capture import Capture
from plait.graph.dynamic import Growing
from plait.graph.model import Graph
from plait.launch.hiding import Hider
from plait.project.project import Project
from plait.project.references import load_reference
from plait.record.calls import RecordedCalls
from plait.record.database import Database
from plait.record.views import Run

__all__ = ["listening", "make_dynamic"]


def make_dynamic(
    growing: Growing,
    signature: inspect.Signature,
    *,
    run_id: str,
    run_key: int,
    resumed: Run | None,
    params: dict[str, Any],
    inputs: dict[str, Artifact],
    store: ArtifactStore,
    database: Database,
    keys: Keys,
    fleet: Fleet,
    project: Project,
    capture: Capture,
    check: Callable[[Graph], None],
    store_literal: Callable[[str, Any], Artifact],
) -> Dynamic:
    """The body of a run that is recorded, with the calls that it made before, if any."""
    hider = Hider(project)
    own = copy.copy(store)  # another thread reads and writes with it
    own.read_reference = lambda artifact: load_reference(project, artifact)
    own.forbidden = hider.is_in
    body = Body(
        growing.functions[0],
        lambda: _arguments(signature, inputs, own, body, run_id),
        growing=growing,
        store=own,
        recorded=RecordedCalls(database, run_key) if resumed else RecordedCalls(),
        moments=RecordedCalls.moments(database, run_key) if resumed else {},
        inputs=inputs,
        check=check,
        wake=fleet.wake,
    )

    def context(attempt: int) -> TaskContext:
        return TaskContext(
            run_id=run_id,
            pipeline=growing.graph.name,
            step=growing.graph.nodes[0].id,
            path=(),
            attempt=attempt,
            params=params,
            store=own,
            keeper=capture,
            mask=hider.mask,
        )

    errors: Mapping[Any, BaseException] = getattr(fleet.main, "errors", {})
    return Dynamic(
        body,
        keys=keys,
        context=context,
        around=lambda: _whole_lines(capture),
        store_literal=store_literal,
        raised=errors.get,
        codes=resumed.closures if resumed else None,
        hidden=hider.struct,
        secret=lambda said: StepSecret(said, project.step_secret(said)[1].reveal()),
    )


def _arguments(
    signature: inspect.Signature,
    inputs: Mapping[str, Artifact],
    store: ArtifactStore,
    body: Body,
    run_id: str,
) -> dict[str, Any]:
    """What the body is called with: values of its own, and futures for what is read where it is used."""
    found: dict[str, Any] = {}
    for name, parameter in signature.parameters.items():
        artifact = inputs.get(name)
        if artifact is not None:
            found[name] = body.given(name) if artifact.format in REFERENCES else store.load(artifact)
        elif parameter.default is parameter.empty:
            raise RecordError(
                f"run {run_id} has no value for {name!r}, which the pipeline takes by now",
                hint="start a new run: what is the same comes from the cache",
            )
    return found


@contextmanager
def listening(executor: Executor, listener: Any, mask: Callable[[str], str] | None) -> Iterator[Capture]:
    """Keep what a body prints; it is shown where what steps print is shown."""
    capture = Capture(tee=getattr(executor, "tee", listener is None))
    capture.mask = mask
    capture.install()
    try:
        yield capture
    finally:
        capture.remove()


@contextmanager
def _whole_lines(capture: Capture) -> Iterator[None]:
    from plait.engine.current import active_task

    try:
        yield
    finally:
        task = active_task()
        if task is not None:
            capture.finish(task)
