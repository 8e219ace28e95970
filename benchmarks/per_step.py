"""What does each of many steps or items cost? The table that the measures with a size share."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.outcome import Measure, Outcome, best, of_plait, ratio
from benchmarks.peer import BARE
from benchmarks.table import Column, Table


def milliseconds(outcome: Outcome) -> float | None:
    """Wall milliseconds per step, by the script's own clock: without start-up and imports."""
    seconds = outcome.reported("seconds")
    return None if seconds is None else seconds * 1000 / outcome.way.n


def cpu_milliseconds(outcome: Outcome) -> float | None:
    """CPU milliseconds per step, by the script's own clock, its children included."""
    seconds = outcome.reported("cpu_seconds")
    return None if seconds is None else seconds * 1000 / outcome.way.n


def whole_milliseconds(outcome: Outcome) -> float | None:
    """Wall milliseconds per step of the whole process."""
    return outcome.middle.wall * 1000 / outcome.way.n if outcome.middle else None


def per_step(
    measure: Measure, outcomes: list[Outcome], figure: Callable[[Outcome], float | None] = milliseconds
) -> Table:
    """A row a way: the work by the script's clock, the whole process, `figure` a step, two ratios."""
    any_peer = best(outcomes, figure, recording=False)
    recording_peer = best(outcomes, figure, recording=True)
    recording_cpu = best(outcomes, cpu_milliseconds, recording=True)
    rows = []
    for outcome in outcomes:
        middle, floor = outcome.middle, outcome.peer.name == BARE
        rows.append(
            outcome.row(
                **{
                    "n": outcome.way.n,
                    "work wall s": outcome.reported("seconds"),
                    "work CPU s": outcome.reported("cpu_seconds"),
                    "process wall s": middle.wall if middle else None,
                    "process CPU s": middle.cpu if middle else None,
                    "ms/step": figure(outcome),
                    "CPU ms/step": cpu_milliseconds(outcome),
                    "/ best peer": None if floor else ratio(figure(outcome), any_peer),
                    "/ best recording": None if floor else ratio(figure(outcome), recording_peer),
                    "CPU / best recording": None
                    if floor
                    else ratio(cpu_milliseconds(outcome), recording_cpu),
                }
            )
        )
    columns = (
        Column("tool"),
        Column("work"),
        Column("n", 0),
        Column("work wall s", 2),
        Column("work CPU s", 2),
        Column("process wall s", 2),
        Column("process CPU s", 2),
        Column("ms/step", 3),
        Column("CPU ms/step", 3),
        Column("/ best peer", 3),
        Column("/ best recording", 3),
        Column("CPU / best recording", 3),
        Column("remark"),
    )
    return Table(measure.key, measure.title, columns, rows)


def growth(outcomes: list[Outcome]) -> list[str]:
    """How plait's cost per step grows with the size: 1.0 is linear."""
    ours = sorted(of_plait(outcomes), key=lambda one: one.way.n)
    return [
        f"plait, ms/step at {one.way.n:,} over ms/step at {ours[0].way.n:,}: {times} (1.00 is linear)"
        for one in ours[1:]
        if (times := in_both(one, ours[0]))
    ]


def above_floor(outcomes: list[Outcome]) -> list[str]:
    """How far plait is from the bare SQLite writes of as many rows."""
    floors = {one.way.n: one for one in outcomes if one.peer.name == BARE}
    return [
        f"plait over the bare SQLite writes at {one.way.n:,}: {times}"
        for one in of_plait(outcomes)
        if one.way.n in floors and (times := in_both(one, floors[one.way.n]))
    ]


def in_both(one: Outcome, other: Outcome) -> str:
    """One's milliseconds per step over the other's, in words; empty where a figure is missing."""
    wall = ratio(milliseconds(one), milliseconds(other))
    cpu = ratio(cpu_milliseconds(one), cpu_milliseconds(other))
    return f"wall {wall:.2f}, CPU {cpu:.2f}" if wall is not None and cpu is not None else ""
