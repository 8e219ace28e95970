"""Which part of a pipeline is meant? Steps by their own names, by datasets, tags and groups; never an empty part."""

from __future__ import annotations

import re
from collections.abc import Iterable

from msgspec import Struct

from plait.errors import DefinitionError, did_you_mean
from plait.graph.model import ROOT, Branch, Graph, Group, Loop, Path
from plait.graph.slicing import downstream, input_names, leaves, reads, upstream
from plait.graph.values import Last, Output

__all__ = ["Selection", "choose", "element_of", "whole"]

_ELEMENT = re.compile(r"(.+)\[(\d+(?:,\d+)*)\]")


class Selection(Struct, frozen=True, omit_defaults=True):
    """Words that choose steps; a step has to fit all kinds of them that are given.

    Attributes:
        from_: these and what depends on them; of a dataset, the steps that read it.
        to: these and what they depend on; of a dataset, the step that makes it.
        only: these alone; ``fit[3]`` is one element of a mapped step.
        tags: those with one of the tags.
        groups: those in one of the groups.
    """

    from_: tuple[str, ...] = ()
    to: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return any(self._words())

    def __str__(self) -> str:
        """As it is typed: ``--from split --tag slow``."""
        options = ("--from", "--to", "--only", "--tag", "--group")
        return " ".join(
            f"{option} {name}" for option, names in zip(options, self._words(), strict=True) for name in names
        )

    def _words(self) -> tuple[tuple[str, ...], ...]:
        return self.from_, self.to, self.only, self.tags, self.groups


def element_of(graph: Graph, selection: Selection) -> tuple[int, Path] | None:
    """The one task that a selection means, if it means a task: ``only=["fit[3]"]``.

    Raises:
        DefinitionError: there is no such step, it has no such elements, or more is selected beside it.
    """
    elements = [name for name in selection.only if _ELEMENT.fullmatch(name)]
    if not elements:
        return None
    name = elements[0]
    if str(selection) != f"--only {name}":
        raise DefinitionError(
            f"{name} is one element of a step, and is run alone", hint=f"leave out the rest: --only {name}"
        )
    found = _ELEMENT.fullmatch(name)
    assert found is not None
    nodes = sorted(_steps_called(graph, found[1]))
    if not nodes:
        raise _unknown(graph, found[1], "step", _steps(graph))
    if len(nodes) > 1:
        ids = [graph.nodes[node].id for node in nodes]
        raise DefinitionError(
            f"{found[1]!r} is {len(nodes)} steps: {', '.join(ids)}", hint="name one of them"
        )
    path = tuple(map(int, found[2].split(",")))
    depth = len(graph.layout.node_axes[nodes[0]])
    if len(path) != depth:
        says = f"its elements have {depth} numbers: {found[1]}[{','.join('0' * depth)}]" if depth else ""
        raise DefinitionError(
            f"{found[1]!r} has no element {name.removeprefix(found[1])}"
            + ("" if depth else ": it is one task, and no each(…) or repeat(…) is around it"),
            hint=says or f"--only {found[1]}",
        )
    return nodes[0], path


def choose(graph: Graph, selection: Selection) -> set[int]:
    """The nodes that a selection means; a loop is chosen as a whole, a branch with what decides about it.

    Raises:
        DefinitionError: a name is unknown (the nearest is named), or nothing is left.
    """
    found = whole(graph, _matching(graph, selection))
    if not any(graph.nodes[node].is_step for node in found):
        raise _nothing_left(graph, selection)
    return found


def _matching(graph: Graph, selection: Selection) -> set[int]:
    """The nodes that fit all kinds of words."""
    found = set(range(len(graph.nodes)))
    if selection.from_:
        found &= downstream(graph, _begin(graph, selection.from_))
    if selection.to:
        found &= upstream(graph, _named(graph, selection.to))
    if selection.only:
        found &= _named(graph, selection.only)
    if selection.groups:
        found &= _in_groups(graph, selection.groups)
    if selection.tags:
        found &= _tagged(graph, selection.tags)
    return found


def _begin(graph: Graph, names: Iterable[str]) -> set[int]:
    """Where ``--from`` begins: a step, a group, or the steps that read a dataset."""
    found: set[int] = set()
    inputs = {spec.name for spec in graph.inputs}
    for name in names:
        steps = _steps_called(graph, name)
        made = graph.layout.by_output.get(name)
        if steps:
            found |= steps
        elif name in inputs:
            found |= {node for node in range(len(graph.nodes)) if name in input_names(graph, node)}
        elif made is not None:
            readers = _readers(graph, made)
            if not readers:
                raise DefinitionError(
                    f"nothing in pipeline {graph.name!r} reads {name!r}, so nothing runs from it",
                    hint=f"{graph.nodes[made[0]].id} makes it: --from {graph.nodes[made[0]].id}",
                )
            found |= readers
        else:
            raise _unknown(graph, name, "step or dataset", [*_steps(graph), *inputs, *graph.layout.by_output])
    return found


def _readers(graph: Graph, made: tuple[int, int]) -> set[int]:
    """The nodes that read one output of a node, in their arguments or in what decides about them."""
    return {
        node
        for node in range(len(graph.nodes))
        if made[0] in reads(graph, node)
        and any(isinstance(leaf, Output) and (leaf.node, leaf.output) == made for leaf in leaves(graph, node))
    }


