"""What does a YAML file, or a NAME=VALUE, say, and on which line? Data only: nothing in YAML is ever run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from plait.errors import ConfError, ParameterError
from plait.project.origin import Node, Origin, dotted, plain

__all__ = [
    "load_private_yaml",
    "load_yaml",
    "parse_assignment",
    "parse_value",
    "parse_yaml",
    "split_assignment",
]

# Aliases let a few lines stand for billions of values; no conf of people's comes near this.
MOST_VALUES = 1_000_000

_BOOLS = {
    word: value
    for value, words in ((True, ("true", "yes", "on")), (False, ("false", "no", "off")))
    for lower in words
    for word in (lower, lower.capitalize(), lower.upper())
}
_NULLS = {"", "~", "null", "Null", "NULL"}
# YAML 1.1 as PyYAML reads it, with `1e-3` as a number and without `1:30` as one (90). Dates stay text: the
# annotation of the step that asks says whether a text is a date.
_INT = re.compile(r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0o?[0-7_]+|0|[1-9][0-9_]*)\Z")
_FLOAT = re.compile(
    r"(?:[-+]?(?:[0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z"
)
_STARTS_NUMBER = frozenset("+-.0123456789")
_TAG = "tag:yaml.org,2002:"


def load_yaml(path: Path, shown: str | None = None) -> Node:
    """Read a YAML or JSON file whose top is a mapping (an empty file is an empty one).

    Args:
        path: the file.
        shown: how the file is called in origins and errors; its path otherwise.

    Raises:
        ConfError: the file cannot be read, is not YAML, says a key twice, or its top is no mapping.
    """
    shown = shown or path.as_posix()
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        hint = "save the file as UTF-8"
        raise ConfError(f"{shown} is not UTF-8 text (byte {error.start})", where=shown, hint=hint) from None
    except OSError as error:
        raise ConfError(f"{shown} cannot be read: {error.strerror or error}", where=shown) from None
    if path.suffix == ".json":
        # JSON may be indented with tabs, YAML may not; inside a JSON string a tab is always escaped.
        text = text.replace("\t", " ")
    node = parse_yaml(text, shown)
    if node.value is None:
        return Node({}, node.origin)
    if not isinstance(node.value, dict):
        kind = type(node.value).__name__
        hint = "write `name: value` lines"
        raise ConfError(f"{shown} has a {kind} at its top, not a mapping", where=str(node.origin), hint=hint)
    for key, inner in node.value.items():
        if not isinstance(key, str):
            raise ConfError(
                f"the top-level key {key!r} is not text", where=str(inner.origin), hint=f'write "{key}":'
            )
    return node


def load_private_yaml(path: Path, shown: str | None = None) -> Node:
    """``load_yaml`` for a file of secrets: its errors name the line and show nothing that stands on it."""
    try:
        return load_yaml(path, shown)
    except ConfError as error:
        shown = shown or path.as_posix()
        safe = error.what.startswith((*_SAFE_TO_SAY, shown))
        problem = error.what.splitlines()[0] if safe else f"{shown} is not plain YAML"
        hint = "the line is not shown, as it may hold a secret; quote a value that has a sign or : # { in it"
        raise ConfError(problem, where=error.where, hint=hint) from None


# The other messages quote what was read.
_SAFE_TO_SAY = ("broken YAML", "the key ")


def parse_yaml(text: str, shown: str) -> Node:
    """Read YAML text to nodes; ``shown`` names the file in origins and errors.

    Raises:
        ConfError: with the line, the column and the line itself.
    """
    import yaml

    try:
        return _Reader(text, shown).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line, mark.column) if mark else (0, 0)
        problem = ", ".join(filter(None, (error.context, error.problem))) or "it cannot be read"
        raise _broken(text, shown, line, column, problem) from None
    except yaml.reader.ReaderError as error:
        before = text.encode()[: error.position].decode(errors="ignore")
        line, column = before.count("\n"), len(before) - before.rfind("\n") - 1
        raise _broken(
            text, shown, line, column, f"the character {error.character!r} is not allowed"
        ) from None


def _broken(text: str, shown: str, line: int, column: int, problem: str) -> ConfError:
    lines = text.splitlines() or [""]
    if line >= len(lines):
        line, column = len(lines) - 1, len(lines[-1])
    source = lines[line]
    column = min(column, len(source))
    what = f"broken YAML in {shown}, line {line + 1}, column {column + 1}: {problem}"
    caret = "".join("\t" if char == "\t" else " " for char in source[:column]) + "^"
    where = f"{shown}:{line + 1}:{column + 1}"
    return ConfError(f"{what}\n    {source}\n    {caret}", where=where, hint=_advice(source, column, problem))


def _advice(source: str, column: int, problem: str) -> str | None:
    if "\t" in source[: column + 1]:
        return "indent with spaces: YAML does not take tabs"
    if "mapping values are not allowed" in problem:
        return "quote a value that has a `: ` in it, or indent the line as its neighbours are"
    if "cannot start any token" in problem:
        return f"quote a value that starts with {source[column : column + 1]!r}"
    if "expected ',' or" in problem or "expected the node content" in problem:
        return "close what was opened with [ or {, and quote a text that starts with one"
    if "did not find expected key" in problem or "could not find expected ':'" in problem:
        return "each line of a mapping is `name: value`, and all are indented alike"
    return None


class _Reader:
    """Builds nodes from the parser's events: one pass, with the C parser where PyYAML has it."""

    def __init__(self, text: str, shown: str) -> None:
        import yaml

        loader: Any = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
        self.events = loader(text)
        self.next = self.events.get_event
        self.shown = shown
        self.text = text
        self.anchors: dict[str, Node] = {}
        self.open: set[str] = set()
        self.aliased = False
        self.scalar_event, self.alias_event = yaml.ScalarEvent, yaml.AliasEvent
        self.mapping_event, self.sequence_event = yaml.MappingStartEvent, yaml.SequenceStartEvent
        self.ends = (yaml.MappingEndEvent, yaml.SequenceEndEvent)
        self.stream_end, self.document_end = yaml.StreamEndEvent, yaml.DocumentEndEvent

    def document(self) -> Node:
        self.next()
        event = self.next()
        if type(event) is self.stream_end:
            return Node(None, Origin(self.shown, 1, 1))
        try:
            node = self.node(self.next())
        except RecursionError:
            raise ConfError("the values are nested too deep to be conf", where=self.shown) from None
        self.next()
        event = self.next()
        if type(event) is not self.stream_end:
            hint = "split it into several files"
            where = f"{self.shown}:{event.start_mark.line + 1}"
            raise ConfError(
                "a file holds one document: there is a second after `---`", where=where, hint=hint
            )
        if self.aliased and _size(node, {}) > MOST_VALUES:
            raise ConfError(
                f"the aliases (*name) expand to more than {MOST_VALUES:,} values", where=self.shown
            )
        return node

    def node(self, event: Any) -> Node:
        kind = type(event)
        if kind is self.scalar_event:
            mark = event.start_mark
            origin = Origin(self.shown, mark.line + 1, mark.column + 1)
            made = Node(self.scalar(event, origin), origin)
            if event.anchor:
                self.anchors[event.anchor] = made
            return made
        if kind is self.alias_event:
            return self.alias(event)
        if kind not in (self.mapping_event, self.sequence_event):
            raise ConfError("a value was expected", where=self.shown)
        mark = event.start_mark
        origin = Origin(self.shown, mark.line + 1, mark.column + 1)
        if event.tag:
            self.check_tag(event.tag, origin, "map" if kind is self.mapping_event else "seq")
        if event.anchor:
            self.open.add(event.anchor)
        made = Node(self.mapping(origin) if kind is self.mapping_event else self.sequence(), origin)
        if event.anchor:
            self.open.discard(event.anchor)
            self.anchors[event.anchor] = made
        return made

    def sequence(self) -> list[Node]:
        items = []
        while type(event := self.next()) not in self.ends:
            items.append(self.node(event))
        return items

    def mapping(self, origin: Origin) -> dict[Any, Node]:
        made: dict[Any, Node] = {}
        lines: dict[Any, Origin] = {}
        inherited: list[Node] = []
        while type(event := self.next()) not in self.ends:
            node = self.node(event)
            key = node.value
            value = self.node(self.next())
            if key == "<<" and type(event) is self.scalar_event and event.implicit[0]:
                inherited.extend(self.merged(value))
                continue
            if type(key) is dict or type(key) is list:
                raise ConfError(
                    "a key is a text or a number, not a list or a mapping", where=str(node.origin)
                )
            if key in made:
                raise ConfError(
                    f"the key {key!r} is said twice in one mapping: "
                    f"lines {lines[key].line} and {node.origin.line} of {self.shown}",
                    where=str(node.origin),
                    hint="keep one of the two",
                )
            if type(value.value) is dict or type(value.value) is list:
                # A mapping starts below its key, and it is the key that people look for.
                value = Node(value.value, node.origin)
            made[key] = value
            lines[key] = node.origin
        # What is written here beats what `<<` brings, and an earlier `<<` beats a later one.
        for parent in inherited:
            for key, value in parent.value.items():
                made.setdefault(key, value)
        return made

    def merged(self, value: Node) -> list[Node]:
        parents = value.value if type(value.value) is list else [value]
        for parent in parents:
            if type(parent.value) is not dict:
                raise ConfError("`<<` takes a mapping, or a list of mappings", where=str(value.origin))
        return parents

    def alias(self, event: Any) -> Node:
        self.aliased = True
        name = event.anchor
        where = f"{self.shown}:{event.start_mark.line + 1}"
        if name in self.open:
            raise ConfError(f"the anchor &{name} contains itself (*{name})", where=where)
        if name not in self.anchors:
            from plait.errors import did_you_mean

            hint = did_you_mean(name, self.anchors) or f'quote a text that starts with a star: "*{name}"'
            raise ConfError(
                f"*{name} names no anchor (&{name}) that stands before it", where=where, hint=hint
            )
        return self.anchors[name]

    def scalar(self, event: Any, origin: Origin) -> Any:
        value = event.value
        tag = event.tag
        if tag:
            return value if tag == "!" else self.tagged(tag, value, origin)
        # implicit[0] is set for a plain scalar, one without quotes; only such a one can be more than text.
        return read_scalar(value) if event.implicit[0] else value

    def tagged(self, tag: str, value: str, origin: Origin) -> Any:
        self.check_tag(tag, origin, "scalar")
        name = tag.removeprefix(_TAG)
        if name in ("str", "timestamp"):
            return value
        if name == "binary":
            import base64

            return base64.b64decode(value)
        found = read_scalar(value)
        if name == "float" and type(found) is int:
            return float(found)
        wanted = {"int": int, "float": float, "bool": bool, "null": type(None)}[name]
        if type(found) is not wanted:
            raise ConfError(f"{value!r} is no {name}, as its tag !!{name} says", where=str(origin))
        return found

    def check_tag(self, tag: str, origin: Origin, kind: str) -> None:
        name = tag.removeprefix(_TAG)
        known = {"map": ("map", "omap"), "seq": ("seq",)}.get(
            kind, ("str", "int", "float", "bool", "null", "binary", "timestamp")
        )
        if tag.startswith(_TAG) and name in known:
            return
        written = f"!!{name}" if tag.startswith(_TAG) else tag
        if name.startswith("python"):
            raise ConfError(
                f"the tag {written} asks to run or build Python from YAML, which plait never does",
                where=str(origin),
                hint="name a function or class by its dotted path in a text, where the key is made for one",
            )
        hint = "write the value without the tag, or quote a text that starts with `!`"
        raise ConfError(f"the tag {written} is not one that plait reads", where=str(origin), hint=hint)


