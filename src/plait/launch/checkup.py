"""Does each component of a stack really answer? An object is written and read, a row too, and a task is run."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator

from msgspec import Struct

from plait.data import Artifact, ArtifactStore
from plait.engine.task import Job, Report, TaskSpec
from plait.errors import PlaitError, StoreError
from plait.executors import make_executor
from plait.launch.abroad import pack_abroad
from plait.project.components import Component
from plait.project.project import Project
from plait.record.beginnings import beginning

__all__ = ["Checkup", "check_stack"]

_OBJECT_BYTES = 64 * 1024
_TASK_SECONDS = 300.0


class Checkup(Struct, frozen=True):
    """How one component answered.

    Args:
        said: what was done, or what went wrong.
        hint: what to do about it.
    """

    kind: str
    type: str
    is_well: bool
    said: str
    hint: str = ""
    seconds: float = 0.0


def check_stack(project: Project) -> Iterator[Checkup]:
    """Reach every component, one after the other; what fails does not keep the others from being reached."""
    for one in project.stack:
        yield _checked(one, lambda one=one: _REACH.get(one.kind, _reach_other)(project, one))  # type: ignore[misc]


def _checked(component: Component, reach: Callable[[], str]) -> Checkup:
    began = time.monotonic()
    try:
        said, hint, well = reach(), "", True
    except PlaitError as error:
        said, hint, well = error.what, error.hint or "", False
    except Exception as error:  # noqa: BLE001 - whatever a component raises is the answer
        said, hint, well = f"{type(error).__name__}: {error}", "", False
    return Checkup(component.kind, component.type, well, said, hint, time.monotonic() - began)


def _reach_artifacts(project: Project, component: Component) -> str:
    store: ArtifactStore = component.open(project)
    artifact = store.save(secrets.token_bytes(_OBJECT_BYTES), "the object of the check")
    try:
        fault = store.check(artifact)
        if fault is not None:
            raise StoreError(fault, hint="what was written is not what can be read: look at the store itself")
        listed = any(blob == part.id for part in artifact.parts for blob, _, _ in store.blobs())
    finally:
        for part in (*artifact.parts, artifact.head_part):
            if part is not None:
                store.delete(part.id)
    if not listed:
        raise StoreError(
            f"{store.url} does not list what was written", hint="let it be listed: plait gc needs that"
        )
    return f"wrote, read, listed and deleted an object in {store.url}"


def _reach_records(project: Project, component: Component) -> str:
    database = component.open(project, create=True)
    with beginning(database):
        pass
    row = database.row("SELECT COUNT(*) FROM run")
    count = row[0] if row else 0
    return f"wrote, read and deleted a row in {database.place}; runs there: {count}"


def _reach_executor(project: Project, component: Component) -> str:
    executor = make_executor(None, project=project)
    store: ArtifactStore = project.stack.artifact_store.open(project)
    abroad = pack_abroad(project, store) if getattr(executor, "travels", False) else None
    job = Job("check", "check", store.url, (), project=project.spec, abroad=abroad)
    executor.start(job, [probe])
    report: Report | None = None
    try:
        executor.submit([TaskSpec(0, (), 1, 0, "probe", (), (("result", 0),))])
        end = time.monotonic() + _TASK_SECONDS
        while report is None and time.monotonic() < end:
            report = next((said for said in executor.wait(1.0) if isinstance(said, Report)), None)
    except BaseException:
        executor.stop(now=True)
        raise
    executor.stop(now=report is None)
    if report is None:
        raise PlaitError(
            f"a task did not come back in {_TASK_SECONDS:.0f} s", hint="see whether it has workers, and room"
        )
    if report.error is not None:
        raise PlaitError(f"a task failed there: {report.error.headline}")
    (artifact,) = report.artifacts
    worker = report.usage.worker
    return f"ran a task on {_told(store, artifact)}, in {'this process' if worker == 'inline' else worker}"


def _told(store: ArtifactStore, artifact: Artifact) -> str:
    return str(store.load(artifact))


def _reach_other(project: Project, component: Component) -> str:
    made = component.open(project)
    check = getattr(made, "check", None)
    return str(check()) if callable(check) else "its options are right; it tells no more of itself"


def probe() -> str:
    """The task of the check: where it runs."""
    import platform

    return f"{platform.node()} with Python {platform.python_version()}"


def _reach_spark(project: Project, component: Component) -> str:
    session = component.open(project)
    count = session.range(1000).count()
    return f"counted {count} rows with Spark {session.version}"


_REACH: dict[str, Callable[[Project, Component], str]] = {
    "artifact_store": _reach_artifacts,
    "record_store": _reach_records,
    "executor": _reach_executor,
    "spark": _reach_spark,
}
