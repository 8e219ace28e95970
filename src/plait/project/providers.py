"""Where is a secret kept? In an environment variable, a file, a keyring or a plugin's store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from plait.errors import ConfError, did_you_mean
from plait.project.secrets import Secret

__all__ = ["Provider", "find_secret", "from_environment", "from_file", "from_keyring"]

Provider = Callable[[str], Any]


def find_secret(reference: str, providers: Mapping[str, Provider]) -> Secret:
    """The secret that ``provider:place`` names; a name without a provider is one of the credentials.

    Args:
        reference: ``env:DB_PASSWORD``, ``file:all.yml#db.password``, ``keyring:shop/etl``, ``db.password``.
        providers: what finds the secret at a place, by name; a place that holds none is a ``KeyError``.

    Raises:
        ConfError: the provider is not known, or has no such secret.
    """
    name, colon, place = str(reference).strip().partition(":")
    if not colon:
        name, place = "credentials", name
    provider = providers.get(name)
    if provider is None:
        hint = f"{did_you_mean(name, providers)}; other secret managers come from plugins"
        raise ConfError(f"there is no provider of secrets called {name!r}", hint=hint)
    try:
        found = provider(place.strip())
    except KeyError:
        raise ConfError(f"the {name} has no secret {place.strip()!r}") from None
    if found is None or isinstance(found, (dict, list)):
        raise ConfError(
            f"{reference!r} is no single secret", hint="name one value of it, such as db.password"
        )
    return Secret(found)


def from_environment(environ: Mapping[str, str]) -> Provider:
    """``env:NAME``."""

    def provider(name: str) -> str:
        return environment_variable(environ, name)

    return provider


def environment_variable(environ: Mapping[str, str], name: str) -> str:
    """The value of an environment variable.

    Raises:
        ConfError: it is not set.
    """
    if name in environ:
        return environ[name]
    near = did_you_mean(name, environ) or ""
    hint = f"export {name}=…, or give a default: ${{env:{name}, VALUE}}"
    if near.startswith("did you mean"):
        hint = f"{near} Else {hint}"
    raise ConfError(f"the environment variable {name} is not set", hint=hint)


def from_file(folder: Path) -> Provider:
    """``file:PATH`` is what the file holds, ``file:PATH#key`` a value of a YAML, JSON or ``NAME=value`` file.

    A relative path starts at ``folder``, the project's.
    """

    def provider(place: str) -> str:
        written, _, key = place.partition("#")
        path = folder / Path(written).expanduser()
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise ConfError(f"the secret file {path} cannot be read: {reason}") from None
        return _value_in(path, written, key) if key else text.rstrip("\r\n")

    return provider


def _value_in(path: Path, written: str, key: str) -> Any:
    known = _values(path, written)
    if key in known:
        return known[key]
    hint = did_you_mean(key, known)
    raise ConfError(f"the secret file {path} has no key {key!r}", hint=hint)


def _values(path: Path, written: str) -> dict[str, Any]:
    from plait.project.origin import dotted, leaves
    from plait.project.yaml import load_private_yaml

    if path.suffix in (".yml", ".yaml", ".json"):
        return {dotted(place): leaf.value for place, leaf in leaves(load_private_yaml(path, written))}
    pairs = (
        line.strip().removeprefix("export ").partition("=")
        for line in path.read_text("utf-8-sig").splitlines()
    )
    return {
        name.strip(): value.strip().strip("'\"")
        for name, equals, value in pairs
        if equals and name[:1] != "#"
    }


def from_keyring(place: str) -> str:
    """``keyring:SERVICE/NAME``: the keyring of the operating system."""
    service, _, name = place.rpartition("/")
    if not service or not name:
        raise ConfError(f"{place!r} names no secret in the keyring", hint="write keyring:SERVICE/NAME")
    try:
        import keyring
    except ImportError:
        what = f"the secret {place!r} is in the keyring, and the package for it is not installed"
        raise ConfError(what, hint="pip install keyring") from None
    try:
        found = keyring.get_password(service, name)
    except keyring.errors.KeyringError as error:
        raise ConfError(
            f"the keyring cannot be read for {place!r}: {error}", hint="keyring diagnose"
        ) from None
    if found is None:
        raise ConfError(f"the keyring has no secret {place!r}", hint=f"keyring set {service} {name}")
    return str(found)
