"""``plait gc``: how is the space freed that nobody needs any more?"""

from __future__ import annotations

import sys

import click

__all__ = ["command", "show_collected"]


@click.command(
    "gc",
    help="""Free the space of what no kept run and no pin needs.

Without --keep and --keep-last no run is dropped: only what killed and deleted runs left behind goes. With them, a run
is dropped when it is older than --keep and not among the last of its pipeline; one that is going on or pinned never is.
What later runs took from a dropped run stays. Safe while runs are going on.""",
)
@click.option("--keep", metavar="AGE", help="Keep all runs younger than this: 30d, 12h.")
@click.option(
    "--keep-last", type=click.IntRange(min=0), metavar="N", help="Keep the last N runs of each pipeline."
)
@click.option("--dry-run", "-n", is_flag=True, help="Only say what would go.")
@click.option("--json", "as_json", is_flag=True, help="A JSON object.")
def command(keep: str | None, keep_last: int | None, dry_run: bool, as_json: bool) -> None:
    from plait.cli.store import open_store
    from plait.errors import ParameterError
    from plait.graph.units import read_seconds
    from plait.record.gc import collect, runs_to_drop

    try:
        age = read_seconds(keep) if keep is not None else None
    except ValueError as error:
        raise ParameterError(f"--keep: {error}") from None
    store = open_store()
    drop = runs_to_drop(store, keep=age, keep_last=keep_last)
    show_collected(collect(store, drop, dry_run=dry_run), as_json=as_json)


def show_collected(found: object, *, as_json: bool) -> None:
    from plait.display.gc import collected_lines, collected_object
    from plait.record.gc import Collected

    assert isinstance(found, Collected)
    if as_json:
        from plait.cli.store import print_json

        print_json(collected_object(found))
        return
    from plait.display.screen import Screen

    screen = Screen(sys.stdout)
    screen.write(collected_lines(found, screen.width))
