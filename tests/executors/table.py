"""Which executor keeps which promise? The table of ``docs/executors.md``, from what a run of the suite has shown.

As a plugin of pytest (``-p tests.executors.table``) it writes the cells of what was run, and leaves the others as they
are.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from executors.adapters import ADAPTERS
from executors.promises import PROMISES

PAGE = Path(__file__).parents[2] / "docs" / "executors.md"
NOT_RUN = "?"
_TABLE = re.compile(r"(<!-- table: make conformance -->\n)(.*?)(<!-- end -->)", re.DOTALL)

_outcomes: dict[tuple[str, str], set[str]] = {}


def read_table(text: str) -> dict[tuple[str, str], str]:
    """The cells of the page, by promise and executor."""
    found = _TABLE.search(text)
    lines = [
        [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        for line in (found[2] if found else "").splitlines()
        if line.startswith("| ")
    ]
    if not lines:
        return {}
    (_, *names), *rows = (row for row in lines if not set(row[0]) <= {"-", ":"})
    return {
        (row[0], name.strip("`")): cell for row in rows for name, cell in zip(names, row[1:], strict=True)
    }


def write_table(cells: dict[tuple[str, str], str]) -> str:
    """The table as Markdown: a row for each promise of the suite, a column for each executor."""
    names = [one.name for one in ADAPTERS]
    lines = [
        "| promise | " + " | ".join(f"`{name}`" for name in names) + " |",
        "|---|" + "---|" * len(names),
    ]
    for text in PROMISES.values():
        row = [cells.get((text, name), NOT_RUN) for name in names]
        lines.append(f"| {text} | " + " | ".join(row) + " |")
    return "\n".join(lines) + "\n"


def merged(text: str, new: dict[tuple[str, str], str]) -> str:
    """The page with the cells that are new."""
    table = write_table({**read_table(text), **new})
    return _TABLE.sub(lambda found: found[1] + table + found[3], text)


def pytest_runtest_logreport(report: Any) -> None:
    for name, value in report.user_properties:
        if name == "promise" and report.when == "call":
            test, executor, outcome = json.loads(value)
            kept = outcome if report.outcome in ("passed", "skipped") else "no"
            _outcomes.setdefault((test, executor), set()).add(kept)


def pytest_sessionfinish(session: Any) -> None:
    if hasattr(session.config, "workerinput") or not _outcomes:
        return
    import executors.test_conformance  # noqa: F401 - it makes the promises known

    new = {
        (PROMISES[test], executor): said.pop() if len(said) == 1 else "no"
        for (test, executor), said in _outcomes.items()
    }
    text = PAGE.read_text(encoding="utf-8")
    changed = merged(text, new)
    if changed != text:
        PAGE.write_text(changed, encoding="utf-8")
