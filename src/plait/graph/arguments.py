"""What was given to a call? Its arguments one by one, those that ``*args`` and ``**kwargs`` took in as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import inspect

__all__ = ["Starred", "apart", "together"]

Starred: TypeAlias = dict[str, tuple[type, list[tuple[Any, str]]]]
"""For each starred parameter: tuple or dict, and where in it each argument belongs."""


def apart(given: dict[str, Any], signature: inspect.Signature) -> tuple[dict[str, Any], Starred]:
    """Arguments one by one, and how those of starred parameters go together again."""
    inside: dict[str, Any] = {}
    starred: Starred = {}
    for name, raw in given.items():
        kind = signature.parameters[name].kind
        if kind is kind.VAR_POSITIONAL:
            starred[name] = tuple, [(at, f"{name}[{at}]") for at in range(len(raw))]
            inside.update({key: raw[at] for at, key in starred[name][1]})
        elif kind is kind.VAR_KEYWORD:
            starred[name] = dict, [(key, f"{name}.{key}") for key in raw]
            inside.update({key: raw[own] for own, key in starred[name][1]})
        else:
            inside[name] = raw
    return inside, starred


def together(inside: dict[str, Any], starred: Starred) -> dict[str, Any]:
    """The arguments as `apart` got them, with what has become of each."""
    if not starred:
        return inside
    gathered: dict[str, Any] = {}
    for name, (kind, keys) in starred.items():
        pairs = [(own, inside.pop(key)) for own, key in keys]
        gathered[name] = dict(pairs) if kind is dict else tuple(value for _, value in pairs)
    return {**inside, **gathered}
