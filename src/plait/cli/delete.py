"""``plait delete``: how does a run go, with all that only it needs?"""

from __future__ import annotations

import click

__all__ = ["command"]


@click.command(
    "delete",
    help="""Delete runs: their rows, and the results that nothing else needs.

RUN is an id, a unique beginning of one, or `latest`. What later runs took from it stays, for them and the cache.""",
)
@click.argument("run_ids", nargs=-1, required=True, metavar="RUN...")
@click.option("--dry-run", "-n", is_flag=True, help="Only say what would go.")
@click.option("--json", "as_json", is_flag=True, help="A JSON object.")
def command(run_ids: tuple[str, ...], dry_run: bool, as_json: bool) -> None:
    from plait.cli.gc import show_collected
    from plait.cli.store import open_store
    from plait.record.gc import collect

    store = open_store()
    found = {run.id: run for run in (store.run(run_id) for run_id in run_ids)}
    show_collected(collect(store, list(found.values()), dry_run=dry_run), as_json=as_json)
