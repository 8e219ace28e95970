"""B6: what does a 1,000,000 x 10 table cost that passes through 5 steps which add a column each?"""

from benchmarks.outcome import Measure, Outcome, best, ratio
from benchmarks.table import Column, Table

UNIQUE = 1_000_000 * 8 * (10 + 5)
"""Bytes of the columns that differ: ten at the start and one more from each step."""


def seconds(outcome: Outcome) -> float | None:
    return outcome.reported("seconds")


def table(measure: Measure, outcomes: list[Outcome]) -> Table:
    fastest = best(outcomes, seconds, recording=True)
    rows = []
    for outcome in outcomes:
        middle = outcome.middle
        rows.append(
            outcome.row(
                **{
                    "work wall s": seconds(outcome),
                    "work CPU s": outcome.reported("cpu_seconds"),
                    "process wall s": middle.wall if middle else None,
                    "process CPU s": middle.cpu if middle else None,
                    "stored MB": middle.stored / 1e6 if middle else None,
                    "stored / unique": middle.stored / UNIQUE if middle else None,
                    "time / best recording": ratio(seconds(outcome), fastest),
                }
            )
        )
    columns = (
        Column("tool"),
        Column("work"),
        Column("work wall s", 2),
        Column("work CPU s", 2),
        Column("process wall s", 2),
        Column("process CPU s", 2),
        Column("stored MB", 1),
        Column("stored / unique", 2),
        Column("time / best recording", 2),
        Column("remark"),
    )
    note = f"unique column bytes: {UNIQUE / 1e6:.0f} MB (random floats, which do not compress)"
    return Table(measure.key, measure.title, columns, rows, [note])


MEASURE = Measure("B6", "1,000,000 x 10 floats through 5 steps", repeat=3, table=table, usual=False)
