"""How does a graph become tasks? One small recursive rule, shared by the scheduler, the records and the plan.

Standing in a scope at a path, ``resolve`` says what a value is made of: outputs of tasks (``Need``), inputs of
the run (``Given``) and constants. ``size`` says how many elements it has, or what must be known first. Both look
*through* mapped results: the i-th element of a gathered output is the output of the i-th task, so elements flow
on without waiting for each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

from msgspec import Struct

from plait.errors import DefinitionError
from plait.graph.model import Each, Graph, Loop, Path
from plait.graph.values import (
    Const,
    DictOf,
    Grid,
    Input,
    Item,
    Last,
    ListOf,
    Output,
    Passed,
    State,
    Test,
    Value,
)

__all__ = [
    "Facts",
    "Fixed",
    "Given",
    "Held",
    "Keyed",
    "Lengths",
    "Many",
    "Need",
    "Resolved",
    "Unknown",
    "is_there",
    "resolve",
    "size",
]

Lengths: TypeAlias = "list[Lengths | None] | int | None"
"""The lengths of a nested list as far down as it is taken apart: ``[2, 0, 5]`` is three lists of 2, 0 and 5."""


class Need(Struct, frozen=True, array_like=True, tag="n"):
    """The output of a node at a path; of all tasks below it where the path is shorter than the node's own.

    ``index`` picks an element of the output itself, a list that an ``each`` takes apart.
    """

    node: int
    output: int
    path: Path
    index: Path = ()


class Given(Struct, frozen=True, array_like=True, tag="i"):
    """An input of the run, or an element of it."""

    name: str
    index: Path = ()


class Fixed(Struct, frozen=True, array_like=True, tag="c"):
    """A constant."""

    value: Any


class Held(Struct, frozen=True, array_like=True, tag="h"):
    """A value that a call brings along, in the form in which values are stored; nothing is known of it here."""

    value: Any


class Many(Struct, frozen=True, array_like=True, tag="l"):
    """A list or tuple of resolved values."""

    items: tuple[Need | Given | Fixed | Held | Many | Keyed, ...]
    is_tuple: bool = False


class Keyed(Struct, frozen=True, array_like=True, tag="d"):
    """A dict of resolved values."""

    items: tuple[tuple[str, Need | Given | Fixed | Held | Many | Keyed], ...]


Resolved: TypeAlias = Need | Given | Fixed | Held | Many | Keyed


class Unknown(Exception):
    """A size that cannot be told yet; it waits for a task ``(node, path)`` or a scope ``(~scope, path)``."""

    def __init__(self, waits_for: tuple[int, Path]) -> None:
        super().__init__(waits_for)
        self.waits_for = waits_for


class Facts(Protocol):
    """What is known so far of lengths."""

    def extent(self, scope: int, path: Path) -> int | None:
        """How many elements an ``each`` scope has at a path, once it is entered; rounds of a loop that is over."""

    def output_lengths(self, node: int, output: int, path: Path) -> Lengths:
        """The lengths of a list that a task returned and an ``each`` takes apart; None while it is not done."""

    def input_lengths(self, name: str) -> Lengths:
        """The lengths of an input that an ``each`` takes apart."""

    def passed(self, scope: int, path: Path, name: str) -> Resolved:
        """What a call passed for a parameter."""

    def absent(self, node: int, path: Path) -> bool:
        """Whether a task, or all tasks below a path, did not run because a branch was not taken."""


def resolve(graph: Graph, facts: Facts, value: Value, scope: int, path: Path, index: Path = ()) -> Resolved:
    """What a value is made of, seen from a scope at a path; ``index`` picks an element of it.

    Raises:
        Unknown: it is what a loop ends with, and the loop goes on.
    """
    match value:
        case Output(node=node, output=output):
            layout = graph.layout
            common = layout.shared_axes(scope, node)
            gathered = len(layout.node_axes[node]) - common
            return Need(node, output, path[:common] + index[:gathered], index[gathered:])
        case Const(value=constant):
            for position in index:
                constant = constant[position]
            return Fixed(constant)
        case Input(name=name):
            return Given(name, index)
        case Item(scope=each, source=source):
            outer, at = _outside(graph, each)
            inner = graph.scopes[each]
            assert isinstance(inner, Each)
            return resolve(graph, facts, inner.sources[source], outer, path[:at], (path[at], *index))
        case Passed(scope=calls, name=name):
            return _element(facts.passed(calls, _of_call(graph, calls, path), name), index)
        case State() | Last():
            inside, outer, before = _carried(graph, facts, value, path)
            return resolve(graph, facts, inside, outer, before, index)
        case Test(operands=operands):
            return Many(tuple(resolve(graph, facts, operand, scope, path) for operand in operands))
        case ListOf(items=items, is_tuple=is_tuple):
            if index:
                return resolve(graph, facts, items[index[0]], scope, path, index[1:])
            return Many(tuple(resolve(graph, facts, item, scope, path) for item in items), is_tuple)
        case DictOf(items=pairs):
            return Keyed(tuple((key, resolve(graph, facts, item, scope, path)) for key, item in pairs))
        case Grid(columns=columns, column=column):
            if index:
                coordinate = _coordinate(graph, facts, columns, column, scope, path, index[0])
                return resolve(graph, facts, columns[column], scope, path, (coordinate, *index[1:]))
            count = size(graph, facts, value, scope, path)
            return Many(tuple(resolve(graph, facts, value, scope, path, (i,)) for i in range(count)))


def size(graph: Graph, facts: Facts, value: Value, scope: int, path: Path, index: Path = ()) -> int:
    """How many elements a value has.

    Raises:
        Unknown: something else must be known first.
        DefinitionError: the value is not a list.
    """
    match value:
        case Output(node=node, output=output):
            layout = graph.layout
            common = layout.shared_axes(scope, node)
            axes = layout.node_axes[node]
            gathered = len(axes) - common
            at = path[:common] + index[:gathered]
            if len(index) < gathered:
                axis = axes[common + len(index)]
                extent = facts.extent(axis, at)
                if extent is None:
                    raise Unknown((~axis, at))
                return extent
            return _length(facts.output_lengths(node, output, at), index[gathered:], (node, at))
        case Const(value=constant):
            for position in index:
                constant = constant[position]
            if not isinstance(constant, list):
                raise DefinitionError(f"each(...) needs a list, got {constant!r} ({type(constant).__name__})")
            return len(constant)
        case Input(name=name):
            return _length(facts.input_lengths(name), index, None)
        case Item(scope=each, source=source):
            outer, at_axis = _outside(graph, each)
            inner = graph.scopes[each]
            assert isinstance(inner, Each)
            return size(graph, facts, inner.sources[source], outer, path[:at_axis], (path[at_axis], *index))
        case Passed(scope=calls, name=name):
            passed = _element(facts.passed(calls, _of_call(graph, calls, path), name), index)
            match passed:
                case Many(items=elements):
                    return len(elements)
                case Fixed(value=list() as elements):
                    return len(elements)
            raise DefinitionError(f"each(...) needs a list, got what was passed as {name!r}")
        case State() | Last():
            inside, outer, before = _carried(graph, facts, value, path)
            return size(graph, facts, inside, outer, before, index)
        case Test():
            raise DefinitionError("each(...) needs a list, got a comparison")
        case ListOf(items=items):
            return size(graph, facts, items[index[0]], scope, path, index[1:]) if index else len(items)
        case Grid(columns=columns, column=column):
            if index:
                coordinate = _coordinate(graph, facts, columns, column, scope, path, index[0])
                return size(graph, facts, columns[column], scope, path, (coordinate, *index[1:]))
            total = 1
            for each_column in columns:
                total *= size(graph, facts, each_column, scope, path)
            return total
        case DictOf():
            raise DefinitionError(
                "each(...) needs a list, got a dict: use each(list(d.items())) of a step's result"
            )


def is_there(facts: Facts, resolved: Resolved) -> bool:
    """Whether nothing that a value needs is missing because its branch was not taken."""
    match resolved:
        case Need(node=node, path=path):
            return not facts.absent(node, path)
        case Many(items=items):
            return all(is_there(facts, item) for item in items)
        case Keyed(items=pairs):
            return all(is_there(facts, item) for _, item in pairs)
    return True


def _of_call(graph: Graph, scope: int, path: Path) -> Path:
    """The part of a path that tells which call a ``Calls`` scope is entered for."""
    return path[: len(graph.layout.axes[scope])]


def _element(resolved: Resolved, index: Path) -> Resolved:
    """An element of what a call passed."""
    for at, position in enumerate(index):
        match resolved:
            case Many(items=items):
                resolved = items[position]
            case Fixed(value=value):
                resolved = Fixed(value[position])
            case Need(node=node, output=output, path=path, index=before):
                return Need(node, output, path, before + index[at:])
            case Given(name=name, index=before):
                return Given(name, before + index[at:])
            case _:
                raise DefinitionError("each(...) needs a list")
    return resolved


def _carried(graph: Graph, facts: Facts, value: State | Last, path: Path) -> tuple[Value, int, Path]:
    """What a loop carries: the value that stands for it, and the scope and path that it is seen from."""
    loop = graph.scopes[value.scope]
    assert isinstance(loop, Loop)
    at = len(graph.layout.axes[value.scope]) - 1
    if isinstance(value, Last):
        rounds = facts.extent(value.scope, path[:at])
        if rounds is None:
            raise Unknown((~value.scope, path[:at]))
    else:
        rounds = path[at]
    carried: Value = State(value.scope, value.position)
    # A round may pass on what it was given: a loop and no recursion, since rounds can be many.
    while isinstance(carried, State) and carried.scope == value.scope and rounds > 0:
        carried = loop.results[carried.position]
        rounds -= 1
        if not (isinstance(carried, State) and carried.scope == value.scope):
            return carried, value.scope, (*path[:at], rounds)
    assert isinstance(carried, State)
    return loop.initial[carried.position], loop.parent, path[:at]


def _outside(graph: Graph, each: int) -> tuple[int, int]:
    """The scope around an ``each``, and the position of its index in a path."""
    return graph.scopes[each].parent, len(graph.layout.axes[each]) - 1


def _length(lengths: Lengths, index: Sequence[int], waits_for: tuple[int, Path] | None) -> int:
    for position in index:
        if isinstance(lengths, list):
            lengths = lengths[position]
    if lengths is None:
        if waits_for is None:
            raise DefinitionError("each(...) needs a list")
        raise Unknown(waits_for)
    return len(lengths) if isinstance(lengths, list) else lengths


def _coordinate(
    graph: Graph, facts: Facts, columns: tuple[Value, ...], column: int, scope: int, path: Path, position: int
) -> int:
    """Where the ``position``-th cell of a grid lies in one of its columns."""
    for later in reversed(columns[column + 1 :]):
        position //= size(graph, facts, later, scope, path)
    return position % size(graph, facts, columns[column], scope, path)
