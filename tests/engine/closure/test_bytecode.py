"""The layout of a program is no part of what it does, on any program; and nothing else is forgotten."""

from __future__ import annotations

import ast
import dis
import random
from collections.abc import Iterator
from pathlib import Path
from types import CodeType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plait.engine.closure.bytecode import END, NOP, PURE_JUMPS, listing
from plait.engine.closure.codes import code_digest

LIBRARY = Path(ast.__file__).parent
MODULES = [
    "_collections_abc", "argparse", "ast", "bdb", "configparser", "contextlib", "csv", "datetime", "difflib", "dis",
    "enum", "ftplib", "functools", "heapq", "inspect", "shutil", "statistics", "tarfile", "textwrap", "typing",
]  # fmt: skip


def compiled(tree: ast.AST | str) -> CodeType:
    return compile(tree, "<text>", "exec", dont_inherit=True)


def inside(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from inside(constant)


def digest(code: CodeType) -> str:
    return code_digest(code, frozenset(), {})


def on_lines(tree: ast.AST, line: object) -> ast.AST:
    """The tree as if every node stood on the line that ``line`` says."""
    for node in ast.walk(tree):
        if hasattr(node, "lineno"):
            node.lineno = node.end_lineno = line()  # type: ignore[attr-defined,operator]
            node.col_offset = node.end_col_offset = 0
    return tree


def without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and ast.get_docstring(
            node
        ):
            node.body = node.body[1:] or [ast.copy_location(ast.Pass(), node.body[0])]
    return tree


@pytest.mark.parametrize("name", MODULES)
def test_no_layout_changes_the_digest_of_real_code(name: str) -> None:
    text = (LIBRARY / f"{name}.py").read_text(encoding="utf-8")
    digests = [digest(code) for code in inside(compiled(text))]
    seed = random.Random(name)
    layouts = {
        "written anew": compiled(ast.unparse(ast.parse(text))),
        "without docstrings": compiled(without_docstrings(ast.parse(text))),
        "lines shuffled": compiled(on_lines(ast.parse(text), lambda: seed.randrange(1, 10**6))),
    }
    for layout, code in layouts.items():
        found = [digest(other) for other in inside(code)]
        assert found == digests, f"{name}, {layout}"


@pytest.mark.parametrize("name", MODULES)
def test_different_code_has_different_digests(name: str) -> None:
    """Functions that the compiler made the same instructions and constants for are the only ones to share one."""
    text = (LIBRARY / f"{name}.py").read_text(encoding="utf-8")
    by_digest: dict[str, str] = {}
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.FunctionDef) or any(isinstance(n, ast.Nonlocal) for n in ast.walk(node)):
            continue
        node.decorator_list = []
        node.name, node.returns = "f", None
        for argument in ast.walk(node.args):
            if isinstance(argument, ast.arg):
                argument.annotation = None
        node = without_docstrings(ast.parse(ast.unparse(node))).body[0]
        meaning = ast.unparse(node)
        code = next(c for c in inside(compiled(meaning)) if c.co_name == "f")
        plain = dis_text(code)
        assert by_digest.setdefault(digest(code), plain) == plain


def dis_text(code: CodeType) -> str:
    """The instructions as Python's own disassembler sees them."""
    lines = [str((code.co_varnames[: code.co_argcount + code.co_kwonlyargcount], code.co_flags & 0x2EC))]
    for instruction in dis.get_instructions(code):
        value = instruction.argval
        lines.append(f"{instruction.opname} {dis_text(value) if isinstance(value, CodeType) else value!r}")
    return "\n".join(lines)


