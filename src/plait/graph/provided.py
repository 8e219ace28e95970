"""Which arguments of a step does nobody pass? Those of a type that the stack provides, such as a SparkSession."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

__all__ = ["PROVIDED", "provided", "signature_in_pipelines"]

PROVIDED: dict[str, str] = {"SparkSession": "pyspark"}
"""The types by name, and the package of each: annotations are looked at, nothing is imported for them."""


def provided(function: Callable[..., Any]) -> dict[str, str]:
    """The parameters that are filled in where the step runs: name to type."""
    hints = getattr(function, "__annotations__", {})
    return {
        name: kind for name, hint in hints.items() if name != "return" and (kind := _kind(hint)) is not None
    }


def signature_in_pipelines(function: Callable[..., Any]) -> inspect.Signature:
    """The signature of a step without what is provided: how it is called inside a pipeline."""
    signature, given = inspect.signature(function), provided(function)
    if not given:
        return signature
    kept = [one for name, one in signature.parameters.items() if name not in given]
    return signature.replace(parameters=kept)


def _kind(hint: Any) -> str | None:
    if isinstance(hint, str):
        name = hint.strip("\"' ").rpartition(".")[2]
        return name if name in PROVIDED else None
    name, module = getattr(hint, "__name__", ""), getattr(hint, "__module__", "")
    return name if name in PROVIDED and str(module).partition(".")[0] == PROVIDED[name] else None
