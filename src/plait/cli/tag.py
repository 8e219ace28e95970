"""``plait tag``: which words are runs found by?"""

from __future__ import annotations

import sys

import click

__all__ = ["command"]


@click.command(
    "tag",
    help="""Put tags on a run, or take them off; without TAG list those that it has.

RUN is an id, a unique beginning of one, or `latest`. Runs are found by them: `plait ui`, tag:nightly.""",
)
@click.argument("run_id", metavar="RUN")
@click.argument("tags", nargs=-1, metavar="[TAG]...")
@click.option("--remove", "-r", multiple=True, metavar="TAG", help="Take this one off; may be repeated.")
@click.option("--json", "as_json", is_flag=True, help="JSON.")
def command(run_id: str, tags: tuple[str, ...], remove: tuple[str, ...], as_json: bool) -> None:
    from plait.cli.pin import user
    from plait.cli.store import open_store, print_json
    from plait.display.screen import Screen
    from plait.display.text import Text
    from plait.record.annotations import tag_run

    store = open_store()
    run = store.run(run_id)
    found = tag_run(store, run.key, tags, remove, user())
    if as_json:
        print_json({"run": run.id, "tags": list(found)})
        return
    line = Text("run ").add(run.id, "name")
    Screen(sys.stdout).write([line.add(f"  {', '.join(found)}" if found else "  has no tags")])
