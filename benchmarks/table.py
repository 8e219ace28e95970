"""How is a measure shown? One table, as text, as Markdown and as JSON, from the same values."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import floor, log10
from typing import TypeAlias

Cell: TypeAlias = str | float | int | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column and how its numbers are written."""

    name: str
    digits: int | None = None
    """Places behind the point; None writes the value as it is."""

    def shown(self, value: Cell) -> str:
        if value is None:
            return ""
        if self.digits is None or isinstance(value, str):
            return f"{value:,}" if isinstance(value, int) else str(value)
        digits = self.digits
        if value and abs(value) < 1:  # two figures at least, so that a small ratio is not shown as nothing
            digits = max(digits, 1 - floor(log10(abs(value))))
        return f"{value:,.{digits}f}"


@dataclass(frozen=True, slots=True)
class Table:
    key: str
    title: str
    columns: tuple[Column, ...]
    rows: list[dict[str, Cell]]
    notes: list[str] = field(default_factory=list)

    def cells(self) -> list[list[str]]:
        return [[column.shown(row.get(column.name)) for column in self.columns] for row in self.rows]

    def is_number(self, index: int) -> bool:
        values = [row.get(self.columns[index].name) for row in self.rows]
        return any(isinstance(value, int | float) for value in values)

    def text(self) -> str:
        """For a terminal: columns lined up, numbers to the right."""
        return f"{self.key}  {self.title}\n\n{self.lined_up('  ', '')}\n\n{self.noted('')}".rstrip() + "\n"

    def markdown(self) -> str:
        return (
            f"## {self.key}: {self.title}\n\n{self.lined_up(' | ', '|')}\n\n{self.noted('- ')}".rstrip()
            + "\n"
        )

    def lined_up(self, between: str, edge: str) -> str:
        grid = [[column.name for column in self.columns], *self.cells()]
        widths = [max(len(line[index]) for line in grid) for index in range(len(self.columns))]
        right = [self.is_number(index) for index in range(len(self.columns))]

        def line(words: list[str]) -> str:
            parts = [
                word.rjust(width) if number else word.ljust(width)
                for word, width, number in zip(words, widths, right, strict=True)
            ]
            return f"{edge} {between.join(parts)} {edge}" if edge else between.join(parts).rstrip()

        rule = [
            ("-" * (width - 1) + (":" if number and edge else "-")) if width > 1 else "-"
            for width, number in zip(widths, right, strict=True)
        ]
        return "\n".join([line(grid[0]), line(rule), *(line(words) for words in grid[1:])])

    def noted(self, bullet: str) -> str:
        return "\n".join(f"{bullet}{note}" for note in self.notes)
