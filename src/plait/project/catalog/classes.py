"""How does a class with ``load`` and ``save``, a user's own or one of Kedro's, become a dataset?

A class whose data is the file at its ``filepath`` is constructed with another path for saving: beside its
place, so that it may take its time, fail or be killed. What it wrote is then moved into place. So it gets
versions, safe saving and a content hash without knowing of them.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plait.errors import CatalogError, did_you_mean
from plait.project.catalog.entry import OWN_KEYS
from plait.project.datasets.files import FileDataset, no_versions
from plait.project.datasets.partitioned import link_all
from plait.project.datasets.protocol import Context, Written
from plait.project.datasets.publish import publish
from plait.project.datasets.storage import Place, Source, is_remote, place_of

__all__ = ["Delegated", "check_arguments", "dataset_of_class"]

# Kedro's classes that write somewhere else than this process, or know their own way to write safely.
_ELSEWHERE = ("spark", "databricks", "snowflake", "dask")
_PATHS = ("filepath", "path", "filename")


def dataset_of_class(cls: type, arguments: Mapping[str, Any], context: Context) -> Any:
    """The dataset that an entry with this class describes."""
    arguments = _absolute(arguments, context.root)
    is_kedro = _is_kedro(cls)
    accepted = _parameters(cls)
    if "metadata" in arguments and accepted is not None and "metadata" not in accepted:
        arguments.pop("metadata")
    reserved = ("version",) if is_kedro else ()
    check_arguments(cls, arguments, context, ignore=reserved)
    if is_kedro and getattr(cls, "versioned", False) and not context.versioned:
        from dataclasses import replace

        context = replace(context, versioned=True)
    place = _place(arguments, context)
    if place is not None and _lives_in_file(cls, is_kedro=is_kedro, place=place):
        format_ = ClassFormat(cls, arguments)
        append = is_kedro and _appends(arguments)
        return FileDataset(place, format_, context, carry=append or not is_kedro)
    if context.versioned:
        arguments = {**arguments, **_own_version(cls, context)}
    elif context.load_version is not None and not hasattr(cls, "versions"):
        raise no_versions(context)
    return Delegated(cls, arguments, context, place or _folder(arguments, context))


@dataclass(frozen=True)
class ClassFormat:
    """A class with ``load`` and ``save`` as the format of a file."""

    cls: type
    arguments: Mapping[str, Any]

    def __getstate__(self) -> dict[str, Any]:
        """Without credentials, which must not travel to another process."""
        kept = {key: value for key, value in self.arguments.items() if key not in {"credentials", "fs_args"}}
        return {"cls": self.cls, "arguments": kept}

    def read(self, source: Source, wanted: str | None) -> Any:
        source.place.check_credentials()
        url = source.place.url
        if source.place.protocol == "memory":
            # Kedro takes the first part of such a path for a host's name, and drops it.
            url = f"memory://{source.place.path}"
        return self.cls(**{**self.arguments, "filepath": url}).load()

    def write(self, value: Any, path: Path) -> None:
        arguments = {**self.arguments, "filepath": str(path)}
        if is_remote(str(self.arguments["filepath"])):
            # Written here first, so nothing of the store's client belongs to it.
            arguments.pop("credentials", None)
            opened = {
                key: value
                for key, value in (arguments.pop("fs_args", None) or {}).items()
                if key[:10] == "open_args_"
            }
            if opened:
                arguments["fs_args"] = opened
        self.cls(**arguments).save(value)


class Delegated:
    """A class that looks after its own place: constructed once, asked for everything."""

    def __init__(
        self, cls: type, arguments: Mapping[str, Any], context: Context, place: Place | None
    ) -> None:
        self._arguments = arguments
        self._inner: Any = None
        self._cls = cls
        self._context = context
        self._place = place

    @property
    def inner(self) -> Any:
        """The object of the class itself."""
        if self._inner is None:
            self._inner = _construct(self._cls, self._arguments, self._context)
        return self._inner

    def __getattr__(self, name: str) -> Any:
        """The optional methods of a dataset that the class itself has."""
        if name not in {"load_as", "parts", "part"}:
            raise AttributeError(name)
        return getattr(self.inner, name)

    def load(self) -> Any:
        return self.inner.load()

    def save(self, value: Any) -> Written | None:
        if self._place is not None and self._place.is_local and _is_kedros_folder(self._cls):
            return self._save_folder(self._place, value)
        if not callable(getattr(self._cls, "save", None)):
            raise CatalogError(
                f"its type {self._context.type_name} only reads: it has no save(value)",
                hint="name the output otherwise, or give the entry a type that can be written",
            )
        self.inner.save(value)
        if self._place is None or not self._context.versioned:
            return None
        version = str(self.inner.resolve_save_version())
        saved = self._place.versioned(version)
        return Written(saved.shown, saved.fingerprint(self._context.memo), version)

    def _save_folder(self, place: Place, value: Any) -> Written:
        """Let Kedro's partitions write to a fresh folder, which then takes the place of the old one."""

        def write(path: Path) -> None:
            path.mkdir()
            fresh = {key: given for key, given in self._arguments.items() if key != "checkpoint"}
            _construct(self._cls, {**fresh, "path": str(path)}, self._context).save(value)
            old = Path(place.url)
            if not self._arguments.get("overwrite") and old.is_dir():
                link_all(old, path)

        written = publish(place, write)
        self.release()
        return written

    def exists(self) -> bool | None:
        """None where the class cannot say."""
        found = getattr(self.inner, "exists", None)
        if callable(found):
            return bool(found())
        return self._place.exists() if self._place is not None else None

    def fingerprint(self) -> str | None:
        found = getattr(self.inner, "fingerprint", None)
        if callable(found):
            answer = found()
            return None if answer is None else str(answer)
        name = self._cls.__name__
        # The file of a query is not the data that it asks for.
        if (
            self._place is None
            or not _is_kedro(self._cls)
            or any(word in name for word in ("SQL", "Query", "API"))
        ):
            return None
        return self._place.fingerprint(self._context.memo)

    def versions(self) -> list[str]:
        if _is_kedro(self._cls) and self._context.versioned and self._place is not None:
            base = self._place
            return sorted((one for one in base.folders() if base.versioned(one).exists()), reverse=True)
        found = getattr(self.inner, "versions", None)
        return list(found()) if callable(found) else []

    def confirm(self) -> None:
        found = getattr(self.inner, "confirm", None)
        if callable(found):
            found()

    def release(self) -> None:
        found = getattr(self._inner, "release", None)
        if callable(found):
            found()


