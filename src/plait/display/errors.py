"""How is an exception shown? The user's own lines first and lit, those of libraries folded, ours not at all."""

from __future__ import annotations

import os
from itertools import dropwhile, groupby

from plait.display.text import Text, clean
from plait.record.facts import ErrorInfo, Frame

__all__ = ["error_lines", "frames_of", "headline", "shown_path", "wrapped"]

_MOST_FRAMES = 8
_MOST_MESSAGE = 12
_MOST_CAUSES = 5


def headline(error: ErrorInfo) -> str:
    """The first line: type and message; for what plait itself says the message alone."""
    first = clean(_message(error)[0]) if error.message.strip() else ""
    kind = error.type.rpartition(".")[2] if error.type.startswith("plait.") else error.type
    if error.type.startswith("plait.errors.") or error.type in ("WorkerLost", "TimedOut", "OutOfMemory"):
        return first or kind
    return f"{kind}: {first}" if first else kind


def error_lines(error: ErrorInfo, width: int, *, indent: int = 2) -> list[Text]:
    """An exception: what it says, where it came from, its notes and what caused it."""
    return wrapped(headline(error), width, indent=indent) + frames_of(error, width, indent=indent)


def wrapped(text: str, width: int, *, indent: int, before: str = "") -> list[Text]:
    """What went wrong, whole: a message is never cut, it goes on in the next line."""
    import textwrap

    room = max(20, width - indent)
    pieces = textwrap.wrap(
        before + text, room, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    ) or [""]
    pad = " " * indent
    first = Text(pad).add(before, "dim").add(pieces[0].removeprefix(before), "error")
    return [first, *(Text(pad).add(piece, "error") for piece in pieces[1:])]


def frames_of(error: ErrorInfo, width: int, *, indent: int = 2) -> list[Text]:
    """The same without its first line."""
    pad = " " * indent
    lines = [Text(f"{pad}{clean(line)}") for line in _message(error)[1:_MOST_MESSAGE]]
    lines += [Text(pad).add(line).cut(width) for line in _frames(error.frames)]
    for note in error.notes:
        lines += [
            Text(f"{pad}note: " if at == 0 else f"{pad}      ", "warning").add(clean(part))
            for at, part in enumerate(note.splitlines())
        ]
    cause, depth = error.cause, 0
    while cause is not None and depth < _MOST_CAUSES:
        lines += wrapped(headline(cause), width, indent=indent, before="caused by ")
        lines += [Text(pad).add(line).cut(width) for line in _frames(cause.frames)]
        cause, depth = cause.cause, depth + 1
    return lines


def _message(error: ErrorInfo) -> list[str]:
    return error.message.strip().splitlines() or [""]


def _frames(frames: tuple[Frame, ...]) -> list[Text]:
    shown = [frame for frame in frames if frame.origin != "plait"]
    if any(frame.origin == "user" for frame in shown):
        # What called the user's code is of no interest; what their code called is.
        shown = list(dropwhile(lambda frame: frame.origin != "user", shown))
    lines: list[Text] = []
    for origin, together in groupby(shown, key=lambda frame: frame.origin):
        run = list(together)
        lines += _user_frames(run) if origin == "user" else [_library_frames(run)]
    return lines


def _user_frames(frames: list[Frame]) -> list[Text]:
    lines: list[Text] = []
    left_out = len(frames) - _MOST_FRAMES
    for at, frame in enumerate(frames):
        if left_out > 0 and 2 <= at < 2 + left_out:
            if at == 2:
                lines.append(Text(f"  … {left_out} frames more", "dim"))
            continue
        lines.append(
            Text("  ")
            .add(f"{shown_path(frame.file)}:{frame.line}", "name")
            .add(f" in {frame.function}", "dim")
        )
        if frame.code:
            lines.append(Text(f"    {clean(frame.code.strip())}", "bold"))
    return lines


def _library_frames(frames: list[Frame]) -> Text:
    last = frames[-1]
    where = f"{_in_library(last.file)}:{last.line} in {last.function}"
    return Text(f"  … {len(frames)} frames to {where}" if len(frames) > 1 else f"  … {where}", "dim")


def shown_path(file: str) -> str:
    """A path as it is shortest to read: from the working directory, if it lies below."""
    try:
        near = os.path.relpath(file)
    except ValueError:  # another drive
        return file
    return file if near.startswith(os.pardir) or file.startswith("<") else near


def _in_library(file: str) -> str:
    for mark in ("site-packages", "dist-packages"):
        if mark in file:
            return file.rpartition(mark)[2].lstrip("/\\")
    return file.replace("\\", "/").rpartition("/lib/python")[2].partition("/")[2] or file
