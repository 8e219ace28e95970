"""Is this value what the annotation asks for, or what is wrong with it, all of it at once?"""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from plait.errors import ParameterError
from plait.project.origin import dotted
from plait.project.secrets import Secret, has_secret, secrets_in

__all__ = [
    "Violation",
    "Wanted",
    "Where",
    "convert",
    "convert_all",
    "describe",
    "find_violations",
    "violation_error",
]

Where = str | Callable[[tuple[Any, ...]], str | None] | None
Text = str | Callable[[tuple[Any, ...]], str | None] | None
BAD: Any = object()


class Wanted(NamedTuple):
    """One value to convert.

    ``where`` is its ``file:line``, or a function from a path inside the value (``("layers", 2)``) to one;
    ``text`` is what was typed, for a value from the command line, or a function from a path to that.
    """

    name: str
    value: Any
    annotation: Any
    where: Where = None
    text: Text = None


class Violation(NamedTuple):
    """One thing that is wrong: a dotted name, what was expected and found, the file and line, what to do."""

    name: str
    problem: str
    where: str | None = None
    hint: str | None = None


def convert(value: Any, annotation: Any, *, name: str, where: Where = None, text: Text = None) -> Any:
    """A value as it comes from YAML or the command line, as the annotated type.

    An annotation that says nothing here (``Any``, a data frame, a name that could not be resolved) passes the
    value through.

    Raises:
        ParameterError: with every violation inside the value.
    """
    return convert_all([Wanted(name, value, annotation, where, text)])[name]


def convert_all(wanted: Iterable[Wanted]) -> dict[str, Any]:
    """Several values at once, by name.

    Raises:
        ParameterError: with every violation of all of them.
    """
    made, violations = find_violations(wanted)
    if violations:
        raise violation_error(violations)
    return made


def find_violations(wanted: Iterable[Wanted]) -> tuple[dict[str, Any], list[Violation]]:
    """The values that fit, by name, and what is wrong with the others."""
    made, violations = {}, []
    for want in wanted:
        walk = Walk(want)
        value = walk.convert(
            want.value, want.annotation, (), want.text if isinstance(want.text, str) else None
        )
        if walk.violations:
            violations.extend(walk.violations)
        else:
            made[want.name] = value
    return made, violations


def violation_error(violations: list[Violation]) -> ParameterError:
    """One error that says them all, each with its file and line."""
    if len(violations) == 1:
        only = violations[0]
        return ParameterError(f"{only.name}: {only.problem}", where=only.where, hint=only.hint).of(only)
    lines = [f"{len(violations)} parameters are wrong:"]
    for name, problem, where, hint in violations:
        lines.append(f"  {name}: {problem}" + (f"  at {where}" if where else ""))
        if hint:
            lines.append(f"    → {hint}")
    return ParameterError("\n".join(lines)).of(*violations)


