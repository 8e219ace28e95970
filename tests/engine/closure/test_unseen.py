"""No edit here changes what the step does, so none may change the key."""

from __future__ import annotations

import sys
from typing import Any

import pytest

UNSEEN: dict[str, tuple[str, str]] = {
    "a comment": ("def step(x):\n    return x", "def step(x):  # why\n    # because\n    return x"),
    "a docstring that is added": ("def step(x):\n    return x, None", 'def step(x):\n    "text"\n    return x, None'),
    "a docstring that changes": ('def step(x):\n    "a"\n    return "a"', 'def step(x):\n    "b"\n    return "a"'),
    "a docstring before many constants": (
        "def step(x):\n    return " + " + ".join(f"x[{i}.5]" for i in range(300)),
        "def step(x):\n    'text'\n    return " + " + ".join(f"x[{i}.5]" for i in range(300)),
    ),
    "a docstring of a class": ("class A:\n    k = 1\ndef step(x): return A.k", "class A:\n    'text'\n    k = 1\ndef step(x): return A.k"),
    "a docstring of a method": ("class A:\n    def m(self): return 1\ndef step(x): return A.m", "class A:\n    def m(self):\n        'text'\n        return 1\ndef step(x): return A.m"),
    "a docstring of a nested function": ("def step(x):\n    def f(): return None\n    return f", "def step(x):\n    def f():\n        'text'\n        return None\n    return f"),
    "a docstring of a nested class": ("def step(x):\n    class A:\n        k = 1\n    return A", "def step(x):\n    class A:\n        'text'\n\n        k = 1\n    return A"),
    "a docstring of the module": ("def step(x): return x", '"text"\ndef step(x): return x'),
    "a docstring of a property": ("class A:\n    @property\n    def m(self): return 1\ndef step(x): return A", "class A:\n    @property\n    def m(self):\n        'text'\n        return 1\ndef step(x): return A"),
    "blank lines": ("def step(x):\n    y = x\n    return y", "\n\n\ndef step(x):\n\n    y = x\n\n\n    return y"),
    "a statement over many lines": (
        "def step(x, y):\n    a, b = x.f(y, k=1), [i for i in y if i and x]\n    return a and b or (y if x else None)",
        "def step(\n    x,\n    y,\n):\n    (\n        a,\n        b,\n    ) = (\n        x\n        .f(\n            y,\n            k=1,\n        ),\n        [\n            i\n            for i in y\n            if i\n            and x\n        ],\n    )\n    return (\n        a\n        and b\n        or (\n            y\n            if x\n            else None\n        )\n    )",
    ),
    "conditions over many lines": (
        "def step(x, y):\n    while x and not y or x > 1:\n        if x is None or y: continue\n        x = x - 1; y = 2\n    return x",
        "def step(x, y):\n    while (\n        x\n        and not y\n        or x > 1\n    ):\n        if (\n            x is None\n            or y\n        ):\n            continue\n        x = x - 1\n        y = 2\n    return x",
    ),
    "quotes and brackets": ("def step(x): return 'a' + (x)", 'def step(x):\n    return "a" + x'),
    "pass that does nothing": ("def step(x):\n    return x", "def step(x):\n    pass\n    return x"),
    "annotations": ("def step(x): return x", "def step(x: int, /) -> str: return x".replace(", /", "")),
    "annotations of a helper": ("def f(x, *a, k=1): return x\ndef step(x): return f(x)", "def f(x: list[int], *a: str, k: float = 1) -> 'A': return x\ndef step(x): return f(x)"),
    "annotations of a method": ("class A:\n    def m(self, x): return x\ndef step(x): return A", "class A:\n    def m(self, x: int) -> int: return x\ndef step(x): return A"),
    "annotations of a local variable": ("def step(x):\n    y = x\n    return y", "def step(x):\n    y: int = x\n    return y"),
    "annotations of a nested function": ("def step(x):\n    def f(y, *, k=x): return y + x\n    return f", "class T: pass\ndef step(x):\n    def f(y: T, *, k: list[int] = x) -> 'T': return y + x\n    return f"),
    "annotations of a global": ("K = 1\ndef step(x): return K", "K: int = 1\ndef step(x): return K"),
    "a future import": ("def f(x: int): return x\ndef step(x): return f(x)", "from __future__ import annotations\ndef f(x: int): return x\ndef step(x): return f(x)"),
    "the order of definitions": ("K = 1\ndef f(x): return K\nclass A:\n    a = 1\n    def m(self): return f(1)\ndef step(x): return f(x), A", "def step(x): return f(x), A\nclass A:\n    def m(self): return f(1)\n    a = 1\ndef f(x): return K\nK = 1"),
    "an unrelated function": ("def step(x): return x", "def other(): return 1\ndef step(x): return x\nK = 1\nclass A: pass"),
    "an unrelated import": ("def step(x): return x", "import json, helpers\ndef step(x): return x\n# file: helpers.py\nK = 1\n"),
    "an unrelated function of a module that is used": ("import helpers\ndef step(x): return helpers.f(x)\n# file: helpers.py\ndef f(x): return x\n", "import helpers\ndef step(x): return helpers.f(x)\n# file: helpers.py\nK = 2\ndef g(x): return K\ndef f(x): return x\n"),
    "an unrelated lambda": ("f = lambda x: x\ndef step(x): return f(x)", "g = lambda x: -x\nf = lambda x: x\ndef step(x): return f(x)"),
    "the order of a set": ("S = {'a', 'b', 'c', 1, (1, 'd')}\ndef step(x): return x in S", "S = {(1, 'd'), 1, 'c', 'b', 'a'}\ndef step(x): return x in S"),
    "the order in which attributes are set": ("class A: pass\nA0 = A()\nA0.a = 1\nA0.b = 2\ndef step(x): return A0", "class A: pass\nA0 = A()\nA0.b = 2\nA0.a = 1\ndef step(x): return A0"),
    "the name of the logger": ("import logging\nlog = logging.getLogger('a')\ndef step(x): log.info('x')", "import logging\nlog = logging.getLogger('b')\nlog.setLevel(10)\ndef step(x): log.info('x')"),
    "an alias of an import": ("import helpers\nK = helpers\ndef step(x): return helpers.f(x)\n# file: helpers.py\ndef f(x): return x\n", "import helpers\ndef step(x): return helpers.f(x)\n# file: helpers.py\ndef f(x): return x\n"),
    "equal numbers, written otherwise": ("def step(x): return x + 1_000", "def step(x): return x + 1000"),
    "constant folding": ("def step(x): return x + 24 * 60", "def step(x): return x + 1440"),
    "a method's place in its class's file": ("class A:\n    def a(self): return 1\n    def b(self): return 2\ndef step(x): return A", "class A:\n    def b(self): return 2\n    def a(self): return 1\ndef step(x): return A"),
    "a helper's cache": ("import functools\n@functools.lru_cache(maxsize=3)\ndef f(x): return x\ndef step(x): return f(x)", "import functools\n@functools.lru_cache(maxsize=3)\ndef f(x): return x\nf(1)\ndef step(x): return f(x)"),
    "a value that a cached property worked out": ("import functools\nclass A:\n    @functools.cached_property\n    def m(self): return 1\nA0 = A()\ndef step(x): return A0.m", "import functools\nclass A:\n    @functools.cached_property\n    def m(self): return 1\nA0 = A()\nA0.m\ndef step(x): return A0.m"),
    "the first use of a class with a protocol": ("from typing import Protocol\nclass P(Protocol):\n    def m(self): ...\nclass A(P):\n    def m(self): return 1\ndef step(x): return A()", "from typing import Protocol\nclass P(Protocol):\n    def m(self): ...\nclass A(P):\n    def m(self): return 1\nA()\ndef step(x): return A()"),
    "the first use of a model": ("from pydantic import BaseModel\nclass A(BaseModel):\n    k: int = 1\n    def m(self): return 1\ndef step(x): return A()", "from pydantic import BaseModel\nclass A(BaseModel):\n    k: int = 1\n    def m(self): return 1\na = A(k=3)\na.k = 4\na.model_dump_json(); A.model_json_schema()\ndef step(x): return A()"),
    "the first use of an enum": ("import enum\nclass E(enum.Flag):\n    A = 1\n    B = 2\ndef step(x): return E(x)", "import enum\nclass E(enum.Flag):\n    A = 1\n    B = 2\nE(3); ~E.A\ndef step(x): return E(x)"),
    "what an attribute is called that only self sets": ("class A:\n    def __init__(self): self.a = 1\ndef step(x): return A()", "class A:\n\n    def __init__(self):\n        self.a = 1\n\ndef step(x):\n    return A()"),
}  # fmt: skip


