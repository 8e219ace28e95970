"""How long do tasks of a step take? By those that were seen, so that short ones are handed out several at a time."""

from __future__ import annotations

from plait.engine.task import Report, TaskSpec

__all__ = ["Pace"]

_UNKNOWN_SECONDS = 1.0
_BESIDE_SECONDS = 2e-5  # of a task, beside its step


class Pace:
    """What is known of the steps of a run, by the numbers of their functions."""

    def __init__(self) -> None:
        self._seconds: dict[int, float] = {}

    def learn(self, spec: TaskSpec, report: Report) -> None:
        """A task is done. The slowest of a step counts, and is forgotten slowly."""
        seconds = max(0.0, report.usage.ended_at - report.usage.started_at) + _BESIDE_SECONDS
        known = self._seconds.get(spec.function, seconds)
        self._seconds[spec.function] = max(seconds, 0.9 * known + 0.1 * seconds)

    def seconds(self, spec: TaskSpec) -> float:
        """How long a task will take; as if it were long where nothing is known."""
        return self._seconds.get(spec.function, _UNKNOWN_SECONDS)

    @property
    def average(self) -> float:
        """Seconds, over the steps that are known."""
        known = self._seconds.values()
        return sum(known) / len(known) if known else _UNKNOWN_SECONDS
