"""What does a task find around it? Its variables and its folder, for as long as it runs."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from plait.errors import StepError

__all__ = ["enter_workdir", "put_variables"]


def put_variables(variables: Mapping[str, str]) -> Callable[[], None]:
    """Set environment variables; answers with what makes them as they were before."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)

    def undo() -> None:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value

    return undo


def enter_workdir(workdir: str, root: Path | None) -> None:
    """Go to a folder, named as seen from the project, or else from where the run was started.

    Raises:
        StepError: it is not there.
    """
    folder = (root or Path()) / workdir
    try:
        os.chdir(folder)
    except OSError as error:
        raise StepError(
            f"the workdir {str(folder)!r} cannot be entered: {error.strerror}", hint=f"mkdir -p {folder}"
        ) from None
