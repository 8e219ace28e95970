"""What is a promise of the suite? A test that is marked, and holds for every executor in one of four ways."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import pytest
from executors.adapters import Adapter, NotHere, Refused, Within

from plait.errors import ParameterError

__all__ = ["PROMISES", "expected", "promise"]

PROMISES: dict[str, str] = {}
"""What is promised, by the name of the test, in the order of the suite."""


def promise(text: str) -> Callable[[Any], Any]:
    """Mark a test as a promise. Where an executor does not do it, by design, the test is that it says so before the run."""

    def mark(test: Callable[..., None]) -> Callable[..., None]:
        PROMISES[test.__name__] = text

        @functools.wraps(test)
        def kept(**given: Any) -> None:
            run_it = given["run_it"]
            way = run_it.adapter.instead.get(test.__name__)
            run_it.note(way)  # what it is meant to be; the table has it where the test is green
            if isinstance(way, NotHere):
                pytest.skip(f"{run_it.adapter.name}: {way.why}")
            if isinstance(way, Refused):
                with pytest.raises(ParameterError) as caught:
                    test(**given)
                assert f"asks for {way.option}=" in str(caught.value)
                assert f"which the executor {run_it.adapter.name!r} cannot do" in str(caught.value)
                assert run_it.recorded() == []
            else:
                run_it.options = dict(way.options) if way is not None else {}
                test(**given)

        kept.__signature__ = inspect.signature(test)  # type: ignore[attr-defined]
        return kept

    return mark


def expected(adapter: Adapter, test: str) -> str:
    """The cell of the table."""
    return shown(adapter.instead.get(test))


def shown(way: Refused | NotHere | Within | None) -> str:
    match way:
        case Refused(option=option):
            return f"refused (`{option}`)"
        case NotHere():
            return "–"
        case Within(options=options):
            return "yes, " + ", ".join(f"`{name}={value}`" for name, value in options.items())
        case None:
            return "yes"
