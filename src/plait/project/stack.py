"""On what does an environment run? Its stack: executor, artifact store, record store, and what else is named.

``conf/<env>/stack.yml`` says it, component by component; a later environment replaces a component as a whole.
``[tool.plait.stack]`` in ``pyproject.toml`` stands below all of them. ``--stack NAME`` (``PLAIT_STACK``) takes another
one and leaves the data where it is: one of ``conf/<env>/stacks.yml``, where each stands whole under its name, else that
of the environment ``NAME``, else ``default``, which is plait's own.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from plait.errors import ConfError, did_you_mean
from plait.project.components import KINDS, Component, read_component, said, types_of
from plait.project.plugins import Plugin
from plait.project.secrets import Secret, secrets_in

if TYPE_CHECKING:
    from plait.project.conf import Conf

__all__ = ["DEFAULT", "Stack", "StackName", "chosen_stack", "read_stack", "stack_names"]

DEFAULT = "default"


class StackName(Struct, frozen=True):
    """A stack that can be asked for, and the file that has it."""

    name: str
    where: str


class Stack:
    """The components of one stack; nothing is opened before it is asked for.

    Attributes:
        name: the environment's, unless another one was asked for.
        named: whether any conf says something of it.
    """

    def __init__(self, name: str, components: Mapping[str, tuple[Component, ...]], *, named: bool) -> None:
        self.name = name
        self.named = named
        self._components = dict(components)

    def __repr__(self) -> str:
        shown = ", ".join(f"{one.kind} {one.type}" for one in self)
        return f"<stack {self.name}: {shown}>"

    def __iter__(self) -> Iterator[Component]:
        for found in self._components.values():
            yield from found

    def get(self, kind: str) -> Component | None:
        """The one component of a kind; None where an optional one is not named."""
        found = self._components.get(kind)
        return found[0] if found else None

    def all(self, kind: str) -> tuple[Component, ...]:
        return self._components.get(kind, ())

    def without(self, kinds: Iterable[str]) -> Stack:
        """The same but for the components of some kinds."""
        left = {kind: found for kind, found in self._components.items() if kind not in kinds}
        return Stack(self.name, left, named=self.named)

    def says(self, kind: str) -> bool:
        """Whether the conf names a component of this kind, rather than plait's default being taken."""
        return any(one.where for one in self._components.get(kind, ()))

    @property
    def executor(self) -> Component:
        return self._components["executor"][0]

    @property
    def artifact_store(self) -> Component:
        return self._components["artifact_store"][0]

    @property
    def record_store(self) -> Component:
        return self._components["record_store"][0]

    def secrets(self) -> list[Secret]:
        """The secrets among the options, those that only their type declares as such included."""
        found: dict[Secret, None] = {}
        for one in self:
            found.update(dict.fromkeys(secrets_in(one.options)))
            if one.where:
                settings = one.settings()
                values = (
                    getattr(settings, name, None) for name in getattr(settings, "__struct_fields__", ())
                )
                found.update(dict.fromkeys(value for value in values if isinstance(value, Secret)))
        return list(found)


def chosen_stack(name: str | None) -> str | None:
    """The stack that was asked for by name; None for that of the environment."""
    return name or os.environ.get("PLAIT_STACK") or None


def read_stack(
    name: str | None, conf: Conf | None, settings: Mapping[str, Any], plugins: Iterable[Plugin], root: Path
) -> Stack:
    """The stack of a name, or of the environment.

    Args:
        conf: of the environment; None for a project without.
        settings: ``[tool.plait]`` of the project.

    Raises:
        ConfError: there is no such stack, or what is said of it does not add up.
    """
    if name == DEFAULT:
        return _stack(DEFAULT, {}, {}, plugins, named=False)
    if name is not None and conf is not None:
        named = conf.part("stacks", (name,)) if conf.files("stacks") else None
        if named is not None:
            return _from_node(name, named, plugins, f"the stack {name!r}")
        if name != conf.env:
            conf = _environment(conf, name)
    elif name is not None and name != "local":
        raise ConfError(f"there is no stack {name!r}", hint=f"{root} has no conf/ that could name one")
    return _of_environment(conf, settings, plugins, root)