class Walk:
    """One conversion under way: what it found wrong so far, and where things are."""

    def __init__(self, want: Wanted) -> None:
        self.want = want
        self.violations: list[Violation] = []

    def wrong(self, path: tuple[Any, ...], problem: str, hint: str | None = None) -> Any:
        where = self.want.where
        found = where if where is None or isinstance(where, str) else where(path)
        problem = hide(problem, self.want.value)
        self.violations.append(Violation(dotted((self.want.name, *path)), problem, found, hint))
        return BAD

    def mismatch(self, path: tuple[Any, ...], annotation: Any, value: Any, text: str | None = None) -> Any:
        hint = None
        if annotation is str and isinstance(value, (int, float)):
            hint = f'''quote it: "{str(value).lower() if isinstance(value, bool) else value}"'''
        elif text is not None and (example := _EXAMPLES.get(typing.get_origin(annotation) or annotation)):
            hint = f"write {dotted((self.want.name, *path))}={example}"
        return self.wrong(path, f"expected {describe(annotation)}, got {show(value)}", hint)

    def convert(self, value: Any, annotation: Any, path: tuple[Any, ...], text: str | None = None) -> Any:
        """The value as the annotation asks, or ``BAD`` after its violations were noted."""
        from plait.project.scalars import SCALARS, convert_choice

        if text is None and callable(self.want.text):
            text = self.want.text(path)
        annotation, checks = unwrap(annotation)
        if checks:
            return self.checked(value, annotation, checks, path, text)
        if _says_nothing(annotation):
            return value
        if annotation is None or annotation is type(None):
            return None if value is None else self.mismatch(path, annotation, value, text)
        if isinstance(value, Secret) and annotation not in (str, Secret) and not _is_union(annotation):
            # Its text is read as one from the command line would be: a port may come from a secret.
            value = text = value.reveal()
        if annotation in SCALARS:
            return self.scalar(SCALARS[annotation], value, annotation, path, text)
        origin = typing.get_origin(annotation)
        if _is_union(annotation):
            return self.union(value, typing.get_args(annotation), annotation, path, text)
        if (choice := convert_choice(value, annotation, text)) is not None:
            made, problem, hint = choice
            return made if problem is None else self.wrong(path, problem, hint)
        if origin in _COLLECTIONS or annotation in _COLLECTIONS:
            return self.collection(value, annotation, origin or annotation, path, text)
        if origin in _MAPPINGS or annotation in _MAPPINGS:
            return self.mapping(value, annotation, path, text)
        from plait.project.records import convert_record

        return convert_record(self, value, annotation, path)

    def scalar(self, rule: Any, value: Any, annotation: Any, path: tuple[Any, ...], text: str | None) -> Any:
        try:
            return rule(value, text)
        except (ValueError, TypeError, ArithmeticError):
            return self.mismatch(path, annotation, value, text)

    def checked(
        self, value: Any, base: Any, checks: tuple[Any, ...], path: tuple[Any, ...], text: str | None
    ) -> Any:
        """``Annotated``: the type first, then the constraints of the library that they come from."""
        homes = {type(check).__module__.partition(".")[0] for check in checks}
        if homes & {"pydantic", "annotated_types"}:
            from plait.project.records import convert_pydantic

            return convert_pydantic(self, value, typing.Annotated[(base, *checks)], path)
        made = self.convert(value, base, path, text)
        if made is not BAD and "msgspec" in homes:
            import msgspec

            try:
                msgspec.convert(made, typing.Annotated[(base, *checks)], str_keys=True)
            except msgspec.ValidationError as error:
                return self.wrong(path, f"{str(error)[:1].lower()}{str(error)[1:]}, got {show(value)}")
        return made

    def union(
        self, value: Any, members: tuple[Any, ...], annotation: Any, path: tuple[Any, ...], text: str | None
    ) -> Any:
        for member in members:
            if type(value) is (type(None) if member is None else member):
                return value
        tries = []
        # A text from the command line is what its YAML type says first, and only then a str.
        for member in sorted(members, key=lambda member: member is str and text is not None):
            walk = Walk(self.want)
            made = walk.convert(value, member, path, text)
            if not walk.violations:
                return made
            tries.append((member, walk.violations))
        deep = [
            wrong for _, wrong in tries if any(one.name != dotted((self.want.name, *path)) for one in wrong)
        ]
        some = [wrong for member, wrong in tries if member not in (None, type(None))]
        if len(deep) == 1 or len(some) == 1:
            self.violations.extend(deep[0] if len(deep) == 1 else _with_null(some[0], members))
            return BAD
        return self.mismatch(path, annotation, value, text)

    def collection(
        self, value: Any, annotation: Any, origin: Any, path: tuple[Any, ...], text: str | None
    ) -> Any:
        if not isinstance(value, (list, tuple, set, frozenset)):
            return self.mismatch(path, annotation, value, text)
        args = typing.get_args(annotation)
        build = _COLLECTIONS[origin]
        if origin is tuple and args and args[-1] is not Ellipsis:
            if args == ((),):
                args = ()
            if len(args) != len(value):
                return self.wrong(path, f"expected {len(args)} values, got {len(value)}: {show(value)}")
            kinds = list(args)
        else:
            kinds = [args[0] if args else Any] * len(value)
        items = [
            self.convert(item, kind, (*path, i))
            for i, (item, kind) in enumerate(zip(value, kinds, strict=True))
        ]
        if any(item is BAD for item in items):
            return BAD
        try:
            return build(items)
        except TypeError as error:
            return self.wrong(path, f"{describe(annotation)} cannot hold these values: {error}")

    def mapping(self, value: Any, annotation: Any, path: tuple[Any, ...], text: str | None) -> Any:
        if not isinstance(value, Mapping):
            return self.mismatch(path, annotation, value, text)
        key_kind, kind = typing.get_args(annotation) or (Any, Any)
        made = {}
        for key, inner in value.items():
            # A key in YAML may be a number; the text of it is what a dict[str, …] asks for.
            wanted = str(key) if key_kind is str and isinstance(key, (int, float)) else key
            new_key = self.convert(
                wanted, key_kind, (*path, key), wanted if isinstance(wanted, str) else None
            )
            new = self.convert(inner, kind, (*path, key))
            if new_key is not BAD:
                made[new_key] = new
        return BAD if any(inner is BAD for inner in made.values()) or len(made) != len(value) else made


