"""What is to be had where every attempt of a task failed? The value or function of its ``on_failure``."""

from __future__ import annotations

import inspect
from typing import Any

__all__ = ["STANDS_IN", "StandIn"]

STANDS_IN = "stands in for a failure"  # how the record of such an attempt says why it was made


class StandIn:
    """A step's substitute: called with the error's headline, gives what ``on_failure`` names.

    Args:
        value: a value, or a function without arguments or of the error's headline.
    """

    def __init__(self, name: str, value: Any) -> None:
        self.__name__ = name
        self._value = value

    def __call__(self, error: str) -> Any:
        if not callable(self._value):
            return self._value
        return self._value(error) if _takes_error(self._value) else self._value()


def _takes_error(function: Any) -> bool:
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return any(one.kind in kinds for one in inspect.signature(function).parameters.values())
