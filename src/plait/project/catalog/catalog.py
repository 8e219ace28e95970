"""What data is there by name? Entries and factories in, datasets out, each built on first use."""

from __future__ import annotations

import contextlib
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from plait.errors import CatalogError, PlaitError, did_you_mean
from plait.project.catalog.checks import Check, CheckFailed, CheckResult, read_check, run_check
from plait.project.catalog.entry import MASK, Entry, base_name, masked, resolve_credentials
from plait.project.catalog.factories import is_pattern
from plait.project.catalog.lookup import Lookup
from plait.project.datasets.conversion import KINDS, convert_table, kind_of, kind_of_value
from plait.project.datasets.fingerprints import Memo, hash_text
from plait.project.datasets.protocol import Context, Dataset, Written
from plait.project.datasets.storage import masked_url

if TYPE_CHECKING:
    from plait.project.hooks import HookCaller

__all__ = ["Catalog", "Saved"]


class Saved(msgspec.Struct, frozen=True, kw_only=True):
    """What one save left behind, in a form that can be recorded.

    Attributes:
        place: where it is; passwords masked.
        content: the BLAKE3 hash of the bytes written, None where the store keeps no bytes of its own.
        version: the version, None for a dataset that keeps only the last one.
        checks: what the checks found.
    """

    name: str
    place: str | None = None
    content: str | None = None
    version: str | None = None
    size: int | None = None
    checks: list[CheckResult] = []


def _nowhere(_key: str) -> str | None:
    return None


_LOCAL = ("filepath", "path", "database")  # arguments that may name a file of this machine


