"""Which pipelines can one write? Random ones, each with its meaning in plain Python: nested list comprehensions.

A ``Program`` is data. ``as_pipeline`` writes it with steps, ``each``, groups, branches and loops; ``meaning`` evaluates
the same statements with loops over plain lists and knows nothing of graphs. Whatever runs the first must give the second.

What a branch that is not taken would have made is ``ABSENT``. Where it is an element of a list, the list is taken as if
it were not in it, and a comprehension over the list does not run for it.
"""

from __future__ import annotations

import inspect
import itertools
import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import reject
from hypothesis import strategies as st

from plait import each, either, otherwise, pipeline, repeat, step, switch, when
from plait.api import Pipeline

__all__ = ["ABSENT", "Program", "as_pipeline", "meaning", "programs"]


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


@step
def kind(x: Any = None) -> str:
    return "abc"[_number("kind", x) % 3]


ABSENT = type("Absent", (), {"__repr__": lambda _: "ABSENT"})()

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
class Compare:
    """A condition on a number, or a join of some."""

    op: str
    items: tuple[Any, ...]


@dataclass(frozen=True)
class If:
    """``when`` and ``otherwise`` with a condition or, at the end, without; each block has statements of its own."""

    tests: tuple[Compare, ...]
    blocks: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Cases:
    """A switch over the kind of a number; the last block is the default where there are more blocks than cases."""

    source: Name
    cases: tuple[tuple[str, ...], ...]
    blocks: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True)
class Choose:
    options: tuple[Name, ...]


@dataclass(frozen=True)
class Loop:
    body: Body
    state: tuple[Name, ...]
    until: Compare | None
    limit: int


@dataclass(frozen=True)
class Body:
    parameters: tuple[str, ...]
    calls: tuple[Any, ...]
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
        _write(body.calls, known)
        return _built(body.result, known)

    function.__signature__ = signature  # type: ignore[attr-defined]
    function.__name__ = name
    return pipeline(function)


def _write(statements: tuple[Any, ...], known: list[Any]) -> None:
    for statement in statements:
        match statement:
            case Call():
                _write_call(statement, known)
            case If(tests=tests, blocks=blocks):
                for position, block in enumerate(blocks):
                    test = [_condition(tests[position], known)] if position < len(tests) else []
                    with otherwise(*test) if position else when(*test):
                        _write(block, known)
            case Cases(source=source, cases=cases, blocks=blocks):
                with switch(kind(known[source.at])) as case:
                    for position, block in enumerate(blocks):
                        with case(*cases[position]) if position < len(cases) else case.default():
                            _write(block, known)
            case Choose(options=options):
                known.append(either(*(known[one.at] for one in options)))
            case Loop(body=body, state=state, until=until, limit=limit):
                given = tuple(known[one.at] for one in state)
                several = len(state) > 1
                test = None if until is None else lambda *new, until=until: _condition(until, list(new))
                made = repeat(
                    _pipeline(body, "rounds"), given if several else given[0], until=test, limit=limit
                )
                known.extend(made if several else [made])


def _write_call(call: Call, known: list[Any]) -> None:
    written = {key: _mapped(_built(arg.source, known), arg.levels) for key, arg in call.args.items()}
    if call.product:
        written |= each.product(**{key: _built(one, known) for key, one in call.product.items()})
    callee = _pipeline(call.callee, "group") if isinstance(call.callee, Body) else STEPS[call.callee]
    answer = callee(**written)
    known.extend(answer if call.callee == "two" else [answer])


def _condition(test: Compare, known: list[Any]) -> Any:
    match test:
        case Compare(op="<", items=(name, bound)):
            return known[name.at] < bound
        case Compare(op=">=", items=(name, bound)):
            return known[name.at] >= bound
        case Compare(op="not", items=(inner,)):
            return ~_condition(inner, known)
        case Compare(op="and", items=(left, right)):
            return _condition(left, known) & _condition(right, known)
        case Compare(op="or", items=(left, right)):
            return _condition(left, known) | _condition(right, known)
    raise AssertionError(test)


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


MOST_CALLS = 400  # of steps in one program
_calls = 0


