"""What does ``${…}`` in a conf stand for? OmegaConf says it, except for the plainest forms."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from plait.project.origin import Node, Path, at, node_of, plain
from plait.project.secrets import Secret, reveal

__all__ = ["Interpolation", "Resolver", "interpolated", "references", "texts"]

Resolver = Callable[..., Any]

_NAME = r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*"
# `${a.b}` and `${resolver:word}` mean the same however they are read; they are most of what people write, and
# reading them here spares a run the 0.4 s of importing OmegaConf. Everything else is OmegaConf's.
_PLAIN = re.compile(rf"\$\{{(?:({_NAME})|({_NAME}):({_NAME}))\}}")
_WORDS_THAT_ARE_VALUES = {"null", "true", "false", "inf", "nan"}
_INNERMOST = re.compile(r"\$\{([^{}]*)\}")
# Characters that stand for a secret while strings are put together; private use, so in nobody's conf.
_SEAL = re.compile("\ue000([0-9]+)\ue001")
_NOT_PLAIN: Any = object()


def interpolated(node: Node) -> bool:
    """Whether a ``${`` stands anywhere in this value."""
    value = node.value
    if type(value) is str:
        return "${" in value
    if type(value) is dict:
        return any(map(interpolated, value.values()))
    return type(value) is list and any(map(interpolated, value))


class Interpolation:
    """The values of one kind of conf with each ``${…}`` replaced by what it stands for.

    References reach every value of the kind after all environments were merged: what an environment
    overrides is also what the references of the base see.

    Args:
        kind: the kind's name, for messages.
        tree: the merged values.
        resolvers: what ``${name:…}`` calls, by name.
    """

    def __init__(self, kind: str, tree: Node, resolvers: Mapping[str, Resolver]) -> None:
        self.kind = kind
        self.tree = tree
        self.resolvers = dict(resolvers)
        self.failed: tuple[str, Exception] | None = None
        self._seals: list[Secret] = []

    def resolve(self, path: Path = ()) -> Node:
        """The part of the tree at ``path``, resolved; every value keeps the origin of the text that made it.

        Raises:
            ConfError: a reference that is missing or goes round in a circle, an unknown or failing resolver.
        """
        start = at(self.tree, path)
        if start is None:
            raise KeyError(path)
        with contextlib.ExitStack() as stack:
            return self._walk(start, path, _Omega(self, path, stack))

    def _walk(self, node: Node, path: Path, omega: _Omega) -> Node:
        value = node.value
        if type(value) is dict:
            made = {key: self._walk(inner, (*path, key), omega) for key, inner in value.items()}
            changed = any(made[key] is not inner for key, inner in value.items())
            return Node(made, node.origin) if changed else node
        if type(value) is list:
            items = [self._walk(inner, (*path, i), omega) for i, inner in enumerate(value)]
            return (
                Node(items, node.origin)
                if any(a is not b for a, b in zip(items, value, strict=True))
                else node
            )
        if type(value) is not str or "${" not in value:
            return node
        found = self.open(self._value(value, path, omega))
        # An environment variable is text that somebody typed, like a NAME=VALUE.
        typed = found if type(found) is str and ("${env:" in value or "${oc.env:" in value) else None
        return node_of(found, node.origin, typed)

    def _value(self, text: str, path: Path, omega: _Omega) -> Any:
        self.failed = None
        try:
            found = self._plainly(text, ())
            return omega.value(path) if found is _NOT_PLAIN else found
        except Exception as error:  # noqa: BLE001 - a project's own resolver may raise anything
            from plait.project.blame import explain

            raise explain(self, path, error) from None

    def _plainly(self, text: str, under_way: tuple[str, ...]) -> Any:
        """The value of a text that holds only the plainest forms; ``_NOT_PLAIN`` for another."""
        if text in under_way or "\\" in text or "${" in _PLAIN.sub("", text):
            return _NOT_PLAIN
        values = []
        for match in _PLAIN.finditer(text):
            name, resolver, word = match.groups()
            value = self._reference(name, (*under_way, text)) if name else self._resolver(resolver, word)
            if value is _NOT_PLAIN or match[0] == text:
                return value
            if isinstance(value, (dict, list)):
                return _NOT_PLAIN
            values.append(str(value))
        parts = iter(values)
        return _PLAIN.sub(lambda _: next(parts), text)

    def _reference(self, name: str, under_way: tuple[str, ...]) -> Any:
        node = at(self.tree, tuple(name.split(".")))
        if node is None or node.value == "???":
            return _NOT_PLAIN
        if type(node.value) is str and "${" in node.value:
            return self._plainly(node.value, under_way)
        return _NOT_PLAIN if interpolated(node) else plain(node)

    def _resolver(self, name: str, word: str) -> Any:
        wanted = self.resolvers.get(name)
        if wanted is None or word.lower() in _WORDS_THAT_ARE_VALUES or _looks_around(wanted):
            return _NOT_PLAIN
        return self.call(name, word)

    def call(self, name: str, *args: Any, **around: Any) -> Any:
        """Call a resolver; a secret among its arguments is opened, and makes a secret of its result."""
        opened = self.open(list(args))
        given = reveal(opened)
        try:
            result = self.resolvers[name](*given, **around)
        except Exception as error:
            self.failed = (name, error)
            raise
        return self._seal(result, whole=given != opened)

    def secrets(self) -> list[Secret]:
        """Every secret that a resolver of this conf has given so far."""
        return list(self._seals)

    def _seal(self, value: Any, *, whole: bool) -> Any:
        if isinstance(value, Secret) or (whole and isinstance(value, str)):
            self._seals.append(Secret(value))
            return f"\ue000{len(self._seals) - 1}\ue001"
        if isinstance(value, dict):
            return {key: self._seal(inner, whole=whole) for key, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._seal(inner, whole=whole) for inner in value]
        return value

    def open(self, value: Any) -> Any:
        """The value with its seals replaced by secrets; a text that holds one is a secret as a whole."""
        if type(value) is str and "\ue000" in value:
            return Secret(_SEAL.sub(lambda match: self._seals[int(match[1])].reveal(), value))
        if isinstance(value, dict):
            return {key: self.open(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self.open(inner) for inner in value]
        return value


class _Omega:
    """OmegaConf for one ``resolve``: made when a value first needs it, from what the values can reach."""

    def __init__(self, owner: Interpolation, path: Path, stack: contextlib.ExitStack) -> None:
        self.owner = owner
        self.path = path
        self.stack = stack
        self.config: Any = None

    def value(self, path: Path) -> Any:
        from omegaconf import Container, OmegaConf

        if self.config is None:
            self.stack.enter_context(_registered(self.owner))
            self.config = self._create(_reachable(self.owner, self.path))
        node = self.config
        for part in path:
            node = node[part]
        return OmegaConf.to_container(node, resolve=True) if isinstance(node, Container) else node

    def _create(self, values: Any) -> Any:
        from omegaconf import OmegaConf
        from omegaconf.errors import GrammarParseError

        from plait.project.blame import unreadable

        try:
            return OmegaConf.create(_quoted(values), flags={"allow_objects": True})
        except GrammarParseError:
            # It is said of the whole; find the text that it is true of.
            for place, text in texts(self.owner.tree, ()):
                try:
                    OmegaConf.create({"it": _quoted(text)})
                except GrammarParseError as error:
                    raise unreadable(self.owner, place, str(error)) from None
            raise


@contextlib.contextmanager
def _registered(owner: Interpolation) -> Iterator[None]:
    """OmegaConf's one table of resolvers holds those of this conf meanwhile, and then what it held before."""
    import functools

    from omegaconf import OmegaConf
    from omegaconf.basecontainer import BaseContainer

    register: Any = getattr(OmegaConf, "register_resolver", None)
    quiet = {"annotation_validation": "off"} if register else {}
    register = register or OmegaConf.register_new_resolver
    with _TABLE:
        before = {name: BaseContainer._resolvers.get(name) for name in owner.resolvers}
        try:
            for name, resolver in owner.resolvers.items():
                call = functools.partial(owner.call, name)
                register(name, functools.update_wrapper(call, resolver), replace=True, **quiet)
            yield
        finally:
            for name, old in before.items():
                if old is None:
                    BaseContainer._resolvers.pop(name, None)
                else:
                    BaseContainer._resolvers[name] = old


# OmegaConf has one table of resolvers for the whole process; two threads must not fill it at once.
_TABLE = threading.RLock()


def _looks_around(resolver: Resolver) -> bool:
    """Whether a resolver asks OmegaConf for the values around it."""
    import inspect

    try:
        return bool({"_parent_", "_root_", "_node_"} & set(inspect.signature(resolver).parameters))
    except (TypeError, ValueError):
        return False


# `#` and `~` are not for OmegaConf outside quotes, and stand in the paths of secrets.
_SECRET = re.compile(r"(\$\{\s*secret\s*:)\s*([^\s\"'$,{}][^\"'$,{}]*)(?=[,}])")


def _quoted(value: Any) -> Any:
    if type(value) is str:
        return _SECRET.sub(lambda match: f'{match[1]}"{match[2].strip()}"', value) if "${" in value else value
    if type(value) is dict:
        return {key: _quoted(inner) for key, inner in value.items()}
    return [_quoted(inner) for inner in value] if type(value) is list else value


def _reachable(owner: Interpolation, path: Path) -> Any:
    """The values that the texts under ``path`` can refer to: to build all of a large conf takes seconds."""
    wanted: dict[Any, Any] = {}
    start = at(owner.tree, path)
    todo = list(texts(start, path)) if start else []
    seen: set[Path] = set()
    while todo:
        place, text = todo.pop()
        if place in seen:
            continue
        seen.add(place)
        _want(wanted, owner.tree, place)
        found = references(text, place)
        if found is None or any(name and _sees_all(owner, name) for name, _ in found):
            return plain(owner.tree)
        for _, target in found:
            node = at(owner.tree, target) if target is not None else None
            if node is not None and target is not None:
                _want(wanted, owner.tree, target)
                todo.extend(texts(node, target))
    return _cut(owner.tree, wanted)


def _sees_all(owner: Interpolation, name: str) -> bool:
    if name in owner.resolvers:
        return _looks_around(owner.resolvers[name])
    return name not in ("oc.create", "oc.decode")


def texts(node: Node, path: Path) -> Iterable[tuple[Path, str]]:
    """Every text with a ``${`` under a node, with its path."""
    value = node.value
    if type(value) is str:
        if "${" in value:
            yield path, value
    elif type(value) is dict:
        for key, inner in value.items():
            yield from texts(inner, (*path, key))
    elif type(value) is list:
        for i, inner in enumerate(value):
            yield from texts(inner, (*path, i))


def references(text: str, path: Path) -> list[tuple[str | None, Path | None]] | None:
    """The resolvers (name, None) and references (None, path) in a text; None where reading cannot tell."""
    innermost = _INNERMOST.findall(text)
    if len(innermost) != text.count("${"):
        return None
    found: list[tuple[str | None, Path | None]] = []
    for inside in innermost:
        name, colon, _ = inside.partition(":")
        if colon:
            found.append((name.strip(), None))
            continue
        rest = name.strip().lstrip(".")
        up = len(name.strip()) - len(rest)
        keys = tuple(key for key in re.split(r"[.\[\]]+", rest) if key)
        found.append((None, (*path[:-up], *keys) if up else keys))
    return found


def _want(wanted: dict[Any, Any], tree: Node, path: Path) -> None:
    # A mapping of what is wanted of each mapping; None is all of it.
    node = tree
    for i, part in enumerate(path):
        inner = at(node, (part,))
        if inner is None:
            return
        last = i == len(path) - 1 or type(inner.value) is not dict
        key = part if part in node.value else next(key for key in node.value if str(key) == part)
        if last:
            wanted[key] = None
            return
        if wanted.setdefault(key, {}) is None:
            return
        wanted, node = wanted[key], inner


def _cut(node: Node, wanted: dict[Any, Any]) -> dict[Any, Any]:
    return {
        key: plain(inner) if wanted[key] is None else _cut(inner, wanted[key])
        for key, inner in node.value.items()
        if key in wanted
    }
