"""Which factory pattern describes a name that has no entry of its own?

The rules are Kedro's. Patterns are tried in the order: most characters outside the braces, then most
placeholders, then the alphabet; a pattern of placeholders alone catches all and comes last, and there may be
only one. Matching ignores case, and a placeholder takes as little as it can.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from plait.errors import CatalogError, did_you_mean

__all__ = ["Factory", "fill", "is_pattern", "rank", "specificity"]

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_NAME = re.compile(r"[A-Za-z_]\w*")
# What `{name:d}` and its like may match.
_SHAPES = {"": r".+?", "d": r"[-+]?\d+", "w": r"\w+", "l": r"[A-Za-z]+"}


def is_pattern(name: str) -> bool:
    """Whether an entry's name is a factory pattern."""
    return "{" in name


def specificity(pattern: str) -> int:
    """The number of characters outside the braces."""
    return len(re.sub(r"\{.*?\}", "", pattern))


def rank(patterns: Iterable[str]) -> list[str]:
    """The patterns in the order in which they are tried.

    Raises:
        CatalogError: two of them catch everything.
    """
    ordered = sorted(patterns, key=lambda pattern: (-specificity(pattern), -pattern.count("{"), pattern))
    catch_all = [pattern for pattern in ordered if specificity(pattern) == 0]
    if len(catch_all) > 1:
        raise CatalogError(
            f"the catalog has {len(catch_all)} patterns that match every name: {', '.join(catch_all)}",
            hint="keep one of them",
        )
    return ordered


@dataclass(frozen=True)
class Factory:
    """One pattern, ready to be matched."""

    pattern: str
    where: str | None = None

    @cached_property
    def _expression(self) -> re.Pattern[str]:
        parts: list[str] = []
        seen: set[str] = set()
        position = 0
        for found in _PLACEHOLDER.finditer(self.pattern):
            parts.append(self._literal(self.pattern[position : found.start()]))
            name, _, shape = found[1].partition(":")
            if not _NAME.fullmatch(name) or shape not in _SHAPES:
                raise CatalogError(
                    f"{{{found[1]}}} in the pattern {self.pattern!r} is no placeholder",
                    where=self.where,
                    hint="write a name, such as {name}; of shapes there are {name:d}, {name:w} and {name:l}",
                )
            parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>{_SHAPES[shape]})")
            seen.add(name)
            position = found.end()
        parts.append(self._literal(self.pattern[position:]))
        return re.compile("".join(parts), re.IGNORECASE | re.DOTALL)

    def _literal(self, text: str) -> str:
        if "{" in text or "}" in text:
            raise CatalogError(
                f"the pattern {self.pattern!r} has a brace without a partner",
                where=self.where,
                hint="a placeholder is written {name}",
            )
        return re.escape(text)

    def match(self, name: str) -> dict[str, str] | None:
        """What the placeholders stand for in this name, None when the pattern does not match."""
        found = self._expression.fullmatch(name)
        return found.groupdict() if found else None

    def values(self, name: str) -> dict[str, str]:
        """The same for a name that matches, refused when a value could lead a path elsewhere.

        Raises:
            CatalogError: a value climbs out of the folder that the pattern's path names.
        """
        values = self.match(name) or {}
        for key, value in values.items():
            parts = value.replace("\\", "/").split("/")
            if (
                ".." in parts
                or value[:1] in {"/", "\\", "~"}
                or "://" in value
                or "::" in value
                or "\0" in value
            ):
                raise CatalogError(
                    f"{name!r} matches the pattern {self.pattern!r}, but {{{key}}} would be {value!r}, "
                    "which leads out of the pattern's folder",
                    where=self.where,
                    hint="use a name without '..' and without a leading '/'",
                )
        return values

    def check(self, config: Mapping[str, Any]) -> None:
        """Every placeholder in the entry must be in its pattern.

        Raises:
            CatalogError: one is not, or the pattern itself is malformed.
        """
        known = set(self._expression.groupindex)

        def look(text: str) -> str:
            for found in _PLACEHOLDER.finditer(_plain(text)):
                name = found[1].partition(":")[0]
                if name not in known:
                    raise CatalogError(
                        f"the entry of the pattern {self.pattern!r} uses {{{name}}}, which the "
                        "pattern does not have",
                        where=self.where,
                        hint=did_you_mean(name, known),
                    )
            return text

        _walk(config, look)


def fill(config: Any, values: Mapping[str, str]) -> Any:
    """The entry with each ``{name}`` replaced; ``{{`` and ``}}`` stand for the braces themselves."""

    def replace(text: str) -> str:
        if "}" not in text:
            return text
        held = text.replace("{{", "\1").replace("}}", "\2")
        held = _PLACEHOLDER.sub(lambda found: values.get(found[1].partition(":")[0], found[0]), held)
        return held.replace("\1", "{").replace("\2", "}")

    return _walk(config, replace)


def _plain(text: str) -> str:
    return text.replace("{{", "").replace("}}", "")


def _walk(value: Any, change: Callable[[str], str]) -> Any:
    """A copy of nested conf with every string changed; keys stay."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: _walk(inside, change) for key, inside in value.items()}
    if isinstance(value, (list, tuple)):
        return [_walk(inside, change) for inside in value]
    return value
