"""What is the closure of a function: everything of the user's that it can run, with one digest over all?"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from plait.engine.closure.bytecode import Listings
from plait.engine.closure.classes import class_tokens
from plait.engine.closure.codes import code_digest
from plait.engine.closure.constants import constant_token
from plait.engine.closure.facts import Facts, facts_of
from plait.engine.closure.functions import annotation_tokens, function_tokens
from plait.engine.closure.namespaces import namespace_tokens
from plait.engine.closure.origin import Origins
from plait.engine.closure.source import source_of_class, source_of_code
from plait.engine.closure.tokens import digest, word
from plait.engine.closure.values import value_token
from plait.engine.closure.walk import Place, Walk
from plait.errors import DefinitionError
from plait.record.closures import Closure, Component

__all__ = ["Walker", "closure_of"]

_SETTLED = 2_000_000_000  # nanoseconds
_FORMAT = "plait closure 1"


def closure_of(
    function: Callable[..., Any],
    *,
    uses: Sequence[Any] = (),
    version: str | None = None,
    first_party: Callable[[ModuleType], bool] | None = None,
    hash_value: Callable[[Any], str | None] | None = None,
) -> Closure:
    """The closure of one function; see ``Walker`` for many.

    Args:
        function: the bare function of a step.
        uses: files (paths) and objects that count as well.
        version: a text of the user's that stands for what cannot be seen.
        first_party: decides whether a module's code is walked; by default what is not installed.
        hash_value: the content hash of a value such as an array, or None if it has none.
    """
    return Walker(first_party=first_party, hash_value=hash_value).closure_of(
        function, uses=uses, version=version
    )


class Walker:
    """Finds the closures of many functions of one process and remembers what cannot change: code objects.

    What can change under a running program (globals, attributes of classes, contents of containers) is looked
    at anew in every call, so a redefinition in a notebook is seen at once.
    """

    def __init__(
        self,
        *,
        first_party: Callable[[ModuleType], bool] | None = None,
        hash_value: Callable[[Any], str | None] | None = None,
    ) -> None:
        self.origins = Origins(first_party)
        self.hash_value = hash_value
        self._facts: dict[int, tuple[CodeType, Facts]] = {}
        self._digests: dict[tuple[int, frozenset[str]], tuple[CodeType, str]] = {}
        self._sources: dict[int, tuple[Any, tuple[str, str]]] = {}
        self._files: dict[str, tuple[tuple[int, ...], str]] = {}

    def closure_of(
        self,
        function: Callable[..., Any],
        *,
        uses: Sequence[Any] = (),
        version: str | None = None,
        declared: Mapping[str, str] | None = None,
    ) -> Closure:
        """The closure of ``function`` as it is now.

        Args:
            declared: what else counts, by name, such as ``env OMP_NUM_THREADS``.

        Raises:
            DefinitionError: ``function`` is no Python function, or ``uses`` names a file that is not there.
        """
        root = _bare(function)
        walk = Walk(self, root)
        walk.meet(root, str(root.__module__), root.__qualname__, relative=".:<step>")
        self._describe_all(walk)
        for position, used in enumerate(uses):
            self._use(walk, used, position)
        self._describe_all(walk)
        if walk.reads_annotations:
            hashed = digest("\n".join(annotation_tokens(walk)))
            walk.add("annotations", Component("annotations", "constant", hashed, "of all functions"))
            self._describe_all(walk)
        if version is not None:
            walk.add("version", Component("version", "constant", digest(word(version)), version))
        for name, text in (declared or {}).items():
            walk.add(name, Component(name, "constant", digest(word(text)), text))
        return _closure(walk)

    def _describe_all(self, walk: Walk) -> None:
        for thing, place in walk.waiting():
            if isinstance(thing, FunctionType):
                parts = function_tokens(walk, thing, place)
                kind, (text, where) = "function", self._source(thing.__code__, source_of_code)
            elif isinstance(thing, type):
                parts = class_tokens(walk, thing, place)
                kind, (text, where) = "class", self._source(thing, source_of_class)
            else:
                parts = namespace_tokens(walk, thing)
                kind, text, where = "opaque", f"all that {place.name.partition(':')[0]} defines", ""
            walk.add(place.relative, Component(place.name, kind, digest("\n".join(parts)), text, where))

    def _use(self, walk: Walk, used: Any, position: int) -> None:
        """A declared extra: a path counts by its content, an object by what it is."""
        place = Place(f"uses[{position}]", f"uses[{position}]")
        if isinstance(used, str | os.PathLike):
            path = Path(used)
            hashed = digest(word(self._path_digest(path)))
            walk.add(place.relative, Component(path.as_posix(), "file", hashed, "", str(path)))
            return
        if isinstance(used, ModuleType):
            token = value_token(walk, used, place) if self.origins.of_module(used) != "user" else ""
            token = token or walk.meet_namespace(used.__dict__, "")
        else:
            token = constant_token(walk, used, place)
        if not token.startswith("="):
            walk.add(place.relative, Component(place.name, "constant", digest(token), token.lstrip("@")))

    def _path_digest(self, path: Path) -> str:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
            names = [f"{word(p.relative_to(path).as_posix())} {self.file_digest(p)}" for p in inside]
            return digest("\n".join(names))
        if not path.is_file():
            raise DefinitionError(
                f"uses= names {str(path)!r}, and there is no such file",
                hint="paths start at the working directory; Path(__file__).parent / … starts at the module",
            )
        return self.file_digest(path)

    def file_digest(self, path: Path) -> str:
        """The digest of a file's content; it is read again when its size, a time or its inode changed.

        A file that was written a moment ago is read each time: it could be written again within one tick.
        """
        stat = path.stat()
        state = (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)
        known = self._files.get(str(path))
        if known is None or known[0] != state:
            from blake3 import blake3

            known = (state, blake3().update_mmap(path).hexdigest())
            if time.time_ns() - max(stat.st_mtime_ns, stat.st_ctime_ns) > _SETTLED:
                self._files[str(path)] = known
        return known[1]

    def facts(self, code: CodeType) -> Facts:
        """What ``code`` names; its digest is found on the way, as both need its instructions."""
        known = self._facts.get(id(code))
        if known is None:
            listings: Listings = {}
            known = self._facts[id(code)] = (code, facts_of(code, listings))
            self._digests[id(code), frozenset()] = (code, code_digest(code, frozenset(), listings))
        return known[1]

    def code_digest(self, code: CodeType, masked: frozenset[str]) -> str:
        known = self._digests.get((id(code), masked))
        if known is None:
            known = self._digests[id(code), masked] = (code, code_digest(code, masked, {}))
        return known[1]

    def _source(self, thing: Any, find: Callable[[Any], tuple[str, str]]) -> tuple[str, str]:
        known = self._sources.get(id(thing))
        if known is None:
            known = self._sources[id(thing)] = (thing, find(thing))
        return known[1]


def _bare(function: Any) -> FunctionType:
    """The Python function in a step, a method or a wrapper written in C."""
    bare = function
    for _ in range(100):
        if isinstance(bare, FunctionType):
            return bare
        bare = bare.__func__ if isinstance(bare, MethodType) else getattr(bare, "__wrapped__", None)
    raise DefinitionError(
        f"{function!r} has no Python code to look at", hint="write a function with def that calls it"
    )


def _closure(walk: Walk) -> Closure:
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    tag = sys.implementation.cache_tag or sys.implementation.name
    walk.add("python", Component("python", "module-package", digest(word(tag)), python))
    packages = tuple(sorted(walk.packages.items()))
    for name, version in packages:
        walk.add(f"package {name}", Component(name, "module-package", digest(word(version)), version))
    lines = sorted(f"{word(relative)} {component.digest}" for relative, component in walk.components.items())
    root = walk.components[".:<step>"]
    others = [component for relative, component in walk.components.items() if relative != ".:<step>"]
    return Closure(
        digest=digest("\n".join([_FORMAT, *lines])),
        components=(root, *sorted(others, key=lambda component: (component.name, component.digest))),
        packages=packages,
        opaque=tuple(sorted(walk.notes)),
        cacheable=walk.cacheable,
    )