def _size(node: Node, seen: dict[int, int]) -> int:
    value = node.value
    if type(value) is not dict and type(value) is not list:
        return 1
    known = seen.get(id(node))
    if known is None:
        inside = value.values() if type(value) is dict else value
        known = seen[id(node)] = 1 + sum(_size(inner, seen) for inner in inside)
    return known


def read_scalar(text: str) -> Any:
    """A plain scalar as YAML types it: null, bool, int, float, else the text."""
    if text[:1] in _STARTS_NUMBER:
        if _INT.match(text):
            return _integer(text)
        if _FLOAT.match(text):
            return _float(text)
        return text
    if text in _NULLS:
        return None
    return _BOOLS.get(text, text)


def _integer(text: str) -> Any:
    digits = text.replace("_", "").lower()
    unsigned = digits.lstrip("+-")
    prefixed = unsigned.startswith(("0x", "0b", "0o"))
    try:
        value = int(unsigned, 0 if prefixed else 8 if unsigned.startswith("0") else 10)
    except ValueError:
        return text
    return -value if digits.startswith("-") else value


def _float(text: str) -> float:
    return float(text.replace("_", "").lower().replace(".inf", "inf").replace(".nan", "nan"))


def parse_value(text: str) -> Any:
    """The VALUE of a NAME=VALUE as YAML types it: ``1e-3``, ``true``, ``null``, ``[1, 2]``, ``{x: 1}``.

    An empty text is the empty string. There are no comments, anchors or block texts on a command line, so
    ``#ff0000``, ``*.csv`` and ``@file`` are texts as they stand.

    Raises:
        ParameterError: the text opens a list, a mapping or a quote that it does not close.
    """
    stripped = text.strip()
    if not stripped:
        return ""
    if stripped[0] in "#*&@%`|>":
        return stripped
    try:
        value = plain(parse_yaml(stripped, "command line"))
    except ConfError as error:
        problem = (
            error.what.splitlines()[0].rpartition(": ")[2] if error.what.startswith("broken") else error.what
        )
        hint = f"to pass it as text, write {_quoted('NAME', text)}"
        raise ParameterError(f"{text!r} cannot be read as a value: {problem}", hint=hint) from None
    return stripped if isinstance(value, str) and " #" in stripped and stripped[0] not in "'\"" else value


