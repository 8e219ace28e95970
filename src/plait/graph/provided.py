"""Which arguments of a step does nobody pass? Those of a type that the stack provides, such as a SparkSession."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

__all__ = ["PROVIDED", "provided", "signature_in_pipelines"]

PROVIDED: dict[str, tuple[str, str]] = {"SparkSession": ("pyspark", "spark")}
"""The types by name: the package of each, and the component of a stack that has it.

Annotations are looked at, nothing is imported for them.
"""


def provided(function: Callable[..., Any]) -> dict[str, str]:
    """The parameters that are filled in where the step runs, and the component of the stack that does it."""
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
        return PROVIDED[name][1] if name in PROVIDED else None
    name, module = getattr(hint, "__name__", ""), getattr(hint, "__module__", "")
    package, component = PROVIDED.get(name, ("", None))
    return component if str(module).partition(".")[0] == package else None
