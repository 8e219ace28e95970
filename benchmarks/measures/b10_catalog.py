"""B10: what does a large catalog cost, where all of it is used and where next to nothing of it is?"""

from benchmarks.outcome import Measure, Outcome, best, of_plait, ratio
from benchmarks.table import Column, Table


def cpu(outcome: Outcome) -> float | None:
    return outcome.middle.cpu if outcome.middle else None


def table(measure: Measure, outcomes: list[Outcome]) -> Table:
    rows = []
    for outcome in outcomes:
        same = [one for one in outcomes if (one.way.label, one.way.n) == (outcome.way.label, outcome.way.n)]
        resolve, load = outcome.reported("resolve"), outcome.reported("load")
        rows.append(
            outcome.row(
                **{
                    "entries": outcome.way.n,
                    "resolve s": resolve,
                    "load s": load,
                    "process CPU s": cpu(outcome),
                    "process wall s": outcome.middle.wall if outcome.middle else None,
                    "CPU / best peer": ratio(cpu(outcome), best(same, cpu, recording=False)),
                }
            )
        )
    columns = (
        Column("tool"),
        Column("work"),
        Column("entries", 0),
        Column("resolve s", 3),
        Column("load s", 2),
        Column("process CPU s", 2),
        Column("process wall s", 2),
        Column("CPU / best peer", 2),
        Column("remark"),
    )
    notes = [
        "resolve: from the files of the conf to a dataset for each entry; load: all of them, two rows each",
        *growth(outcomes),
    ]
    return Table(measure.key, measure.title, columns, rows, notes)


def growth(outcomes: list[Outcome]) -> list[str]:
    """What a command costs on the large catalog over what it costs on the small one."""
    found = []
    ours = of_plait(outcomes)
    for label in dict.fromkeys(one.way.label for one in ours):
        of_label = sorted((one for one in ours if one.way.label == label), key=lambda one: one.way.n)
        if len(of_label) < 2:
            continue
        small, large = of_label[0], of_label[-1]
        times = ratio(cpu(large), cpu(small))
        if times is not None:
            found.append(
                f"plait, {label}: CPU on {large.way.n:,} entries over {small.way.n:,}: {times:.2f}"
                + ("" if large.reported("load") else " (no more than 2.00 is asked)")
            )
    return found


MEASURE = Measure("B10", "a catalog of many entries", repeat=3, table=table)
