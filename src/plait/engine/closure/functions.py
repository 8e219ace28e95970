"""What does a function mean: its code, its defaults, what it closes over, and all that its names lead to?"""

from __future__ import annotations

from types import FunctionType

from plait.engine.closure.resolve import reference_token
from plait.engine.closure.values import constant_token, value_token
from plait.engine.closure.walk import Place, Walk

__all__ = ["function_tokens"]

_SELF = "@.:<step>"


def function_tokens(walk: Walk, function: FunctionType, place: Place) -> list[str]:
    """Everything that a function's result can depend on, one token each."""
    parts = _code(walk, function, place)
    parts.extend(_defaults(walk, function, place))
    for name in sorted(function.__dict__):
        if not name.startswith("__plait"):
            token = value_token(walk, function.__dict__[name], place.inside(f".{name}"))
            parts.append(f"attribute {name} {token}")
    return parts


def _code(walk: Walk, function: FunctionType, place: Place) -> list[str]:
    """The code of a function and what its names lead to; names of the step itself are left open."""
    code = function.__code__
    facts = walk.walker.facts(code)
    cells = dict(zip(code.co_freevars, function.__closure__ or (), strict=False))
    tokens = []
    masked = set()
    for reference in facts.references:
        token = reference_token(walk, reference, function, cells, place)
        if token is None:
            continue
        attributes = ".".join(reference.attributes)
        if token == _SELF and reference.kind == "global":
            masked.add(reference.name)
            tokens.append(f"self {attributes}")
        else:
            tokens.append(f"{reference.kind} {reference.level} {reference.name} {attributes} {token}")
    _note_assignments(walk, function, facts.assigns, place)
    digest = walk.walker.code_digest(code, frozenset(masked))
    return [f"code {digest}", *sorted(tokens)]


def _note_assignments(walk: Walk, function: FunctionType, assigned: tuple[str, ...], place: Place) -> None:
    module = str(function.__globals__.get("__name__"))
    for name in assigned:
        if "=" + walk.relative(module, name) in walk.components:
            walk.note(f"{place.name} assigns the global {name}: the key holds the value it has now")


def _defaults(walk: Walk, function: FunctionType, place: Place) -> list[str]:
    code = function.__code__
    defaults = function.__defaults__ or ()
    positional = code.co_varnames[: code.co_argcount]
    pairs = list(zip(positional[len(positional) - len(defaults) :], defaults, strict=False))
    pairs += sorted((function.__kwdefaults__ or {}).items())
    return [
        f"default {name} {constant_token(walk, value, place.inside(f'({name})'))}" for name, value in pairs
    ]
