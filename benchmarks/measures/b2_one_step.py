"""B2: what does a run of one step cost, process and imports included, for a first-time user?"""

from benchmarks.outcome import Measure, Outcome, best, ratio
from benchmarks.table import Column, Table


def cpu(outcome: Outcome) -> float | None:
    return outcome.middle.cpu if outcome.middle else None


def wall(outcome: Outcome) -> float | None:
    return outcome.middle.wall if outcome.middle else None


def table(measure: Measure, outcomes: list[Outcome]) -> Table:
    any_peer = best(outcomes, cpu, recording=False)
    recording_peer = best(outcomes, cpu, recording=True)
    rows = [
        outcome.row(
            **{
                "CPU s": cpu(outcome),
                "wall s": wall(outcome),
                "CPU / best peer": ratio(cpu(outcome), any_peer),
                "CPU / best recording": ratio(cpu(outcome), recording_peer),
            }
        )
        for outcome in outcomes
    ]
    columns = (
        Column("tool"),
        Column("work"),
        Column("CPU s", 2),
        Column("wall s", 2),
        Column("CPU / best peer", 2),
        Column("CPU / best recording", 2),
        Column("remark"),
    )
    return Table(measure.key, measure.title, columns, rows)


MEASURE = Measure("B2", "one step, whole process, empty home and empty folder", repeat=3, table=table)
