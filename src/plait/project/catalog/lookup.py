"""Which entry does a name mean: one of its own, or what a factory makes of it?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from plait.errors import CatalogError, did_you_mean
from plait.project.catalog.entry import Entry, base_name, is_parameter, read_entry, shape_problem
from plait.project.catalog.factories import Factory, fill, is_pattern, rank

__all__ = ["Lookup"]

_SHOWN_PROBLEMS = 20


class Lookup:
    """Entries by name, from conf as merged; nothing is copied or built before it is asked for.

    Raises:
        CatalogError: the shape of an entry or of a pattern is wrong.
    """

    def __init__(self, conf: Mapping[str, Any], origin: Callable[[str], str | None], env: str) -> None:
        self._origin = origin
        self._env = env
        self._entries: dict[str, Any] = {}
        self._patterns: dict[str, Any] = {}
        problems: list[CatalogError] = []
        for name, config in conf.items():
            if isinstance(name, str) and name.startswith("_"):
                continue
            problem = shape_problem(name, config, origin)
            if problem is not None:
                problems.append(problem)
            else:
                (self._patterns if is_pattern(name) else self._entries)[name] = config
        _raise_all(problems)
        self._factories = [Factory(pattern, origin(pattern)) for pattern in rank(self._patterns)]
        for factory in self._factories:
            factory.check(self._patterns[factory.pattern])

    def names(self) -> list[str]:
        """The names with an entry of their own, sorted."""
        return sorted(self._entries)

    def patterns(self) -> list[str]:
        """The factory patterns in the order in which they are tried."""
        return [factory.pattern for factory in self._factories]

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str) or is_parameter(name):
            return False
        return name in self._entries or self._factory(name) is not None

    def _factory(self, name: str) -> Factory | None:
        return next((factory for factory in self._factories if factory.match(name) is not None), None)

    def entry(self, name: str) -> Entry:
        """What the catalog says of a name.

        Raises:
            CatalogError: the catalog has no such name, and no factory for it.
        """
        if is_parameter(name):
            raise CatalogError(f"{name!r} is a parameter, not a dataset", hint='ask for it with param("…")')
        config = self._entries.get(name)
        if config is not None:
            return read_entry(name, config, where=self._origin(name))
        factory = self._factory(name)
        if factory is None:
            raise self._unknown(name)
        filled = fill(self._patterns[factory.pattern], factory.values(name))
        return read_entry(name, filled, where=factory.where, pattern=factory.pattern)

    def written(self) -> Iterator[Entry]:
        """Every entry as it is written, factories under the name of their pattern."""
        for name, config in (*self._entries.items(), *self._patterns.items()):
            yield read_entry(name, config, where=self._origin(name))

    def at(self, entry: Entry, key: str) -> str | None:
        """The line of one key of an entry, or the entry's own."""
        return self._origin(f"{entry.pattern or entry.name}.{key}") or entry.where

    def _unknown(self, name: str) -> CatalogError:
        formats = sorted(one for one in self._entries if base_name(one) == name)
        hint = f"it has the forms {', '.join(formats)}: name one of them" if formats else None
        return CatalogError(
            f"the catalog of environment {self._env!r} has no dataset {name!r}",
            hint=hint or did_you_mean(name, self._entries),
        )


def _raise_all(problems: list[CatalogError]) -> None:
    if not problems:
        return
    if len(problems) == 1:
        raise problems[0]
    shown = problems[:_SHOWN_PROBLEMS]
    lines = [f"  {problem.what}" + (f" ({problem.where})" if problem.where else "") for problem in shown]
    if len(problems) > len(shown):
        lines.append(f"  and {len(problems) - len(shown)} more")
    listed = "\n".join(lines)
    raise CatalogError(
        f"{len(problems)} entries of the catalog are not right:\n{listed}", hint=problems[0].hint
    )