def meaning(program: Program) -> Any:
    """What plain Python makes of a program; one that is too large, or zips lists of unequal lengths, is no example."""
    global _calls
    _calls = 0
    return _seen(_evaluate(program.body, program.values))


def _count_call() -> None:
    global _calls
    _calls += 1
    if _calls > MOST_CALLS:
        reject()


def _evaluate(body: Body, given: dict[str, Any]) -> Any:
    known = [given[p] for p in body.parameters]
    _run(body.calls, known)
    return _together(body.result, known)


def _run(statements: tuple[Any, ...], known: list[Any]) -> None:
    for statement in statements:
        match statement:
            case Call():
                known.extend(_called(statement, known))
            case If(tests=tests, blocks=blocks):
                taken: Any = len(tests)
                for position, test in enumerate(tests):
                    true = _holds(test, known)
                    if true is not False:
                        taken = ABSENT if true is ABSENT else position
                        break
                _run_one(blocks, taken, known)
            case Cases(source=source, cases=cases, blocks=blocks):
                value = _seen(known[source.at])
                found = ABSENT if value is ABSENT else kind.function(value)
                hits = [at for at, some in enumerate(cases) if found in some]
                _run_one(blocks, ABSENT if found is ABSENT else hits[0] if hits else len(cases), known)
            case Choose(options=options):
                there = [_seen(known[one.at]) for one in options]
                known.append(next((one for one in there if one is not ABSENT), ABSENT))
            case Loop():
                known.extend(_rounds(statement, known))


def _run_one(blocks: tuple[tuple[Any, ...], ...], taken: Any, known: list[Any]) -> None:
    """One block of several; the names that the others would have made are there, without a value."""
    for position, block in enumerate(blocks):
        if position == taken:
            _run(block, known)
        else:
            known.extend([ABSENT] * _made(block))


def _made(statements: tuple[Any, ...]) -> int:
    count = 0
    for statement in statements:
        match statement:
            case Call(callee=callee):
                count += 2 if callee == "two" else 1
            case If(blocks=blocks) | Cases(blocks=blocks):
                count += sum(_made(block) for block in blocks)
            case Choose():
                count += 1
            case Loop(state=state):
                count += len(state)
    return count


def _rounds(loop: Loop, known: list[Any]) -> list[Any]:
    state = [known[one.at] for one in loop.state]
    for _ in range(loop.limit):
        made = _evaluate(loop.body, dict(zip(loop.body.parameters, state, strict=True)))
        if len(loop.state) == 1:
            state = [made]
        else:
            state = [ABSENT] * len(state) if made is ABSENT else list(made)
        if loop.until is not None and _holds(loop.until, state) is not False:
            break
    seen = [_seen(one) for one in state]
    return [ABSENT] * len(seen) if any(one is ABSENT for one in seen) else seen


def _holds(test: Compare, known: list[Any]) -> Any:
    match test:
        case Compare(op="<" | ">=" as op, items=(name, bound)):
            value = _seen(known[name.at])
            return ABSENT if value is ABSENT else value < bound if op == "<" else value >= bound
        case Compare(op=op, items=items):
            facts = [_holds(item, known) for item in items]
            if any(fact is ABSENT for fact in facts):
                return ABSENT
            return not facts[0] if op == "not" else all(facts) if op == "and" else any(facts)


def _seen(value: Any) -> Any:
    """A value as whoever takes it whole sees it: without the elements that are not there."""
    match value:
        case list():
            return [_seen(inner) for inner in value if inner is not ABSENT]
        case tuple():
            return tuple(_seen(inner) for inner in value)
        case dict():
            return {key: _seen(inner) for key, inner in value.items()}
    return value


def _together(source: Any, known: list[Any]) -> Any:
    """What is made of several values is there if all of them are."""
    match source:
        case Pack(items=items) if any(_together(item, known) is ABSENT for item in items):
            return ABSENT
    return _built(source, known)


