"""What does a function mean: its code, its defaults, what it closes over, and all that its names lead to?"""

from __future__ import annotations

from types import FunctionType

from plait.engine.closure.constants import constant_token
from plait.engine.closure.files import file_tokens
from plait.engine.closure.resolve import Asker, reference_token
from plait.engine.closure.values import value_token
from plait.engine.closure.walk import SELF, Place, Walk

__all__ = ["annotation_tokens", "function_tokens"]


def function_tokens(walk: Walk, function: FunctionType, place: Place) -> list[str]:
    """Everything that a function's result can depend on, one token each."""
    walk.functions[place.relative] = function
    parts = _code(walk, function, place)
    parts.extend(_defaults(walk, function, place))
    for name in sorted(function.__dict__):
        if not name.startswith("__plait"):
            token = value_token(walk, function.__dict__[name], place.inside(f".{name}"))
            parts.append(f"attribute {name} {token}")
    return parts


def annotation_tokens(walk: Walk) -> list[str]:
    """The annotations of all functions that were met; they count where the code asks for them."""
    return [
        f"{relative} {value_token(walk, function.__annotations__, Place(relative, relative))}"
        for relative, function in sorted(walk.functions.items())
        if function.__annotations__
    ]


def _code(walk: Walk, function: FunctionType, place: Place) -> list[str]:
    """The code of a function and what its names lead to; names of the step itself are left open."""
    code = function.__code__
    facts = walk.walker.facts(code)
    asker = Asker(
        walk,
        code,
        function.__globals__,
        dict(zip(code.co_freevars, function.__closure__ or (), strict=False)),
        place,
    )
    tokens = []
    masked = set()
    for reference in facts.references:
        token = reference_token(asker, reference)
        if token is None:
            continue
        attributes = ".".join(reference.attributes)
        if token == SELF and reference.kind == "global":
            masked.add(reference.name)
            tokens.append(f"self {attributes}")
        else:
            tokens.append(f"{reference.kind} {reference.level} {reference.name} {attributes} {token}")
    walk.reads_annotations |= facts.reads_annotations
    _note_assignments(walk, function, facts.assigns, place)
    tokens.extend(file_tokens(walk, function, place))
    return [f"code {walk.walker.code_digest(code, frozenset(masked))}", *sorted(tokens)]


def _note_assignments(walk: Walk, function: FunctionType, assigned: tuple[str, ...], place: Place) -> None:
    module = str(function.__globals__.get("__name__"))
    for name in assigned:
        if walk.relative(module, name) in walk.constants:
            walk.note(f"{place.name} assigns the global {name}: the key holds the value it has now")


def _defaults(walk: Walk, function: FunctionType, place: Place) -> list[str]:
    defaults, keywords = function.__defaults__ or (), function.__kwdefaults__ or {}
    if not defaults and not keywords:
        return []
    positional = function.__code__.co_varnames[: function.__code__.co_argcount]
    pairs = [
        *zip(positional[len(positional) - len(defaults) :], defaults, strict=False),
        *sorted(keywords.items()),
    ]
    return [
        f"default {name} {constant_token(walk, value, place.inside(f'({name})'))}" for name, value in pairs
    ]
