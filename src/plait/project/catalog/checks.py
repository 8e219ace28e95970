"""Is the data what it should be? Checks named in the catalog or marked in code, and what they found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any, Literal, TypeVar

import msgspec

from plait.errors import CatalogError, did_you_mean

__all__ = ["Check", "CheckFailed", "CheckResult", "check", "find_checks", "read_check", "run_check"]

Severity = Literal["error", "warn"]
When = Literal["load", "save", "both"]
Function = TypeVar("Function", bound=Callable[..., Any])

_MARK = "__plait_checks__"
_SHOWN_ROWS = 10
# "class" and "options" are what Kedro's `validator:` calls them.
_KEYS = ("check", "suite", "with", "severity", "on", "name")
_KEDRO_KEYS = {"class": "check", "options": "with"}
_KEDRO_ONLY = ("enabled", "skip_load_after_save")


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One check of one dataset.

    Attributes:
        function: what is called with the value; None until ``path`` is imported.
        path: the dotted path in the catalog.
        suite: the file with a Great Expectations suite.
        arguments: further keyword arguments of the function.
    """

    dataset: str
    name: str
    severity: Severity = "error"
    on: When = "both"
    function: Callable[..., Any] | None = None
    path: str | None = None
    suite: str | None = None
    arguments: dict[str, Any] = {}
    where: str | None = None

    def applies(self, when: str) -> bool:
        """Whether the check runs on this occasion, "load" or "save"."""
        return self.on in {"both", when}


class CheckResult(msgspec.Struct, frozen=True, kw_only=True):
    """What one check found, in a form that can be recorded.

    Attributes:
        rows: the positions of the first ten failing rows, counted from 0.
        failing: how many rows fail, None when the check does not count rows.
        why: what is wrong, None when nothing is.
    """

    dataset: str
    check: str
    severity: Severity
    on: str
    passed: bool
    why: str | None = None
    rows: list[int] = []
    failing: int | None = None
    seconds: float = 0.0

    def __str__(self) -> str:
        if self.passed:
            return f"{self.dataset}: {self.check} passed"
        text = f"{self.dataset}: {self.check} failed: {self.why}"
        if self.rows:
            more = f", … ({self.failing} in all)" if (self.failing or 0) > len(self.rows) else ""
            text += f" (rows {', '.join(map(str, self.rows))}{more})"
        return text


class CheckFailed(CatalogError):
    """Checks of severity error found something; ``results`` holds what all of them found."""

    def __init__(
        self, dataset: str, results: list[CheckResult], *, when: str, where: str | None = None
    ) -> None:
        failed = [result for result in results if not result.passed and result.severity == "error"]
        lines = "\n".join(f"  {result}" for result in failed)
        kept = "; what was published before is as it was" if when == "save" else ""
        super().__init__(
            f"dataset {dataset!r} did not pass {len(failed)} of its checks on {when}{kept}:\n{lines}",
            where=where,
            hint="mend the data, or give the check `severity: warn` if the run may go on without it",
        )
        self.dataset = dataset
        self.results = results
        self.when = when

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (self.dataset, self.results, self.when, self.where)


def _rebuild(dataset: str, results: list[CheckResult], when: str, where: str | None) -> CheckFailed:
    return CheckFailed(dataset, results, when=when, where=where)


def check(
    *datasets: str, severity: Severity = "error", on: When = "both", name: str | None = None, **arguments: Any
) -> Callable[[Function], Function]:
    """Mark a function as a check of these datasets; it stays an ordinary function.

    It is called with the value. It passes when it returns None or True; it fails with False, with a text
    that says why, with the positions of failing rows, or by raising.
    """
    for given, known in ((severity, ("error", "warn")), (on, ("load", "save", "both"))):
        if given not in known:
            raise CatalogError(f"a check cannot have {given!r} here", hint=did_you_mean(str(given), known))
    if not datasets or not all(isinstance(one, str) for one in datasets):
        raise CatalogError("a check needs the name of its dataset", hint='write @check("flights")')

    def mark(function: Function) -> Function:
        label = name or function.__name__
        made = tuple(
            Check(
                dataset=one,
                name=label,
                severity=severity,
                on=on,
                function=function,
                arguments=arguments,
                where=_place(function),
            )
            for one in datasets
        )
        setattr(function, _MARK, (*getattr(function, _MARK, ()), *made))
        return function

    return mark


def find_checks(module: ModuleType) -> list[Check]:
    """The checks that a module itself defines, in their order."""
    found: list[Check] = []
    seen: set[int] = set()
    for value in vars(module).values():
        marks = getattr(value, _MARK, None) if callable(value) else None
        if isinstance(marks, tuple) and value.__module__ == module.__name__ and id(value) not in seen:
            seen.add(id(value))
            found.extend(marks)
    return found


