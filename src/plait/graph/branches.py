"""How does one describe that something runs only if? ``when``/``otherwise``, ``switch``, and ``either`` after them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from plait.errors import DefinitionError
from plait.graph.calling import user_line
from plait.graph.conditions import Condition
from plait.graph.lifting import is_plain
from plait.graph.model import ROOT, Branch, Each, Loop
from plait.graph.refs import Ref
from plait.graph.tracing import Tracer, current_tracer
from plait.graph.values import Item, Output, State, Value, parts

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

__all__ = ["Switch", "either", "otherwise", "switch", "when"]


class _When:
    """A chain of ``when`` and ``otherwise``: the decision that its next ``otherwise`` hangs on."""

    def __init__(self, test: int, scope: int) -> None:
        self.test = test
        self.scope = scope
        self.nodes = 0  # how many nodes there were when its last block ended


def when(condition: Any) -> AbstractContextManager[None]:
    """``with when(score > 0.9): …``: the steps called inside run only if the condition is true.

    Args:
        condition: a comparison of coming values (``==``, ``!=``, ``<``, ``<=``, ``>``, ``>=``, joined by ``&``,
            ``|``, ``~``), or the output of a step that returns True or False.

    Raises:
        DefinitionError: outside a pipeline, or the condition is none.
    """
    return _when(_tracer("when"), condition)


def otherwise(*condition: Any) -> AbstractContextManager[None]:
    """``with otherwise(): …`` directly after the block of a ``when``; with a condition it is Python's ``elif``.

    Raises:
        DefinitionError: it does not follow a ``when``.
    """
    tracer = _tracer("otherwise")
    chain = tracer.after_when.get(tracer.scope)
    if chain is None or chain.nodes != len(tracer.nodes):
        raise DefinitionError(
            "otherwise() must directly follow the block of its when(…)",
            where=user_line(),
            hint="with when(…): … then with otherwise(): …, in one block and with no step between them",
        )
    if len(condition) > 1:
        raise DefinitionError("otherwise() takes one condition at most", where=user_line())
    return _else_when(tracer, chain, condition[0]) if condition else _else(tracer, chain)


def switch(value: Any) -> AbstractContextManager[Switch]:
    """``with switch(kind) as case:``, and inside ``with case("a"): …``, ``with case.default(): …``.

    A value that is none of the cases, where there is no default, fails the run.
    """
    return _switch(_tracer("switch"), value)


def either(*values: Any) -> Any:
    """The value of the branch that ran: ``either(fast, slow)`` after ``fast`` and ``slow`` were made in two branches.

    The last value may be one that is always there; it is taken if no branch ran. Otherwise, if none ran, what reads
    it is skipped. Two that both ran fail the run.
    """
    tracer = _tracer("either")
    if len(values) < 2:
        raise DefinitionError("either(…) needs two values at least", where=user_line(), hint="either(a, b)")
    presence = _Presence(tracer)
    args: list[tuple[str, Any]] = []
    for position, value in enumerate(values):
        steady = not presence.of(_lifted(tracer, value), tracer.scope)
        if steady and position < len(values) - 1:
            raise DefinitionError(
                f"{_label(value)} is always there, so either(…) never gets to what follows it",
                where=user_line(),
                hint="put it last: either(what a branch makes, what is there anyway)",
            )
        args.append(("fallback" if steady else f"option_{position + 1}", value))
    text = f"either({', '.join(map(_label, values))})"
    return tracer.decide("either", args, text, function=decided)[0]


class Switch:
    """The cases of a ``switch``: ``case("a", "b")`` and ``case.default()``."""

    def __init__(self, tracer: Tracer, test: int, label: str) -> None:
        self._tracer = tracer
        self._test = test
        self._scope = tracer.scope
        self._label = label
        self._seen: list[Any] = []
        self._has_default = False

    def __call__(self, *values: Any) -> AbstractContextManager[None]:
        """The block that runs if the value is one of these: text, numbers, True, False or None."""
        self._check_place()
        for value in values:
            if isinstance(value, list | dict) or not is_plain(value, [1]):
                raise DefinitionError(
                    f"a case is text, a number, True, False or None, not {value!r:.80}",
                    where=user_line(),
                )
            if any(same_case(value, other) for other in self._seen):
                raise DefinitionError(f"case {value!r} is there twice", where=user_line())
            self._seen.append(value)
        if not values:
            raise DefinitionError("case() needs a value", where=user_line(), hint="or write case.default()")
        name = f"{self._label} == {' or '.join(map(repr, values))}"
        return _inside(self._tracer, Branch(name, self._scope, self._test, tuple(values)))

    def default(self) -> AbstractContextManager[None]:
        """The block that runs if the value is none of the cases."""
        self._check_place()
        if self._has_default:
            raise DefinitionError("there are two defaults", where=user_line())
        self._has_default = True
        return _inside(
            self._tracer, Branch(f"{self._label} is another", self._scope, self._test, default=True)
        )

    def _check_place(self) -> None:
        if self._tracer.scope != self._scope:
            raise DefinitionError("a case must stand directly in the block of its switch", where=user_line())


def same_case(value: Any, case: Any) -> bool:
    """Whether a value is a case: equal, and True is not 1."""
    if isinstance(value, bool) != isinstance(case, bool):
        return False
    try:
        return bool(value == case)
    except Exception:  # noqa: BLE001 - a value that cannot be compared with it is not it
        return False


def decided(*_: Any) -> None:
    """Stands where a step has its function, for what the run decides itself; it is never called."""


def _tracer(name: str) -> Tracer:
    tracer = current_tracer()
    if tracer is None:
        raise DefinitionError(
            f"{name}(…) describes a part of a pipeline, and no pipeline is being described",
            where=user_line(),
            hint="run the pipeline with .run(…); in plain Python and in a dynamic pipeline write if and else",
        )
    return tracer


@contextmanager
def _when(tracer: Tracer, condition: Any) -> Iterator[None]:
    test = _test(tracer, condition)
    chain = _When(test, tracer.scope)
    with _inside(tracer, Branch(tracer.nodes[test].text, tracer.scope, test, (True,))):
        yield
    _ended(tracer, chain)


@contextmanager
def _else(tracer: Tracer, chain: _When) -> Iterator[None]:
    with _inside(tracer, _not(tracer, chain)):
        yield
    tracer.after_when.pop(tracer.scope, None)


@contextmanager
def _else_when(tracer: Tracer, chain: _When, condition: Any) -> Iterator[None]:
    # An elif is an if in the else: its condition is evaluated only where the ones before were false.
    with _inside(tracer, _not(tracer, chain)):
        test = _test(tracer, condition)
        chain = _When(test, tracer.scope)
        with _inside(tracer, Branch(tracer.nodes[test].text, tracer.scope, test, (True,))):
            yield
    _ended(tracer, chain)


@contextmanager
def _switch(tracer: Tracer, value: Any) -> Iterator[Switch]:
    if isinstance(value, Condition):
        raise DefinitionError(
            "switch(…) takes a value", where=user_line(), hint="for a condition write when(…)"
        )
    label = _label(value)
    (ref,) = tracer.decide("switch", [("value", value)], label, function=decided)
    assert isinstance(ref._value, Output)
    cases = Switch(tracer, ref._value.node, label)
    yield cases
    if not cases._seen and not cases._has_default:
        raise DefinitionError(
            "this switch has no case",
            where=user_line(),
            hint='with case("a"): … inside with switch(…) as case:',
        )


def _test(tracer: Tracer, condition: Any) -> int:
    text = condition.text if isinstance(condition, Condition) else _label(condition)
    (ref,) = tracer.decide("when", [("condition", condition)], text, function=decided)
    assert isinstance(ref._value, Output)
    return ref._value.node


def _not(tracer: Tracer, chain: _When) -> Branch:
    return Branch(f"not {tracer.nodes[chain.test].text}", chain.scope, chain.test, (False,))


def _ended(tracer: Tracer, chain: _When) -> None:
    chain.nodes = len(tracer.nodes)
    tracer.after_when[tracer.scope] = chain


@contextmanager
def _inside(tracer: Tracer, scope: Branch) -> Iterator[None]:
    outer = tracer.scope
    tracer.scopes.append(scope)
    tracer.scope = len(tracer.scopes) - 1
    try:
        yield
    finally:
        tracer.scope = outer


def _label(value: Any) -> str:
    return value._label if isinstance(value, Ref) else f"{value!r:.40}"


def _lifted(tracer: Tracer, value: Any) -> Value | None:
    """A coming value as it is seen from here; None for one that is there already."""
    return tracer.lift("", value) if isinstance(value, Ref) else None


class _Presence:
    """On which branches does it hang whether a value is there?"""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._nodes: dict[int, frozenset[int]] = {}

    def of(self, value: Value | None, scope: int) -> frozenset[int]:
        """The branches that must be taken for a value to be there, other than those that its reader is in."""
        return self._of(value, scope) - set(self._branches(scope)) if value is not None else frozenset()

    def _of(self, value: Value, scope: int) -> frozenset[int]:
        match value:
            case Output(node=node):
                around = self._axes(scope)
                # A list of which some elements are missing is there all the same.
                return frozenset(
                    one for one in self._node(node) if self._axes(one) == around[: len(self._axes(one))]
                )
            case Item(scope=own, source=source):
                each = self._tracer.scopes[own]
                assert isinstance(each, Each)
                return self._of(each.sources[source], each.parent)
            case State(scope=own, position=position):
                loop = self._tracer.scopes[own]
                assert isinstance(loop, Loop)
                return self._of(loop.initial[position], loop.parent)
        found: frozenset[int] = frozenset()
        for part in parts(value):
            found |= self._of(part, scope)
        return found

    def _node(self, node: int) -> frozenset[int]:
        known = self._nodes.get(node)
        if known is None:
            known = self._nodes[node] = self._found(node)
        return known

    def _found(self, node: int) -> frozenset[int]:
        chosen = self._tracer.nodes[node]
        found = frozenset(self._branches(chosen.scope))
        scope = chosen.scope
        while scope != ROOT:
            each = self._tracer.scopes[scope]
            if isinstance(each, Each):
                for source in each.sources:
                    found |= self._of(source, each.parent)
            scope = each.parent
        if chosen.kind == "either":
            return found | self._of_options([self.of(value, chosen.scope) for _, value in chosen.args])
        for _, value in chosen.args:
            found |= self._of(value, chosen.scope)
        return found

    def _of_options(self, options: list[frozenset[int]]) -> frozenset[int]:
        """What the value of an ``either`` hangs on: on nothing more where its options are all that can happen."""
        return frozenset() if self._cover(options) else frozenset().union(*options)

    def _cover(self, options: list[frozenset[int]]) -> bool:
        if any(not option for option in options):
            return True
        scopes = self._tracer.scopes
        tests = {scopes[one].test for option in options for one in option}  # type: ignore[union-attr]
        for test in tests:
            cases = {at for at, one in enumerate(scopes) if isinstance(one, Branch) and one.test == test}
            if self._tracer.nodes[test].kind == "when" and len(cases) < 2:
                continue
            if all(
                self._cover([option - {case} for option in options if not option & (cases - {case})])
                for case in cases
            ):
                return True
        return False

    def _branches(self, scope: int) -> list[int]:
        found = []
        while scope != ROOT:
            if isinstance(self._tracer.scopes[scope], Branch):
                found.append(scope)
            scope = self._tracer.scopes[scope].parent
        return found

    def _axes(self, scope: int) -> tuple[int, ...]:
        found: list[int] = []
        while scope != ROOT:
            if isinstance(self._tracer.scopes[scope], Each | Loop):
                found.insert(0, scope)
            scope = self._tracer.scopes[scope].parent
        return tuple(found)
