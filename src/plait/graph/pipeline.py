"""What is a pipeline? A function that calls steps; called with references it describes a graph."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, cast

from plait.errors import DefinitionError
from plait.graph.model import InputSpec
from plait.graph.tracing import Traced, Tracer, _plain, current_tracer

__all__ = ["Definition"]


class Definition:
    """A pipeline as it was written: its function, its arguments, and how to get its graph."""

    def __init__(self, function: Callable[..., Any], *, name: str | None = None) -> None:
        if not callable(function):
            raise DefinitionError(
                f"@pipeline needs a function, got {function!r}", hint="write @pipeline above a def"
            )
        functools.update_wrapper(cast(Any, self), function)
        self.function = function
        self.name = name or function.__name__
        self.module = function.__module__ or ""
        self.qualname = function.__qualname__
        self.doc = inspect.cleandoc(function.__doc__ or "")
        code = function.__code__
        self.file = code.co_filename
        self.where = f"{code.co_filename}:{code.co_firstlineno}"

    @functools.cached_property
    def signature(self) -> inspect.Signature:
        signature = inspect.signature(self.function)
        for parameter in signature.parameters.values():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                raise DefinitionError(
                    f"pipeline {self.name!r} takes {parameter}, but its arguments must have names",
                    where=self.where,
                )
        return signature

    @property
    def inputs(self) -> tuple[InputSpec, ...]:
        return tuple(_input_spec(parameter) for parameter in self.signature.parameters.values())

    def trace(self) -> Traced:
        """Call the function once with references.

        Raises:
            DefinitionError: the pipeline cannot be described as a graph; the message says what to write instead.
        """
        tracer = Tracer(self.name, self.inputs, f"{self.module}:{self.qualname}")
        with tracer.active():
            references = {name: tracer.input(name) for name in self.signature.parameters}
            bound = inspect.BoundArguments(self.signature, references)
            result = self.function(*bound.args, **bound.kwargs)
        return tracer.finish(result)

    def call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Called in another pipeline: a group of its own. Called elsewhere: the plain functions run."""
        tracer = current_tracer()
        if tracer is None:
            return self.function(*args, **kwargs)
        _ = self.signature  # refuses parameters without a name
        return tracer.call_pipeline(self.name, f"{self.module}:{self.qualname}", self.function, args, kwargs)


def _input_spec(parameter: inspect.Parameter) -> InputSpec:
    annotation = parameter.annotation
    if annotation is parameter.empty:
        text = ""
    else:
        text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    required = parameter.default is parameter.empty
    default = parameter.default if not required and _plain(parameter.default, [1000]) else None
    return InputSpec(parameter.name, text, required, default)
