"""Which pipelines can one write? Random ones, each with its meaning in plain Python: nested list comprehensions.

A ``Program`` is data. ``as_pipeline`` writes it with steps, ``each`` and groups; ``meaning`` evaluates the same
statements with loops over plain lists and knows nothing of graphs. Whatever runs the first must give the second.
"""

from __future__ import annotations

import inspect
import itertools
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from plait import each, pipeline, step
from plait.api import Pipeline

__all__ = ["Program", "as_pipeline", "meaning", "programs"]


def _number(*values: Any) -> int:
    return zlib.crc32(repr(values).encode()) % 1000


@step
def mix(x: Any = None, y: Any = None, z: Any = None) -> int:
    return _number(x, y, z)


@step
def spread(x: Any = None, y: Any = None, z: Any = None) -> list[int]:
    seed = _number("spread", x, y, z)
    return [seed + at for at in range(seed % 4)]


@step
def nest(x: Any = None, y: Any = None, z: Any = None) -> list[list[int]]:
    seed = _number("nest", x, y, z)
    return [[seed + at + inner for inner in range((seed + at) % 3)] for at in range(seed % 3)]


@step(outputs=["low", "many"])
def two(x: Any = None, y: Any = None, z: Any = None) -> tuple[int, list[int]]:
    seed = _number("two", x, y, z)
    return seed, [seed * 10 + at for at in range(seed % 3)]


STEPS: dict[str, Any] = {"mix": mix, "spread": spread, "nest": nest, "two": two}
_DEPTHS = {"mix": (0,), "spread": (1,), "nest": (2,), "two": (0, 1)}


@dataclass(frozen=True)
class Name:
    at: int


@dataclass(frozen=True)
class Literal:
    value: Any


@dataclass(frozen=True)
class Pack:
    kind: str
    items: tuple[Any, ...]


@dataclass(frozen=True)
class Arg:
    source: Any
    levels: int = 0


@dataclass(frozen=True)
class Call:
    """A step or a group, its arguments, and lists whose product it runs over."""

    callee: Any
    args: dict[str, Arg]
    product: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Body:
    parameters: tuple[str, ...]
    calls: tuple[Call, ...]
    result: Any


@dataclass(frozen=True)
class Program:
    body: Body
    values: dict[str, Any]


# Writing a program with plait.


def as_pipeline(program: Program) -> Pipeline[..., Any]:
    return _pipeline(program.body, "program")


def _pipeline(body: Body, name: str) -> Pipeline[..., Any]:
    signature = inspect.Signature(
        [inspect.Parameter(p, inspect.Parameter.POSITIONAL_OR_KEYWORD) for p in body.parameters]
    )

    def function(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs).arguments
        known = [bound[p] for p in body.parameters]
        for call in body.calls:
            written = {key: _mapped(_built(arg.source, known), arg.levels) for key, arg in call.args.items()}
            if call.product:
                written |= each.product(**{key: _built(one, known) for key, one in call.product.items()})
            callee = _pipeline(call.callee, "group") if isinstance(call.callee, Body) else STEPS[call.callee]
            answer = callee(**written)
            known.extend(answer if call.callee == "two" else [answer])
        return _built(body.result, known)

    function.__signature__ = signature  # type: ignore[attr-defined]
    function.__name__ = name
    return pipeline(function)


def _mapped(value: Any, levels: int) -> Any:
    for _ in range(levels):
        value = each(value)
    return value


def _built(source: Any, known: list[Any]) -> Any:
    match source:
        case Name(at=at):
            return known[at]
        case Literal(value=value):
            return value
        case Pack(kind="dict", items=items):
            return {f"k{at}": _built(item, known) for at, item in enumerate(items)}
        case Pack(kind=kind, items=items):
            built = [_built(item, known) for item in items]
            return tuple(built) if kind == "tuple" else built
    raise AssertionError(source)


# What it means.


def meaning(program: Program) -> Any:
    return _evaluate(program.body, program.values)


def _evaluate(body: Body, given: dict[str, Any]) -> Any:
    known = [given[p] for p in body.parameters]
    for call in body.calls:
        args = {key: _built(arg.source, known) for key, arg in call.args.items()}
        levels = {key: arg.levels for key, arg in call.args.items()}
        if call.product:
            rows = list(itertools.product(*(_built(one, known) for one in call.product.values())))
            for column, key in enumerate(call.product):
                args[key], levels[key] = [row[column] for row in rows], 1
        answer = _comprehension(_plain_function(call.callee), args, levels)
        if call.callee == "two":
            deep = max(levels.values(), default=0)
            known.extend([_picked(answer, deep, 0), _picked(answer, deep, 1)])
        else:
            known.append(answer)
    return _built(body.result, known)


def _plain_function(callee: Any) -> Callable[..., Any]:
    if isinstance(callee, Body):
        return lambda **given: _evaluate(callee, given)
    return STEPS[callee].function  # type: ignore[no-any-return]


def _comprehension(function: Callable[..., Any], args: dict[str, Any], levels: dict[str, int]) -> Any:
    mapped = [key for key, left in levels.items() if left]
    if not mapped:
        return function(**args)
    (length,) = {len(args[key]) for key in mapped}
    inner = {key: left - 1 if left else 0 for key, left in levels.items()}
    return [
        _comprehension(function, {**args, **{key: args[key][at] for key in mapped}}, inner)
        for at in range(length)
    ]


