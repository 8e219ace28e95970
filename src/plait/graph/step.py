"""What is a step? A plain function with options; called in a pipeline it becomes a node, elsewhere it just runs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import Any, Generic, ParamSpec, TypeVar, overload

import msgspec

from plait.errors import DefinitionError
from plait.graph.calling import current_caller, user_line
from plait.graph.model import StepSpec
from plait.graph.options import STAND_IN, Options, make_options
from plait.graph.refs import Mapped

__all__ = ["Step", "step"]

P = ParamSpec("P")
R = TypeVar("R")


class Step(Generic[P, R]):
    """A function that pipelines call. ``function`` is the function itself, ``spec`` what was declared about it."""

    def __init__(
        self,
        function: Callable[P, R],
        *,
        outputs: Sequence[str] | None = None,
        name: str | None = None,
        uses: Sequence[Any] = (),
        **options: Any,
    ) -> None:
        if not callable(function):
            raise DefinitionError(
                f"@step needs a function, got {function!r}", hint="write @step or @step(retries=2)"
            )
        code = getattr(function, "__code__", None)
        where = f"{code.co_filename}:{code.co_firstlineno}" if code else ""
        own_name = str(name or getattr(function, "__name__", type(function).__name__))
        if own_name == "<lambda>":
            own_name = "step"
        if not own_name.replace(".", "_").replace("-", "_").isidentifier():
            raise DefinitionError(
                f"{own_name!r} is not a name for a step", where=where, hint="use letters, digits and _"
            )
        if isinstance(outputs, str):
            raise DefinitionError(
                f"outputs={outputs!r} is one string", where=where, hint=f"write outputs=[{outputs!r}]"
            )
        functools.update_wrapper(self, function)
        self.function = function
        self.uses = _resolved(uses, code.co_filename if code else "")
        self.after: tuple[Any, ...] = ()
        self.base: Step[P, R] | None = None
        chosen, self.stand_in = _options(options, where, own_name, None)
        self.spec = StepSpec(
            name=own_name,
            module=getattr(function, "__module__", "") or "",
            qualname=str(getattr(function, "__qualname__", own_name)),
            outputs=_declared(outputs, function, own_name, where),
            options=chosen,
            doc=(chosen.doc or function.__doc__ or "").strip(),
            where=where,
        )

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        caller = current_caller()
        if caller is None:
            if Mapped in map(type, (*args, *kwargs.values())):
                raise DefinitionError(
                    f"each(...) is for pipelines; step {self.spec.name!r} was called as a plain function",
                    hint="call it in a function with @pipeline, or write [step(x) for x in xs]",
                )
            return self.function(*args, **kwargs)
        return caller.call_step(self, args, kwargs)  # type: ignore[no-any-return]

    def with_(self, *, after: Any = (), **options: Any) -> Step[P, R]:
        """The same step with other options, for one call of it: ``fit.with_(memory="16GiB")(train)``.

        Args:
            after: outputs of steps that must have run before, where no data tells so.
            options: see ``Options``.

        Raises:
            DefinitionError: an option is unknown or has a wrong value.
        """
        where = user_line()
        made: Step[P, R] = Step.__new__(Step)
        functools.update_wrapper(made, self.function)
        chosen, stand_in = _options(options, where, self.spec.name, self.spec.options)
        made.function, made.uses, made.base = self.function, self.uses, self.base or self
        made.stand_in = stand_in if "on_failure" in options else self.stand_in
        made.after = (*self.after, *(after if isinstance(after, list | tuple) else (after,)))
        made.spec = msgspec.structs.replace(self.spec, options=chosen, doc=chosen.doc or self.spec.doc)
        return made

    def __repr__(self) -> str:
        return f"<step {self.spec.name} of {self.spec.module}>"

    def __get__(self, instance: object, owner: type | None = None) -> Any:
        if instance is None:
            return self
        bind: Any = functools.partial
        return bind(self, instance)

    def __reduce__(self) -> Any:
        # An importable step travels by name, one of a notebook or a script by value.
        if _importable(self):
            return _import_step, (self.spec.module, self.spec.qualname)
        if self.base is not None:
            return _with_options, (self.base, self.spec, self.stand_in)
        return _rebuild_step, (self.function, self.spec, self.uses, self.stand_in)


@overload
def step(function: Callable[P, R], /) -> Step[P, R]: ...
@overload
def step(
    *, outputs: Sequence[str] | None = None, name: str | None = None, **options: Any
) -> Callable[[Callable[P, R]], Step[P, R]]: ...


def step(function: Any = None, /, **options: Any) -> Any:
    """Make a function a step: ``@step`` or ``@step(outputs=["train", "test"], retries=2)``.

    Args:
        outputs: names of the values that the function returns, when there are several.
        name: another name than the function's.
        uses: files, named as seen from the step's own file, and objects that count like its code.
        options: how the step runs; see ``Options``.

    Raises:
        DefinitionError: an option is unknown or has a wrong value, or two outputs have one name.
    """
    if function is None:
        return lambda decorated: Step(decorated, **options)
    return Step(function, **options)


def _declared(
    outputs: Sequence[str] | None, function: Callable[..., Any], own_name: str, where: str
) -> tuple[str, ...]:
    """Output names: declared, read from the return annotation, or the step's own name."""
    names = tuple(outputs) if outputs is not None else _annotated_names(function)
    if outputs is not None and not names:
        raise DefinitionError(f"step {own_name!r} declares no output", where=where, hint="leave outputs= out")
    for output in names:
        if not (isinstance(output, str) and output.replace(".", "_").isidentifier()):
            raise DefinitionError(f"step {own_name!r}: {output!r} is not a name for an output", where=where)
        if names.count(output) > 1:
            raise DefinitionError(f"step {own_name!r} has two outputs named {output!r}", where=where)
    return names or (own_name,)


