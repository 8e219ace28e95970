"""What can stand where a step takes an argument? A small algebra of values that do not exist yet.

Every value is read *from a scope*. An ``Output`` of a step that lies in deeper ``each`` scopes than its reader
is the (nested) list of all its elements: gathering is not an operation, it follows from where one stands.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, Union

from msgspec import Struct

__all__ = [
    "Const",
    "DictOf",
    "Grid",
    "Input",
    "Item",
    "Last",
    "ListOf",
    "Output",
    "Passed",
    "State",
    "Test",
    "Value",
    "parts",
    "rebuilt",
]


class Const(Struct, frozen=True, tag="const"):
    """A value written in the pipeline that JSON says exactly: None, bool, int, float, str, lists and dicts of them."""

    value: Any


class Input(Struct, frozen=True, tag="input"):
    """An argument of the pipeline, or a literal that JSON cannot say; the run stores its value under this name."""

    name: str


class Output(Struct, frozen=True, tag="output"):
    """One output of a node, seen from the reader's scope."""

    node: int
    output: int = 0


class Item(Struct, frozen=True, tag="item"):
    """The element of an ``each`` scope's source, for the steps inside that scope."""

    scope: int
    source: int = 0


class Passed(Struct, frozen=True, tag="passed"):
    """What a call passed for one of the parameters, for the steps inside a ``Calls`` scope; told with each call.

    Seen from the outermost scope it is what the body of the pipeline returned.
    """

    scope: int
    name: str


class ListOf(Struct, frozen=True, tag="list"):
    """A list or tuple written in the pipeline with values inside that do not exist yet."""

    items: tuple[Value, ...]
    is_tuple: bool = False


class DictOf(Struct, frozen=True, tag="dict"):
    """A dict written in the pipeline with values inside that do not exist yet."""

    items: tuple[tuple[str, Value], ...]


class Grid(Struct, frozen=True, tag="grid"):
    """One column of the cartesian product of some lists, the last one varying fastest: itself a list."""

    columns: tuple[Value, ...]
    column: int


class State(Struct, frozen=True, tag="state"):
    """What a loop carries from round to round: the initial value in the first round, then the round before's result."""

    scope: int
    position: int = 0


class Last(Struct, frozen=True, tag="last"):
    """What a loop carried after its last round, seen from outside the loop."""

    scope: int
    position: int = 0


class Test(Struct, frozen=True, tag="test"):
    """A comparison, or ``and``, ``or``, ``not`` of some; only the run itself evaluates it, for branches and loops."""

    op: str
    operands: tuple[Value, ...]


Value: TypeAlias = Union[  # noqa: UP007 - msgspec reads it
    Const, Input, Output, Item, Passed, ListOf, DictOf, Grid, State, Last, Test
]


def parts(value: Value) -> tuple[Value, ...]:
    """The values directly inside a value."""
    match value:
        case ListOf(items=items):
            return items
        case DictOf(items=pairs):
            return tuple(inner for _, inner in pairs)
        case Grid(columns=columns):
            return columns
        case Test(operands=operands):
            return operands
    return ()


def rebuilt(value: Value, leaf: Callable[[Value], Value]) -> Value:
    """The value with everything in it that has no parts exchanged for what ``leaf`` makes of it."""
    match value:
        case ListOf(items=items, is_tuple=is_tuple):
            return ListOf(tuple([rebuilt(item, leaf) for item in items]), is_tuple)
        case DictOf(items=pairs):
            return DictOf(tuple([(key, rebuilt(item, leaf)) for key, item in pairs]))
        case Grid(columns=columns, column=column):
            return Grid(tuple([rebuilt(item, leaf) for item in columns]), column)
        case Test(op=op, operands=operands):
            return Test(op, tuple([rebuilt(operand, leaf) for operand in operands]))
    return leaf(value)
