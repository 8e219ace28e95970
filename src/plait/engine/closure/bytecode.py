"""What are the instructions of a code object, whatever the layout of its source?

The compiler lets line numbers decide small things: which no-operations stay, which two loads become one
instruction, which stores are swapped, whether a jump to a jump goes straight to its end. All of that is undone
here, and what only describes (docstrings, names of classes, line numbers, annotations of functions) is left out.
"""

from __future__ import annotations

import opcode
import sys
from collections.abc import Iterator
from types import CodeType
from typing import Any

import msgspec

__all__ = ["END", "NOP", "PURE_JUMPS", "Listing", "listing"]

NOP = "NOP"
PURE_JUMPS = frozenset({"JUMP_FORWARD", "JUMP_BACKWARD", "JUMP_BACKWARD_NO_INTERRUPT"})
END = frozenset({"RETURN_VALUE", "RAISE_VARARGS", "RERAISE"})

_EXTENDED_ARG = opcode.opmap["EXTENDED_ARG"]
_CACHE = opcode.opmap.get("CACHE", 0)
_PAIRS = {
    "LOAD_FAST_LOAD_FAST": ("LOAD_FAST", "LOAD_FAST"),
    "LOAD_FAST_BORROW_LOAD_FAST_BORROW": ("LOAD_FAST", "LOAD_FAST"),
    "STORE_FAST_LOAD_FAST": ("STORE_FAST", "LOAD_FAST"),
    "STORE_FAST_STORE_FAST": ("STORE_FAST", "STORE_FAST"),
}
_SAME = {"LOAD_FAST_BORROW": "LOAD_FAST", "RESUME": NOP, "NOT_TAKEN": NOP}
# Nothing can go wrong in these, so whether a handler covers them is an accident of layout.
_SAFE = frozenset(
    {
        "LOAD_FAST",
        "STORE_FAST",
        "LOAD_CONST",
        "POP_TOP",
        "COPY",
        "SWAP",
        "PUSH_NULL",
        "LOAD_CLOSURE",
        "KW_NAMES",
    }
)
_OR_POP = {"JUMP_IF_FALSE_OR_POP": "POP_JUMP_IF_FALSE", "JUMP_IF_TRUE_OR_POP": "POP_JUMP_IF_TRUE"}
_DESCRIBING = frozenset({"__doc__", "__qualname__", "__module__", "__firstlineno__", "__static_attributes__"})
_OPTIMIZED = 1
_ANNOTATIONS = (4, 16)
_CLOSURE = 8


def _shape(op: int) -> str:
    name = opcode.opname[op]
    if op in opcode.hasjrel:
        return "back" if "BACKWARD" in name else "jump"
    if op in opcode.hasconst:
        return "const"
    if name == "LOAD_GLOBAL" or (name == "LOAD_ATTR" and sys.version_info >= (3, 12)):
        return "flagged name"
    if name == "LOAD_SUPER_ATTR":
        return "super"
    if op in opcode.hasname:
        return "name"
    if name in _PAIRS:
        return "pair"
    if op in opcode.haslocal or op in opcode.hasfree:
        return "local"
    return "plain"


_SHAPES = tuple(_shape(op) for op in range(256))
_NAMES = tuple(
    _SAME.get(name, name.replace("_FORWARD_IF", "_IF").replace("_BACKWARD_IF", "_IF"))
    for name in opcode.opname[:256]
)


class Listing(msgspec.Struct):
    """The instructions of one code object as parallel columns; an instruction is known by its index.

    Args:
        names: what it does; ``NOP`` where it was found not to matter.
        values: its operand, resolved: a constant, a name, a variable's name or a number.
        flags: the rest of an operand that holds a name and something beside it.
        targets: where it may jump to, or -1.
        handlers: where an exception goes, and what is on the stack then; None where nothing catches it.
        raw: the opcode and operand as they stand in the code.
    """

    names: list[str]
    values: list[Any]
    flags: list[int]
    targets: list[int]
    handlers: list[tuple[int, int] | None]
    raw: list[tuple[int, int]]

    def skip(self, index: int) -> int:
        """The instruction at or after ``index`` that does something."""
        names = self.names
        while index < len(names) and names[index] == NOP:
            index += 1
        return index

    def settle(self, index: int) -> int:
        """Where control is after every jump that only jumps."""
        seen = set()
        while (index := self.skip(index)) < len(self.names) and self.names[index] in PURE_JUMPS:
            if index in seen:
                break
            seen.add(index)
            index = self.targets[index]
        return index

    def drop(self, index: int) -> None:
        self.names[index] = NOP


