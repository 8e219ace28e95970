"""Which names does a code object reach for?"""

from __future__ import annotations

import re
from types import CodeType
from typing import Any

import msgspec

from plait.engine.closure.bytecode import NOP, Listing, Listings, listed

__all__ = ["Facts", "Reference", "facts_of"]

_ATTRIBUTES = ("LOAD_ATTR", "LOAD_METHOD")
_WRITES = ("STORE_ATTR", "DELETE_ATTR")
_GLOBALS = ("LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS")
_VARIABLES = ("LOAD_FAST", "LOAD_FAST_CHECK", "LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF")
_STORES = ("STORE_FAST", "STORE_NAME", "STORE_DEREF", "STORE_GLOBAL")
_ANNOTATION_READERS = frozenset({"__annotations__", "get_type_hints", "get_annotations", "signature"})
_TELLING = frozenset(
    (*_GLOBALS, *_VARIABLES, *_ATTRIBUTES, "LOAD_SUPER_ATTR", "STORE_GLOBAL", "LOAD_CONST", "LOAD_FAST")
)
# Words by which a query engine finds variables of the code around it.
_QUERIED = re.compile(r"@(\w+)|\b(?:from|join)\s+([^\W\d]\w*)", re.IGNORECASE)


class Reference(msgspec.Struct, frozen=True, order=True):
    """A name that code reaches for.

    Args:
        kind: ``global``, ``cell`` (a variable of the function around), ``import`` or ``query`` (a word
            in a text).
        name: the name, or the module's name of an import.
        level: how many dots stand before the module's name.
        attributes: what is looked up on it in turn, as far as it is spelled out.
        written: the chain ends in an assignment or an import, so a module at its end is not used as a value.
        argument: the text that it is called with, for calls that import by name.
    """

    kind: str
    name: str
    level: int = 0
    attributes: tuple[str, ...] = ()
    written: bool = False
    argument: str = ""


class Facts(msgspec.Struct, frozen=True):
    """What can be said of a code object without knowing where it runs.

    Args:
        references: all names it reaches for, sorted.
        attributes: every attribute name it mentions.
        assigns: the global names that it binds.
        reads_annotations: it asks functions for their annotations.
    """

    references: tuple[Reference, ...]
    attributes: frozenset[str]
    assigns: tuple[str, ...]
    reads_annotations: bool


def facts_of(code: CodeType, listings: Listings) -> Facts:
    """The names that ``code`` and all code inside it reach for."""
    collector = _Collector(listings)
    collector.read(code, {}, frozenset(code.co_freevars))
    spoken = collector.attributes | {reference.name for reference in collector.references}
    spoken.update(name for reference in collector.references for name in reference.attributes)
    return Facts(
        tuple(sorted(collector.references)),
        frozenset(collector.attributes),
        tuple(sorted(collector.assigns)),
        not spoken.isdisjoint(_ANNOTATION_READERS),
    )


# What a variable holds when it was bound by an import: module, dots, attributes.
_Imported = tuple[str, int, tuple[str, ...]]
_Bindings = dict[str, set[_Imported]]


