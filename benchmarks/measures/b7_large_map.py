"""B7: how soon is a map over 100,000 items under way, and how much memory does the driver take?"""

from benchmarks.outcome import Measure, Outcome, best, ratio
from benchmarks.table import Column, Table


def submitted(outcome: Outcome) -> float | None:
    return outcome.reported("submitted")


def table(measure: Measure, outcomes: list[Outcome]) -> Table:
    fastest = best(outcomes, submitted, recording=False)
    rows = []
    for outcome in outcomes:
        middle = outcome.middle
        rows.append(
            outcome.row(
                **{
                    "n": outcome.way.n,
                    "submitted s": submitted(outcome),
                    "/ best peer": ratio(submitted(outcome), fastest),
                    "driver peak MB": outcome.reported("driver_mb"),
                    "work wall s": outcome.reported("seconds"),
                    "process wall s": middle.wall if middle else None,
                    "process CPU s": middle.cpu if middle else None,
                }
            )
        )
    columns = (
        Column("tool"),
        Column("work"),
        Column("n", 0),
        Column("submitted s", 2),
        Column("/ best peer", 2),
        Column("driver peak MB", 0),
        Column("work wall s", 1),
        Column("process wall s", 1),
        Column("process CPU s", 1),
        Column("remark"),
    )
    note = "submitted: the call returns (dask, ray); the first item runs (plait, where the call is the run)"
    return Table(measure.key, measure.title, columns, rows, [note])


MEASURE = Measure(
    "B7", "map over 100,000 no-op items, 2 worker processes", repeat=1, table=table, usual=False
)
