"""What can a ``${name:…}`` call in every project?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plait.errors import ConfError, did_you_mean
from plait.project.origin import Node, at, dotted, leaves, plain
from plait.project.providers import (
    environment_variable,
    find_secret,
    from_environment,
    from_file,
    from_keyring,
)
from plait.project.secrets import Secret

if TYPE_CHECKING:
    from plait.project.conf import Conf

__all__ = ["builtin_resolvers"]

_MISSING: Any = object()


def builtin_resolvers(
    conf: Conf, providers: Mapping[str, Callable[[str], Any]]
) -> dict[str, Callable[..., Any]]:
    """``globals``, ``runtime``, ``env`` and ``secret`` of one conf, and the names Kedro has for them."""

    def from_globals(name: str, default: Any = _MISSING) -> Any:
        node = conf.part("globals", tuple(str(name).split(".")))
        if node is not None:
            return plain(node)
        return _or_default(default, f"the globals have no {str(name)!r}", _near(name, conf.raw("globals")))

    def from_runtime(name: str, default: Any = _MISSING) -> Any:
        node = at(conf.runtime, tuple(str(name).split(".")))
        if node is not None:
            return plain(node)
        hint = f"write {name}=VALUE on the command line, or a default in the file: ${{runtime:{name}, VALUE}}"
        near = _near(name, conf.runtime) or ""
        hint = f"{near} Else {hint}" if near.startswith("did") else hint
        return _or_default(default, f"the run was given no {str(name)!r}", hint)

    def from_env(name: str, default: Any = _MISSING) -> Any:
        if default is _MISSING or str(name) in conf.environ:
            return environment_variable(conf.environ, str(name))
        return default

    def credentials(place: str) -> Any:
        node = conf.part("credentials", tuple(place.split(".")))
        if node is None:
            what = f"the credentials have no {place!r}"
            raise ConfError(what, hint=_near(place, conf.raw("credentials")))
        return plain(node)

    project = conf.folder.parent if conf.folder else Path()
    known: dict[str, Callable[[str], Any]] = {
        "env": from_environment(conf.environ),
        "file": from_file(project),
        "keyring": from_keyring,
        "credentials": credentials,
        **providers,
    }

    def from_secrets(reference: str, default: Any = _MISSING) -> Any:
        try:
            return find_secret(str(reference), known)
        except ConfError:
            if default is _MISSING:
                raise
            return Secret(default) if isinstance(default, str) else default

    return {
        "globals": from_globals,
        "runtime": from_runtime,
        "runtime_params": from_runtime,
        "env": from_env,
        "oc.env": from_env,
        "secret": from_secrets,
    }


def _or_default(default: Any, what: str, hint: str | None) -> Any:
    if default is _MISSING:
        raise ConfError(what, hint=hint)
    return default


def _near(name: Any, tree: Node) -> str | None:
    known = {dotted(path[:end]) for path, _ in leaves(tree) for end in range(1, len(path) + 1)}
    return did_you_mean(str(name), known)
