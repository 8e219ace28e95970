"""``plait note``: what is there to say of a run?"""

from __future__ import annotations

import sys

import click

__all__ = ["command"]


@click.command(
    "note",
    help="""Write a note to a run in place of the one it has; without TEXT show what is said of it.

RUN is an id, a unique beginning of one, or `latest`. An empty TEXT takes the note away.""",
)
@click.argument("run_id", metavar="RUN")
@click.argument("text", required=False)
@click.option("--name", metavar="NAME", help="Give the run a name, for people; an empty one takes it away.")
@click.option("--json", "as_json", is_flag=True, help="JSON.")
def command(run_id: str, text: str | None, name: str | None, as_json: bool) -> None:
    from plait.cli.pin import user
    from plait.cli.store import open_store, print_json
    from plait.display.screen import Screen
    from plait.display.text import Text, clean
    from plait.record.annotations import Annotations, annotations_of, name_run, note_run

    store = open_store()
    run = store.run(run_id)
    if text is not None:
        note_run(store, run.key, text, user())
    if name is not None:
        name_run(store, run.key, name, user())
    said = annotations_of(store, [run.key]).get(run.key, Annotations())
    if as_json:
        print_json({"run": run.id, "name": said.name or None, "note": said.note, "tags": list(said.tags)})
        return
    lines = [Text("run ").add(run.id, "name").add(f"  {clean(said.name)}" if said.name else "")]
    lines += [Text("  ").add(clean(line)) for line in said.note.splitlines()] or [Text("  no note", "dim")]
    Screen(sys.stdout).write(lines)
