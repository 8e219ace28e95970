"""The key is the same in every process and in every way to start one; notebooks and prompts included."""

from __future__ import annotations

import code
import linecache
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import plait
from plait.engine.closure import Walker, closure_of

SOURCE = Path(plait.__file__).parent.parent
PROGRAM = """\
import enum, functools, re, dataclasses, typing
NAMES = {"a", "b", "c", "d", ("e", 1), frozenset("fgh")}
TABLE = {"x": [1, 2.0, True, None], "f": lambda v: v in {"p", "q", "r"}}
class Colour(enum.Enum):
    RED = "r"
    BLUE = "b"
@dataclasses.dataclass
class Row:
    name: str = "n"
    tags: set = dataclasses.field(default_factory=lambda: {"u", "v"})
class Bag:
    def __init__(self): self.seen = {"s", "t", Colour.RED}; self.me = self; self.pattern = re.compile("a+")
    def __hash__(self): return 1
BAG = Bag()
FUNCTIONS = frozenset([len, max, Row, Bag, lambda: 3])
@functools.lru_cache
def helper(x, kinds=frozenset({"i", "j", "k"})):
    class Local:
        def __init__(self): self.one, self.two, self.three = 1, 2, 3
    return [y for y in x if y in NAMES], kinds, Local
async def walk(x):
    async for y in x:
        yield y
def step(x):
    "what it does"
    try:
        return helper(x), Row(), Colour("r"), BAG, TABLE, FUNCTIONS, walk, typing.Any
    except* ValueError as e:
        raise RuntimeError(f"{x!r:>10}") from None
"""
ASK = "\nfrom plait.engine.closure import closure_of\nprint(closure_of(step).digest)\n"