_COLLECTIONS: dict[Any, Callable[[list[Any]], Any]] = {
    list: list, tuple: tuple, set: set, frozenset: frozenset,
    typing.get_origin(typing.Sequence[int]): list, typing.get_origin(typing.Iterable[int]): list,
    typing.get_origin(typing.Collection[int]): list, typing.get_origin(typing.MutableSequence[int]): list,
    typing.get_origin(typing.AbstractSet[int]): set,
}  # fmt: skip
_MAPPINGS = (
    dict,
    typing.get_origin(typing.Mapping[str, int]),
    typing.get_origin(typing.MutableMapping[str, int]),
)
_EXAMPLES = {int: "3", float: "0.5", bool: "true", list: "[1, 2]", tuple: "[1, 2]", dict: "'{a: 1}'"}


_SAID = {
    "date": "a date such as 2024-01-31",
    "datetime": "a date and time such as 2024-01-31T12:30:00",
    "time": "a time such as 12:30",
    "timedelta": "a duration such as 20m or 1h30m",
    "Path": "a path",
}


def _with_null(violations: list[Violation], members: tuple[Any, ...]) -> list[Violation]:
    # `float | None` is one type with a way out: say both in the words of the one.
    said = [one.problem.replace(", got ", " or null, got ", 1) for one in violations]
    return [one._replace(problem=text) for one, text in zip(violations, said, strict=True)]


def unwrap(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    """The type under aliases, new types, ``Required`` and ``Annotated``, and the constraints of the last."""
    while True:
        if hasattr(annotation, "__supertype__"):
            annotation = annotation.__supertype__
        elif type(annotation).__name__ == "TypeAliasType":
            annotation = annotation.__value__
        elif typing.get_origin(annotation) in (
            typing.Required,
            typing.NotRequired,
            typing.Final,
            typing.ClassVar,
        ):
            annotation = (typing.get_args(annotation) or (Any,))[0]
        elif typing.get_origin(annotation) is typing.Annotated:
            base, *checks = typing.get_args(annotation)
            known = [one for one in checks if type(one).__module__.partition(".")[0] in _CONSTRAINTS]
            if known:
                return base, tuple(known)
            annotation = base
        else:
            return annotation, ()


_CONSTRAINTS = ("annotated_types", "msgspec", "pydantic")


def _says_nothing(annotation: Any) -> bool:
    return annotation in (Any, object) or isinstance(annotation, (str, typing.TypeVar, typing.ForwardRef))


def _is_union(annotation: Any) -> bool:
    return typing.get_origin(annotation) in (typing.Union, types.UnionType)


def describe(annotation: Any) -> str:
    """A type in the words of code: ``float``, ``list[float]``, ``int | None``, ``one of 'a', 'b'``."""
    origin = typing.get_origin(annotation)
    args = typing.get_args(annotation)
    if annotation is None or annotation is type(None):
        return "null"
    if isinstance(annotation, type) and annotation.__name__ in _SAID:
        return _SAID[annotation.__name__]
    if origin is typing.Literal:
        return "one of " + ", ".join(map(repr, args))
    if _is_union(annotation):
        return " | ".join("None" if arg is type(None) else describe(arg) for arg in args)
    if origin is typing.Annotated:
        return describe(args[0])
    if origin is not None and args:
        inside = ", ".join("…" if arg is Ellipsis else describe(arg) for arg in args)
        return f"{getattr(origin, '__name__', origin)}[{inside}]"
    return getattr(annotation, "__name__", None) or str(annotation)


def show(value: Any) -> str:
    """A value and its type as a message says them, cut where it is long: ``'abc' (str)``, ``null``."""
    if value is None:
        return "null"
    text = repr(value)
    kind = "str" if isinstance(value, Secret) else type(value).__name__
    return f"{text if len(text) <= 60 else text[:57] + '…'} ({kind})"


def hide(text: str, value: Any) -> str:
    """A message about ``value`` without the secrets that are in it."""
    if not has_secret(value):
        return text
    for secret in secrets_in(value):
        for form in (repr(secret.reveal())[1:-1], secret.reveal()):
            text = text.replace(form, str(secret)) if form else text
    return text
