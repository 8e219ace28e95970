"""B8: how long does any question of the web interface take, on a store of the largest size?"""

from benchmarks.outcome import Measure, Outcome
from benchmarks.table import Column, Table

_LIMIT = 300.0


def table(measure: Measure, outcomes: list[Outcome]) -> Table:
    rows = []
    for outcome in outcomes:
        report = outcome.middle.report if outcome.middle else {}
        if not report:
            rows.append(outcome.row(n=outcome.way.n))
            continue
        if "watched" in report:
            said = f"{report['watched'] / report['alone']:.3f} of its time without a page (at most 1.03)"
            rows.append(
                {
                    "tool": outcome.peer.name,
                    "work": outcome.way.label,
                    "n": outcome.way.n,
                    "p50 ms": 1000 * report["alone"],
                    "p95 ms": 1000 * report["watched"],
                    "remark": said,
                }
            )
            continue
        for name in dict.fromkeys(key.partition("|")[0] for key in report if "|" in key):
            slow = report[f"{name}|p95"]
            limit = report.get(f"{name}|limit", _LIMIT)
            rows.append(
                {
                    "tool": outcome.peer.name,
                    "work": name,
                    "n": outcome.way.n,
                    "CPU ms": report[f"{name}|cpu"],
                    "p50 ms": report[f"{name}|p50"],
                    "p95 ms": slow,
                    "remark": "" if slow <= limit else f"over {limit:.0f} ms",
                }
            )
    columns = (
        Column("tool"),
        Column("work"),
        Column("n", 0),
        Column("CPU ms", 1),
        Column("p50 ms", 1),
        Column("p95 ms", 1),
        Column("remark"),
    )
    note = "one run of n tasks (a map of 0.9 n), 10,000 runs, 1,000,000 lines of log, a metric of 1,000,000 points"
    return Table(measure.key, measure.title, columns, rows, [note])


MEASURE = Measure(
    "B8", "every question of plait ui, on the largest store", repeat=1, table=table, usual=False
)
