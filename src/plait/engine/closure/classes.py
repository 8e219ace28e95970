"""What does a class mean: its bases, its metaclass, its attributes, its fields and its methods?"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from enum import EnumMeta
from types import CodeType, FunctionType, GetSetDescriptorType, MemberDescriptorType
from typing import Any

from plait.engine.closure.functions import function_tokens
from plait.engine.closure.tokens import group, word
from plait.engine.closure.values import value_token
from plait.engine.closure.walk import Place, Walk

__all__ = ["class_tokens"]

# What Python notes about a class, and caches that fill while the program runs.
_NOISE = frozenset(
    {
        "__module__", "__qualname__", "__doc__", "__dict__", "__weakref__", "__firstlineno__",
        "__annotations__", "__static_attributes__", "__annotate__", "__annotate_func__",
        "__annotations_cache__", "_abc_impl", "__abstractmethods__", "__signature__",
    }
)  # fmt: skip
_OF_ENUM = frozenset(
    {
        "_generate_next_value_", "_hashable_values_", "_member_map_", "_member_names_", "_unhashable_values_",
        "_unhashable_values_map_", "_value2member_map_",
    }
)  # fmt: skip
_IDENTIFIER = re.compile(r"[^\W\d]\w*")
# What metaclasses keep in C, where the class's own dictionary does not show it.
_STRUCT = ("__struct_fields__", "__struct_defaults__", "__struct_encode_fields__")
_STRUCT_OPTIONS = (
    "array_like", "cache_hash", "dict", "eq", "forbid_unknown_fields", "frozen", "gc", "kw_only",
    "omit_defaults", "order", "repr_omit_defaults", "tag", "tag_field", "weakref",
)  # fmt: skip


def class_tokens(walk: Walk, cls: type, place: Place) -> list[str]:
    """Everything that instances of a class can do and be, one token each; methods are pieces of their own."""
    parts = [f"base {value_token(walk, base, place)}" for base in cls.__bases__]
    if type(cls) is not type:
        parts.append(f"metaclass {value_token(walk, type(cls), place)}")
    for name, value in _entries(cls):
        parts.append(f"{name} {_attribute(walk, cls, value, place.inside(f'.{name}'))}")
    for name, annotation in vars(cls).get("__annotations__", {}).items():
        parts.append(f"field {name} {_annotation(walk, cls, annotation, place)}")
    if hasattr(cls, "__struct_config__"):
        parts.extend(f"{name} {value_token(walk, getattr(cls, name), place)}" for name in _STRUCT)
        options = [getattr(cls.__struct_config__, name, None) for name in _STRUCT_OPTIONS]
        parts.append(f"options {value_token(walk, options, place)}")
    mentioned: set[str] = set()
    for function in _functions(cls):
        mentioned |= walk.walker.facts(function.__code__).attributes
    if "__doc__" in mentioned:
        parts.append(f"doc {value_token(walk, cls.__doc__, place)}")
    if "__subclasses__" in mentioned:
        parts.extend(sorted(f"subclass {value_token(walk, c, place)}" for c in _children(cls)))
    return parts


def _children(cls: type) -> list[type]:
    return type.__subclasses__(cls)


def _functions(cls: type) -> Iterator[FunctionType]:
    for value in vars(cls).values():
        inner = getattr(value, "__func__", value) if isinstance(value, classmethod | staticmethod) else value
        if isinstance(inner, FunctionType):
            yield inner


def _entries(cls: type) -> Iterator[tuple[str, Any]]:
    """The attributes that mean something, by name: their order in the file does not matter."""
    entries = dict(vars(cls))
    if isinstance(cls, EnumMeta):
        yield from _members(cls, entries)
    for name in sorted(entries):
        value = entries[name]
        if name in _NOISE or isinstance(value, MemberDescriptorType | GetSetDescriptorType):
            continue
        if name.startswith("__pydantic_") or (name == "__init__" and _is_filled_in(value)):
            continue
        yield name, value
    if "__pydantic_fields__" in entries:
        yield from _pydantic(entries)


def _is_filled_in(value: Any) -> bool:
    """Whether this ``__init__`` is what ``typing.Protocol`` puts into a class when it is used first."""
    return value is object.__init__ or getattr(value, "__module__", None) == "typing"


def _members(cls: Any, entries: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """An enumeration: its members in order with their values, aliases included, then what the user added."""
    members = cls.__members__
    for name in list(entries):
        value = entries[name]
        of_python = isinstance(value, FunctionType) and value.__module__ == "enum"
        if name in members or of_python or name in _OF_ENUM:
            del entries[name]
    yield "<members>", [(name, member.name, member._value_) for name, member in members.items()]


def _pydantic(entries: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    yield "<fields>", list(entries["__pydantic_fields__"].items())
    decorators = entries.get("__pydantic_decorators__")
    kinds: Any = getattr(decorators, "__dict__", None) or getattr(type(decorators), "__slots__", ())
    for kind in sorted(kinds):
        found = getattr(decorators, kind)
        if isinstance(found, dict):
            yield f"<{kind}>", [(name, found[name].info) for name in sorted(found)]


def _attribute(walk: Walk, cls: type, value: Any, place: Place) -> str:
    if isinstance(value, FunctionType) and _is_generated(cls, value.__code__):
        return group("made", function_tokens(walk, value, place))
    return value_token(walk, value, place)


def _is_generated(cls: type, code: CodeType) -> bool:
    """Whether dataclasses, namedtuple or the like wrote a method: it follows from the fields."""
    return code.co_filename.startswith("<string>") and not code.co_qualname.startswith(f"{cls.__qualname__}.")


def _annotation(walk: Walk, cls: type, annotation: Any, place: Place) -> str:
    """A field's type; one that is written as text may name classes of the same module."""
    if not isinstance(annotation, str):
        return value_token(walk, annotation, place)
    names = getattr(sys.modules.get(cls.__module__), "__dict__", {})
    found = [names.get(name) for name in _IDENTIFIER.findall(annotation)]
    classes = [c for c in found if isinstance(c, type) and walk.walker.origins.is_users(c)]
    return group("text", [word(annotation), *(value_token(walk, c, place) for c in classes)])
