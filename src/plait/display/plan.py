"""How is a plan shown? Its steps in the order of the pipeline, mapped ones folded to counts, and what changed."""

from __future__ import annotations

from typing import Any

from plait.data import ArtifactStore
from plait.display.outline import Row, outline, taken_text
from plait.display.text import Text, columns
from plait.display.why import difference_lines, difference_object, headline
from plait.display.words import seconds
from plait.engine.plan import Plan, PlanItem
from plait.engine.why import Difference, Why
from plait.graph.model import Loop

__all__ = ["plan_head", "plan_object", "plan_page"]

_MOST_DIFFERENCES = 12
_MOST_EXPLAINED = 200
_MARKS = {
    "run": ("▸", "running"),
    "unknown": ("?", "warning"),
    "cached": ("≡", "cached"),
    "decided": ("◇", "dim"),
    "skipped": ("·", "dim"),
}
_WORDS = {"run": "to run", "cached": "cached", "unknown": "not known yet", "skipped": "skipped"}


def plan_page(plan: Plan, store: ArtifactStore, width: int) -> list[Text]:
    """Head, steps and, for what is to run, what changed since the closest earlier task."""
    by_node: dict[int, list[PlanItem]] = {}
    for item in plan.items:
        by_node.setdefault(item.node, []).append(item)
    explained = _explain(plan, by_node)
    rows = [_row(plan, row, by_node, explained, store) for row in outline(plan.graph)]
    lines = [plan_head(plan), Text(), *columns(rows, width=width, right=(1,), shrink=(3, 2, 0))]
    changes = _changes(plan, explained, store, width)
    if changes:
        lines += [Text(), Text("what changed", "title"), *changes]
    notes = _notes(plan, explained)
    if notes:
        lines += [Text(), Text("to be known", "title"), *[note.cut(width) for note in notes]]
    return lines


def plan_head(plan: Plan) -> Text:
    counts = plan.counts
    line = Text(plan.pipeline, "bold").add("  ")
    if plan.is_done:
        return line.add("nothing to do", "done").add(f": {_tasks(counts['cached'])} cached", "dim")
    said = [f"{counts[kind]} {word}" for kind, word in _WORDS.items() if counts[kind]]
    line.add(", ".join(said))
    if plan.seconds is not None:
        least = "at least " if counts["unknown"] else ""
        line.add(f"  {least}about {seconds(plan.seconds)} of work", "dim")
    return line


def _tasks(count: int) -> str:
    return f"{count} task{'s' if count != 1 else ''}"


def _explain(plan: Plan, by_node: dict[int, list[PlanItem]]) -> dict[int, Why]:
    """For each node that is to run why its first such task is."""
    found: dict[int, Why] = {}
    if plan.explain is None:
        return found
    for node, items in by_node.items():
        first = next((item for item in items if item.decision == "run"), None)
        if first is not None and len(found) < _MOST_EXPLAINED:
            found[node] = plan.explain(first)
    return found


def _row(
    plan: Plan, row: Row, by_node: dict[int, list[PlanItem]], explained: dict[int, Why], store: ArtifactStore
) -> list[Text]:
    label = Text("  " * row.depth)
    takes = taken_text(row.takes, 60)
    if row.node is None:
        return [label.add("▾ ", "dim").add(row.label, "bold"), Text(), Text(), takes]
    items = by_node.get(row.node, [])
    kinds = {item.decision for item in items}
    worst = next((kind for kind in _MARKS if kind in kinds), "cached")
    label.add(*_MARKS[worst]).add(" ").add(row.label)
    return [
        label,
        Text(_count(plan, row.node, items), "dim"),
        _reason(row.node, items, worst, explained, store),
        takes,
    ]


def _count(plan: Plan, node: int, items: list[PlanItem]) -> str:
    """How many tasks are to run of how many; where one stands for more, the number is open."""
    axes = plan.graph.layout.node_axes[node]
    if not axes:
        return ""
    loops = any(isinstance(plan.graph.scopes[axis], Loop) for axis in axes)
    if any(len(item.path) < len(axes) or (loops and item.decision == "unknown") for item in items):
        return "?"
    to_do = sum(item.decision in ("run", "unknown") for item in items)
    return f"{to_do} of {len(items)}" if to_do else str(len(items))


def _reason(
    node: int, items: list[PlanItem], worst: str, explained: dict[int, Why], store: ArtifactStore
) -> Text:
    if not items:
        return Text("empty list", "dim")
    chosen = next(item for item in items if item.decision == worst)
    if worst == "cached":
        sources = list(dict.fromkeys(item.source for item in items if item.source))
        said = f"run {sources[0]}" if len(sources) == 1 else f"{len(sources)} runs"
        return Text("cached", "cached").add(f"  {said}" if sources else f"  {chosen.reason}", "dim")
    if worst in ("decided", "skipped"):
        last = items[-1]  # of the rounds of a loop the last says how it ends
        return Text(last.reason, "dim")
    if worst == "unknown":
        return Text(chosen.reason, "warning")
    why = explained.get(node)
    said = chosen.reason
    if why is not None and chosen.reason == "no result with this code and these inputs":
        said = headline(why, store) or said
    return Text(said, "running")


def _changes(plan: Plan, explained: dict[int, Why], store: ArtifactStore, width: int) -> list[Text]:
    """Each difference once, with the steps that it makes run."""
    steps: dict[tuple[str, str, str, str], list[str]] = {}
    first: dict[tuple[str, str, str, str], Difference] = {}
    for node, why in explained.items():
        for one in why.differences:
            identity = (one.kind, one.name, one.text, one.where)
            first.setdefault(identity, one)
            steps.setdefault(identity, []).append(plan.graph.nodes[node].id)
    lines: list[Text] = []
    for identity, one in list(first.items())[:_MOST_DIFFERENCES]:
        names = steps[identity]
        said = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
        head, *rest = difference_lines(one, store, max(30, width - len(said) - 4))
        lines += [head.add(f"  ⇒ {said}", "dim"), *rest]
    if len(first) > _MOST_DIFFERENCES:
        lines.append(Text(f"  … and {len(first) - _MOST_DIFFERENCES} more: plait plan --json", "dim"))
    return lines


def _notes(plan: Plan, explained: dict[int, Why]) -> list[Text]:
    found = [
        Text("  ").add(plan.graph.nodes[node].id, "name").add(f": {note}")
        for node, why in explained.items()
        for note in why.notes
    ]
    return found[:_MOST_DIFFERENCES]


def plan_object(plan: Plan, store: ArtifactStore) -> dict[str, Any]:
    """The same for programs: every task; explanations for the first ones that are to run."""
    items = []
    explained = 0
    for item in plan.items:
        found: dict[str, Any] = {
            "task": plan.name(item),
            "step": plan.graph.nodes[item.node].id,
            "decision": item.decision,
            "reason": item.reason,
            "source": item.source or None,
            "key": item.key,
        }
        if item.decision == "run" and plan.explain is not None and explained < _MOST_EXPLAINED:
            explained += 1
            why = plan.explain(item)
            found["closest"] = {"run": why.closest.run, "task": why.closest.task} if why.closest else None
            found["differences"] = [difference_object(one, store) for one in why.differences]
            found["notes"] = list(why.notes)
        items.append(found)
    return {
        "pipeline": plan.pipeline,
        "done": plan.is_done,
        "counts": plan.counts,
        "seconds": plan.seconds,
        "items": items,
    }