def _called(call: Call, known: list[Any]) -> list[Any]:
    levels = {key: arg.levels for key, arg in call.args.items()}
    args = {
        key: _built(arg.source, known) if arg.levels else _together(arg.source, known)
        for key, arg in call.args.items()
    }
    if call.product:
        lists = [_built(one, known) for one in call.product.values()]
        for column, key in enumerate(call.product):
            # The product of what is not there is not there.
            if ABSENT not in lists and math.prod(map(len, lists)) > MOST_CALLS:
                reject()
            rows = ABSENT if any(one is ABSENT for one in lists) else list(itertools.product(*lists))
            args[key], levels[key] = rows if rows is ABSENT else [row[column] for row in rows], 1
    answer = _comprehension(_plain_function(call.callee), args, levels)
    if call.callee != "two":
        return [answer]
    deep = max(levels.values(), default=0)
    return [_picked(answer, deep, 0), _picked(answer, deep, 1)]


def _plain_function(callee: Any) -> Callable[..., Any]:
    if isinstance(callee, Body):
        return lambda **given: _evaluate(callee, given)
    return lambda **given: _step(STEPS[callee].function, given)


def _step(function: Callable[..., Any], given: dict[str, Any]) -> Any:
    _count_call()
    seen = {key: _seen(value) for key, value in given.items()}
    return ABSENT if any(value is ABSENT for value in seen.values()) else function(**seen)


def _comprehension(function: Callable[..., Any], args: dict[str, Any], levels: dict[str, int]) -> Any:
    mapped = [key for key, left in levels.items() if left]
    if not mapped:
        return function(**args)
    if any(args[key] is ABSENT for key in mapped):
        return ABSENT
    lengths = {len(args[key]) for key in mapped}
    if len(lengths) > 1:
        reject()
    (length,) = lengths
    inner = {key: left - 1 if left else 0 for key, left in levels.items()}
    return [
        ABSENT
        if any(args[key][at] is ABSENT for key in mapped)
        else _comprehension(function, {**args, **{key: args[key][at] for key in mapped}}, inner)
        for at in range(length)
    ]