def split_assignment(text: str) -> tuple[tuple[str, ...], str]:
    """``model.alpha=0.3`` as a path of keys and the text of the value; quotes keep a dot: ``"a.b".c=1``.

    Raises:
        ParameterError: there is no ``=``, or no name before it.
    """
    name = re.match(r"""(?:"[^"]*"|'[^']*'|[^="'])*""", text)
    end = name.end() if name else 0
    written = text[:end].strip()
    if text[end : end + 1] != "=" or not written:
        if written and end == len(text):
            shown = written.lstrip("-") or "NAME"
            raise ParameterError(f"{text!r} sets nothing", hint=f"write {shown}=VALUE")
        raise ParameterError(f"{text!r} names no parameter", hint="write NAME=VALUE, such as model.alpha=0.3")
    if written.startswith("-"):
        hint = f"write {written.lstrip('-')}={text[end + 1 :]} without dashes"
        raise ParameterError(f"{written!r} is not a parameter's name", hint=hint)
    path = _parts(written)
    if not all(path):
        hint = f"write {dotted(part for part in path if part) or 'NAME'}=VALUE"
        raise ParameterError(f"{written!r} has an empty part between its dots", hint=hint)
    return path, text[end + 1 :]


def _parts(written: str) -> tuple[str, ...]:
    parts = [""]
    for piece in re.findall(r"""\.|"[^"]*"|'[^']*'|[^."']+""", written):
        if piece == ".":
            parts.append("")
        else:
            parts[-1] += piece[1:-1] if piece[0] in "'\"" else piece.strip()
    return tuple(parts)


def parse_assignment(text: str) -> tuple[tuple[str, ...], Any]:
    """``model.alpha=0.3`` as ``(("model", "alpha"), 0.3)``; the value is typed as YAML.

    Raises:
        ParameterError: the text is no assignment, or its value is not one that YAML can read.
    """
    path, raw = split_assignment(text)
    try:
        return path, parse_value(raw)
    except ParameterError as error:
        hint = f"to pass it as text, write {_quoted(dotted(path), raw)}"
        raise ParameterError(f"{dotted(path)}: {error.what}", hint=hint) from None


def _quoted(name: str, text: str) -> str:
    import json
    import shlex

    # Once for the shell, once for YAML.
    return shlex.quote(f"{name}={json.dumps(text, ensure_ascii=False)}")
