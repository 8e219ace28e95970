"""Why did a task run, or why not? What its key is made of, beside that of the closest earlier task."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Literal, TypeAlias

from msgspec import Struct

from plait.data import ArtifactStore
from plait.engine.closure import Closure, diff
from plait.errors import PlaitError
from plait.graph.model import Graph, Path, task_name
from plait.graph.unfold import Facts, Fixed, Given, Keyed, Many, Need, Resolved, Unknown, resolve
from plait.record.paths import from_key, to_key
from plait.record.results import DictArg, ListArg, Plain, Stored, Tree
from plait.record.store import RecordStore
from plait.record.views import Run, Task

__all__ = ["Components", "Difference", "Earlier", "InputPart", "Why", "closest", "compare", "why"]

_RUNS_TO_LOOK_AT = 30
_MOST_CANDIDATES = 12
Change: TypeAlias = Literal["added", "removed", "changed"]


class InputPart(Struct, frozen=True):
    """What a task received as one argument.

    Args:
        name: the step's parameter.
        kind: ``parameter`` for what comes from the pipeline's arguments or was written in it, ``input`` for what
            other tasks made.
        source: the pipeline's parameter or the task that made it; several, with commas, of a gathered one.
        run: the id of the run in which it was made; empty for a parameter.
    """

    name: str
    kind: Literal["parameter", "input"]
    source: str
    value: Tree
    run: str = ""


class Components(Struct, frozen=True):
    """All that a key is made of."""

    closure: Closure | None
    inputs: tuple[InputPart, ...]


class Difference(Struct, frozen=True):
    """One component that is not what it was.

    Args:
        kind: ``function``, ``class``, ``constant``, ``file``, ``package``, ``opaque``, ``parameter`` or ``input``.
        name: of the piece of code, the package, or the step's parameter.
        text: for code a diff of its source, or ``old → new``; empty for values.
        where: ``path:line`` of code; for values the pipeline's parameter or the task that they come from.
        old: the value then; ``new`` the value now.
        old_run: in which run the old value was made, ``new_run`` the new one.
    """

    kind: str
    name: str
    change: Change
    text: str = ""
    where: str = ""
    old: Tree | None = None
    new: Tree | None = None
    old_run: str = ""
    new_run: str = ""


class Earlier(Struct, frozen=True):
    """An earlier task that a task is compared with."""

    run: str
    task: str
    made_at: float | None
    key: str | None
    components: Components


class Why(Struct, frozen=True):
    """The answer for one task.

    Args:
        decision: what was decided when the task was about to start, and why, in words.
        state: of the task, or of its plan.
        source: the run that a taken result came from.
        closest: the earlier task that is most like it; None when there is none.
        differences: from the closest earlier task to this one; empty when they are the same.
        notes: what makes the key wider than the code that runs, or the step uncached.
    """

    task: str
    state: str
    decision: str
    key: str | None
    components: Components
    source: str = ""
    closest: Earlier | None = None
    differences: tuple[Difference, ...] = ()
    notes: tuple[str, ...] = ()


def why(task: Task) -> Why:
    """Why a recorded task ran, or was taken from where it was."""
    run = task.run
    components = _components_of(run, task.node, task.path, task.started_at)
    graph = run.graph
    found = closest(
        run.store,
        graph,
        task.node,
        task.path,
        components,
        before=run.key,
        pipeline=run.pipeline,
        key=task.key,
    )
    return Why(
        task=task.name,
        state=task.state,
        decision=_decision(task),
        key=task.key,
        components=components,
        source=task.source or "",
        closest=found,
        differences=compare(found.components, components, run.store.artifacts) if found else (),
        notes=notes_of(components.closure, graph.options(task.node).cache),
    )


def notes_of(closure: Closure | None, cache: bool | str) -> tuple[str, ...]:
    """What is to be known of a step's key: why there is none, or why it is wider than the code that runs."""
    notes: list[str] = []
    if cache is False:
        notes.append("the step says cache=False: it is never looked up")
    elif isinstance(cache, str):
        notes.append(f"the step says cache={cache!r}: older results are not taken")
    if closure is not None:
        if not closure.cacheable:
            notes.append("its code refers to something that has no content hash, so it is never looked up")
        notes += closure.opaque
    return tuple(notes)


