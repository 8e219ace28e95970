"""What is kept whatever its age? Runs and artifacts that somebody has pinned."""

from __future__ import annotations

import datetime
import time
from typing import Literal

from msgspec import Struct

from plait.errors import RecordError
from plait.record.store import RecordStore

__all__ = ["Pin", "list_pins", "pin", "pinned", "unpin"]


class Pin(Struct, frozen=True):
    """A run or an artifact that is kept, by whom, since when and what for."""

    kind: Literal["run", "artifact"]
    id: str
    note: str
    pinned_at: float
    pinned_by: str

    @property
    def since(self) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(self.pinned_at).astimezone()


def pin(store: RecordStore, name: str, *, note: str = "", user: str = "") -> Pin:
    """Keep a run or an artifact; pinned again it takes the new note.

    Args:
        name: the id of a run or of an artifact, a unique beginning of one, or ``latest``.

    Raises:
        RecordError: there is neither, or there are several.
    """
    kind, found = _find(store, name)
    made = Pin(kind, found, note, time.time(), user)
    with store.database.transaction():
        store.database.execute(
            "INSERT INTO pin (kind, id, note, pinned_at, pinned_by) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (kind, id) DO UPDATE SET note = excluded.note",
            (made.kind, made.id, made.note, made.pinned_at, made.pinned_by),
        )
    return made


def unpin(store: RecordStore, name: str) -> Pin:
    """Keep it no longer than anything else.

    Raises:
        RecordError: it is not pinned, or several pinned ones begin so.
    """
    if name == "latest":
        name = store.run(name).id
    matching = [one for one in list_pins(store) if one.id.startswith(name)]
    exact = [one for one in matching if one.id == name]
    if len(exact or matching) != 1:
        known = ", ".join(one.id[:12] for one in matching or list_pins(store))
        what = f"several pins begin with {name!r}" if matching else f"{name!r} is not pinned"
        raise RecordError(what, hint=f"pinned: {known}" if known else "nothing is pinned")
    found = (exact or matching)[0]
    with store.database.transaction():
        store.database.execute("DELETE FROM pin WHERE kind = ? AND id = ?", (found.kind, found.id))
    return found


def list_pins(store: RecordStore) -> list[Pin]:
    rows = store.database.rows("SELECT kind, id, note, pinned_at, pinned_by FROM pin ORDER BY pinned_at")
    return [Pin(*row) for row in rows]


def pinned(store: RecordStore, kind: Literal["run", "artifact"]) -> set[str]:
    """The ids of all that is pinned of a kind."""
    return {row[0] for row in store.database.rows("SELECT id FROM pin WHERE kind = ?", (kind,))}


def _find(store: RecordStore, name: str) -> tuple[Literal["run", "artifact"], str]:
    try:
        return "run", store.run(name).id
    except RecordError as no_run:
        if "several" in no_run.what or len(name) < 4 or name == "latest":
            raise
        escaped = name.replace("!", "!!").replace("%", "!%").replace("_", "!_")
        rows = store.database.rows(
            "SELECT id FROM artifact WHERE id LIKE ? ESCAPE '!' LIMIT 3", (f"{escaped}%",)
        )
        if len(rows) > 1 and (name,) not in rows:
            several = ", ".join(row[0] for row in rows)
            raise RecordError(
                f"several artifacts begin with {name!r}: {several}", hint="write more of it"
            ) from None
        if not rows:
            raise RecordError(
                f"there is no run and no artifact {name!r}",
                hint=f"{no_run.hint}; an artifact's id is in plait show RUN --json; one of at most 4 kB lies in"
                " the records themselves: pin its run",
            ) from None
        return "artifact", name if (name,) in rows else rows[0][0]
