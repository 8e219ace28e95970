"""How does the body of a dynamic pipeline run? In a thread of its own; what it calls goes to the loop, in order.

Nothing is decided here: a call is written down with what it passes, gets its number, and becomes a request that the
loop takes up, commits and answers. A body that is run once more makes the same calls, which get the numbers that they
had, so their tasks are those that are recorded.
"""

from __future__ import annotations

import contextvars
import inspect
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import product
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct

from plait.data import Artifact, ArtifactStore
from plait.engine.current import TaskContext
from plait.engine.futures import Failure, Future, Futures, MappedFutures, Slot, Stopped
from plait.errors import DefinitionError, TaskFailed, did_you_mean
from plait.graph.arguments import apart, together
from plait.graph.calling import calling, user_line
from plait.graph.dynamic import AFTER, Growing, Leaf, Site
from plait.graph.lifting import is_plain
from plait.graph.model import ROOT, Graph, Path, task_name
from plait.graph.provided import signature_in_pipelines
from plait.graph.refs import Mapped, Product
from plait.graph.unfold import Fixed, Given, Held, Keyed, Many, Need, Resolved
from plait.record.calls import LITERAL, RecordedCalls, call_digest, read_arguments, write_arguments

if TYPE_CHECKING:
    from plait.graph.pipeline import Definition
    from plait.graph.step import Step

__all__ = ["Body", "Ended", "Grown", "Made", "Request", "SawFailure"]

_STARS = {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}
_SMALL = 256  # elements; as in a described pipeline, a longer literal is a stored value
Place: TypeAlias = tuple[int, Path]

_group: contextvars.ContextVar[int] = contextvars.ContextVar("plait_group", default=ROOT)


class Grown(Struct, frozen=True):
    """The graph has more in it than before; ``literals`` are values that came with it."""

    graph: Graph
    literals: dict[str, Any] = {}


class Made(Struct, frozen=True):
    """A call: where, and what it passes; ``body`` is that as it is recorded.

    ``values`` are stored values that it passes and that the run has not seen yet, by name.
    """

    scope: int
    path: Path
    digest: bytes
    body: bytes
    arguments: dict[str, Resolved]
    recorded: bool = False
    failed: str = ""
    values: tuple[tuple[str, Artifact], ...] = ()


class SawFailure(Struct, frozen=True):
    """The body asked for a result, and heard that there is none."""

    place: Place
    scope: int
    path: Path
    reason: str


class Ended(Struct, frozen=True):
    """The body returned, or raised, or was left because the run ends."""

    returned: Made | None = None
    error: BaseException | None = None
    stopped: bool = False


Request: TypeAlias = Grown | Made | SawFailure | Ended