def listing(code: CodeType) -> Listing:
    """The instructions of ``code`` without the traces of its layout."""
    found, starts = _decode(code)
    if code.co_exceptiontable:
        _attach_handlers(found, code.co_exceptiontable, starts)
    if not code.co_flags & _OPTIMIZED:
        _drop_descriptions(found)
    _drop_annotations(found)
    _undo_swaps(found)
    _undo_shortcuts(found)
    for index, name in enumerate(found.names):
        if name in _SAFE:
            found.handlers[index] = None
    return found


def _decode(code: CodeType) -> tuple[Listing, list[int]]:
    raw, consts, names = code.co_code, code.co_consts, code.co_names
    local = (
        code.co_varnames + tuple(c for c in code.co_cellvars if c not in code.co_varnames) + code.co_freevars
    )
    out = Listing([], [], [], [], [], [])
    starts: list[int] = []
    jumps: list[tuple[int, int]] = []  # a jump counts from the start of the instruction after it
    index_at: dict[int, int] = {}
    extended, start = 0, -1
    pending: list[tuple[int, int]] = []

    def put(name: str, value: Any, flag: int = 0) -> None:
        out.names.append(name)
        out.values.append(value)
        out.flags.append(flag)
        out.raw.append((op, arg))
        starts.append(start)

    for at in range(0, len(raw), 2):
        op = raw[at]
        if op == _CACHE:
            continue
        arg = raw[at + 1] | extended
        if start < 0:
            start = at
            for index, distance in pending:
                jumps.append((index, start + distance))
            pending.clear()
        if op == _EXTENDED_ARG:
            extended = arg << 8
            continue
        index_at[start] = len(starts)
        name, shape = _NAMES[op], _SHAPES[op]
        if shape == "plain":
            put(name, arg)
        elif shape == "local":
            put(name, local[arg])
        elif shape == "const":
            if name == "RETURN_CONST":
                put("LOAD_CONST", consts[arg])
                put("RETURN_VALUE", 0)
            else:
                put(name, consts[arg])
        elif shape == "flagged name":
            put(name, names[arg >> 1], arg & 1)
        elif shape == "name":
            put(name, names[arg])
        elif shape in ("jump", "back"):
            pending.append((len(starts), 2 * arg if shape == "jump" else -2 * arg))
            put(name, 0)
        elif shape == "pair":
            first, second = _PAIRS[opcode.opname[op]]
            put(first, local[arg >> 4])
            put(second, local[arg & 15])
        else:
            put(name, names[arg >> 2], arg & 3)
        extended, start = 0, -1
    for index, distance in pending:
        jumps.append((index, len(raw) + distance))
    out.targets = [-1] * len(starts)
    out.handlers = [None] * len(starts)
    for index, offset in jumps:
        out.targets[index] = index_at[offset]
    return out, starts


def _attach_handlers(found: Listing, table: bytes, starts: list[int]) -> None:
    from bisect import bisect_left

    for begin, end, target, key in _exception_table(table):
        handler = bisect_left(starts, target)
        for index in range(bisect_left(starts, begin), bisect_left(starts, end)):
            found.handlers[index] = (handler, key)


def _exception_table(table: bytes) -> Iterator[tuple[int, int, int, int]]:
    numbers = _numbers(table)
    for begin in numbers:
        length, target, key = next(numbers), next(numbers), next(numbers)
        yield begin * 2, (begin + length) * 2, target * 2, key


def _numbers(table: bytes) -> Iterator[int]:
    value = 0
    for byte in table:
        value = (value << 6) | (byte & 63)
        if not byte & 64:
            yield value
            value = 0


