"""What does a piece of code look like to people, and where is it? No digest depends on the answer."""

from __future__ import annotations

import os
import re
from types import CodeType, FunctionType
from typing import Any

__all__ = ["source_of_class", "source_of_code"]


def source_of_code(code: CodeType) -> tuple[str, str]:
    """The lines from the first decorator to the last expression, and their ``path:line``."""
    lines = _lines(code.co_filename)
    first = code.co_firstlineno
    where = _where(code.co_filename, first)
    if not 0 < first <= len(lines):
        return "", where
    return _joined(lines[first - 1 : max(first, _last_line(code))]), where


def source_of_class(cls: type) -> tuple[str, str]:
    """The text of a class and its ``path:line``; empty when there is no source."""
    code = next((f.__code__ for f in vars(cls).values() if _made_here(f, cls)), None)
    file = code.co_filename if code else _module_file(cls)
    lines = _lines(file) if file else []
    opening = re.compile(rf"\s*class\s+{re.escape(cls.__name__)}\b")
    starts = [index for index, line in enumerate(lines) if opening.match(line)]
    if code is not None:
        starts = [index for index in starts if index < code.co_firstlineno]
    if not starts:
        return "", ""
    start = starts[-1]
    end = _block_end(lines, start)
    while start > 0 and lines[start - 1].lstrip().startswith("@"):
        start -= 1
    return _joined(lines[start:end]), _where(file, start + 1)


def _lines(file: str) -> list[str]:
    import linecache

    linecache.checkcache(file)  # an edited module may have been loaded again
    return linecache.getlines(file)


def _where(file: str, line: int) -> str:
    """``path:line``, relative to the working folder where the file is inside it."""
    here = os.getcwd() + os.sep
    return f"{file.removeprefix(here)}:{line}"


def _made_here(value: Any, cls: type) -> bool:
    return isinstance(value, FunctionType) and value.__code__.co_qualname.startswith(f"{cls.__qualname__}.")


def _module_file(cls: type) -> str:
    import sys

    return getattr(sys.modules.get(cls.__module__), "__file__", None) or ""


def _last_line(code: CodeType) -> int:
    last = code.co_firstlineno
    for _, end, _, _ in code.co_positions():
        if end is not None and end > last:
            last = end
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            last = max(last, _last_line(constant))
    return last


def _block_end(lines: list[str], start: int) -> int:
    """One after the last line that is indented deeper than the line at ``start``, or closes its bracket."""
    depth = _indent(lines[start])
    end = start + 1
    for index in range(start + 1, len(lines)):
        line = lines[index]
        if not line.strip():
            continue
        if _indent(line) <= depth and line.lstrip()[0] not in ")]}#":
            break
        if _indent(line) > depth or line.lstrip()[0] in ")]}":
            end = index + 1
    return end


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _joined(lines: list[str]) -> str:
    import textwrap

    return textwrap.dedent("".join(lines)).rstrip()