def run(*arguments: str, seed: str = "0", stdin: str | None = None, cwd: Path | None = None) -> str:
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "PYTHONHASHSEED": seed, "PYTHON_COLORS": "0"}
    done = subprocess.run(
        [sys.executable, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        env=environment,
        cwd=cwd,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1].removeprefix(">>> ").strip()


@pytest.fixture(scope="module")
def digest(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("first")
    (folder / "flow.py").write_text(PROGRAM)
    return run("-c", f"from flow import step{ASK}", cwd=folder)


@pytest.mark.parametrize("seed", ["1", "2", "3", "random"])
def test_the_hash_seed_does_not_matter(digest: str, tmp_path: Path, seed: str) -> None:
    (tmp_path / "flow.py").write_text(PROGRAM)
    assert run("-c", f"from flow import step{ASK}", seed=seed, cwd=tmp_path) == digest


def test_a_compiled_cache_of_the_module_does_not_matter(digest: str, tmp_path: Path) -> None:
    (tmp_path / "flow.py").write_text(PROGRAM)
    for _ in range(2):
        assert run("-c", f"from flow import step{ASK}", cwd=tmp_path) == digest


def test_the_main_program_has_the_key_of_the_module(digest: str, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(PROGRAM + ASK)
    assert run(str(tmp_path / "main.py")) == digest
    assert run("-m", "main", cwd=tmp_path) == digest


def test_code_from_the_command_line_has_the_key_of_the_module(digest: str) -> None:
    assert run("-c", PROGRAM + ASK) == digest


def test_code_from_standard_input_has_the_key_of_the_module(digest: str) -> None:
    assert run("-", stdin=PROGRAM + ASK) == digest


def test_code_typed_at_a_prompt_has_the_key_of_the_module() -> None:
    program = "RATE = 0.5\ndef helper(x): return x * RATE\ndef step(x):\n    'text'\n    return [helper(i) for i in x]\n"
    typed = "RATE = 0.5\ndef helper(x): return x * RATE\n\ndef step(x):\n    'text'\n    return [helper(i) for i in x]\n\n"
    expected = run("-c", program + ASK)
    assert run("-i", "-q", stdin=typed + ASK) == expected


def test_a_module_loaded_by_its_path_has_the_key_of_the_module(digest: str, tmp_path: Path) -> None:
    (tmp_path / "some flow.py").write_text(PROGRAM)
    load = (
        "import importlib.util, sys\n"
        f"spec = importlib.util.spec_from_file_location('loaded_by_path', {str(tmp_path / 'some flow.py')!r})\n"
        "module = importlib.util.module_from_spec(spec)\nsys.modules['loaded_by_path'] = module\n"
        "spec.loader.exec_module(module)\nstep = module.step\n"
    )
    assert run("-c", load + ASK) == digest


def test_docstrings_that_were_stripped_do_not_matter_and_asserts_do(tmp_path: Path) -> None:
    plain = "def step(x):\n    'text'\n    return x, None\n"
    assert run("-OO", "-c", plain + ASK) == run("-c", plain + ASK)
    asserting = plain.replace("    return", "    assert x\n    return")
    assert run("-O", "-c", asserting + ASK) != run("-c", asserting + ASK)


class Console:
    """A prompt in this process, as ``code.InteractiveConsole`` gives it."""

    def __init__(self) -> None:
        self.names: dict[str, Any] = {"__name__": "__console__", "__doc__": None}
        self.console = code.InteractiveConsole(self.names)

    def type(self, text: str) -> None:
        assert not self.console.runsource(text, symbol="exec")


def test_a_redefinition_at_a_prompt_is_seen_at_once() -> None:
    console, walker = Console(), Walker()
    console.type("RATE = 1")
    console.type("def helper(x): return x * RATE")
    console.type("def step(x): return helper(x)")
    step = console.names["step"]
    first = walker.closure_of(step)
    assert walker.closure_of(step).digest == first.digest
    console.type("def helper(x): return x + RATE")
    second = walker.closure_of(step)
    console.type("RATE = 2")
    third = walker.closure_of(step)
    console.type("def helper(x): return x * RATE")
    console.type("RATE = 1")
    assert len({first.digest, second.digest, third.digest}) == 3
    assert walker.closure_of(step).digest == first.digest
    assert [c.name for c in first.components[:3]] == [
        "__console__:step",
        "__console__:RATE",
        "__console__:helper",
    ]


class Notebook:
    """Runs cells as IPython does: one namespace, a file name per cell, the text kept for tracebacks."""

    def __init__(self, name: str = "__main__") -> None:
        self.names: dict[str, Any] = {
            "__name__": name,
            "get_ipython": lambda: self,
            "In": [""],
            "Out": {},
            "_oh": {},
        }

    def cell(self, text: str) -> None:
        number = len(self.names["In"])
        file = f"<ipython-input-{number}-{os.urandom(6).hex()}>"
        linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
        self.names["In"].append(text)
        self.names[f"_i{number}"] = text
        exec(compile(text, file, "exec", dont_inherit=True), self.names)


def test_a_notebook_has_the_key_of_the_module_and_shows_the_text_of_its_cells(tmp_path: Path) -> None:
    program = (
        "RATE = 0.5\ndef helper(x):\n    return x * RATE\ndef step(x):\n    return [helper(i) for i in x]\n"
    )
    notebook = Notebook()
    notebook.cell("RATE = 0.5")
    notebook.cell("def helper(x):\n    # one\n    return x * RATE")
    notebook.cell("1 + 1")
    notebook.cell("def step(x):\n    return [helper(i) for i in x]")
    found = closure_of(notebook.names["step"])
    assert found.digest == run("-c", program + ASK)
    (helper,) = [c for c in found.components if c.name == "__main__:helper"]
    assert helper.detail == "def helper(x):\n    # one\n    return x * RATE"
    assert helper.where.startswith("<ipython-input-2-")
    assert helper.where.endswith(":1")


def test_a_notebook_cell_that_runs_again_unchanged_keeps_the_key() -> None:
    notebook, walker = Notebook(), Walker()
    for _ in range(2):
        notebook.cell("class A:\n    def m(self): return 1\nTABLE = {'a': [A]}")
        notebook.cell("def step(x): return TABLE[x]")
        keys = {walker.closure_of(notebook.names["step"]).digest}
    assert len(keys) == 1
    notebook.cell("TABLE['a'].append(2)")
    assert walker.closure_of(notebook.names["step"]).digest not in keys


def test_a_class_that_a_cell_defines_again_is_seen() -> None:
    notebook, walker = Notebook(), Walker()
    notebook.cell("class A:\n    k = 1")
    notebook.cell("def step(x): return A.k")
    first = walker.closure_of(notebook.names["step"])
    notebook.cell("class A:\n    k = 2")
    assert walker.closure_of(notebook.names["step"]).digest != first.digest


def test_a_notebook_s_own_names_are_not_in_the_key_of_code_that_sees_all() -> None:
    notebook = Notebook()
    notebook.cell("K = 1\ndef step(x): return eval(x)")
    first = closure_of(notebook.names["step"])
    notebook.cell("1 + 1")
    notebook.names["_oh"][3] = notebook.names["_3"] = notebook.names["_"] = 2
    assert closure_of(notebook.names["step"]).digest == first.digest
    notebook.cell("K = 2")
    assert closure_of(notebook.names["step"]).digest != first.digest


def test_one_walker_for_many_steps_gives_each_the_key_it_has_alone(programs: Any) -> None:
    program = "def h(n): return n and a(n - 1)\ndef a(n): return h(n)\ndef b(n): return h(n) + a(n)\ndef c(n): return b(n)"
    programs.load(program, "flow:a")
    module = sys.modules["flow"]
    walker = Walker()
    for name in "abcab":
        function = getattr(module, name)
        assert walker.closure_of(function).digest == closure_of(function).digest


def test_many_threads_may_share_a_walker(programs: Any) -> None:
    from concurrent.futures import ThreadPoolExecutor

    programs.load("\n".join(f"def f{i}(x): return x + {i}, f{max(i - 1, 0)}" for i in range(60)), "flow:f0")
    functions = [getattr(sys.modules["flow"], f"f{i}") for i in range(60)]
    walker = Walker()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda f: walker.closure_of(f).digest, functions * 3))
    assert found == [closure_of(f).digest for f in functions] * 3
