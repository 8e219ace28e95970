"""Which measures, which peers, how often? What `python -m benchmarks` takes, and what it writes."""

from __future__ import annotations

import argparse
import dataclasses
import json
import signal
import sys
from collections.abc import Sequence
from difflib import get_close_matches

from benchmarks.facts import machine, versions
from benchmarks.measures import MEASURES
from benchmarks.outcome import Measure, Outcome, Venvs, collect, problems
from benchmarks.peer import Peer
from benchmarks.roster import FLOOR, OURS, PEERS
from benchmarks.table import Table
from benchmarks.venvs import BENCH, CHECKOUT, Venv


def chosen(option: str, text: str, known: Sequence[str]) -> list[str]:
    """The comma-separated names of `text`, in the order of `known`; an unknown one ends the program."""
    by_lower = {name.lower(): name for name in known}
    wanted = [word.strip().lower() for word in text.split(",") if word.strip()]
    for word in wanted:
        if word not in by_lower:
            near = get_close_matches(word, by_lower, n=1)
            meant = f"; did you mean {by_lower[near[0]]}?" if near else ""
            raise SystemExit(f"{option}: no {word!r}{meant} There are: {', '.join(known)}.")
    return [name for lower, name in by_lower.items() if lower in wanted]


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def options(words: Sequence[str] | None) -> argparse.Namespace:
    usual = ",".join(one.key for one in MEASURES if one.usual)
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="plait beside its peers: one table per measure, also in .bench/report.md and .json",
    )
    parser.add_argument("--measure", default=usual, metavar="B1,B3", help=f"which measures (usually {usual})")
    parser.add_argument("--peers", default=",".join(one.name for one in PEERS), metavar="NAMES|none")
    parser.add_argument(
        "--repeat", type=positive, metavar="N", help="runs of each; each measure has its own number"
    )
    parser.add_argument("--full", action="store_true", help="also the sizes that take minutes")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    return parser.parse_args(words)


def samples(outcomes: list[Outcome]) -> list[dict[str, object]]:
    """Every single run, for whoever wants more than medians."""
    return [
        {
            "tool": one.peer.name,
            "work": one.way.label,
            "n": one.way.n,
            "failures": one.failures,
            "samples": [dataclasses.asdict(sample) for sample in one.samples],
        }
        for one in outcomes
    ]


def found_versions(taking_part: Sequence[Peer], venvs: Venvs) -> dict[str, str]:
    found = {}
    for peer in taking_part:
        venv = venvs.of(peer)
        if isinstance(venv, Venv):
            found[peer.name] = venv.versions().get(peer.name, "?")
    found.pop(FLOOR.name, None)
    return found


def measured(
    measures: Sequence[Measure], taking_part: Sequence[Peer], wanted: argparse.Namespace
) -> tuple[dict[str, str], list[tuple[Table, list[Outcome]]]]:
    venvs, facts, taken = Venvs(), machine(), []
    involved = [peer for peer in taking_part if any(one.key in peer.ways for one in measures)]
    facts["versions"] = versions(found_versions(involved, venvs))
    for measure in measures:
        outcomes = collect(measure, involved, venvs, repeat=wanted.repeat, full=wanted.full)
        table = measure.table(measure, outcomes)
        table.notes.extend(problems(outcomes))
        taken.append((table, outcomes))
        if not wanted.json:
            if len(taken) == 1:
                print("\n".join(f"{name}: {value}" for name, value in facts.items()) + "\n")
            print(table.text(), flush=True)
    return facts, taken


def main(words: Sequence[str] | None = None) -> int:
    wanted = options(words)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that children are ended on the way out
    keys = chosen("--measure", wanted.measure, [one.key for one in MEASURES])
    names = [] if wanted.peers == "none" else chosen("--peers", wanted.peers, [one.name for one in PEERS])
    measures = [one for one in MEASURES if one.key in keys]
    taking_part = [FLOOR, OURS, *(peer for peer in PEERS if peer.name in names)]
    facts, taken = measured(measures, taking_part, wanted)

    BENCH.mkdir(exist_ok=True)
    heading = "\n".join(f"- {name}: {value}" for name, value in facts.items())
    tables = "\n".join(table.markdown() for table, _ in taken)
    (BENCH / "report.md").write_text(f"# plait beside its peers\n\n{heading}\n\n{tables}", encoding="utf-8")
    whole = {
        "facts": facts,
        "measures": [
            {
                "key": table.key,
                "title": table.title,
                "rows": table.rows,
                "notes": table.notes,
                "runs": samples(runs),
            }
            for table, runs in taken
        ],
    }
    text = json.dumps(whole, indent=1)
    (BENCH / "report.json").write_text(text, encoding="utf-8")
    if wanted.json:
        print(text)
    else:
        print(f"written: {(BENCH / 'report.md').relative_to(CHECKOUT)}, .json", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
