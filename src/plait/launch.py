"""How does a pipeline become a run? Its arguments are found and checked, all is recorded, and the loop goes on."""

from __future__ import annotations

import contextlib
import getpass
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from plait._version import __version__
from plait.data import Artifact, ArtifactStore
from plait.engine.loop import Listener, Loop
from plait.engine.task import Executor, Job
from plait.errors import DefinitionError, ParameterError, PlaitError, did_you_mean
from plait.graph.model import Each, Graph
from plait.graph.pipeline import Definition
from plait.graph.tracing import Traced
from plait.graph.unfold import Unknown, size
from plait.project.place import home_of
from plait.record.facts import clean, describe_error
from plait.record.results import Results
from plait.record.store import RecordStore
from plait.record.views import Run
from plait.record.writer import RunWriter, new_run

__all__ = ["Given", "Prepared", "execute", "prepare"]


class Given(Struct, frozen=True):
    """A value for an argument of a pipeline: where it came from, and its text where it was typed."""

    value: Any
    origin: str = "given"
    text: str | None = None


class Prepared(Struct, frozen=True):
    """A run that could begin: everything is found, of the right type, and of fitting lengths."""

    definition: Definition
    traced: Traced
    values: dict[str, Any]
    origins: dict[str, str]

    @property
    def graph(self) -> Graph:
        return self.traced.graph


def prepare(definition: Definition, given: Mapping[str, Given]) -> Prepared:
    """Trace a pipeline and find its arguments, before anything is recorded.

    Raises:
        DefinitionError: the pipeline cannot be described as a graph.
        ParameterError: an argument is missing, unknown or of a wrong type; all of them are said at once.
    """
    _refuse_unknown(definition, given)
    traced = definition.trace()
    values, origins = _arguments(definition, given)
    _check_lists(traced, {**traced.literals, **values})
    return Prepared(definition, traced, values, origins)


def execute(
    prepared: Prepared,
    *,
    executor: Executor,
    target: str = "",
    home: Path | None = None,
    listener: Any = None,
) -> Run:
    """Record a run and carry it to its end, whatever that is; see ``Run.status``.

    Args:
        home: the ``.plait`` folder; beside the project or the file of the pipeline if left out.
        listener: a ``Listener``, or a function that makes one of the recorded run.

    Raises:
        RecordError, StoreError: nothing can be written; what was committed stays.
    """
    definition, graph = prepared.definition, prepared.graph
    root, own_home = home_of(definition.file)
    records = RecordStore(home or own_home, create=True)
    store = records.artifacts
    inputs = _store_inputs(prepared, store)
    facts = _facts(root)
    run_id = _new_id()
    params = {name: _shown(prepared.values[name]) for name in prepared.values}
    writer = new_run(
        records.database,
        graph,
        run_id=run_id,
        target=target or f"{definition.module}:{definition.qualname}",
        params=params,
        packages=_packages(),
        facts=facts,
        executor=executor.name,
        inputs={name: (artifact, prepared.origins.get(name, "literal")) for name, artifact in inputs.items()},
    )
    run = records.run(run_id)
    watching: Listener | None = listener(run) if callable(listener) else listener
    loop = Loop(
        graph,
        prepared.traced.functions,
        job=Job(run_id, graph.name, records.artifacts_url, (), params),
        results=Results(graph, store, inputs),
        executor=executor,
        writer=writer,
        listener=watching,
    )
    _go(loop, writer)
    return run.refresh()


def _go(loop: Loop, writer: RunWriter) -> None:
    try:
        loop.run()
    except BaseException as error:
        # Such as a step that cannot travel to another process, or a full disk: said in the records if they can be.
        with contextlib.suppress(PlaitError):
            writer.finished("failed", describe_error(error).headline)
            writer.commit()
        raise


def _refuse_unknown(definition: Definition, given: Mapping[str, Given]) -> None:
    known = definition.signature.parameters
    for name in given:
        if name not in known:
            raise ParameterError(
                f"pipeline {definition.name!r} has no parameter {name!r}",
                where=definition.where,
                hint=did_you_mean(name, known) or "it takes none",
            )


def _arguments(definition: Definition, given: Mapping[str, Given]) -> tuple[dict[str, Any], dict[str, str]]:
    from plait.project.types import Wanted, convert_all

    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    wanted: list[Wanted] = []
    missing: list[str] = []
    hints = _annotations(definition)
    for name, parameter in definition.signature.parameters.items():
        if name in given:
            one = given[name]
            wanted.append(Wanted(name, one.value, hints.get(name, Any), None, one.text))
            origins[name] = one.origin
        elif parameter.default is not parameter.empty:
            values[name] = parameter.default
            origins[name] = "default"
        else:
            missing.append(name)
    if missing:
        several = len(missing) > 1
        raise ParameterError(
            f"pipeline {definition.name!r} needs {', '.join(map(repr, missing))}: no value was given and"
            f" {'they have' if several else 'it has'} no default",
            where=definition.where,
            hint="write " + " ".join(f"{name}=…" for name in missing),
        )
    if wanted:
        values.update(convert_all(wanted))
    return {name: values[name] for name in definition.signature.parameters}, origins


def _annotations(definition: Definition) -> dict[str, Any]:
    """The annotations of the arguments; those that cannot be resolved say nothing."""
    import inspect
    import typing

    try:
        return typing.get_type_hints(inspect.unwrap(definition.function), include_extras=True)
    except Exception:  # noqa: BLE001 - a name that exists for type checkers only
        return {
            name: annotation
            for name, annotation in definition.function.__annotations__.items()
            if not isinstance(annotation, str)
        }


