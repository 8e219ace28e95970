"""B1: what does it cost to import the tool, above the cost of bare Python?"""

from benchmarks.outcome import Measure, Outcome, best, ratio
from benchmarks.peer import BARE
from benchmarks.table import Column, Table


def table(measure: Measure, outcomes: list[Outcome]) -> Table:
    bare = next((one.middle for one in outcomes if one.peer.name == BARE), None)

    def above(outcome: Outcome) -> float | None:
        return outcome.middle.cpu - bare.cpu if outcome.middle and bare else None

    fastest = best(outcomes, above, recording=False)
    rows = [
        outcome.row(
            **{
                "CPU s": outcome.middle.cpu if outcome.middle else None,
                "wall s": outcome.middle.wall if outcome.middle else None,
                "CPU s above bare": above(outcome) if outcome.peer.name != BARE else None,
                "/ best peer": ratio(above(outcome), fastest) if outcome.peer.name != BARE else None,
            }
        )
        for outcome in outcomes
    ]
    columns = (
        Column("tool"),
        Column("work"),
        Column("CPU s", 3),
        Column("wall s", 3),
        Column("CPU s above bare", 3),
        Column("/ best peer", 2),
        Column("remark"),
    )
    return Table(measure.key, measure.title, columns, rows)


MEASURE = Measure("B1", "import, in a process of its own", repeat=5, table=table)
