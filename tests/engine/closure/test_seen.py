"""Every edit here changes what the step does or may do, so it must change the key."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.closure.conftest import other

SEEN: dict[str, tuple[str, str, str]] = {}


def seen(name: str, program: str, old: str, new: str) -> None:
    assert name not in SEEN
    SEEN[name] = (program, old, new)


seen("the body", "def step(x): return x + 1", "+ 1", "+ 2")
seen("the type of a constant", "def step(x): return x + 1", "+ 1", "+ 1.0")
seen("a truth value for a number", "def step(x): return (x, 1)", "1)", "True)")
seen("a tuple constant's types", "def step(x): return x in (1, 2)", "(1, 2)", "(1, 2.0)")
seen("a set constant", "def step(x): return x in {'a', 'b'}", "'b'", "'c'")
seen("an operator", "def step(x, y): return x < y", "<", "<=")
seen("the order of arguments", "def step(x, y): return x - y", "(x, y)", "(y, x)")
seen("an argument made keyword-only", "def step(x, y): return x - y", "(x, y)", "(x, *, y)")
seen("an argument's name", "def step(x, **kw): return kw", "(x,", "(z,")
seen("an attribute name", "def step(x): return x.a", "x.a", "x.b")
seen("a method name", "def step(x): return x.a()", "x.a", "x.b")
seen("a keyword of a call", "def step(x): return dict(a=x)", "a=x", "b=x")
seen("the branch taken", "def step(x):\n    if x: return 1\n    return 2", "if x", "if not x")
seen("a None test", "def step(x):\n    if x is None: return 1\n    return 2", "is None", "is not None")
seen("and for or", "def step(x, y): return x and y", "and", "or")
seen(
    "break for continue",
    "def step(x):\n    for i in x:\n        if i: break\n        print(i)",
    "break",
    "continue",
)
seen(
    "an exception's type", "def step(x):\n    try: return x()\n    except KeyError: return 0", "Key", "Value"
)
seen(
    "what the try covers",
    "def step(x):\n    a = x()\n    try:\n        b = x()\n    except KeyError: b = 0\n    return a, b",
    "    a = x()\n    try:\n",
    "    try:\n        a = x()\n",
)
seen(
    "two locals swapped",
    "def step(x, q):\n    lo = 1; hi = 2\n    return q('lo'), lo + hi",
    "lo = 1; hi = 2",
    "hi = 1; lo = 2",
)
seen("an f-string's format", "def step(x): return f'{x:.2f}'", ".2f", ".3f")
seen("an f-string's conversion", "def step(x): return f'{x!r}'", "!r", "!s")
seen(
    "a helper in the same file",
    "def helper(x): return x\ndef step(x): return helper(x)",
    "return x\n",
    "return x * 2\n",
)
seen(
    "a helper of a helper",
    "def a(x): return x\ndef b(x): return a(x)\ndef step(x): return b(x)",
    "return x\n",
    "return -x\n",
)
seen(
    "a helper that is swapped for another",
    "def a(x): return x\ndef b(x): return -x\ndef step(x): return a(x)\ndef other(): return b",
    "return a(x)",
    "return b(x)",
)
seen(
    "which helper is called first",
    "def a(x): return x\ndef b(x): return -x\ndef step(x): return a(b(x))",
    "a(b(x))",
    "b(a(x))",
)
seen(
    "a helper imported by name",
    "from helpers import f\ndef step(x): return f(x)\n# file: helpers.py\ndef f(x): return x\n",
    "return x\n",
    "return x + 1\n",
)
seen(
    "the module a helper comes from",
    "from one import f\nimport two\ndef step(x): return f(x), two.f(x)\n# file: one.py\ndef f(x): return x\n# file: two.py\ndef f(x): return -x\n",
    "from one",
    "from two",
)
seen(
    "a helper by module and name",
    "import helpers\ndef step(x): return helpers.f(x)\n# file: helpers.py\ndef f(x): return x\n",
    "return x\n",
    "return x + 1\n",
)
seen(
    "a helper of the imported helper",
    "import helpers\ndef step(x): return helpers.f(x)\n# file: helpers.py\ndef g(x): return x\ndef f(x): return g(x)\n",
    "return x\n",
    "return x + 1\n",
)
seen(
    "a submodule under another name",
    "import pkg.sub as s\ndef step(x): return s.f(x)\n# file: pkg/__init__.py\n# file: pkg/sub.py\ndef f(x): return x\n",
    "return x\n",
    "return x + 1\n",
)
seen(
    "a submodule by its full name",
    "import pkg.sub\ndef step(x): return pkg.sub.f(x)\n# file: pkg/__init__.py\n# file: pkg/sub.py\ndef f(x): return x\n",
    "return x\n",
    "return x + 1\n",
)
seen(
    "a module from a package",
    "from pkg import sub\ndef step(x): return sub.f(x)\n# file: pkg/__init__.py\n# file: pkg/sub.py\ndef f(x): return x\n",
    "return x\n",
    "return x + 1\n",
)
seen(
    "a namespace package",
    "from pkg import sub\ndef step(x): return sub.f(x)\n# file: pkg/sub.py\ndef f(x): return x\n",
    "return x\n",
    "return x + 1\n",
)
seen(
    "a name that a package re-exports",
    "import pkg\ndef step(x): return pkg.f(x)\n# file: pkg/__init__.py\nfrom .sub import f\n# file: pkg/sub.py\ndef f(x): return x\n",
    "return x\n",
    "return x + 1\n",
)
seen(
    "a star import",
    "from helpers import *\ndef step(x): return f(x)\n# file: helpers.py\ndef f(x): return x\n",
    "return x\n",
    "return x + 1\n",
)
RELATIVE = "from pkg.flow import step\n# file: pkg/__init__.py\n# file: pkg/flow.py\n{}\n# file: pkg/helpers.py\nK = 1\ndef f(x): return x\n"
seen(
    "a relative import",
    RELATIVE.format("from .helpers import f\ndef step(x): return f(x)"),
    "return x\n",
    "return x + 1\n",
)
seen(
    "a relative import of a module",
    RELATIVE.format("from . import helpers\ndef step(x): return helpers.f(x)"),
    "return x\n",
    "return x + 1\n",
)
seen(
    "a relative import in the body",
    RELATIVE.format("def step(x):\n    from .helpers import f\n    return f(x)"),
    "return x\n",
    "return x + 1\n",
)
seen(
    "a relative module import in the body",
    RELATIVE.format("def step(x):\n    from . import helpers as h\n    return h.f(x)"),
    "return x\n",
    "return x + 1\n",
)
seen(
    "an import in the body",
    "def step(x):\n    from helpers import f\n    return f(x)\n# file: helpers.py\ndef f(x): return x\n",
    "return x\n",
    "return x + 1\n",
)
seen(
    "a module import in the body",
    "def step(x):\n    import helpers\n    return helpers.f(x)\n# file: helpers.py\ndef f(x): return x\n",
    "return x\n",
    "return x + 1\n",
)
seen(
    "a submodule import in the body",
    "def step(x):\n    import pkg.sub\n    return pkg.sub.f(x)\n# file: pkg/__init__.py\n# file: pkg/sub.py\ndef f(x): return x\n",
    "return x\n",
    "return x + 1\n",
)
seen(
    "a renamed submodule import in the body",
    "def step(x):\n    import pkg.sub as s\n    return s.f(x)\n# file: pkg/__init__.py\n# file: pkg/sub.py\ndef f(x): return x\n",
    "return x\n",
    "return x + 1\n",
)
seen(
    "an import in the body, used in a nested function",
    "def step(x):\n    import helpers\n    def go(): return [helpers.f(i) for i in x]\n    return go()\n# file: helpers.py\ndef f(x): return x\n",
    "return x\n",
    "return x + 1\n",
)
seen(
    "an import in the body, used in a lambda",
    "def step(x):\n    from helpers import f\n    return map(lambda i: f(i), x)\n# file: helpers.py\ndef f(x): return x\n",
    "return x\n",
    "return x + 1\n",
)
seen(
    "two names imported in the body",
    "def step(x):\n    from helpers import f, g\n    return f(x), g(x)\n# file: helpers.py\ndef f(x): return x\ndef g(x): return x * 3\n",
    "* 3",
    "* 4",
)
seen(
    "an import into a global in the body",
    "def load():\n    global helpers\n    import helpers\ndef step(x):\n    load()\n    return helpers.f(x)\n# file: helpers.py\ndef f(x): return x\n",
    "return x\n",
    "return x + 1\n",
)
seen(
    "a constant imported in the body",
    "def step(x):\n    from helpers import K\n    return K\n# file: helpers.py\nK = 1\n",
    "K = 1",
    "K = 2",
)
seen("a global constant", "RATE = 0.1\ndef step(x): return x * RATE", "0.1", "0.2")
seen("a global constant's type", "RATE = 1\ndef step(x): return x * RATE", "= 1", "= True")
seen(
    "a constant of another module",
    "import conf\ndef step(x): return x * conf.RATE\n# file: conf.py\nRATE = 0.1\n",
    "0.1",
    "0.2",
)
seen(
    "a constant that is computed",
    "def make(): return 1\nRATE = make()\ndef step(x): return x * RATE",
    "return 1",
    "return 2",
)
seen("a default argument", "def step(x, k=1): return x * k", "k=1", "k=2")
seen("a default that is a global", "K = 1\ndef step(x, k=K): return x * k", "K = 1", "K = 2")
seen("a helper's default", "def f(x, k=1): return x * k\ndef step(x): return f(x)", "k=1", "k=2")
seen("a keyword default", "def step(x, *, k=1): return x * k", "k=1", "k=2")
seen(
    "a default that is a function",
    "def f(x): return x\ndef step(x, k=f): return k(x)",
    "return x\n",
    "return -x\n",
)
seen("a class attribute", "class A:\n    k = 1\ndef step(x): return A.k", "k = 1", "k = 2")
seen("a method", "class A:\n    def m(self): return 1\ndef step(x): return A().m()", "return 1", "return 2")
seen(
    "a method on an object from a factory",
    "class A:\n    def m(self): return 1\ndef make(): return A()\ndef step(x): return make().m()",
    "return 1",
    "return 2",
)
seen(
    "a method that is added",
    "class A:\n    def m(self): return 1\ndef step(x): return A()",
    "def m",
    "def __len__(self): return 0\n    def m",
)
seen(
    "a static method",
    "class A:\n    @staticmethod\n    def m(): return 1\ndef step(x): return A.m()",
    "return 1",
    "return 2",
)
seen(
    "a class method",
    "class A:\n    @classmethod\n    def m(cls): return 1\ndef step(x): return A.m()",
    "return 1",
    "return 2",
)
seen(
    "a method that becomes static",
    "class A:\n    @classmethod\n    def m(cls=0): return cls\ndef step(x): return A.m()",
    "classmethod",
    "staticmethod",
)
seen(
    "a helper of a method",
    "def h(): return 1\nclass A:\n    def m(self): return h()\ndef step(x): return A().m()",
    "return 1",
    "return 2",
)
seen(
    "a base class",
    "class B:\n    def m(self): return 1\nclass A(B): pass\ndef step(x): return A().m()",
    "return 1",
    "return 2",
)
seen(
    "another base class",
    "class B: k = 1\nclass C: k = 2\nclass A(B): pass\ndef step(x): return A().k",
    "A(B)",
    "A(C)",
)
seen(
    "the order of bases",
    "class B: k = 1\nclass C: k = 2\nclass A(B, C): pass\ndef step(x): return A().k",
    "A(B, C)",
    "A(C, B)",
)
seen(
    "a base class in another module",
    "from base import B\nclass A(B): pass\ndef step(x): return A().m()\n# file: base.py\nclass B:\n    def m(self): return 1\n",
    "return 1",
    "return 2",
)
seen(
    "super",
    "class B:\n    def m(self): return 1\nclass A(B):\n    def m(self): return super().m()\ndef step(x): return A().m()",
    "return 1",
    "return 2",
)
seen(
    "a metaclass",
    "class M(type):\n    def __call__(cls, *a): return 1\nclass A(metaclass=M): pass\ndef step(x): return A()",
    "return 1",
    "return 2",
)
seen(
    "a base's __init_subclass__",
    "class B:\n    def __init_subclass__(cls, **kw): cls.k = 1\nclass A(B): pass\ndef step(x): return A.k",
    "cls.k = 1",
    "cls.k = 2",
)
seen(
    "a class decorator",
    "def deco(c):\n    c.k = 1\n    return c\n@deco\nclass A: pass\ndef step(x): return A.k",
    "c.k = 1",
    "c.k = 2",
)
WRAPPER = "import functools\ndef timed(f):\n    @functools.wraps(f)\n    def w(*a):\n        return f(*a) + 1\n    return w\n@timed\ndef h(x): return x * 3\ndef step(x): return h(x)"
seen("a decorator's wrapper", WRAPPER, "+ 1", "+ 2")
seen("what a decorator wraps", WRAPPER, "* 3", "* 4")
seen("a decorator without wraps", WRAPPER.replace("    @functools.wraps(f)\n", ""), "* 3", "* 4")
seen(
    "a decorator of the step",
    WRAPPER.replace("def step(x): return h(x)", "").replace("def h", "def step"),
    "+ 1",
    "+ 2",
)
seen(
    "the inside of a decorated step",
    WRAPPER.replace("def step(x): return h(x)", "").replace("def h", "def step"),
    "* 3",
    "* 4",
)
seen(
    "a decorator's argument",
    "def scale(k):\n    def deco(f):\n        def w(x): return f(x) * k\n        return w\n    return deco\n@scale(2)\ndef step(x): return x",
    "scale(2)",
    "scale(3)",
)
seen("a decorator removed", WRAPPER, "@timed\n", "")
seen(
    "a decorator class",
    "class D:\n    def __init__(self, f): self.f = f\n    def __call__(self, x): return self.f(x) + 1\n@D\ndef h(x): return x * 3\ndef step(x): return h(x)",
    "+ 1",
    "+ 2",
)
seen(
    "what a decorator class wraps",
    "class D:\n    def __init__(self, f): self.f = f\n    def __call__(self, x): return self.f(x) + 1\n@D\ndef h(x): return x * 3\ndef step(x): return h(x)",
    "* 3",
    "* 4",
)
seen(
    "a cell's value",
    "def make(k):\n    def step(x): return x * k\n    return step\nstep = make(2)",
    "make(2)",
    "make(3)",
)
seen(
    "a cell's function",
    "def make(f):\n    def step(x): return f(x)\n    return step\nstep = make(lambda x: x + 1)",
    "x + 1",
    "x + 2",
)
seen(
    "a cell that is a module",
    "def make():\n    import helpers\n    def step(x): return helpers.f(x)\n    return step\nstep = make()\n# file: helpers.py\ndef f(x): return x\n",
    "return x\n",
    "return x + 1\n",
)
for kind, wrap in {
    "partial": "functools.partial(h, k=2)",
    "lru_cache": "functools.lru_cache(h)",
    "cache": "functools.cache(h)",
    "partial of partial": "functools.partial(functools.partial(h), 1)",
}.items():
    seen(
        f"what {kind} holds",
        f"import functools\ndef h(x, k=0): return x * 3\ng = {wrap}\ndef step(x): return g(x)",
        "* 3",
        "* 4",
    )
seen(
    "a partial's argument",
    "import functools\ndef h(x, k): return x * k\ng = functools.partial(h, k=2)\ndef step(x): return g(x)",
    "k=2",
    "k=3",
)
seen(
    "a partialmethod",
    "import functools\nclass A:\n    def m(self, k): return k\n    n = functools.partialmethod(m, 1)\ndef step(x): return A().n()",
    "(m, 1)",
    "(m, 2)",
)
seen(
    "a cached_property",
    "import functools\nclass A:\n    @functools.cached_property\n    def m(self): return 1\ndef step(x): return A().m",
    "return 1",
    "return 2",
)
DISPATCH = "import functools\n@functools.singledispatch\ndef h(x): return 1\n@h.register\ndef _(x: int): return 2\ndef step(x): return h(x)"
seen("a singledispatch's default", DISPATCH, "return 1", "return 5")
seen("a singledispatch's case", DISPATCH, "return 2", "return 5")
seen("the type of a singledispatch's case", DISPATCH, "x: int", "x: float")
seen(
    "a singledispatchmethod's case",
    "import functools\nclass A:\n    @functools.singledispatchmethod\n    def h(self, x): return 1\n    @h.register\n    def _(self, x: int): return 2\ndef step(x): return A().h(x)",
    "return 2",
    "return 5",
)
seen(
    "a context manager of contextlib",
    "import contextlib\n@contextlib.contextmanager\ndef c():\n    yield 1\ndef step(x):\n    with c() as y: return y",
    "yield 1",
    "yield 2",
)
seen("a lambda", "f = lambda x: x + 1\ndef step(x): return f(x)", "+ 1", "+ 2")
seen("a lambda in the body", "def step(x): return sorted(x, key=lambda i: i[0])", "i[0]", "i[1]")
seen(
    "a dataclass default",
    "from dataclasses import dataclass\n@dataclass\nclass C:\n    k: int = 1\ndef step(x): return C()",
    "= 1",
    "= 2",
)
seen(
    "a dataclass field's type",
    "from dataclasses import dataclass\n@dataclass\nclass C:\n    k: int = 1\ndef step(x): return C()",
    "int",
    "float",
)
seen(
    "a dataclass field's order",
    "from dataclasses import dataclass\n@dataclass\nclass C:\n    a: int\n    b: int\ndef step(x): return C(1, 2)",
    "a: int\n    b: int",
    "b: int\n    a: int",
)
seen(
    "a dataclass option",
    "from dataclasses import dataclass\n@dataclass(order=True)\nclass C:\n    k: int = 1\ndef step(x): return C()",
    "order=True",
    "frozen=True",
)
seen(
    "a dataclass default factory",
    "from dataclasses import dataclass, field\ndef make(): return [1]\n@dataclass\nclass C:\n    k: list = field(default_factory=make)\ndef step(x): return C()",
    "[1]",
    "[2]",
)
seen(
    "a class named in a field's text",
    "from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\nclass D:\n    k: int = 1\n@dataclass\nclass C:\n    d: D\ndef step(x): return C(x)",
    "= 1",
    "= 2",
)
seen(
    "a named tuple's default",
    "from typing import NamedTuple\nclass C(NamedTuple):\n    k: int = 1\ndef step(x): return C()",
    "= 1",
    "= 2",
)
seen(
    "a named tuple's field",
    "from collections import namedtuple\nC = namedtuple('C', 'a b')\ndef step(x): return C(1, 2)",
    "'a b'",
    "'b a'",
)
ENUM = "import enum\nclass E(enum.Enum):\n    A = 1\n    B = 2\n    def m(self): return self.value * 3\ndef step(x): return {}"
seen("an enum member", ENUM.format("E.A"), "A = 1", "A = 5")
seen("an enum member that is looked up", ENUM.format("E(x)"), "B = 2", "B = 5")
seen("an enum's method", ENUM.format("E.A.m()"), "* 3", "* 4")
seen("the order of enum members", ENUM.format("list(E)"), "A = 1\n    B = 2", "B = 2\n    A = 1")
seen("which enum member a global is", ENUM.format("K") + "\nK = E.A", "K = E.A", "K = E.B")
seen("a dict for lookup", "T = {'a': 1}\ndef step(x): return T[x]", "1}", "2}")
seen("a dict's key type", "T = {1: 'a'}\ndef step(x): return T[x]", "{1:", "{1.0:")
seen("a list", "T = [1, 2]\ndef step(x): return T[x]", "[1, 2]", "[2, 1]")
seen("a list for a tuple", "T = [1, 2]\ndef step(x): return T", "[1, 2]", "(1, 2)")
seen("a set", "T = {1, 2}\ndef step(x): return x in T", "{1, 2}", "{1, 3}")
seen(
    "a function in a dict",
    "def f(x): return x\nT = {'a': f}\ndef step(x): return T['a'](x)",
    "return x\n",
    "return -x\n",
)
seen(
    "a function deep in a dict",
    "def f(x): return x\nT = {'a': [{'b': (f,)}]}\ndef step(x): return T",
    "return x\n",
    "return -x\n",
)
seen(
    "a class in a list",
    "class A:\n    def m(self): return 1\nT = [A]\ndef step(x): return T[0]().m()",
    "return 1",
    "return 2",
)
seen(
    "a registry that a decorator fills",
    "R = {}\ndef reg(f):\n    R[f.__name__] = f\n    return f\n@reg\ndef a(x): return x\ndef step(x): return R[x](x)",
    "return x\n",
    "return -x\n",
)
seen(
    "a property getter",
    "class A:\n    @property\n    def m(self): return 1\ndef step(x): return A().m",
    "return 1",
    "return 2",
)
seen(
    "a property setter",
    "class A:\n    m = property(lambda s: 1, lambda s, v: print(v))\ndef step(x): A().m = 2",
    "print(v)",
    "print(s)",
)
INSTANCE = "class A:\n    def __init__(self): self.k = 1\n    def m(self): return self.k * 3\nA0 = A()\ndef step(x): return A0.m()"
seen("the class of a global object", INSTANCE, "* 3", "* 4")
seen("the state of a global object", INSTANCE, "k = 1", "k = 2")
seen(
    "an object with slots",
    "class A:\n    __slots__ = ('k',)\n    def __init__(self): self.k = 1\nA0 = A()\ndef step(x): return A0.k",
    "k = 1",
    "k = 2",
)
seen(
    "a function in an object",
    "class A: pass\nA0 = A()\nA0.f = lambda: 1\ndef step(x): return A0.f()",
    ": 1",
    ": 2",
)
seen(
    "a bound method in a global",
    "class A:\n    def m(self): return 1\nf = A().m\ndef step(x): return f()",
    "return 1",
    "return 2",
)
seen(
    "the object of a bound method",
    "class A:\n    def __init__(self, k): self.k = k\n    def m(self): return self.k\nf = A(1).m\ndef step(x): return f()",
    "A(1)",
    "A(2)",
)
seen(
    "a subclass of dict",
    "class D(dict):\n    def __missing__(self, k): return 1\nT = D(a=1)\ndef step(x): return T[x]",
    "return 1",
    "return 2",
)
seen(
    "the items of a subclass of dict",
    "class D(dict): pass\nT = D(a=1)\ndef step(x): return T[x]",
    "a=1",
    "a=2",
)
seen("a subclass of int", "class D(int): pass\nT = D(1)\ndef step(x): return T", "D(1)", "D(2)")
seen("a subclass of set", "class D(set): pass\nT = D([1])\ndef step(x): return T", "[1]", "[2]")
seen(
    "a defaultdict's factory",
    "import collections\nT = collections.defaultdict(lambda: 1)\ndef step(x): return T[x]",
    ": 1",
    ": 2",
)
seen(
    "an OrderedDict",
    "import collections\nT = collections.OrderedDict(a=1)\ndef step(x): return T",
    "a=1",
    "a=2",
)
seen(
    "a deque's length",
    "import collections\nT = collections.deque([1], maxlen=3)\ndef step(x): return T",
    "maxlen=3",
    "maxlen=4",
)
seen("a nested function", "def step(x):\n    def f(y): return y + 1\n    return f(x)", "+ 1", "+ 2")
seen(
    "a nested function's default",
    "def step(x):\n    def f(y, k=1): return y + k\n    return f(x)",
    "k=1",
    "k=2",
)
seen(
    "a nested class",
    "def step(x):\n    class A:\n        def m(self): return 1\n    return A().m()",
    "return 1",
    "return 2",
)
seen(
    "a nested dataclass field's type",
    "import dataclasses\ndef step(x):\n    @dataclasses.dataclass\n    class A:\n        k: int = 1\n    return A()",
    "k: int",
    "k: str",
)
seen(
    "a global in a nested function",
    "K = 1\ndef step(x):\n    def f(y): return y + K\n    return f(x)",
    "K = 1",
    "K = 2",
)
seen(
    "a helper in a nested class",
    "def h(): return 1\ndef step(x):\n    class A:\n        k = h()\n    return A.k",
    "return 1",
    "return 2",
)
seen("a comprehension's body", "def step(x): return [i + 1 for i in x]", "+ 1", "+ 2")
seen("a comprehension's condition", "def step(x): return {i for i in x if i > 1}", "> 1", "> 2")
seen(
    "a helper in a comprehension",
    "def h(x): return x\ndef step(x): return {i: h(i) for i in x}",
    "return x\n",
    "return -x\n",
)
seen(
    "a helper in a generator expression",
    "def h(x): return x\ndef step(x): return sum(h(i) for i in x)",
    "return x\n",
    "return -x\n",
)
seen("an async function", "async def step(x): return x + 1", "+ 1", "+ 2")
seen("a function made async", "async def step(x): return x + 1", "async def", "def")
seen(
    "a helper that is awaited",
    "async def h(x): return x\nasync def step(x): return await h(x)",
    "return x\n",
    "return -x\n",
)
seen("a generator", "def step(x):\n    yield x + 1", "+ 1", "+ 2")
seen("a yield that becomes a return", "def step(x):\n    yield x", "yield", "return")
seen("a compiled pattern", "import re\nP = re.compile('a+')\ndef step(x): return P.match(x)", "a+", "b+")
seen(
    "a pattern's flags",
    "import re\nP = re.compile('a+')\ndef step(x): return P.match(x)",
    "('a+')",
    "('a+', re.I)",
)
seen("a path", "import pathlib\nP = pathlib.PurePosixPath('a')\ndef step(x): return P", "'a'", "'b'")
seen("a date", "import datetime\nD = datetime.date(2024, 1, 1)\ndef step(x): return D", "1, 1)", "1, 2)")
seen("a decimal", "import decimal\nD = decimal.Decimal('1')\ndef step(x): return D", "'1'", "'1.0'")
seen("a slice", "S = slice(1, 2)\ndef step(x): return x[S]", "2)", "3)")
seen("a range", "S = range(1, 2)\ndef step(x): return x[S]", "2)", "3)")
seen("an attrgetter", "import operator\nS = operator.attrgetter('a')\ndef step(x): return S(x)", "'a'", "'b'")
seen(
    "a function of the standard library", "from math import sin as f\ndef step(x): return f(x)", "sin", "cos"
)
seen(
    "a function of a package",
    "from msgspec.json import encode as f\ndef step(x): return f(x)",
    "json",
    "msgpack",
)
seen("a builtin under a global's name", "def step(x): return max(x)", "def step", "max = min\ndef step")
seen(
    "a global deleted for a builtin",
    "def len(x): return 7\ndef step(x): return len(x)",
    "def len(x): return 7\n",
    "",
)
seen("a function attribute", "def h(x): return h.k\nh.k = 1\ndef step(x): return h(x)", "h.k = 1", "h.k = 2")
seen("a recursive function", "def step(n): return 1 if n < 2 else n * step(n - 1)", "n - 1", "n - 2")
seen(
    "mutual recursion",
    "def a(n): return n and b(n - 1)\ndef b(n): return n and a(n - 1)\ndef step(n): return a(n)",
    "and a(n - 1)",
    "and a(n - 2)",
)
seen(
    "mutual recursion with the step",
    "def b(n): return n and step(n - 1)\ndef step(n): return b(n)",
    "n - 1",
    "n - 2",
)
seen("generic alias in a global", "T = list[int]\ndef step(x): return T", "int", "str")
seen(
    "a pydantic field's default",
    "from pydantic import BaseModel\nclass C(BaseModel):\n    k: int = 1\ndef step(x): return C()",
    "= 1",
    "= 2",
)
seen(
    "a pydantic field's type",
    "from pydantic import BaseModel\nclass C(BaseModel):\n    k: int = 1\ndef step(x): return C()",
    "int",
    "float",
)
seen(
    "a pydantic field's limit",
    "from pydantic import BaseModel, Field\nclass C(BaseModel):\n    k: int = Field(1, gt=0)\ndef step(x): return C()",
    "gt=0",
    "gt=1",
)
seen(
    "a pydantic validator",
    "from pydantic import BaseModel, field_validator\nclass C(BaseModel):\n    k: int = 1\n    @field_validator('k')\n    @classmethod\n    def v(cls, x): return x + 1\ndef step(x): return C()",
    "x + 1",
    "x + 2",
)
seen(
    "a pydantic validator's mode",
    "from pydantic import BaseModel, field_validator\nclass C(BaseModel):\n    k: int = 1\n    @field_validator('k', mode='before')\n    @classmethod\n    def v(cls, x): return x\ndef step(x): return C()",
    "before",
    "after",
)
seen(
    "a pydantic model's config",
    "from pydantic import BaseModel, ConfigDict\nclass C(BaseModel):\n    model_config = ConfigDict(extra='allow')\n    k: int = 1\ndef step(x): return C()",
    "allow",
    "forbid",
)
seen(
    "a pydantic model in a field",
    "from pydantic import BaseModel\nclass D(BaseModel):\n    k: int = 1\nclass C(BaseModel):\n    d: D\ndef step(x): return C(d=x)",
    "= 1",
    "= 2",
)
seen(
    "a struct's default",
    "import msgspec\nclass C(msgspec.Struct):\n    k: int = 1\ndef step(x): return C()",
    "= 1",
    "= 2",
)
seen(
    "a struct's option",
    "import msgspec\nclass C(msgspec.Struct, omit_defaults=True):\n    k: int = 1\ndef step(x): return C()",
    ", omit_defaults=True",
    "",
)
seen(
    "a protocol's default method",
    "from typing import Protocol\nclass P(Protocol):\n    def m(self): return 1\nclass A(P): pass\ndef step(x): return A().m()",
    "return 1",
    "return 2",
)
seen(
    "an abstract base's method",
    "import abc\nclass B(abc.ABC):\n    @abc.abstractmethod\n    def n(self): ...\n    def m(self): return 1\nclass A(B):\n    def n(self): pass\ndef step(x): return A().m()",
    "return 1",
    "return 2",
)
seen(
    "a generic class",
    "from typing import Generic, TypeVar\nT = TypeVar('T')\nclass A(Generic[T]):\n    def m(self): return 1\ndef step(x): return A[int]().m()",
    "return 1",
    "return 2",
)
seen(
    "a descriptor",
    "class D:\n    def __get__(self, o, t=None): return 1\nclass A:\n    k = D()\ndef step(x): return A().k",
    "return 1",
    "return 2",
)
seen(
    "a context manager class",
    "class C:\n    def __enter__(self): return 1\n    def __exit__(self, *a): pass\ndef step(x):\n    with C() as c: return c",
    "return 1",
    "return 2",
)
seen(
    "an exception class that is raised",
    "class E(Exception):\n    code = 1\ndef step(x): raise E",
    "code = 1",
    "code = 2",
)
seen(
    "a match statement",
    "def step(x):\n    match x:\n        case {'a': 1}: return 1\n        case [a, *_]: return a",
    "'a': 1",
    "'a': 2",
)
seen("a walrus", "def step(x):\n    if (y := x + 1) > 2: return y", "x + 1", "x + 2")
seen("a while loop's condition", "def step(x):\n    while x > 1: x -= 1\n    return x", "> 1", "> 2")
seen(
    "a loop's else",
    "def step(x):\n    for i in x:\n        if i: break\n    else: return 1\n    return 2",
    "else: return 1",
    "else: return 3",
)
seen("finally", "def step(x):\n    try: return x()\n    finally: print(1)", "print(1)", "print(2)")
seen("a star argument", "def step(*a, **k): return a", "*a, **k", "*k, **a")
seen("delete", "def step(x):\n    del x[0]\n    return x", "x[0]", "x[1]")
seen("assert", "def step(x):\n    assert x > 1\n    return x", "> 1", "> 2")
# the file ends here; what follows runs the table


@pytest.mark.parametrize("name", SEEN)
def test_an_edit_that_matters_changes_the_key(closure: Any, name: str) -> None:
    program, old, new = SEEN[name]
    before, after = closure(program), closure(other(program, old, new))
    assert before.digest != after.digest
    assert before.cacheable
    assert after.cacheable
    assert before.opaque == () or "global" in name


@pytest.mark.parametrize("name", SEEN)
def test_the_same_program_elsewhere_has_the_same_key(closure: Any, name: str) -> None:
    program, _, _ = SEEN[name]
    assert closure(program).digest == closure(program).digest
