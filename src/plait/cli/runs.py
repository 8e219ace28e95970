"""``plait runs``: what has run so far?"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from plait.display.text import Text
    from plait.record.annotations import Annotations
    from plait.record.views import Run

__all__ = ["command", "run_object"]

STATUSES = ("running", "done", "failed", "cancelled", "crashed")


@click.command("runs", help="List the latest runs, newest first.")
@click.option("--limit", "-n", type=click.IntRange(min=1), default=20, show_default=True, help="How many.")
@click.option("--pipeline", metavar="NAME", help="Only those of one pipeline.")
@click.option("--status", type=click.Choice(STATUSES), help="Only those of one status.")
@click.option("--tag", metavar="TAG", help="Only those with this tag.")
@click.option("--json", "as_json", is_flag=True, help="A JSON list.")
def command(limit: int, pipeline: str | None, status: str | None, tag: str | None, as_json: bool) -> None:
    from plait.cli.store import open_store, print_json
    from plait.record.annotations import Annotations, annotations_of

    store = open_store()
    found = store.runs(limit=None if status or tag else limit, pipeline=pipeline)
    said = annotations_of(store, [run.key for run in found])
    if tag:
        found = [run for run in found if tag in said.get(run.key, Annotations()).tags][:limit]
    if status:
        found = [run for run in found if run.status == status][:limit]
    if as_json:
        print_json([run_object(run, said.get(run.key)) for run in found])
        return
    from plait.display.screen import Screen

    screen = Screen(sys.stdout)
    screen.write(_table(found, said, screen.width) if found else [_none(store, pipeline, status, tag)])


def run_object(run: Run, said: Annotations | None = None) -> dict[str, Any]:
    """A run as JSON, without what is inside it."""
    return {
        **({"name": said.name or None, "tags": list(said.tags), "note": said.note} if said else {}),
        "id": run.id,
        "pipeline": run.pipeline,
        "target": run.target,
        "status": run.status,
        "reason": run.reason,
        "started_at": run.started_at.isoformat(),
        "ended_at": run.ended_at.isoformat() if run.ended_at else None,
        "seconds": run.seconds,
        "executor": run.executor,
        "user": run.user,
        "host": run.host,
        "params": run.params,
    }


def _none(store: Any, pipeline: str | None, status: str | None, tag: str | None) -> str:
    if tag:
        from plait.errors import did_you_mean
        from plait.record.annotations import tags_in_use

        hint = did_you_mean(tag, tags_in_use(store))
        return f"no run has the tag {tag!r}" + (f"\n  → {hint}" if hint else "")
    if pipeline:
        from plait.errors import did_you_mean

        hint = did_you_mean(pipeline, {run.pipeline for run in store.runs(limit=200)})
        return f"no run of {pipeline!r}" + (f"\n  → {hint}" if hint else "")
    return f"no run is {status}" if status else "no runs yet\n  → plait run TARGET"


def _table(found: list[Run], said: dict[int, Annotations], width: int) -> list[Text]:
    from plait.display.text import Text, columns
    from plait.display.words import ago, seconds, state

    differing = _differing(found)
    header = [Text(name, "dim") for name in ("id", "pipeline", "status", "started", "took", "parameters")]
    rows = [
        [
            Text(run.id, "name"),
            Text(run.pipeline),
            state(run.status),
            Text(ago(run.started_at)),
            Text(seconds(run.seconds)),
            _said(said.get(run.key)).add(_params(run, differing), "dim"),
        ]
        for run in found
    ]
    return columns([header, *rows], width=width, right=(4,), shrink=(5, 1), indent=0)


def _said(said: Annotations | None) -> Text:
    """The name and the tags of a run, before its parameters."""
    from plait.display.text import Text

    text = Text("")
    if said is not None and said.name:
        text = text.add(f"{said.name}  ")
    if said is not None and said.tags:
        text = text.add(" ".join(f"#{tag}" for tag in said.tags) + "  ", "name")
    return text


def _differing(found: list[Run]) -> dict[str, set[str]]:
    """For each pipeline the parameters that are not the same in all of its listed runs."""
    values: dict[str, dict[str, set[str]]] = {}
    counts: dict[str, int] = {}
    for run in found:
        counts[run.pipeline] = counts.get(run.pipeline, 0) + 1
        for name, value in run.params.items():
            values.setdefault(run.pipeline, {}).setdefault(name, set()).add(repr(value))
    return {
        pipeline: {name for name, seen in by_name.items() if len(seen) > 1}
        for pipeline, by_name in values.items()
    }


def _params(run: Run, differing: dict[str, set[str]]) -> str:
    from plait.display.words import value_text

    names = differing.get(run.pipeline, set())
    return ", ".join(f"{name}={value_text(value, 32)}" for name, value in run.params.items() if name in names)
