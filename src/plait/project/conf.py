"""What do the conf files of this environment say, and which line says it?

**Environments.** ``conf/<name>/`` is an environment. They are read in this order, and a later one overrides
an earlier one key by key, however deep; a list replaces a list:

1. ``base``: what is true everywhere, under version control;
2. ``local``: what belongs to this person and machine, credentials above all, kept out of version control;
3. the environment that was asked for by ``--env`` or ``PLAIT_ENV``.

So a person's credentials are there in every environment, and what an environment says of itself always wins:
no laptop's setting can shadow one of ``prod``. A machine without ``conf/local`` lacks nothing. With no
environment asked for it is ``base`` and ``local``; ``--env base`` reads the base alone. Kedro reads ``local``
only where no environment is asked for: ``local_with_env=False`` does the same.

**Kinds.** The name of a file says what it is about: ``parameters*``, ``catalog*``, ``credentials*`` …
It ends in ``.yml``, ``.yaml`` or ``.json``, and may be in folders (``parameters/**``). Only the kind that is
asked for is read.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from plait.errors import ConfError, did_you_mean
from plait.project.credentials import passwords_in, sealed, sealed_options
from plait.project.files import KINDS, conf_files, environment_names, read_environment
from plait.project.origin import Node, Origin, at, dotted, leaves, merge, plain
from plait.project.secrets import Masker, Secret, secrets_in

__all__ = ["CarriedConf", "Conf", "Shown"]

_EMPTY = Node({}, Origin("conf"))


class Shown(NamedTuple):
    """One line of ``plait conf show``: a value with secrets masked, and the ``file:line`` it comes from."""

    kind: str
    key: str
    value: Any
    origin: str


class CarriedConf(NamedTuple):
    """What a conf said where it was read. It holds secrets: it goes from one process to another, and into no file."""

    trees: dict[str, Node]
    secrets: dict[str, Secret]

    def __repr__(self) -> str:
        return f"<conf of {', '.join(self.trees)}>"


class Conf:
    """The conf of one project in one environment; files are read when their kind is first asked for.

    Args:
        folder: the folder of the environments; None, or one that is not there, is an empty conf.
        env: the environment; ``PLAIT_ENV``, else ``local``, when None.
        kinds: more kinds of files by name, each with its glob patterns (``{"mlflow": ["mlflow*"]}``).
        runtime: values of the command line: over the parameters, and for ``${runtime:…}``.
        resolvers: what else ``${name:…}`` calls, by name; one of a built-in's name replaces it.
        providers: more places of secrets, by the name in ``${secret:name:…}``.
        local_with_env: whether ``local`` is also read when another environment was asked for.
        replace: kinds whose top-level keys a later environment replaces as a whole, instead of merging deep.
        environ: the environment variables; those of the process when None.
        carried: what was read elsewhere; no file is read then.

    Raises:
        ConfError: there is no such environment.
    """

    def __init__(
        self,
        folder: Path | None,
        env: str | None = None,
        *,
        kinds: Mapping[str, Iterable[str]] | None = None,
        runtime: Node | None = None,
        resolvers: Mapping[str, Callable[..., Any]] | None = None,
        providers: Mapping[str, Callable[[str], Any]] | None = None,
        local_with_env: bool = True,
        replace: Iterable[str] = (),
        environ: Mapping[str, str] | None = None,
        carried: CarriedConf | None = None,
    ) -> None:
        self.carried = carried
        self.environ = os.environ if environ is None else environ
        self.folder = folder if folder is not None and folder.is_dir() else None
        self.env = env or self.environ.get("PLAIT_ENV") or "local"
        self.patterns = {**{kind: default_patterns(kind) for kind in KINDS}, **_patterns(kinds or {})}
        self.runtime = runtime or _EMPTY
        self._resolvers = dict(resolvers or {})
        self._providers = dict(providers or {})
        self._replace = frozenset(replace)
        self._trees: dict[str, Node] = {}
        self._interpolations: dict[str, Any] = {}
        self._resolved: dict[str, Node] = {}
        self._secrets: dict[Secret, None] = {}
        self._busy: list[str] = []
        self.environments = self._order(local_with_env) if carried is None else []

    def __repr__(self) -> str:
        return f"<Conf of {self.folder}, environments {' < '.join(self.environments)}>"

    def _order(self, local_with_env: bool) -> list[str]:
        if self.env not in ("local", "base") and not self._is_environment(self.env):
            known = environment_names(self.folder) if self.folder else []
            where = f"{self.folder.name}/{self.env}" if self.folder else "conf"
            hint = did_you_mean(self.env, known) or f"make the folder {where}"
            raise ConfError(f"there is no environment {self.env!r}", where=where, hint=hint)
        if self.env == "base":
            order = ["base"]
        elif self.env == "local" or not local_with_env:
            order = ["base", self.env]
        else:
            order = ["base", "local", self.env]
        return [name for name in order if self._is_environment(name)]

    def _is_environment(self, name: str) -> bool:
        inside = not Path(name).is_absolute() and ".." not in Path(name).parts
        return inside and self.folder is not None and (self.folder / name).is_dir()

    def files(self, kind: str) -> list[Path]:
        """The files of a kind, in the order in which they are read."""
        patterns = self._patterns_of(kind)
        return [file for folder in self._folders() for file in conf_files(folder, patterns)]

    def _folders(self) -> list[Path]:
        return [self.folder / env for env in self.environments] if self.folder else []

    def _root(self) -> Path:
        return self.folder.parent if self.folder else Path()

    def _places(self) -> str:
        return (
            ", ".join(f"{self.folder.name}/{env}" for env in self.environments) if self.folder else "no conf"
        )

    def kinds(self) -> list[str]:
        """The kinds that have files here, or values of the command line."""
        return [
            kind
            for kind in self.patterns
            if self.files(kind) or (kind == "parameters" and self.runtime.value) or self._is_carried(kind)
        ]

    def _is_carried(self, kind: str) -> bool:
        return self.carried is not None and kind in self.carried.trees

    def get(self, kind: str) -> dict[str, Any]:
        """The values of a kind, merged and resolved; a new dict each time.

        Top-level keys with a ``_`` in front are templates and left out, except among parameters.
        A credential is a ``Secret``: ``reveal`` opens it where it is used.
        """
        found: dict[str, Any] = plain(self.tree(kind))
        return found

    def tree(self, kind: str) -> Node:
        """The values of a kind as ``get`` gives them, each with its origin."""
        if kind not in self._resolved:
            self._resolved[kind] = _without_templates(kind, self._resolve(kind, ()))
        return self._resolved[kind]

    def part(self, kind: str, path: Iterable[Any] | str) -> Node | None:
        """One value of a kind by its path, without resolving the others; None where there is none."""
        keys = split_path(self.raw(kind), path)
        if kind in self._resolved:
            return at(self._resolved[kind], keys)
        return None if at(self.raw(kind), keys) is None else self._resolve(kind, keys)

    def origin(self, kind: str, path: Iterable[Any] | str) -> str | None:
        """The ``file:line`` that a value comes from; None where there is no such value."""
        node = at(self.raw(kind), split_path(self.raw(kind), path))
        return str(node.origin) if node else None

    def raw(self, kind: str) -> Node:
        """The values of a kind with those of the run over them, and each ``${…}`` as it is written."""
        return merge(self.written(kind), self.runtime) if kind == "parameters" else self.written(kind)

    def written(self, kind: str) -> Node:
        """What the files say of a kind, merged, with each ``${…}`` as it is written.

        Raises:
            ConfError: broken YAML, or one key in two files of an environment.
        """
        if self.carried is not None:
            return self.carried.trees.get(kind, _EMPTY)
        if kind not in self._trees:
            tree = _EMPTY
            patterns = self._patterns_of(kind)
            for folder in self._folders():
                over = read_environment(folder, patterns, self._root(), private=kind == "credentials")
                whole = kind in self._replace
                tree = Node({**tree.value, **over.value}, tree.origin) if whole else merge(tree, over)
            self._trees[kind] = tree
        return self._trees[kind]

    def _patterns_of(self, kind: str) -> list[str]:
        if kind not in self.patterns:
            raise ConfError(
                f"there is no kind of conf called {kind!r}", hint=did_you_mean(kind, self.patterns)
            )
        return self.patterns[kind]

    def _resolve(self, kind: str, path: tuple[Any, ...]) -> Node:
        from plait.project.interpolation import Interpolation, interpolated

        tree = self.raw(kind)
        part = at(tree, path)
        if part is None:
            raise KeyError(path)
        if self.carried is not None:
            self._remember(part)
            return part
        if interpolated(part):
            if kind in self._busy:
                ways = " → ".join([*self._busy[self._busy.index(kind) :], kind])
                hint = f"inside one kind, write ${{name}} instead of going through {self._busy[-1]}"
                raise ConfError(f"the conf refers to itself in a circle: {ways}", hint=hint)
            if kind not in self._interpolations:
                self._interpolations[kind] = Interpolation(kind, tree, self._all_resolvers())
            self._busy.append(kind)
            try:
                part = self._interpolations[kind].resolve(path)
            finally:
                self._busy.pop()
            # Also those that stand inside a longer text, or that a resolver turned into something else.
            self._secrets.update(dict.fromkeys(self._interpolations[kind].secrets()))
        if kind == "credentials":
            part = sealed(part, path[-1] if path else None)
        elif kind in ("stack", "stacks"):
            part = sealed_options(part, path[-1] if path else None)
            self._secrets.update(dict.fromkeys(passwords_in(part)))
        self._remember(part)
        return part

    def _remember(self, node: Node) -> None:
        for _, leaf in leaves(node):
            self._secrets.update(dict.fromkeys(secrets_in(plain(leaf))))

    def _all_resolvers(self) -> dict[str, Callable[..., Any]]:
        from plait.project.resolvers import builtin_resolvers

        return {**builtin_resolvers(self, self._providers), **self._resolvers}

    def secret(self, reference: str) -> Any:
        """What ``${secret:reference}`` stands for.

        Raises:
            ConfError: there is no such secret.
        """
        if self.carried is not None and reference in self.carried.secrets:
            return self.carried.secrets[reference]
        return self._all_resolvers()["secret"](reference)

    def carry(self, references: Iterable[str] = ()) -> CarriedConf:
        """All that this conf says, for a machine without its files, variables and keyrings.

        Args:
            references: further secrets that are needed there, as ``${secret:…}`` names them.

        Raises:
            ConfError: one of them is not there. An entry that cannot be resolved stays behind.
        """
        trees: dict[str, Node] = {}
        for kind in self.kinds():
            raw = self.raw(kind)
            whole: dict[str, Node] = {}
            for key in raw.value:
                with contextlib.suppress(ConfError):
                    whole[key] = self._resolve(kind, (key,))
            trees[kind] = _without_templates(kind, Node(whole, raw.origin))
        return CarriedConf(trees, {one: Secret(self.secret(one)) for one in references})

    def masker(self, more: Iterable[Secret] = ()) -> Masker:
        """What masks every secret of this conf: the credentials, each ``${secret:…}`` of any kind, and ``more``.

        Those whose own source is missing here (a variable that is not set) have no value to hide.
        """
        whole = ("credentials", "stack", "stacks")
        places: list[tuple[str, tuple[Any, ...]]] = [
            (kind, (key,)) for kind in whole for key in self.raw(kind).value
        ]
        for kind in self.patterns:
            if kind not in whole:
                places += [(kind, path) for path in _with_secrets(self.raw(kind), ())]
        for kind, path in places:
            with contextlib.suppress(ConfError):
                self.part(kind, path)
        return Masker([*self._secrets, *more])

    def show(self, key: str | None = None) -> list[Shown]:
        """What ``plait conf show`` prints: each value of all kinds, of one kind, or under one dotted key.

        Args:
            key: a kind (``parameters``), a key in a kind (``catalog.flights``), or a key of any kind
                (``model.alpha``), the parameters first.

        Raises:
            ConfError: there is no such key; it names the nearest.
        """
        chosen = [(kind, ()) for kind in self.kinds()] if key is None else [self._find(key)]
        found = [(kind, path, node) for kind, path in chosen for path, node in self._leaves(kind, path)]
        masker = self.masker()
        return [
            Shown(kind, dotted(path), masker.mask(plain(node)), str(node.origin))
            for kind, path, node in found
        ]

    def _leaves(self, kind: str, path: tuple[Any, ...]) -> Iterable[tuple[tuple[Any, ...], Node]]:
        node = at(self.tree(kind), path)
        return leaves(node, path) if node else []

    def _find(self, key: str) -> tuple[str, tuple[Any, ...]]:
        kind, _, rest = key.replace("params:", "parameters.", 1).partition(".")
        if kind in self.patterns:
            path = split_path(self.tree(kind), rest)
            if not rest or at(self.tree(kind), path) is not None:
                return kind, path
        names: dict[str, None] = dict.fromkeys(self.patterns)
        for kind in dict.fromkeys(["parameters", *self.kinds()]):
            path = split_path(self.tree(kind), key)
            if at(self.tree(kind), path) is not None:
                return kind, path
            for leaf, _ in leaves(self.tree(kind)):
                for end in range(1, len(leaf) + 1):
                    names[dotted(leaf[:end])] = names[f"{kind}.{dotted(leaf[:end])}"] = None
        raise ConfError(
            f"the conf says nothing of {key!r}", where=self._places(), hint=did_you_mean(key, names)
        )


def _with_secrets(node: Node, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    value = node.value
    if type(value) is str:
        if "${secret:" in value:
            yield path
    elif type(value) is dict:
        for key, inner in value.items():
            yield from _with_secrets(inner, (*path, key))
    elif type(value) is list:
        for at_, inner in enumerate(value):
            yield from _with_secrets(inner, (*path, at_))


def default_patterns(kind: str) -> list[str]:
    """Where the files of a kind are: named so, in a folder named so, or named so in any folder."""
    if kind == "stack":  # `stacks.yml` is a kind of its own
        return ["stack.*", "stack/**", "**/stack.*"]
    return [f"{kind}*", f"{kind}*/**", f"**/{kind}*"]


def _patterns(kinds: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    return {
        kind: [patterns] if isinstance(patterns, str) else list(patterns) for kind, patterns in kinds.items()
    }


def split_path(tree: Node, path: Iterable[Any] | str) -> tuple[Any, ...]:
    """A dotted path as keys; a key that holds dots itself is taken whole where the tree has it."""
    if not isinstance(path, str):
        return tuple(path)
    parts = path.replace("[", ".").replace("]", "").split(".") if path else []
    keys: list[Any] = []
    node: Node | None = tree
    while parts:
        size = 1
        if node is not None and type(node.value) is dict:
            sizes = (n for n in range(len(parts), 0, -1) if at(node, (".".join(parts[:n]),)) is not None)
            size = next(sizes, 1)
        keys.append(".".join(parts[:size]))
        node = at(node, (keys[-1],)) if node is not None else None
        parts = parts[size:]
    return tuple(keys)


def _without_templates(kind: str, node: Node) -> Node:
    if kind == "parameters" or not any(str(key).startswith("_") for key in node.value):
        return node
    return Node(
        {key: inner for key, inner in node.value.items() if not str(key).startswith("_")}, node.origin
    )