def _of_environment(
    conf: Conf | None, settings: Mapping[str, Any], plugins: Iterable[Plugin], root: Path
) -> Stack:
    from plait.project.origin import plain

    place = str(root / "pyproject.toml")
    table = settings.get("stack", {})
    if not isinstance(table, dict):
        raise ConfError(f"[tool.plait] stack is {table!r:.40}, which is no table", where=place)
    written: dict[str, Any] = dict(table)
    where = dict.fromkeys(written, place)
    if conf is not None and conf.files("stack"):
        node = conf.tree("stack")
        _check_mapping(node.value, str(node.origin), "stack.yml")
        written |= {str(key): plain(inner) for key, inner in node.value.items()}
        where |= {str(key): str(inner.origin) for key, inner in node.value.items()}
    name = conf.env if conf is not None else "local"
    return _stack(name, written, where, plugins, named=bool(written))


def _from_node(name: str, node: Any, plugins: Iterable[Plugin], title: str) -> Stack:
    from plait.project.origin import plain

    _check_mapping(node.value, str(node.origin), title)
    written = {str(key): plain(inner) for key, inner in node.value.items()}
    where = {str(key): str(inner.origin) for key, inner in node.value.items()}
    return _stack(name, written, where, plugins, named=True)


def _check_mapping(value: Any, where: str, title: str) -> None:
    if not isinstance(value, dict):
        kinds = ", ".join(list(KINDS)[:3])
        raise ConfError(
            f"{title} is no mapping of components", where=where, hint=f"it has the keys {kinds}, …"
        )


def _environment(conf: Conf, name: str) -> Conf:
    from plait.project.conf import Conf

    try:
        return Conf(conf.folder, name, environ=conf.environ)
    except ConfError:
        known = [one.name for one in stack_names(conf)]
        raise ConfError(
            f"there is no stack {name!r}",
            where=f"{conf.folder.name}/*/stacks.yml" if conf.folder else None,
            hint=did_you_mean(name, known),
        ) from None


def _stack(
    name: str,
    written: Mapping[str, Any],
    where: Mapping[str, str],
    plugins: Iterable[Plugin],
    *,
    named: bool,
) -> Stack:
    for key in written:
        if key not in KINDS:
            raise ConfError(f"a stack has no {key!r}", where=where.get(key), hint=did_you_mean(key, KINDS))
    components: dict[str, tuple[Component, ...]] = {}
    for kind in KINDS.values():
        value = written.get(kind.name)
        if value is None:
            if kind.default is not None:
                components[kind.name] = (
                    Component(kind.name, kind.default, types_of(kind.name, ())[kind.default]),
                )
            continue
        if isinstance(value, list) and not kind.many:
            raise ConfError(f"a stack has one {said(kind.name)}", where=where[kind.name])
        several = value if isinstance(value, list) else [value]
        components[kind.name] = tuple(
            read_component(kind.name, one, plugins, where[kind.name]) for one in several
        )
    return Stack(name, components, named=named)


def stack_names(conf: Conf | None) -> list[StackName]:
    """The stacks that ``--stack`` takes: those of ``stacks.yml``, those of environments, and plait's own."""
    found = {DEFAULT: StackName(DEFAULT, "")}
    if conf is None or conf.folder is None:
        return list(found.values())
    from plait.project.files import conf_files, environment_names

    for env in environment_names(conf.folder):
        files = conf_files(conf.folder / env, conf.patterns["stack"])
        if files and env != "base":
            found[env] = StackName(env, files[0].relative_to(conf.folder.parent).as_posix())
    if conf.env not in found:
        files = conf.files("stack")
        if files:
            found[conf.env] = StackName(conf.env, files[-1].relative_to(conf.folder.parent).as_posix())
    for key, node in conf.written("stacks").value.items():
        if not str(key).startswith("_"):
            found[str(key)] = StackName(str(key), str(node.origin))
    return list(found.values())
