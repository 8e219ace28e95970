"""What can happen to a run, and what can be asked of it? The vocabulary between the state machine and its loop."""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from plait.graph.model import Path
from plait.graph.unfold import Lengths

__all__ = [
    "Action",
    "Back",
    "Cancel",
    "Done",
    "Drop",
    "Event",
    "Failed",
    "Finish",
    "Launch",
    "Retry",
    "Room",
    "Settle",
    "Start",
    "Tick",
]


class Start(Struct, frozen=True):
    """The run begins."""


class Room(Struct, frozen=True):
    """The executor can take this many tasks more."""

    tasks: int


class Done(Struct, frozen=True):
    """A task gave its outputs; ``lengths`` tells those that an ``each`` takes apart, by position."""

    node: int
    path: Path
    lengths: tuple[Lengths, ...] = ()


class Failed(Struct, frozen=True):
    """A task raised, or its worker was lost; ``now`` is in seconds of any steady clock."""

    node: int
    path: Path
    now: float = 0.0
    retryable: bool = True


class Drop(Struct, frozen=True):
    """A launched task was given back before it began, because the run was cancelled."""

    node: int
    path: Path


class Back(Struct, frozen=True):
    """A launched task was given back before it began, because there is no room for it: it is ready as before."""

    node: int
    path: Path


class Tick(Struct, frozen=True):
    """Time has passed: tasks whose wait is over become ready."""

    now: float


class Cancel(Struct, frozen=True):
    """Launch nothing more."""


Event: TypeAlias = Start | Room | Done | Failed | Drop | Back | Tick | Cancel


class Launch(Struct, frozen=True):
    """Start this attempt of a task; attempts count from 1."""

    node: int
    path: Path
    attempt: int


class Retry(Struct, frozen=True):
    """The attempt failed and the task will be tried again at ``at``."""

    node: int
    path: Path
    attempt: int
    at: float


class Settle(Struct, frozen=True):
    """A task ended without running to its end: ``failed`` or ``skipped``, and why.

    A path shorter than the node's own stands for all tasks below it: their ``each`` was never entered.
    """

    node: int
    path: Path
    state: str
    reason: str = ""


class Finish(Struct, frozen=True):
    """The run is over: ``done``, ``failed`` or ``cancelled``."""

    status: str


Action: TypeAlias = Launch | Retry | Settle | Finish
