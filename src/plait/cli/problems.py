"""How is an error shown at a prompt? Its message, and for the user's own exception the lines that it came from."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from plait.errors import DefinitionError, PlaitError

__all__ = ["describing", "show"]


def show(error: PlaitError) -> None:
    """Say it on standard error; what a user's own code raised, with the lines that it came from."""
    from plait.display.errors import shown_path
    from plait.display.screen import Screen
    from plait.display.text import Text

    screen = Screen(sys.stderr)
    first, *rest = error.what.splitlines() or [type(error).__name__]
    lines = [Text(first, "error"), *[Text(line) for line in rest]]
    if error.where:
        file, colon, line = error.where.rpartition(":")
        lines.append(
            Text("  at ", "dim").add(
                f"{shown_path(file)}{colon}{line}" if colon else shown_path(line), "name"
            )
        )
    if error.hint:
        lines.append(Text(f"  → {error.hint}"))
    cause = error.__cause__
    if isinstance(cause, Exception) and not isinstance(cause, PlaitError):
        from plait.display.errors import frames_of
        from plait.record.facts import describe_error

        lines += frames_of(describe_error(cause), screen.width)
    screen.write(lines)


@contextmanager
def describing(name: str) -> Iterator[None]:
    """What a pipeline's own body raises while it is described, as an error that names the pipeline.

    Raises:
        DefinitionError: its cause is the user's own exception.
    """
    try:
        yield
    except PlaitError:
        raise
    except Exception as error:
        first = str(error).strip().splitlines()
        said = f"{type(error).__name__}: {first[0]}" if first else type(error).__name__
        raise DefinitionError(
            f"pipeline {name!r} raised while it was described: {said}",
            hint="a pipeline's body runs once, with references instead of values; what needs values belongs in a step",
        ) from error
