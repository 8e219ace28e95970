"""What does one entry of the catalog say, before anything of it is built?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from plait.errors import CatalogError, did_you_mean
from plait.project.datasets.storage import masked_url

__all__ = [
    "MASK",
    "OWN_KEYS",
    "Entry",
    "base_name",
    "is_parameter",
    "masked",
    "resolve_credentials",
    "shape_problem",
]

MASK = "***"
# Keys that are the catalog's own, not the type's. `version` is a word that Kedro reserves and drops.
OWN_KEYS = ("type", "as", "checks", "validator", "layer", "versioned", "version")
_SECRET_KEYS = (
    "credentials",
    "password",
    "passwd",
    "secret",
    "token",
    "api_key",
    "apikey",
    "con",
    "private_key",
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as written, its factory's placeholders filled in, credentials still by name.

    Attributes:
        arguments: what the type is constructed with.
        pattern: the factory that it came from.
        where: the file and line it was written in.
    """

    name: str
    type: str
    arguments: dict[str, Any] = field(default_factory=dict)
    as_: str | None = None
    versioned: bool = False
    checks: tuple[Any, ...] = ()
    metadata: dict[str, Any] = field(default_factory=dict)
    layer: str | None = None
    pattern: str | None = None
    where: str | None = None

    @property
    def place(self) -> str | None:
        """Where the data is, as far as the entry says it without being built; secrets masked."""
        arguments = self.arguments
        for key in ("filepath", "path", "filename", "uri", "database"):
            value = arguments.get(key)
            if isinstance(value, str) and value:
                table = arguments.get("table") if key == "database" else None
                return masked_url(value) + (f" · {table}" if table else "")
        for key in ("table_name", "table", "sql", "url"):
            value = arguments.get(key)
            if isinstance(value, str) and value:
                return masked_url(value)
        return None

    @property
    def appends(self) -> bool:
        """Whether a save adds to what is there: ``mode: append``, ``if_exists: append``, or a file opened with "a"."""
        save = self.arguments.get("save_args") or {}
        opened = (self.arguments.get("fs_args") or {}).get("open_args_save") or {}
        modes = (save.get("mode"), save.get("if_exists"), opened.get("mode"))
        return any(isinstance(mode, str) and mode.startswith("a") for mode in modes)


def read_entry(
    name: str, config: Mapping[str, Any], *, where: str | None, pattern: str | None = None
) -> Entry:
    """An entry from its conf."""
    metadata = config.get("metadata")
    metadata = dict(metadata) if isinstance(metadata, Mapping) else {}
    viz = metadata.get("kedro-viz")
    layer = (
        config.get("layer")
        or (viz.get("layer") if isinstance(viz, Mapping) else None)
        or metadata.get("layer")
    )
    arguments = {key: value for key, value in config.items() if key not in OWN_KEYS}
    as_ = config.get("as")
    return Entry(
        name=name,
        type=config["type"],
        arguments=arguments,
        as_=str(as_) if as_ is not None else None,
        versioned=bool(config.get("versioned", False)),
        checks=tuple(_checks(name, config, where)),
        metadata=metadata,
        layer=str(layer) if layer is not None else None,
        pattern=pattern,
        where=where,
    )


def _checks(name: str, config: Mapping[str, Any], where: str | None) -> list[Any]:
    listed = config.get("checks")
    if listed is None:
        listed = []
    if isinstance(listed, (str, Mapping)):
        listed = [listed]
    if not isinstance(listed, (list, tuple)):
        raise CatalogError(f"checks: of {name!r} is a {type(listed).__name__}, not a list", where=where)
    # Kedro's own key for the same: one validator, by its dotted path.
    validator = config.get("validator")
    return [*listed, *([validator] if validator is not None else [])]


def shape_problem(name: Any, config: Any, origin: Callable[[str], str | None]) -> CatalogError | None:
    """What is wrong with the mere shape of an entry, None when nothing is: a look, not an import."""
    if not isinstance(name, str):
        return CatalogError(f"a dataset's name must be text, not {name!r}", hint=f'quote it: "{name}"')
    if not isinstance(config, Mapping):
        return CatalogError(
            f"entry {name!r} is {_spoken(config)}, not a dataset's type and arguments",
            where=origin(name),
            hint="write `type:` and its arguments below it; a name for interpolation or an anchor "
            "starts with _",
        )
    if "type" not in config:
        return CatalogError(
            f"entry {name!r} has no type",
            where=origin(name),
            hint=_typo("type", config) or "add one, such as `type: csv`",
        )
    if not isinstance(config["type"], str) or not config["type"].strip():
        return CatalogError(
            f"the type of {name!r} is {_spoken(config['type'])}, not a name",
            where=origin(f"{name}.type") or origin(name),
            hint="write `type: csv`, or the dotted path of a class",
        )
    return None


def _typo(key: str, config: Mapping[Any, Any]) -> str | None:
    from plait.errors import nearest

    close = nearest(key, [str(name) for name in config], most=1)
    return f"is {close[0]!r} meant to be {key!r}?" if close else None


def _spoken(value: Any) -> str:
    if value is None:
        return "empty"
    kind = {"str": "text", "list": "a list", "dict": "a mapping", "int": "a number", "float": "a number"}
    return f"{kind.get(type(value).__name__, 'a ' + type(value).__name__)} ({value!r})"


def base_name(name: str) -> str:
    """The data that a name means: ``cars@spark`` and ``cars@pandas`` are both ``cars``."""
    return name.partition("@")[0]


def is_parameter(name: str) -> bool:
    """Whether a name means a parameter in Kedro's spelling, and so never a dataset."""
    return name.startswith("params:") or name == "parameters"


def resolve_credentials(
    config: Any, credentials: Mapping[str, Any], *, dataset: str, where: str | None = None
) -> Any:
    """The conf with each ``credentials: key`` replaced by what is kept under that key.

    Raises:
        CatalogError: there is no such key.
    """

    def look(key: Any, value: Any) -> Any:
        if key == "credentials" and isinstance(value, str):
            if value not in credentials:
                hint = did_you_mean(value, credentials)
                raise CatalogError(
                    f"{dataset!r} asks for the credentials {value!r}, which are not there",
                    where=where,
                    hint=hint or "there are none at all: add them to conf/local/credentials.yml",
                )
            return credentials[value]
        if isinstance(value, Mapping):
            return {inner: look(inner, inside) for inner, inside in value.items()}
        if isinstance(value, list):
            return [look(None, inside) for inside in value]
        return value

    return look(None, config)


def masked(value: Any, key: str = "") -> Any:
    """Conf as it may be shown: credentials only by name, no password and no token."""
    secret = key.casefold() in _SECRET_KEYS
    if isinstance(value, Mapping):
        # All that lies below a secret's key is secret, however deep.
        return {name: masked(inside, "secret" if secret else str(name)) for name, inside in value.items()}
    if isinstance(value, (list, tuple)):
        return [masked(inside, "secret" if secret else key) for inside in value]
    if secret and value is not None and not (key == "credentials" and isinstance(value, str)):
        return MASK
    return masked_url(value) if isinstance(value, str) else value
