"""Which pieces does one function reach? The state of a single walk: what was met, named and noted."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from plait.engine.closure.origin import FOREIGN
from plait.engine.closure.tokens import digest, word
from plait.record.closures import Component

if TYPE_CHECKING:
    from plait.engine.closure.walker import Walker

__all__ = ["SELF", "Place", "Walk", "innermost", "module_of", "type_name"]

# The token of the step itself.
SELF = "@.:<step>"
# What packages keep in their objects for their own use; it says nothing about a result.
_PLUMBING = frozenset(
    {
        "_thread.RLock",
        "_thread._local",
        "_thread.lock",
        "weakref.ReferenceType",
        "weakref.WeakKeyDictionary",
        "weakref.WeakValueDictionary",
        "weakref.WeakSet",
    }
)


class Place(NamedTuple):
    """Where a value was met: its name in digests and its name for people."""

    relative: str
    name: str

    def inside(self, suffix: str) -> Place:
        return Place(self.relative + suffix, self.name + suffix)


class Walk:
    """One walk from one function to everything it reaches.

    A piece is named when it is first met and described later, from a queue: so cycles need no care, and the
    description of a piece refers to the others by name. In digests the names are relative to the step: its
    module is ``.`` and its own name ``<step>``, so neither matters.

    Attributes:
        components: relative name and component, in the order of description.
        project: the folder that the step's project is in.
        packages: distributions that were touched.
        in_packages: tokens of names in packages, by the module's id and the name, for this walk only.
        notes: sentences for ``Closure.opaque``.
        functions: those that were described, by relative name.
        reads_annotations: some of them ask for annotations.
        constants: by relative name, the value that was met there and its token.
    """

    def __init__(self, walker: Walker, root: FunctionType) -> None:
        self.walker = walker
        inner = innermost(root)
        self._home = str(inner.__globals__.get("__name__"))
        self._own = inner.__code__.co_qualname
        self.project = walker.origins.project_of(inner.__code__.co_filename)
        self.components: dict[str, Component] = {}
        self.packages: dict[str, str] = {}
        self.notes: dict[str, None] = {}
        self.cacheable = True
        self.reads_annotations = False
        self.in_packages: dict[tuple[int, tuple[str, ...]], str] = {}
        self.functions: dict[str, FunctionType] = {}
        self.constants: dict[str, tuple[Any, str]] = {}
        self.seen: dict[int, tuple[int, Any]] = {}  # values written down in this piece, by id, in their order
        self.stack: dict[int, int] = {}  # values being written down, by id, with their depth
        self.tolerant = 0  # > 0 inside what belongs to a package: its locks and handles are its own business
        self._names: dict[int, str] = {}
        self._taken: set[str] = set()
        self._alive: list[Any] = []  # an id is only a name as long as its object lives
        self._queue: deque[tuple[Any, Place]] = deque()

    def waiting(self) -> Iterator[tuple[Any, Place]]:
        """Every piece that was met and not yet described, once; describing one may add others."""
        while self._queue:
            yield self._queue.popleft()

    def meet(self, thing: Any, module: str, qualname: str, relative: str | None = None) -> str:
        """The token of a function, class or namespace of the user's; the first time it goes on the list."""
        known = self._names.get(id(thing))
        if known is not None:
            return "@" + known
        wanted = relative or self.relative(module, qualname)
        unique, count = wanted, 1
        while unique in self._taken:
            count += 1
            unique = f"{wanted}#{count}"
        self._taken.add(unique)
        self._names[id(thing)] = unique
        self._alive.append(thing)
        self._queue.append((thing, Place(unique, f"{module}:{qualname}")))
        return "@" + unique

    def meet_function(self, function: FunctionType) -> str:
        return self.meet(function, str(function.__globals__.get("__name__")), function.__code__.co_qualname)

    def meet_namespace(self, names: dict[str, Any], why: str) -> str:
        """All that a module defines; ``why`` says what made it necessary."""
        module = str(names.get("__name__"))
        if why:
            self.note(f"{why}: all of {module} is in the key")
        return self.meet(names, module, "*")

    def relative(self, module: str, qualname: str) -> str:
        """The name that digests use."""
        if module != self._home:
            return f"{module}:{qualname}"
        if qualname == self._own or qualname.startswith(self._own + "."):
            return ".:<step>" + qualname[len(self._own) :]
        return f".:{qualname}"

    def add(self, relative: str, component: Component) -> None:
        self.components[relative] = component

    def note(self, sentence: str) -> None:
        self.notes.setdefault(sentence)

    def refuse(self, place: Place, value: Any, why: str = "") -> str:
        """``value`` cannot be hashed: say so, and take the cache away from the step."""
        kind = type_name(value)
        if not (self.tolerant and kind in _PLUMBING):
            self.cacheable = False
            because = f" ({why})" if why else ""
            self.note(f"{place.name} holds a {kind}, which cannot be hashed{because}: the step is not cached")
            detail = f"a {kind} cannot be hashed"
            self.add(f"?{place.relative}", Component(place.name, "opaque", digest(kind), detail))
        return "unhashable " + word(kind)

    def package(self, dotted: str) -> None:
        """Note that the package which holds a module, or a name in one, is touched."""
        found = self.walker.origins.distribution(dotted)
        if found is not None:
            self.packages[found[0]] = found[1]

    def by_reference(self, module: str | None, qualname: str) -> str:
        """The token of something that is not the user's: its name; its package's version covers the rest."""
        dotted = f"{module}.{qualname}" if module else qualname
        if module and self.walker.origins.of_name(module) == FOREIGN:
            self.package(dotted)
        return "ref " + word(dotted)


def innermost(function: FunctionType) -> FunctionType:
    """The function inside all wrappers that say what they wrap."""
    inner: Any = function
    for _ in range(100):
        wrapped = getattr(inner, "__wrapped__", None)
        if wrapped is None:
            break
        inner = wrapped
    return inner if isinstance(inner, FunctionType) else function


def type_name(value: Any) -> str:
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def module_of(names: dict[str, Any]) -> ModuleType | None:
    module = sys.modules.get(str(names.get("__name__")))
    return module if module is not None and module.__dict__ is names else None
