"""Why does a ``${…}`` stand for nothing? The line, the way from reference to reference, the nearest name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from plait.errors import ConfError, PlaitError, did_you_mean
from plait.project.origin import Node, Path, at, dotted, leaves
from plait.project.secrets import Masker

if TYPE_CHECKING:
    from plait.project.interpolation import Interpolation

__all__ = ["explain", "unreadable"]


class Fault(NamedTuple):
    """The way of references to where it breaks, and the path it breaks at: missing, or already on the way."""

    way: tuple[Path, ...]
    target: Path
    circular: bool


def explain(owner: Interpolation, path: Path, error: Exception) -> ConfError:
    """What to tell the person whose ``${…}`` at ``path`` failed with ``error``."""
    if owner.failed is not None:
        name, cause = owner.failed
        return _resolver_failed(owner, path, name, cause)
    if isinstance(error, ConfError):
        return error
    fault = _fault(owner, (path,))
    if fault is not None:
        return _circle(owner, fault) if fault.circular else _missing(owner, fault)
    node = at(owner.tree, path)
    where = str(node.origin) if node else None
    said = str(error).splitlines()[0] if str(error) else type(error).__name__
    shown = _written(owner, path)
    kind = type(error).__name__
    if kind == "UnsupportedInterpolationType":
        unknown = said.rpartition(" ")[2]
        hint = did_you_mean(unknown, [*owner.resolvers, "oc.create", "oc.decode", "oc.select"])
        return ConfError(f"{shown} calls a resolver that is not there: {unknown}", where=where, hint=hint)
    return ConfError(f"{shown} cannot be resolved: {said}", where=where)


def unreadable(owner: Interpolation, path: Path, problem: str) -> ConfError:
    """What to tell the person whose ``${…}`` at ``path`` is not written as one."""
    node = at(owner.tree, path)
    shown = _written(owner, path)
    if owner.kind == "credentials":
        problem = "it is no reference or resolver"
    hint = "write ${name}, ${resolver:argument, default} or, for the text itself, \\${"
    where = str(node.origin) if node else None
    return ConfError(f"{shown} cannot be read: {problem.splitlines()[0]}", where=where, hint=hint)


def _fault(owner: Interpolation, way: tuple[Path, ...]) -> Fault | None:
    """The first thing that breaks on the way from ``way[-1]``, found by reading; None when nothing does."""
    from plait.project.interpolation import references

    node = at(owner.tree, way[-1])
    if node is None or type(node.value) is not str or "${" not in node.value:
        return None
    for name, target in references(node.value, way[-1]) or []:
        if name is not None or target is None:
            continue
        found = at(owner.tree, target)
        if found is None:
            return Fault(way, target, circular=False)
        for inside in _texts_of(found, target):
            if inside in way:
                return Fault((*way[way.index(inside) :], inside), inside, circular=True)
            deeper = _fault(owner, (*way, inside))
            if deeper is not None:
                return deeper
    return None


def _texts_of(node: Node, path: Path) -> list[Path]:
    from plait.project.interpolation import texts

    return [place for place, _ in texts(node, path)]


def _lines(owner: Interpolation, way: tuple[Path, ...]) -> str:
    said = []
    for place in dict.fromkeys(way):
        node = at(owner.tree, place)
        if node is not None:
            said.append(f"\n    {_written(owner, place)[1:-1]}    {node.origin}")
    return "".join(said)


def _written(owner: Interpolation, path: Path) -> str:
    """A value as it is written; of a credential the name alone, for the text around a ``${…}`` is secret."""
    node = at(owner.tree, path)
    return (
        f"`{dotted(path)}`"
        if node is None or owner.kind == "credentials"
        else f"`{dotted(path)}: {node.value}`"
    )


def _circle(owner: Interpolation, fault: Fault) -> ConfError:
    chain = " → ".join(dotted(place) for place in fault.way)
    node = at(owner.tree, fault.way[0])
    what = f"references go round in a circle: {chain}{_lines(owner, fault.way)}"
    return ConfError(
        what, where=str(node.origin) if node else None, hint="give one of them a value of its own"
    )


def _missing(owner: Interpolation, fault: Fault) -> ConfError:
    last = at(owner.tree, fault.way[-1])
    name = dotted(fault.target)
    what = f"`{dotted(fault.way[-1])}` refers to `{name}`, which is nowhere in the {owner.kind}"
    if len(fault.way) > 1:
        what += _lines(owner, fault.way)
    known = {dotted(path[:end]) for path, _ in leaves(owner.tree) for end in range(1, len(path) + 1)}
    return ConfError(what, where=str(last.origin) if last else None, hint=did_you_mean(name, known))


def _resolver_failed(owner: Interpolation, path: Path, name: str, cause: Exception) -> ConfError:
    place = _holder(owner, path, name, ())
    node = at(owner.tree, place)
    where = str(node.origin) if node else None
    shown = dotted(place)
    if isinstance(cause, PlaitError):
        if cause.where:
            return ConfError(cause.what, where=cause.where, hint=cause.hint)
        return ConfError(f"{owner.kind} `{shown}`: {cause.what}", where=where, hint=cause.hint)
    said = Masker([secret.reveal() for secret in owner.secrets()], shortest=1).mask(
        f"{type(cause).__name__}: {cause}"
    )
    return ConfError(f"{owner.kind} `{shown}`: the resolver `{name}` failed: {said}", where=where)


def _holder(owner: Interpolation, path: Path, name: str, seen: tuple[Path, ...]) -> Path:
    """The value, on the way from ``path``, whose text calls the resolver."""
    from plait.project.interpolation import references

    node = at(owner.tree, path)
    text: Any = node.value if node else None
    if type(text) is not str or "${" + name + ":" in text or path in seen:
        return path
    for _, target in references(text, path) or []:
        found = at(owner.tree, target) if target is not None else None
        for inside in _texts_of(found, target) if found is not None and target is not None else []:
            place = _holder(owner, inside, name, (*seen, path))
            holder = at(owner.tree, place)
            if holder is not None and "${" + name + ":" in str(holder.value):
                return place
    return path