def _is_kedro(cls: type) -> bool:
    """Whether a class is one of Kedro's datasets, told by its bases' names without importing Kedro."""
    return any(
        base.__module__ == "kedro.io.core" and base.__name__ == "AbstractDataset" for base in cls.__mro__
    )


def _is_kedros_folder(cls: type) -> bool:
    return cls.__module__.startswith("kedro_datasets.partitions")


def _is_versioned_kedro(cls: type) -> bool:
    return any(
        base.__name__ == "AbstractVersionedDataset" and base.__module__ == "kedro.io.core"
        for base in cls.__mro__
    )


def _lives_in_file(cls: type, *, is_kedro: bool, place: Place) -> bool:
    """Whether the data of a class is the file or folder at its filepath, and no more than that."""
    parameters = _parameters(cls)
    if parameters is not None and "filepath" not in parameters:
        return False
    if is_kedro:
        parts = cls.__module__.split(".")
        return _is_versioned_kedro(cls) and not any(part in _ELSEWHERE for part in parts)
    looks_after_itself = any(hasattr(cls, name) for name in ("atomic", "fingerprint", "versions"))
    return place.is_local and not looks_after_itself


def _parameters(cls: type) -> Mapping[str, inspect.Parameter] | None:
    """What a class may be constructed with; None when it takes anything."""
    try:
        parameters = inspect.signature(cls).parameters
    except (TypeError, ValueError):
        return None
    if any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters.values()):
        return None
    return parameters