@pytest.mark.parametrize("name", MODULES[:8])
def test_jumps_and_operands_are_read_as_the_disassembler_reads_them(name: str) -> None:
    text = (LIBRARY / f"{name}.py").read_text(encoding="utf-8")
    for code in inside(compiled(text)):
        expected = [i for i in dis.get_instructions(code) if i.opname not in ("CACHE", "EXTENDED_ARG")]
        jumps = {i.opname for i in expected if i.opcode in dis.hasjrel}
        found = listing(code)
        kept = [i for i, name in enumerate(found.names) if name != NOP]
        assert {found.names[i] for i in kept} <= set(dis.opmap) | {
            name.replace("_FORWARD_IF", "_IF").replace("_BACKWARD_IF", "_IF") for name in dis.opmap
        }
        assert any(t >= 0 for t in found.targets) == bool(jumps)
        assert all(-1 <= t < len(found.names) for t in found.targets)
        names = {
            i.argval
            for i in expected
            if i.opname in ("LOAD_GLOBAL", "LOAD_ATTR", "STORE_ATTR", "IMPORT_NAME")
        }
        got = {
            found.values[i]
            for i, name in enumerate(found.names)
            if name in ("LOAD_GLOBAL", "LOAD_ATTR", "STORE_ATTR", "IMPORT_NAME")
        }
        assert got <= names


NAMES = st.sampled_from("abxy")
LEAVES = st.one_of(
    NAMES,
    st.integers(-3, 3).map(lambda n: f"({n})"),
    st.sampled_from(["1.0", "True", "None", "'s'", "0.5", "b'x'"]),
)


