"""What is a pipeline? A function that calls steps; called with references it describes a graph."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Sequence
from typing import Any, Self, cast

from msgspec import Struct

from plait.errors import DefinitionError
from plait.graph.calling import current_caller, user_line
from plait.graph.lifting import is_plain
from plait.graph.model import InputSpec
from plait.graph.selection import Selection
from plait.graph.tracing import Traced, Tracer

__all__ = ["Body", "Definition", "Habits", "type_hints"]

_OWN = __file__.rpartition("graph")[0]


class Body:
    """What a pipeline that is made of others, or of names, has in place of a written function.

    Args:
        call: takes the arguments by name, and answers as a written function would.
        name: what the pipeline is called where nobody says.
        signature: its arguments, asked for once.
        hints: their types, as far as they are known.
        group: the group that its steps are in wherever it runs.
        selections: which part of a larger pipeline it is.
        whole: that larger pipeline.
    """

    def __init__(
        self,
        call: Callable[..., Any],
        *,
        name: str,
        signature: Callable[[], inspect.Signature],
        hints: Callable[[], dict[str, Any]],
        doc: str = "",
        group: str = "",
        selections: tuple[Selection, ...] = (),
        whole: Definition | None = None,
    ) -> None:
        self._call = call
        self.name = name
        self._signature = signature
        self.hints = hints
        self.doc = doc
        self.group = group
        self.selections = selections
        self.whole = whole

    @functools.cached_property
    def __signature__(self) -> inspect.Signature:
        return self._signature()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        bound = self.__signature__.bind(*args, **kwargs)
        bound.apply_defaults()
        return self._call(**bound.arguments)


class Habits(Struct, frozen=True):
    """What all runs of a pipeline have in common: a name by template, tags, and whom to tell when they are over."""

    run_name: str = ""
    run_tags: tuple[str, ...] = ()
    on_success: tuple[Callable[[Any], Any], ...] = ()
    on_failure: tuple[Callable[[Any], Any], ...] = ()


class Definition:
    """A pipeline as it was written: its function, its arguments, and how to get its graph.

    ``group`` names the group that its steps are in wherever it runs; ``selections`` say which part of the pipeline
    ``whole`` it is. ``dynamic`` says that the function decides while it runs what is called, so its graph is known only
    then.
    """

    habits: Habits = Habits()

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        name: str | None = None,
        dynamic: bool = False,
        habits: Habits | None = None,
    ) -> None:
        if not callable(function):
            raise DefinitionError(
                f"@pipeline needs a function, got {function!r}", hint="write @pipeline above a def"
            )
        functools.update_wrapper(cast(Any, self), function)
        self.function = function
        if habits is not None:
            self.habits = habits
        self._name: str | None = name or function.__name__
        self.module = function.__module__ or ""
        self._qualname: str | None = function.__qualname__
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
        self.group = ""
        self.selections: tuple[Selection, ...] = ()
        self.whole: Definition | None = None

    @classmethod
    def of(cls, body: Body, name: str | None = None) -> Self:
        """A pipeline with a body that is not a written function.

        It stands where its whole does, or at the line that calls plait; its name is, if left out, that of its whole,
        or that of the variable that holds it there.
        """
        made = cls.__new__(cls)
        made.function = body
        made.doc = body.doc
        made._unnamed = body.name
        made._name = made._qualname = name
        if body.whole is not None:
            made.habits = body.whole.habits
            made._name, made._qualname = body.whole.name, body.whole.qualname
            made.module, made.file, made.where = body.whole.module, body.whole.file, body.whole.where
        else:
            frame = sys._getframe(1)
            while frame.f_back is not None and frame.f_code.co_filename.startswith(_OWN):
                frame = frame.f_back
            made._around = frame.f_globals
            made.module = str(frame.f_globals.get("__name__", ""))
            made.file = frame.f_code.co_filename
            made.where = f"{made.file}:{frame.f_lineno}"
        made.group = body.group
        made.selections = body.selections
        made.whole = body.whole
        return made

    _unnamed = ""
    dynamic = False
    _around: dict[str, Any] = {}  # noqa: RUF012 - never changed: stands for having none

    @property
    def name(self) -> str:
        return self._name or self._found_name() or self._unnamed

    @property
    def qualname(self) -> str:
        """Where the module has it."""
        return self._found_name() or self._qualname or self._unnamed

    def _found_name(self) -> str | None:
        return next((at for at, value in self._around.items() if value is self), None)

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

    def hints(self) -> dict[str, Any]:
        """The annotations of the arguments; those that cannot be resolved say nothing."""
        if isinstance(self.function, Body):
            return self.function.hints()
        return type_hints(self.function)

    def trace(self) -> Traced:
        """Call the function once with references; of a dynamic pipeline the graph has its body alone.

        Raises:
            DefinitionError: the pipeline cannot be described as a graph; the message says what to write instead.
        """
        if self.dynamic:
            from plait.graph.dynamic import begin_dynamic

            text = f"calls {', '.join(names)}" if (names := self._named()) else ""
            return begin_dynamic(self.name, self.inputs, self.function, self.doc, self.where, text)
        called = f"{self.module}:{self.qualname}"
        tracer = Tracer(self.name, self.inputs, called)
        with tracer.active():
            references = {name: tracer.input(name) for name in self.signature.parameters}
            if self.group:
                result = tracer.call_pipeline(self.group, called, self.function, (), references)
            else:
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

    def _refuse_dynamic(self, what: str) -> None:
        if self.dynamic:
            raise DefinitionError(
                f"pipeline {self.name!r} is dynamic: its body decides as it runs, so it {what}",
                where=user_line(),
                hint="call it in another dynamic pipeline, or give it an argument that says what to do",
            )

    # Pipelines of pipelines.

    def select(
        self,
        *,
        from_: str | Sequence[str] = (),
        to: str | Sequence[str] = (),
        only: str | Sequence[str] = (),
        tags: str | Sequence[str] = (),
        groups: str | Sequence[str] = (),
    ) -> Self:
        """A part of the pipeline: the steps that fit all kinds of words that are given.

        What the part reads of the rest is an input of it: a run takes it from the catalog, from an earlier run
        (``inputs_from=``), or as an argument of its name.

        Args:
            from_: these steps and what depends on them, or the steps that read these datasets and what depends on
                them.
            to: these steps, or the ones that make these datasets, and what they depend on.
            only: these steps, or the ones that make these datasets, and nothing else; ``"fit[3]"`` is one element.
            tags: the steps with one of these tags.
            groups: the steps in one of these groups.

        Raises:
            DefinitionError: when the graph is asked for: a name is unknown, or no step is left.
        """
        from plait.graph.composing import selected

        words = [(one,) if isinstance(one, str) else tuple(one) for one in (from_, to, only, tags, groups)]
        selection = Selection(*words)
        if selection:
            self._refuse_dynamic("has no parts to select")
        return type(self).of(selected(self, selection)) if selection else self

    def using(self, *, prefix: str = "", **names: Any) -> Self:
        """The same pipeline with other datasets, parameters or outputs: to have it twice.

        ``training.using(flights="flights_2014", model="model_2014", prefix="y2014")``

        Args:
            prefix: its steps and outputs are in a group of this name: ``y2014.fit``.
            names: for an argument the name of the dataset or parameter to read instead, or, if it is no text, a
                value; for an output the name that it gets.

        Raises:
            DefinitionError: the pipeline has no such argument or output.
        """
        from plait.graph.composing import used

        self._refuse_dynamic("cannot be had with other names")
        return type(self).of(used(self, names, prefix))

    def __add__(self, other: Any) -> Self:
        """The steps of both, connected by the names of their outputs and arguments."""
        return self._united("+", other)

    __or__ = __add__

    def __and__(self, other: Any) -> Self:
        """The steps that the other has as well."""
        return self._united("&", other)

    def __sub__(self, other: Any) -> Self:
        """The steps that the other does not have."""
        return self._united("-", other)

    def _united(self, sign: str, other: Any) -> Self:
        from plait.graph.composing import united

        for one in (self, other):
            if isinstance(one, Definition):
                one._refuse_dynamic("has no steps to put together with those of another")
        return type(self).of(united(sign, self, other)) if isinstance(other, Definition) else NotImplemented


def _input_spec(parameter: inspect.Parameter) -> InputSpec:
    annotation = parameter.annotation
    if annotation is parameter.empty:
        text = ""
    else:
        text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    required = parameter.default is parameter.empty
    default = parameter.default if not required and is_plain(parameter.default, [1000]) else None
    return InputSpec(parameter.name, text, required, default)


def type_hints(function: Any) -> dict[str, Any]:
    """The types of a function's parameters, as far as they can be told."""
    import typing

    try:
        return typing.get_type_hints(inspect.unwrap(function), include_extras=True)
    except Exception:  # noqa: BLE001 - a name that exists for type checkers only
        return {
            name: annotation
            for name, annotation in getattr(function, "__annotations__", {}).items()
            if not isinstance(annotation, str)
        }
