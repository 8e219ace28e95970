"""What can be done with runs: cancel, resume, run again, tag, note, name, pin, delete."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Body

from plait.errors import PlaitError
from plait.launch.cancel import cancel as cancel_run
from plait.record.annotations import name_run, note_run, tag_run
from plait.record.gc import collect
from plait.record.pins import pin, unpin
from plait.record.store import RecordStore
from plait.server.answers import changes
from plait.server.context import At
from plait.server.launches import Launch
from plait.server.problems import Refusal
from plait.server.shapes import Bulk, Done, Failed, RunStatus, Tags, Text
from plait.server.starting import rerun, resume_run

__all__ = ["router"]

router = APIRouter(tags=["actions"])
Payload = Annotated[dict[str, Any], Body()]
_MOST = 1_000
_CANCEL_SECONDS = 5.0


_CANCEL_SECONDS = 5.0


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        return ""


@changes(router, "POST", "/runs/{run}/cancel", RunStatus)
def cancel(at: At, run: str) -> Any:
    with at.run(run) as found:
        return RunStatus(found.id, _cancel(found.store, found.id))


def _cancel(store: RecordStore, run: str) -> str:
    """Asks the run to end, and waits a few seconds for it: what is slower is seen live."""
    return cancel_run(store.run(run), by=_user(), timeout=_CANCEL_SECONDS)


@changes(router, "POST", "/runs/{run}/resume", Launch, status=202)
def resume(at: At, run: str) -> Any:
    with at.run(run) as found:
        return resume_run(at, found)


@changes(router, "POST", "/runs/{run}/rerun", Launch, status=202)
def again(at: At, run: str, said: Annotated[dict[str, Any] | None, Body()] = None) -> Any:
    with at.run(run) as found:
        return rerun(at, found, said or {})


@changes(router, "PUT", "/runs/{run}/tags", Tags)
def tags(at: At, run: str, said: Payload) -> Any:
    with at.run(run) as found:
        add, remove = _texts(said, "add"), _texts(said, "remove")
        return Tags(list(tag_run(found.store, found.key, add, remove, _user())))


def _texts(said: dict[str, Any], name: str) -> list[str]:
    found = said.get(name) or []
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise Refusal(400, "invalid", f"{name} is a list of texts")
    return found


@changes(router, "PUT", "/runs/{run}/note", Text)
def note(at: At, run: str, said: Payload) -> Any:
    with at.run(run) as found:
        return Text(note_run(found.store, found.key, str(said.get("text") or ""), _user()))


@changes(router, "PUT", "/runs/{run}/name", Text)
def name(at: At, run: str, said: Payload) -> Any:
    with at.run(run) as found:
        return Text(name_run(found.store, found.key, str(said.get("name") or ""), _user()))


@changes(router, "PUT", "/runs/{run}/pin", Done)
def keep(at: At, run: str, said: Payload) -> Any:
    with at.run(run) as found:
        _pin(found.store, found.id, bool(said.get("pinned")), str(said.get("note") or ""))
        return Done(True)


def _pin(store: RecordStore, run: str, pinned: bool, note: str = "") -> None:
    there = store.database.row("SELECT 1 FROM pin WHERE kind = 'run' AND id = ?", (run,)) is not None
    if pinned:
        pin(store, run, note=note, user=_user())
    elif there:
        unpin(store, run)


@changes(router, "DELETE", "/runs/{run}", Done)
def delete(at: At, run: str) -> Any:
    with at.run(run) as found:
        collect(found.store, [found])
        return Done(True)


@changes(router, "POST", "/runs/bulk", Bulk)
def several(at: At, said: Payload) -> Any:
    runs = _texts(said, "runs")
    if len(runs) > _MOST:
        raise Refusal(413, "too_large", f"{_MOST} runs at once, at most")
    action = str(said.get("action"))
    chosen = _texts(said, "tags")
    done: list[str] = []
    failed: list[Failed] = []
    with at.store() as store:
        actions: dict[str, Callable[[str], Any]] = {
            "tag": lambda run: tag_run(store, store.run(run).key, chosen, (), _user()),
            "untag": lambda run: tag_run(store, store.run(run).key, (), chosen, _user()),
            "pin": lambda run: _pin(store, store.run(run).id, True),
            "unpin": lambda run: _pin(store, store.run(run).id, False),
            "delete": lambda run: collect(store, [store.run(run)]),  # one that cannot go keeps no other
            "cancel": lambda run: _cancel(store, run),
            "resume": lambda run: resume_run(at, store.run(run)),
        }
        if action not in actions:
            raise Refusal(400, "invalid", f"runs cannot be {action!r}: there is {', '.join(actions)}")
        for run in runs:
            try:
                actions[action](run)
                done.append(run)
            except (PlaitError, Refusal) as error:
                said_why = error.what if isinstance(error, PlaitError) else error.problem.message
                failed.append(Failed(run, said_why))
    return Bulk(done, failed)