@pytest.mark.parametrize("name", UNSEEN)
def test_an_edit_that_does_not_matter_keeps_the_key(closure: Any, name: str) -> None:
    before, after = UNSEEN[name]
    first, second = closure(before), closure(after)
    assert [(c.name, c.digest) for c in first.components] == [(c.name, c.digest) for c in second.components]
    assert first.digest == second.digest


RENAMED = {
    "a plain step": "def step(x): return x + 1",
    "a recursive step": "def step(n): return 1 if n < 2 else n * step(n - 1)",
    "a step with a nested function": "def step(x):\n    def f(): return [i for i in x]\n    return f()",
    "a step with a nested class": "def step(x):\n    class A:\n        def m(self): return super().m()\n    return A",
    "a step and its helper that call each other": "def h(n): return n and step(n - 1)\ndef step(n): return n and h(n - 1)",
    "a step with defaults": "K = [1]\ndef step(x, k=K, *, j=2): return x",
    "a decorated step": "import functools\ndef timed(f):\n    @functools.wraps(f)\n    def w(*a): return f(*a)\n    return w\n@timed\ndef step(x): return x + step(x)",
    "a step that a lambda calls": "again = lambda x: step(x)\ndef step(x): return again(x)",
    "a step in a registry": "R = {}\ndef step(x): return R['a'](x)\nR['a'] = step",
    "a step that looks at its module": "def step(x): return globals()",
    "an attribute of the step": "def step(x): return step.k\nstep.k = 1",
}


