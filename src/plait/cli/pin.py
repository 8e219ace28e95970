"""``plait pin``: what is kept, whatever its age?"""

from __future__ import annotations

import sys
from typing import Any

import click

__all__ = ["command", "pin_object", "user"]


@click.command(
    "pin",
    help="""Keep a run or an artifact, whatever its age; without arguments list what is pinned.

WHAT is a run (an id, a unique beginning of one, `latest`) or the id of an artifact.""",
)
@click.argument("what", required=False, metavar="[RUN|ARTIFACT]")
@click.option("--note", default="", metavar="TEXT", help="What it is kept for.")
@click.option("--json", "as_json", is_flag=True, help="JSON.")
def command(what: str | None, note: str, as_json: bool) -> None:
    from plait.cli.store import open_store, print_json
    from plait.display.screen import Screen
    from plait.display.text import Text, columns
    from plait.display.words import ago
    from plait.record.pins import list_pins, pin

    store = open_store()
    pins = list_pins(store) if what is None else [pin(store, what, note=note, user=user())]
    if as_json:
        print_json(pin_object(pins[0]) if what is not None else [pin_object(one) for one in pins])
        return
    screen = Screen(sys.stdout)
    if what is not None:
        screen.write([Text("pinned ", "done").add(f"{pins[0].kind} ").add(pins[0].id, "name")])
    elif not pins:
        screen.write(["nothing is pinned"])
    else:
        rows = [
            [
                one.kind,
                Text(one.id, "name"),
                ago(one.since),
                Text(one.pinned_by, "dim"),
                Text(one.note, "dim"),
            ]
            for one in pins
        ]
        screen.write(columns(rows, width=screen.width, shrink=(4, 1), indent=0))


def pin_object(pin: Any) -> dict[str, Any]:
    return {
        "kind": pin.kind,
        "id": pin.id,
        "note": pin.note,
        "pinned_at": pin.since.isoformat(),
        "pinned_by": pin.pinned_by,
    }


def user() -> str:
    """Who is at the keyboard; empty where the account has no name."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # an account without a name, as in some containers
        return ""