class _Collector:
    def __init__(self, listings: Listings) -> None:
        self.listings = listings
        self.references: set[Reference] = set()
        self.attributes: set[str] = set()
        self.assigns: set[str] = set()

    def read(self, code: CodeType, outer: _Bindings, free: frozenset[str]) -> None:
        """``outer``: imports bound by enclosing code; ``free``: variables of the function around it all."""
        found = listed(code, self.listings)
        own = self._imports(found) if "IMPORT_NAME" in found.names else {}
        local = frozenset(code.co_cellvars)
        shared = local | frozenset(code.co_freevars)
        bound = {name: sources for name, sources in outer.items() if name not in local} | own
        free = free - local
        for index, name in enumerate(found.names):
            if name not in _TELLING:
                continue
            value = found.values[index]
            if name in _GLOBALS:
                self._name(found, index, value, bound)
            elif name == "LOAD_FAST" and value in shared:
                continue  # Python 3.13 spells so that an inner function is given the variable
            elif name in _VARIABLES:
                self._variable(found, index, value, bound, free)
            elif name in _ATTRIBUTES or name == "LOAD_SUPER_ATTR":
                self.attributes.add(value)
            elif name == "STORE_GLOBAL":
                self.assigns.add(value)
            elif isinstance(value, CodeType):
                self.read(value, bound, free)
            elif isinstance(value, str) and name == "LOAD_CONST":
                self._words(value)

    def _name(self, found: Listing, index: int, name: str, bound: _Bindings) -> None:
        chain, after = _chain(found, index)
        written = after < len(found.names) and found.names[after] in _WRITES
        argument = found.values[after] if _is_only_argument(found, after) else ""
        self.references.add(Reference("global", name, 0, chain, written, argument))
        for module, level, path in bound.get(name, ()):
            self.references.add(Reference("import", module, level, path + chain, written))

    def _variable(
        self, found: Listing, index: int, name: str, bound: _Bindings, free: frozenset[str]
    ) -> None:
        if name in bound:
            chain, after = _chain(found, index)
            written = after < len(found.names) and found.names[after] in _WRITES
            for module, level, path in bound[name]:
                self.references.add(Reference("import", module, level, path + chain, written))
        elif name in free:
            chain, after = _chain(found, index)
            written = after < len(found.names) and found.names[after] in _WRITES
            self.references.add(Reference("cell", name, 0, chain, written))

    def _words(self, text: str) -> None:
        for match in _QUERIED.finditer(text):
            at, table = match.groups()
            self.references.add(Reference("query", at or table, 0, ("@",) if at else ()))

    def _imports(self, found: Listing) -> _Bindings:
        """The variables that this code binds by ``import`` statements."""
        bound: _Bindings = {}
        module, level, whole, importing = "", 0, False, False
        path: tuple[str, ...] = ()
        before: list[Any] = [None, None]
        for name, value in zip(found.names, found.values, strict=True):
            if name == NOP:
                continue
            if name in ("LOAD_CONST", "LOAD_SMALL_INT"):
                before = [before[1], value]
            if name == "IMPORT_NAME":
                level = before[0] if isinstance(before[0], int) else 0
                whole = not before[1]
                module, path, importing = value, (), True
                self._imported(module, level, before[1] or ())
            elif name == "IMPORT_FROM" and importing:
                # `import a.b as x` comes as `a` and from it `b`; `from a import f, g` starts again from `a`.
                path = (*path, value) if whole else (value,)
            elif name in _STORES and importing:
                first = module.partition(".")[0] if whole else module
                bound.setdefault(value, set()).add((first, level, path))
                if name == "STORE_GLOBAL":  # other functions use it, and nobody knows which and how
                    self.references.add(Reference("import", first, level, path))
                importing = not whole
            elif name not in ("SWAP", "POP_TOP"):
                importing = False
        return bound

    def _imported(self, module: str, level: int, names: tuple[str, ...]) -> None:
        for name in names:
            self.references.add(Reference("import", module, level, (name,), written=True))
        if not names:
            self.references.add(Reference("import", module, level, (), written=True))


def _chain(found: Listing, index: int) -> tuple[tuple[str, ...], int]:
    """The attributes that are looked up on what ``index`` loads, and the instruction after them."""
    chain: list[str] = []
    after = _next(found, index + 1)
    while after < len(found.names) and found.names[after] in _ATTRIBUTES:
        chain.append(found.values[after])
        after = _next(found, after + 1)
    if not chain and _is_getattr(found, index) and after < len(found.names):
        value = found.values[after]
        if found.names[after] == "LOAD_CONST" and isinstance(value, str):
            chain.append(value)
    return tuple(chain), after


def _is_only_argument(found: Listing, index: int) -> bool:
    """Whether ``index`` loads a text and a call follows at once."""
    if index + 1 >= len(found.names) or found.names[index] != "LOAD_CONST":
        return False
    return isinstance(found.values[index], str) and found.names[_next(found, index + 1)] in (
        "PRECALL",
        "CALL",
    )


def _next(found: Listing, index: int) -> int:
    while index < len(found.names) and found.names[index] in (NOP, "PUSH_NULL"):
        index += 1
    return index


def _is_getattr(found: Listing, index: int) -> bool:
    """Whether ``index`` loads the first argument of ``getattr``."""
    index -= 1
    while index >= 0 and found.names[index] in (NOP, "PUSH_NULL"):
        index -= 1
    return index >= 0 and found.names[index] in _GLOBALS and found.values[index] == "getattr"
