"""What does a step give that is not there yet? A coroutine is run to its end, a generator is asked chunk by chunk."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Iterator
from typing import Any, TypeVar

__all__ = ["each_chunk", "run_coroutine"]

T = TypeVar("T")


def run_coroutine(coroutine: Coroutine[Any, Any, T]) -> T:
    """The value of a coroutine, whether or not this thread is in an event loop already, as a notebook's is."""
    return _beside_loops(lambda: asyncio.run(coroutine))


def each_chunk(chunks: Generator[Any, Any, Any] | AsyncGenerator[Any, Any]) -> Iterator[Any]:
    """What a generator yields, as it comes."""
    if isinstance(chunks, Generator):
        yield from chunks
        return
    loop = asyncio.new_event_loop()
    try:
        while True:
            try:
                yield _beside_loops(lambda: loop.run_until_complete(anext(chunks)))
            except StopAsyncIteration:
                return
    finally:
        _beside_loops(lambda: loop.run_until_complete(loop.shutdown_asyncgens()))
        loop.close()


def _beside_loops(work: Callable[[], T]) -> T:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return work()
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(contextvars.copy_context().run, work).result()