def _picked(nested: Any, deep: int, position: int) -> Any:
    if deep == 0:
        return nested[position]
    return [_picked(inner, deep - 1, position) for inner in nested]


# Making one up. Every variable has a tag for each level of list in it; equal tags mean equal lengths, so that
# lists taken side by side fit.

_Tags = tuple[Any, ...]
_ints = st.integers(0, 9)


class _Maker:
    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.fresh = itertools.count()

    def body(self, parameters: tuple[str, ...], tags: list[_Tags], level: int, may_leave: list[int]) -> Body:
        known = list(tags)
        calls: list[Call] = []
        for _ in range(self.draw(st.integers(1, 5 if level == 0 else 3))):
            call, made = self.call(known, level)
            calls.append(call)
            known.extend(made)
        if level == 0:
            result = self.result(known, len(tags))
            return Body(parameters, tuple(calls), result)
        # A group gives one of its own values, or an element that it was called with.
        at = self.draw(st.sampled_from([*range(len(tags), len(known)), *may_leave]))
        self.group_tags = known[at]
        return Body(parameters, tuple(calls), Name(at))

    def result(self, known: list[_Tags], inputs: int) -> Any:
        own = list(range(inputs, len(known)))
        names = self.draw(st.lists(st.sampled_from(own), min_size=1, max_size=4))
        kind = self.draw(st.sampled_from(["one", "list", "tuple", "dict"]))
        if kind == "one":
            return Name(names[0])
        return Pack(kind, tuple(Name(at) for at in names))

    def call(self, known: list[_Tags], level: int) -> tuple[Call, list[_Tags]]:
        draw = self.draw
        grouped = level < 2 and draw(st.integers(0, 4)) == 0
        names = ["x", "y", "z"][: draw(st.integers(1, 3))]
        args: dict[str, Arg] = {}
        inner: dict[str, _Tags] = {}
        outer: _Tags = ()
        product: dict[str, Any] = {}
        lists = [at for at, tags in enumerate(known) if tags]
        if lists and len(names) > 1 and draw(st.integers(0, 5)) == 0:
            taken = names[:2]
            for key in taken:
                at = draw(st.sampled_from(lists))
                product[key], inner[key] = Name(at), known[at][1:]
            outer = (("product", *(known[product[key].at][0] for key in taken)),)
        for key in names:
            if key in product:
                continue
            source, tags, levels = self.argument(known, outer)
            outer = tags[:levels] if levels > len(outer) else outer
            args[key], inner[key] = Arg(source, levels), tags[levels:]
        if grouped:
            may_leave = [
                at
                for at, key in enumerate(inner)
                # Deeper down it could be the same for every element of the group around, which is refused.
                if level == 0
                and (
                    key in product
                    or (outer and isinstance(args[key].source, Name) and args[key].levels == len(outer))
                )
            ]
            body = self.body(tuple(inner), list(inner.values()), level + 1, may_leave)
            return Call(body, args, product), [outer + self.group_tags]
        callee = draw(st.sampled_from(list(STEPS)))
        made = [outer + tuple(next(self.fresh) for _ in range(depth)) for depth in _DEPTHS[callee]]
        return Call(callee, args, product), made

    def argument(self, known: list[_Tags], outer: _Tags) -> tuple[Any, _Tags, int]:
        """A source, its tags, and at how many levels it is mapped: as far as it goes along with the others."""
        draw = self.draw
        kind = draw(st.sampled_from(["name"] * 6 + ["literal", "pack", "list"]))
        if kind == "literal":
            return (
                Literal(draw(st.one_of(_ints, st.lists(_ints, max_size=3), st.text("ab", max_size=2)))),
                (),
                0,
            )
        if kind == "pack":
            names = draw(st.lists(st.integers(0, len(known) - 1), min_size=1, max_size=3))
            return (
                Pack(draw(st.sampled_from(["list", "tuple", "dict"])), tuple(Name(at) for at in names)),
                (),
                0,
            )
        if kind == "list":
            at = draw(st.integers(0, len(known) - 1))
            like = [other for other, tags in enumerate(known) if tags == known[at]]
            names = draw(st.lists(st.sampled_from(like), min_size=1, max_size=3))
            source, tags = (
                Pack("list", tuple(Name(name) for name in names)),
                (("listed", len(names)), *known[at]),
            )
        else:
            at = draw(st.integers(0, len(known) - 1))
            source, tags = Name(at), known[at]
        most = len(tags)
        common = next(
            (n for n, (a, b) in enumerate(zip(tags, outer, strict=False)) if a != b), min(most, len(outer))
        )
        fits = range(most + 1) if common == len(outer) else range(common + 1)
        return source, tags, draw(st.sampled_from([level for level in fits if level <= 3]))


@st.composite
def programs(draw: Any) -> Program:
    """A random pipeline with values for its parameters."""
    maker = _Maker(draw)
    values: dict[str, Any] = {}
    tags: list[_Tags] = []
    for at in range(draw(st.integers(1, 3))):
        depth = draw(st.integers(0, 2))
        shape = _ints
        for _ in range(depth):
            shape = st.lists(shape, max_size=3)  # type: ignore[assignment]
        values[f"p{at}"] = draw(shape)
        tags.append(tuple(next(maker.fresh) for _ in range(depth)))
    return Program(maker.body(tuple(values), tags, 0, []), values)
