"""What are the instructions of a code object, whatever the layout of its source?

The compiler lets line numbers decide small things: which no-operations stay, which two loads become one
instruction, which stores are swapped, whether a jump to a jump goes straight to its end. All of that is
undone here; what only describes is left out: docstrings, names of classes, lines, annotations of functions.
"""

from __future__ import annotations

import opcode
import sys
from collections.abc import Iterator
from types import CodeType
from typing import Any

import msgspec

__all__ = ["END", "NOP", "PURE_JUMPS", "Listing", "Listings", "listed", "listing"]

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
    {"STORE_FAST", "LOAD_CONST", "POP_TOP", "COPY", "SWAP", "PUSH_NULL", "LOAD_CLOSURE", "KW_NAMES"}
)
if sys.version_info >= (
    3,
    12,
):  # a variable that may be unbound is read by an instruction of its own since then
    _SAFE |= {"LOAD_FAST"}
_OR_POP = {"JUMP_IF_FALSE_OR_POP": "POP_JUMP_IF_FALSE", "JUMP_IF_TRUE_OR_POP": "POP_JUMP_IF_TRUE"}
# One test, two spellings: the compiler picks one by which way is nearer.
_TURNED = {"POP_JUMP_IF_TRUE": "POP_JUMP_IF_FALSE", "POP_JUMP_IF_NOT_NONE": "POP_JUMP_IF_NONE"}
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
        raw: the opcode and operand as they stand in the code.
        targets: where it may jump to, or -1.
        handlers: where an exception goes, and what is on the stack then; None where nothing catches it.
        turned: tests that were turned round: they jump where they went on and go on where they jumped.
    """

    names: list[str]
    values: list[Any]
    flags: list[int]
    raw: list[tuple[int, int]]
    targets: list[int]
    handlers: list[tuple[int, int] | None]
    turned: set[int]

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


# The listings of a code object and of those inside it, by id, for as long as they are worked on.
Listings = dict[int, Listing]


def listed(code: CodeType, listings: Listings) -> Listing:
    """The listing of ``code``, made once."""
    found = listings.get(id(code))
    if found is None:
        found = listings[id(code)] = listing(code)
    return found


def listing(code: CodeType) -> Listing:
    """The instructions of ``code`` without the traces of its layout."""
    found, starts = _decode(code)
    if code.co_exceptiontable:
        _attach_handlers(found, code.co_exceptiontable, starts)
    if not code.co_flags & _OPTIMIZED:
        _drop_descriptions(found)
    present = set(found.names)
    if "MAKE_FUNCTION" in present:
        _drop_annotations(found)
    _merge_stores(found)
    if "SWAP" in present:
        _undo_swaps(found)
        _merge_stores(found)  # stores that a swap kept apart may now stand side by side
    if not present.isdisjoint(_OR_POP):
        _undo_shortcuts(found)
    for index, name in enumerate(found.names):
        if name in _SAFE:
            found.handlers[index] = None
        elif name in _TURNED:
            found.names[index] = _TURNED[name]
            found.turned.add(index)
    return found


_Row = tuple[str, Any, int, tuple[int, int]]


def _decode(code: CodeType) -> tuple[Listing, list[int]]:
    raw = code.co_code
    consts, names, local = code.co_consts, code.co_names, _variables(code)
    rows: list[_Row] = []
    starts: list[int] = []
    index_at: dict[int, int] = {}
    jumps: list[tuple[int, int]] = []  # the index of a jump, and its distance from the instruction after it
    extended, start = 0, -1
    for at in range(0, len(raw), 2):
        op = raw[at]
        if op == _CACHE:
            continue
        arg = raw[at + 1] | extended
        if start < 0:
            start = at
            index_at[start] = len(rows)
        if op == _EXTENDED_ARG:
            extended = arg << 8
            continue
        name, shape, both = _NAMES[op], _SHAPES[op], (op, arg)
        if shape == "plain":
            rows.append((name, arg, 0, both))
        elif shape == "local":
            rows.append((name, local[arg], 0, both))
        elif shape == "const" and name != "RETURN_CONST":
            rows.append((name, consts[arg], 0, both))
        elif shape == "flagged name":
            rows.append((name, names[arg >> 1], arg & 1, both))
        elif shape == "name":
            rows.append((name, names[arg], 0, both))
        elif shape in ("jump", "back"):
            jumps.append((len(rows), 2 * arg if shape == "jump" else -2 * arg))
            rows.append((name, 0, 0, both))
        else:
            rows.extend(_unfolded(code, local, name, both))
        starts.extend([start] * (len(rows) - len(starts)))
        extended, start = 0, -1
    found = Listing(
        names=[row[0] for row in rows],
        values=[row[1] for row in rows],
        flags=[row[2] for row in rows],
        raw=[row[3] for row in rows],
        targets=[-1] * len(rows),
        handlers=[None] * len(rows),
        turned=set(),
    )
    for index, distance in jumps:
        after = starts[index + 1] if index + 1 < len(starts) else len(raw)
        found.targets[index] = index_at[after + distance]
    return found, starts


def _variables(code: CodeType) -> tuple[str, ...]:
    """The names of all variables in the order of their slots."""
    cells = tuple(cell for cell in code.co_cellvars if cell not in code.co_varnames)
    return code.co_varnames + cells + code.co_freevars


def _unfolded(code: CodeType, local: tuple[str, ...], name: str, both: tuple[int, int]) -> list[_Row]:
    """The two instructions that one stands for, or the one whose operand holds three things."""
    op, arg = both
    if name == "RETURN_CONST":
        return [("LOAD_CONST", code.co_consts[arg], 0, both), ("RETURN_VALUE", 0, 0, both)]
    if opcode.opname[op] in _PAIRS:
        first, second = _PAIRS[opcode.opname[op]]
        return [(first, local[arg >> 4], 0, both), (second, local[arg & 15], 0, both)]
    return [(name, code.co_names[arg >> 2], arg & 3, both)]


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
    """``SWAP 2; STORE a; STORE b`` is ``STORE b; STORE a``."""
    names, values = found.names, found.values
    for index in range(len(names) - 1, -1, -1):  # backwards: one swap undone may free the one before it
        if names[index] != "SWAP":
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


def _merge_stores(found: Listing) -> None:
    """Of two stores to one name, one right after the other, only the last counts."""
    names, values = found.names, found.values
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
