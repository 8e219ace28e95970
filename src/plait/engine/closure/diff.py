"""What is different between the code of then and the code of now?"""

from __future__ import annotations

from typing import Literal

import msgspec

from plait.record.closures import Closure, Component

__all__ = ["Change", "diff"]

_TEXTS = ("function", "class")


class Change(msgspec.Struct, frozen=True):
    """One piece that is different.

    Args:
        name: the piece, by its new name where it has one.
        change: what happened to it.
        kind: the kind of the piece, as in ``Component``.
        text: a unified diff of the source for functions and classes, ``old → new`` for all else.
        where: ``path:line`` where it stands now, or stood.
    """

    name: str
    change: Literal["added", "removed", "changed"]
    kind: str
    text: str
    where: str = ""

    def __str__(self) -> str:
        place = f" ({self.where})" if self.where else ""
        head = f"{self.change} {_spoken(self.kind)} {self.name}{place}"
        if self.kind not in _TEXTS:
            return f"{head}: {self.text}" if self.text else head
        return "\n".join([head, *(f"  {line}" for line in self.text.splitlines())])


def diff(old: Closure, new: Closure) -> list[Change]:
    """The pieces that differ; empty if and only if both closures have the same digest.

    The two functions themselves are compared whatever they are called, and a piece that only moved to another
    module is not a change. Changes of what was there come first, then what was added, then what is gone.
    """
    if old.digest == new.digest:
        return []
    changed: list[Change] = []
    pairs, gone, fresh = _paired(old.components, new.components)
    for before, after in pairs:
        if before.digest != after.digest:
            changed.append(Change(after.name, "changed", after.kind, _between(before, after), after.where))
    changed.sort(key=lambda change: (_rank(change.kind), change.name))
    added = [Change(c.name, "added", c.kind, _lines(c, "+"), c.where) for c in fresh]
    removed = [Change(c.name, "removed", c.kind, _lines(c, "-"), c.where) for c in gone]
    return changed + added + removed


def _rank(kind: str) -> int:
    order = ("function", "class", "constant", "file", "opaque", "module-package")
    return order.index(kind) if kind in order else len(order)


def _paired(
    old: tuple[Component, ...], new: tuple[Component, ...]
) -> tuple[list[tuple[Component, Component]], list[Component], list[Component]]:
    """The pieces that are the same piece, then and now; and those that are on one side only."""
    pairs = [(old[0], new[0])]
    gone = [(_relative(c, old[0]), c) for c in old[1:]]
    fresh = [(_relative(c, new[0]), c) for c in new[1:]]
    for key in (_exactly, _by_name, _by_meaning):
        waiting: dict[tuple[str, ...], list[_Named]] = {}
        for named in fresh:
            waiting.setdefault(key(named), []).append(named)
        left = []
        for named in gone:
            match = waiting.get(key(named))
            if match:
                pairs.append((named[1], match.pop(0)[1]))
            else:
                left.append(named)
        gone = left
        fresh = [named for several in waiting.values() for named in several]
    return pairs, [c for _, c in sorted(gone, key=_by_name)], [c for _, c in sorted(fresh, key=_by_name)]


_Named = tuple[str, Component]


def _relative(component: Component, root: Component) -> str:
    """The name as seen from the step, so that another name of it or of its module makes no difference."""
    module, _, own = root.name.partition(":")
    home, _, name = component.name.partition(":")
    if home != module:
        return component.name
    if name.startswith((f"{own}(", f"{own}[", f"{own}.")):
        name = name[len(own) :]
    return f".:{name}"


def _exactly(named: _Named) -> tuple[str, ...]:
    return named[1].kind, named[0], named[1].digest


def _by_name(named: _Named) -> tuple[str, ...]:
    return named[1].kind, named[0]


def _by_meaning(named: _Named) -> tuple[str, ...]:
    return named[1].kind, named[0].rpartition(":")[2], named[1].digest


def _between(before: Component, after: Component) -> str:
    if after.kind not in _TEXTS:
        if before.detail == after.detail:
            return f"{after.detail} (another value, shown alike)" if after.detail else "another content"
        return f"{before.detail} → {after.detail}"
    import difflib

    lines = list(
        difflib.unified_diff(before.detail.splitlines(), after.detail.splitlines(), n=2, lineterm="")
    )[2:]
    return "\n".join(lines) if lines else "the same text; a name in it leads to something else"


def _lines(component: Component, sign: str) -> str:
    if component.kind not in _TEXTS:
        return component.detail
    return "\n".join(f"{sign}{line}" for line in component.detail.splitlines())


def _spoken(kind: str) -> str:
    return "package" if kind == "module-package" else kind
