"""``plait show``: how did a run go, or what would a pipeline do?"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from plait.cli.asking import selection_options
from plait.errors import RecordError, TargetError, did_you_mean, nearest

if TYPE_CHECKING:
    from plait.graph.model import Graph
    from plait.graph.selection import Selection
    from plait.record.views import Run

__all__ = ["command"]

_ID_LETTERS = frozenset("0123456789abcdefghjkmnpqrstvwxyz")


@click.command(
    "show",
    help="""Show a run, or the graph of a pipeline before it runs.

WHAT is the id of a run, a unique beginning of one, `latest` (the default), or a TARGET as for plait run.""",
)
@click.argument("what", default="latest", metavar="[RUN|TARGET]")
@selection_options
@click.option(
    "--open",
    "opened",
    multiple=True,
    metavar="GROUP",
    help="Show the steps of this group; '*' for all groups.",
)
@click.option("--mermaid", is_flag=True, help="A flowchart in Mermaid's language.")
@click.option("--json", "as_json", is_flag=True, help="A JSON object.")
def command(
    what: str,
    selection: Selection,
    opened: tuple[str, ...],
    mermaid: bool,
    as_json: bool,
) -> None:
    run = find_run(what)
    opened = opened or selection.groups
    if run is not None:
        _show_run(run, selection, opened, mermaid=mermaid, as_json=as_json)
    else:
        _show_target(what, selection, opened, mermaid=mermaid, as_json=as_json)


def find_run(what: str) -> Run | None:
    """The run that a text means; None when it can only be a target, or there is no such run."""
    from plait.cli.store import open_store

    if what != "latest" and not _ID_LETTERS.issuperset(what):
        return None
    if what == "latest":
        return open_store().run()
    try:
        store = open_store()
    except RecordError as error:
        if not error.nothing:
            raise
        return None
    begins = "SELECT 1 FROM run WHERE substr(id, 1, ?) = ?"
    return store.run(what) if store.database.row(begins, (len(what), what)) else None


def _show_run(
    run: Run, selection: Selection, opened: tuple[str, ...], *, mermaid: bool, as_json: bool
) -> None:
    from plait.graph.selection import choose

    nodes = choose(run.graph, selection) if selection else None
    if mermaid:
        from plait.display.mermaid import mermaid_text
        from plait.display.steps import progress_of

        sys.stdout.write(mermaid_text(run.graph, progress_of(run), opened=opened, nodes=nodes))
        return
    if as_json:
        from plait.cli.store import print_json
        from plait.display.document import run_document

        print_json(run_document(run))
        return
    from plait.display.page import run_page
    from plait.display.screen import Screen

    screen = Screen(sys.stdout)
    screen.write(run_page(run, screen.width, opened=opened, nodes=nodes))


def _show_target(
    what: str, selection: Selection, opened: tuple[str, ...], *, mermaid: bool, as_json: bool
) -> None:
    import msgspec

    from plait.cli.problems import describing
    from plait.launch.prepare import project_of, trace_in
    from plait.project.discover import find_pipeline

    try:
        found = find_pipeline(what)
    except TargetError as error:
        if nearest(what, ["latest"]) and error.__cause__ is None:
            raise TargetError(
                f"there is no run and no pipeline {what!r}", hint=did_you_mean(what, ["latest"])
            ) from None
        if _ID_LETTERS.issuperset(what) and error.__cause__ is None:
            raise TargetError(
                f"there is no run and no pipeline {what!r}", hint=error.hint or "plait runs lists the runs"
            ) from None
        raise
    chosen = found.pipeline.select(**msgspec.structs.asdict(selection))
    with describing(found.pipeline.name):
        graph: Graph = trace_in(chosen, project_of(chosen)).graph
    if mermaid:
        from plait.display.mermaid import mermaid_text

        sys.stdout.write(mermaid_text(graph, opened=opened))
        return
    if as_json:
        sys.stdout.write(graph.to_json().decode() + "\n")
        return
    from plait.display.page import pipeline_page
    from plait.display.screen import Screen
    from plait.launch.prepare import filled_in

    screen = Screen(sys.stdout)
    known = filled_in(chosen, more=[spec.name for spec in graph.inputs])
    screen.write(pipeline_page(chosen, graph, screen.width, found.text, known, opened=opened))