def _check_lists(traced: Traced, values: Mapping[str, Any]) -> None:
    """What an ``each`` takes apart must be lists, and of one length where they run side by side."""
    graph = traced.graph
    for name, depth in graph.layout.splits[1].items():
        _require_lists(name, values[name], depth)
    facts = _Known(graph, values)
    for index, scope in enumerate(graph.scopes):
        if not isinstance(scope, Each) or graph.layout.axes[scope.parent]:
            continue
        sizes: dict[str, int] = {}
        for label, source in zip(scope.labels, scope.sources, strict=True):
            try:
                sizes[label] = size(graph, facts, source, scope.parent, ())
            except Unknown:
                continue
        if len(set(sizes.values())) > 1:
            raise DefinitionError(
                "each(...) side by side needs lists of equal length: "
                + ", ".join(f"{label} has {count}" for label, count in sizes.items()),
                where=next((graph.nodes[node].where for node in graph.layout.subtree(index)), None),
                hint="for every combination of them write **each.product(…)",
            )


def _require_lists(name: str, value: Any, depth: int) -> None:
    if not isinstance(value, list | tuple):
        raise ParameterError(
            f"{name}: the pipeline takes each(…) of it, so it must be a list,"
            f" not {type(value).__name__}: {value!r:.80}",
            hint=f"write {name}=[…]",
        )
    if depth > 1:
        for position, item in enumerate(value):
            _require_lists(f"{name}[{position}]", item, depth - 1)


class _Known:
    """Lengths that are known before a run begins: those of its inputs."""

    def __init__(self, graph: Graph, values: Mapping[str, Any]) -> None:
        self._depths = graph.layout.splits[1]
        self._values = values

    def extent(self, scope: int, path: tuple[int, ...]) -> int | None:
        return None

    def output_lengths(self, node: int, output: int, path: tuple[int, ...]) -> None:
        return None

    def input_lengths(self, name: str) -> Any:
        return _lengths(self._values[name], self._depths.get(name, 0))


def _lengths(value: Any, depth: int) -> Any:
    if depth <= 1:
        return len(value) if depth else None
    return [_lengths(item, depth - 1) for item in value]


def _store_inputs(prepared: Prepared, store: ArtifactStore) -> dict[str, Artifact]:
    depths = prepared.graph.layout.splits[1]
    everything = {**prepared.traced.literals, **prepared.values}
    return {name: _store_input(store, name, value, depths.get(name, 0)) for name, value in everything.items()}


def _store_input(store: ArtifactStore, name: str, value: Any, depth: int) -> Artifact:
    if not depth:
        return store.save(value, name)
    return store.gather(
        [_store_input(store, f"{name}[{at}]", item, depth - 1) for at, item in enumerate(value)]
    )


def _shown(value: Any) -> Any:
    """A parameter as the records and the UI show it: itself where JSON can say it, else what it is."""
    if isinstance(value, os.PathLike):
        return clean(str(os.fspath(value)))
    try:
        text = msgspec.json.encode(value)
    except (TypeError, ValueError, OverflowError):
        shape = getattr(value, "shape", None)
        return f"<{type(value).__name__}{f' {shape}' if shape is not None else ''}>"
    return (
        msgspec.json.decode(text) if len(text) < 65536 else f"<{type(value).__name__} of {len(text)} bytes>"
    )


def _new_id() -> str:
    """Eight letters and digits, beginning with a letter, without look-alikes."""
    letters, alphabet = "abcdefghjkmnpqrstvwxyz", "0123456789abcdefghjkmnpqrstvwxyz"
    random = os.urandom(8)
    return letters[random[0] % len(letters)] + "".join(alphabet[byte % len(alphabet)] for byte in random[1:])


def _facts(root: Path) -> dict[str, Any]:
    import socket

    from plait.project.git import git_state

    git = git_state(root)
    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):  # an account without a name, as in some containers
        user = str(os.getuid()) if hasattr(os, "getuid") else ""
    return {
        "user": user,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "process_started": _process_started(),
        "folder": str(root),
        "argv": _command_line(),
        "git_commit": git.commit if git else None,
        "git_branch": git.branch if git else None,
        "git_dirty": git.dirty if git else None,
        "python": platform.python_version(),
        "platform": sys.platform,
        "plait": __version__,
    }


def _command_line() -> Sequence[str]:
    return [os.path.basename(sys.argv[0]), *sys.argv[1:]] if sys.argv else []  # noqa: PTH119 - a text, maybe "-c"


def _process_started() -> float | None:
    """When this process began, in epoch seconds; tells it from a later one with the same number."""
    try:
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        boot = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime "))
        return int(boot.split()[1]) + ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, StopIteration, AttributeError):
        import psutil

        return float(psutil.Process().create_time())


def _packages() -> dict[str, str]:
    """The installed distributions, from the names of their folders: reading their metadata would cost 0.1 s."""
    found: dict[str, str] = {}
    for entry in sys.path:
        try:
            names = os.listdir(entry or ".")  # noqa: PTH208 - names are all that is needed
        except OSError:
            continue
        for name in names:
            if name.endswith((".dist-info", ".egg-info")):
                distribution, _, version = name.rpartition(".")[0].partition("-")
                found.setdefault(distribution.replace("_", "-").lower(), version.partition("-py")[0])
    return dict(sorted(found.items()))