class Catalog:
    """Datasets by name.

    Args:
        entries: conf as merged from all files: names (or factory patterns) and their entries.
        root: what relative paths start from.
        credentials: what ``credentials: key`` refers to.
        origin: the ``path:line`` where a key was written; asked for ``name`` and ``name.key``.
        env: the environment, for messages.
        load_versions: versions to load instead of the newest.
        save_version: the version that versioned datasets are saved under; a new one for each save when None.
        types: further types, name to dotted path, from plugins.
        checks: checks marked in code, see ``find_checks``.
        on_check: told of every result of every check.
        memo: remembers content hashes; by default in ``root/.plait``.
        hooks: told before and after each load and save.
        paranoid: hash every file anew, whatever the memo knows of its size and times.

    Raises:
        CatalogError: the shape of an entry or of a pattern is wrong. Types are looked at when they are used.
    """

    def __init__(
        self,
        entries: Mapping[str, Any],
        *,
        root: Path,
        credentials: Mapping[str, Any] | None = None,
        origin: Callable[[str], str | None] = _nowhere,
        env: str = "local",
        load_versions: Mapping[str, str] | None = None,
        save_version: str | None = None,
        types: Mapping[str, str] | None = None,
        checks: Iterable[Check] = (),
        on_check: Callable[[CheckResult], None] | None = None,
        memo: Memo | None = None,
        hooks: HookCaller | None = None,
        paranoid: bool = False,
        away: bool = False,
    ) -> None:
        self.root = Path(root)
        self._away = away
        self.env = env
        self._credentials = credentials or {}
        self._load_versions = dict(load_versions or {})
        self._save_version = save_version
        self._types = dict(types or {})
        self._on_check = on_check
        self._hooks = hooks
        self._memo = memo or Memo(self.root / ".plait" / "fingerprints.sqlite", paranoid=paranoid)
        self._checks: dict[str, list[Check]] = {}
        for one in checks:
            self._checks.setdefault(one.dataset, []).append(one)
        self._lookup = Lookup(entries, origin, env)
        self._built: dict[str, Any] = {}

    def _repr_html_(self) -> str:
        # Found by name: a project does not depend on how it is shown.
        from importlib import import_module

        shown: str = import_module("plait.display.project").catalog_html(self)
        return shown

    def __repr__(self) -> str:
        return f"Catalog({len(self)} datasets, {len(self.patterns())} factories, env={self.env!r})"

    def names(self) -> list[str]:
        """The names with an entry of their own, sorted; what factories could make is endless."""
        return self._lookup.names()

    def patterns(self) -> list[str]:
        """The factory patterns in the order in which they are tried."""
        return self._lookup.patterns()

    def factories(self) -> list[Entry]:
        """The factories as they are written, under their patterns, in the order in which they are tried."""
        written = {entry.name: entry for entry in self._lookup.written() if is_pattern(entry.name)}
        return [written[pattern] for pattern in self.patterns()]

    def __contains__(self, name: object) -> bool:
        return name in self._lookup

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __len__(self) -> int:
        return len(self._lookup)

    def entry(self, name: str) -> Entry:
        """What the catalog says of a name, credentials still by name.

        Raises:
            CatalogError: the catalog has no such name, and no factory for it.
        """
        return self._lookup.entry(name)

    def dataset(self, name: str) -> Any:
        """The dataset behind a name; its type is imported and constructed now if it was not yet.

        Raises:
            CatalogError: the entry cannot be built.
        """
        built = self._built.get(name)
        if built is None:
            entry = self.entry(name)
            config = {**entry.arguments, "type": entry.type}
            if self._away:
                self._refuse_files_of_home(entry)
            built = self._built[name] = self._build(config, self._context(entry), entry)
        return built

    def _refuse_files_of_home(self, entry: Entry) -> None:
        """A file below a folder that this machine does not have would be found, or left, where nobody looks for it."""
        named = next(
            (entry.arguments[key] for key in _LOCAL if isinstance(entry.arguments.get(key), str)), None
        )
        if named is not None and "://" not in named and not Path(named).is_absolute():
            raise CatalogError(
                f"dataset {entry.name!r} is {named} in the project's folder, which {platform.node()} does not have",
                where=entry.where,
                hint="give it a URL in this environment, such as s3://bucket/…; or mount the folder there",
            )

    def _context(self, entry: Entry) -> Context:
        pinned = self._load_versions.get(entry.name) or self._load_versions.get(base_name(entry.name))
        return Context(
            name=entry.name,
            root=self.root,
            env=self.env,
            where=entry.where,
            memo=self._memo,
            versioned=entry.versioned,
            load_version=pinned,
            save_version=self._save_version,
            kind=self._kind(entry),
            type_name=entry.type,
            build=self._build_nested,
        )

    def _kind(self, entry: Entry) -> str | None:
        if entry.as_ is None:
            return None
        try:
            return kind_of(entry.as_)
        except CatalogError as error:
            error.where = self._lookup.at(entry, "as")
            raise

    def _build_nested(self, config: Mapping[str, Any], context: Context) -> Any:
        """A dataset inside another; ``config`` as an entry's, its credentials resolved already."""
        if "type" not in config:
            raise CatalogError(f"the nested dataset of {context.name!r} has no type", where=context.where)
        inner = replace(context.nested(context.name), type_name=str(config["type"]))
        arguments = {key: value for key, value in config.items() if key not in {"versioned", "metadata"}}
        if config.get("versioned"):
            inner = replace(context, type_name=inner.type_name, versioned=True)
        return self._build(arguments, inner, None)

    def _build(self, config: Mapping[str, Any], context: Context, entry: Entry | None) -> Any:
        from plait.project.catalog import classes, types

        type_ = str(config["type"])
        where = self._lookup.at(entry, "type") if entry else context.where
        resolved = resolve_credentials(
            {key: value for key, value in config.items() if key != "type"},
            self._credentials,
            dataset=context.name,
            where=self._lookup.at(entry, "credentials") if entry else context.where,
        )
        native = types.native_name(type_)
        try:
            if native is None:
                cls = types.find_class(type_, self._types, name=context.name, where=where)
                return classes.dataset_of_class(cls, resolved, context)
            builder = types.native_builder(native)
            resolved.pop("metadata", None)
            classes.check_arguments(builder, resolved, context)
            return builder(context, **resolved)
        except PlaitError:
            raise
        except Exception as error:  # noqa: BLE001
            # Chained only where its own text holds no secret.
            text, cause = _without_secrets(resolved, error)
            raise CatalogError(
                f"dataset {context.name!r} of type {type_} cannot be made: {text}", where=context.where
            ) from cause

    def load(self, name: str, as_: Any = None) -> Any:
        """The value behind a name.

        ``as_`` is the kind of table that is wanted: an annotation such as ``pl.DataFrame``, or a name such as
        "polars". Without it the entry's ``as:`` counts, or what the type makes naturally.

        Raises:
            CatalogError: it cannot be loaded.
            CheckFailed: a check of severity error found something.
        """
        entry = self.entry(name)
        self._tell("before_dataset_loaded", entry)
        value = self._loaded(entry, self._wanted(as_) or self._kind(entry))
        self._run_checks(entry, value, "load")
        self._tell("after_dataset_loaded", entry, value)
        return value

    def load_part(self, name: str, part: str) -> Any:
        """One part of a dataset of many files.

        Raises:
            CatalogError: it cannot be loaded.
            CheckFailed: a check of severity error found something.
        """
        entry = self.entry(name)
        self._tell("before_dataset_loaded", entry, part=part)
        with self._telling(entry, "loaded"):
            value = self.dataset(name).part(part).load()
        self._run_checks(entry, value, "load")
        self._tell("after_dataset_loaded", entry, value, part=part)
        return value

    def _tell(self, moment: str, entry: Entry, value: Any = None, *, part: str | None = None) -> None:
        if self._hooks is None or not self._hooks.wants(moment):
            return
        from plait.project.hookspecs import DatasetMoment

        run, task = self._hooks.doing
        context = DatasetMoment(
            dataset=entry.name, part=part, value=value, place=entry.place, run=run, task=task
        )
        self._hooks.tell(moment, context)

    def peek(self, name: str) -> Any:
        """The value behind a name as it is, unchecked.

        Raises:
            CatalogError: it cannot be loaded.
        """
        entry = self.entry(name)
        return self._loaded(entry, self._kind(entry))

    def _loaded(self, entry: Entry, wanted: str | None) -> Any:
        dataset = self.dataset(entry.name)
        with self._telling(entry, "loaded"):
            return _load(dataset, wanted)

    def _wanted(self, as_: Any) -> str | None:
        return kind_of(as_) if as_ is not None else None

    def save(self, name: str, value: Any) -> Saved:
        """Put a value behind a name: whole or not at all, and only when its checks pass.

        Raises:
            CatalogError: it cannot be saved; what was there before still is.
            CheckFailed: a check of severity error found something; what was there before still is.
        """
        entry = self.entry(name)
        if value is None:
            raise CatalogError(
                f"dataset {name!r} was given None to save",
                where=entry.where,
                hint="does the step that makes it forget its return? A step without a result needs "
                "no dataset",
            )
        dataset = self.dataset(name)
        self._tell("before_dataset_saved", entry, value)
        results = self._run_checks(entry, value, "save")
        with self._telling(entry, "saved"):
            written = dataset.save(value)
        self._tell("after_dataset_saved", entry, value)
        return self._saved(entry, dataset, written, results)

    def save_part(self, name: str, part: str, value: Any) -> Saved:
        """Put one part of a dataset of many files in its place, beside others that are being saved at this moment.

        Raises:
            CatalogError: it cannot be saved.
            CheckFailed: a check of severity error found something.
        """
        entry = self.entry(name)
        if value is None:
            raise CatalogError(f"part {part!r} of dataset {name!r} was given None to save", where=entry.where)
        self._tell("before_dataset_saved", entry, value, part=part)
        results = self._run_checks(entry, value, "save")
        with self._telling(entry, "saved"):
            dataset = self.dataset(name).part(part)
            written = dataset.save(value)
        self._tell("after_dataset_saved", entry, value, part=part)
        return self._saved(entry, dataset, written, results)

    def _saved(self, entry: Entry, dataset: Any, written: Any, results: list[CheckResult]) -> Saved:
        if isinstance(written, Written):
            return Saved(
                name=entry.name,
                place=written.place,
                content=written.content,
                version=written.version,
                size=written.size,
                checks=results,
            )
        content = _ask(dataset, "fingerprint")
        return Saved(name=entry.name, place=entry.place, content=content, checks=results)

    @contextlib.contextmanager
    def _telling(self, entry: Entry, done: str) -> Iterator[None]:
        """What goes wrong inside is told with the entry's name, place, environment and line."""
        try:
            yield
        except PlaitError as error:
            if repr(entry.name) not in error.what:
                error.what = f"dataset {entry.name!r} cannot be {done}: {error.what}"
            error.where = error.where or entry.where
            raise
        except Exception as error:  # noqa: BLE001
            # Chained only where its own text holds no secret.
            text, cause = _without_secrets(self._resolved(entry), error)
            place = f" ({entry.place})" if entry.place else ""
            raise CatalogError(
                f"dataset {entry.name!r}{place} of type {entry.type} cannot be {done} "
                f"in environment {self.env!r}: {text}",
                where=entry.where,
            ) from cause

    def _resolved(self, entry: Entry) -> Any:
        try:
            return resolve_credentials(entry.arguments, self._credentials, dataset=entry.name)
        except CatalogError:
            return entry.arguments

    def checks(self, name: str) -> list[Check]:
        """The checks of a dataset: those of its entry, then those marked in code.

        Raises:
            CatalogError: one of them is written wrong.
        """
        entry = self.entry(name)
        read = [read_check(raw, dataset=name, where=self._lookup.at(entry, "checks")) for raw in entry.checks]
        own = [self._located(one) for one in read if one is not None]
        return [*own, *self._checks.get(name, [])]

    def _located(self, one: Check) -> Check:
        if one.suite is None:
            return one
        return msgspec.structs.replace(one, suite=str(self.root / one.suite))

    def check(self, name: str, value: Any = None) -> list[CheckResult]:
        """What all checks of a dataset find in its data as it is, or in the value given."""
        if value is None:
            value = self.peek(name)
        return [self._told(run_check(one, value, on="check")) for one in self.checks(name)]

    def _run_checks(self, entry: Entry, value: Any, when: str) -> list[CheckResult]:
        if not entry.checks and entry.name not in self._checks:
            return []
        due = [one for one in self.checks(entry.name) if one.applies(when)]
        with self._telling(entry, "checked"):
            results = [self._told(run_check(one, value, on=when)) for one in due]
        if any(not result.passed and result.severity == "error" for result in results):
            raise CheckFailed(entry.name, results, when=when, where=entry.where)
        return results

    def _told(self, result: CheckResult) -> CheckResult:
        if self._on_check is not None:
            self._on_check(result)
        return result

    def exists(self, name: str) -> bool:
        """Whether there is data behind a name; False when its type cannot say."""
        return bool(_ask(self.dataset(name), "exists"))

    def knows_missing(self, name: str) -> bool:
        """Whether it can be told that there is no data behind a name; False where the type cannot say."""
        return _ask(self.dataset(name), "exists") is False

    def holds(self, name: str, content: str, part: str | None = None) -> bool | None:
        """Whether the data behind a name, or a part of it, is what a save told the content of; None if unknowable."""
        dataset = self.dataset(name)
        ask = getattr(dataset if part is None else dataset.part(part), "holds", None)
        answer: bool | None = ask(content) if callable(ask) else None
        return answer

    def versions(self, name: str) -> list[str]:
        """The versions of a dataset, newest first; none when it keeps no versions."""
        return list(_ask(self.dataset(name), "versions") or [])

    def fingerprint(self, name: str) -> str | None:
        """What identifies the value that ``load`` would give: data and way of reading; None if unknowable."""
        entry = self.entry(name)
        data = _ask(self.dataset(name), "fingerprint")
        if data is None:
            return None
        reading = {
            key: value
            for key, value in entry.arguments.items()
            if key not in {"credentials", "metadata", "save_args", "filepath", "path", "fs_args"}
        }
        parts = [
            entry.type,
            entry.as_ or "",
            data,
            *sorted(f"{key}={value!r}" for key, value in reading.items()),
        ]
        return hash_text(*parts)

    def confirm(self, name: str) -> None:
        """Say that what was last loaded from an incremental dataset has been dealt with."""
        _ask(self.dataset(name), "confirm")

    def release(self) -> None:
        """Let go of what datasets hold: connections, temporary files, values in memory."""
        for dataset in self._built.values():
            _ask(dataset, "release")

    def describe(self, name: str) -> dict[str, Any]:
        """What is known of a dataset without importing its type; credentials masked."""
        entry = self.entry(name)
        return {
            "name": name,
            "type": entry.type,
            "place": entry.place,
            "as": entry.as_,
            "layer": entry.layer,
            "versioned": entry.versioned,
            "load_version": self._load_versions.get(name),
            "checks": [_shown_check(one) for one in self.checks(name)],
            "metadata": masked(entry.metadata),
            "arguments": masked({key: value for key, value in entry.arguments.items() if key != "metadata"}),
            "pattern": entry.pattern,
            "where": entry.where,
        }

    def problems(self) -> list[CatalogError]:
        """Everything that can be told to be wrong without importing a type or looking at data."""
        from plait.project.catalog import types

        found: list[CatalogError] = []
        for entry in self._lookup.written():
            where = self._lookup.at(entry, "type")
            problem = types.type_problem(entry.type, self._types, name=entry.name, where=where)
            if problem is not None:
                found.append(problem)
            for look in (self._look_at_credentials, self._look_at_checks, self._look_at_arguments):
                try:
                    look(entry)
                except CatalogError as error:
                    found.append(error)
        return [*found, *self.useless_versions()]

    def _look_at_credentials(self, entry: Entry) -> None:
        if not is_pattern(entry.name):
            where = self._lookup.at(entry, "credentials")
            resolve_credentials(entry.arguments, self._credentials, dataset=entry.name, where=where)

    def _look_at_checks(self, entry: Entry) -> None:
        self._kind(entry)
        for raw in entry.checks:
            read_check(raw, dataset=entry.name, where=self._lookup.at(entry, "checks"))

    def _look_at_arguments(self, entry: Entry) -> None:
        from plait.project.catalog import classes, types

        native = types.native_name(entry.type)
        if native is not None:
            arguments = {key: value for key, value in entry.arguments.items() if key != "metadata"}
            context = Context(entry.name, self.root, where=entry.where, type_name=entry.type)
            classes.check_arguments(types.native_builder(native), arguments, context)

    def useless_versions(self) -> list[CatalogError]:
        """What is asked for of datasets that there are none of."""
        bases = {base_name(name) for name in self.names()}
        return [
            CatalogError(
                f"a version is asked for of {name!r}, which is not in the catalog",
                hint=did_you_mean(name, self),
            )
            for name in self._load_versions
            if name not in self and name not in bases
        ]


