"""B5K: what does it cost to know whether a step's code is the same as before?"""

from dataclasses import replace

from benchmarks.outcome import Measure, Outcome
from benchmarks.per_step import per_step
from benchmarks.table import Table


def table(measure: Measure, outcomes: list[Outcome]) -> Table:
    notes = [
        "a typical step: two helpers, constants, a default, pandas; n times by one process, ms/step is one of them",
        "never looked at: n functions that call each other; work is for all of them, once",
    ]
    return replace(per_step(measure, outcomes), notes=notes)


MEASURE = Measure("B5K", "the closure of a step's code", repeat=5, table=table)
