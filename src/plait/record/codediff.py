"""How does the code of two runs differ? Piece by piece of what their steps reached."""

from __future__ import annotations

import difflib

from msgspec import Struct

from plait.errors import RecordError
from plait.record.closures import Closure, Component
from plait.record.views import Run

__all__ = ["CodeDiff", "PieceDiff", "StepDiff", "code_diff"]

_MOST_STEPS = 200
_LONGEST = 200_000  # characters of one diff


class PieceDiff(Struct, frozen=True):
    """A piece of code that one run has otherwise than the other; ``diff`` is a unified one, from left to right."""

    name: str
    kind: str
    change: str
    where: str
    diff: str


class StepDiff(Struct, frozen=True):
    step: str
    same: bool
    components: list[PieceDiff]


class CodeDiff(Struct, frozen=True):
    """Step by step, those that differ first; a step that one of the runs lacks has all of its pieces."""

    steps: list[StepDiff]


def code_diff(left: Run, right: Run, step: str | None = None) -> CodeDiff:
    """What differs in the code that two runs ran with.

    Raises:
        RecordError: neither has the step.
    """
    names = [step] if step else list(dict.fromkeys([*_steps(left), *_steps(right)]))[:_MOST_STEPS]
    if step and step not in _steps(left) and step not in _steps(right):
        raise RecordError(f"run {left.id} has no step {step!r}, nor has {right.id}")
    found = [_step_diff(left, right, name) for name in names]
    found.sort(key=lambda one: one.same)
    return CodeDiff(found)


def _steps(run: Run) -> list[str]:
    return [node.id for node in run.graph.nodes if node.is_step]


def _digest(run: Run, name: str) -> str | None:
    node = run.graph.find_node(name)
    return run.closures.get(node) if node is not None else None


def _pieces(run: Run, name: str) -> dict[str, Component]:
    node = run.graph.find_node(name)
    if node is None or node not in run.closures:
        return {}
    closure: Closure = run.closure(node)
    pieces = {one.name: one for one in closure.components}
    for package, version in closure.packages:
        pieces[f"package {package}"] = Component(package, "package", version, version)
    return pieces


def _step_diff(left: Run, right: Run, name: str) -> StepDiff:
    digest = _digest(left, name)
    if digest is not None and digest == _digest(right, name):
        return StepDiff(name, True, [])
    before, after = _pieces(left, name), _pieces(right, name)
    found = []
    for piece in dict.fromkeys([*before, *after]):
        old, new = before.get(piece), after.get(piece)
        if old is not None and new is not None and old.digest == new.digest:
            continue
        one = new or old
        assert one is not None
        change = "changed" if old and new else "added" if new else "removed"
        found.append(PieceDiff(piece, one.kind, change, one.where, _diff(old, new, left.id, right.id)))
    return StepDiff(name, not found, found)


def _diff(old: Component | None, new: Component | None, left: str, right: str) -> str:
    lines = difflib.unified_diff(
        old.detail.splitlines() if old else [],
        new.detail.splitlines() if new else [],
        f"run {left}",
        f"run {right}",
        lineterm="",
    )
    return "\n".join(lines)[:_LONGEST]
