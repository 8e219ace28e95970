"""B3: what does each step of a long chain of no-op steps cost, and does it stay the same as it grows?"""

from dataclasses import replace

from benchmarks.outcome import Measure, Outcome
from benchmarks.per_step import above_floor, growth, per_step
from benchmarks.table import Table


def table(measure: Measure, outcomes: list[Outcome]) -> Table:
    notes = [
        *growth(outcomes),
        *above_floor(outcomes),
        "work: from the definition of the graph to the result, without start-up and imports",
    ]
    return replace(per_step(measure, outcomes), notes=notes)


MEASURE = Measure("B3", "chain of no-op steps", repeat=3, table=table)
