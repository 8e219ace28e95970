"""B4: how many no-op items a second pass through a map on 2 worker processes?"""

from dataclasses import replace

from benchmarks.outcome import Measure, Outcome, of_plait
from benchmarks.per_step import milliseconds, per_step
from benchmarks.table import Table


def table(measure: Measure, outcomes: list[Outcome]) -> Table:
    notes = [
        f"plait: {1000 / each:,.0f} tasks/s at {one.way.n:,}"
        for one in of_plait(outcomes)
        if (each := milliseconds(one))
    ]
    return replace(per_step(measure, outcomes), notes=notes)


MEASURE = Measure("B4", "map over no-op items, 2 worker processes", repeat=3, table=table, usual=False)