@pytest.mark.parametrize("name", RENAMED)
def test_the_name_of_the_step_does_not_matter(closure: Any, name: str) -> None:
    program = RENAMED[name]
    assert closure(program).digest == closure(program.replace("step", "train"), "flow:train").digest


@pytest.mark.parametrize("name", RENAMED)
def test_the_name_of_the_module_does_not_matter(closure: Any, name: str) -> None:
    program = RENAMED[name]
    assert closure(program).digest == closure("# file: deep/other.py\n" + program, "deep.other:step").digest


def test_a_folder_of_another_name_does_not_matter(programs: Any) -> None:
    program = "from pkg.h import f\ndef step(x): return f(x)\n# file: pkg/h.py\ndef f(x): return x\n"
    first = programs.closure(program)
    programs.folder = programs.folder / "elsewhere" / "deeper"
    assert first.digest == programs.closure(program).digest


def test_a_path_in_the_project_counts_from_the_project(programs: Any) -> None:
    program = "from pathlib import Path\nROOT = Path(__file__).parent.parent\nTABLE = ROOT / 'data' / 'a.csv'\ndef step(x): return ROOT, TABLE"
    program = f"# file: pyproject.toml\n\n# file: src/flow.py\n{program}"
    first = programs.closure("# file: src/__init__.py\n" + program, "src.flow:step")
    second = programs.closure("# file: src/__init__.py\n" + program, "src.flow:step")
    assert first.digest == second.digest
    assert any("flow:TABLE is a path in the project" in sentence for sentence in first.opaque)
    other = programs.closure("# file: src/__init__.py\n" + program.replace("a.csv", "b.csv"), "src.flow:step")
    assert other.digest != first.digest


def test_code_that_ran_often_has_the_key_of_code_that_never_ran(programs: Any) -> None:
    """The interpreter rewrites hot code in place; the key is that of the code as it was compiled."""
    program = (
        "class A:\n    k = 1\n    def m(self): return self.k\n"
        "def h(x): return sum(i for i in x) + A().m()\n"
        "def step(x):\n    t = 0\n    for i in x:\n        t += i * 2 + len(x) + h(x)\n    return t"
    )
    cold = programs.closure(program)
    step = programs.load(program)
    for _ in range(3000):
        step([1, 2, 3])
    from plait.engine.closure import closure_of

    assert closure_of(step).digest == cold.digest


def test_code_under_a_debugger_has_the_same_key(programs: Any) -> None:
    program = "def h(x): return x + 1\ndef step(x):\n    y = h(x)\n    return y"
    plain = programs.closure(program)
    step = programs.load(program)
    before = sys.gettrace()
    sys.settrace(lambda *a: lambda *b: None)
    try:
        step(1)
        from plait.engine.closure import closure_of

        traced = closure_of(step)
    finally:
        sys.settrace(before)
    assert traced.digest == plain.digest