def _place(function: Callable[..., Any]) -> str | None:
    code = getattr(function, "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code else None


def read_check(raw: Any, *, dataset: str, where: str | None) -> Check | None:
    """A check as the catalog writes it: a dotted path, or a mapping; None when it is switched off.

    Raises:
        CatalogError: a key or a value is not one that a check has.
    """
    if isinstance(raw, str):
        return Check(dataset=dataset, name=_last(raw), path=raw, where=where)
    if not isinstance(raw, Mapping):
        raise CatalogError(
            f"a check of {dataset!r} is a {type(raw).__name__}",
            where=where,
            hint="write a dotted path, or `check:` and more",
        )
    # YAML reads an unquoted `on` as true.
    config = {_KEDRO_KEYS.get(key, "on" if key is True else key): value for key, value in raw.items()}
    if config.pop("enabled", True) is False:
        return None
    config.pop("skip_load_after_save", None)
    for key in config:
        if key not in _KEYS:
            raise CatalogError(
                f"a check of {dataset!r} has {key!r}", where=where, hint=did_you_mean(str(key), _KEYS)
            )
    path, suite = config.get("check"), config.get("suite")
    if (path is None) == (suite is None) or not isinstance(path or suite, str):
        raise CatalogError(
            f"a check of {dataset!r} does not say what to run",
            where=where,
            hint="write `check: package.module.function`, or `suite: path/to/suite.json`",
        )
    on = config.get("on", "both")
    if isinstance(on, (list, tuple)):
        on = "both" if set(on) == {"load", "save"} else (on[0] if len(on) == 1 else on)
    severity = config.get("severity", "error")
    for given, known in ((severity, ("error", "warn")), (on, ("load", "save", "both"))):
        if given not in known:
            raise CatalogError(
                f"a check of {dataset!r} has {given!r}, which is none of {', '.join(known)}",
                where=where,
                hint=did_you_mean(str(given), known),
            )
    arguments = config.get("with") or {}
    if not isinstance(arguments, Mapping):
        raise CatalogError(f"`with:` in a check of {dataset!r} is not names and values", where=where)
    name = config.get("name") or _last(str(path or suite))
    return Check(
        dataset=dataset,
        name=str(name),
        severity=severity,
        on=on,
        path=path,
        suite=suite,
        arguments=dict(arguments),
        where=where,
    )


def _last(path: str) -> str:
    if path.endswith((".json", ".yml", ".yaml")):
        return path.replace("\\", "/").rpartition("/")[2].rpartition(".")[0]
    return path.replace(":", ".").rpartition(".")[2]


def run_check(one: Check, value: Any, *, on: str) -> CheckResult:
    """Run one check on a value. It never raises for bad data: what is wrong is in the result.

    Raises:
        CatalogError: the check itself cannot be run (not found, or it answers with something unheard of).
    """
    import time

    started = time.perf_counter()
    why, rows, failing = _judge(one, value)
    return CheckResult(
        dataset=one.dataset,
        check=one.name,
        severity=one.severity,
        on=on,
        passed=why is None,
        why=why,
        rows=rows,
        failing=failing,
        seconds=time.perf_counter() - started,
    )


Verdict = tuple[str | None, list[int], int | None]


def _judge(one: Check, value: Any) -> Verdict:
    from plait.project.catalog import schemas

    if one.suite is not None:
        return schemas.run_suite(one.suite, value, one)
    target: Any = one.function
    if target is None:
        from plait.project.catalog.types import import_object

        target = import_object(
            one.path or "", what=f"a check of {one.dataset!r}", name=one.dataset, where=one.where
        )
    special = schemas.runner(target)
    if special is not None:
        return special(target, value, one)
    if not callable(target):
        raise CatalogError(
            f"the check {one.path or one.name!r} of {one.dataset!r} is a {type(target).__name__}, "
            "which cannot be called",
            where=one.where,
            hint="name a function, a Pandera schema or a Great Expectations suite",
        )
    return _call(target, value, one)


def _call(function: Callable[..., Any], value: Any, one: Check) -> Verdict:
    value = _as_annotated(function, value)
    try:
        answer = function(value, **one.arguments)
    except Exception as error:  # noqa: BLE001
        # A check says what is wrong by raising, so whatever it raises is its finding.
        return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__, [], None
    return verdict(answer, one)


def _as_annotated(function: Callable[..., Any], value: Any) -> Any:
    """The value as the kind of table that the function's first parameter asks for."""
    from plait.project.datasets.conversion import KINDS, convert_table, kind_of, kind_of_value

    if kind_of_value(value) is None:
        return value
    import inspect
    import typing

    try:
        hints = typing.get_type_hints(function)
        first = next(iter(inspect.signature(function).parameters))
        wanted = kind_of(hints.get(first)) if not isinstance(hints.get(first), str) else None
    except (TypeError, ValueError, NameError, StopIteration, AttributeError):
        return value
    return convert_table(value, wanted) if wanted in KINDS else value


def verdict(answer: Any, one: Check) -> Verdict:
    """What a check's answer means.

    Raises:
        CatalogError: it is none of the answers that a check may give.
    """
    # numpy's truth values count as Python's.
    truth = bool(answer) if type(answer).__name__ in {"bool", "bool_"} else None
    if answer is None or truth is True:
        return None, [], None
    if truth is False:
        return "it returned False", [], None
    if isinstance(answer, str):
        return answer or "it returned an empty text", [], None
    rows = _rows(answer, one)
    if not rows:
        return None, [], None
    shown = "1 row is" if len(rows) == 1 else f"{len(rows)} rows are"
    return f"{shown} not as they should be", rows[:_SHOWN_ROWS], len(rows)


def _rows(answer: Any, one: Check) -> list[int]:
    import operator

    listed: Iterable[Any] = answer.tolist() if hasattr(answer, "tolist") else answer
    try:
        values = list(listed)
        if any(isinstance(value, bool) for value in values):
            raise TypeError("it returned truth values")
        return sorted({operator.index(value) for value in values})
    except TypeError as error:
        raise CatalogError(
            f"the check {one.name!r} of {one.dataset!r} returned a {type(answer).__name__}, which "
            f"is no answer ({error})",
            where=one.where,
            hint="return None or True when all is well; False, a text, or the positions of the "
            "failing rows otherwise",
        ) from error
