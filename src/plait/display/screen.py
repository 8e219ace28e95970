"""Where is it shown? The width of a stream, whether it takes colours, and how lines get there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from typing import IO

from plait.display.text import Text

__all__ = ["Screen"]

_PIPED_WIDTH = 100


class Screen:
    """A stream of lines for people: a terminal, or a file or pipe.

    ``NO_COLOR`` and ``FORCE_COLOR`` are heeded, and ``COLUMNS`` tells the width where there is no terminal.

    Args:
        stream: where the lines go.
        optional: its reader may leave without harm: what goes on must not end because nobody watches any more.
    """

    def __init__(self, stream: IO[str], *, optional: bool = False) -> None:
        self.stream = stream
        self._optional = optional
        self._left = False
        self.terminal = _is_terminal(stream)
        self.colour = _takes_colour(self.terminal)
        self.moves = self.terminal and os.environ.get("TERM") not in (None, "", "dumb")

    @property
    def width(self) -> int:
        """Asked anew each time: a window may be resized."""
        if self.terminal or os.environ.get("COLUMNS"):
            return max(40, shutil.get_terminal_size((80, 24)).columns)
        return _PIPED_WIDTH

    def write(self, lines: Iterable[Text | str]) -> None:
        body = "".join(
            f"{line.render(colour=self.colour) if isinstance(line, Text) else line}\n" for line in lines
        )
        if self._left:
            return
        try:
            self.stream.write(body)
            self.stream.flush()
        except BrokenPipeError:
            if not self._optional:
                raise
            self._left = True


def _is_terminal(stream: IO[str]) -> bool:
    try:
        return stream.isatty()
    except (AttributeError, ValueError):  # no stream at all, or a closed one
        return False


def _takes_colour(terminal: bool) -> bool:
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return terminal and os.environ.get("TERM") != "dumb"