def _picked(nested: Any, deep: int, position: int) -> Any:
    if nested is ABSENT:
        return ABSENT
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
        self.inputs = 0
        self.outermost = True
        self.unknown = 0

    def body(
        self, parameters: tuple[str, ...], tags: list[_Tags], level: int, *, mapped: bool = False
    ) -> Body:
        known = list(tags)
        calls = self.statements(known, level, 5 if level == 0 else 3)
        if level == 0:
            result = self.result(known, len(tags))
            return Body(parameters, calls, result)
        # A group gives one of its own values: of its last call, or of an earlier one.
        at = self.draw(st.integers(len(tags), len(known) - 1))
        self.group_tags = known[at]
        return Body(parameters, calls, Name(at))

    def statements(self, known: list[_Tags], level: int, most: int) -> tuple[Any, ...]:
        """Some statements; what they make is known afterwards."""
        made: list[Any] = []
        for _ in range(self.draw(st.integers(1, most))):
            kind = self.draw(
                st.sampled_from(["call"] * 6 + ["if", "cases", "loop"] if level < 3 else ["call"])
            )
            if kind == "if" and self.numbers(known):
                made.extend(self.branches(known, level))
            elif kind == "cases" and self.numbers(known):
                made.extend(self.branches(known, level, cases=True))
            elif (
                kind == "loop" and len(known) > self.unknown
            ):  # a tuple that a group got would be several states
                made.append(self.loop(known, level))
            else:
                call, new = self.call(known, level)
                made.append(call)
                known.extend(new)
        return tuple(made)

    def numbers(self, known: list[_Tags]) -> list[int]:
        """The names of numbers; an argument of a group, or what a loop carries, can be anything."""
        return [at for at, tags in enumerate(known) if not tags and at >= self.unknown]

    def number(self, known: list[_Tags]) -> Name:
        return Name(self.draw(st.sampled_from(self.numbers(known))))

    def test(self, known: list[_Tags], deep: int = 0) -> Compare:
        op = self.draw(st.sampled_from(["<", ">="] * 3 + (["and", "or", "not"] if deep < 2 else [])))
        if op in ("<", ">="):
            return Compare(op, (self.number(known), self.draw(st.sampled_from([5, 300, 500, 700]))))
        return Compare(op, tuple(self.test(known, deep + 1) for _ in range(1 if op == "not" else 2)))

    def branches(self, known: list[_Tags], level: int, *, cases: bool = False) -> list[Any]:
        """A decision with its blocks, and often the value of the one that ran."""
        draw, before = self.draw, len(known)
        blocks, ranges = [], []
        if cases:
            sets = draw(st.sampled_from([(("a",), ("b",), ("c",)), (("a", "b"),), (("c",), ("a",)), ()]))
            head: Any = (self.number(known), sets)
            count = len(sets) + (len(sets) != 3)
        else:
            tests = tuple(self.test(known) for _ in range(draw(st.sampled_from([1, 1, 2]))))
            head, count = tests, len(tests) + draw(st.integers(0, 1))
        seen = list(known)
        for _ in range(count):
            start = len(known)
            blocks.append(self.statements(known, level + 2, 2))
            ranges.append(range(start, len(known)))
        made: list[Any] = [Cases(*head, tuple(blocks)) if cases else If(head, tuple(blocks))]
        if draw(st.integers(0, 3)):
            made.extend(self.choice(known, ranges, seen, before, complete=cases or count > len(head)))
        return made

    def choice(
        self, known: list[_Tags], ranges: list[range], seen: list[_Tags], before: int, *, complete: bool
    ) -> list[Choose]:
        depth = len(known[self.draw(st.sampled_from(list(ranges[0])))])
        options = []
        for names in ranges:
            fitting = [at for at in names if len(known[at]) == depth]
            if fitting:
                options.append(Name(self.draw(st.sampled_from(fitting))))
        # What is given to the program is always there, so it can be what is taken if nothing ran.
        always = [at for at in range(min(self.inputs, before)) if len(seen[at]) == depth and self.outermost]
        if always and (len(options) < 2 or (not complete and self.draw(st.booleans()))):
            options.append(Name(self.draw(st.sampled_from(always))))
        if len(options) < 2:
            return []
        known.append(tuple(next(self.fresh) for _ in range(depth)))
        return [Choose(tuple(options))]

    def loop(self, known: list[_Tags], level: int) -> Any:
        draw = self.draw
        names = st.integers(self.unknown, len(known) - 1)
        state = tuple(Name(draw(names)) for _ in range(draw(st.sampled_from([1, 1, 2]))))
        tags = [tuple(next(self.fresh) for _ in known[one.at]) for one in state]
        inside, before = list(tags), (self.outermost, self.unknown)
        self.outermost, self.unknown = False, len(tags)
        calls = list(self.statements(inside, level + 2, 2))
        self.outermost, self.unknown = False, 0
        results = []
        for at, own in enumerate(tags):
            fitting = [name for name in range(len(tags), len(inside)) if len(inside[name]) == len(own)]
            if not fitting and len(own) > 2:
                fitting = [at]  # carried on as it is
            if not fitting:
                step_name = ["mix", "spread", "nest"][len(own)]
                calls.append(Call(step_name, {"x": Arg(Name(at))}))
                inside.append(own)
                fitting = [len(inside) - 1]
            results.append(Name(draw(st.sampled_from(fitting))))
        if not any(isinstance(call, Call) for call in calls):
            calls.append(Call("mix", {"x": Arg(Name(0))}))
        new = [inside[one.at] for one in results]
        until = self.test(new) if any(not one for one in new) and draw(st.integers(0, 4)) else None
        self.outermost, self.unknown = before
        parameters = tuple(f"s{at}" for at in range(len(state)))
        result = results[0] if len(results) == 1 else Pack("tuple", tuple(results))
        known.extend(tuple(next(self.fresh) for _ in one) for one in new)
        return Loop(Body(parameters, tuple(calls), result), state, until, draw(st.integers(1, 4)))

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
            before = (self.outermost, self.unknown)
            self.outermost, self.unknown = False, len(inner)
            body = self.body(tuple(inner), list(inner.values()), level + 1)
            self.outermost, self.unknown = before
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
    maker.inputs = len(values)
    return Program(maker.body(tuple(values), tags, 0), values)
