"""How does plait say that something is wrong? What happened, where in the user's own file, what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

__all__ = [
    "CatalogError",
    "ConfError",
    "DataError",
    "DefinitionError",
    "HookError",
    "ParameterError",
    "PlaitError",
    "RecordError",
    "RunFailed",
    "SecretFound",
    "StepError",
    "StoreError",
    "TargetError",
    "TaskFailed",
    "did_you_mean",
    "nearest",
]


class PlaitError(Exception):
    """A message for the person at the keyboard.

    Args:
        what: what happened, one sentence in the words of the user's own code.
        where: the place in the user's files, as ``path:line`` where it is known.
        hint: what to write or run instead.
    """

    def __init__(self, what: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        lines = [self.what]
        if self.where:
            lines.append(f"  at {self.where}")
        if self.hint:
            lines.append(f"  → {self.hint}")
        return "\n".join(lines)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.what, self.where, self.hint)


def _rebuild(cls: type[PlaitError], what: str, where: str | None, hint: str | None) -> PlaitError:
    error = cls.__new__(cls)
    PlaitError.__init__(error, what, where=where, hint=hint)
    return error


class DefinitionError(PlaitError):
    """A step or a pipeline is written in a way that cannot run."""


class ParameterError(PlaitError):
    """A parameter is missing, misspelt, surplus or of the wrong type.

    Attributes:
        violations: for each parameter that is meant its name, what is wrong with it, where, and what to do.
    """

    violations: Sequence[tuple[str, str, str | None, str | None]] = ()

    def of(self, *violations: tuple[str, str, str | None, str | None]) -> ParameterError:
        """The same, with the parameters that it speaks of."""
        self.violations = violations
        return self


class TargetError(PlaitError):
    """A file, module or pipeline that was asked for is not there."""


class ConfError(PlaitError):
    """A conf file cannot be read or does not add up."""


class CatalogError(PlaitError):
    """A dataset cannot be described, loaded, saved or checked."""


class DataError(PlaitError):
    """A value cannot be stored, or what was stored cannot be read."""


class SecretFound(DataError):
    """A value was to be stored that holds a secret."""


class HookError(PlaitError):
    """A hook of the project or of a plugin is written wrong, or raised where nothing had begun yet."""


class StoreError(PlaitError):
    """The artifact store cannot be reached, read or written."""


class RecordError(PlaitError):
    """The record store cannot be reached, read or written, or holds no such record.

    ``nothing`` says that no store is there at all, so that nothing has been recorded yet.
    """

    nothing: bool = False


class StepError(PlaitError):
    """A step broke its own declaration, such as returning fewer values than it has outputs."""


class TaskFailed(PlaitError):
    """A call in the body of a dynamic pipeline has no result; what the step raised is the cause.

    ``task`` is its name in the records. Caught, it is the body's to decide how the run goes on.
    """

    task: str = ""
    call: tuple[int, tuple[int, ...]] | None = None  # where its record is


class RunFailed(PlaitError):
    """A run ended without a result; ``run`` holds what was recorded."""

    run: Any = None


def nearest(name: str, known: Iterable[str], most: int = 3) -> list[str]:
    """The known names most like ``name``, best first; empty when none is near."""
    import difflib

    options = list(dict.fromkeys(known))
    by_fold = {option.casefold(): option for option in reversed(options)}
    close = difflib.get_close_matches(name.casefold(), list(by_fold), n=most, cutoff=0.6)
    return [by_fold[match] for match in close]


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """A hint for a wrong name: its nearest matches, else what there is; None when there is nothing."""
    options = sorted(dict.fromkeys(known))
    close = nearest(name, options)
    if close:
        return "did you mean " + " or ".join(repr(match) for match in close) + "?"
    if not options:
        return None
    shown = ", ".join(options[:8])
    return f"there is: {shown}" + (f" and {len(options) - 8} more" if len(options) > 8 else "")