class Body:
    """The body of one run, and who it gets results from.

    Args:
        function: the body; ``arguments`` answers with what it is called with, in its thread.
        growing: the graph, which the body alone lets grow.
        store: reads and writes values, in the thread of the body.
        recorded: the calls of before, where the run goes on.
        moments: when their tasks were done.
        inputs: the stored arguments of the pipeline.
        check: refuses a graph that has grown: what the executor cannot do, what the catalog cannot hold.
        wake: tells the loop that there are requests.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        arguments: Callable[[], Mapping[str, Any]],
        *,
        growing: Growing,
        store: ArtifactStore,
        recorded: RecordedCalls,
        moments: Mapping[Place, float],
        inputs: Mapping[str, Artifact],
        check: Callable[[Graph], None] = lambda _graph: None,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self.growing = growing
        self.wake = wake
        self.requests: deque[Request] = deque()
        self._function = function
        self._arguments = arguments
        self._store = store
        self._recorded = recorded
        self._moments = moments
        self._inputs = inputs
        self._check = check
        self._lock = threading.RLock()
        self._news = threading.Condition()
        self._slots: dict[Place, Slot] = {}
        self._numbers: dict[int, int] = dict(recorded.most)
        self._signatures: dict[int, inspect.Signature] = {}
        self._starred: dict[int, bool] = {}
        self._kept: list[Any] = []  # what is known by its id() has to live as long
        self._values: set[str] = set()
        self._told_literals: set[str] = set()
        self._stopped = False
        self._thread: threading.Thread | None = None

    # The loop's side.

    def start(self, task: TaskContext, around: Callable[[], Any]) -> None:
        """Begin; ``around`` makes a context in which the body runs."""
        self._thread = threading.Thread(target=self._run, args=(task, around), daemon=True, name="plait-body")
        self._thread.start()

    def settle(self, outcomes: list[tuple[Place, Any]]) -> None:
        """Tell what has come of tasks: artifacts, or a `Failure`."""
        with self._news:
            for place, outcome in outcomes:
                slot = self._slots.pop(place, None)
                if slot is not None:
                    slot.settle(outcome)
            self._news.notify_all()

    def stop(self) -> None:
        """Whatever the body waits for, it is left; what it calls from now on raises."""
        with self._news:
            self._stopped = True
            slots, self._slots = list(self._slots.values()), {}
            for slot in slots:
                slot.settle(Failure(slot.name, "the run was cancelled", "stopped"))
            self._news.notify_all()

    def numbers(self, scope: int) -> int:
        """How many calls there are in a scope so far."""
        return self._numbers.get(scope, 0)

    def not_repeated(self) -> list[tuple[int, int]]:
        """The calls of before that the body has not made again: scope and number."""
        return self._recorded.rest()

    def join(self, timeout: float) -> None:
        if self._thread is not None:
            self._thread.join(timeout)

    # Its thread.

    def _run(self, task: TaskContext, around: Callable[[], Any]) -> None:
        try:
            with calling(self), task.inside(), around():
                arguments = self._arguments()
                result = self._function(**arguments)
                if inspect.isawaitable(result):
                    import asyncio

                    result = asyncio.run(_awaited(result))
                ended = Ended(self._returned(result))
        except Stopped:
            ended = Ended(stopped=True)
        except BaseException as error:  # noqa: BLE001 - whatever the user's code raises is the outcome
            ended = Ended(error=error, stopped=self._stopped)
        self._say(ended)

    def _returned(self, result: Any) -> Made:
        values: list[tuple[str, Artifact]] = []
        lifted = self._lift("result", result, values)
        body = write_arguments([("result", lifted)])
        return Made(ROOT, (), b"", body, dict(read_arguments(body)), values=tuple(values))

    def _say(self, request: Request) -> None:
        self.requests.append(request)
        self.wake()

    # Calls of steps and pipelines.

    def call_step(self, step: Step[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """One call of a step, or one for each element of an ``each``: futures."""
        base = step.base or step
        signature = self._signature(base.function)
        after = step.after
        if "after" in kwargs and "after" not in signature.parameters:
            more = kwargs.pop("after")
            after = (*after, *(more if isinstance(more, list | tuple) else (more,)))
        given = _bind(signature, step.spec.name, args, kwargs)
        group = _group.get()
        with self._lock:
            self._refuse_stopped()
            known = self.growing.graph
            site = self.growing.step(step, group)
            self._tell_growth(known)
        return self._each(
            step.spec.name, signature, given, lambda one: self._make(site, one, after), site.names
        )

    def call_definition(self, definition: Definition, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A pipeline: a described one is a group that runs as a whole, a dynamic one runs its body here and now."""
        signature = definition.signature
        given = _bind(signature, definition.name, args, kwargs)
        outer = _group.get()
        if definition.dynamic:
            with self._lock:
                self._refuse_stopped()
                known = self.growing.graph
                group = self.growing.group(definition, outer)
                self._tell_growth(known)
            call: Callable[[dict[str, Any]], Any] = lambda one: _in_group(  # noqa: E731
                group, definition.function, inspect.BoundArguments(signature, one)
            )
        else:
            with self._lock:
                self._refuse_stopped()
                known = self.growing.graph
                site = self.growing.pipeline(definition, outer)
                self._tell_growth(known)
            bound = inspect.BoundArguments(signature, given)
            bound.apply_defaults()
            given = dict(bound.arguments)
            call = lambda one: self._make(site, one, ())  # noqa: E731
        return self._each(definition.name, signature, given, call)

    def _tell_growth(self, before: Graph) -> None:
        graph = self.growing.graph
        if graph is before:
            return
        new = {
            name: value for name, value in self.growing.literals.items() if name not in self._told_literals
        }
        self._told_literals |= new.keys()
        self._check(graph)
        self._say(Grown(graph, new))

    def _refuse_stopped(self) -> None:
        if self._stopped:
            raise Stopped

    def _signature(self, function: Callable[..., Any]) -> inspect.Signature:
        known = self._signatures.get(id(function))
        if known is None:
            self._kept.append(function)
            known = self._signatures[id(function)] = signature_in_pipelines(function)
        return known

    def _each(
        self,
        name: str,
        signature: inspect.Signature,
        given: dict[str, Any],
        call: Callable[[dict[str, Any]], Any],
        names: tuple[str, ...] = (),
    ) -> Any:
        """The call itself, or with ``each`` among its arguments one for each element, level by level."""
        starts = self._starred.get(id(signature))
        if starts is None:
            self._kept.append(signature)
            kinds = {parameter.kind for parameter in signature.parameters.values()}
            starts = self._starred[id(signature)] = not kinds.isdisjoint(_STARS)
        if not starts and Mapped not in map(type, given.values()):
            return call(given)
        inside, starred = apart(given, signature)
        levels: dict[str, int] = {}
        for key in inside:
            while isinstance(inside[key], Mapped):
                inside[key] = inside[key].source
                levels[key] = levels.get(key, 0) + 1
        return self._level(name, inside, levels, lambda one: call(together(dict(one), starred)), names)

    def _level(
        self,
        name: str,
        inside: dict[str, Any],
        levels: dict[str, int],
        call: Callable[[dict[str, Any]], Any],
        names: tuple[str, ...],
    ) -> Any:
        mapped = [key for key, left in levels.items() if left]
        if not mapped:
            return call(inside)
        columns = {key: self._elements(f"{name}.{key}", inside[key]) for key in mapped}
        sizes = {key: len(column) for key, column in columns.items()}
        if len(set(sizes.values())) > 1:
            said = ", ".join(f"{key} has {size}" for key, size in sizes.items())
            raise DefinitionError(
                f"each(...) side by side needs lists of equal length: {said}",
                where=user_line(),
                hint="for every combination of them write **each.product(…)",
            )
        deeper = {key: left - 1 for key, left in levels.items()}
        made = [
            self._level(name, {**inside, **{key: columns[key][at] for key in mapped}}, deeper, call, names)
            for at in range(next(iter(sizes.values())))
        ]
        if names:
            return Futures([MappedFutures(one[at] for one in made) for at in range(len(names))], names)
        return MappedFutures(made)

    def _elements(self, label: str, source: Any) -> list[Any]:
        """The elements of what ``each`` got; of a future when its value is there, for it tells how many there are."""
        if isinstance(source, Product):
            lists = [self._elements(f"{label}[{at}]", one) for at, one in enumerate(source.lists)]
            return [cell[source.column] for cell in product(*lists)]
        if isinstance(source, Future):
            source = self._waited(label, source)
        if not isinstance(source, list | tuple):
            raise DefinitionError(f"each(...) of {label} is not a list: {source!r:.80}", where=user_line())
        return list(source)

    def _waited(self, label: str, future: Future) -> Any:
        if not future.done() and _in_event_loop():
            raise DefinitionError(
                f"{label} takes a list apart that is not there yet, and an async def must not block",
                where=user_line(),
                hint="await it first: each(await values)",
            )
        return future.result()

    def _make(self, site: Site, given: dict[str, Any], after: tuple[Any, ...]) -> Any:
        """Write a call down, number it, and ask for it."""
        values: list[tuple[str, Artifact]] = []
        sources: dict[str, set[int]] = {}
        arguments: list[tuple[str, Resolved]] = []
        for name, raw in given.items():
            depth = site.depths.get(name, 0) if site.depths else 0
            value = self._lift_apart(f"{site.name}.{name}", raw, values, depth) if depth else None
            value = value or self._lift(f"{site.name}.{name}", raw, values)
            arguments.append((name, value))
            if type(value) is not Fixed and (nodes := set(_nodes(value))):
                sources[name] = nodes
        if after:
            awaited = self._lift_after(site.name, after)
            arguments.append((AFTER, awaited))
            sources[AFTER] = set(_nodes(awaited))
        body = write_arguments(arguments)
        call = self.growing.graph.scopes[site.scope].call  # type: ignore[union-attr]
        digest = call_digest(call, body)
        with self._lock:
            self._refuse_stopped()
            before = self.growing.graph
            if sources and self.growing.noted(site.scope, sources):
                self._tell_growth(before)
            recorded = self._recorded.take(site.scope, digest)
            if recorded is None:
                number = self._numbers.get(site.scope, 0)
                self._numbers[site.scope] = number + 1
            else:
                number = recorded.number
            path = (number,)
            passed = dict(read_arguments(body)) if any(map(_can_change, arguments)) else dict(arguments)
            gives = self._futures(site, path)
            self._say(
                Made(
                    site.scope,
                    path,
                    digest,
                    body,
                    passed,
                    recorded is not None,
                    recorded.failed if recorded else "",
                    tuple(values),
                )
            )
        return gives

    def _futures(self, site: Site, path: Path) -> Any:
        slots: dict[int, Slot] = {}

        def future(leaf: Leaf) -> Future:
            slot = slots.get(leaf.node)
            if slot is None:
                place = (leaf.node, path)
                name = task_name(self.growing.graph.nodes[leaf.node].id, path)
                slot = slots[leaf.node] = self._slots[place] = Slot(place, name, self._moments.get(place))
            return Future(self, slot, leaf.output)

        def made(gives: Any) -> Any:
            match gives:
                case Leaf():
                    return future(gives)
                case list() | tuple():
                    return type(gives)(made(one) for one in gives)
                case dict():
                    return {key: made(one) for key, one in gives.items()}
            return gives

        if type(site.gives) is Leaf:
            return future(site.gives)
        return Futures(map(future, site.gives), site.names) if site.names else made(site.gives)

    # What is passed.

    def _lift(self, label: str, raw: Any, values: list[tuple[str, Artifact]]) -> Resolved:
        """What was written in a call, as it is recorded and passed on."""
        match raw:
            case Future():
                if raw._owner is not self:
                    raise DefinitionError(f"{raw!r} belongs to another run", where=user_line())
                slot = raw._slot
                if slot.place[0] < 0:
                    return Given(slot.name)
                return Need(slot.place[0], raw._output, slot.place[1])
            case Mapped():
                raise DefinitionError(
                    "each(...) must be an argument of its own, not inside a list, tuple or dict",
                    where=user_line(),
                    hint="step(each(xs)), or return the list itself",
                )
            case list() | tuple() if _holds_future(raw):
                items = tuple([self._lift(f"{label}[{at}]", one, values) for at, one in enumerate(raw)])
                return Many(items, isinstance(raw, tuple))
            case dict() if _holds_future(raw):
                if not all(isinstance(key, str) for key in raw):
                    raise DefinitionError("a dict of futures needs strings as keys", where=user_line())
                return Keyed(
                    tuple([(key, self._lift(f"{label}.{key}", one, values)) for key, one in raw.items()])
                )
        if is_plain(raw, [_SMALL]):
            return Fixed(raw)
        artifact = self._store.save(raw, label)
        if artifact.head is not None and not artifact.parts:
            return Held(artifact)
        name = f"{LITERAL}{artifact.id}"
        if name not in self._values:
            self._values.add(name)
            values.append((name, artifact))
        return Given(name)

    def _lift_apart(self, label: str, raw: Any, values: list[tuple[str, Artifact]], depth: int) -> Resolved:
        """A list of which a described pipeline takes the elements, ``depth`` levels down."""
        if not depth:
            return self._lift(label, raw, values)
        if isinstance(raw, Future):
            raw = self._waited(label, raw)
        if not isinstance(raw, list | tuple):
            raise DefinitionError(
                f"{label}: the pipeline takes each(…) of it, so it must be a list, not {type(raw).__name__}",
                where=user_line(),
            )
        return Many(
            tuple([self._lift_apart(f"{label}[{at}]", one, values, depth - 1) for at, one in enumerate(raw)])
        )

    def _lift_after(self, name: str, after: tuple[Any, ...]) -> Resolved:
        found = []
        for one in after:
            for future in _flat(one):
                if not isinstance(future, Future):
                    raise DefinitionError(
                        f"{name}: after=[{future!r:.60}] is not what a step gives",
                        where=user_line(),
                        hint="name the result of the step before: loaded = load(); check(after=[loaded])",
                    )
                found.append(self._lift(name, future, []))
        return Many(tuple(found))

    # What comes of it.

    def given(self, name: str) -> Future:
        """An argument of the pipeline that is read where it is used, such as a dataset."""
        slot = Slot((-1, ()), name)
        slot.outcome = self._store
        return Future(self, slot, 0)

    def wait(self, slot: Slot, timeout: float | None) -> None:
        if _in_event_loop():
            raise DefinitionError(
                f"{slot.name} is not done, and waiting for it here would block the event loop",
                where=user_line(),
                hint="in an async def write: await future",
            )
        with self._news:
            if not self._news.wait_for(lambda: slot.outcome is not None, timeout):
                raise TimeoutError(f"{slot.name} was not done in {timeout:g} s")

    def value(self, slot: Slot, output: int) -> Any:
        if slot.place[0] < 0:
            return self._store.load(self._inputs[slot.name])
        failure = self.failure(slot)
        if failure is not None:
            raise failure from failure.__cause__
        return self._store.load(slot.outcome[output])

    def failure(self, slot: Slot) -> TaskFailed | None:
        outcome = slot.outcome
        if not isinstance(outcome, Failure):
            return None
        if outcome.state == "stopped":
            raise Stopped
        if outcome.call is not None:
            self._say(SawFailure(slot.place, *outcome.call, outcome.reason))
        error = TaskFailed(f"{outcome.task} {outcome.state}: {outcome.reason}", where=outcome.where)
        error.task, error.call = outcome.task, outcome.call
        error.__cause__ = outcome.cause
        return error


