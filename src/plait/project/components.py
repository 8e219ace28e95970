"""Which components can a stack be made of, and what can be set on each? Kinds, their types, their typed options.

A type is a ``msgspec.Struct`` or dataclass: its fields are the options, its first line of documentation is its line in
``plait stack types``, and ``open(project)`` makes the component. ``schemes`` are the URLs that mean it in the short
form, which become its option ``url``; ``integration`` is the extra of plait that brings what it needs.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from plait.errors import ConfError, did_you_mean
from plait.project.plugins import Plugin
from plait.project.secrets import Secret, reveal

__all__ = ["HOOKED", "KINDS", "Component", "Kind", "Option", "describe_types", "read_component", "types_of"]


class Kind(Struct, frozen=True):
    """One kind of component: the entry points that add types of it, and plait's own types.

    Attributes:
        what: one line for people.
        default: the type where a stack names none; None for a component that is optional.
        many: whether a stack may have several.
    """

    name: str
    group: str
    what: str
    types: Mapping[str, str]
    default: str | None = None
    many: bool = False


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind(
            "executor",
            "plait.executors",
            "on what steps run",
            {
                "inline": "plait.executors.inline:InlineSettings",
                "processes": "plait.executors.processes:ProcessesSettings",
                "threads": "plait.executors.threads:ThreadsSettings",
                "dask": "plait.executors.dask:DaskSettings",
                "ray": "plait.executors.ray:RaySettings",
                "ssh": "plait.executors.ssh:SshSettings",
                "docker": "plait.executors.docker:DockerSettings",
                "slurm": "plait.executors.slurm:SlurmSettings",
                "kubernetes": "plait.executors.kubernetes:KubernetesSettings",
            },
            default="processes",
        ),
        Kind(
            "artifact_store",
            "plait.artifact_stores",
            "where results are kept",
            {
                "local": "plait.project.stores:Local",
                "s3": "plait.project.stores:S3",
                "gcs": "plait.project.stores:Gcs",
                "azure": "plait.project.stores:Azure",
                "sftp": "plait.project.stores:Sftp",
                "memory": "plait.project.stores:Memory",
                "fsspec": "plait.project.stores:AnyPlace",
            },
            default="local",
        ),
        Kind(
            "record_store",
            "plait.record_stores",
            "where runs are recorded",
            {
                "sqlite": "plait.record.settings:Sqlite",
                "postgresql": "plait.record.settings:Postgresql",
            },
            default="sqlite",
        ),
        Kind(
            "tracker",
            "plait.trackers",
            "who else hears of parameters, metrics and models",
            {"mlflow": "plait.integrations.mlflow:Mlflow"},
            many=True,
        ),
        Kind(
            "alerter",
            "plait.alerters",
            "who is told how runs end",
            {"slack": "plait.integrations.alerts:Slack", "webhook": "plait.integrations.alerts:Webhook"},
            many=True,
        ),
        Kind(
            "model_registry",
            "plait.model_registries",
            "where models are registered",
            {"mlflow": "plait.integrations.mlflow:Registry"},
        ),
        Kind(
            "secrets",
            "plait.secrets",
            "what ${secret:stack:NAME} reads",
            {
                "environment": "plait.project.secret_stores:Environment",
                "file": "plait.project.secret_stores:File",
                "keyring": "plait.project.secret_stores:Keyring",
            },
        ),
        Kind(
            "spark",
            "plait.spark",
            "the SparkSession of steps that ask for one",
            {"session": "plait.integrations.spark:Session", "connect": "plait.integrations.spark:Connect"},
        ),
        Kind(
            "image_builder",
            "plait.image_builders",
            "what makes container images of the project",
            {"docker": "plait.executors.images:DockerImages"},
        ),
    )
}


HOOKED = ("tracker", "alerter", "model_registry")
"""The kinds whose components are hooks: objects with methods that are marked with ``@hook``."""


class Option(Struct, frozen=True):
    """One option of a type, as it is declared."""

    name: str
    type: Any
    required: bool
    default: Any = None


class Component(Struct, frozen=True):
    """One component as the conf names it: not yet opened, nor its packages imported.

    Attributes:
        value: where its type is, as ``module:attribute``.
        options: as they are written, resolved; each secret among them is a ``Secret``.
        where: the place in the conf; empty for one that no conf names.
    """

    kind: str
    type: str
    value: str
    options: dict[str, Any] = {}
    where: str = ""

    def settings(self) -> Any:
        """The options, typed and checked.

        Raises:
            ConfError: an option is unknown, missing or of a wrong type, or the type cannot be imported.
        """
        made = self._import()
        known = options_of(made)
        title = f"the {said(self.kind)} {self.type!r}"
        for name in map(str, self.options):
            if name not in known:
                raise ConfError(
                    f"{title} has no option {name!r}",
                    where=self.where or None,
                    hint=did_you_mean(name, known) or "it takes none",
                )
        missing = [
            option.name for option in known.values() if option.required and option.name not in self.options
        ]
        if missing:
            raise ConfError(
                f"{title} needs {missing[0]!r}", where=self.where or None, hint=f"{missing[0]}: …"
            )
        try:
            return msgspec.convert(reveal(self.options), made, strict=False, dec_hook=_convert)
        except (msgspec.ValidationError, ValueError, TypeError) as error:
            # What was typed may be a secret: only the expectation is repeated.
            raise ConfError(f"{title}: {_wrong(error)}", where=self.where or None) from None

    @property
    def known(self) -> dict[str, Option]:
        """The options that its type declares, by name."""
        return options_of(self._import())

    def open(self, project: Any, **how: Any) -> Any:
        """The component itself.

        Raises:
            ConfError: the options are wrong, or what the type needs is not installed.
        """
        settings = self.settings()
        try:
            return settings.open(project, **how)
        except ImportError as error:
            raise self.not_installed(error) from error

    def not_installed(self, error: ImportError) -> ConfError:
        name = getattr(self._import(), "integration", None)
        missing = f" ({error.name})" if error.name else f" ({error})"
        return ConfError(
            f"the {said(self.kind)} {self.type!r} needs packages that are not installed{missing}",
            where=self.where or None,
            hint=f"plait integration install {name}" if name else "install them in this environment",
        )

    def _import(self) -> Any:
        module, _, attribute = self.value.partition(":")
        try:
            found: Any = importlib.import_module(module)
            for part in attribute.split("."):
                found = getattr(found, part)
        except (ImportError, AttributeError) as error:
            raise ConfError(
                f"the {said(self.kind)} {self.type!r} cannot be imported from {self.value}: {error}",
                where=self.where or None,
            ) from error
        return found


def said(kind: str) -> str:
    """A kind as people say it."""
    return kind.replace("_", " ")


def types_of(kind: str, plugins: Iterable[Plugin]) -> dict[str, str]:
    """The types of a kind by name, with where each is; plait's own names cannot be taken over."""
    one = KINDS[kind]
    return {**{found.name: found.value for found in plugins if found.group == one.group}, **one.types}


