"""What does the run decide itself? Conditions, cases, ends of rounds, and which value goes on: from small values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from plait.data import Artifact, ArtifactStore
from plait.errors import StepError
from plait.graph.branches import same_case
from plait.graph.conditions import apply, truth
from plait.graph.model import Branch, Graph, Node, Path
from plait.graph.unfold import is_there, resolve
from plait.graph.values import Last, Test, Value
from plait.record.results import ListArg, Results, Stored, Tree, load_tree

__all__ = ["Decided", "decide"]


class Decided(Struct, frozen=True):
    """What came out: the values of the node, for `Done` its choice and why, and a note worth keeping."""

    artifacts: tuple[Artifact, ...]
    choice: int = -1
    said: str = ""
    note: str = ""


def decide(graph: Graph, results: Results, node: int, path: Path) -> Decided:
    """Decide what a node that is no step decides; all that it needs has a result.

    Raises:
        StepError: a condition is neither true nor false, or a value is among no cases.
    """
    chosen = graph.nodes[node]
    return _DECIDERS[chosen.kind](_At(graph, results, node, path, chosen))


class _At:
    """A node at a path, and the values that it sees from there."""

    def __init__(self, graph: Graph, results: Results, node: int, path: Path, chosen: Node) -> None:
        self.graph = graph
        self.results = results
        self.store: ArtifactStore = results.store
        self.node = node
        self.path = path
        self.chosen = chosen
        self.args = dict(chosen.args)

    def value(self, value: Value) -> Any:
        if isinstance(value, Test):
            return apply(value.op, [self.value(operand) for operand in value.operands])
        return load_tree(self.store, self.tree(value))

    def tree(self, value: Value) -> Tree:
        return self.results.tree(value, self.chosen.scope, self.path)

    def condition(self) -> bool:
        try:
            return truth(self.value(self.args["condition"]))
        except Exception as error:
            raise StepError(
                f"the condition {self.chosen.text!r} cannot be decided: {error}",
                where=self.chosen.where,
                hint="a condition is True or False: compare, or return a bool from the step",
            ) from error

    def taken(self, value: Any) -> int:
        """The position of the branch that a value takes among those of the node; -1 for none."""
        default = -1
        for position, scope in enumerate(self.graph.layout.branches.get(self.node, ())):
            branch = self.graph.scopes[scope]
            assert isinstance(branch, Branch)
            if any(same_case(value, case) for case in branch.cases):
                return position
            if branch.default:
                default = position
        return default


def _when(at: _At) -> Decided:
    met = at.condition()
    return Decided((at.store.save(met),), at.taken(met), f"{at.chosen.text} was {met}")


def _switch(at: _At) -> Decided:
    tree = at.tree(at.args["value"])
    value = load_tree(at.store, tree)
    position = at.taken(value)
    if position < 0:
        branches = [at.graph.scopes[scope] for scope in at.graph.layout.branches.get(at.node, ())]
        cases = ", ".join(repr(case) for one in branches if isinstance(one, Branch) for case in one.cases)
        raise StepError(
            f"switch: {at.chosen.text} is {value!r:.80}, which is none of the cases {cases}",
            where=at.chosen.where,
            hint="add the case, or with case.default(): …",
        )
    return Decided((_artifact(at.store, tree, 0),), position, f"{at.chosen.text} was {value!r:.60}")


def _until(at: _At) -> Decided:
    met, rounds = at.condition(), at.path[-1] + 1
    limit = at.value(at.args["limit"])
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 1:
        raise StepError(f"limit={limit!r:.40} is no number of rounds", where=at.chosen.where)
    last = met or rounds >= limit
    note = _unmet(at.chosen.text, rounds) if last and not met else ""
    if note and at.value(at.args["limit_is_error"]):
        raise StepError(note, where=at.chosen.where, hint="raise the limit, or look at what each round gave")
    return Decided((at.store.save(met),), int(last), note or f"{at.chosen.text} was {met}", note)


def _either(at: _At) -> Decided:
    for name, value in at.chosen.args:
        if is_there(at.results, resolve(at.graph, at.results, value, at.chosen.scope, at.path)):
            depth = at.graph.layout.splits[0].get((at.node, 0), 0)
            return Decided((_artifact(at.store, at.tree(value), depth),), said=f"took {name}")
    raise StepError(f"{at.chosen.text}: none of them ran", where=at.chosen.where)


def _repeat(at: _At) -> Decided:
    splits = at.graph.layout.splits[0]
    artifacts = tuple(
        _artifact(at.store, at.tree(value), splits.get((at.node, position), 0))
        for position, (_, value) in enumerate(at.chosen.args)
    )
    last = at.chosen.args[0][1]
    assert isinstance(last, Last)
    rounds = at.results.extent(last.scope, at.path) or 0
    end = getattr(at.graph.scopes[last.scope], "until", -1)
    met = at.results.outputs(end, (*at.path, rounds - 1))
    said = f"{rounds} round{'s' if rounds > 1 else ''}"
    note = _unmet(at.chosen.text, rounds) if met and not at.store.load(met[0]) else ""
    return Decided(artifacts, said=said, note=note)


def _result(at: _At) -> Decided:
    depth = at.graph.layout.splits[0].get((at.node, 0), 0)
    return Decided((_artifact(at.store, at.tree(at.args["value"]), depth),))


def _unmet(text: str, rounds: int) -> str:
    return f"{text} was not true after {rounds} round{'s' if rounds > 1 else ''}, the limit" if text else ""


def _artifact(store: ArtifactStore, tree: Tree, depth: int) -> Artifact:
    """A value as one artifact; what is stored already is not stored again."""
    if isinstance(tree, Stored):
        return tree.artifact
    if isinstance(tree, ListArg) and not tree.is_tuple:
        return store.gather([_artifact(store, item, depth - 1) for item in tree.items])
    value = load_tree(store, tree)
    return _apart(store, value, depth)


def _apart(store: ArtifactStore, value: Any, depth: int) -> Artifact:
    if depth <= 0:
        return store.save(value)
    if not isinstance(value, list | tuple):
        raise StepError(f"each(…) needs a list, got {type(value).__name__}: {value!r:.80}")
    return store.gather([_apart(store, item, depth - 1) for item in value])


_DECIDERS: dict[str, Callable[[_At], Decided]] = {
    "when": _when,
    "switch": _switch,
    "until": _until,
    "either": _either,
    "repeat": _repeat,
    "result": _result,
}
