"""What can be said about how a step runs? Each option is declared here once: type, default, help line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from plait.errors import DefinitionError, did_you_mean
from plait.graph.units import read_rate, read_seconds, read_size

__all__ = ["STAND_IN", "Options", "exception_name", "execution_options", "help_lines", "make_options"]

STAND_IN = "stand-in"
_EXECUTION: dict[str, Any] = {"needs": "executor"}  # an executor has to carry it out, or refuse it


class Options(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How a step runs. Decorator, ``with_``, ``steps.yml``, ``--set``, records and UI all read this declaration."""

    # When it fails.
    retries: Annotated[int, Meta(ge=0, description="how many times a failed task is tried again")] = 0
    retry_delay: Annotated[
        float, Meta(ge=0, description="wait before the first retry: seconds, or '30s', '5m'")
    ] = 0.0
    backoff: Annotated[
        float, Meta(ge=1, description="factor by which the wait grows from retry to retry")
    ] = 1.0
    jitter: Annotated[
        float,
        Meta(ge=0, le=1, description="by which share of itself, at most, each wait is longer by chance"),
    ] = 0.0
    retry_on: Annotated[
        tuple[str, ...], Meta(description="retry only after these exceptions, or ones derived from them")
    ] = ()
    on_failure: Annotated[
        str,
        Meta(
            pattern=f"^(fail|continue|{STAND_IN})$",
            description="fail: so does the run; continue: the others go on without it; in code also a value"
            " or function that stands in for the result",
        ),
    ] = "fail"
    timeout: Annotated[
        Annotated[float, Meta(gt=0)] | None,
        Meta(description="ends a task that runs for longer: seconds, or '20m'", extra=_EXECUTION),
    ] = None
    # What it needs.
    cpus: Annotated[float, Meta(gt=0, description="cores that a task keeps busy", extra=_EXECUTION)] = 1.0
    gpus: Annotated[int, Meta(ge=0, description="GPUs that a task has for itself", extra=_EXECUTION)] = 0
    memory: Annotated[
        Annotated[int, Meta(gt=0)] | None,
        Meta(description="most that a task may hold: bytes, or '4GiB'; enforced", extra=_EXECUTION),
    ] = None
    memory_growth: Annotated[
        float, Meta(ge=1, description="factor of memory for the next try after running out of it")
    ] = 1.0
    nodes: Annotated[
        int,
        Meta(ge=1, description="machines that do one task together, each with its rank", extra=_EXECUTION),
    ] = 1
    executor: Annotated[str, Meta(description="where it runs, if not where the run does")] = ""
    # How many at once.
    limit: Annotated[
        tuple[tuple[str, int], ...],
        Meta(description="at most that many tasks under a key at once, across runs: ('warehouse', 2)"),
    ] = ()
    rate: Annotated[str, Meta(description="begins at most that often: '60/min'")] = ""
    priority: Annotated[int, Meta(description="ready tasks of a higher priority start first")] = 0
    # What it finds there.
    env: Annotated[
        dict[str, str], Meta(description="environment variables of the task", extra=_EXECUTION)
    ] = {}
    secrets: Annotated[
        tuple[str, ...],
        Meta(description="secrets that are environment variables in the task only", extra=_EXECUTION),
    ] = ()
    workdir: Annotated[
        str, Meta(description="the working directory, as seen from the project", extra=_EXECUTION)
    ] = ""
    isolated: Annotated[bool, Meta(description="a fresh process for every task", extra=_EXECUTION)] = False
    python: Annotated[
        str, Meta(description="the Python of an environment of its own: '3.12'", extra=_EXECUTION)
    ] = ""
    packages: Annotated[
        tuple[str, ...],
        Meta(description="the packages of an environment of its own: 'xgboost>=3'", extra=_EXECUTION),
    ] = ()
    requirements: Annotated[
        str, Meta(description="a file that lists them, as seen from the step's own", extra=_EXECUTION)
    ] = ""
    # Whether it has to run at all.
    cache: Annotated[
        bool | str, Meta(description="reuse results: yes, no, or for how long, such as '1h'")
    ] = True
    version: Annotated[str, Meta(description="part of the cache key; change it to compute anew")] = ""
    # What people should know.
    tags: Annotated[tuple[str, ...], Meta(description="names to select the step by")] = ()
    doc: Annotated[str, Meta(description="what it does, if not what its docstring says")] = ""
    owner: Annotated[str, Meta(description="whom to ask about the step")] = ""


