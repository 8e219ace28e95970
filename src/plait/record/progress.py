"""How far is each step of a run, and how long do its tasks take? Answered from what is summed up of the run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from plait.record.schema import PACE_BUCKETS
from plait.record.tallies import TaskCounts
from plait.record.views import Run

__all__ = ["Counts", "StepProgress", "make_counts", "run_counts", "step_progress", "worst_state"]

_STATES = ("running", "done", "cached", "failed", "cancelled", "skipped", "lost")
_WORST = ("failed", "lost", "running", "cancelled", "skipped")


class Counts(Struct, frozen=True):
    """How many tasks are in which state; ``total`` is None while nobody knows."""

    total: int | None
    waiting: int = 0
    running: int = 0
    done: int = 0
    cached: int = 0
    failed: int = 0
    cancelled: int = 0
    skipped: int = 0
    lost: int = 0


class StepProgress(Struct, frozen=True):
    """Where the tasks of a node stand.

    Args:
        state: the worst that happened to one of them; ``done`` or ``cached`` when all are.
        seconds: from the first start to the last end; ``total_seconds`` is the sum of all attempts.
        p50: how long the middle one of the tasks that were done took, to 12 %; ``p95`` so for 95 of 100.
        eta: in how many seconds the rest is done if it goes on like this.
        retries: attempts that were not the last of their task.
    """

    id: str
    state: str
    counts: Counts
    first_started: float | None = None
    last_ended: float | None = None
    seconds: float | None = None
    p50: float | None = None
    p95: float | None = None
    longest: float | None = None
    total_seconds: float = 0.0
    eta: float | None = None
    cpu_seconds: float | None = None
    peak_memory: int | None = None
    retries: int = 0


def make_counts(found: TaskCounts, *, ended: bool = False) -> Counts:
    known = {state: found.by_state.get(state, 0) for state in _STATES}
    begun = sum(found.by_state.values())
    waiting = 0 if ended or found.total is None else max(0, found.total - begun)
    return Counts(total=found.total, waiting=waiting, **known)


def run_counts(run: Run, of_nodes: Mapping[int, TaskCounts] | None = None) -> Counts:
    """The tasks of all steps of a run together; ``total`` of those steps that know theirs."""
    total = 0
    by_state: dict[str, int] = {}
    for one in (of_nodes or run.counts()).values():
        total += one.total or sum(one.by_state.values())
        for state, count in one.by_state.items():
            by_state[state] = by_state.get(state, 0) + count
    return make_counts(TaskCounts(total, by_state), ended=run.status != "running")


def worst_state(counts: dict[str, int], total: int | None, *, ended: bool = False) -> str:
    """One state for all tasks of a node: the worst that happened, ``done`` when all are."""
    for state in _WORST:
        if counts.get(state):
            return state
    finished = sum(counts.get(state, 0) for state in ("done", "cached", "skipped"))
    if total is not None and finished >= total:
        return "cached" if total and counts.get("cached", 0) >= total else "done"
    if ended:
        return "cancelled" if counts else "waiting"
    return "running" if counts else "waiting"


def step_progress(run: Run, of_nodes: Mapping[int, TaskCounts] | None = None) -> list[StepProgress]:
    """The progress of each node, in the order of the graph; costs as much as there are nodes, not tasks."""
    counts = of_nodes or run.counts()
    ended = run.status != "running"
    paces: dict[int, list[tuple[Any, ...]]] = {}
    for node, *pace in run.store.database.rows(
        "SELECT node, state, bucket, attempts, seconds, longest, first_start, last_end, cpu_seconds, peak_memory"
        " FROM pace WHERE run = ? ORDER BY node, bucket",
        (run.key,),
    ):
        paces.setdefault(node, []).append(tuple(pace))
    retries: dict[int, int] = dict(
        run.store.database.rows(
            "SELECT node, COUNT(*) FROM attempt WHERE run = ? AND state NOT IN ('done', 'cached')"
            " AND state = 'retried' GROUP BY node",
            (run.key,),
        )
    )
    found = []
    for node, spec in enumerate(run.graph.nodes):
        one = counts[node]
        state = worst_state(one.by_state, one.total, ended=ended)
        found.append(_progress(spec.id, state, one, paces.get(node, []), retries.get(node, 0), ended=ended))
    return found


def _progress(
    name: str,
    state: str,
    counts: TaskCounts,
    paces: Sequence[tuple[Any, ...]],
    retries: int,
    *,
    ended: bool,
) -> StepProgress:
    timed = [pace for pace in paces if pace[1] >= 0]
    made = make_counts(counts, ended=ended)
    if not timed:
        return StepProgress(name, state, made, retries=retries)
    first, last = min(pace[5] for pace in timed), max(pace[6] for pace in timed)
    done = [(pace[1], pace[2]) for pace in timed if pace[0] == "done"]
    elapsed = max(0.0, last - first)
    eta = None
    ready = made.done + made.cached + made.failed + made.skipped
    if not ended and made.total and made.done and ready < made.total:
        eta = elapsed / made.done * (made.total - ready)
    cpu = sum(pace[7] for pace in timed)
    memory = max(pace[8] for pace in timed)
    longest = max(pace[4] for pace in timed)
    return StepProgress(
        name,
        state,
        made,
        first_started=first,
        last_ended=last,
        seconds=elapsed,
        p50=quantile(done, 0.5, longest),
        p95=quantile(done, 0.95, longest),
        longest=longest,
        total_seconds=sum(pace[3] for pace in timed),
        eta=eta,
        cpu_seconds=cpu or None,
        peak_memory=memory or None,
        retries=retries,
    )


def quantile(buckets: Sequence[tuple[int, int]], share: float, longest: float) -> float | None:
    """How long it took at most for a share of those that are counted by bucket; in the bucket as if evenly spread."""
    total = sum(count for _, count in buckets)
    if not total:
        return None
    wanted, seen = share * total, 0
    for bucket, count in sorted(buckets):
        if seen + count >= wanted:
            low = PACE_BUCKETS[bucket - 1] if bucket else 0.0
            high = PACE_BUCKETS[bucket] if bucket < len(PACE_BUCKETS) else longest
            return min(longest, low + (high - low) * (wanted - seen) / count)
        seen += count
    return longest