def _named(graph: Graph, names: Iterable[str]) -> set[int]:
    """Steps, groups, and the steps that make a dataset."""
    found: set[int] = set()
    for name in names:
        steps = _steps_called(graph, name)
        made = graph.layout.by_output.get(name)
        if not steps and made is None:
            raise _unknown(graph, name, "step or dataset", [*_steps(graph), *graph.layout.by_output])
        found |= steps or {made[0]}  # type: ignore[index]
    return found


def _steps_called(graph: Graph, name: str) -> set[int]:
    """Nodes by their id, by the name of their step, or by the group that they are in."""
    exact = graph.find_node(name)
    if exact is not None:
        return {exact}
    return {
        index
        for index, node in enumerate(graph.nodes)
        if node.id.startswith(f"{name}.") or name == graph.steps[node.step].name
    }


def _in_groups(graph: Graph, names: Iterable[str]) -> set[int]:
    groups = {
        scope.name: index
        for index, scope in enumerate(graph.scopes)
        if isinstance(scope, Group) and index != ROOT
    }
    found: set[int] = set()
    for name in names:
        if name not in groups:
            if not groups:
                raise DefinitionError(
                    f"pipeline {graph.name!r} has no group {name!r}, and no other",
                    hint="a pipeline that is called in a pipeline is a group",
                )
            raise _unknown(graph, name, "group", groups)
        found |= set(graph.layout.subtree(groups[name]))
    return found


def _tagged(graph: Graph, names: Iterable[str]) -> set[int]:
    tags = {tag for node in range(len(graph.nodes)) for tag in graph.options(node).tags}
    for name in names:
        if name not in tags:
            if not tags:
                raise DefinitionError(
                    f"no step of pipeline {graph.name!r} has the tag {name!r}, nor any other",
                    hint=f'write @step(tags=["{name}"])',
                )
            raise _unknown(graph, name, "tag", tags)
    wanted = set(names)
    return {node for node in range(len(graph.nodes)) if wanted.intersection(graph.options(node).tags)}


def _steps(graph: Graph) -> list[str]:
    names = [node.id for node in graph.nodes if node.is_step]
    return [*names, *(scope.name for scope in graph.scopes[1:] if isinstance(scope, Group))]


def _unknown(graph: Graph, name: str, what: str, known: Iterable[str]) -> DefinitionError:
    names = list(dict.fromkeys(known))
    hint = did_you_mean(name, names) or f"there is: {', '.join(names[:8])}"
    return DefinitionError(f"pipeline {graph.name!r} has no {what} {name!r}", hint=hint)


def _nothing_left(graph: Graph, selection: Selection) -> DefinitionError:
    """Each word alone fits some step, and no step fits all of them: the nearest is what the fewest words exclude."""
    kinds = (
        Selection(from_=selection.from_),
        Selection(to=selection.to),
        Selection(only=selection.only),
        Selection(tags=selection.tags),
        Selection(groups=selection.groups),
    )
    chosen = [(kind, _matching(graph, kind)) for kind in kinds if kind]
    misses = {
        node: [kind for kind, nodes in chosen if node not in nodes]
        for node in range(len(graph.nodes))
        if graph.nodes[node].is_step
    }
    nearest = min(misses, key=lambda node: len(misses[node]))
    which = " and ".join(str(kind) for kind in misses[nearest])
    return DefinitionError(
        f"no step of pipeline {graph.name!r} fits {selection}",
        hint=f"the nearest is {graph.nodes[nearest].id}, which is not in {which}",
    )


def whole(graph: Graph, chosen: set[int]) -> set[int]:
    """What a choice takes with it: the rest of a loop, and the decision that a branch hangs on."""
    found: set[int] = set()
    todo = list(chosen)
    while todo:
        node = todo.pop()
        if node in found:
            continue
        found.add(node)
        scope = graph.nodes[node].scope
        while scope != ROOT:
            match graph.scopes[scope]:
                case Branch(test=test):
                    todo.append(test)
                case Loop():
                    todo += graph.layout.subtree(scope)
                    todo += _ends(graph, scope)
            scope = graph.scopes[scope].parent
        if graph.nodes[node].kind == "either":
            # Which of its values is there, only all of the branches tell.
            uncertain = downstream(graph, _in_branches(graph))
            todo += upstream(graph, [node]) & uncertain
        elif graph.nodes[node].kind == "repeat":
            todo += [one for loop in _loops_of(graph, node) for one in graph.layout.subtree(loop)]
    return found


def _in_branches(graph: Graph) -> set[int]:
    return {
        node
        for branches in graph.layout.branches.values()
        for one in branches
        for node in graph.layout.subtree(one)
    }


def _ends(graph: Graph, loop: int) -> list[int]:
    """The nodes that say what a loop ends with."""
    return [
        node
        for node, one in enumerate(graph.nodes)
        if one.kind == "repeat" and loop in _loops_of(graph, node)
    ]


def _loops_of(graph: Graph, node: int) -> set[int]:
    return {value.scope for _, value in graph.nodes[node].args if isinstance(value, Last)}