@cache
def _metas() -> dict[str, Meta]:
    from typing import get_type_hints

    hints = get_type_hints(Options, include_extras=True)
    return {name: hints[name].__metadata__[0] for name in Options.__struct_fields__}


@cache
def execution_options() -> frozenset[str]:
    """The options that an executor has to carry out, or else refuse; the others the run sees to itself."""
    return frozenset(name for name, meta in _metas().items() if (meta.extra or {}).get("needs") == "executor")


def help_lines() -> dict[str, str]:
    """What each option is for, by its name."""
    return {name: meta.description or "" for name, meta in _metas().items()}


def make_options(
    given: Mapping[str, Any], *, where: str, base: Options | None = None, step: str = ""
) -> Options:
    """Options from values as people write them, checked, over those of ``base``.

    Args:
        where: ``file:line`` that says them, for errors.
        step: whose they are, for errors.

    Raises:
        DefinitionError: an option is unknown (the nearest is named) or has a wrong value.
    """
    known = Options.__struct_fields__
    of_step = f"of step {step!r}" if step else "of a step"
    for name in given:
        if name not in known:
            raise DefinitionError(
                f"{f'step {step!r}' if step else 'a step'} has no option {name!r}",
                where=where,
                hint=did_you_mean(name, known),
            )
    if not given:
        return base or Options()
    read = {}
    for name, value in given.items():
        try:
            read[name] = _READERS[name](value) if name in _READERS else value
        except (ValueError, TypeError) as error:
            raise DefinitionError(f"option {name} {of_step}: {error}", where=where) from None
    merged = {**(msgspec.structs.asdict(base) if base else {}), **read}
    try:
        return msgspec.convert(merged, Options)
    except msgspec.ValidationError as error:
        raise DefinitionError(f"wrong option {of_step}: {error}", where=where) from None


def _seconds(value: Any) -> Any:
    return read_seconds(value) if isinstance(value, str) else value


def _bytes(value: Any) -> Any:
    return read_size(value) if isinstance(value, str) else value


def _names(value: Any) -> tuple[Any, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _limits(value: Any) -> tuple[tuple[str, int], ...]:
    """``("warehouse", 2)``, several of them, or ``{"warehouse": 2}``."""
    pairs: list[tuple[Any, ...]]
    if isinstance(value, Mapping):
        pairs = list(value.items())
    elif isinstance(value, Iterable) and not isinstance(value, str):
        listed = list(value)
        pairs = [tuple(listed)] if listed and isinstance(listed[0], str) else [tuple(one) for one in listed]
    else:
        pairs = [(value,)]
    for pair in pairs:
        if not (len(pair) == 2 and isinstance(pair[0], str) and type(pair[1]) is int and pair[1] > 0):
            raise ValueError(f"{value!r} is not a key and how many at once, such as ('warehouse', 2)")
    return tuple((key, count) for key, count in pairs)


def _rate(value: Any) -> str:
    read_rate(value)
    return str(value)


def _exceptions(value: Any) -> tuple[str, ...]:
    """Exception types by name: those of Python bare, others with their module."""
    found = []
    for one in (value,) if isinstance(value, str | type) else tuple(value):
        if isinstance(one, type) and issubclass(one, BaseException):
            found.append(exception_name(one))
        elif isinstance(one, str) and one:
            found.append(one)
        else:
            raise ValueError(f"{one!r} is not a type of exception")
    return tuple(found)


def exception_name(kind: type) -> str:
    """How a type of exception is told: one of Python bare, others with their module."""
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _variables(value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise TypeError(f"{value!r} are no variables, such as {{'OMP_NUM_THREADS': '2'}}")
    for name, one in value.items():
        if not (isinstance(name, str) and isinstance(one, str | int | float)):
            raise TypeError(f"{name!r}: {one!r} is not a variable: names and values are texts")
    return {name: str(one) for name, one in value.items()}


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _path(value: Any) -> str:
    import os

    return os.fspath(value)  # type: ignore[no-any-return]


_READERS: dict[str, Callable[[Any], Any]] = {
    "retry_delay": _seconds,
    "retry_on": _exceptions,
    "timeout": _seconds,
    "memory": _bytes,
    "limit": _limits,
    "rate": _rate,
    "env": _variables,
    "secrets": _names,
    "packages": _names,
    "tags": _names,
    "python": _text,  # YAML reads 3.12 as a number
    "version": _text,
    "workdir": _path,
    "requirements": _path,
}