def _drop_descriptions(found: Listing) -> None:
    """A class body stores its docstring, names and line numbers like any other attribute."""
    previous = -1
    for index, name in enumerate(found.names):
        if (
            name == "STORE_NAME"
            and found.values[index] in _DESCRIBING
            and previous >= 0
            and found.names[previous] in ("LOAD_CONST", "LOAD_SMALL_INT", "LOAD_NAME")
        ):
            found.drop(previous)
            found.drop(index)
        if name != NOP:
            previous = index


def _drop_annotations(found: Listing) -> None:
    """The annotations of functions that are made here: nobody reads them unless he asks for them by name."""
    for index, name in enumerate(found.names):
        if name != "MAKE_FUNCTION":
            continue
        attributes = found.values[index]
        after = found.skip(index + 1)
        setters = {}
        while after < len(found.names) and found.names[after] == "SET_FUNCTION_ATTRIBUTE":
            setters[found.values[after]] = after
            after = found.skip(after + 1)
        closed = attributes & _CLOSURE or _CLOSURE in setters
        end = index - 2  # the instruction before this one loads the code
        if closed:
            end = _expression_start(found, end) - 1
        for flag in _ANNOTATIONS:
            if not (attributes & flag or flag in setters):
                continue
            begin = _expression_start(found, end)
            if begin < 0:
                continue
            for dropped in range(begin, end + 1):
                found.drop(dropped)
            if flag in setters:
                found.drop(setters[flag])
            else:
                found.values[index] = attributes & ~flag


def _expression_start(found: Listing, end: int) -> int:
    """Where the expression begins whose value is on top of the stack after ``end``; -1 if it branches."""
    depth = 0
    for index in range(end, -1, -1):
        if found.names[index] == NOP:
            continue
        if found.targets[index] >= 0:
            return -1
        depth += _effect(found, index)
        if depth == 1:
            return index
    return -1


def _effect(found: Listing, index: int) -> int:
    op, arg = found.raw[index]
    if opcode.opname[op] in _PAIRS:
        return 1 if found.names[index] == "LOAD_FAST" else -1
    return opcode.stack_effect(op, arg if op >= opcode.HAVE_ARGUMENT else None)


def _undo_swaps(found: Listing) -> None:
    """``SWAP 2; STORE a; STORE b`` is ``STORE b; STORE a``; of two stores to one name only the last stays."""
    names, values = found.names, found.values
    for index, name in enumerate(names):
        if name != "SWAP":
            continue
        stores: list[int] = []
        at = found.skip(index + 1)
        while len(stores) < values[index] and at < len(names) and names[at] in ("STORE_FAST", "POP_TOP"):
            stores.append(at)
            at = found.skip(at + 1)
        stored = [values[at] for at in stores if names[at] == "STORE_FAST"]
        if len(stores) == values[index] and len(set(stored)) == len(stored):
            first, last = stores[0], stores[-1]
            names[first], names[last] = names[last], names[first]
            values[first], values[last] = values[last], values[first]
            found.drop(index)
    later = None
    for index in range(len(names) - 1, -1, -1):
        if names[index] == "STORE_FAST":
            if values[index] == later:
                names[index], values[index] = "POP_TOP", 0
            else:
                later = values[index]
        elif names[index] not in (NOP, "POP_TOP"):
            later = None


def _undo_shortcuts(found: Listing) -> None:
    """``a and b`` inside a condition (Python 3.11): jump where the next test would have jumped."""
    names, targets = found.names, found.targets
    for index in range(len(names) - 1, -1, -1):
        name = names[index]
        if name not in _OR_POP:
            continue
        while True:
            landing = found.settle(targets[index])
            there = names[landing]
            if there == name:
                targets[index] = targets[landing]
                continue
            if there == _OR_POP[name]:
                names[index], targets[index] = there, targets[landing]
            elif there in _OR_POP or there in _OR_POP.values():
                names[index], targets[index] = _OR_POP[name], landing + 1
            break
