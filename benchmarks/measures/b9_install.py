"""B9: how many distributions, and how many megabytes, does an installation of the tool alone bring?"""

import tempfile
import time
from pathlib import Path

from benchmarks.outcome import Measure, Outcome, best, ratio
from benchmarks.peer import Peer, Way
from benchmarks.processes import Sample, tree_bytes
from benchmarks.table import Column, Table
from benchmarks.venvs import BENCH, Venv, make


def take(peer: Peer, _way: Way, _venv: Venv) -> Sample:
    """Install into a fresh environment, which ends with the measurement; bytecode is not counted."""
    (BENCH / "scratch").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f"{peer.name}-install-", dir=BENCH / "scratch") as folder:
        empty = make(Path(folder, "empty"), ())
        start = time.perf_counter()
        full = make(Path(folder, "full"), peer.install)
        wall = time.perf_counter() - start
        stored = tree_bytes(full.packages) - tree_bytes(empty.packages)
        return Sample(wall, 0.0, stored, {"distributions": float(len(full.versions()))})


def distributions(outcome: Outcome) -> float | None:
    return outcome.reported("distributions")


def table(measure: Measure, outcomes: list[Outcome]) -> Table:
    fewest = best(outcomes, distributions, recording=False)
    lightest = best(outcomes, lambda one: one.middle.stored if one.middle else None, recording=False)
    rows = []
    for outcome in outcomes:
        stored = outcome.middle.stored if outcome.middle else None
        rows.append(
            outcome.row(
                **{
                    "distributions": distributions(outcome),
                    "/ best peer": ratio(distributions(outcome), fewest),
                    "MB": stored / 1e6 if stored is not None else None,
                    "MB / best peer": ratio(stored, lightest),
                }
            )
        )
    columns = (
        Column("tool"),
        Column("work"),
        Column("distributions", 0),
        Column("/ best peer", 2),
        Column("MB", 1),
        Column("MB / best peer", 2),
        Column("remark"),
    )
    return Table(measure.key, measure.title, columns, rows)


MEASURE = Measure("B9", "installation of the tool alone", repeat=1, table=table, take=take)
