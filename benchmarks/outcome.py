"""How is a measure taken? Every way once, then every way again: a busy minute hits all of them alike."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from benchmarks.peer import PLAIT, Peer, Way
from benchmarks.processes import FailedError, Sample, median_of, run_once
from benchmarks.table import Cell, Table
from benchmarks.venvs import NotInstalledError, Venv, venv_of


@dataclass(slots=True)
class Outcome:
    """What became of one way: its samples, and why there are none or fewer than asked for."""

    peer: Peer
    way: Way
    samples: list[Sample] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def middle(self) -> Sample | None:
        return median_of(self.samples) if self.samples else None

    @property
    def problem(self) -> str:
        """In a few words; the whole of it stands below the table."""
        if not self.failures:
            return ""
        if self.samples:
            return f"{len(self.failures)} of {len(self.failures) + len(self.samples)} runs failed"
        return self.failures[0].split(":")[0]

    @property
    def hopeless(self) -> bool:
        return bool(self.failures) and not self.samples

    def reported(self, name: str) -> float | None:
        """The median of a figure that the script measured itself."""
        return self.middle.report.get(name) if self.middle else None

    def row(self, **values: Cell) -> dict[str, Cell]:
        """The words every table starts with, then `values`, then what to know."""
        remarks = (self.problem, "" if self.way.records else "records nothing", self.way.note)
        said = "; ".join(remark for remark in remarks if remark)
        return {"tool": self.peer.name, "work": self.way.label, **values, "remark": said}


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure of the table: what is done, how often, and how its outcomes are shown."""

    key: str
    title: str
    repeat: int
    table: Callable[[Measure, list[Outcome]], Table]
    usual: bool = True
    """Whether it runs when no measure is named."""
    take: Callable[[Peer, Way, Venv], Sample] = run_once


class Venvs:
    """The environments of this call, each made once, or the reason why it could not be."""

    def __init__(self) -> None:
        self.made: dict[str, Venv | str] = {}

    def of(self, peer: Peer) -> Venv | str:
        if peer.name not in self.made:
            try:
                self.made[peer.name] = venv_of(peer)
            except NotInstalledError as error:
                self.made[peer.name] = f"not installed: {error}"
        return self.made[peer.name]


def collect(
    measure: Measure, peers: Sequence[Peer], venvs: Venvs, *, repeat: int | None, full: bool
) -> list[Outcome]:
    """Run every way of `measure` that `peers` have, `repeat` times in turns."""
    outcomes = [
        Outcome(peer, way) for peer in peers for way in peer.ways.get(measure.key, ()) if full or not way.full
    ]
    times = repeat or measure.repeat
    for turn in range(times):
        for outcome in outcomes:
            if outcome.hopeless:
                continue
            print(
                f"{measure.key} {turn + 1}/{times} {outcome.peer.name}: {outcome.way.label}",
                file=sys.stderr,
                flush=True,
            )
            venv = venvs.of(outcome.peer)
            if isinstance(venv, str):
                outcome.failures.append(venv)
                continue
            try:
                outcome.samples.append(measure.take(outcome.peer, outcome.way, venv))
            except (FailedError, NotInstalledError) as error:
                outcome.failures.append(str(error))
    return outcomes


def best(
    outcomes: list[Outcome], figure: Callable[[Outcome], float | None], *, recording: bool
) -> float | None:
    """The smallest figure of any peer, or of any peer that records what it did."""
    figures = [
        value
        for outcome in outcomes
        if outcome.peer.is_peer and (outcome.way.records or not recording)
        if (value := figure(outcome)) is not None
    ]
    return min(figures, default=None)


def ratio(value: float | None, base: float | None) -> float | None:
    """`value / base`, or None where one of them is missing or the base is nothing."""
    if value is None or base is None or base <= 0:
        return None
    return value / base


def problems(outcomes: list[Outcome]) -> list[str]:
    """Why runs have no figures, each reason once a tool."""
    return list(dict.fromkeys(f"{one.peer.name} {why}" for one in outcomes for why in one.failures))


def of_plait(outcomes: list[Outcome]) -> list[Outcome]:
    return [one for one in outcomes if one.peer.name == PLAIT]
