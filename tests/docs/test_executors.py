"""Does the page of executors say what the suite of promises says, and are its options those that there are?"""

from __future__ import annotations

import re

import executors.test_conformance  # noqa: F401 - it makes the promises known
import pytest
from executors.adapters import ADAPTERS
from executors.promises import PROMISES, expected
from executors.table import NOT_RUN, PAGE, merged, read_table, write_table

from plait.project.components import KINDS, Component

TEXT = PAGE.read_text(encoding="utf-8")


def test_the_table_says_what_the_suite_says():
    cells = read_table(TEXT)
    assert set(cells) == {(text, one.name) for text in PROMISES.values() for one in ADAPTERS}
    wrong = {
        (text, one.name): found
        for test, text in PROMISES.items()
        for one in ADAPTERS
        if (found := cells[text, one.name]) != expected(one, test)
    }
    assert wrong == {}, "make conformance, which runs the suite and writes what it has seen"


def test_what_was_not_run_is_left_as_it_was():
    (first, second), (one, other) = list(PROMISES.values())[:2], [one.name for one in ADAPTERS][:2]
    page = (
        f"before\n<!-- table: make conformance -->\n{write_table({(first, one): 'yes'})}<!-- end -->\nafter\n"
    )
    cells = read_table(merged(page, {(second, other): "no"}))
    assert (cells[first, one], cells[second, other], cells[first, other]) == ("yes", "no", NOT_RUN)
    assert merged(page, {}) == page


@pytest.mark.parametrize("name", KINDS["executor"].types)
def test_each_executor_has_a_section_with_all_its_options(name: str):
    section = re.search(rf"^### `{name}`\n(.*?)(?=^##|\Z)", TEXT, re.MULTILINE | re.DOTALL)
    assert section, f"docs/executors.md has no section ### `{name}`"
    options = Component("executor", name, KINDS["executor"].types[name]).known
    assert [one for one in options if f"`{one}`" not in section[1]] == []
