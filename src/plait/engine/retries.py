"""Is a failed attempt tried again, when, and with how much memory?"""

from __future__ import annotations

import math
from collections.abc import Collection

from plait.graph.options import Options

__all__ = ["OUT_OF_MEMORY", "grown_memory", "is_tried_again", "wait_before"]

OUT_OF_MEMORY = "MemoryError"
_GROWTHS = 4  # how often memory grows where no retries were asked for


def grown_memory(options: Options, kinds: Collection[str], growth: float, most: float) -> float | None:
    """The factor of memory for the next attempt; None where it does not grow, or there is no more to be had.

    Args:
        kinds: names of the types of the exception that ended the attempt.
        growth: the factor of the attempt that failed.
        most: how much memory there is in all, in bytes.
    """
    if OUT_OF_MEMORY not in kinds or not options.memory or options.memory_growth <= 1.0:
        return None
    return growth * options.memory_growth if options.memory * growth < most else None


def is_tried_again(options: Options, attempt: int, kinds: Collection[str], *, grows: bool) -> bool:
    """Whether another attempt follows the one of this number."""
    if grows:
        return attempt <= max(options.retries, _GROWTHS)
    if attempt > options.retries:
        return False
    return not options.retry_on or not set(options.retry_on).isdisjoint(kinds)


def wait_before(options: Options, attempt: int, seed: str) -> float:
    """Seconds between an attempt that failed and the next; ``seed`` decides what chance has to say."""
    if not options.retry_delay:
        return 0.0
    try:
        wait = options.retry_delay * options.backoff ** (attempt - 1)
    except OverflowError:
        return math.inf
    if not options.jitter:
        return wait
    from random import Random

    return wait * (1.0 + options.jitter * Random(seed).random())  # noqa: S311 - it spreads waits, it guards nothing
