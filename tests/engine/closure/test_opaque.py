"""What cannot be seen through makes the key wider or takes the cache away, and says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from plait.engine.closure import closure_of
from plait.errors import DefinitionError

# Each of these can reach any name of its module, so an edit anywhere in it counts.
WIDE = {
    "eval()": "def step(x): return eval(x)",
    "exec()": "def step(x): exec(x)",
    "globals()": "def step(x): return globals()[x]()",
    "locals()": "def step(x): return locals()",
    "vars()": "def step(x): return vars()",
    "__import__()": "def step(x): return __import__(x)",
    "importlib.import_module()": "import importlib\ndef step(x): return importlib.import_module(x)",
    "sys.modules": "import sys\ndef step(x): return getattr(sys.modules[__name__], x)()",
    "sys._getframe()": "import sys\ndef step(x): return sys._getframe().f_globals[x]",
    "inspect.currentframe()": "import inspect\ndef step(x): return inspect.currentframe().f_globals",
    "runpy.run_path()": "import runpy\ndef step(x): return runpy.run_path(x)",
}
ALIASED = {
    "eval()": ["e = eval\ndef step(x): return e(x)", "from builtins import eval as e\ndef step(x): return e(x)",
               "import builtins\ndef step(x): return builtins.eval(x)", "T = {'e': 1}\ndef h(x): return eval(x)\ndef step(x): return h(x)"],
    "importlib.import_module()": ["from importlib import import_module as i\ndef step(x): return i(x)", "def step(x):\n    import importlib\n    return importlib.import_module(x)"],
}  # fmt: skip
AROUND = "\ndef far(): return 1\nimport helpers\n# file: helpers.py\ndef away(): return 2\n"


@pytest.mark.parametrize("call", WIDE)
def test_code_that_can_reach_any_name_has_its_whole_module_in_the_key(closure: Any, call: str) -> None:
    program = WIDE[call] + AROUND
    plain = closure(program)
    assert plain.opaque == (f"flow:step uses {call}: all of flow is in the key",)
    assert plain.cacheable
    assert closure(program.replace("return 1", "return 5")).digest != plain.digest
    assert closure(program.replace("return 2", "return 5")).digest != plain.digest
    assert closure(program.replace("return 1", "return 1  # why")).digest == plain.digest


@pytest.mark.parametrize(("call", "program"), [(c, p) for c, programs in ALIASED.items() for p in programs])
def test_another_name_for_such_a_function_does_not_hide_it(closure: Any, call: str, program: str) -> None:
    found = closure(program + AROUND)
    assert any(f"uses {call}: all of flow is in the key" in sentence for sentence in found.opaque)
    assert closure(program + AROUND.replace("return 1", "return 5")).digest != found.digest


MODULE_AS_VALUE = {
    "getattr with a name that is worked out": "import helpers\ndef step(x): return getattr(helpers, x)()",
    "a module as an argument": "import helpers\ndef step(x): return x(helpers)",
    "a module in a variable": "import helpers\ndef step(x):\n    h = helpers\n    return h.away()",
    "a module in a list": "import helpers\nT = [helpers]\ndef step(x): return T[0].away()",
    "a module in a cell": "import helpers\ndef make(m):\n    def step(x): return x(m)\n    return step\nstep = make(helpers)",
    "a module imported in the body": "def step(x):\n    import helpers\n    return x(helpers)",
    "a module's dictionary": "import helpers\ndef step(x): return helpers.__dict__[x]()",
    "a module in a default": "import helpers\ndef step(x, m=helpers): return m.away()",
    "a module that is imported by a text": "import importlib\ndef step(x): return importlib.import_module('helpers').away()",
    "attrgetter": "import helpers, operator\ndef step(x): return operator.attrgetter(x)(helpers)()",
}


@pytest.mark.parametrize("name", MODULE_AS_VALUE)
def test_a_module_that_is_used_as_a_value_is_in_the_key_as_a_whole(closure: Any, name: str) -> None:
    program = MODULE_AS_VALUE[name] + "\n# file: helpers.py\ndef away(): return 2\nK = 7\n"
    plain = closure(program)
    (sentence,) = plain.opaque
    assert sentence.endswith("all of helpers is in the key")
    assert closure(program.replace("return 2", "return 5")).digest != plain.digest
    assert closure(program.replace("K = 7", "K = 8")).digest != plain.digest


def test_getattr_with_a_written_name_takes_only_that(closure: Any) -> None:
    program = "import helpers\ndef step(x): return getattr(helpers, 'f')(x)\n# file: helpers.py\ndef f(x): return x\ndef g(x): return 1\n"
    plain = closure(program)
    assert plain.opaque == ()
    assert closure(program.replace("return x\n", "return -x\n")).digest != plain.digest
    assert closure(program.replace("return 1", "return 2")).digest == plain.digest


REFUSED = {
    "threading.Lock()": "_thread.lock",
    "threading.RLock()": "_thread.RLock",
    "open(__file__)": "_io.TextIOWrapper",
    "(i for i in [1])": "generator",
    "iter(open(__file__))": "_io.TextIOWrapper",
    "__import__('socket').socket()": "socket.socket",
    "__import__('sqlite3').connect(':memory:')": "sqlite3.Connection",
    "{'a': [threading.Lock()]}": "_thread.lock",
    "threading.local()": "_thread._local",
    "__import__('contextvars').ContextVar('a')": "_contextvars.ContextVar",
}


@pytest.mark.parametrize("value", REFUSED)
def test_a_value_that_cannot_be_hashed_takes_the_cache_away_and_is_named(closure: Any, value: str) -> None:
    found = closure(f"import threading\nTHING = {value}\ndef step(x): return THING, x")
    assert not found.cacheable
    (sentence,) = found.opaque
    assert sentence == f"flow:THING holds a {REFUSED[value]}, which cannot be hashed: the step is not cached"
    assert any(c.kind == "opaque" and c.name == "flow:THING" for c in found.components)


def test_a_value_that_cannot_be_hashed_and_is_not_reached_does_not_matter(closure: Any) -> None:
    assert closure("import threading\nL = threading.Lock()\ndef step(x): return x").cacheable


def test_an_object_that_leaves_its_lock_out_of_its_state_can_be_hashed(closure: Any) -> None:
    program = (
        "import threading\nclass A:\n    def __init__(self): self.k = 1; self.lock = threading.Lock()\n"
        "    def __getstate__(self): return {'k': self.k}\nA0 = A()\ndef step(x): return A0"
    )
    plain = closure(program)
    assert plain.cacheable
    assert closure(program.replace("self.k = 1", "self.k = 2")).digest != plain.digest


def test_an_object_that_raises_when_it_is_written_down_is_refused(closure: Any) -> None:
    found = closure(
        "class A:\n    def __reduce__(self): raise RuntimeError('no')\nA0 = A()\ndef step(x): return A0"
    )
    assert not found.cacheable
    assert "flow:A0 holds a flow.A" in found.opaque[0]


def test_a_module_that_cannot_be_imported_takes_the_cache_away(closure: Any) -> None:
    found = closure("def step(x):\n    import helpers\n    return helpers.f(x)\n# file: helpers.py\n1 / 0\n")
    assert not found.cacheable
    assert "flow:step imports helpers, which fails (ZeroDivisionError" in found.opaque[0]


def test_a_module_that_is_not_there_is_a_fact_like_any_other(closure: Any) -> None:
    program = "def step(x):\n    try:\n        import nowhere_to_be_found as n\n    except ImportError:\n        n = None\n    return n"
    assert closure(program).cacheable
    program = program.replace("return n", "return n.f()")
    there = program + "\n# file: nowhere_to_be_found.py\ndef f(): return 1\n"
    assert closure(there).digest != closure(program).digest


def test_a_global_that_the_code_assigns_is_said(closure: Any) -> None:
    found = closure("N = 0\ndef step(x):\n    global N\n    N += 1\n    return N")
    assert found.opaque == ("flow:step assigns the global N: the key holds the value it has now",)


def test_another_program_that_is_started_is_said(closure: Any) -> None:
    found = closure("import subprocess\ndef step(x): return subprocess.run(['true'])")
    assert "name its files with uses=" in found.opaque[0]


def test_files_next_to_the_module_are_said(closure: Any) -> None:
    found = closure("from pathlib import Path\ndef step(x): return (Path(__file__).parent / 'a').read_text()")
    assert found.opaque == (
        "flow:step uses __file__: files found by it are not in the key; name them with uses=[…]",
    )


def test_a_file_in_uses_counts_by_its_content(closure: Any, tmp_path: Path) -> None:
    program = "def step(x): return x"
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, two = tmp_path / "a" / "table.csv", tmp_path / "b" / "table.csv"
    one.write_text("1")
    two.write_text("1")
    key = closure(program, uses=[one]).digest
    assert closure(program, uses=[two]).digest == key
    assert closure(program, uses=[str(two)]).digest == key
    assert closure(program).digest != key
    two.write_text("2")
    assert closure(program, uses=[two]).digest != key


def test_the_order_of_files_in_uses_counts(closure: Any, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("1")
    two.write_text("2")
    program = "def step(x): return x"
    assert closure(program, uses=[one, two]).digest != closure(program, uses=[two, one]).digest


def test_a_folder_in_uses_counts_by_its_files(closure: Any, tmp_path: Path) -> None:
    folder = tmp_path / "templates"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "a.sql").write_text("select 1")
    program = "def step(x): return x"
    key = closure(program, uses=[folder]).digest
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "a.pyc").write_text("noise")
    assert closure(program, uses=[folder]).digest == key
    (folder / "deep" / "a.sql").rename(folder / "deep" / "b.sql")
    assert closure(program, uses=[folder]).digest != key


def test_a_file_in_uses_that_is_not_there_is_an_error(closure: Any, tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="there is no such file"):
        closure("def step(x): return x", uses=[tmp_path / "nowhere"])


@pytest.mark.parametrize("name", ["f", "A", "helpers", "K"])
def test_an_object_in_uses_is_walked(programs: Any, name: str) -> None:
    program = "def step(x): return x\n# file: helpers.py\nimport inner\nK = [inner.f]\ndef f(): return inner.f()\nclass A:\n    def m(self): return inner.f()\n# file: inner.py\ndef f(): return 1\n"

    def key(program: str) -> str:
        step = programs.load(program)
        import importlib

        helpers = importlib.import_module("helpers")
        used = helpers if name == "helpers" else getattr(helpers, name)
        found = closure_of(step, uses=[used])
        assert found.opaque == ()
        return found.digest

    assert key(program) == key(program)
    assert key(program) != key(program.replace("return 1", "return 2"))


def test_a_version_is_part_of_the_key(closure: Any) -> None:
    program = "def step(x): return x"
    assert closure(program, version="1").digest != closure(program).digest
    assert closure(program, version="1").digest != closure(program, version="2").digest
    assert closure(program, version="1").digest == closure(program, version="1").digest


def test_what_has_no_python_code_is_an_error_that_says_what_to_write() -> None:
    with pytest.raises(DefinitionError, match="has no Python code"):
        closure_of(len)
