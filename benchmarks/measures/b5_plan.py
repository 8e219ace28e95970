"""B5P: what does it cost to ask what a run would do, when nothing is left to do?"""

from dataclasses import replace

from benchmarks.outcome import Measure, Outcome
from benchmarks.per_step import per_step
from benchmarks.table import Table


def table(measure: Measure, outcomes: list[Outcome]) -> Table:
    notes = ["work: from the pipeline's function to the finished plan; no peer can tell it without running"]
    return replace(per_step(measure, outcomes), notes=notes)


MEASURE = Measure("B5P", "the plan of a run in which all is cached", repeat=3, table=table)
