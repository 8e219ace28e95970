"""Which words start a run from the browser, and which run did a process begin?"""

from __future__ import annotations

from typing import Any

from plait.project.secrets import MASK
from plait.record.annotations import make_annotations
from plait.record.runview import started_from_code
from plait.record.store import RecordStore
from plait.record.views import Run
from plait.server.context import Context
from plait.server.launches import Launch, assignments
from plait.server.problems import Refusal

__all__ = ["rerun", "resume_run", "run_of_process", "start_run"]


def start_run(at: Context, target: str, folder: str, said: dict[str, Any]) -> Launch:
    """Start a run of a target.

    Args:
        said: what the form says: params, env, executor, workers, cache, refresh, tags, note, name.
    """
    words = ["run", target, *assignments(said.get("params") or {})]
    for option in ("env", "executor", "workers"):
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
    return at.launches.start(["resume", run.id], folder=_folder(at, run))


def rerun(at: Context, run: Run, said: dict[str, Any]) -> Launch:
    """Run the same pipeline with the same parameters again, some of them changed.

    Raises:
        Refusal: a parameter was a secret and so is not recorded, or the run came from code.
    """
    if started_from_code(run):
        raise Refusal(
            409, "conflict", f"run {run.id} was started from Python, so no file can be asked for its pipeline"
        )
    changed = dict(said.get("params") or {})
    params = {
        name: _typed(value)
        for name, value in run.params.items()
        if run.origins.get(name) not in ("default", "catalog", "literal") and _is_value(value)
    }
    hidden = [name for name, value in params.items() if MASK in str(value) and name not in changed]
    for name in hidden:
        del params[name]  # the conf has it
    return start_run(at, run.target, _folder(at, run), {**said, "params": {**params, **changed}})


def _is_value(value: Any) -> bool:
    return not (isinstance(value, str) and value.startswith("<"))


def _typed(value: Any) -> Any:
    """A recorded value as an assignment reads it: a text stays a text, though it looks like a number."""
    import msgspec

    return msgspec.json.encode(value, enc_hook=str).decode() if isinstance(value, str) else value


def _folder(at: Context, run: Run) -> str:
    return str(run.facts.get("cwd") or run.facts.get("folder") or at.settings.root)


def run_of_process(store: RecordStore, pid: int, since: float) -> str | None:
    """The id of the run that a process has begun, or went on with, since a time."""
    row = store.database.row(
        "SELECT id FROM run WHERE pid = ? AND heartbeat_at >= ? ORDER BY heartbeat_at DESC LIMIT 1",
        (pid, since - 1.0),
    )
    return row[0] if row else None
