"""What is said of an attempt that its own step did not end? Lost, timed out and out of memory are three outcomes."""

from __future__ import annotations

from collections.abc import Sequence

from plait.record.facts import ErrorInfo, Frame, clean

__all__ = ["lost", "out_of_memory", "ran_out_of", "shown_bytes", "shown_seconds", "timed_out"]

_ROOT = ("Exception", "BaseException")


def lost(why: str) -> ErrorInfo:
    """The worker went away."""
    return ErrorInfo("WorkerLost", clean(why), kinds=("WorkerLost", *_ROOT))


def timed_out(limit: float, frames: Sequence[Frame] = ()) -> ErrorInfo:
    """The attempt took longer than it may.

    Args:
        limit: seconds.
        frames: where it was at its end, innermost last.
    """
    inside = next((one for one in reversed(frames) if one.origin == "user"), None)
    stuck = f"; it was in {inside.function}, line {inside.line}" if inside is not None else ""
    return ErrorInfo(
        "TimedOut",
        clean(f"timed out: it ran for longer than timeout={shown_seconds(limit)}{stuck}"),
        tuple(frames),
        kinds=("TimedOut", "TimeoutError", "OSError", *_ROOT),
    )


def out_of_memory(peak: int, limit: int | None, how: str = "") -> ErrorInfo:
    """The attempt held more memory than it may, or than there is.

    Args:
        peak: the most bytes that it was seen to hold; 0 where that is not known.
        limit: bytes that it may hold; None where the machine's own was reached.
        how: how it came out, where there is more to say.
    """
    there = "the machine had no memory left"
    what = there if limit is None else f"the task may hold memory={shown_bytes(limit)}"
    seen = f", and held {shown_bytes(peak)}" if peak else ""
    return ErrorInfo(
        "OutOfMemory",
        clean(f"out of memory: {what}{seen}{f'; {how}' if how else ''}"),
        kinds=("OutOfMemory", "MemoryError", *_ROOT),
    )


def ran_out_of(limit: int, error: ErrorInfo) -> ErrorInfo:
    """The same for a step that was refused more memory than it may hold (bytes), with its own lines."""
    told = out_of_memory(0, limit, f"it asked for more: {error.headline}")
    return ErrorInfo(told.type, told.message, error.frames, error.notes, error.cause, told.kinds)


def shown_bytes(size: float) -> str:
    """Bytes as ``memory`` is written."""
    for unit, factor in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if size >= factor:
            return f"{size / factor:.3g}{unit}"
    return f"{size:g}B"


def shown_seconds(seconds: float) -> str:
    """Seconds as ``timeout`` is written."""
    for unit, factor in (("h", 3600), ("m", 60)):
        if seconds >= factor and seconds % factor == 0:
            return f"{seconds / factor:g}{unit}"
    return f"{seconds:g}s"
