"""How does what is written in a pipeline become a value of its graph?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from plait.errors import DefinitionError
from plait.graph.calling import user_line
from plait.graph.conditions import Condition
from plait.graph.model import Each
from plait.graph.refs import Mapped, Product, Ref
from plait.graph.values import Const, DictOf, Grid, Input, Item, ListOf, Output, State, Test, Value, parts

if TYPE_CHECKING:
    from plait.graph.calling import user_line
    from plait.graph.tracing import Tracer

__all__ = ["Element", "Lifter", "is_plain"]

_SMALL = 256  # elements; a longer literal is stored as an input of the run, not in the graph


class Lifter:
    """Makes values of what a tracer's pipeline is written with, as seen from the scope where the tracer stands."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer

    def lift(self, label: str, raw: Any) -> Value:
        """What was written in the pipeline as a value of the graph."""
        match raw:
            case Ref():
                if raw._tracer is not self._tracer:
                    raise DefinitionError(
                        f"{raw._label!r} belongs to another pipeline",
                        where=user_line(),
                        hint="pass it as an argument",
                    )
                return self._seen_from_here(raw._value)
            case Element():
                return raw.value
            case Condition():
                raise DefinitionError(
                    f"the condition {raw.text!r} cannot be passed on",
                    where=user_line(),
                    hint="it is for when(…) and until=…; pass its operands and compare inside the step",
                )
            case Product():
                columns = tuple(self.lift(f"{label}[{at}]", given) for at, given in enumerate(raw.lists))
                return Grid(columns, raw.column)
            case Mapped():
                raise DefinitionError(
                    "each(...) must be an argument of its own, not inside a list, tuple or dict",
                    where=user_line(),
                    hint="step(each(xs)), or return the list itself",
                )
            case list() | tuple() if _holds_ref(raw):
                items = tuple(self.lift(f"{label}[{at}]", item) for at, item in enumerate(raw))
                return ListOf(items, is_tuple=isinstance(raw, tuple))
            case dict() if _holds_ref(raw):
                if not all(isinstance(key, str) for key in raw):
                    raise DefinitionError("a dict of coming values needs strings as keys", where=user_line())
                return DictOf(tuple((key, self.lift(f"{label}.{key}", item)) for key, item in raw.items()))
        if is_plain(raw, [_SMALL]):
            return Const(raw)
        name, count = label, 1
        while name in self._tracer.literals or name in self._tracer.references:
            count += 1
            name = f"{label}_{count}"
        self._tracer.literals[name] = raw
        return Input(name)

    def _seen_from_here(self, value: Value) -> Value:
        """An element that left its ``each`` is the whole list again, as any value is that leaves it."""
        while isinstance(value, Item) and not self._lies_in(self._tracer.scope, value.scope):
            each = self._tracer.scopes[value.scope]
            assert isinstance(each, Each)
            value = each.sources[value.source]
        if not isinstance(value, Item) and self._left_behind(value):
            if isinstance(value, State):
                raise DefinitionError(
                    "what a loop carries cannot leave it by itself",
                    where=user_line(),
                    hint="use what repeat(…) returns",
                )
            raise DefinitionError(
                "a list that was made of elements of an each(...) cannot leave it as it is",
                where=user_line(),
                hint="pass it through a step inside the each: a step that takes it and returns it",
            )
        return value

    def _left_behind(self, value: Value) -> bool:
        if isinstance(value, Item | State):
            return not self._lies_in(self._tracer.scope, value.scope)
        return any(self._left_behind(part) for part in parts(value))

    def condition(self, label: str, raw: Any) -> Value:
        """What decides: a comparison, a coming value that will be true or false, or True or False.

        Raises:
            DefinitionError: it is none of them.
        """
        match raw:
            case Condition(op=op, operands=operands):
                if raw._tracer is not self._tracer:
                    raise DefinitionError(
                        f"the condition {raw.text!r} belongs to another pipeline", where=user_line()
                    )
                return Test(op, tuple(self._operand(label, operand) for operand in operands))
            case Ref() | bool():
                return self.lift(label, raw)
        raise DefinitionError(
            f"a condition is a comparison or a step's output, got {type(raw).__name__}: {raw!r:.80}",
            where=user_line(),
            hint="such as score > 0.9, or a step that returns True or False",
        )

    def _operand(self, label: str, raw: Any) -> Value:
        return self.condition(label, raw) if isinstance(raw, Condition) else self.lift(label, raw)

    def by_element(self, value: Value, scope: int) -> bool:
        match value:
            case Output(node=node):
                return self._lies_in(self._tracer.nodes[node].scope, scope)
            case Item(scope=own, source=source) if own != scope:
                each = self._tracer.scopes[own]
                assert isinstance(each, Each)
                return self._lies_in(own, scope) and self.by_element(each.sources[source], scope)
            case Item():
                return True
            case State(scope=loop):
                return self._lies_in(loop, scope)
        return any(self.by_element(part, scope) for part in parts(value))

    def _lies_in(self, scope: int, around: int) -> bool:
        while scope > around:
            scope = self._tracer.scopes[scope].parent
        return scope == around


class Element:
    """Stands for an argument inside its ``each``."""

    __slots__ = ("value",)

    def __init__(self, value: Item) -> None:
        self.value = value


def _holds_ref(raw: Any) -> bool:
    match raw:
        case Ref() | Mapped() | Element() | Condition():
            return True
        case list() | tuple():
            return any(_holds_ref(item) for item in raw)
        case dict():
            return any(_holds_ref(item) for item in raw.values())
    return False


def is_plain(raw: Any, budget: list[int]) -> bool:
    """Whether JSON gives back exactly this value, and the graph stays small with it."""
    kind = type(raw)
    if raw is None or kind is bool:
        return True
    if kind is int:
        return bool(-(2**63) <= raw < 2**63)
    if kind is float:
        return bool(raw - raw == 0)
    if kind is str:
        return len(raw) <= 4096 and not any("\ud800" <= character <= "\udfff" for character in raw)
    if kind is list or kind is dict:
        budget[0] -= len(raw)
        if budget[0] < 0:
            return False
        if kind is dict and not all(type(key) is str for key in raw):
            return False
        return all(is_plain(item, budget) for item in (raw.values() if kind is dict else raw))
    return False
