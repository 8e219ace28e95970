"""Ways to run other code under the same name that a careless walker would miss."""

from __future__ import annotations

import sys
from typing import Any

import pytest

SNEAKY: dict[str, tuple[str, str, str]] = {
    "a global that a query names in its text": ("import pandas as pd\nRATE = 1\ndef step(x): return x.query('a > @RATE')", "RATE = 1", "RATE = 2"),
    "a table that a query engine finds by name": ("import polars as pl\nlookup = [1]\ndef step(x): return pl.sql('select * from lookup')", "lookup = [1]", "lookup = [2]"),
    "a docstring that is read": ("def h():\n    'one'\ndef step(x): return h.__doc__", "one", "two"),
    "a docstring that a method reads from its class": ("class A:\n    'one'\n    def m(self): return type(self).__doc__\ndef step(x): return A().m()", "one", "two"),
    "the name of a helper that is read": ("def one(): pass\none_ = one\ndef step(x): return one_.__name__", "def one(): pass\none_ = one", "def two(): pass\none_ = two"),
    "a plugin found by __subclasses__": ("class B: pass\nclass P(B):\n    def m(self): return 1\ndef step(x): return B.__subclasses__()[0]().m()", "return 1", "return 2"),
    "a plugin found by a class method": ("class B:\n    @classmethod\n    def all(cls): return cls.__subclasses__()\nclass P(B):\n    def m(self): return 1\ndef step(x): return B.all()", "return 1", "return 2"),
    "a plugin that __init_subclass__ registers": ("R = {}\nclass B:\n    def __init_subclass__(cls): R[cls.__name__] = cls\nclass P(B):\n    def m(self): return 1\ndef step(x): return R[x]().m()", "return 1", "return 2"),
    "a function that is hung into builtins": ("import builtins\ndef h(): return 1\nbuiltins.h_of_the_test = h\ndef step(x): return h_of_the_test()", "return 1", "return 2"),
    "a function that is hung into a package": ("import msgspec\ndef h(): return 1\nmsgspec.h_of_the_test = h\ndef step(x): return msgspec.h_of_the_test()", "return 1", "return 2"),
    "a function of another module, replaced": ("import helpers\ndef g(): return 1\nhelpers.f = g\ndef step(x): return helpers.f()\n# file: helpers.py\ndef f(): return 0\n", "return 1", "return 2"),
    "a method that is replaced": ("class A:\n    def m(self): return 0\nA.m = lambda self: 1\ndef step(x): return A().m()", "self: 1", "self: 2"),
    "a method that is replaced on the object": ("class A:\n    def m(self): return 0\nA0 = A()\nA0.m = lambda: 1\ndef step(x): return A0.m()", ": 1", ": 2"),
    "code that is replaced": ("def h(): return 0\nh.__code__ = (lambda: 1).__code__\ndef step(x): return h()", ": 1", ": 2"),
    "defaults that are replaced": ("def h(k=0): return k\nh.__defaults__ = (1,)\ndef step(x): return h()", "(1,)", "(2,)"),
    "a mutable default that is mutated": ("def h(k=[]): return k\nh().append(1)\ndef step(x): return h()", "append(1)", "append(2)"),
    "a variable that a sibling changes": ("def make():\n    k = 0\n    def step(x): return k\n    def change():\n        nonlocal k\n        k = 1\n    return step, change\nstep, change = make()\nchange()", "k = 1", "k = 2"),
    "a function in another namespace": ("import types\ndef h(): return K\nK = 0\ng = types.FunctionType(h.__code__, {'K': 1})\ndef step(x): return g()", "'K': 1", "'K': 2"),
    "code that exec made": ("exec('def h(): return 1')\ndef step(x): return h()", "return 1", "return 2"),
    "code that exec made in a namespace of its own": ("N = {}\nexec('K = 1\\ndef h(): return K', N)\nh = N['h']\ndef step(x): return h()", "K = 1", "K = 2"),
    "a class made by type()": ("A = type('A', (), {'m': lambda self: 1})\ndef step(x): return A().m()", "self: 1", "self: 2"),
    "a lazy module attribute": ("import pkg\ndef step(x): return pkg.f()\n# file: pkg/__init__.py\ndef __getattr__(name):\n    import pkg.inner as inner\n    return getattr(inner, name)\n# file: pkg/inner.py\ndef f(): return 1\n", "return 1", "return 2"),
    "an import that depends on a condition": ("def step(x):\n    if x: import one as m\n    else: import two as m\n    return m.f()\n# file: one.py\ndef f(): return 0\n# file: two.py\ndef f(): return 1\n", "return 1", "return 2"),
    "an import that is tried": ("def step(x):\n    try:\n        from one import f\n    except ImportError:\n        from two import f\n    return f()\n# file: two.py\ndef f(): return 1\n", "return 1", "return 2"),
    "a fallback at the top of a module": ("try:\n    from one import f\nexcept ImportError:\n    def f(): return 1\ndef step(x): return f()", "return 1", "return 2"),
    "a chain through modules": ("import a\ndef step(x): return a.b.c.f()\n# file: a.py\nimport b\n# file: b.py\nimport c\n# file: c.py\ndef f(): return 1\n", "return 1", "return 2"),
    "a class inside a class": ("class A:\n    class B:\n        k = 1\ndef step(x): return A.B.k", "k = 1", "k = 2"),
    "a helper in a class body": ("def h(): return 1\ndef step(x):\n    class A:\n        def m(self): return h()\n    return A", "return 1", "return 2"),
    "numpy's vectorize": ("import numpy as np\ndef h(x): return 1\nv = np.vectorize(h)\ndef step(x): return v(x)", "return 1", "return 2"),
    "a function in a scikit-learn transformer": ("from sklearn.preprocessing import FunctionTransformer\ndef h(x): return 1\nT = FunctionTransformer(func=h)\ndef step(x): return T.transform(x)", "return 1", "return 2"),
    "an option of a scikit-learn estimator": ("from sklearn.linear_model import Ridge\nT = Ridge(alpha=1)\ndef step(x): return T.fit(x)", "alpha=1", "alpha=2"),
    "a user's estimator in a pipeline": ("from sklearn.pipeline import make_pipeline\nfrom sklearn.base import BaseEstimator\nclass E(BaseEstimator):\n    def fit(self, x): return 1\nT = make_pipeline(E())\ndef step(x): return T.fit(x)", "return 1", "return 2"),
    "annotations that a package's decorator reads": ("from pydantic import validate_call\n@validate_call\ndef h(x: int): return x\ndef step(x): return h(x)", "x: int", "x: float"),
    "annotations that the code reads": ("import typing\ndef h(x: int): return x\ndef step(x): return typing.get_type_hints(h)", "x: int", "x: float"),
    "annotations that the code reads by attribute": ("def h(x: int): return x\ndef step(x): return h.__annotations__", "x: int", "x: float"),
    "annotations that a user's decorator kept": ("def typed(f):\n    hints = dict(f.__annotations__)\n    def w(x): return hints, f(x)\n    return w\n@typed\ndef h(x: int): return x\ndef step(x): return h(x)", "x: int", "x: float"),
    "class annotations of a base that reads them": ("class B:\n    def fields(self): return type(self).__annotations__\nclass A(B):\n    k: int\ndef step(x): return A().fields()", "k: int", "k: str"),
    "an argument of a generic base": ("from typing import Generic, TypeVar\nT = TypeVar('T')\nclass B(Generic[T]): pass\nclass A(B[int]): pass\ndef step(x): return A", "B[int]", "B[str]"),
    "a user's __class_getitem__": ("class A:\n    def __class_getitem__(cls, k): return 1\ndef step(x): return A[x]", "return 1", "return 2"),
    "a callable object with a package's base": ("import collections\nclass A(collections.UserDict):\n    def __call__(self): return 1\nA0 = A()\ndef step(x): return A0()", "return 1", "return 2"),
    "the value behind a user's __getattr__": ("class A:\n    def __getattr__(self, n): return 1\nA0 = A()\ndef step(x): return A0.anything", "return 1", "return 2"),
    "operators of a user's class": ("class A:\n    def __add__(self, o): return 1\nA0 = A()\ndef step(x): return A0 + x", "return 1", "return 2"),
    "a function that is a dict's key": ("def h(): return 1\nT = {h: 1}\ndef step(x): return list(T)[0]()", "return 1", "return 2"),
    "a frozenset of functions": ("def h(): return 1\nT = frozenset([h])\ndef step(x): return [f() for f in T]", "return 1", "return 2"),
    "a value inside itself": ("T = [1]\nT.append(T)\ndef step(x): return T", "[1]", "[2]"),
    "objects that know each other": ("class A: pass\na, b = A(), A()\na.o, b.o = b, a\nb.k = 1\ndef step(x): return a.o.k", "k = 1", "k = 2"),
    "a large table": ("T = list(range(100_000))\nT[77_777] = 1\ndef step(x): return T", "] = 1", "] = True"),
    "a deep table": ("T = 1\nfor _ in range(50): T = [T, {'a': (T,)}] if _ < 8 else [T]\ndef step(x): return T", "T = 1", "T = 2"),
    "a byte string of zeros": ("T = bytes(1000)\ndef step(x): return T", "bytes(1000)", "bytearray(1000)"),
    "a text with a lone surrogate": ("T = '\\ud800'\ndef step(x): return T", "ud800", "ud801"),
    "a huge number": ("T = 10 ** 6000\ndef step(x): return T", "6000", "6001"),
    "minus zero": ("T = 0.0\ndef step(x): return T", "0.0", "-0.0"),
    "which of two functions a name means": ("def a(): return 1\ndef b(): return 2\nf = a\ndef step(x): return f(), a, b", "f = a", "f = b"),
    "two modules that swap their helpers": ("import one, two\ndef step(x): return one.f(), two.f()\n# file: one.py\ndef f(): return 1\n# file: two.py\ndef f(): return 2\n", "import one, two", "import two as one, one as two"),
    "two lambdas that swap": ("T = [lambda: 1, lambda: 2]\ndef step(x): return T[0]()", "[lambda: 1, lambda: 2]", "[lambda: 2, lambda: 1]"),
    "the step's own name, read": ("def step(x): return step.__name__\nstep.__name__ = 'one'", "'one'", "'two'"),
    "a singleton that pickles by its name": ("class A:\n    k = 1\n    def __reduce__(self): return 'A0'\nA0 = A()\nA0.j = 1\ndef step(x): return A0.j", "j = 1", "j = 2"),
    "a slot of a base class": ("class B:\n    __slots__ = ('k',)\nclass A(B):\n    __slots__ = ()\nA0 = A()\nA0.k = 1\ndef step(x): return A0.k", "k = 1", "k = 2"),
    "what happens when a variable is not bound": ("def step(x):\n    try: y = z\n    except NameError: y = 1\n    z = 2\n    return y", "y = 1", "y = 2"),
    "an enum's _missing_": ("import enum\nclass E(enum.Enum):\n    A = 1\n    @classmethod\n    def _missing_(cls, v): return cls.A if v == 2 else None\ndef step(x): return E(x)", "v == 2", "v == 3"),
    "a private attribute of an enum": ("import enum\nclass E(enum.Enum):\n    A = 1\nE._table = {1: 2}\ndef step(x): return E._table", "1: 2", "1: 3"),
    "a flag that is a mixture": ("import enum\nclass F(enum.IntFlag):\n    A = 1\n    B = 2\n    C = 4\nK = F.A | F.B\ndef step(x): return K", "F.A | F.B", "F.A | F.C"),
    "a class that exec made in a nameless namespace": ("N = {}\nexec('class A: k = 1', N)\nA = N['A']\ndef step(x): return A.k", "k = 1", "k = 2"),
    "a class that claims to be a package's": ("class A:\n    k = 1\nA.__module__ = 'json'\ndef step(x): return A.k", "k = 1", "k = 2"),
    "a dataclass from a factory": ("import dataclasses\nA = dataclasses.make_dataclass('A', [('k', int, 1)])\ndef step(x): return A()", "int, 1", "int, 2"),
    "a model from a factory": ("import pydantic\nA = pydantic.create_model('A', k=(int, 1))\ndef step(x): return A()", "int, 1", "int, 2"),
    "which of two equal lists is shared": ("a, b = [len], [len]\nT = [a, a, b]\ndef step(x): return T", "[a, a, b]", "[a, b, b]"),
    "who the parent of a shared child is": ("class A: pass\np, q, c = A(), A(), A()\np.c = q.c = c\nc.p = p\nT = [p, q]\ndef step(x): return T", "c.p = p", "c.p = q"),
    "a table for a query engine that is imported in the body": ("lookup = [1]\ndef step(x):\n    import polars as pl\n    return pl.sql('select * from lookup')", "lookup = [1]", "lookup = [2]"),
    "an exception group": ("def step(x):\n    try: x()\n    except* ValueError: return_ = 1\n    return return_", "ValueError", "KeyError"),
    "the direction of a loop's exit": ("def step(x):\n    while True:\n        if x: break\n        x = x()\n    return x", "if x", "if not x"),
    "which loop is continued": ("def step(x):\n    for i in x:\n        for j in i:\n            if j: continue\n            print(j)\n        print(i)", "continue", "break"),
    "the nesting of loops": ("def step(x):\n    for i in x:\n        for j in x:\n            if i: i = j\n    return i", "            if i: i = j\n    return i", "            if i: i = j\n        return i"),
}  # fmt: skip


