"""How does a secret reach the code that needs it, and nothing else?"""

from __future__ import annotations

from typing import Any

__all__ = ["MASK", "Secret", "has_secret", "reveal"]

MASK = "***"


class Secret(str):
    """A value that prints, formats, joins and serializes as ``***``; only ``reveal()`` gives it.

    It is a ``str`` whose characters are the mask, so that whatever takes its characters without asking
    (``json``, ``%``, ``join``, a C extension) takes the mask. Two secrets are equal when their values are;
    a secret never equals a plain string. It survives pickling, for the way between processes of one run:
    a pickle of a secret holds its value and belongs in no record.
    """

    __slots__ = ("_value",)

    _value: str

    def __new__(cls, value: str) -> Secret:
        made = super().__new__(cls, MASK)
        made._value = value.reveal() if isinstance(value, Secret) else str(value)
        return made

    def reveal(self) -> str:
        """The value itself."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret('{MASK}')"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> tuple[Any, ...]:
        return Secret, (self._value,)


def reveal(value: Any) -> Any:
    """The same value with each secret in it, however deep in lists and mappings, in plain text."""
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, dict):
        return {key: reveal(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        inside = [reveal(inner) for inner in value]
        return type(value)(*inside) if hasattr(value, "_fields") else type(value)(inside)
    return value


def has_secret(value: Any) -> bool:
    """Whether a secret is in this value, however deep in lists and mappings."""
    if isinstance(value, Secret):
        return True
    if isinstance(value, dict):
        return any(map(has_secret, value.values()))
    return isinstance(value, (list, tuple, set, frozenset)) and any(map(has_secret, value))