def _load(dataset: Dataset, wanted: str | None) -> Any:
    """The value, as the kind of table that is wanted if it is a table."""
    direct = getattr(dataset, "load_as", None)
    value = direct(wanted) if direct is not None else dataset.load()
    if wanted in KINDS and (kind_of_value(value) is not None or hasattr(value, "__arrow_c_stream__")):
        return convert_table(value, wanted)
    return value


def _ask(dataset: Any, method: str) -> Any:
    """The answer of an optional method, None when the dataset lacks it."""
    found = getattr(dataset, method, None)
    return found() if callable(found) else None


def _without_secrets(resolved: Any, error: Exception) -> tuple[str, Exception | None]:
    """An error's text with the entry's credentials masked, and the error itself where it holds none."""
    secrets = sorted(_secrets(resolved), key=len, reverse=True)
    text = f"{type(error).__name__}: {error}"
    for secret in secrets:
        text = text.replace(secret, MASK)
    chain: list[BaseException] = [error]
    while (before := chain[-1].__cause__ or chain[-1].__context__) is not None and before not in chain:
        chain.append(before)
    clean = not any(secret in str(one) for one in chain for secret in secrets)
    return masked_url(text), error if clean else None


def _secrets(config: Any, *, inside: bool = False) -> set[str]:
    """Every text below a ``credentials`` key."""
    if isinstance(config, Mapping):
        found = [_secrets(value, inside=inside or key == "credentials") for key, value in config.items()]
        return set().union(*found)
    if isinstance(config, (list, tuple)):
        return set().union(*(_secrets(value, inside=inside) for value in config))
    return {config} if inside and isinstance(config, str) and len(config) > 3 else set()


def _shown_check(one: Check) -> dict[str, Any]:
    return {
        "check": one.name,
        "severity": one.severity,
        "on": one.on,
        "path": one.path or one.suite,
        "where": one.where,
    }