def _annotated_names(function: Callable[..., Any]) -> tuple[str, ...]:
    annotation: Any = getattr(function, "__annotations__", {}).get("return")
    if isinstance(annotation, str):
        if "Annotated" not in annotation and "tuple" not in annotation and not annotation[:1].isupper():
            return ()
        try:
            annotation = eval(annotation, getattr(function, "__globals__", {}))  # noqa: S307 - the user's own annotation
        except Exception:  # noqa: BLE001 - a forward reference that cannot be resolved names no outputs
            return ()
    if isinstance(annotation, type) and issubclass(annotation, tuple) and hasattr(annotation, "_fields"):
        return tuple(annotation._fields)
    if getattr(annotation, "__origin__", None) is tuple:
        names = [_label(item) for item in annotation.__args__]
        if names and all(names):
            return tuple(name for name in names if name)
    label = _label(annotation)
    return (label,) if label else ()


def _label(annotation: Any) -> str | None:
    """The name in ``Annotated[T, "name"]``."""
    labels = [extra for extra in getattr(annotation, "__metadata__", ()) if isinstance(extra, str)]
    return labels[0] if labels else None


def _importable(step_: Step[..., Any]) -> bool:
    import sys

    found: Any = sys.modules.get(step_.spec.module)
    if found is None or step_.spec.module == "__main__":
        return False
    for part in step_.spec.qualname.split("."):
        found = getattr(found, part, None)
    return found is step_


def _import_step(module: str, qualname: str) -> Any:
    import importlib

    found: Any = importlib.import_module(module)
    for part in qualname.split("."):
        found = getattr(found, part)
    return found


def _resolved(uses: Sequence[Any], file: str) -> tuple[Any, ...]:
    """What a step uses beside its code; files are named as seen from the folder of the step's own file."""
    folder = PurePath(file).parent
    return tuple(folder / item if isinstance(item, str | PurePath) else item for item in uses)


def _options(given: dict[str, Any], where: str, name: str, base: Options | None) -> tuple[Options, Any]:
    """Options, and what stands in for a result that cannot be had: a value or a function, which are no option."""
    stand_in = given.get("on_failure")
    if "on_failure" in given and not (isinstance(stand_in, str) and stand_in in ("fail", "continue")):
        if isinstance(stand_in, str):
            raise DefinitionError(
                f"on_failure={stand_in!r} of step {name!r} is neither 'fail' nor 'continue'",
                where=where,
                hint=f"for the text itself: on_failure=lambda: {stand_in!r}",
            )
        return make_options({**given, "on_failure": STAND_IN}, where=where, base=base, step=name), stand_in
    return make_options(given, where=where, base=base, step=name), None


def _rebuild_step(
    function: Callable[..., Any], spec: StepSpec, uses: tuple[Any, ...], stand_in: Any
) -> Step[..., Any]:
    rebuilt: Step[..., Any] = Step.__new__(Step)
    functools.update_wrapper(rebuilt, function)
    rebuilt.function, rebuilt.spec, rebuilt.uses = function, spec, uses
    rebuilt.stand_in, rebuilt.after, rebuilt.base = stand_in, (), None
    return rebuilt


def _with_options(base: Step[..., Any], spec: StepSpec, stand_in: Any) -> Step[..., Any]:
    rebuilt = _rebuild_step(base.function, spec, base.uses, stand_in)
    rebuilt.base = base
    return rebuilt
