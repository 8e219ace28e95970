"""What does a process hold together with all that it has started, and how does that end?"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["end_tree", "forget_peak", "limited_memory", "peak_memory", "tree_cpu", "tree_memory"]

_ROOM = 256 << 20  # what may be reserved and not used: stacks of threads, pools of allocators


def tree_memory(pid: int) -> int:
    """Bytes that a process and what it has started hold for themselves.

    Files that are mapped do not count: the system takes their pages back when it needs them. Memory that they share
    counts once.
    """
    if not Path(f"/proc/self/task/{os.getpid()}/children").exists():
        return _resident(pid)
    private = shared = 0
    for one in _tree(pid):
        with suppress(OSError):  # it has ended
            own, common = _held(one)
            private += own
            shared = max(shared, common)
    return private + shared


def _resident(pid: int) -> int:
    """The same where the system does not tell the two apart."""
    import psutil

    total = 0
    with suppress(psutil.Error):
        top = psutil.Process(pid)
        for process in (top, *top.children(recursive=True)):
            with suppress(psutil.Error):
                total += process.memory_info().rss
    return total


def _tree(pid: int) -> Iterator[int]:
    todo = [pid]
    while todo:
        one = todo.pop()
        yield one
        with suppress(OSError):
            for thread in Path(f"/proc/{one}/task").iterdir():
                todo += map(int, (thread / "children").read_text().split())


def _held(pid: int) -> tuple[int, int]:
    private = shared = 0
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            private = int(line.split()[1]) << 10
        elif line.startswith("RssShmem:"):
            shared = int(line.split()[1]) << 10
    return private, shared


def tree_cpu(pid: int) -> float:
    """CPU seconds of a process and what it has started and still runs."""
    import psutil

    total = 0.0
    with suppress(psutil.Error):
        top = psutil.Process(pid)
        for process in (top, *top.children(recursive=True)):
            with suppress(psutil.Error):
                used = process.cpu_times()
                total += used.user + used.system
    return total


def end_tree(pid: int) -> None:
    """End a process, its group, and what it has started that left the group."""
    import psutil

    started: list[psutil.Process] = []
    with suppress(psutil.Error):
        started = psutil.Process(pid).children(recursive=True)
    with suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(pid, signal.SIGKILL)
    for process in started:
        with suppress(psutil.Error):
            process.kill()
    with suppress(psutil.Error):
        psutil.Process(pid).kill()


@contextmanager
def limited_memory(limit: int | None) -> Iterator[None]:
    """Let what this process asks of the system beyond a limit (bytes) fail at once, with a ``MemoryError``.

    The limit is on what is reserved, of which not all is ever used; so it leaves some room, and whoever watches what
    is really held does the rest.
    """
    most = None if limit is None else _reserved()
    if limit is None or most is None:
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most += limit + _ROOM
    resource.setrlimit(
        resource.RLIMIT_DATA, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard)
    )
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _reserved() -> int | None:
    """Bytes that this process has asked for and does not hold; None where the system does not tell, or limit."""
    try:
        import resource

        asked = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
        return max(0, asked - _held(os.getpid())[0])
    except (ImportError, OSError):
        return None


def peak_memory() -> int:
    """The most memory, in bytes, that this process has held (since `forget_peak`, where that exists)."""
    try:
        import resource
    except ImportError:  # not on Windows
        return 0
    import sys

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def forget_peak() -> None:
    """Let the peak of this process start anew; Linux only, elsewhere the peak is the process's own."""
    try:
        with open("/proc/self/clear_refs", "w") as refs:
            refs.write("5")
    except OSError:
        return
