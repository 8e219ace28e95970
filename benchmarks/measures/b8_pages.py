"""B8: how long does any question of the web interface take, on a store of the largest size?"""

from benchmarks.outcome import Measure, Outcome
from benchmarks.table import Cell, Column, Table

_LIMIT = 300.0
_SLOWER = 1.03


def table(measure: Measure, outcomes: list[Outcome]) -> Table:
    rows: list[dict[str, Cell]] = []
    for outcome in outcomes:
        report = outcome.middle.report if outcome.middle else {}
        if not report:
            rows.append(outcome.row(n=outcome.way.n))
        elif "ratio" in report:
            rows.append(_watched(outcome, report))
        else:
            rows += _questions(outcome, report)
    columns = (
        Column("tool"),
        Column("work"),
        Column("question"),
        Column("CPU ms", 1),
        Column("p50 ms", 1),
        Column("p95 ms", 1),
        Column("remark"),
    )
    notes = [
        "one run of 100,000 tasks (a map of 90,000), 10,000 runs, 1,000,000 lines of log, a metric of 1,000,000 points",
        "CPU is that of plait ui, without the database's; p95 at most 300 ms, first paint 1,500 ms, a frame 20 ms",
    ]
    return Table(measure.key, measure.title, columns, rows, notes)


def _questions(outcome: Outcome, report: dict[str, float]) -> list[dict[str, Cell]]:
    rows: list[dict[str, Cell]] = []
    for name in dict.fromkeys(key.partition("|")[0] for key in report if "|" in key):
        slow, limit = report[f"{name}|p95"], report.get(f"{name}|limit", _LIMIT)
        over = "cannot be answered" if slow == float("inf") else f"over {limit:,.0f} ms"
        rows.append(
            {
                "tool": outcome.peer.name,
                "work": outcome.way.label,
                "question": name,
                "CPU ms": report[f"{name}|cpu"],
                "p50 ms": report[f"{name}|p50"],
                "p95 ms": slow,
                "remark": "" if slow <= limit else over,
            }
        )
    return rows


def _watched(outcome: Outcome, report: dict[str, float]) -> dict[str, Cell]:
    said = (
        f"{report['ratio']:.3f} of its time without a page (middle half of the pairs {report['lower']:.3f} to"
        f" {report['upper']:.3f}), CPU of plait ui {100 * report['share']:.1f} % of the run's"
    )
    return {
        "tool": outcome.peer.name,
        "work": outcome.way.label,
        "question": f"{outcome.way.n:,} tasks: p50 alone, p95 watched",
        "p50 ms": 1000 * report["alone"],
        "p95 ms": 1000 * report["watched"],
        "remark": said + ("" if report["ratio"] <= _SLOWER else f"; over {_SLOWER}"),
    }


MEASURE = Measure("B8", "every question of plait ui, on the largest store", repeat=1, table=table)
