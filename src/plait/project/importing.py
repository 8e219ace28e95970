"""Is code just being imported, so that its pipelines or steps are found? Then it must not run them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from plait.errors import DefinitionError

__all__ = ["importing", "refuse_while_importing"]

_imported: ContextVar[str | None] = ContextVar("plait_imported", default=None)


@contextmanager
def importing(place: str) -> Iterator[None]:
    """What is imported inside is looked into, and not meant to run anything.

    Args:
        place: how the user named it: a file or a module.
    """
    token = _imported.set(place)
    try:
        yield
    finally:
        _imported.reset(token)


def refuse_while_importing(call: str, where: str) -> None:
    """Refuse a run that code starts while it is imported: each worker that needs a step of it would start it again.

    Args:
        call: what was called, such as ``training.run()``.
        where: ``file:line`` of the call.

    Raises:
        DefinitionError: code is being imported.
    """
    place = _imported.get()
    if place is not None:
        raise DefinitionError(
            f"{place} calls {call} while it is imported, so it would run again in every process that imports it",
            where=where,
            hint='put the call under: if __name__ == "__main__":',
        )