@pytest.mark.parametrize("name", SNEAKY)
def test_a_sneaky_edit_changes_the_key(closure: Any, name: str) -> None:
    for module in ("pandas", "polars", "sklearn", "numpy", "pydantic"):
        if f"import {module}" in SNEAKY[name][0] or f"from {module}" in SNEAKY[name][0]:
            pytest.importorskip(module)
    program, old, new = SNEAKY[name]
    assert old in program
    before = closure(program)
    assert before.cacheable, before.opaque
    assert closure(program).digest == before.digest
    assert closure(program.replace(old, new)).digest != before.digest


def test_a_function_that_hides_in_a_c_object_is_refused(closure: Any) -> None:
    pytest.importorskip("numpy")
    found = closure(
        "import numpy as np\ndef h(x): return 1\nv = np.frompyfunc(h, 1, 1)\ndef step(x): return v(x)"
    )
    assert not found.cacheable
    assert "flow:v holds a numpy.ufunc" in found.opaque[0]


def test_random_functions_of_the_module_level_generator_are_names_not_state(closure: Any) -> None:
    program = "from random import random, randint\ndef step(x): return random() + randint(1, x)"
    first = closure(program)
    import random

    random.seed(len(sys.path))
    random.random()
    assert first.cacheable
    assert closure(program).digest == first.digest


def test_a_web_of_objects_is_written_down_once(closure: Any) -> None:
    """Every path through sixty objects that all know each other would take longer than there is time."""
    program = "class A: pass\nT = [A() for _ in range(60)]\nfor a in T: a.all = T\nT[7].k = 1\ndef step(x): return T"
    found = closure(program)
    assert found.cacheable
    assert closure(program.replace("k = 1", "k = 2")).digest != found.digest


def test_a_chain_that_is_too_long_is_refused(closure: Any) -> None:
    found = closure("T = None\nfor i in range(5000): T = [T, len]\ndef step(x): return T")
    assert not found.cacheable
    assert "it is nested too deeply" in found.opaque[0]


def test_a_wrapper_that_is_not_the_user_s_is_said(closure: Any) -> None:
    program = "import collections, functools\ndef h(x): return 1\nw = functools.update_wrapper(collections.UserDict(k=1), h)\ndef step(x): return w"
    found = closure(program)
    assert found.opaque == (
        "flow:w is wrapped by collections.UserDict: the options of the wrapper are not in the key",
    )
    assert closure(program.replace("return 1", "return 2")).digest != found.digest
