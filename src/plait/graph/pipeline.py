"""What is a pipeline? A function that calls steps; called with references it describes a graph."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, cast

from plait.errors import DefinitionError
from plait.graph.model import InputSpec
from plait.graph.tracing import Traced, Tracer, _plain, current_caller

__all__ = ["Definition"]


class Definition:
    """A pipeline as it was written: its function, its arguments, and how to get its graph.

    ``dynamic`` says that the function decides while it runs what is called, so its graph is known only then.
    """

    def __init__(
        self, function: Callable[..., Any], *, name: str | None = None, dynamic: bool = False
    ) -> None:
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
        self.dynamic = dynamic
        if inspect.iscoroutinefunction(function) and not dynamic:
            raise DefinitionError(
                f"pipeline {self.name!r} is an async def, which only a dynamic pipeline can be",
                where=self.where,
                hint="write @pipeline(dynamic=True)",
            )

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
        """Call the function once with references; of a dynamic pipeline the graph has its body alone.

        Raises:
            DefinitionError: the pipeline cannot be described as a graph; the message says what to write instead.
        """
        if self.dynamic:
            from plait.graph.dynamic import begin_dynamic

            text = f"calls {', '.join(names)}" if (names := self._named()) else ""
            return begin_dynamic(self.name, self.inputs, self.function, self.doc, self.where, text)
        tracer = Tracer(self.name, self.inputs, f"{self.module}:{self.qualname}")
        with tracer.active():
            references = {name: tracer.input(name) for name in self.signature.parameters}
            bound = inspect.BoundArguments(self.signature, references)
            result = self.function(*bound.args, **bound.kwargs)
        return tracer.finish(result)

    def call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Called in another pipeline: a group of its own. Called elsewhere: the plain functions run."""
        caller = current_caller()
        if caller is None:
            return self.function(*args, **kwargs)
        return caller.call_definition(self, args, kwargs)

    def _named(self) -> list[str]:
        """The steps and pipelines that the code of the function names: what its body may call."""
        from plait.graph.step import Step

        code = self.function.__code__
        around = inspect.getclosurevars(self.function)
        known = {**around.globals, **around.nonlocals}
        names = [name for name in code.co_names + code.co_freevars if name in known]
        return [name for name in names if isinstance(known[name], Step | Definition)]


def _input_spec(parameter: inspect.Parameter) -> InputSpec:
    annotation = parameter.annotation
    if annotation is parameter.empty:
        text = ""
    else:
        text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    required = parameter.default is parameter.empty
    default = parameter.default if not required and _plain(parameter.default, [1000]) else None
    return InputSpec(parameter.name, text, required, default)
