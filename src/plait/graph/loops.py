"""How is it said that something runs again and again? ``repeat``, until a condition holds or a limit is reached."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import msgspec

from plait.errors import DefinitionError, StepError
from plait.graph.branches import decided
from plait.graph.calling import user_line
from plait.graph.conditions import Condition
from plait.graph.model import Loop
from plait.graph.refs import Outputs, Ref
from plait.graph.tracing import Tracer, current_tracer
from plait.graph.values import Last, Output, State

__all__ = ["repeat"]


def repeat(
    body: Callable[..., Any],
    state: Any,
    *,
    until: Callable[..., Any] | None = None,
    limit: Any,
    limit_is_error: bool = False,
    **fixed: Any,
) -> Any:
    """Call ``body`` with the state, then with what it returned, and so on; what it returned last is the result.

    ``model, score = repeat(improve, (model, score), until=lambda model, score: score > 0.9, limit=10)``

    Args:
        body: a step, a pipeline, or a function that calls some; gets the state by position and returns the next one.
        state: a coming value, or a tuple of several.
        until: gets what the body returned and answers with a condition; the loop ends when it is true. The body runs
            once at least. Without it the body runs ``limit`` times.
        limit: how many rounds at most: a number, or a coming one.
        limit_is_error: fail the run when the limit is reached; otherwise it goes on and the record says so.
        fixed: arguments that are the same in every round.

    Raises:
        DefinitionError: the body does not return as many values as the state has, or there is no limit.
    """
    tracer = current_tracer()
    _check_limit(limit, tracer)
    several = isinstance(state, tuple)
    states = tuple(state) if several else (state,)
    if tracer is None:
        return _plainly(body, states, until, limit, limit_is_error, fixed, several=several)
    traced = _describe(tracer, body, states, until, limit, limit_is_error, fixed, several=several)
    return traced if several else traced[0]


def _describe(
    tracer: Tracer,
    body: Callable[..., Any],
    states: tuple[Any, ...],
    until: Callable[..., Any] | None,
    limit: Any,
    limit_is_error: bool,
    fixed: dict[str, Any],
    *,
    several: bool,
) -> Outputs:
    name, names = _name(body), _names(body, len(states))
    outer, scope = tracer.scope, len(tracer.scopes)
    initial = tuple(tracer.lift(f"{name}.{at}", one) for at, one in zip(names, states, strict=True))
    loop = Loop(name=name, parent=outer, initial=initial)
    tracer.scopes.append(loop)
    tracer.scope = scope
    try:
        carried = [Ref(tracer, State(scope, at), label) for at, label in enumerate(names)]
        returned = _checked(tracer, name, body(*carried, **fixed), len(states), several=several)
        results = tuple(tracer.lift(f"{name}.{at}", one) for at, one in zip(names, returned, strict=True))
        condition = False if until is None else until(*returned)
        text = condition.text if isinstance(condition, Condition) else getattr(condition, "_label", "")
        args = [
            ("condition", condition),
            ("limit", limit),
            ("limit_is_error", bool(limit_is_error)),
        ]
        (end,) = tracer.decide("until", args, text, function=decided)
    finally:
        tracer.scope = outer
    assert isinstance(end._value, Output)
    tracer.scopes[scope] = msgspec.structs.replace(loop, results=results, until=end._value.node)
    last = [(label, Ref(tracer, Last(scope, at), label)) for at, label in enumerate(names)]
    refs = tracer.decide("repeat", last, text, function=decided, outputs=names if several else ())
    return Outputs(refs, names)


def _checked(tracer: Tracer, name: str, returned: Any, count: int, *, several: bool) -> tuple[Any, ...]:
    """What the body returned, as a tuple of as many values as the state has."""
    if returned is None:
        raise DefinitionError(
            f"{name!r}, which repeat(…) repeats, returns nothing",
            where=user_line(),
            hint="return the next state",
        )
    if not several:
        if isinstance(returned, Outputs):
            raise DefinitionError(
                f"{name!r} returns {len(returned)} values, and the state that repeat(…) begins with is one",
                where=user_line(),
                hint="give a tuple of as many: repeat(body, (a, b), …)",
            )
        return (returned,)
    if not isinstance(returned, tuple | list) or len(returned) != count:
        found = f"{len(returned)} values" if isinstance(returned, tuple | list) else "one value"
        raise DefinitionError(
            f"the state that repeat(…) begins with has {count} values, and {name!r} returns {found}",
            where=user_line(),
            hint="return the next state: as many values, in the same order",
        )
    return tuple(returned)


def _check_limit(limit: Any, tracer: Tracer | None) -> None:
    if isinstance(limit, Ref) or (isinstance(limit, int) and not isinstance(limit, bool) and limit >= 1):
        return
    raise DefinitionError(
        f"limit={limit!r:.40} is no number of rounds",
        where=user_line(),
        hint="the body runs at least once: limit=1 or more",
    )


def _name(body: Any) -> str:
    spec = getattr(body, "spec", None)
    name = spec.name if spec is not None else getattr(body, "name", None) or getattr(body, "__name__", "")
    return "loop" if not isinstance(name, str) or not name.isidentifier() else name


def _names(body: Any, count: int) -> tuple[str, ...]:
    """What the parts of the state are called: as the body's outputs, else as its parameters."""
    outputs = getattr(getattr(body, "spec", None), "outputs", ())
    if len(outputs) == count and count > 1:
        return tuple(outputs)
    try:
        parameters = tuple(inspect.signature(body).parameters)
    except (TypeError, ValueError):
        parameters = ()
    return parameters[:count] if len(parameters) >= count else tuple(f"state_{at}" for at in range(count))


def _plainly(
    body: Callable[..., Any],
    states: tuple[Any, ...],
    until: Callable[..., Any] | None,
    limit: int,
    limit_is_error: bool,
    fixed: dict[str, Any],
    *,
    several: bool,
) -> Any:
    """The same with values that are there: what a loop means."""
    for _ in range(limit):
        returned = body(*states, **fixed)
        states = tuple(returned) if several else (returned,)
        if until is not None and until(*states):
            break
    else:
        if until is not None and limit_is_error:
            raise StepError(f"the condition of repeat({_name(body)}, …) was not true after {limit} rounds")
    return states if several else states[0]
