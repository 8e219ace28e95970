"""``plait unpin``: what need not be kept any longer?"""

from __future__ import annotations

import sys

import click

__all__ = ["command"]


@click.command("unpin", help="Keep a run or an artifact no longer than anything else.")
@click.argument("what", metavar="RUN|ARTIFACT")
@click.option("--json", "as_json", is_flag=True, help="A JSON object.")
def command(what: str, as_json: bool) -> None:
    from plait.cli.pin import pin_object
    from plait.cli.store import open_store, print_json
    from plait.display.screen import Screen
    from plait.display.text import Text
    from plait.record.pins import unpin

    found = unpin(open_store(), what)
    if as_json:
        print_json(pin_object(found))
        return
    Screen(sys.stdout).write([Text("unpinned ").add(f"{found.kind} ").add(found.id, "name")])
