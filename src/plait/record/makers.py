"""Who made a value, and who used it? Found by where it is recorded, without a pass over all tasks."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from plait.data import Artifact
from plait.errors import RecordError
from plait.graph.model import task_name
from plait.graph.values import Input, Item, Output, parts
from plait.record.paths import from_key, to_key
from plait.record.store import RecordStore
from plait.record.tasks import parse_task
from plait.record.valuerefs import input_artifacts
from plait.record.views import Run

__all__ = ["ArtifactView", "Maker", "User", "artifact_view", "find_artifact"]

_artifact = msgspec.msgpack.Decoder(Artifact)
_MOST_USERS = 50


class Maker(Struct, frozen=True):
    """A task that returned a value by the name of an output, or logged it by a name of its own."""

    run: str
    task: str
    output: str
    logged: bool = False


class User(Struct, frozen=True):
    run: str
    task: str
    input: str


class ArtifactView(Struct, frozen=True):
    """A stored value without the value; ``blobs`` is the number of its buffers, ``python`` loads it."""

    id: str
    type: str
    format: str
    size: int
    meta: dict[str, Any]
    blobs: int
    made_by: list[Maker]
    used_by: list[User]
    more_users: int
    pinned: bool
    python: str


def find_artifact(
    store: RecordStore,
    artifact: str,
    *,
    run: str | None = None,
    task: str | None = None,
    output: str | None = None,
) -> Artifact:
    """An artifact by its id. The place, where it is known, helps to find what is too small for a row of its own.

    Raises:
        RecordError: nothing recorded has that id.
    """
    database = store.database
    row = database.row("SELECT body FROM artifact WHERE id = ?", (artifact,))
    if row is None and run is not None:
        found = store.run(run)
        if task:
            name, path = parse_task(task)
            node = found.graph.find_node(name)
            if node is not None:
                for one in input_artifacts(found, node, path):
                    if one.id == artifact:
                        return one
            for table in ("output", "preview"):
                row = row or database.row(
                    f"SELECT body FROM {table} WHERE run = ? AND node = ? AND path = ? AND artifact = ?",
                    (found.key, node, to_key(path), artifact),
                )
        row = row or database.row(
            "SELECT body FROM input WHERE run = ? AND artifact = ?", (found.key, artifact)
        )
    row = row or database.row("SELECT body FROM input WHERE artifact = ?", (artifact,))
    if row is None:
        raise RecordError(
            f"there is no artifact {artifact!r}",
            hint="a small value lies with its task: name run and task as well",
        )
    return _artifact.decode(row[0])


def artifact_view(
    store: RecordStore,
    artifact: str,
    *,
    run: str | None = None,
    task: str | None = None,
    output: str | None = None,
) -> ArtifactView:
    """What is known of a value, who made it, and who used it."""
    found = find_artifact(store, artifact, run=run, task=task, output=output)
    makers = _makers(store, artifact, run, task, output)
    users, more = _users(store, artifact, makers)
    pinned = store.database.row("SELECT 1 FROM pin WHERE kind = 'artifact' AND id = ?", (artifact,))
    return ArtifactView(
        id=found.id,
        type=found.type,
        format=found.format,
        size=found.size,
        meta=found.meta,
        blobs=len(found.parts) + (found.head_part is not None),
        made_by=makers,
        used_by=users,
        more_users=more,
        pinned=pinned is not None,
        python=_python(makers, store, artifact),
    )


def _makers(
    store: RecordStore, artifact: str, run: str | None, task: str | None, output: str | None
) -> list[Maker]:
    found: dict[Maker, None] = {}
    row = store.database.row(
        "SELECT run.id, artifact.node, artifact.path, artifact.position FROM artifact"
        " JOIN run ON run.key = artifact.run WHERE artifact.id = ?",
        (artifact,),
    )
    if row is not None and row[1] is not None:
        made, node, key, position = store.run(row[0]), *row[1:]
        name = (
            _output_name(made, node, position) if position >= 0 else _logged_name(made, node, key, artifact)
        )
        found[Maker(made.id, task_name(made.graph.nodes[node].id, from_key(key)), name, position < 0)] = None
    if run is not None and task:
        here = store.run(run)
        name, path = parse_task(task)
        at = here.graph.find_node(name)
        if at is not None:
            where = (here.key, at, to_key(path), artifact)
            named = [
                (_output_name(here, at, position), False)
                for (position,) in store.database.rows(
                    "SELECT position FROM output WHERE run = ? AND node = ? AND path = ? AND artifact = ?",
                    where,
                )
            ] + [
                (name, True)
                for (name,) in store.database.rows(
                    "SELECT DISTINCT name FROM preview WHERE run = ? AND node = ? AND path = ? AND artifact = ?",
                    where,
                )
            ]
            for one, logged in named:
                if output in (None, one):
                    found[Maker(here.id, task_name(name, path), one, logged)] = None
    return list(found)


def _output_name(run: Run, node: int, position: int) -> str:
    outputs = run.graph.nodes[node].outputs
    return outputs[position] if position < len(outputs) else str(position)


def _logged_name(run: Run, node: int, key: bytes, artifact: str) -> str:
    row = run.store.database.row(
        "SELECT name FROM preview WHERE run = ? AND node = ? AND path = ? AND artifact = ? LIMIT 1",
        (run.key, node, key, artifact),
    )
    return str(row[0]) if row else ""


def _users(store: RecordStore, artifact: str, makers: list[Maker]) -> tuple[list[User], int]:
    """The steps that read it in the runs that made it, and the runs that began with it."""
    users: dict[User, None] = {}
    for maker in makers:
        if maker.logged:
            continue
        run = store.run(maker.run)
        name, path = parse_task(maker.task)
        node = run.graph.find_node(name)
        if node is None:
            continue
        outputs = run.graph.nodes[node].outputs
        position = outputs.index(maker.output) if maker.output in outputs else 0
        for reader, argument in _readers(run, Output(node, position)):
            depth = len(run.graph.layout.node_axes[reader])
            shared = run.graph.layout.shared_axes(run.graph.nodes[reader].scope, node)
            own = run.graph.nodes[reader].id
            users[User(run.id, task_name(own, path[:shared]) if depth == shared else own, argument)] = None
    rows = store.database.rows(
        f"SELECT run.id, input.name FROM input JOIN run ON run.key = input.run WHERE input.artifact = ?"
        f" ORDER BY run.key DESC LIMIT {_MOST_USERS + 1}",
        (artifact,),
    )
    for run_id, name in rows:
        users[User(run_id, "", name)] = None
    found = list(users)
    return found[:_MOST_USERS], max(0, len(found) - _MOST_USERS)


def _readers(run: Run, value: Output) -> list[tuple[int, str]]:
    graph = run.graph
    found = []
    for index, node in enumerate(graph.nodes):
        for name, argument in node.args:
            pending = [argument]
            while pending:
                one = pending.pop()
                if one == value:
                    found.append((index, name))
                    break
                if isinstance(one, Item):
                    each = graph.scopes[one.scope]
                    pending.extend(getattr(each, "sources", ())[one.source : one.source + 1])
                elif not isinstance(one, Input):
                    pending.extend(parts(one))
    return found


def _python(makers: list[Maker], store: RecordStore, artifact: str) -> str:
    if makers:
        maker = makers[0]
        if maker.logged:
            return (
                f'import plait\ntask = plait.get_run("{maker.run}").task("{maker.task}")\n'
                f'task.run.store.artifacts.load(task.previews["{maker.output}"])'
            )
        return f'import plait\nplait.get_run("{maker.run}").task("{maker.task}").outputs["{maker.output}"]'
    row = store.database.row(
        "SELECT run.id, input.name FROM input JOIN run ON run.key = input.run WHERE artifact = ? LIMIT 1",
        (artifact,),
    )
    if row is None:
        return "import plait"
    return f'import plait\nrun = plait.get_run("{row[0]}")\nrun.store.artifacts.load(run.results.inputs["{row[1]}"])'
