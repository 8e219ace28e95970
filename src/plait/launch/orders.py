"""How is a run to be carried? What whoever starts it says of it, beside the pipeline and its arguments."""

from __future__ import annotations

import getpass
from collections.abc import Iterable, Mapping
from datetime import datetime
from string import Formatter
from typing import Any

from msgspec import Struct

from plait.engine.loop import Conduct
from plait.errors import ParameterError, did_you_mean
from plait.graph.pipeline import Definition
from plait.project.project import Project
from plait.record.annotations import Annotations, make_annotations

__all__ = ["CachePolicy", "Orders", "make_orders", "said_of"]


class CachePolicy(Struct, frozen=True):
    """Which earlier results may be taken.

    ``look_up`` is false for ``--no-cache``; ``refresh`` names the steps that are computed anew.
    """

    look_up: bool = True
    refresh: tuple[str, ...] = ()


class Orders(Struct, frozen=True):
    """What may be taken from earlier runs, how the run behaves as a whole, and what is said of it."""

    policy: CachePolicy = CachePolicy()
    conduct: Conduct = Conduct()
    said: Annotations = Annotations()


def make_orders(
    *,
    cache: bool = True,
    refresh: Iterable[str] = (),
    fail_fast: bool = False,
    max_parallel: int | None = None,
    name: str | None = None,
    tags: Iterable[str] = (),
    note: str | None = None,
) -> Orders:
    """Orders from what was typed or passed.

    Raises:
        ParameterError: a tag or a number cannot be.
    """
    if max_parallel is not None and max_parallel < 1:
        raise ParameterError(f"max_parallel={max_parallel}: at least one task must run at a time")
    return Orders(
        CachePolicy(cache, tuple(refresh)),
        Conduct(fail_fast, max_parallel or 0),
        make_annotations(name=name or "", note=note or "", tags=tags),
    )


def said_of(
    orders: Orders, definition: Definition, params: Mapping[str, Any], project: Project
) -> Annotations:
    """What is said of a run when it begins: as whoever starts it says, else as its pipeline does.

    Raises:
        ParameterError: its name cannot be made.
    """
    habits = definition.habits
    template = orders.said.name or habits.run_name
    name = template
    if "{" in template:
        known = {
            **params,
            "pipeline": definition.name,
            "user": getpass.getuser(),
            "env": project.env if project.has_conf else "",
            "now": datetime.now().astimezone(),
        }
        name = _named(template, known)
    return make_annotations(name=name, note=orders.said.note, tags=(*habits.run_tags, *orders.said.tags))


def _named(template: str, known: Mapping[str, Any]) -> str:
    """A run's name from its template: ``"{pipeline} {alpha} {now:%d %b}"``."""
    try:
        fields = [field for _, field, _, _ in Formatter().parse(template) if field is not None]
    except ValueError as error:
        raise ParameterError(f"the name of a run {template!r} cannot be read: {error}") from None
    for field in fields:
        first = field.partition(".")[0].partition("[")[0]
        if first not in known:
            raise ParameterError(
                f"the name of a run {template!r} has {{{field}}}, which is no parameter",
                hint=did_you_mean(first, known),
            )
    try:
        return template.format(**{name: _Inside(value) for name, value in known.items()})
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ParameterError(f"the name of a run {template!r} cannot be made: {error}") from None


class _Inside:
    """A parameter in a template: ``{model.alpha}`` reaches into a dict, nothing reaches into an object."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __getattr__(self, name: str) -> _Inside:
        if isinstance(self._value, Mapping) and name in self._value:
            return _Inside(self._value[name])
        raise AttributeError(f"there is no {name!r} in it")

    def __getitem__(self, key: Any) -> _Inside:
        return _Inside(self._value[key])

    def __format__(self, spec: str) -> str:
        return format(self._value, spec)

    def __str__(self) -> str:
        return str(self._value)

    def __repr__(self) -> str:
        return repr(self._value)
