"""What does a step call give while a pipeline is traced? A reference: to be passed on, mapped and named."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NoReturn

from plait.errors import DefinitionError
from plait.graph.calling import user_line
from plait.graph.conditions import Condition
from plait.graph.values import Value

if TYPE_CHECKING:
    from plait.graph.tracing import Tracer

__all__ = ["Mapped", "Outputs", "Product", "Ref", "each"]


class Ref:
    """A value that does not exist yet: the output of a step, or an argument of the pipeline."""

    __slots__ = ("_label", "_tracer", "_value")

    def __init__(self, tracer: Tracer, value: Value, label: str) -> None:
        self._tracer = tracer
        self._value = value
        self._label = label

    def named(self, name: str) -> Ref:
        """The same value; the output is called ``name`` from here on, in records and in the catalog."""
        self._tracer.rename(self, (name,))
        return self

    def __repr__(self) -> str:
        return f"<the coming value of {self._label!r}>"

    def __hash__(self) -> int:
        return id(self)

    def _misused(self, what: str, instead: str) -> NoReturn:
        raise DefinitionError(
            f"{self._label!r} has no value while the pipeline is described, so it cannot be {what}",
            where=user_line(),
            hint=instead,
        )

    def __bool__(self) -> bool:
        self._misused(
            "tested by if, while, and, or, not",
            f"write with when({self._label}): … and with otherwise(): …, or decide inside a step",
        )

    def __len__(self) -> int:
        self._misused("counted by len()", "count inside a step, which receives the value")

    def __iter__(self) -> Iterator[Any]:
        self._misused(
            "iterated or unpacked",
            f"to run a step once per element write step(each({self._label})); "
            'to unpack several outputs declare them: @step(outputs=["a", "b"])',
        )

    def __getitem__(self, key: Any) -> Any:
        self._misused(
            f"indexed by [{key!r}]", "index inside a step, or declare several outputs: @step(outputs=[…])"
        )

    def __setitem__(self, key: Any, value: Any) -> None:
        self._misused(f"changed at [{key!r}]", "change it inside a step, which receives a value of its own")

    def __delitem__(self, key: Any) -> None:
        self._misused(f"changed at [{key!r}]", "change it inside a step, which receives a value of its own")

    def __next__(self) -> Any:
        self._misused("iterated", f"to run a step once per element write step(each({self._label}))")

    def __enter__(self) -> Any:
        self._misused("used in a with statement", "open it inside the step that uses it")

    def __exit__(self, *_: Any) -> None: ...

    def __reduce_ex__(self, _: Any) -> Any:
        self._misused(
            "stored inside another object",
            "pass it as an argument of its own, or in a list, a tuple or a dict",
        )

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        self._misused(
            f"asked for .{name}", f"write a step that takes {self._label} and returns what you need of it"
        )

    def _operated(self, *_: Any) -> Any:
        self._misused("calculated with", "calculate inside a step, which receives the value")

    def __eq__(self, other: object) -> Condition:  # type: ignore[override]
        return Condition(self._tracer, "==", self, other)

    def __ne__(self, other: object) -> Condition:  # type: ignore[override]
        return Condition(self._tracer, "!=", self, other)

    def __lt__(self, other: Any) -> Condition:
        return Condition(self._tracer, "<", self, other)

    def __le__(self, other: Any) -> Condition:
        return Condition(self._tracer, "<=", self, other)

    def __gt__(self, other: Any) -> Condition:
        return Condition(self._tracer, ">", self, other)

    def __ge__(self, other: Any) -> Condition:
        return Condition(self._tracer, ">=", self, other)

    def __and__(self, other: Any) -> Condition:
        if not isinstance(other, Ref | Condition | bool):
            self._operated()
        return Condition(self._tracer, "and", self, other)

    def __rand__(self, other: Any) -> Condition:
        return Condition(self._tracer, "and", other, self) if isinstance(other, bool) else self._operated()

    def __or__(self, other: Any) -> Condition:
        if not isinstance(other, Ref | Condition | bool):
            self._operated()
        return Condition(self._tracer, "or", self, other)

    def __ror__(self, other: Any) -> Condition:
        return Condition(self._tracer, "or", other, self) if isinstance(other, bool) else self._operated()

    def __invert__(self) -> Condition:
        return Condition(self._tracer, "not", self)

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __matmul__ = __rmatmul__ = _operated
    __divmod__ = __rdivmod__ = __lshift__ = __rlshift__ = __rshift__ = __rrshift__ = _operated
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __pow__ = __rpow__ = (
        _operated
    )
    __xor__ = __rxor__ = __neg__ = __pos__ = __abs__ = _operated
    __int__ = __float__ = __index__ = __complex__ = __round__ = __contains__ = _operated

    def __call__(self, *_: Any, **__: Any) -> Any:
        self._misused("called", "call it inside a step, which receives the value")

    def __format__(self, spec: str) -> str:
        self._misused("formatted into a string", "format inside a step, which receives the value")


class Outputs(tuple[Ref, ...]):
    """The outputs of one call, in order and by name: ``train, test = split(table)`` or ``split(table).train``."""

    names: tuple[str, ...]

    def __new__(cls, refs: tuple[Ref, ...], names: tuple[str, ...]) -> Outputs:
        made = super().__new__(cls, refs)
        made.names = names
        return made

    def named(self, *names: str) -> Outputs:
        """The same values; the outputs are called ``names`` from here on."""
        first = self[0]
        if len(names) != len(self):
            raise DefinitionError(
                f"there are {len(self)} outputs ({', '.join(self.names)}), and .named() got {len(names)} names",
                where=user_line(),
                hint="give a name for each, or name one of them: outputs[0].named(…)",
            )
        first._tracer.rename(first, names)
        return Outputs(tuple(self), names)

    def __getattr__(self, name: str) -> Ref:
        names = self.__dict__.get("names", ())
        if name in names:
            ref: Ref = self[names.index(name)]
            return ref
        raise AttributeError(f"no output named {name!r}; there is: {', '.join(names)}")


class Mapped:
    """Marks an argument to be taken element by element."""

    __slots__ = ("source",)

    def __init__(self, source: Any) -> None:
        self.source = source

    def __iter__(self) -> Iterator[Any]:
        raise DefinitionError("each(...) stands for one argument of a step; it cannot be iterated")


class Product:
    """One column of a cartesian product of lists."""

    __slots__ = ("column", "lists")

    def __init__(self, lists: tuple[Any, ...], column: int) -> None:
        self.lists = lists
        self.column = column


class _Each:
    """``step(each(xs))`` is ``[step(x) for x in xs]``; two in one call run side by side, nested ones nest."""

    def __call__(self, source: Any) -> Any:
        if isinstance(source, Mapped | Ref | Product) or getattr(type(source), "is_future", False):
            return Mapped(source)
        if isinstance(source, range | list | tuple):
            return Mapped(list(source) if isinstance(source, range) else source)
        if type(source).__module__.partition(".")[0] == "numpy" and getattr(source, "ndim", 0) == 1:
            return Mapped(list(source))
        hint = {"dict": "use each(list(d.items()))", "str": "use each(list(text)) for its characters"}
        kind = type(source).__name__
        raise DefinitionError(
            f"each(...) needs a list or the output of a step, got {kind}: {source!r:.80}",
            hint=hint.get(kind, "use each(list(…))"),
        )

    def product(self, **lists: Any) -> dict[str, Any]:
        """Arguments for a grid: ``fit(train, **each.product(depth=[3, 5], rate=[0.1, 0.3]))`` is four tasks.

        The last list varies fastest, as in ``itertools.product``; the result is one flat list.
        """
        if not lists:
            raise DefinitionError("each.product needs lists by name", hint="each.product(depth=[3, 5])")
        columns = tuple(self(given).source for given in lists.values())
        return {name: Mapped(Product(columns, position)) for position, name in enumerate(lists)}

    def __repr__(self) -> str:
        return "each"


each = _Each()