def _decision(task: Task) -> str:
    if task.state == "cached":
        if task.key is None:
            return f"taken from run {task.source} as it was"
        return f"taken from run {task.source}: same code, same inputs"
    return task.decision or task.reason or ""


def closest(
    store: RecordStore,
    graph: Graph,
    node: int,
    path: Path,
    components: Components,
    *,
    before: int | None,
    pipeline: str,
    key: str | None = None,
) -> Earlier | None:
    """The earlier task of the same step that is most like this one; of those that are as like, the latest."""
    best: tuple[tuple[bool, int], Earlier] | None = None
    mine = _fingerprint(components, store.artifacts)
    for run, at_node, at_path in _candidates(store, graph, node, path, before, pipeline):
        try:
            task = run.task(task_name(run.graph.nodes[at_node].id, at_path))
            other = _components_of(run, at_node, at_path, task.started_at)
        except PlaitError:  # its records are no longer whole
            continue
        theirs = _fingerprint(other, store.artifacts)
        alike = sum(theirs.get(name) == value for name, value in mine.items())
        rank = (key is not None and task.key == key, alike)
        if best is None or rank > best[0]:
            best = rank, Earlier(run.id, task.name, task.ended_at, task.key, other)
        if rank[0] or alike == len(mine) == len(theirs):
            break
    return best[1] if best else None


def _candidates(
    store: RecordStore, graph: Graph, node: int, path: Path, before: int | None, pipeline: str
) -> Iterator[tuple[Run, int, Path]]:
    """Earlier tasks with a result: those at the same place first, else of the same step anywhere."""
    limit = before if before is not None else 1 << 62
    chosen = graph.nodes[node]
    recent = "SELECT key FROM run WHERE key < ? AND pipeline = ? ORDER BY key DESC LIMIT ?"
    same_place = (
        "SELECT a.run, a.node, a.path FROM node n JOIN attempt a ON a.run = n.run AND a.node = n.node"
        f" WHERE n.run IN ({recent}) AND n.id = ? AND a.path = ? AND a.state IN ('done', 'cached')"
        " ORDER BY a.run DESC LIMIT ?"
    )
    rows = store.database.rows(
        same_place, (limit, pipeline, _RUNS_TO_LOOK_AT, chosen.id, to_key(path), _MOST_CANDIDATES)
    )
    if not rows:
        anywhere = (
            "SELECT a.run, a.node, a.path FROM node n JOIN attempt a ON a.run = n.run AND a.node = n.node"
            " WHERE n.run IN (SELECT key FROM run WHERE key < ? ORDER BY key DESC LIMIT ?)"
            " AND n.step = ? AND a.state IN ('done', 'cached') ORDER BY a.run DESC, a.node, a.path LIMIT ?"
        )
        name = graph.steps[chosen.step].name
        rows = store.database.rows(anywhere, (limit, _RUNS_TO_LOOK_AT, name, _MOST_CANDIDATES))
    runs: dict[int, Run] = {}
    for run_key, at_node, at_path in rows:
        run = runs.get(run_key)
        if run is None:
            run = runs[run_key] = store.run_of_key(run_key)
        yield run, at_node, from_key(at_path)


def compare(old: Components, new: Components, store: ArtifactStore) -> tuple[Difference, ...]:
    """What differs: the code first, then parameters, then inputs."""
    found: list[Difference] = []
    if old.closure is not None and new.closure is not None:
        for change in diff(old.closure, new.closure):
            kind = "package" if change.kind == "module-package" else change.kind
            found.append(Difference(kind, change.name, change.change, change.text, change.where))
    before = {part.name: part for part in old.inputs}
    values: list[Difference] = []
    for part in new.inputs:
        was = before.pop(part.name, None)
        if was is None:
            values.append(Difference(part.kind, part.name, "added", "", part.source, None, part.value))
        elif _identity(was.value, store) != _identity(part.value, store):
            values.append(
                Difference(
                    part.kind, part.name, "changed", "", part.source, was.value, part.value, was.run, part.run
                )
            )
    values += [
        Difference(part.kind, part.name, "removed", "", part.source, part.value, None)
        for part in before.values()
    ]
    values.sort(key=lambda one: one.kind != "parameter")
    return (*found, *values)


