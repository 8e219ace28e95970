"""How many tasks of each step are in which state, and how long did they take? Of one run or of many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from plait.record.views import Run

__all__ = ["TaskCounts", "TaskTimes", "counts_of", "times_of"]


class TaskCounts(Struct, frozen=True):
    """How many tasks of a node are in each state; ``total`` is None while that is not known."""

    total: int | None
    by_state: dict[str, int]


class TaskTimes(Struct, frozen=True):
    """How long the tasks of a node took, in seconds: first start to last end, the longest, all together."""

    elapsed: float
    longest: float
    total: float


def counts_of(runs: Sequence[Run]) -> dict[int, dict[int, TaskCounts]]:
    """For each run, by its number, and each of its nodes how many of its tasks are in which state.

    Costs a look at what is summed up of the runs, however many tasks they have.
    """
    if not runs:
        return {}
    database = runs[0].store.database
    runs[0].read_graphs(runs)
    states: dict[int, dict[int, dict[str, int]]] = {
        run.key: {index: {} for index in range(len(run.graph.nodes))} for run in runs
    }
    crashed = {run.key for run in runs if run.status == "crashed"}
    for keys in ([key for key in states if key not in crashed], sorted(crashed)):
        if not keys:
            continue
        marks = ", ".join("?" * len(keys))
        # What a process that is gone had not summed up yet is counted.
        usual = (
            f"COALESCE(state, ''), COUNT(*) FROM attempt WHERE run IN ({marks}) AND (state IS NULL OR state"
            if keys[0] in crashed
            else f"state, SUM(attempts) FROM pace WHERE run IN ({marks}) AND (state = '' OR state"
        )
        for key, node, state, count in database.rows(
            f"SELECT run, node, {usual} IN ('done', 'cached')) GROUP BY run, node, state UNION ALL"
            f" SELECT run, node, state, COUNT(*) FROM attempt WHERE run IN ({marks})"
            " AND state NOT IN ('done', 'cached') AND state <> 'retried' GROUP BY run, node, state",
            (*keys, *keys),
        ):
            if count:
                states[key][node][state or ("lost" if key in crashed else "running")] = int(count)
    items: dict[int, dict[int, int]] = {run.key: {} for run in runs}
    for key, scope, count in database.rows(
        f"SELECT run, scope, SUM(items) FROM extent WHERE run IN ({', '.join('?' * len(items))}) GROUP BY run, scope",
        list(items),
    ):
        items[key][scope] = count
    found = {}
    for run in runs:
        axes, extents = run.graph.layout.node_axes, items[run.key]
        found[run.key] = {
            node: TaskCounts(extents.get(axes[node][-1]) if axes[node] else 1, by_state)
            for node, by_state in states[run.key].items()
        }
    return found


def times_of(runs: Sequence[Run]) -> dict[int, dict[int, TaskTimes]]:
    """For each run, by its number, and each of its nodes with an ended task how long its tasks took."""
    found: dict[int, dict[int, TaskTimes]] = {run.key: {} for run in runs}
    if not runs:
        return found
    for key, node, start, end, longest, total in runs[0].store.database.rows(
        "SELECT run, node, MIN(first_start), MAX(last_end), MAX(longest), SUM(seconds) FROM pace"
        f" WHERE run IN ({', '.join('?' * len(found))}) AND first_start IS NOT NULL GROUP BY run, node",
        list(found),
    ):
        found[key][node] = TaskTimes(max(0.0, end - start), max(0.0, longest), max(0.0, total))
    return found
