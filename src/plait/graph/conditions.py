"""How does one write a condition on values that do not exist yet? ``score > 0.9``, joined by ``&``, ``|`` and ``~``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from plait.errors import DefinitionError
from plait.graph.calling import user_line

if TYPE_CHECKING:
    from plait.graph.tracing import Tracer

__all__ = ["Condition", "apply", "truth"]


class Condition:
    """A comparison of coming values; the run evaluates it where it stands: ``when(…)``, ``until=…``."""

    __slots__ = ("_tracer", "op", "operands")

    def __init__(self, tracer: Tracer, op: str, *operands: Any) -> None:
        self._tracer = tracer
        self.op = op
        self.operands = operands

    def __and__(self, other: Any) -> Condition:
        return Condition(self._tracer, "and", self, self._joined(other, "&"))

    def __rand__(self, other: Any) -> Condition:
        return Condition(self._tracer, "and", self._joined(other, "&"), self)

    def __or__(self, other: Any) -> Condition:
        return Condition(self._tracer, "or", self, self._joined(other, "|"))

    def __ror__(self, other: Any) -> Condition:
        return Condition(self._tracer, "or", self._joined(other, "|"), self)

    def __invert__(self) -> Condition:
        return Condition(self._tracer, "not", self)

    def __bool__(self) -> bool:
        self._misused(
            "tested by if, while, and, or, not, in",
            f"write with when({self.text}): …, and join conditions by &, | and ~ with brackets around each",
        )

    def __reduce_ex__(self, _: Any) -> Any:
        self._misused("stored inside another object", "a condition is for when(…) and until=…")

    def __repr__(self) -> str:
        return f"<the coming condition {self.text}>"

    @property
    def text(self) -> str:
        """As it was written: ``score > 0.9``."""
        shown = [_shown(operand, inside=self.op in ("and", "or", "not")) for operand in self.operands]
        if self.op == "not":
            return f"not {shown[0]}"
        return f" {self.op} ".join(shown)

    def _joined(self, other: Any, sign: str) -> Any:
        if isinstance(other, Condition | bool) or hasattr(type(other), "_misused"):
            return other
        self._misused(
            f"joined with {other!r:.40}", f"write brackets around each condition: (a > 1) {sign} (b > 2)"
        )

    def _misused(self, what: str, instead: str) -> NoReturn:
        raise DefinitionError(
            f"{self.text!r} has no value while the pipeline is described, so it cannot be {what}",
            where=user_line(),
            hint=instead,
        )


def _shown(operand: Any, *, inside: bool) -> str:
    if isinstance(operand, Condition):
        return f"({operand.text})" if inside and operand.op != "not" else operand.text
    label = getattr(operand, "_label", None) if hasattr(type(operand), "_misused") else None
    return label if label is not None else f"{operand!r:.40}"


def apply(op: str, values: list[Any]) -> Any:
    """The value of a comparison of values that are there.

    Raises:
        TypeError: ``and``, ``or``, ``not`` of something that is neither true nor false, or what comparing raises.
    """
    import operator

    if op in ("and", "or", "not"):
        facts = [truth(value) for value in values]
        return not facts[0] if op == "not" else all(facts) if op == "and" else any(facts)
    compare = {
        "==": operator.eq,
        "!=": operator.ne,
        "<": operator.lt,
        "<=": operator.le,
        ">": operator.gt,
        ">=": operator.ge,
    }
    return compare[op](*values)


def truth(value: Any) -> bool:
    """True or False, of numpy as well.

    Raises:
        TypeError: it is neither.
    """
    if isinstance(value, bool):
        return value
    if getattr(value, "shape", None) == () and getattr(getattr(value, "dtype", None), "kind", "") == "b":
        return bool(value)
    raise TypeError(f"neither True nor False, but {type(value).__name__}: {value!r:.80}")