def check_arguments(
    made_by: Callable[..., Any],
    arguments: Mapping[str, Any],
    context: Context,
    *,
    ignore: tuple[str, ...] = (),
) -> None:
    """Every argument of the entry must be one that the type takes, and none may be missing.

    Raises:
        CatalogError: one is misspelt or missing.
    """
    if isinstance(made_by, type):
        parameters = _parameters(made_by)
    else:
        listed = inspect.signature(made_by).parameters
        parameters = {name: one for name, one in listed.items() if one.kind is inspect.Parameter.KEYWORD_ONLY}
    if parameters is None:
        return
    known = [name for name in parameters if name not in ignore]
    type_ = context.type_name
    for name in arguments:
        if name not in known:
            raise CatalogError(
                f"{context.name!r} has {name!r}, which {type_} does not take",
                where=context.where,
                hint=did_you_mean(name, [*known, *OWN_KEYS]),
            )
    for name, one in parameters.items():
        positional = one.kind in {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD}
        if (
            one.default is inspect.Parameter.empty
            and name not in arguments
            and name not in ignore
            and not positional
        ):
            raise CatalogError(
                f"{context.name!r} lacks {name!r}, which {type_} needs",
                where=context.where,
                hint=f"add `{name}:` to the entry",
            )


def _construct(cls: type, arguments: Mapping[str, Any], context: Context) -> Any:
    if _is_kedros_folder(cls):
        arguments = _with_nested_classes(arguments, context)
    return cls(**arguments)


def _with_nested_classes(arguments: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Nested types as the classes that the catalog's own rules allow."""
    from plait.project.catalog.types import NATIVE, find_class, forbidden

    changed = dict(arguments)
    for key in ("dataset", "checkpoint"):
        nested = changed.get(key)
        if isinstance(nested, str) and key == "dataset":
            nested = {"type": nested}
        if not isinstance(nested, Mapping):
            continue
        nested = dict(nested)
        type_ = nested.get("type")
        if type_ in NATIVE:
            raise CatalogError(
                f"{context.name!r} is one of Kedro's types, whose parts cannot be {type_!r}",
                where=context.where,
                hint="write `type: partitioned` (or `incremental`) for the whole entry",
            )
        if isinstance(type_, str):
            nested["type"] = find_class(type_, {}, name=context.name, where=context.where)
        compare = nested.get("comparison_func")
        if isinstance(compare, str) and not compare.startswith("operator."):
            problem = forbidden(compare, name=context.name, where=context.where)
            if problem is not None:
                raise problem
        changed[key] = nested
    return changed


def _own_version(cls: type, context: Context) -> dict[str, Any]:
    parameters = _parameters(cls)
    if not _is_kedro(cls) or (parameters is not None and "version" not in parameters):
        raise CatalogError(
            f"{context.name!r} is `versioned`, but {context.type_name} keeps no versions",
            where=context.where,
            hint="drop `versioned: true`; a type whose data is one file at its `filepath` can have versions",
        )  # fmt: skip
    import importlib

    core = importlib.import_module("kedro.io.core")
    return {"version": core.Version(context.load_version, context.save_version)}


def _place(arguments: Mapping[str, Any], context: Context) -> Place | None:
    filepath = arguments.get("filepath")
    if not isinstance(filepath, str) or not filepath:
        return None
    return _place_at(filepath, arguments, context)


def _folder(arguments: Mapping[str, Any], context: Context) -> Place | None:
    path = arguments.get("path")
    return _place_at(path, arguments, context) if isinstance(path, str) and path else None


def _place_at(filepath: str, arguments: Mapping[str, Any], context: Context) -> Place:
    credentials = arguments.get("credentials")
    fs_args = arguments.get("fs_args")
    return place_of(
        filepath,
        root=context.root,
        credentials=credentials if isinstance(credentials, Mapping) else None,
        fs_args=fs_args if isinstance(fs_args, Mapping) else None,
        dataset=context.name,
        env=context.env,
        where=context.where,
    )


def _appends(arguments: Mapping[str, Any]) -> bool:
    """Whether the arguments ask to add to what is there."""
    modes = [
        ((arguments.get("fs_args") or {}).get("open_args_save") or {}).get("mode"),
        (arguments.get("save_args") or {}).get("mode"),
        ((arguments.get("save_args") or {}).get("writer") or {}).get("mode"),
    ]
    return any(str(mode).startswith(("a", "r+")) for mode in modes if mode) or "key" in arguments


def _absolute(config: Mapping[str, Any], root: Path) -> dict[str, Any]:
    """Relative paths from the project's root, as Kedro reads them: in nested datasets too."""
    changed: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping) and key not in {"credentials", "fs_args", "load_args", "save_args"}:
            changed[key] = _absolute(value, root)
        elif key in _PATHS and isinstance(value, str) and value and not is_remote(value):
            changed[key] = (root / Path(value).expanduser()).as_posix()
        else:
            changed[key] = value
    return changed
