"""What did the checks of the data find in a run?"""

from __future__ import annotations

from typing import Any

import msgspec

from plait.display.errors import wrapped
from plait.display.text import Text, clean
from plait.record.facts import DataCheck
from plait.record.views import Run

__all__ = ["check_lines", "check_objects"]

_MOST = 20


def check_lines(run: Run, width: int, *, only_bad: bool = False) -> list[Text]:
    """Checks that failed or warned, with rows and why, and how many passed; nothing where there were none."""
    found = run.checks
    bad = [(task, one) for task, one in found if not one.passed]
    if not found or (only_bad and not bad):
        return []
    lines = [Text("checks", "title").add(f"  {len(found) - len(bad)} of {len(found)} passed", "dim")]
    for task, one in sorted(bad, key=lambda pair: pair[1].severity)[:_MOST]:
        style = "failed" if one.severity == "error" else "warning"
        word = "✗ " if one.severity == "error" else "! "
        where = f"  on {one.on}{f' in {task}' if task else ''}"
        title = Text("  ").add(word, style).add(f"{one.dataset}: {one.check}", "bold").add(where, "dim")
        lines += [title.cut(width), *wrapped(clean(_why(one)), width, indent=6)]
    if len(bad) > _MOST:
        lines.append(Text(f"  and {len(bad) - _MOST} more", "dim"))
    return lines


def _why(one: DataCheck) -> str:
    text = one.why or "it did not pass"
    if one.rows:
        more = f", … ({one.failing} in all)" if (one.failing or 0) > len(one.rows) else ""
        text += f" (rows {', '.join(map(str, one.rows))}{more})"
    return text


def check_objects(run: Run) -> list[dict[str, Any]]:
    """The same as JSON, those that passed too."""
    return [{"task": task or None, **msgspec.structs.asdict(one)} for task, one in run.checks]
