"""What can happen to a run, and what can be asked of it? The vocabulary between the state machine and its loop.

Events and actions are plain records with a tag: a log of them can be written down, read back and replayed.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from msgspec import Struct

from plait.graph.model import Graph, Path
from plait.graph.unfold import Resolved

__all__ = [
    "Action",
    "Back",
    "Call",
    "Cancel",
    "Done",
    "Event",
    "Failed",
    "Finish",
    "Grow",
    "Launch",
    "Retry",
    "Room",
    "Seen",
    "Settle",
    "Share",
    "Start",
    "Tick",
    "Withdrawn",
]


class Start(Struct, frozen=True, tag=True):
    """The run begins."""


class Room(Struct, frozen=True, tag=True):
    """An executor can take this many tasks more; ``now`` is in seconds of any steady clock."""

    tasks: int
    now: float = 0.0
    executor: str = ""


class Share(Struct, frozen=True, tag=True):
    """This much there is of something that tasks hold while they run, such as ``limit:warehouse``."""

    name: str
    amount: float


class Done(Struct, frozen=True, tag=True):
    """A task gave its outputs; ``lengths`` tells those that an ``each`` takes apart, by position.

    Of what the run decides itself, ``choice`` is the position of the branch that is taken among those of the node (-1
    for none), or for the end of a round 1 if it was the last and 0 if not; ``said`` is why, in words. ``ran`` is false
    for a result that was there already.
    """

    node: int
    path: Path
    lengths: tuple[Any, ...] = ()  # of `Lengths`, which as a recursive type cannot be decoded
    choice: int = -1
    said: str = ""
    ran: bool = True


class Failed(Struct, frozen=True, tag=True):
    """A task raised, or its worker was lost; ``now`` is in seconds of any steady clock.

    ``kinds`` are the names of the exception's type and of those that it derives from.
    """

    node: int
    path: Path
    now: float = 0.0
    retryable: bool = True
    kinds: tuple[str, ...] = ()


class Withdrawn(Struct, frozen=True, tag=True):
    """A task that was launched had not begun when the run was cancelled, and will not."""

    node: int
    path: Path


class Back(Struct, frozen=True, tag=True):
    """A launched task was given back before it began, because there is no room for it: it is ready as before."""

    node: int
    path: Path


class Tick(Struct, frozen=True, tag=True):
    """Time has passed: tasks whose wait is over become ready."""

    now: float


class Cancel(Struct, frozen=True, tag=True):
    """Launch nothing more."""


class Grow(Struct, frozen=True, tag=True):
    """The body of a dynamic pipeline calls what it had not called before: the graph has more nodes and scopes.

    What it had stays where it was.
    """

    graph: Graph


class Call(Struct, frozen=True, tag=True):
    """The body made a call: the tasks inside a ``Calls`` scope at a path.

    ``passed`` has, by parameter, what its tasks wait for; of values that are there it says nothing more than that.
    ``failed`` is why it is known to fail: it did so before the run was resumed, and the body knew it.
    """

    scope: int
    path: Path
    passed: tuple[tuple[str, Resolved], ...] = ()
    failed: str = ""


class Seen(Struct, frozen=True, tag=True):
    """The body was told that a call did not go well, so it is for the body to decide what follows for the run."""

    scope: int
    path: Path


Event: TypeAlias = (
    Start | Room | Share | Done | Failed | Withdrawn | Back | Tick | Cancel | Grow | Call | Seen
)


class Launch(Struct, frozen=True, tag=True):
    """Start this attempt of a task; attempts count from 1. What the run decides itself asks for no room.

    ``growth`` is the factor of its memory, after attempts that ran out of it; ``stand_in`` says that all attempts
    failed, and what stands in for the result is to be had instead.
    """

    node: int
    path: Path
    attempt: int
    growth: float = 1.0
    stand_in: bool = False


class Retry(Struct, frozen=True, tag=True):
    """The attempt failed and the task will be tried again at ``at``."""

    node: int
    path: Path
    attempt: int
    at: float


class Settle(Struct, frozen=True, tag=True):
    """A task ended without running to its end: ``failed`` or ``skipped``, and why.

    A path shorter than the node's own stands for all tasks below it: their ``each`` was never entered. ``absent`` says
    that the run goes on as if it had never been there: a branch was not taken, or a failure is to be left behind.
    """

    node: int
    path: Path
    state: str
    reason: str = ""
    absent: bool = False


class Finish(Struct, frozen=True, tag=True):
    """The run is over: ``done``, ``failed`` or ``cancelled``."""

    status: str


Action: TypeAlias = Launch | Retry | Settle | Finish
