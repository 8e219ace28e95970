"""How does a step go on where an earlier attempt left off, and say how far it is? ``checkpoint`` and ``progress``."""

from __future__ import annotations

import time
from typing import Any

from plait.engine.current import active_task
from plait.errors import StepError
from plait.record.facts import Advance

__all__ = ["Checkpoint", "checkpoint", "progress"]

_TOLD_SECONDS = 0.5


class Checkpoint:
    """What a task has put aside of its work: the next attempt of it, on whatever worker, takes it up again.

    Outside a run nothing is kept and ``load`` gives the default, so a step stays a plain function.
    """

    def save(self, state: Any) -> None:
        """Keep a state, in place of the one before; it is stored when this returns.

        It survives retries, a killed worker, and ``plait resume``. Once the task is done it is dropped.

        Raises:
            DataError: it cannot be stored, or holds a secret.
        """
        task = active_task()
        if task is not None:
            task.checkpoint = task.store.save(state, "the checkpoint")
            task.say(checkpoint=task.checkpoint)

    def load(self, default: Any = None) -> Any:
        """The state that was saved last, by this attempt or an earlier one; the default where there is none."""
        task = active_task()
        return default if task is None or task.checkpoint is None else task.store.load(task.checkpoint)

    def __repr__(self) -> str:
        return "<checkpoint of the running task>"


checkpoint = Checkpoint()


def progress(done: float, total: float | None = None) -> None:
    """Say how far a step is: ``progress(epoch, epochs)``. It is shown while the run goes on, and recorded.

    Cheap enough for every turn of a loop: what is said within half a second is told once.

    Args:
        done: how much is done, in any unit.
        total: how much there is to do; leave it out where nobody knows.

    Raises:
        StepError: one of them is no number.
    """
    task = active_task()
    if task is None:
        return
    if not isinstance(done, int | float) or not isinstance(total, int | float | None):
        raise StepError(f"progress({done!r}, {total!r}): both are numbers", hint="progress(3, 10)")
    now = time.time()
    task.advance = Advance(float(done), None if total is None else float(total), now)
    if now - task.told_at >= _TOLD_SECONDS:
        task.told_at = now
        task.say()
