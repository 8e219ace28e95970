"""B11: what does a task cost on each executor, beside the bare call of its engine?"""

from benchmarks.outcome import Measure, Outcome, of_plait
from benchmarks.table import Column, Table


def table(measure: Measure, outcomes: list[Outcome]) -> Table:
    rows = []
    for one in of_plait(outcomes):
        bare, going = one.reported("bare"), one.reported("going")
        each = None if going is None else going * 1000 / one.way.n
        call = None if bare is None else bare * 1000 / one.way.n
        rows.append(
            one.row(
                **{
                    "n": one.way.n,
                    "bare call ms": call,
                    "ms/task": each,
                    "over it ms": None if each is None or call is None else each - call,
                    "whole run s": one.reported("seconds"),
                }
            )
        )
    columns = (
        Column("tool"),
        Column("work"),
        Column("n", 0),
        Column("bare call ms", 3),
        Column("ms/task", 3),
        Column("over it ms", 3),
        Column("whole run s", 2),
        Column("remark"),
    )
    notes = [
        "ms/task: from the beginning of the first to the end of the last, each of them recorded",
        "bare call: of the function, by the engine; ssh, slurm, docker: a login, an `srun`, a `docker run` of a Python",
        "over it: below nothing where plait starts fewer processes than there are tasks, or hands many over at once",
        "whole run: with the connection and the start of workers, which the bare calls have behind them",
    ]
    return Table(measure.key, measure.title, columns, rows, notes)


MEASURE = Measure("B11", "a no-op task on each executor", repeat=1, table=table)
