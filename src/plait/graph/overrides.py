"""Who else has a say in how steps run? Rules from outside the code: a selector, and the options that it sets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import msgspec
from msgspec import Struct

from plait.errors import DefinitionError, did_you_mean
from plait.graph.model import Graph, Node
from plait.graph.options import make_options

__all__ = ["Rule", "as_configured", "in_force", "override"]

EVERY = "*"
TAG = "tag:"


class Rule(Struct, frozen=True):
    """Options for the steps that a selector names.

    ``selector`` is ``*``, ``tag:NAME``, a step's name, the id of a node or of a group. ``typed`` says that it was
    given for this run: it is over what files say, and names nothing by mistake only.
    """

    selector: str
    options: dict[str, Any]
    where: str
    typed: bool = False


_rules: ContextVar[Sequence[Rule]] = ContextVar("plait_rules", default=())


@contextmanager
def in_force(rules: Sequence[Rule]) -> Iterator[None]:
    """While a pipeline is traced inside, its parts are chosen by what the rules say too, such as tags."""
    token = _rules.set(rules)
    try:
        yield
    finally:
        _rules.reset(token)


def as_configured(graph: Graph) -> Graph:
    """The graph with the options that the rules in force give it; one that names nothing here is no mistake yet."""
    return override(graph, _rules.get(), strict=False)


def override(graph: Graph, rules: Sequence[Rule], *, strict: bool = True) -> Graph:
    """The graph with options set from outside: those for all steps first, then by tag, then by name.

    Of rules of one kind the later one wins.

    Raises:
        DefinitionError: an option is unknown or wrong, or a selector names nothing.
    """
    if not rules:
        return graph
    unused = set(range(len(rules)))
    nodes = list(graph.nodes)
    for index, node in enumerate(nodes):
        if not node.is_step:
            continue
        step = graph.steps[node.step]
        options = graph.options(index)
        for at in _in_order(rules):
            rule = rules[at]
            if _selects(rule.selector, node, step.name, options.tags):
                unused.discard(at)
                options = make_options(rule.options, where=rule.where, base=options, step=node.id)
        if options != graph.options(index):
            nodes[index] = msgspec.structs.replace(node, options=options)
    for at in sorted(unused) if strict else ():
        _unmatched(graph, rules[at])
    return msgspec.structs.replace(graph, nodes=tuple(nodes))


def _in_order(rules: Sequence[Rule]) -> Iterable[int]:
    def rank(at: int) -> int:
        selector = rules[at].selector
        return 0 if selector == EVERY else 1 if selector.startswith(TAG) else 2

    return sorted(range(len(rules)), key=lambda at: (rules[at].typed, rank(at)))


def _selects(selector: str, node: Node, step: str, tags: tuple[str, ...]) -> bool:
    if selector == EVERY:
        return True
    if selector.startswith(TAG):
        return selector[len(TAG) :] in tags
    return selector in (node.id, step) or node.id.startswith(f"{selector}.")


def _unmatched(graph: Graph, rule: Rule) -> None:
    # A wrong option is a mistake wherever it stands.
    make_options(rule.options, where=rule.where, step=rule.selector)
    if not rule.typed:
        return
    steps = [node.id for node in graph.nodes if node.is_step]
    tags = {f"{TAG}{tag}" for index in range(len(graph.nodes)) for tag in graph.options(index).tags}
    raise DefinitionError(
        f"pipeline {graph.name!r} has no step {rule.selector!r}",
        where=rule.where,
        hint=did_you_mean(rule.selector, [*steps, *sorted(tags)]) or f"its steps are {', '.join(steps[:8])}",
    )
