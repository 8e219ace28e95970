"""Where does a value come from? The file, line and column of each, kept through every merge."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

__all__ = [
    "COMMAND_LINE",
    "Node",
    "Origin",
    "Path",
    "at",
    "dotted",
    "leaves",
    "merge",
    "node_of",
    "plain",
    "put",
]

Path = tuple[Any, ...]


class Origin(NamedTuple):
    """A place in a file of the user's; ``line`` and ``column`` count from 1, 0 where there is none."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


COMMAND_LINE = Origin("command line")


class Node:
    """A value with its origin; treated as immutable, so that a part can be shared.

    ``value`` is a ``dict`` of key to node, a ``list`` of nodes, or a scalar. ``text`` is what was typed, for
    a value from the command line: ``version=1.10`` is the float 1.1 unless a ``str`` is asked for.
    """

    __slots__ = ("origin", "text", "value")

    def __init__(self, value: Any, origin: Origin, text: str | None = None) -> None:
        self.value = value
        self.origin = origin
        self.text = text

    def __repr__(self) -> str:
        return f"Node({type(self.value).__name__} at {self.origin})"


def plain(node: Node) -> Any:
    """The value alone: dicts, lists and scalars that the caller may change."""
    value = node.value
    if type(value) is dict:
        return {
            key: inner.value if type(inner.value) not in _NESTED else plain(inner)
            for key, inner in value.items()
        }
    if type(value) is list:
        return [plain(inner) for inner in value]
    return value


_NESTED = (dict, list)


def node_of(value: Any, origin: Origin, text: str | None = None) -> Node:
    """A plain value as nodes that all come from one place."""
    if isinstance(value, dict):
        return Node({key: node_of(inner, origin) for key, inner in value.items()}, origin)
    if isinstance(value, (list, tuple)):
        return Node([node_of(inner, origin) for inner in value], origin)
    return Node(value, origin, text)


def merge(first: Node, second: Node) -> Node:
    """``second`` over ``first``: mappings key by key, however deep; anything else (a list too) replaces.

    A key keeps the place in the order that it had first; a merged mapping keeps the origin of the first.
    """
    if type(first.value) is not dict or type(second.value) is not dict:
        return second
    both = dict(first.value)
    for key, later in second.value.items():
        both[key] = merge(both[key], later) if key in both else later
    return Node(both, first.origin)


def put(node: Node, path: Path, leaf: Node) -> Node:
    """The same tree with ``leaf`` at ``path`` and its siblings kept; mappings are made where missing."""
    if not path:
        return leaf
    inside = dict(node.value) if type(node.value) is dict else {}
    key = _key(inside, path[0])
    inside[key] = put(inside.get(key, Node({}, leaf.origin)), path[1:], leaf)
    return Node(inside, node.origin)


def at(node: Node, path: Path) -> Node | None:
    """The node at a path of keys and indexes; None where there is none."""
    for part in path:
        value = node.value
        if type(value) is dict:
            key = _key(value, part)
            if key not in value:
                return None
            node = value[key]
        elif type(value) is list:
            index = int(part) if isinstance(part, int) or str(part).isdecimal() else -1
            if not 0 <= index < len(value):
                return None
            node = value[index]
        else:
            return None
    return node


def _key(mapping: dict[Any, Any], part: Any) -> Any:
    # A dotted path is text, but a key that YAML read may be a number.
    if part in mapping or not isinstance(part, str):
        return part
    return next((key for key in mapping if not isinstance(key, str) and str(key) == part), part)


def leaves(node: Node, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """Every value that is no mapping, with its path; an empty mapping counts as one, a list is one whole."""
    if type(node.value) is dict and node.value:
        for key, inner in node.value.items():
            yield from leaves(inner, (*path, key))
    else:
        yield path, node


def dotted(path: Iterable[Any]) -> str:
    """A path as people write it: ``model.alpha``, ``alphas[2]``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) and text else f".{part}" if text else str(part)
    return text
