"""What is a line of coloured text, and how is it fitted to a width?"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

__all__ = ["Text", "clean", "columns", "width_of"]

# Names of styles, and what a terminal is told for them.
_CODES = {
    "bold": "1",
    "dim": "2",
    "title": "1",
    "name": "36",
    "done": "32",
    "cached": "36",
    "failed": "31",
    "error": "1;31",
    "running": "34",
    "cancelled": "33",
    "lost": "31",
    "crashed": "31",
    "skipped": "33",
    "retried": "33",
    "waiting": "2",
    "warning": "33",
    "code": "",
    "number": "",
}
_WIDE = frozenset("WF")


class Text:
    """A line made of spans, each with the name of a style; built by ``add``, which answers with the line itself."""

    __slots__ = ("spans",)

    def __init__(self, text: str = "", style: str = "") -> None:
        self.spans: list[tuple[str, str]] = [(text, style)] if text else []

    def add(self, text: str | Text, style: str = "") -> Text:
        if isinstance(text, Text):
            self.spans.extend(text.spans)
        elif text:
            self.spans.append((text, style))
        return self

    @property
    def plain(self) -> str:
        return "".join(text for text, _ in self.spans)

    @property
    def width(self) -> int:
        return sum(width_of(text) for text, _ in self.spans)

    def cut(self, width: int) -> Text:
        """At most so wide, with ``…`` where something was left out."""
        if self.width <= width:
            return self
        short, room = Text(), max(0, width - 1)
        for text, style in self.spans:
            taken = _fitting(text, room)
            short.add(taken, style)
            room -= width_of(taken)
            if len(taken) < len(text):
                return short.add("…", style)
        return short

    def pad(self, width: int, *, right: bool = False) -> Text:
        """At least so wide; blanks go to the end, or to the front for ``right``."""
        blanks = " " * max(0, width - self.width)
        return Text(blanks).add(self) if right else Text().add(self).add(blanks)

    def render(self, *, colour: bool) -> str:
        if not colour:
            return self.plain.rstrip()
        return "".join(
            f"\x1b[{_CODES[style]}m{text}\x1b[0m" if _CODES.get(style) else text for text, style in self.spans
        ).rstrip()

    def __repr__(self) -> str:
        return f"Text({self.plain!r})"


def clean(text: str) -> str:
    """Text that came from a user's value, so that it cannot move the cursor or break a line in two."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else " " if character in "\t\n\r" else "·" for character in text
    )


def width_of(text: str) -> int:
    """How many cells of a terminal a text takes."""
    if text.isascii():
        return len(text)
    return sum(_cells(character) for character in text)


def _cells(character: str) -> int:
    if unicodedata.combining(character) or character in "\u200b\u200d\ufe0f":
        return 0
    return 2 if unicodedata.east_asian_width(character) in _WIDE else 1


def _fitting(text: str, room: int) -> str:
    if width_of(text) <= room:
        return text
    for position, character in enumerate(text):
        room -= _cells(character)
        if room < 0:
            return text[:position]
    return text


def columns(
    rows: Iterable[Sequence[str | Text]],
    *,
    width: int,
    right: Sequence[int] = (),
    shrink: Sequence[int] = (),
    indent: int = 2,
    gap: int = 2,
) -> list[Text]:
    """Rows as lines with aligned columns.

    Args:
        rows: cells of each row; a shorter row ends early.
        width: of the page; lines are never longer.
        right: the columns that are aligned to the right.
        shrink: the columns that give way when the page is narrow, the first one first.
    """
    cells = [[cell if isinstance(cell, Text) else Text(cell) for cell in row] for row in rows]
    count = max((len(row) for row in cells), default=0)
    widths = [max((row[at].width for row in cells if at < len(row)), default=0) for at in range(count)]
    surplus = indent + sum(widths) + gap * (sum(1 for each in widths if each) - 1) - width
    for at in shrink:
        if surplus > 0 and at < count:
            taken = min(surplus, max(0, widths[at] - 8))
            widths[at] -= taken
            surplus -= taken
    lines = []
    for row in cells:
        line = Text(" " * indent)
        shown = [at for at in range(len(row)) if widths[at]]
        for at in shown:
            if at != shown[0]:
                line.add(" " * gap)
            line.add(row[at].cut(widths[at]).pad(widths[at], right=at in right))
        lines.append(line.cut(width))
    return lines