def _fingerprint(components: Components, store: ArtifactStore) -> dict[str, object]:
    found: dict[str, object] = {f"={part.name}": _identity(part.value, store) for part in components.inputs}
    found["code"] = components.closure.digest if components.closure else None
    return found


def _identity(tree: Tree, store: ArtifactStore) -> object:
    match tree:
        case Stored(artifact=artifact):
            return artifact.id
        case Plain(value=value):
            return store.identify(value)
        case ListArg(items=items, is_tuple=is_tuple):
            return (is_tuple, *(_identity(item, store) for item in items))
        case DictArg(items=pairs):
            return ("dict", *((key, _identity(item, store)) for key, item in pairs))


# Where values come from.


def _components_of(run: Run, node: int, path: Path, at: float | None) -> Components:
    try:
        closure = run.closure(node, at)
    except PlaitError:  # recorded before closures were, or damaged
        closure = None
    made = {}

    def made_in(task: tuple[int, Path]) -> str:
        if task not in made:
            row = run.store.database.row(
                "SELECT source FROM attempt WHERE run = ? AND node = ? AND path = ? AND state = 'cached'",
                (run.key, task[0], to_key(task[1])),
            )
            made[task] = row[0] if row and row[0] else run.id
        return made[task]

    try:
        arguments = run.results.arguments(node, path)
    except PlaitError:  # skipped: what it would have received was never made
        return Components(closure, ())
    return Components(closure, inputs_of(run.graph, run.results, node, path, arguments, made_in))


def inputs_of(
    graph: Graph,
    facts: Facts,
    node: int,
    path: Path,
    arguments: tuple[tuple[str, Tree], ...],
    made_in: Callable[[tuple[int, Path]], str],
) -> tuple[InputPart, ...]:
    """The arguments of a task with where they come from.

    Args:
        made_in: the id of the run that made the result of a task.
    """
    chosen = graph.nodes[node]
    values: Mapping[str, Tree] = dict(arguments)
    found = []
    for name, value in chosen.args:
        try:
            resolved = resolve(graph, facts, value, chosen.scope, path)
        except Unknown:
            continue
        tasks, parameters = _sources(graph, resolved)
        if tasks:
            named = [task_name(graph.nodes[at].id, where) for at, where in tasks[:3]]
            source = ", ".join(dict.fromkeys(named)) + (
                f" and {len(tasks) - 3} more" if len(tasks) > 3 else ""
            )
            runs = {
                made_in(task) for task in tasks[:3] if len(task[1]) == len(graph.layout.node_axes[task[0]])
            }
            run = min(runs) if len(runs) == 1 else ""
            found.append(InputPart(name, "input", source, values[name], run))
        else:
            found.append(InputPart(name, "parameter", ", ".join(parameters), values[name]))
    return tuple(found)


def _sources(graph: Graph, resolved: Resolved) -> tuple[list[tuple[int, Path]], list[str]]:
    match resolved:
        case Need(node=node, path=path):
            return [(node, path)], []
        case Given(name=name, index=index):
            known = any(spec.name == name for spec in graph.inputs)
            return [], [f"{name}{''.join(f'[{at}]' for at in index)}"] if known else []
        case Fixed():
            return [], []
        case Many(items=items):
            inner = [_sources(graph, item) for item in items]
        case Keyed(items=pairs):
            inner = [_sources(graph, item) for _, item in pairs]
    return [task for tasks, _ in inner for task in tasks], [name for _, names in inner for name in names]