def expressions(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    two = st.tuples(inner, inner)
    return st.one_of(
        st.tuples(two, st.sampled_from(["+", "-", "<", "<=", "and", "or", "is", "in"])).map(
            lambda t: f"({t[0][0]} {t[1]} {t[0][1]})"
        ),
        inner.map(lambda e: f"(not {e})"),
        st.tuples(inner, inner, inner).map(lambda t: f"({t[0]} if {t[1]} else {t[2]})"),
        two.map(lambda t: f"[i for i in ({t[0]}, {t[1]}) if i]"),
        two.map(lambda t: f"x({t[0]}, k={t[1]})"),
    )


EXPRESSIONS = st.recursive(LEAVES, expressions, max_leaves=6)


def statements(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def indented(text: str) -> str:
        return "\n".join(f"    {line}" for line in text.splitlines())

    return st.one_of(
        st.tuples(inner, inner).map("\n".join),
        st.tuples(EXPRESSIONS, inner).map(lambda t: f"if {t[0]}:\n{indented(t[1])}"),
        st.tuples(EXPRESSIONS, inner, inner).map(
            lambda t: f"if {t[0]}:\n{indented(t[1])}\nelse:\n{indented(t[2])}"
        ),
        st.tuples(EXPRESSIONS, inner).map(
            lambda t: f"while {t[0]}:\n{indented(t[1])}\n    if a: break\n    if b: continue"
        ),
        st.tuples(NAMES, EXPRESSIONS, inner).map(lambda t: f"for {t[0]} in {t[1]}:\n{indented(t[2])}"),
        st.tuples(inner, inner).map(
            lambda t: (
                f"try:\n    x()\n{indented(t[0])}\nexcept KeyError as e:\n{indented(t[1])}\nfinally:\n    x()"
            )
        ),
        st.tuples(EXPRESSIONS, inner).map(lambda t: f"with {t[0]} as b:\n{indented(t[1])}"),
    )


SIMPLE = st.one_of(
    st.tuples(NAMES, EXPRESSIONS).map(" = ".join),
    st.tuples(st.sampled_from(["a, b", "b, a", "x, y", "a, y"]), EXPRESSIONS, EXPRESSIONS).map(
        lambda t: f"{t[0]} = {t[1]}, {t[2]}"
    ),
    EXPRESSIONS,
    EXPRESSIONS.map(lambda e: f"return {e}"),
)
BODIES = st.recursive(SIMPLE, statements, max_leaves=6)


def function(body: str) -> str:
    return "def f(a, b, x, y):\n" + "\n".join(f"    {line}" for line in body.splitlines())


@settings(derandomize=True, deadline=None, max_examples=100)
@given(BODIES, st.integers(0, 2**32))
def test_no_layout_changes_the_digest_of_any_program(body: str, seed: int) -> None:
    tree = ast.parse(function(body))
    lines = random.Random(seed)
    shuffled = on_lines(ast.parse(function(body)), lambda: lines.randrange(1, 100))
    assert [digest(c) for c in inside(compiled(tree))] == [digest(c) for c in inside(compiled(shuffled))]


@settings(derandomize=True, deadline=None, max_examples=100)
@given(BODIES, BODIES)
def test_two_programs_share_a_digest_only_if_they_are_the_same_instructions(one: str, two: str) -> None:
    (first,) = (c for c in compiled(function(one)).co_consts if isinstance(c, CodeType))
    (second,) = (c for c in compiled(function(two)).co_consts if isinstance(c, CodeType))
    if digest(first) == digest(second):
        assert behaviour(first) == behaviour(second)


def behaviour(code: CodeType) -> set[str]:
    """What instructions there are, whatever their order: a crude check that nothing was left out."""
    skipped = {
        NOP,
        "RESUME",
        "CACHE",
        "EXTENDED_ARG",
        *PURE_JUMPS,
        *END,
        "RETURN_CONST",
        "SWAP",
        "POP_TOP",
        "COPY",
    }
    found = set()
    instructions = [i for i in dis.get_instructions(code) if i.opname not in ("CACHE", "EXTENDED_ARG", NOP)]
    for instruction, after in zip(instructions, [*instructions[1:], None], strict=True):
        name = instruction.opname
        if name in skipped or "JUMP" in name or name.count("FAST") > 1:
            continue
        if name == "LOAD_CONST" and after is not None and after.opname == "POP_TOP":
            continue  # a value that nobody looks at
        value = instruction.argval
        found.add(f"{name} {sorted(behaviour(value)) if isinstance(value, CodeType) else value!r}")
    return found


MUTATIONS = [
    ("a < b", "a > b"), ("a and b", "a or b"), ("x(a, b)", "x(b, a)"), ("x(a, k=b)", "x(a, j=b)"), ("a.b", "a.c"),
    ("[a, b]", "(a, b)"), ("a if b else x", "x if b else a"), ("not a", "a"), ("a is b", "a is not b"), ("a in b", "a not in b"),
    ("a[1]", "a[1:]"), ("a[1:2]", "a[1:3]"), ("-a", "+a"), ("a // b", "a / b"), ("a @ b", "a * b"), ("f'{a}'", "f'{a!s}'"),
    ("f'{a:1}'", "f'{a:2}'"), ("1", "1.0"), ("1", "True"), ("0.0", "-0.0"), ("'1'", "b'1'"), ("(1, 2)", "(1, (2,))"),
    ("{1, 2}", "{1, 3}"), ("lambda: a", "lambda: b"), ("lambda a: a", "lambda a, *b: a"), ("lambda a=1: a", "lambda a=2: a"),
    ("[i for i in a]", "{i for i in a}"), ("[i for i in a]", "(i for i in a)"), ("(yield a)", "(yield b)"), ("(yield a)", "(yield from a)"),
    ("a == b == x", "a == b and x"), ("*a,", "a,"), ("x(*a)", "x(a)"), ("x(**a)", "x(*a)"), ("...", "None"), ("(a := b)", "(b := a)"),
    ("x.a(b)", "x.a(b, b)"), ("a is None", "a is not None"), ("1j", "1"), ("a < b < x", "a < b <= x"), ("{a: b}", "{b: a}"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "two"), MUTATIONS)
def test_a_small_edit_of_an_expression_changes_the_digest(one: str, two: str) -> None:
    for frame in (
        "return {}",
        "if x({}): return 1",
        "a = {}; return a",
        "for i in x({}): a += 1",
        "try: x({})\nfinally: a()",
    ):
        before, after = (compiled(function(frame.format(e))) for e in (one, two))
        assert digest(next(inside(before))) != digest(next(inside(after))), frame
