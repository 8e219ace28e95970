"""How do stacks, their components and what was found about them look?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from plait.display.text import Text, clean, columns

if TYPE_CHECKING:
    from plait.launch.checkup import Checkup
    from plait.project.components import Component, Option
    from plait.project.integrations import Integration
    from plait.project.stack import Stack, StackName

__all__ = ["checkup_line", "component_object", "integration_lines", "stack_lines", "stack_list", "type_lines"]


def stack_list(names: Sequence[StackName], current: str, width: int) -> list[Text]:
    """One line for each stack; the one that is used here has a mark."""
    rows = [
        [
            Text("▸" if one.name == current else " ", "done"),
            Text(one.name, "name"),
            Text(one.where or "what plait does without a word", "dim"),
        ]
        for one in names
    ]
    return columns(rows, width=width, shrink=(2,), indent=0, gap=1)


def stack_lines(stack: Stack, options: Mapping[int, Mapping[str, Any]], width: int) -> list[Text]:
    """One line for each component, with its options as they may be shown."""
    rows = []
    for at, one in enumerate(stack):
        shown = "  ".join(f"{name}: {clean(_value(value))}" for name, value in options[at].items())
        rows.append(
            [Text(one.kind), Text(one.type, "name"), Text(shown), Text(one.where or "default", "dim")]
        )
    return columns(rows, width=width, shrink=(2, 3))


def component_object(one: Component, options: Mapping[str, Any]) -> dict[str, Any]:
    return {"kind": one.kind, "type": one.type, "options": dict(options), "where": one.where or None}


def checkup_line(one: Checkup) -> list[Text]:
    mark = Text("✓ ", "done") if one.is_well else Text("✗ ", "failed")
    took = f"  {one.seconds:.1f} s"
    head = mark.add(f"{one.kind} ").add(one.type, "name").add("  ").add(clean(one.said)).add(took, "dim")
    return [head] if not one.hint else [head, Text(f"  → {clean(one.hint)}")]


def type_lines(types: Mapping[str, tuple[str, Sequence[Option]]], width: int) -> list[Text]:
    """The types of one kind, each with its options."""
    lines: list[Text] = []
    for name, (what, options) in types.items():
        lines.append(Text("  ").add(name, "name").add(f"  {clean(what)}", "dim").cut(width))
        rows = [
            [Text(f"    {one.name}"), Text("needed" if one.required else f"{_value(one.default)}", "dim")]
            for one in options
        ]
        lines += columns(rows, width=width)
    return lines


def integration_lines(found: Sequence[Integration], width: int) -> list[Text]:
    rows = [
        [
            Text("✓" if one.is_installed else " ", "done"),
            Text(one.name, "name"),
            Text(
                ", ".join(one.missing) if one.missing else ", ".join(one.packages),
                "" if one.missing else "dim",
            ),
        ]
        for one in found
    ]
    return columns(rows, width=width, shrink=(2,), indent=0)


def _value(value: Any) -> str:
    if value is None:
        return "–"
    return str(value)