def describe_types(kind: str, plugins: Iterable[Plugin]) -> dict[str, tuple[str, list[Option]]]:
    """What a stack can name of a kind: for each type its line for people and its options."""
    found = {}
    for name, value in types_of(kind, plugins).items():
        made = Component(kind, name, value)._import()
        lines = (made.__doc__ or "").strip().splitlines()
        found[name] = (lines[0].replace("``", "") if lines else "", list(options_of(made).values()))
    return found


def options_of(made: Any) -> dict[str, Option]:
    """What can be set on a type, by name."""
    if dataclasses.is_dataclass(made):
        nothing = dataclasses.MISSING
        return {
            field.name: Option(
                field.name,
                field.type,
                field.default is nothing and field.default_factory is nothing,
                None if field.default is nothing else field.default,
            )
            for field in dataclasses.fields(made)
        }
    return {
        field.name: Option(
            field.name,
            field.type,
            field.required,
            None if field.default is msgspec.NODEFAULT else field.default,
        )
        for field in msgspec.structs.fields(made)
    }


def read_component(kind: str, written: Any, plugins: Iterable[Plugin], where: str) -> Component:
    """A component from what a stack says: ``{type: …, options}``, a type's name, a URL or a path.

    Raises:
        ConfError: it is none of these, or there is no such type; the nearest is named.
    """
    named = written.get("type") if isinstance(written, dict) else written
    # Plugins are looked for only where the name is none of plait's own.
    types = dict(KINDS[kind].types) if named in KINDS[kind].types else types_of(kind, plugins)
    if isinstance(written, str):
        name, options = _short(kind, str(reveal(written)), written, types)
    elif isinstance(written, dict):
        options = dict(written)
        name = options.pop("type", None)
        if name is None and isinstance(options.get("url"), str):
            name, _ = _short(kind, str(reveal(options["url"])), options["url"], types)
        if not isinstance(name, str):
            raise ConfError(
                f"the {said(kind)} names no type", where=where, hint=f"type: one of {', '.join(types)}"
            )
    else:
        raise ConfError(
            f"the {said(kind)} is {written!r:.40}, which is neither a type nor {{type: …, options}}",
            where=where,
        )
    if name not in types:
        hint = did_you_mean(name, types) or "no type of it is installed: plait integration list"
        raise ConfError(f"there is no {said(kind)} of type {name!r}", where=where, hint=hint)
    return Component(kind, name, types[name], options, where)


def _short(kind: str, text: str, written: Any, types: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    scheme, colon, _ = text.partition("://")
    if not colon:
        if kind in ("artifact_store", "record_store") and text.startswith(("/", ".", "~")):
            return str(KINDS[kind].default), {"path": written}
        return text, {}
    best = ""
    for name, value in types.items():
        for prefix in _schemes(value):
            if text.startswith(f"{prefix}://" if "://" not in prefix else prefix) and len(prefix) > len(best):
                best, found = prefix, name
    if best:
        return found, {"url": written}
    return ("fsspec", {"url": written}) if kind == "artifact_store" else (scheme, {"url": written})


def _schemes(value: str) -> tuple[str, ...]:
    module, _, attribute = value.partition(":")
    try:
        return tuple(getattr(getattr(importlib.import_module(module), attribute), "schemes", ()))
    except (ImportError, AttributeError):
        return ()


def _convert(expected: Any, value: Any) -> Any:
    if expected is Secret and isinstance(value, (str, int)):
        return Secret(str(value))
    raise TypeError(f"Expected `{getattr(expected, '__name__', expected)}`")


def _wrong(error: Exception) -> str:
    text = str(error)
    said_, _, place = text.partition(" - at `$.")
    name = place.rstrip("`")
    lowered = said_[:1].lower() + said_[1:]
    return f"{name}: {lowered}" if name else lowered
