"""B5: what does a run cost in which nothing is left to do, from the start of the process to its end?"""

from dataclasses import replace

from benchmarks.outcome import Measure, Outcome
from benchmarks.per_step import per_step, whole_milliseconds
from benchmarks.table import Table


def table(measure: Measure, outcomes: list[Outcome]) -> Table:
    notes = ["ms/step is of the whole process: this is the second run in the same folder"]
    return replace(per_step(measure, outcomes, whole_milliseconds), notes=notes)


MEASURE = Measure("B5", "all cached: the same run again, whole process", repeat=3, table=table)