@contextmanager
def _grouped(group: int) -> Iterator[None]:
    token = _group.set(group)
    try:
        yield
    finally:
        _group.reset(token)


def _in_group(group: int, function: Callable[..., Any], bound: inspect.BoundArguments) -> Any:
    """Run the body of a dynamic pipeline that another one calls."""
    if inspect.iscoroutinefunction(function):
        return _in_group_later(group, function, bound)
    with _grouped(group):
        return function(*bound.args, **bound.kwargs)


async def _in_group_later(group: int, function: Callable[..., Any], bound: inspect.BoundArguments) -> Any:
    with _grouped(group):
        return await function(*bound.args, **bound.kwargs)


async def _awaited(result: Any) -> Any:
    return await result


def _in_event_loop() -> bool:
    import sys

    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and asyncio._get_running_loop() is not None


def _bind(
    signature: inspect.Signature, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, Any]:
    try:
        return signature.bind(*args, **kwargs).arguments
    except TypeError as error:
        surplus = [key for key in kwargs if key not in signature.parameters]
        raise DefinitionError(
            f"{name}{signature} does not take these arguments: {error}",
            where=user_line(),
            hint=did_you_mean(surplus[0], signature.parameters) if surplus else None,
        ) from None


def _can_change(argument: tuple[str, Resolved]) -> bool:
    value = argument[1]
    return type(value) in (Many, Keyed) or (type(value) is Fixed and type(value.value) in (list, dict))


def _nodes(value: Resolved) -> Iterator[int]:
    match value:
        case Need(node=node):
            yield node
        case Many(items=items):
            for item in items:
                yield from _nodes(item)
        case Keyed(items=pairs):
            for _, item in pairs:
                yield from _nodes(item)


def _flat(one: Any) -> Iterator[Any]:
    if isinstance(one, list | tuple):
        for inner in one:
            yield from _flat(inner)
    else:
        yield one


def _holds_future(raw: Any) -> bool:
    match raw:
        case Future() | Mapped():
            return True
        case list() | tuple():
            return any(map(_holds_future, raw))
        case dict():
            return any(map(_holds_future, raw.values()))
    return False
