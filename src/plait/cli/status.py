"""``plait status``: which results are up to date?"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from plait.display.text import Text
    from plait.graph.pipeline import Definition
    from plait.launch.status import OutputStatus, PipelineStatus
    from plait.record.store import RecordStore

__all__ = ["command"]


@click.command(
    "status",
    help="""Tell which datasets and results are up to date, and why the others are not.

TARGETs are as for plait run; all pipelines of the project if left out. Each pipeline is looked at with what was typed
for its last run in the environment, and with its code, conf and data as they are now.""",
)
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option("--env", "-e", metavar="ENV", help="The environment of the conf; PLAIT_ENV, else local.")
@click.option(
    "--paranoid", is_flag=True, help="Read every data file anew, even if its size and times are known."
)
@click.option("--check", is_flag=True, help="Leave with 2 when something is not up to date.")
@click.option("--json", "as_json", is_flag=True, help="A JSON list.")
def command(targets: tuple[str, ...], env: str | None, paranoid: bool, check: bool, as_json: bool) -> int:
    from plait.launch.status import pipeline_status
    from plait.project.place import home_of
    from plait.project.project import Project
    from plait.record.store import open_records

    found: list[tuple[PipelineStatus, RecordStore]] = []
    stores: dict[Path, RecordStore] = {}
    for definition in _definitions(targets):
        root = home_of(definition.file)[0]
        if root not in stores:
            stores[root] = open_records(Project(root, env), create=True)
        store = stores[root]
        found.append((pipeline_status(store, definition, env=env, paranoid=paranoid), store))
    if as_json:
        from plait.cli.store import print_json

        print_json([_object(status, store) for status, store in found])
    else:
        from plait.display.screen import Screen

        screen = Screen(sys.stdout)
        screen.write(_lines(found, screen.width))
    return 2 if check and not all(status.is_up_to_date for status, _ in found) else 0


def _definitions(targets: tuple[str, ...]) -> Iterator[Definition]:
    from plait.errors import TargetError
    from plait.project.discover import find_pipeline, pipeline_names, project_at

    if targets:
        for target in targets:
            yield find_pipeline(target).pipeline
        return
    project = project_at(Path.cwd())
    names = list(pipeline_names(project)) if project is not None else list(_recorded_targets())
    if not names:
        raise TargetError(
            "there is no project here, and nothing has run", hint="name a pipeline: plait status TARGET"
        )
    for name in names:
        yield find_pipeline(name).pipeline


def _recorded_targets() -> Iterator[str]:
    """Outside a project: what has run here, each pipeline by the target that it was last run by."""
    from plait.cli.store import open_store
    from plait.errors import RecordError

    try:
        store = open_store()
    except RecordError:
        return
    seen: set[str] = set()
    for run in store.runs(limit=200):
        file = run.target.partition(":")[0]
        if run.pipeline not in seen and (not file.endswith(".py") or Path(file).is_file()):
            seen.add(run.pipeline)
            yield run.target


def _lines(found: list[tuple[PipelineStatus, RecordStore]], width: int) -> list[Text]:
    from plait.display.text import Text, columns

    lines: list[Text] = []
    for status, store in found:
        if lines:
            lines.append(Text())
        head = Text(status.pipeline, "bold")
        if status.problem:
            lines.append(head.add(f"  {status.problem}", "warning").cut(width))
            continue
        if status.is_up_to_date:
            head.add("  up to date", "done")
        lines.append(head)
        rows = [_row(one, store) for one in status.outputs]
        lines += columns(rows, width=width, shrink=(3, 0))
    return lines


def _row(one: OutputStatus, store: RecordStore) -> list[Text]:
    from plait.display.text import Text
    from plait.display.words import ago

    style = {"up to date": "done", "stale": "warning", "never made": "dim"}[one.state]
    sign = {"up to date": "✓", "stale": "!", "never made": "·"}[one.state]
    when = Text("made ", "dim") if one.run else Text()
    if one.made_at:
        when.add(f"{ago(one.made_at)} ", "dim")
    if one.run:
        when.add("by run ", "dim").add(one.run, "name")
    return [
        Text(sign, style).add(f" {one.output}", "" if one.place else "dim"),
        Text(one.state, style),
        when,
        Text(_why(one, store), "dim"),
    ]


def _why(one: OutputStatus, store: RecordStore) -> str:
    from plait.display.why import headline

    if not one.reason:
        return ""
    said = (headline(one.why, store.artifacts) or one.why.decision) if one.why is not None else ""
    return f"{one.reason}: {said}" if said else f"{one.reason} would run"


def _object(status: PipelineStatus, store: RecordStore) -> dict[str, Any]:
    return {
        "pipeline": status.pipeline,
        "up_to_date": status.is_up_to_date,
        "last_run": status.last_run or None,
        "problem": status.problem or None,
        "outputs": [
            {
                "output": one.output,
                "place": one.place or None,
                "state": one.state,
                "run": one.run or None,
                "made_at": one.made_at.isoformat() if one.made_at else None,
                "why": _why(one, store) or None,
            }
            for one in status.outputs
        ],
    }
