"""How is it said why a task ran? The differences from the closest earlier task, code as diffs, values old → new."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

from plait.data import ArtifactStore
from plait.display.text import Text, clean, columns
from plait.display.values import at_hand, value_of_tree
from plait.display.words import ago, mark, value_text
from plait.engine.why import Difference, Why
from plait.errors import PlaitError
from plait.record.results import DictArg, ListArg, Plain, Stored, Tree

__all__ = ["difference_lines", "headline", "why_object", "why_page"]

_MOST_DIFF_LINES = 40
_MOST_INSIDE = 6


def why_page(why: Why, store: ArtifactStore, run_id: str, width: int) -> list[Text]:
    """A task, what was decided for it, and what differs from the closest earlier one."""
    lines = [
        mark(why.state).add(" ").add(why.task, "bold").add(f" of run {run_id}  ").add(why.state, why.state)
    ]
    if why.decision:
        lines.append(Text("  ").add(why.decision))
    closest = why.closest
    if closest is not None and why.state != "cached":
        when = f", {_ago(closest.made_at)}" if closest.made_at else ""
        lines.append(Text(f"  compared with {closest.task} of run {closest.run}{when}", "dim"))
    if why.differences:
        lines += [Text(), Text("what changed", "title")]
        for difference in why.differences:
            lines += difference_lines(difference, store, width)
    elif closest is None and why.state != "cached":
        lines.append(Text("  no earlier run has a result of this step", "dim"))
    elif why.state not in ("cached", "skipped"):
        lines.append(Text("  code and inputs are the same as then", "dim"))
    lines += [Text(), *_made_of(why, store, width)]
    if why.notes:
        lines += [
            Text(),
            Text("to be known", "title"),
            *[Text(f"  {clean(note)}").cut(width) for note in why.notes],
        ]
    return lines


def _made_of(why: Why, store: ArtifactStore, width: int) -> list[Text]:
    """The components of the key, each on a line."""
    rows: list[list[str | Text]] = []
    closure = why.components.closure
    if closure is not None:
        kinds = ("function", "class", "constant", "file")
        # What is not the user's own, such as `len`, is only known by its name.
        own = [
            part
            for part in closure.components
            if part.kind in kinds and not (part.kind == "constant" and part.detail.startswith("builtins."))
        ]
        names = ", ".join(part.name.rpartition(":")[2] for part in own[:8])
        more = f" and {len(own) - 8} more" if len(own) > 8 else ""
        rows.append([Text("code", "dim"), f"{names}{more}", Text(closure.digest[:12], "dim")])
        if closure.packages:
            said = ", ".join(f"{name} {version}" for name, version in closure.packages)
            rows.append([Text("packages", "dim"), said])
    for part in why.components.inputs:
        source = f"← {part.source}" if part.source else "written in the pipeline"
        if part.run:
            source += f" of run {part.run}"
        rows.append(
            [
                Text(part.name, "name"),
                value_of_tree(store, part.value, max(20, width // 2)),
                Text(source, "dim"),
            ]
        )
    if why.key:
        rows.append([Text("key", "dim"), Text(why.key, "dim")])
    return [Text("made of", "title"), *columns(rows, width=width, shrink=(1, 2))]


def difference_lines(
    difference: Difference, store: ArtifactStore, width: int, *, indent: int = 2
) -> list[Text]:
    """One difference: a line, and below it the diff of a source or what is different inside a value."""
    pad = " " * indent
    first = Text(pad).add(_spoken(difference), "dim").add(f" {_short_name(difference)}", "name")
    if difference.kind in ("parameter", "input"):
        return _value_lines(difference, store, width, first, pad)
    if difference.kind in ("function", "class"):
        first.add(f" {difference.change}").add(f"  {difference.where}" if difference.where else "", "dim")
        body = difference.text.splitlines()
        lines = [first.cut(width)]
        if difference.change != "changed":
            return lines
        for line in body[:_MOST_DIFF_LINES]:
            style = {"+": "done", "-": "failed", "@": "dim"}.get(line[:1], "")
            lines.append(Text(f"{pad}  ").add(clean(line.expandtabs(4)), style).cut(width))
        if len(body) > _MOST_DIFF_LINES:
            lines.append(Text(f"{pad}  … {len(body) - _MOST_DIFF_LINES} lines more", "dim"))
        return lines
    if difference.change == "changed":
        first.add(f"  {clean(difference.text)}")
    else:
        first.add(f" {difference.change}").add(
            f"  {clean(difference.text)}" if difference.text else "", "dim"
        )
    return [first.cut(width)]


def _value_lines(
    difference: Difference, store: ArtifactStore, width: int, first: Text, pad: str
) -> list[Text]:
    if difference.change != "changed" or difference.old is None or difference.new is None:
        tree = difference.new or difference.old
        said = value_of_tree(store, tree, width // 2) if tree else ""
        return [first.add(f" {difference.change}").add(f"  {said}", "dim").cut(width)]
    if _is_dataset(difference.old) and _is_dataset(difference.new):
        return [first.add("  has other data than then").cut(width)]
    room = max(16, (width - first.width - 8) // 2)
    inside = list(_inside(difference.old, difference.new, store))
    if inside:
        lines = [first.add("  changed inside").add(_source(difference), "dim").cut(width)]
        for name, old, new in inside[:_MOST_INSIDE]:
            lines.append(Text(f"{pad}  ").add(name, "name").add(f"  {old} → {new}").cut(width))
        if len(inside) > _MOST_INSIDE:
            lines.append(Text(f"{pad}  … and {len(inside) - _MOST_INSIDE} more", "dim"))
        return lines
    old, new = value_of_tree(store, difference.old, room), value_of_tree(store, difference.new, room)
    first.add(f"  {old} → {new}" if old != new else f"  {new}, with another content")
    return [first.add(_source(difference), "dim").cut(width)]


def _source(difference: Difference) -> str:
    if difference.kind == "parameter":
        return f"  ({difference.where})" if difference.where not in ("", difference.name) else ""
    made = f" of run {difference.new_run}" if difference.new_run else ""
    before = f", before of run {difference.old_run}" if difference.old_run else ""
    return f"  made by {difference.where}{made}{before}"


def _inside(old: Tree, new: Tree, store: ArtifactStore) -> Iterator[tuple[str, str, str]]:
    """Where two small dicts differ: the path inside, and both values there."""
    before, after = _small(old, store), _small(new, store)
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _dicts(before, after, "")


def _dicts(before: dict[Any, Any], after: dict[Any, Any], at: str) -> Iterator[tuple[str, str, str]]:
    for key in dict.fromkeys([*before, *after]):
        name = f"{at}.{key}" if at else str(key)
        if key not in before or key not in after:
            yield name, _word(before, key), _word(after, key)
        elif isinstance(before[key], dict) and isinstance(after[key], dict):
            yield from _dicts(before[key], after[key], name)
        elif repr(before[key]) != repr(after[key]):
            yield name, _word(before, key), _word(after, key)


def _word(values: dict[Any, Any], key: Any) -> str:
    return value_text(values[key], 40) if key in values else "nothing"


def _small(tree: Tree, store: ArtifactStore) -> Any:
    if isinstance(tree, Plain):
        return tree.value
    if isinstance(tree, Stored) and at_hand(tree.artifact):
        try:
            return store.load(tree.artifact)
        except PlaitError:
            return None
    return None


def headline(why: Why, store: ArtifactStore, width: int = 60) -> str:
    """The differences in a few words: ``alpha 0.1 → 0.3, helper changed``."""
    if why.closest is None:
        return "never run before"
    said = [_few_words(one, store) for one in why.differences]
    if not said:
        return ""
    text = ", ".join(said[:3]) + (f" and {len(said) - 3} more" if len(said) > 3 else "")
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _few_words(one: Difference, store: ArtifactStore) -> str:
    name = _short_name(one)
    if one.change != "changed":
        return f"{name} {one.change}"
    if one.kind == "parameter" and one.old is not None and one.new is not None:
        inside = list(_inside(one.old, one.new, store))
        if len(inside) == 1:
            return f"{name}.{inside[0][0]} {inside[0][1]} → {inside[0][2]}"
        old, new = value_of_tree(store, one.old, 24), value_of_tree(store, one.new, 24)
        return f"{name} {old} → {new}" if old != new else f"{name} changed"
    if one.kind in ("constant", "package") and len(one.text) <= 40:
        return f"{name} {one.text}"
    return f"{name} changed"


def _short_name(one: Difference) -> str:
    return one.name.rpartition(":")[2] if one.kind in ("function", "class", "constant") else one.name


def _spoken(one: Difference) -> str:
    return "dataset" if _is_dataset(one.new) else {"opaque": "code"}.get(one.kind, one.kind)


def _is_dataset(tree: Tree | None) -> bool:
    return isinstance(tree, Stored) and tree.artifact.format == "dataset"


def _ago(at: float) -> str:
    return ago(datetime.datetime.fromtimestamp(at).astimezone())


def why_object(why: Why, store: ArtifactStore) -> dict[str, Any]:
    """The same for programs."""
    closest, closure = why.closest, why.components.closure
    return {
        "task": why.task,
        "state": why.state,
        "decision": why.decision,
        "key": why.key,
        "source": why.source or None,
        "closest": {"run": closest.run, "task": closest.task, "key": closest.key} if closest else None,
        "differences": [difference_object(one, store) for one in why.differences],
        "notes": list(why.notes),
        "code": closure.digest if closure else None,
        "packages": dict(closure.packages) if closure else {},
        "inputs": [
            {
                "name": part.name,
                "kind": part.kind,
                "source": part.source or None,
                "run": part.run or None,
                **_value_object(part.value, store),
            }
            for part in why.components.inputs
        ],
    }


def difference_object(one: Difference, store: ArtifactStore) -> dict[str, Any]:
    found: dict[str, Any] = {"kind": one.kind, "name": one.name, "change": one.change}
    if one.text:
        found["text"] = one.text
    if one.where:
        found["where" if one.kind not in ("parameter", "input") else "source"] = one.where
    if one.old is not None:
        found["old"] = _value_object(one.old, store)
    if one.new is not None:
        found["new"] = _value_object(one.new, store)
    runs = {"old_run": one.old_run, "new_run": one.new_run}
    return found | {name: run for name, run in runs.items() if run}


def _value_object(tree: Tree, store: ArtifactStore) -> dict[str, Any]:
    found: dict[str, Any] = {"text": value_of_tree(store, tree, 200)}
    if isinstance(tree, Stored):
        found["artifact"] = tree.artifact.id
    elif isinstance(tree, ListArg | DictArg):
        found["items"] = len(tree.items)
    return found
