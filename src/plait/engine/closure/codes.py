"""What does a code object do?"""

from __future__ import annotations

from types import CodeType
from typing import Any

from plait.engine.closure.bytecode import Listing, Listings, listed
from plait.engine.closure.flow import canonical
from plait.engine.closure.tokens import digest, group, scalar, word

__all__ = ["code_digest"]

# Variable arguments, generators and coroutines; the other flags follow from how the code was compiled.
_FLAGS = 0x04 | 0x08 | 0x20 | 0x80 | 0x100 | 0x200
_LITERALS = frozenset({"LOAD_CONST", "KW_NAMES"})


def code_digest(code: CodeType, masked: frozenset[str], listings: Listings) -> str:
    """A digest of what ``code`` does; the global names in ``masked`` stand for the step itself."""
    found = listed(code, listings)
    arguments = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 4) + bool(code.co_flags & 8)
    head = (
        f"{code.co_argcount} {code.co_posonlyargcount} {code.co_kwonlyargcount} {code.co_flags & _FLAGS:x} "
        f"{' '.join(code.co_varnames[:arguments])}"
    )
    return digest(f"{head}\n{canonical(found, _labels(found, masked, listings))}")


def _labels(found: Listing, masked: frozenset[str], listings: Listings) -> list[str]:
    """What each instruction does, in words that do not depend on where its operands are kept."""
    out = []
    rows = zip(found.names, found.values, found.flags, found.handlers, strict=True)
    for name, value, flag, handler in rows:
        if name in _LITERALS:
            operand = _literal(value, masked, listings)
        elif name == "LOAD_GLOBAL" and value in masked:
            operand = "<step>"
        else:
            operand = value
        out.append(f"{name} {operand} {flag} {handler[1] if handler else ''}")
    return out


def _literal(value: Any, masked: frozenset[str], listings: Listings) -> str:
    """The token of a constant that the compiler made: plain values, code, tuples and frozensets of them."""
    token = scalar(value)
    if token is not None:
        return token
    if isinstance(value, CodeType):
        return "code:" + code_digest(value, masked, listings)
    if isinstance(value, tuple):
        return group("t", [_literal(item, masked, listings) for item in value])
    if isinstance(value, frozenset):
        return group("fs", sorted(_literal(item, masked, listings) for item in value))
    return word(f"{type(value).__name__} {value!r}")  # a slice, from Python 3.14 on
