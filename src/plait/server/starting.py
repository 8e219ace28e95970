"""Which words start a run from the browser, and which run did a process begin?"""

from __future__ import annotations

from typing import Any

import msgspec

from plait.record.annotations import make_annotations
from plait.record.recipe import Recipe, recipe_of, started_from_code
from plait.record.store import RecordStore
from plait.record.views import Run
from plait.server.context import Context
from plait.server.launches import Launch, texts
from plait.server.problems import Refusal

__all__ = ["rerun", "resume_run", "run_of_process", "start_run"]


def start_run(at: Context, recipe: Recipe, folder: str, said: dict[str, Any]) -> Launch:
    """Start a run in a folder.

    Args:
        said: what the form says beside it: params and env over those of the recipe, executor, workers, cache, refresh,
            tags, note, name.
    """
    params = {**recipe.params, **texts(said.get("params") or {})}
    env = str(said["env"]) if said.get("env") not in (None, "") else recipe.env
    words = msgspec.structs.replace(recipe, params=params, env=env).words()
    for option in ("executor", "workers"):
        if said.get(option) not in (None, ""):
            words += [f"--{option}", str(said[option])]
    if said.get("cache") is False:
        words.append("--no-cache")
    for step in said.get("refresh") or ():
        words += ["--refresh", str(step)]
    checked = make_annotations(
        name=str(said.get("name") or ""), note=str(said.get("note") or ""), tags=said.get("tags") or ()
    )
    for tag in checked.tags:
        words += ["--run-tag", tag]
    if checked.note:
        words += ["--note", checked.note]
    if checked.name:
        words += ["--name", checked.name]
    return at.launches.start(words, folder=folder)


def resume_run(at: Context, run: Run) -> Launch:
    """Go on with a run, in a process of its own.

    Raises:
        Refusal: it goes on, is done, or came from code that no file can be asked for.
    """
    status = run.status
    if status in ("running", "done"):
        raise Refusal(409, "conflict", f"run {run.id} is {status}")
    if started_from_code(run):
        raise Refusal(
            409, "conflict", f"run {run.id} was started from Python", f"plait.resume({run.id!r}, pipeline=…)"
        )
    return at.launches.start(["resume", run.id], folder=_folder(at, recipe_of(run)))


def rerun(at: Context, run: Run, said: dict[str, Any]) -> Launch:
    """Run the same part of the same pipeline with the same parameters again, some of them changed.

    A parameter that was a secret is not recorded: the conf has it.

    Raises:
        Refusal: the run came from code, or was of a part that cannot be typed.
    """
    if started_from_code(run):
        raise Refusal(
            409, "conflict", f"run {run.id} was started from Python, so no file can be asked for its pipeline"
        )
    recipe = recipe_of(run)
    if len(recipe.selections) > 1:
        raise Refusal(
            409,
            "conflict",
            f"run {run.id} was of a part of a part of a pipeline",
            "choose it again in Python",
        )
    return start_run(at, recipe, _folder(at, recipe), said)


def _folder(at: Context, recipe: Recipe) -> str:
    return recipe.folder or str(at.settings.root)


def run_of_process(store: RecordStore, pid: int, since: float) -> str | None:
    """The id of the run that a process has begun, or went on with, since a time."""
    row = store.database.row(
        "SELECT id FROM run WHERE pid = ? AND heartbeat_at >= ? ORDER BY heartbeat_at DESC LIMIT 1",
        (pid, since - 1.0),
    )
    return row[0] if row else None
