"""What does a worker of an engine that lasts know of a run? The job, once; which tasks it does; whether any may begin.

The engine's process stays when a run is over, and may do tasks of several runs: each is told apart by the digest of its
sealed job.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from hashlib import sha256
from typing import TypeAlias

import msgspec

from plait.engine.task import Live, TaskSpec
from plait.executors.station import Held, Station, do_task, encode_said, end_stations
from plait.graph.model import Path

__all__ = ["digest_of", "do_kept", "end_kept", "end_tasks", "hold_job", "keep_job", "tasks_begun"]

Place: TypeAlias = tuple[int, Path, int]
_read_spec = msgspec.msgpack.Decoder(TaskSpec)


class _Kept:
    """One run, as a worker knows it."""

    def __init__(self, sealed: bytes) -> None:
        self.sealed = sealed
        self.held = False
        self.doing: dict[tuple[Place, int], Station | None] = {}


_lock = threading.Lock()
_kept: dict[str, _Kept] = {}


def digest_of(sealed: bytes) -> str:
    return sha256(sealed).hexdigest()


def keep_job(sealed: bytes) -> None:
    """Know a job, whose tasks then only name it."""
    digest = digest_of(sealed)
    with _lock:
        known = _kept.get(digest)
        if known is None or known.held:  # a run that was cancelled, and goes on
            _kept[digest] = _Kept(sealed)


def hold_job(digest: str) -> None:
    """Begin no more of its tasks."""
    with _lock:
        if digest in _kept:
            _kept[digest].held = True


def tasks_begun(digest: str) -> list[Place]:
    """Its tasks that are being done here."""
    with _lock:
        return [place for place, _ in _kept[digest].doing] if digest in _kept else []


def end_tasks(digest: str, places: Collection[Place]) -> None:
    """End some of its tasks, whatever they do."""
    with _lock:
        doing = _kept[digest].doing if digest in _kept else {}
        found = [one for (place, _), one in doing.items() if place in places and one is not None]
    for one in found:
        one.end()


def end_kept(digest: str) -> None:
    """The run is over: end what was started for it, and forget it."""
    with _lock:
        gone = _kept.pop(digest, None)
    if gone is not None:
        end_stations(gone.sealed)


def do_kept(
    digest: str, spec: bytes, tell: Callable[[Live], None], begin: Callable[[], None]
) -> bytes | None:
    """Do one task, as ``do_task`` does; None where its job is not known here.

    Args:
        begin: called when it is sure that the task is done.
    """
    task = _read_spec.decode(spec)
    place = (task.node, task.path, task.attempt)
    here = place, task.gang.rank if task.gang is not None else 0
    with _lock:
        run = _kept.get(digest)
        if run is None:
            return None
        if run.held:
            return encode_said(Held(*place))
        run.doing[here] = None

    def at(station: Station) -> None:
        with _lock:
            run.doing[here] = station
            is_over = _kept.get(digest) is not run
        if is_over:  # since it was looked at: nobody else would end this one
            station.end()

    try:
        begin()
        return do_task(run.sealed, spec, tell, at)
    finally:
        with _lock:
            run.doing.pop(here, None)
