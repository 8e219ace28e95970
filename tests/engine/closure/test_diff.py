"""What a person reads when a step runs again."""

from __future__ import annotations

from typing import Any

from plait.engine.closure import diff

PROGRAM = """\
RATE = 0.1
API_TOKEN = "one"

def add_fees(price):
    fee = price * RATE
    return price + fee

def step(table, limit=10):
    return [add_fees(p) for p in table][:limit], API_TOKEN
"""


def shown(closure: Any, old: str, new: str, program: str = PROGRAM) -> list[str]:
    assert old in program
    return [str(change) for change in diff(closure(program), closure(program.replace(old, new)))]


def where(line: int) -> str:
    return f"flow.py:{line})"


def test_equal_closures_have_no_difference(closure: Any) -> None:
    assert diff(closure(PROGRAM), closure("# the same\n" + PROGRAM)) == []


def test_a_function_shows_the_lines_that_changed(closure: Any) -> None:
    (change,) = shown(closure, "price + fee", "price - fee")
    head, *lines = change.splitlines()
    assert head.startswith("changed function flow:add_fees (")
    assert head.endswith(where(4))
    assert lines == [
        "  @@ -1,3 +1,3 @@",
        "   def add_fees(price):",
        "       fee = price * RATE",
        "  -    return price + fee",
        "  +    return price - fee",
    ]


def test_a_constant_shows_both_values(closure: Any) -> None:
    assert shown(closure, "0.1", "0.25") == ["changed constant flow:RATE: 0.1 → 0.25"]


def test_a_default_shows_both_values(closure: Any) -> None:
    assert shown(closure, "limit=10", "limit=20") == ["changed constant flow:step(limit): 10 → 20"]


def test_a_value_that_looks_like_a_secret_is_never_shown(closure: Any) -> None:
    (change,) = shown(closure, '"one"', '"two"')
    assert change == "changed constant flow:API_TOKEN: ••• (another value, shown alike)"


def test_a_step_under_a_new_name_is_compared_with_its_old_self(closure: Any) -> None:
    new = PROGRAM.replace("def step", "def price_all").replace("0.1", "0.3")
    changes = diff(closure(PROGRAM), closure(new, "flow:price_all"))
    assert [str(change) for change in changes] == ["changed constant flow:RATE: 0.1 → 0.3"]


def test_a_program_that_runs_as_another_module_differs_only_where_it_differs(closure: Any) -> None:
    new = "# file: other.py\n" + PROGRAM.replace("limit=10", "limit=5").replace("0.1", "0.2")
    changes = diff(closure(PROGRAM), closure(new, "other:step"))
    assert [str(change) for change in changes] == [
        "changed constant other:RATE: 0.1 → 0.2",
        "changed constant other:step(limit): 10 → 5",
    ]


def test_a_helper_that_is_replaced_is_added_and_removed(closure: Any) -> None:
    new = PROGRAM.replace("add_fees", "with_fees")
    changes = diff(closure(PROGRAM), closure(new))
    assert [(change.change, change.name) for change in changes] == [
        ("changed", "flow:step"),
        ("added", "flow:with_fees"),
        ("removed", "flow:add_fees"),
    ]
    assert "+def with_fees(price):" in changes[1].text
    assert "-def add_fees(price):" in changes[2].text


def test_a_class_shows_the_attribute_that_changed_and_a_method_shows_itself(closure: Any) -> None:
    program = "class A:\n    k = 1\n    def m(self):\n        return 2\ndef step(x): return A"
    (change,) = shown(closure, "k = 1", "k = 3", program)
    assert change.splitlines()[0].startswith("changed class flow:A (")
    assert "  -    k = 1" in change.splitlines()
    (change,) = shown(closure, "return 2", "return 4", program)
    assert change.splitlines()[0].startswith("changed function flow:A.m (")
    assert "  +    return 4" in change.splitlines()


def test_a_package_shows_both_versions() -> None:
    from plait.engine.closure import Closure, Component

    def with_numpy(version: str) -> Closure:
        root = Component("flow:step", "function", "a")
        return Closure(version, (root, Component("numpy", "module-package", version, version)))

    assert [str(c) for c in diff(with_numpy("1.26.4"), with_numpy("2.0.0"))] == [
        "changed package numpy: 1.26.4 → 2.0.0"
    ]


def test_the_same_text_that_means_something_else_says_so(closure: Any) -> None:
    program = "from one import f\nimport two\ndef step(x): return f(x), two.f(x)\n# file: one.py\ndef f(x): return x\n# file: two.py\ndef f(x): return x\n"
    changes = shown(closure, "from one", "from two", program)
    assert changes[0].endswith("the same text; a name in it leads to something else")
